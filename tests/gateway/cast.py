"""The small company of these tests: Ann and Bo on the roster of order-101, their region and room, and who is not."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID, uuid5

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from nacl.public import PrivateKey
from nacl.signing import SigningKey
from sqlalchemy.orm import Session as Db
from werkzeug.test import TestResponse

from attendance.assurance import METHODS
from gateway import accounts, admin, devices, keys
from gateway.keys import Keys
from gateway.settings import GatewaySettings
from gateway.web import create_app
from ledger import feed
from ledger.account_tables import AccountRow
from ledger.check_ins import enter, mark_dirty
from ledger.database import Ledger
from ledger.settlement import settle
from ledger.tables import ConsentRow, CourseRow, PersonRow, RegionRow, RoomRow, RosterRow, SessionRow
from protocol import registration, requests, signing
from protocol.registration import Accepted, Application, BrokerAccount, Standing

NINE = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
"""Nine in Shanghai."""
TWELVE = NINE + timedelta(hours=3)
TODAY = date(2026, 11, 20)
HERE = UUID("5b0f7f6e-4f7a-5a55-9f0f-6e6f6e6f6e6f")
STREAM = UUID("018f3a4e-0000-7000-8000-000000000001")

KEYS = keys.make()
"""Made once: a test that needs other keys makes its own."""

PASSWORD = "correct horse battery"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""A hash says itself how much work it is to compare: with these, signing in is the real thing and takes no time."""


class Compiled(BytecodeCache):
    """Keeps the templates compiled: each application compiles them for itself, and each test has its own."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill in what is known of this template, as long as its source is the same."""
        if known := self._kept.get(bucket.key):
            bucket.bytecode_from_string(known)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template."""
        self._kept[bucket.key] = bucket.bytecode_to_string()


TEMPLATES = Compiled()


@dataclass
class Hands:
    """A clock that stands until a test moves it."""

    now: datetime = NINE

    def __call__(self) -> datetime:
        """Say the time."""
        return self.now


@dataclass
class Gateway:
    """The gateway under test, and somebody who uses it."""

    ledger: Ledger
    settings: GatewaySettings = field(default_factory=lambda: GatewaySettings(broker_port=1884))
    keys: Keys = field(default_factory=lambda: KEYS)
    clock: Hands = field(default_factory=Hands)

    @cached_property
    def app(self) -> Flask:
        """The application, put together when somebody asks for it."""
        app = create_app(self.ledger, self.keys, self.settings, self.clock)
        app.testing = True
        app.jinja_env.bytecode_cache = TEMPLATES
        return app

    def browser(self) -> FlaskClient:
        """Open a browser without cookies."""
        return self.app.test_client()

    def key(self, name: str = "hr", **wishes: Any) -> dict[str, str]:
        """Make an API key and return the header that shows it."""
        with self.ledger.begin() as db:
            made = admin.key_create(db, name, actor="test", now=self.clock.now, **wishes)
        return {"Authorization": f"Bearer {made['key']}"}

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> TestResponse:
        """Ask for something."""
        return self.browser().get(path, headers=headers)


def company(db: Db) -> None:
    """Enter two regions, a room each, and the people of order-101."""
    db.add(RegionRow(id="east", name="East", zone="Asia/Shanghai", rule="cn-45"))
    db.add(RegionRow(id="west", name="West", zone="Europe/Berlin", rule="hour-60"))
    db.flush()
    db.add(RoomRow(id="room-1", region_id="east", name="Room 1"))
    db.add(RoomRow(id="room-2", region_id="east", name="Room 2"))
    db.add(RoomRow(id="room-9", region_id="west", name="Raum 9"))
    db.add(CourseRow(id="order-entry", title="Order entry", title_zh="订单录入", rule=None))
    for id, region, number, name, role in (
        ("ann", "east", "1001", "Ann Li", "clerk"),
        ("bo", "east", "1002", "Bo Wang", "reserve_manager"),
        ("stranger", "east", "1003", "Sam Stranger", "clerk"),
        ("dora", "west", "2001", "Dora West", "clerk"),
    ):
        db.add(PersonRow(id=id, region_id=region, number=number, name=name, role=role, language="en"))
    db.flush()
    session(db, "order-101", people=("ann", "bo"))
    session(db, "west-7", room="room-9", region="west", zone="Europe/Berlin", people=("dora",))


def session(
    db: Db,
    id: str,
    *,
    people: tuple[str, ...] = (),
    room: str = "room-1",
    region: str = "east",
    zone: str = "Asia/Shanghai",
    starts_at: datetime = NINE,
) -> None:
    """Enter a session of three hours with a break of a quarter."""
    pause = [(starts_at + timedelta(minutes=minutes)).isoformat() for minutes in (90, 105)]
    db.add(
        SessionRow(
            id=id, course_id="order-entry", region_id=region, room_id=room, trainer_id=None, starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=3), zone=zone, local_date=TODAY, breaks=[pause],
            methods=list(METHODS), least_assurance="paper", missing_out="review", cancelled=False,
        )
    )  # fmt: skip
    db.flush()
    db.add_all(RosterRow(session_id=id, person_id=person) for person in people)
    db.flush()


def staff(db: Db, login: str, role: str) -> AccountRow:
    """Make an account for the pages, whose password is the one above."""
    row = accounts.create(db, login, None, role=role, actor="test", now=NINE)
    row.password_hash = QUICK.hash(PASSWORD)
    return row


def consent(db: Db, person: str) -> None:
    """Enter a consent to face recognition."""
    db.add(
        ConsentRow(id=f"yes-{person}", person_id=person, purpose="face", version="1", given_at=NINE, withdrawn_at=None)
    )


def seen(
    db: Db,
    person: str | None,
    direction: str,
    at: datetime,
    *,
    session: str | None = "order-101",
    verdict: str = "admitted",
    flags: tuple[str, ...] = (),
    badge: str | None = None,
) -> UUID:
    """Enter a check-in as the door does."""
    id = uuid5(HERE, f"{person} {direction} {at} {session} {badge}")
    line = str(id).encode()
    row = {
        "id": id, "stream": None, "seq": None, "device_id": None, "person_id": person, "session_id": session,
        "room_id": "room-1", "badge": badge, "direction": direction, "method": "static_badge", "at": at,
        "received_at": at, "verdict": verdict, "flags": list(flags), "digest": hashlib.sha256(line).digest(),
        "line": line,
    }  # fmt: skip
    enter(db, [row])
    if person:
        mark_dirty(db, [(person, TODAY, at)])
    return id


def attend(db: Db, person: str, *, session: str = "order-101", leave: datetime = TWELVE) -> None:
    """Let somebody come at nine and leave."""
    seen(db, person, "in", NINE, session=session)
    seen(db, person, "out", leave, session=session)


def evening(db: Db, now: datetime = TWELVE + timedelta(hours=1)) -> None:
    """Settle what happened and number the feed."""
    settle(db, now=now)
    feed.number(db)


@dataclass
class Kiosk:
    """A device with keys of its own."""

    gateway: Gateway
    signing: SigningKey = field(default_factory=SigningKey.generate)
    sealing: PrivateKey = field(default_factory=PrivateKey.generate)
    stream: UUID = STREAM
    id: str = ""

    def application(self, code: str, **changes: Any) -> bytes:
        """Write an application."""
        fields: dict[str, Any] = {
            "code": code,
            "name": "door of room 1",
            "signing_key": registration.public(self.signing),
            "sealing_key": registration.public(self.sealing),
            "stream": self.stream,
        } | changes
        return Application(**fields).line()

    def register(self, code: str, *, key: SigningKey | None = None, **changes: Any) -> TestResponse:
        """Send an application."""
        body = self.application(code, **changes)
        signature = signing.to_base64(signing.sign("registration", body, key or self.signing))
        headers = {requests.SIGNATURE: signature}
        answer = self.gateway.browser().post("/device/v1/registrations", data=body, headers=headers)
        if answer.status_code == 201:
            self.id = Accepted.read(answer.data).device
        return answer

    def headers(self, path: str, **changes: Any) -> dict[str, str]:
        """Sign a request."""
        told: dict[str, Any] = {"device": self.id, "at": self.gateway.clock.now, "key": self.signing} | changes
        return requests.sign_request("GET", path, b"", **told)

    def get(self, path: str, **changes: Any) -> TestResponse:
        """Send a signed request and check the answer's signature, as a kiosk does."""
        headers = self.headers(path, **changes)
        answer = self.gateway.get(path, headers)
        key = self.gateway.keys.gateway.verify_key
        requests.check_answer(answer.data, answer.headers[requests.SIGNATURE], headers, key)
        return answer

    def account(self) -> BrokerAccount:
        """Ask for the broker account."""
        standing = Standing.read(self.get("/device/v1/standing").data)
        return registration.open_account(standing.account or "", self.sealing)


def code(gateway: Gateway, room: str = "room-1") -> str:
    """Make a registration code."""
    with gateway.ledger.begin() as db:
        return devices.make_code(db, room, actor="test", now=gateway.clock.now)


def confirmed(gateway: Gateway, room: str = "room-1") -> Kiosk:
    """Register a kiosk and take it in."""
    kiosk = Kiosk(gateway)
    assert kiosk.register(code(gateway, room)).status_code == 201
    shown = registration.fingerprint(kiosk.signing.verify_key, gateway.keys.gateway.verify_key)
    with gateway.ledger.begin() as db:
        devices.confirm(db, kiosk.id, shown, actor="test", now=gateway.clock.now)
    return kiosk
