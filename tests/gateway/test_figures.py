"""What a monitoring system reads of the gateway."""

from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest
import sqlalchemy as sa
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import OperationalError

from gateway.figures import Check, LedgerFigures, check_database, check_ingest, check_watch, health
from gateway.reception import Reception
from gateway.watch import Watch
from ledger import dead_letters
from ledger.check_ins import mark_dirty
from ledger.database import Ledger
from ledger.tables import DeviceRow, StreamRow
from tests.cast import DEVICE, NINE, SITE, STREAM, company

LABELS = {"site": SITE, "device": DEVICE, "stream": str(STREAM)}
LATER = NINE + timedelta(minutes=20)


@pytest.fixture
def ledger() -> Ledger:
    """Open a ledger with one kiosk."""
    return company()


def figure(ledger: Ledger, name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(LedgerFigures(ledger, lambda: LATER))
    return registry.get_sample_value(name, labels)


def test_a_stream_with_a_hole_is_told_with_its_age(ledger: Ledger) -> None:
    with ledger.begin() as db:
        stream = db.get_one(StreamRow, STREAM)
        stream.upto, stream.assigned, stream.missing_since = 7, 10, NINE

    assert figure(ledger, "tandem_stream_behind", **LABELS) == 3
    assert figure(ledger, "tandem_stream_hole_seconds", **LABELS) == 1200


def test_a_kiosk_that_is_not_heard_any_more_is_told(ledger: Ledger) -> None:
    with ledger.begin() as db:
        db.get_one(DeviceRow, DEVICE).seen_at = NINE

    assert figure(ledger, "tandem_device_silent_seconds", site=SITE, device=DEVICE) == 1200


def test_a_revoked_kiosk_raises_no_alarm(ledger: Ledger) -> None:
    with ledger.begin() as db:
        device = db.get_one(DeviceRow, DEVICE)
        device.seen_at = device.revoked_at = NINE

    assert figure(ledger, "tandem_device_silent_seconds", site=SITE, device=DEVICE) is None
    assert figure(ledger, "tandem_stream_behind", **LABELS) is None


def test_dead_letters_are_counted_by_reason(ledger: Ledger) -> None:
    with ledger.begin() as db:
        dead_letters.bury(db, b"x", id="1", topic="t", reason="malformed", received_at=NINE, device_id=DEVICE)

    assert figure(ledger, "tandem_dead_letters", reason="malformed") == 1


def test_what_waits_to_be_settled_is_told(ledger: Ledger) -> None:
    with ledger.begin() as db:
        mark_dirty(db, [("ann", NINE.date(), NINE), ("bo", NINE.date(), LATER + timedelta(hours=1))])

    assert figure(ledger, "tandem_days_to_settle") == 1
    assert figure(ledger, "tandem_days_to_settle_seconds") == 1200


def test_no_figure_names_a_person(ledger: Ledger) -> None:
    families = list(LedgerFigures(ledger, lambda: LATER).collect())

    told = {label for family in families for sample in family.samples for label in sample.labels}
    assert told <= {"site", "device", "stream", "target", "state", "reason"}


@pytest.mark.parametrize(
    ("connected", "stalled", "wrong"),
    [(True, False, None), (False, False, "no broker"), (True, True, "messages wait, and nothing is committed")],
    ids=["all well", "no broker", "stalled"],
)
def test_ingest_is_healthy_when_it_has_its_broker_and_gets_on(
    connected: bool, stalled: bool, wrong: str | None
) -> None:
    standing = SimpleNamespace(connected=connected, stalled=stalled)
    reception = cast(Reception, SimpleNamespace(standing=lambda: standing))

    assert check_ingest(reception).wrong == wrong


def test_the_watch_is_healthy_while_it_moves(ledger: Ledger) -> None:
    watch = Watch(ledger, lambda: NINE)
    before = check_watch(watch, NINE).wrong
    watch.moved_at = NINE

    assert (before, check_watch(watch, NINE).wrong) == ("not begun", None)
    assert check_watch(watch, NINE + timedelta(minutes=2)).wrong == "nothing has moved for a minute"


def test_one_thing_that_fails_makes_the_answer_fail() -> None:
    body, status = health([Check("database"), Check("ingest", "no broker")])

    assert (status, body) == (503, {"status": "failing", "checks": {"database": "ok", "ingest": "no broker"}})
    assert health([Check("database")])[1] == 200


def test_a_database_that_does_not_answer_is_told(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("SELECT 1", {}, ConnectionError("gone"))

    good = check_database(ledger)
    monkeypatch.setattr(sa.orm.Session, "execute", away)

    assert (good.wrong, check_database(ledger).wrong) == (None, "OperationalError")
