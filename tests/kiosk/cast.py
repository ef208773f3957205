"""A kiosk in room-1 at nine, with Ann and Bo on the roster of order-101, and a gateway that answers it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx2
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from attendance.assurance import METHODS
from kiosk.clock import ClockState, KioskClock
from kiosk.identity import Identity
from kiosk.look import BadgeSeen
from protocol import badge, registration, requests
from protocol.badge import Badge, DynamicBadge, Kind
from protocol.records import KioskRecord
from protocol.registration import Accepted, BrokerAccount, Standing
from protocol.roster import BadgeKey, Roster, RosterLearner, RosterSession, RosterStaff
from protocol.signing import to_base64

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOON = NINE + timedelta(hours=3)
MINUTE = timedelta(minutes=1)
STREAM = UUID("00000000-0000-4000-8000-000000000001")
BOOT = UUID("00000000-0000-4000-8000-0000000000b0")
SITE = "site000000000001"
DEVICE = "device0000000001"
DEVICE_KEY = SigningKey(b"\1" * 32)
SEALING_KEY = PrivateKey(b"\4" * 32)
GATEWAY_KEY = SigningKey(b"\2" * 32)
BADGE_KEY = SigningKey(b"\3" * 32)
STRANGERS_KEY = SigningKey(b"\5" * 32)
ACCOUNT = BrokerAccount(host="127.0.0.1", port=1883, tls=False, username=DEVICE, password="secret")

ANNS_BADGE = UUID("00000000-0000-4000-8000-00000000a001")
BOS_BADGE = UUID("00000000-0000-4000-8000-00000000b001")
LOST_BADGE = UUID("00000000-0000-4000-8000-00000000a000")
"""Ann's old one, revoked."""
ZOES_BADGE = UUID("00000000-0000-4000-8000-00000000c001")
"""A colleague's, who is on no roster here."""
TINAS_BADGE = UUID("00000000-0000-4000-8000-00000000d001")
"""The trainer's, a staff badge."""
LOST_STAFF_BADGE = UUID("00000000-0000-4000-8000-00000000d000")
"""Her old one, revoked."""
UWES_BADGE = UUID("00000000-0000-4000-8000-00000000e001")
"""A staff badge of somebody who trains elsewhere."""

IDENTITY = Identity(
    device=DEVICE,
    site=SITE,
    stream=STREAM,
    gateway="http://gateway.test",
    gateway_key=registration.public(GATEWAY_KEY),
    signing_seed=to_base64(bytes(DEVICE_KEY)),
    sealing_seed=to_base64(bytes(SEALING_KEY)),
    account=ACCOUNT,
)


@dataclass
class Hands:
    """A clock that stands until a test moves it."""

    now: datetime = NINE
    state: ClockState = "synced"
    behind: timedelta = timedelta(0)
    """How far the wall clock was put back since the start."""

    def __call__(self) -> datetime:
        return self.now

    def kiosk_clock(self) -> KioskClock:
        return KioskClock(
            now=self,
            monotonic=lambda: (self.now - NINE + self.behind).total_seconds(),
            boot=BOOT,
            state=lambda: self.state,
        )

    def put_back(self, span: timedelta) -> None:
        self.now, self.behind = self.now - span, self.behind + span


def a_session(id: str = "order-101", *, starts_at: datetime = NINE, hours: int = 3, **fields: Any) -> RosterSession:
    given: dict[str, Any] = {
        "id": id,
        "course": "orders",
        "title": "Order handling",
        "title_zh": "订单处理",
        "room": "room-1",
        "room_name": "Room 1",
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(hours=hours),
        "zone": "UTC",
        "learners": ("ann", "bo"),
        "methods": METHODS,
        "least_assurance": "paper",
    }
    return RosterSession(**(given | fields))


def a_roster(*sessions: RosterSession, **fields: Any) -> Roster:
    given: dict[str, Any] = {
        "version": "1",
        "made_at": NINE - timedelta(hours=1),
        "good_until": NINE + timedelta(hours=23),
        "room": "room-1",
        "room_name": "Room 1",
        "faces": True,
        "sessions": sessions or (a_session(),),
        "learners": (
            RosterLearner(id="ann", name="Ann Li", role="clerk", badges=(ANNS_BADGE,)),
            RosterLearner(
                id="bo", name="Bo Wang", role="reserve_manager", badges=(BOS_BADGE,), face_consent="consent-1"
            ),
        ),
        "revoked": (LOST_BADGE, LOST_STAFF_BADGE),
        "staff": (RosterStaff(id="tina", name="Tina Xu", badges=(TINAS_BADGE,)),),
        "badge_keys": (BadgeKey(id=1, key=registration.public(BADGE_KEY)),),
    }
    return Roster(**(given | fields))


def shows(
    badge_id: UUID, *, key: SigningKey = BADGE_KEY, expires_at: datetime | None = None, kind: Kind = "learner"
) -> BadgeSeen:
    """Hold a badge up."""
    issued = Badge(id=badge_id, key_id=1, issued_at=NINE - timedelta(days=30), expires_at=expires_at, kind=kind)
    return BadgeSeen(text=badge.issue(issued, key), box=BOX)


def shows_phone(person: str, *, made_at: datetime = NINE, key: SigningKey = BADGE_KEY) -> BadgeSeen:
    """Hold up a phone with the changing code on it."""
    issued = DynamicBadge(person=person, key_id=1, issued_at=made_at)
    return BadgeSeen(text=badge.issue_dynamic(issued, key), box=BOX)


BOX = ((0, 0), (1, 0), (1, 1), (0, 1))


def a_record(seq: int, *, at: datetime = NINE, **fields: Any) -> KioskRecord:
    given: dict[str, Any] = {
        "direction": "in",
        "session": "order-101",
        "room": "room-1",
        "learner": "ann",
        "method": "static_badge",
    }
    return KioskRecord(
        id=UUID(int=seq), stream=STREAM, seq=seq, at=at, monotonic_ms=0, boot=BOOT, clock="synced", **(given | fields)
    )


@dataclass
class GatewayStandIn:
    """Answers as the gateway does: signed, to registered devices only."""

    roster: Roster = field(default_factory=a_roster)
    account: BrokerAccount | None = ACCOUNT
    key: SigningKey = GATEWAY_KEY
    refusal: tuple[int, str] | None = None
    asked: list[httpx2.URL] = field(default_factory=list)
    applications: list[httpx2.Request] = field(default_factory=list)

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=IDENTITY.gateway, transport=httpx2.MockTransport(self.answer))

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url)
        if self.refusal:
            return self._signed(request, self.refusal[0], _problem(self.refusal[1]))
        if request.method == "POST":
            self.applications.append(request)
            accepted = Accepted(device=DEVICE, site=SITE, gateway_key=registration.public(self.key))
            return self._signed(request, 201, accepted.line())
        path = request.url.raw_path.decode()
        headers = {name.title(): value for name, value in request.headers.items()}
        requests.check_request("GET", path, b"", headers, now=_said_time(headers), key=DEVICE_KEY.verify_key)
        return self._signed(request, *self._content(path))

    def _content(self, path: str) -> tuple[int, bytes]:
        parts = urlsplit(path)
        if parts.path == "/device/v1/standing":
            device = registration.public(SEALING_KEY)
            sealed = registration.seal_account(self.account, device) if self.account else None
            return 200, Standing(confirmed=self.account is not None, account=sealed).line()
        if parse_qs(parts.query).get("have") == [self.roster.version]:
            return 204, b""
        return 200, self.roster.line()

    def _signed(self, request: httpx2.Request, status: int, body: bytes) -> httpx2.Response:
        asked = {requests.SIGNATURE: request.headers.get(requests.SIGNATURE, "")}
        return httpx2.Response(status, content=body, headers={requests.SIGNATURE: self._sign(body, asked)})

    def _sign(self, body: bytes, asked: dict[str, str]) -> str:
        return requests.sign_answer(body, asked, self.key)


def _problem(kind: str) -> bytes:
    return b'{"type": "urn:tandem:problem:%s", "title": "No", "detail": "Ask the admin."}' % kind.encode()


def _said_time(headers: dict[str, str]) -> datetime:
    return datetime.fromisoformat(headers[requests.TIME])


def eventually(reached: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Wait for another thread; False if it did not get there."""
    end = time.monotonic() + seconds
    while not reached():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True
