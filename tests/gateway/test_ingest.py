from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from attendance.admission import Admitted
from attendance.reasons import Refused
from gateway.ingest import Arrival, Conflict, Entered, Outcome, ingest
from ledger.database import Ledger
from ledger.tables import BadgeRow, CheckInRow, ConsentRow, DirtyDayRow
from tests.cast import ANNS_BADGE, EVENING, NINE, NOON, company, seen


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """Open a ledger with the cast in it, on each engine."""
    ledger = company(database)
    yield ledger
    ledger.close()


def at_the_door(ledger: Ledger, *arrivals: Arrival) -> Sequence[Outcome]:
    with ledger.begin() as db:
        return ingest(db, arrivals, received_at=EVENING)


def entered(ledger: Ledger) -> dict[int | None, str]:
    with ledger.read() as db:
        return {row.seq: row.verdict for row in db.scalars(sa.select(CheckInRow))}


def test_a_stranger_is_refused_and_still_entered() -> None:
    ledger = company()

    [outcome] = at_the_door(ledger, seen("nobody-we-know"))

    assert outcome == Entered(Refused("not_on_roster"))
    assert entered(ledger) == {1: "not_on_roster"}


def test_the_same_check_in_twice_is_one_row(ledger: Ledger) -> None:
    ann = seen("ann")

    outcomes = [*at_the_door(ledger, ann), *at_the_door(ledger, ann)]

    assert outcomes == [Entered(Admitted()), Entered(Admitted(), again=True)]
    assert entered(ledger) == {1: "admitted"}


def test_the_same_check_in_twice_in_one_batch_is_one_row(ledger: Ledger) -> None:
    ann = seen("ann")

    outcomes = at_the_door(ledger, ann, ann)

    assert outcomes == [Entered(Admitted()), Entered(Admitted(), again=True)]
    assert entered(ledger) == {1: "admitted"}


@pytest.mark.parametrize("in_one_batch", [True, False], ids=["in one batch", "later"])
def test_another_record_under_a_taken_number_is_a_conflict_and_changes_nothing(
    ledger: Ledger, in_one_batch: bool
) -> None:
    first, second = seen("ann", seq=1), seen("bo", seq=1)

    if in_one_batch:
        outcomes = [*at_the_door(ledger, first, second)]
    else:
        outcomes = [*at_the_door(ledger, first), *at_the_door(ledger, second)]

    assert outcomes == [Entered(Admitted()), Conflict()]
    with ledger.read() as db:
        assert db.scalars(sa.select(CheckInRow.person_id)).all() == ["ann"]


def test_other_bytes_under_the_same_id_are_a_conflict(ledger: Ledger) -> None:
    first = seen("ann")
    other = seen("bo", seq=2)
    forged = Arrival(
        record=other.record.model_copy(update={"id": first.record.id}), line=other.line, device_id=other.device_id
    )

    outcomes = [*at_the_door(ledger, first), *at_the_door(ledger, forged)]

    assert outcomes == [Entered(Admitted()), Conflict()]


def test_a_record_without_a_known_session_is_entered() -> None:
    ledger = company()

    [outcome] = at_the_door(ledger, seen("ann", session="no-such-session"))

    assert outcome == Entered(Refused("no_session_now"))
    assert entered(ledger) == {1: "no_session_now"}


def test_the_badges_owner_counts_and_not_what_the_kiosk_believed() -> None:
    ledger = company()

    at_the_door(ledger, seen(None, badge=ANNS_BADGE.hex))
    [outcome] = at_the_door(ledger, seen("bo", seq=2, badge=ANNS_BADGE.hex))

    with ledger.read() as db:
        assert db.scalars(sa.select(CheckInRow.person_id)).all() == ["ann", "ann"]
    assert outcome == Entered(Refused("unknown_badge"))


def badge(**fields: Any) -> BadgeRow:
    return BadgeRow(id=uuid4(), person_id="ann", key_id=1, issued_at=NINE - timedelta(days=9), **fields)


@pytest.mark.parametrize(
    ("shown", "verdict"),
    [
        (badge(revoked_at=NINE - timedelta(hours=1)), Refused("revoked_badge")),
        (badge(revoked_at=NINE + timedelta(hours=1)), Admitted()),
        (badge(expires_at=NINE - timedelta(seconds=1)), Refused("expired_code")),
        (badge(expires_at=NINE), Admitted()),
    ],
    ids=["revoked before", "revoked after", "expired a second ago", "expires this second"],
)
def test_a_badge_counts_as_it_was_at_the_scan(shown: BadgeRow, verdict: Admitted | Refused) -> None:
    ledger = company()
    with ledger.begin() as db:
        db.merge(shown)

    [outcome] = at_the_door(ledger, seen("ann", badge=shown.id.hex))

    assert outcome == Entered(verdict)


def test_a_badge_that_nobody_issued_is_unknown() -> None:
    [outcome] = at_the_door(company(), seen(None, badge="f" * 32))

    assert outcome == Entered(Refused("unknown_badge"))


def test_a_face_without_consent_is_refused_also_when_the_kiosk_accepted_it() -> None:
    ledger = company()

    [before] = at_the_door(ledger, seen("bo", method="face"))
    with ledger.begin() as db:
        db.add(ConsentRow(id="c", person_id="bo", purpose="face", version="1", given_at=NINE))
    [after] = at_the_door(ledger, seen("bo", method="face", seq=2))

    assert (before, after) == (Entered(Refused("no_consent")), Entered(Admitted()))


def test_what_the_screen_refused_is_entered_with_the_screens_reason() -> None:
    [outcome] = at_the_door(company(), seen("zoe", session=None, direction=None, refused="wrong_room"))

    assert outcome == Entered(Refused("wrong_room"))


@pytest.mark.parametrize(
    ("said", "verdict"),
    [("too_early", "too_early"), ("reason_of_tomorrow", "no_session_now")],
    ids=["a reason of ours", "a newer kiosk's reason"],
)
def test_what_the_screen_refused_is_never_admitted(said: str, verdict: Any) -> None:
    [outcome] = at_the_door(company(), seen("ann", refused=said))

    assert outcome == Entered(Refused(verdict))


def test_a_direction_that_a_kiosk_left_open_is_found_also_when_the_session_is_known() -> None:
    ledger = company()

    at_the_door(ledger, seen("ann", direction=None), seen("ann", "11:50", seq=2, direction=None))

    with ledger.read() as db:
        assert db.scalars(sa.select(CheckInRow.direction).order_by(CheckInRow.seq)).all() == ["in", "out"]


def test_an_unknown_method_from_a_newer_kiosk_is_refused_and_entered() -> None:
    ledger = company()

    [outcome] = at_the_door(ledger, seen("ann", method="palm_vein"))

    assert outcome == Entered(Refused("method_not_allowed"))
    assert entered(ledger) == {1: "method_not_allowed"}


@pytest.mark.parametrize(
    ("when", "direction"), [("08:55", "in"), ("10:00", "in"), ("11:45", "out")], ids=["arriving", "within", "leaving"]
)
def test_a_badge_recorded_without_a_roster_finds_its_session(when: str, direction: str) -> None:
    ledger = company()

    arrival = seen(None, when, session=None, direction=None, badge=ANNS_BADGE.hex, amber=True)
    [outcome] = at_the_door(ledger, arrival)

    with ledger.read() as db:
        [row] = db.scalars(sa.select(CheckInRow)).all()
    assert isinstance(outcome, Entered)
    assert isinstance(outcome.verdict, Admitted)
    assert (row.person_id, row.session_id, row.direction) == ("ann", "order-101", direction)
    assert row.line == arrival.line


def test_a_badge_recorded_without_a_roster_when_there_is_no_session_is_refused() -> None:
    [outcome] = at_the_door(company(), seen(None, "15:00", session=None, direction=None, badge=ANNS_BADGE.hex))

    assert outcome == Entered(Refused("no_session_now"))


@pytest.mark.parametrize(
    "fields", [{"clock": "unknown"}, {"at": EVENING + timedelta(minutes=6)}], ids=["no clock", "from the future"]
)
def test_a_time_that_cannot_be_trusted_is_admitted_with_its_flag(fields: dict[str, Any]) -> None:
    arrival = seen("ann")
    arrival = Arrival(record=arrival.record.model_copy(update=fields), line=arrival.line, device_id=arrival.device_id)

    [outcome] = at_the_door(company(), arrival)

    assert outcome == Entered(Admitted(frozenset({"time_uncertain"})))


def test_an_admitted_check_in_marks_the_learners_day_and_a_refused_one_does_not() -> None:
    ledger = company()

    at_the_door(ledger, seen("ann"), seen("zoe", seq=2))

    with ledger.read() as db:
        [day] = db.scalars(sa.select(DirtyDayRow)).all()
    assert (day.person_id, day.day, day.due_at) == ("ann", NOON.date(), EVENING)


def test_an_empty_batch_is_nothing() -> None:
    assert at_the_door(company()) == []
