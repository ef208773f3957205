"""What monitoring systems read beside each program: /metrics and /health."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, Flask, Response, jsonify
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from tandem.serving import Served

Health = Callable[[], tuple[dict[str, Any], int]]


def monitor(collectors: Sequence[Collector], health: Health) -> Blueprint:
    """Build the two routes; they ask nobody who they are, so they are for servers on loopback only."""
    pages = Blueprint("monitor", __name__)
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)

    @pages.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    @pages.get("/health")
    def healthy() -> tuple[Response, int]:
        body, status = health()
        return jsonify(body), status

    return pages


@contextmanager
def monitored(port: int | None, collectors: Sequence[Collector], health: Health) -> Iterator[None]:
    """Serve the routes on this machine for as long as the block lasts; without a port there are none."""
    if port is None:
        yield
        return
    app = Flask(__name__)
    app.register_blueprint(monitor(collectors, health))
    served = Served(app, host="127.0.0.1", port=port)
    served.start()
    try:
        yield
    finally:
        served.stop()
