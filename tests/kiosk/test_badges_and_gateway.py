"""Claims about badges from the real gateway at a real desk, and about what the gateway makes of the records."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx2
import pytest
import sqlalchemy as sa

from gateway import badges, devices
from gateway.intake import Message, take_in
from gateway.learners import PER_PERSON_AND_ADDRESS
from gateway.settings import GatewaySettings
from kiosk.answers import Answer
from kiosk.clock import ClockState, KioskClock
from kiosk.desk import Desk
from kiosk.outbox import FILE, Outbox
from kiosk.registration import register
from kiosk.roster import RosterBook
from kiosk.sightings import BadgeSeen
from kiosk.staff import check_pin
from kiosk.uplink import Uplink
from ledger.tables import BadgeRow, CheckInRow, PersonRow
from protocol.roster import StaffPinAnswer
from tests.gateway.cast import NINE, QUICK, Gateway, code, company
from tests.kiosk.cast import BOX
from tests.kiosk.stand_in_broker import BrokerStandIn
from tests.sqlite import in_memory

ADDRESS = "http://gateway.test"
PIN = "730142"


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    ledger = in_memory(company)
    with ledger.begin() as db:
        tina = PersonRow(id="tina", region_id="east", number="3001", name="Tina Xu", role="trainer", language="zh")
        tina.pin_hash = QUICK.hash(PIN)
        db.add(tina)
    yield Gateway(ledger, settings=GatewaySettings(broker_port=1884, staff_pin=True))
    ledger.close()


def client(gateway: Gateway) -> httpx2.Client:
    return httpx2.Client(base_url=ADDRESS, transport=httpx2.WSGITransport(app=gateway.app))


class Door:
    """A kiosk of room-1 that is online unless it is said otherwise."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        self.gateway, self.online = gateway, True
        self.behind = timedelta(0)
        self.line = client(gateway)
        self.identity = register(ADDRESS, code(gateway), name="door", data_dir=folder, client=client(gateway))
        with gateway.ledger.begin() as db:
            devices.confirm(db, self.identity.device, self.identity.fingerprint, actor="test", now=gateway.clock.now)
        self.outbox = Outbox(folder / FILE, stream=self.identity.stream)
        self.book = RosterBook(folder, now=gateway.clock)
        self.clock = KioskClock(now=self._now, monotonic=self._monotonic, boot=uuid4(), state=self._state)
        self.desk = Desk(self.book, self.outbox, self.clock, online=lambda: self.online)
        self.uplink = Uplink(self.identity, self.outbox, account=lambda: None, now=self._now, monotonic=self._monotonic)

    def _now(self) -> datetime:
        return self.gateway.clock.now - self.behind

    def _state(self) -> ClockState:
        return "unknown" if self.behind else "synced"

    def is_set(self) -> None:
        """Let the clock be set, and the kiosk note when its boot began."""
        self.behind = timedelta(0)
        self.outbox.note_boot(self.clock.boot, self.clock.boot_began_at())

    def _monotonic(self) -> float:
        return (self.gateway.clock.now - NINE + timedelta(hours=1)).total_seconds()

    def pulls(self) -> None:
        self.book.pull(self.line, self.identity)

    def sees(self, text: str) -> Answer:
        answer = self.desk.decide(BadgeSeen(text=text, box=BOX))
        assert answer is not None
        return answer

    def sends(self) -> list[tuple[str, str, str | None]]:
        """Send what waits; returns method, verdict and person of all that the ledger holds by now."""
        broker = BrokerStandIn()
        self.uplink.step(broker)
        group = [Message(1, mid, 1, heard.topic, heard.payload) for mid, heard in enumerate(broker.heard, 1)]
        take_in(self.gateway.ledger, group, self.gateway.keys.gateway, self.gateway.clock.now)
        with self.gateway.ledger.read() as db:
            rows = db.scalars(sa.select(CheckInRow).order_by(CheckInRow.seq)).all()
        return [(row.method, row.verdict, row.person_id) for row in rows]

    def tries(self, pin: str) -> StaffPinAnswer | None:
        badge = self.desk.staff_badge()
        assert badge
        return check_pin(self.line, self.identity, badge, pin, at=self.gateway.clock.now)


@pytest.fixture
def door(gateway: Gateway, tmp_path: Path) -> Iterator[Door]:
    door = Door(gateway, tmp_path)
    with closing(door.outbox), closing(door.line):
        yield door


def issued(gateway: Gateway, person: str, *, staff: bool = False) -> tuple[UUID, str]:
    with gateway.ledger.begin() as db:
        row = badges.issue(db, person, gateway.keys, actor="test", now=NINE - timedelta(days=9), staff=staff)
        return row.id, badges.code(row, gateway.keys)


def test_tina_types_her_pin_and_checks_ann_in_by_name_and_bo_by_badge(gateway: Gateway, door: Door) -> None:
    _, tinas = issued(gateway, "tina", staff=True)
    _, bos = issued(gateway, "bo")
    door.pulls()
    opened = door.sees(tinas)

    wrong, right = door.tries("000000"), door.tries(PIN)
    door.desk.staff_unlock(door.desk.staff_badge() or "", checked=True)
    by_name = door.desk.staff_choose("ann", "order-101", "in")
    by_badge = door.sees(bos)

    assert (opened.kind, opened.name) == ("staff", "Tina Xu")
    assert (wrong, right) == (StaffPinAnswer(right=False), StaffPinAnswer(right=True))
    assert by_name is not None
    assert (by_name.kind, by_badge.kind) == ("green", "green")
    assert door.sends() == [("staff", "admitted", "ann"), ("static_badge+staff", "admitted", "bo")]


def test_a_pin_cannot_be_searched(gateway: Gateway, door: Door) -> None:
    _, tinas = issued(gateway, "tina", staff=True)
    door.pulls()
    door.sees(tinas)

    answers = [door.tries("000000") for _ in range(PER_PERSON_AND_ADDRESS)]
    late = door.tries(PIN)

    assert answers == [StaffPinAnswer(right=False)] * PER_PERSON_AND_ADDRESS
    assert late is not None
    assert (late.right, late.wait > 0) == (False, True)


@pytest.mark.parametrize("whose", ["revoked", "a learner's", "nobody's"])
def test_a_pin_beside_a_badge_that_is_none_is_never_right(gateway: Gateway, door: Door, whose: str) -> None:
    revoked, _ = issued(gateway, "tina", staff=True)
    learners, _ = issued(gateway, "tina")
    with gateway.ledger.begin() as db:
        badges.revoke(db, str(revoked), actor="test", now=NINE)
    badge = {"revoked": revoked, "a learner's": learners, "nobody's": uuid4()}[whose]

    answer = check_pin(door.line, door.identity, badge.hex, PIN, at=NINE)

    assert answer == StaffPinAnswer(right=False)


@pytest.mark.parametrize("staff", [False, True], ids=["a learner's", "a staff badge"])
def test_a_badge_that_was_revoked_is_refused_without_a_network(gateway: Gateway, door: Door, staff: bool) -> None:
    id, text = issued(gateway, "tina" if staff else "ann", staff=staff)
    door.pulls()
    before = door.sees(text)
    door.desk.staff_end()
    with gateway.ledger.begin() as db:
        badges.revoke(db, str(id), actor="test", now=gateway.clock.now)
    door.pulls()
    door.online = False
    gateway.clock.now += timedelta(minutes=2)

    after = door.sees(text)

    assert before.kind == ("staff" if staff else "green")
    assert (after.kind, after.code) == ("red", "revoked_badge")
    assert door.sends()[-1][1] == "revoked_badge"


def test_a_staff_badge_that_is_revoked_before_the_kiosk_hears_of_it_checks_nobody_in(
    gateway: Gateway, door: Door
) -> None:
    id, text = issued(gateway, "tina", staff=True)
    door.pulls()
    with gateway.ledger.begin() as db:
        badges.revoke(db, str(id), actor="test", now=NINE - timedelta(hours=1))
    door.online = False
    door.sees(text)

    shown = door.desk.staff_choose("ann", "order-101", "in")

    assert shown is not None
    assert shown.kind == "green"
    assert door.sends() == [("staff", "revoked_badge", "ann")]


def test_the_code_of_a_phone_needs_neither_network_nor_a_badge_on_the_roster(gateway: Gateway, door: Door) -> None:
    door.pulls()
    door.online = False

    answer = door.sees(badges.code_of_phone("ann", gateway.keys, now=gateway.clock.now))

    assert (answer.kind, answer.name) == ("green", "Ann Li")
    with gateway.ledger.read() as db:
        assert db.scalars(sa.select(BadgeRow)).all() == []
    assert door.sends() == [("dynamic_badge", "admitted", "ann")]


@pytest.mark.parametrize(
    ("late", "verdict"),
    [(timedelta(seconds=5), "admitted"), (timedelta(minutes=5), "expired_code")],
    ids=["a code of that moment", "an old one"],
)
def test_a_kiosk_without_a_time_takes_every_code_and_the_gateway_looks_again_when_it_has_one(
    gateway: Gateway, door: Door, late: timedelta, verdict: str
) -> None:
    door.pulls()
    door.behind = timedelta(minutes=10)
    code = badges.code_of_phone("ann", gateway.keys, now=gateway.clock.now)
    gateway.clock.now += late

    answer = door.sees(code)
    first = door.sends()
    door.is_set()
    gateway.clock.now += timedelta(minutes=1)

    assert (answer.kind, answer.code) == ("amber", "time_uncertain")
    assert first == [("dynamic_badge", "admitted", "ann")]
    assert door.sends() == [("dynamic_badge", verdict, "ann")]
    with gateway.ledger.read() as db:
        assert db.scalars(sa.select(CheckInRow.flags)).one() == ["time_corrected"]


def test_a_code_of_the_future_is_on_review_and_credits_nobody(gateway: Gateway, door: Door) -> None:
    door.pulls()
    code = badges.code_of_phone("ann", gateway.keys, now=gateway.clock.now + timedelta(days=30))

    answer = door.sees(code)

    assert (answer.kind, answer.code) == ("amber", "time_uncertain")
    assert door.sends() == [("dynamic_badge", "admitted", "ann")]
    with gateway.ledger.read() as db:
        assert db.scalars(sa.select(CheckInRow.flags)).one() == ["time_uncertain"]
