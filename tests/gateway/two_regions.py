"""A company of two regions with one of everything in each, and everybody who might come and look."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db
from werkzeug.test import TestResponse

from gateway import accounts, learners, session_code
from gateway.browser import form_token
from ledger import deliveries, pairs
from ledger.account_tables import AccountRow
from ledger.database import Ledger
from ledger.holes import ALERT
from ledger.import_tables import ImportRow
from ledger.pair_tables import EvidenceRow, NoticeRow, PartRow, SubmissionRow
from ledger.tables import DeviceRow, HourRecordRow, PersonRow, PresenceCheckRow, RosterRow, StreamRow
from tests.gateway.archive_cast import deliver_all
from tests.gateway.cast import NINE, TWELVE, Gateway, attend, company, evening, seen
from tests.gateway.cast import session as add_session
from tests.gateway.pair_cast import PDF, as_learner, part_of, upload, with_pairs

SPARE = "spare"
"""An account on which links are tried out."""
VISIT = "v" * 43

EAST = ("Ann Li", "Bo Wang", "Spring orders", "order-101", "Room 1", "Eastern door", "1001", "1002", "from the east")
WEST = ("Dora West", "Emil West", "Western orders", "west-7", "Raum 9", "Western door", "2001", "2002", "from the west")
"""What gives a region away."""


def gives_away(word: str, text: str) -> bool:
    """Say whether a text holds a word; four digits inside a form's token, which is made by chance, are none."""
    return re.search(rf"(?<![0-9A-Za-z]){re.escape(word)}(?![0-9A-Za-z])", text) is not None


STAFF = {
    "viewer": ("viewer", "east"),
    "viewer elsewhere": ("viewer", "west"),
    "trainer": ("trainer", "east"),
    "trainer elsewhere": ("trainer", "west"),
    "admin": ("admin", None),
    "closed": ("trainer", "east"),
}
LEARNERS = {"learner": "ann", "another": "dora"}
WHO = ("nobody", "closed", "learner", "another", "viewer", "viewer elsewhere", "trainer", "trainer elsewhere", "admin")


@dataclass
class World:
    """The gateway of two regions, the ids of eastern things, and how everybody comes to it."""

    gateway: Gateway
    things: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    def thing(self, name: str) -> str:
        """Return what stands for a thing in an address; links are made when they are asked for."""
        if name in ("in", "choose"):
            with self.gateway.ledger.begin() as db:
                return accounts.link(db, _account(db, SPARE).id, name, actor="test", now=NINE)  # type: ignore[arg-type]
        if name == "code":
            return session_code.token(self.gateway.keys.session, "order-101", self.gateway.clock.now)
        return self.things.get(name, name)

    def come(self, who: str) -> None:
        """Let somebody sign in (again)."""
        mine = {"tandem_visit": VISIT, "tandem_browser": f"browser-{WHO.index(who)}"}
        with self.gateway.ledger.begin() as db:
            if who in STAFF:
                mine["tandem"] = accounts.sign_in(db, _account(db, who), now=self.gateway.clock.now)
            if who in LEARNERS:
                person = db.get_one(PersonRow, LEARNERS[who])
                mine["tandem_learner"] = learners.open_session(db, person, now=self.gateway.clock.now)
        self.cookies[who] = mine

    def form(self, who: str, endpoint: str) -> dict[str, str]:
        """Return the hidden field that this visitor's browser would send to a route."""
        mine = self.cookies[who]
        if endpoint in ("pages.setting_up", "pages.coming_by_link", "pages.choosing"):
            secret = VISIT
        elif endpoint.startswith("phone."):
            secret = mine.get("tandem_learner", mine["tandem_browser"])
        else:
            name = "tandem_learner" if endpoint in ("tasks.hand_in", "inbox.marked", "presence.answer") else "tandem"
            secret = mine.get(name, "")
        return {"form": form_token(secret)}

    def ask(
        self,
        who: str,
        method: str,
        path: str,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """Send a request as somebody, from an address of their own."""
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies[who].items())
        client = self.gateway.app.test_client(use_cookies=False)
        return client.open(
            path,
            method=method,
            data=fields,
            headers={"Cookie": cookie, **(headers or {})},
            environ_base={"REMOTE_ADDR": f"10.0.0.{WHO.index(who)}"},
            buffered=True,
        )


@contextmanager
def two_regions(data: Path) -> Iterator[World]:
    """Make the world once; nothing that is asked of it may change it."""
    ledger = Ledger("sqlite://")
    with ledger.begin() as db:
        company(db)
        deliveries.ensure(db, "local", kind="local")
    world = World(with_pairs(Gateway(ledger), data))
    _work(world.gateway)
    _days(world.gateway)
    _notices_and_devices(world.gateway)
    _accounts(world)
    _things(world)
    yield world
    ledger.close()


def _work(gateway: Gateway) -> None:
    """Ann's part is accepted, Bo's and Emil's wait."""
    assert upload(as_learner(gateway), part_of(gateway)).status_code == 303
    with gateway.ledger.begin() as db:
        pairs.accept(db, db.scalars(sa.select(SubmissionRow.id)).one(), by="ines", now=NINE)
    for person, task in (("bo", "spring-orders"), ("emil", "west-task")):
        part, files = part_of(gateway, "reserve_manager", task), {"optimisation_plan": PDF, "conversation": PDF}
        assert upload(as_learner(gateway, person), part, files).status_code == 303


def _days(gateway: Gateway) -> None:
    """Ann and Emil have hours, Bo and Dora forgot to check out; a nomad and a pilgrim have hours in other regions."""
    with gateway.ledger.begin() as db:
        db.add(PersonRow(id="nomad", region_id="west", number="3001", name="Nina Nomad", role="clerk"))
        db.add(PersonRow(id="pilgrim", region_id="east", number="3002", name="Pia Pilgrim", role="clerk"))
        db.flush()
        pairs.add_pair(db, "pilgrim-bo", program_id="sales", clerk_id="pilgrim", manager_id="bo")
        for session, person in (
            ("west-7", "emil"),
            ("west-7", "pilgrim"),
            ("order-102", "pilgrim"),
            ("order-101", "nomad"),
        ):
            if session == "order-102":
                add_session(db, session, starts_at=TWELVE + timedelta(hours=1))
            db.add(RosterRow(session_id=session, person_id=person))
        db.flush()
        for session, present, forgot in (("order-101", "ann", "bo"), ("west-7", "emil", "dora")):
            attend(db, present, session=session)
            seen(db, forgot, "in", NINE, session=session)
        attend(db, "nomad")
        attend(db, "pilgrim", session="west-7")
        for direction, hours in (("in", 4), ("out", 7)):
            seen(db, "pilgrim", direction, NINE + timedelta(hours=hours), session="order-102")
        evening(db, NINE + timedelta(hours=9))
    deliver_all(gateway.ledger, NINE + timedelta(hours=9), hr=False)


def _notices_and_devices(gateway: Gateway) -> None:
    with gateway.ledger.begin() as db:
        over = NINE - timedelta(hours=1)
        db.add(PresenceCheckRow(id="over", session_id="order-101", asked_at=over, answer_until=over))
        for side, task, room in (("east", "spring-orders", "room-1"), ("west", "west-task", "room-9")):
            text = {"en": f"A word from the {side}.", "zh": f"A word from the {side}."}
            about = {"task": task, "one": "nobody", "partner": "nobody", "text": text}
            db.add(NoticeRow(id=side, person_id="trainer", key=side, kind="forfeited", about=about, made_at=NINE))
            db.add(
                DeviceRow(
                    id=side, site=side, room_id=room, name=f"{side.title()}ern door", signing_key="", sealing_key="",
                    fingerprint="5d15-06c2", registered_at=NINE, confirmed_at=NINE,
                )
            )  # fmt: skip
        db.flush()
        _lost_devices(db)


def _lost_devices(db: Db) -> None:
    """In each region a device was lost with three check-ins on it."""
    for number, (side, room) in enumerate((("east", "room-1"), ("west", "room-9")), 1):
        lost, name = f"lost-{side}", f"{side.title()}ern door"
        db.add(
            DeviceRow(
                id=lost, site=side, room_id=room, name=name, signing_key="", sealing_key="", fingerprint="0c1d-2e3f",
                registered_at=NINE, confirmed_at=NINE, revoked_at=NINE,
            )
        )  # fmt: skip
        db.flush()
        db.add(StreamRow(id=UUID(int=number), device_id=lost, assigned=3, missing_since=NINE - ALERT))


def _accounts(world: World) -> None:
    with world.gateway.ledger.begin() as db:
        for login, (role, region) in {**STAFF, SPARE: ("viewer", "east")}.items():
            regions = [region] if region else None
            accounts.create(db, login, None, role=role, regions=regions, actor="test", now=NINE)
        accounts.close(db, _account(db, "closed").id, actor="test", now=NINE)
    for who in WHO:
        world.come(who)


def _things(world: World) -> None:
    with world.gateway.ledger.read() as db:
        submission = db.scalars(sa.select(SubmissionRow).where(SubmissionRow.state == "accepted")).one()
        world.things = {
            "session": "order-101",
            "person": "bo",
            "archived person": "ann",
            "submission": submission.id,
            "part": db.scalars(
                sa.select(PartRow.id).where(PartRow.task_id == "spring-orders", PartRow.role == "joint")
            ).one(),
            "file": db.scalars(sa.select(EvidenceRow.id).where(EvidenceRow.submission_id == submission.id)).one(),
            "check": "over",
            "record": str(db.scalars(sa.select(HourRecordRow.id).where(HourRecordRow.region_id == "east")).first()),
            "account": _account(db, "admin").id,
            "spare account": _account(db, SPARE).id,
            "import": "import",
            "device": "east",
            "revoked device": "lost-east",
            "stream": str(UUID(int=1)),
        }
    with world.gateway.ledger.begin() as db:
        over = {"made_by": "account:nobody", "made_at": NINE, "ended_at": NINE}
        db.add(ImportRow(id="import", kind="people", state="dropped", **over))
    ticket = world.ask("learner", "GET", f"/c/{world.thing('code')}").location
    world.things["ticket"] = urlsplit(ticket).path.rpartition("/")[2]


def _account(db: Db, login: str) -> AccountRow:
    return db.scalars(sa.select(AccountRow).where(AccountRow.login == login)).one()


def elsewhere(world: World) -> World:
    """Return the same world with addresses of things that are not there."""
    nothing = dict.fromkeys(world.things, "nothing") | {
        "ticket": "00000000-0000-4000-8000-000000000000",
        "record": "00000000-0000-4000-8000-000000000000",
    }
    return replace(world, things=nothing)
