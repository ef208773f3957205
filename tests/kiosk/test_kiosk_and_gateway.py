"""Claims about a kiosk and the real gateway's application, without a network between them."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
import sqlalchemy as sa

from gateway import admin, devices
from gateway.intake import Message, take_in
from kiosk.asking import GatewayRefuses
from kiosk.broker import Message as Answer
from kiosk.clock import ClockState, KioskClock
from kiosk.desk import Desk
from kiosk.identity import Identity
from kiosk.look import BadgeSeen
from kiosk.outbox import FILE, Outbox
from kiosk.registration import RegistrationRefused, register, standing
from kiosk.roster import RosterBook
from kiosk.uplink import Uplink
from ledger import entries
from ledger.settlement import settle
from ledger.tables import CheckInRow, HourRecordRow, StreamRow
from tests.gateway.cast import NINE, TWELVE, Gateway, code, company
from tests.kiosk.cast import BOX
from tests.kiosk.stand_in_broker import BrokerStandIn
from tests.sqlite import in_memory

ADDRESS = "http://gateway.test"


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    ledger = in_memory(company)
    yield Gateway(ledger)
    ledger.close()


def client(gateway: Gateway) -> httpx2.Client:
    return httpx2.Client(base_url=ADDRESS, transport=httpx2.WSGITransport(app=gateway.app))


def registered(gateway: Gateway, folder: Path) -> Identity:
    return register(ADDRESS, code(gateway), name="door", data_dir=folder, client=client(gateway))


def confirmed(gateway: Gateway, folder: Path) -> Identity:
    identity = registered(gateway, folder)
    with gateway.ledger.begin() as db:
        devices.confirm(db, identity.device, identity.fingerprint, actor="test", now=gateway.clock.now)
    return identity


def test_a_kiosk_registers_is_confirmed_by_its_fingerprint_and_knows_the_day(gateway: Gateway, tmp_path: Path) -> None:
    identity = registered(gateway, tmp_path)
    book = RosterBook(tmp_path, now=gateway.clock)
    with client(gateway) as line:
        assert standing(identity, line, at=gateway.clock.now).account is None
        with gateway.ledger.begin() as db:
            devices.confirm(db, identity.device, identity.fingerprint, actor="test", now=gateway.clock.now)

        account = standing(identity, line, at=gateway.clock.now).account
        assert account is not None
        assert (account.username, account.port) == (identity.device, 1884)
        assert book.pull(line, identity)
        assert not book.pull(line, identity)

    day = book.day()
    assert day is not None
    assert day.learners["ann"].name == "Ann Li"
    assert day.titles["order-101"].title == "Order entry"


def test_a_revoked_kiosk_hears_it_from_the_gateway_itself(gateway: Gateway, tmp_path: Path) -> None:
    identity = confirmed(gateway, tmp_path)
    with gateway.ledger.begin() as db:
        devices.revoke(db, identity.device, actor="test", now=gateway.clock.now)

    with client(gateway) as line, pytest.raises(GatewayRefuses) as refused:
        RosterBook(tmp_path, now=gateway.clock).pull(line, identity)

    assert refused.value.kind == "device-revoked"


def test_a_wrong_code_is_refused_with_what_to_do(gateway: Gateway, tmp_path: Path) -> None:
    with pytest.raises(RegistrationRefused, match="Make a new code"):
        register(ADDRESS, "WRON-GCODE123", name="door", data_dir=tmp_path, client=client(gateway))


class Morning:
    """A kiosk that was switched on at eight without a network, and whose clock is a year behind until it is set."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        self.gateway = gateway
        self.identity = confirmed(gateway, folder)
        with client(gateway) as line:
            RosterBook(folder, now=gateway.clock).pull(line, self.identity)
        self.behind = timedelta(days=365)
        self.clock = KioskClock(now=self._now, monotonic=self._monotonic, boot=uuid4(), state=self._state)
        self.outbox = Outbox(folder / FILE, stream=self.identity.stream)
        # Of the roster a restart leaves the badge keys.
        self.desk = Desk(RosterBook(folder, now=self._now), self.outbox, self.clock, online=lambda: False)
        self.uplink = Uplink(self.identity, self.outbox, account=lambda: None, now=self._now, monotonic=self._monotonic)

    def _now(self) -> datetime:
        return self.gateway.clock.now - self.behind

    def _monotonic(self) -> float:
        return (self.gateway.clock.now - NINE + timedelta(hours=1)).total_seconds()

    def _state(self) -> ClockState:
        return "unknown" if self.behind else "synced"

    def is_shown(self, badge: str, at: datetime) -> str:
        """Let somebody hold a badge up; returns the colour of the screen."""
        self.gateway.clock.now = at
        answer = self.desk.decide(BadgeSeen(text=badge, box=BOX))
        assert answer is not None
        return answer.kind

    def is_set(self) -> None:
        """Let the clock be set, and the kiosk note when its boot began."""
        self.behind = timedelta(0)
        self.outbox.note_boot(self.clock.boot, self.clock.boot_began_at())

    def sends(self) -> None:
        """Say the heartbeat, which is due, send what waits, and hear the answers."""
        broker = BrokerStandIn()
        self.uplink.step(broker)
        group = [Message(1, mid, 1, heard.topic, heard.payload) for mid, heard in enumerate(broker.heard, 1)]
        for answer in take_in(self.gateway.ledger, group, self.gateway.keys.gateway, self.gateway.clock.now):
            self.uplink.hear(Answer(*answer))


@pytest.mark.parametrize("is_known", ["before it is sent", "after it was sent", None], ids=["first", "later", "never"])
def test_a_morning_recorded_a_year_too_early_is_credited_when_the_clock_is_set(
    gateway: Gateway, tmp_path: Path, is_known: str | None
) -> None:
    with gateway.ledger.begin() as db:
        badge = str(admin.badge_issue(db, "ann", gateway.keys, actor="test", now=NINE - timedelta(days=9))["text"])
    gateway.clock.now = NINE - timedelta(hours=2)
    kiosk = Morning(gateway, tmp_path)
    with closing(kiosk.outbox):
        colours = [kiosk.is_shown(badge, NINE), kiosk.is_shown(badge, TWELVE)]

        if is_known == "before it is sent":
            kiosk.is_set()
        kiosk.sends()
        if is_known == "after it was sent":
            kiosk.is_set()
            gateway.clock.now += timedelta(minutes=1)
            kiosk.sends()

    assert colours == ["amber", "amber"]
    with gateway.ledger.begin() as db:
        settle(db, now=TWELVE + timedelta(days=1))
        stands, _ = entries.effective(db.execute(sa.select(HourRecordRow.__table__)))
        facts = [(row.verdict, row.at, row.flags) for row in db.scalars(sa.select(CheckInRow).order_by(CheckInRow.seq))]
    if is_known:
        assert facts == [("admitted", at, ["offline", "time_corrected"]) for at in (NINE, TWELVE)]
        assert [(row.minutes, row.credit) for row in stands.values()] == [(165, Decimal("3.5"))]
    else:
        year = timedelta(days=365)
        assert facts == [("no_session_now", at - year, ["offline", "time_uncertain"]) for at in (NINE, TWELVE)]
        assert stands == {}


def test_what_a_ledger_has_lost_after_its_receipt_comes_back_by_itself(gateway: Gateway, tmp_path: Path) -> None:
    with gateway.ledger.begin() as db:
        badge = str(admin.badge_issue(db, "ann", gateway.keys, actor="test", now=NINE - timedelta(days=9))["text"])
    kiosk = Morning(gateway, tmp_path)
    with closing(kiosk.outbox):
        kiosk.is_set()
        for minute in range(5):
            kiosk.is_shown(badge, NINE + timedelta(minutes=minute))
        held = sent(kiosk, after=timedelta(minutes=5))
        with gateway.ledger.begin() as db:
            db.execute(sa.delete(CheckInRow).where(CheckInRow.seq.between(3, 4)))
            db.execute(sa.update(StreamRow).values(upto=2))

        sent(kiosk, after=timedelta(minutes=6))  # the heartbeat is answered with a command
        again = sent(kiosk, after=timedelta(minutes=7))

    assert held
    assert held == again


def sent(kiosk: Morning, *, after: timedelta) -> list[tuple[int | None, bytes]]:
    """Let the kiosk send, and return what the ledger holds then."""
    kiosk.gateway.clock.now = NINE + after
    kiosk.sends()
    with kiosk.gateway.ledger.read() as db:
        return [(row.seq, row.line) for row in db.scalars(sa.select(CheckInRow).order_by(CheckInRow.seq))]
