"""The page for monitoring systems, as one of them reads it."""

from collections.abc import Iterator

import httpx2
import pytest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tandem.broker import free_port
from tandem.monitor import monitored

pytestmark = pytest.mark.enable_socket


class Figures(Collector):
    """One figure."""

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("tandem_waiting", "What waits", value=7)


def test_figures_and_health_are_served_on_this_machine_while_the_program_runs() -> None:
    port = free_port("127.0.0.1")
    with monitored(port, [Figures()], lambda: ({"status": "failing"}, 503)):
        figures = httpx2.get(f"http://127.0.0.1:{port}/metrics")
        health = httpx2.get(f"http://127.0.0.1:{port}/health")

    assert "tandem_waiting 7.0" in figures.text
    assert figures.headers["Content-Type"].startswith("text/plain; version=")
    assert (health.status_code, health.json()) == (503, {"status": "failing"})
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"http://127.0.0.1:{port}/health")


def test_without_a_port_nothing_is_served() -> None:
    with monitored(None, [Figures()], lambda: ({}, 200)) as nothing:
        assert nothing is None
