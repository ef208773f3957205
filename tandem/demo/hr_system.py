"""A company's HR system as sync meets it: it keeps records by id over real HTTP, and fails when told to."""

import hashlib
import hmac
import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

from flask import Flask, Response, jsonify, request

from tandem.serving import Served

Fault = Literal[
    "server_error",  # answers 500 and keeps nothing
    "slow_answer",  # keeps the records and answers too late
    "garbage",  # keeps the records and answers with something that is no JSON
    "refuse_one",  # refuses every tenth record, or the last of fewer
    "no_list",  # keeps the records and says 200 without saying to what
    "busy",  # answers 429 with a Retry-After in seconds
    "busy_until",  # answers 503 with a Retry-After as a date
    "drop",  # keeps the records and cuts the line in the middle of its answer
    "forget_one",  # keeps the records and leaves the last one out of its answer
    "contradict",  # keeps the records and says both yes and no to the first
    "too_long",  # keeps the records and never stops talking
    "redirect",  # sends the caller somewhere else
    "locked_out",  # answers 403, as to a key that was withdrawn
]
KEEPS_NOTHING = ("server_error", "busy", "busy_until", "redirect", "locked_out")
Stage = Literal["arrived", "kept"]

REFUSED = "cost centre is closed"
UNKNOWN = "it reverses a record that is not here"
PAGE = 500


@dataclass(frozen=True, slots=True)
class Push:
    """One request, as it came."""

    key: str
    ids: tuple[str, ...]


class HrSystem:
    """Listens on this machine; what it holds and what it was asked can be looked at."""

    def __init__(
        self,
        *,
        key: str,
        recognises: bool = True,
        hold: float = 3.0,
        retry_after: int = 2,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Make one that is not listening yet; `recognises=False` is one that counts again what it is sent again."""
        self._clock = clock
        self.key, self.recognises, self.hold, self.retry_after = key, recognises, hold, retry_after
        self.faults: deque[Fault] = deque()
        """What goes wrong with the next requests, one for each."""
        self.poison: set[str] = set()
        """Records for which it answers 422 to the whole batch."""
        self.lines: list[dict[str, Any]] = []
        """Every record that it keeps, in the order of arrival."""
        self.pushes: list[Push] = []
        self.on_push: Callable[[Stage], bool] = lambda stage: True
        """Asked in the middle of a request, so that somebody can pull a plug; False: it is lost on its way in."""
        self._answers: dict[str, tuple[str, list[dict[str, Any]]]] = {}
        self._lock, self._ending = threading.Lock(), threading.Event()
        self._served = Served(self._app(), host="127.0.0.1", port=0)

    def start(self) -> None:
        """Listen."""
        self._served.start()

    def stop(self) -> None:
        """Finish; whoever waits for a slow answer is let go."""
        self._ending.set()
        self._served.stop()

    @property
    def url(self) -> str:
        """Where records are posted to."""
        return f"{self._served.url}/records"

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        """What it keeps, by id."""
        return {line["id"]: line for line in self.lines}

    @property
    def doubled(self) -> list[str]:
        """The records that it counts more than once."""
        return sorted(id for id, count in Counter(line["id"] for line in self.lines).items() if count > 1)

    @property
    def effective(self) -> dict[str, dict[str, Any]]:
        """The records that no reversal has taken back, by id."""
        gone = {line["reverses"] for line in self.lines}
        return {id: line for id, line in self.records.items() if line["kind"] != "reversal" and id not in gone}

    def _app(self) -> Flask:
        app = Flask(__name__)

        @app.before_request
        def authenticate() -> tuple[Response, int] | None:
            shown = request.headers.get("Authorization", "")
            good = hmac.compare_digest(shown.encode(), f"Bearer {self.key}".encode())
            return None if good else (jsonify(error="unknown key"), 401)

        @app.post("/records")
        def take() -> Response | tuple[Response, int]:
            return self._take()

        @app.get("/records")
        def listed() -> Response:
            return self._listed(request.args.get("after", ""), min(int(request.args.get("limit", PAGE)), PAGE))

        @app.get("/records/<id>")
        def one(id: str) -> Response | tuple[Response, int]:
            found = self.records.get(id)
            return jsonify(found) if found else (jsonify(error="not here"), 404)

        return app

    def _take(self) -> Response | tuple[Response, int]:
        key, sent = request.headers.get("Idempotency-Key", ""), request.get_data()
        records = json.loads(sent)["records"]
        if not self.on_push("arrived"):
            return Response(status=500)
        with self._lock:
            self.pushes.append(Push(key, tuple(record["id"] for record in records)))
            if self.poison.intersection(self.pushes[-1].ids):
                return jsonify(error="this cannot be read"), 422
            fault = self.faults.popleft() if self.faults else None
            if fault in KEEPS_NOTHING:
                return self._turned_away(fault)
            digest = hashlib.sha256(sent).hexdigest()
            before = self._answers.get(key) if self.recognises else None
            if before and before[0] != digest:
                return jsonify(error="this key was used for something else"), 422
            said = before[1] if before else self._keep(records, refuse=fault == "refuse_one")
            self._answers[key] = digest, said
        self.on_push("kept")
        return self._answer(fault, said)

    def _keep(self, records: list[dict[str, Any]], *, refuse: bool) -> list[dict[str, Any]]:
        said = []
        for place, record in enumerate(records, 1):
            if refuse and (place % 10 == 0 or place == len(records) < 10):
                said.append({"id": record["id"], "status": "refused", "reason": REFUSED})
            elif record["kind"] == "reversal" and record["reverses"] not in self.records:
                said.append(
                    {"id": record["id"], "status": "refused", "reason": "it reverses a record that is not here"}
                )
            else:
                if not self.recognises or record["id"] not in self.records:
                    self.lines.append(record)
                said.append({"id": record["id"], "status": "accepted"})
        return said

    def _turned_away(self, fault: Fault | None) -> Response:
        status = {"server_error": 500, "busy": 429, "busy_until": 503, "redirect": 307, "locked_out": 403}[str(fault)]
        until = self._clock() + timedelta(seconds=self.retry_after)
        headers = {
            "busy": {"Retry-After": str(self.retry_after)},
            "busy_until": {"Retry-After": format_datetime(until, usegmt=True)},
            "redirect": {"Location": "http://127.0.0.1:9/elsewhere"},
        }
        return Response(status=status, headers=headers.get(str(fault), {}))

    def _answer(self, fault: Fault | None, said: list[dict[str, Any]]) -> Response:
        if fault == "slow_answer":
            self._ending.wait(self.hold)
        if fault == "garbage":
            return Response("<html>It works!</html>", content_type="text/html")
        if fault == "no_list":
            return jsonify(status="ok")
        if fault == "drop":
            return Response(_cut(), headers={"Content-Length": "4096"}, content_type="application/json")
        if fault == "too_long":
            return Response((b" " * 65536 for _ in range(64)), content_type="application/json")
        if fault == "forget_one":
            said = said[:-1]
        if fault == "contradict":
            said = [*said, said[0] | {"status": "refused", "reason": "and no"}]
        return jsonify(records=said)

    def _listed(self, after: str, limit: int) -> Response:
        with self._lock:
            lines = list(self.lines)
        first = int(after) if after.isdigit() else 0
        more = first + limit < len(lines)
        return jsonify(records=lines[first : first + limit], next=str(first + limit) if more else None)


def _cut() -> Iterator[bytes]:
    yield b'{"records": ['
    raise ConnectionResetError


def environment(hr: HrSystem, *, name: str = "hr") -> Mapping[str, str]:
    """Say how sync is told about it, in the environment."""
    archives = [{"name": name, "kind": "rest", "url": hr.url}]
    return {"TANDEM_SYNC_ARCHIVES": json.dumps(archives), f"TANDEM_SYNC_KEY_{name.upper()}": hr.key}
