"""Claims about what the gateway makes of a phone's code and of the word of staff, whatever the kiosk believed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.admission import Admitted, Refused, Verdict
from gateway import devices, keys
from gateway.credentials import STAFF_ACT, TWICE
from gateway.ingest import Arrival, Entered, ingest
from ledger.account_tables import AuditRow
from ledger.database import Ledger
from ledger.tables import BadgeRow, DeviceRow, PersonRow, RegionRow, SessionRow
from protocol.badge import ALLOWANCE, LIFE
from tests.cast import ANNS_BADGE, EVENING, NINE, another_stream, seen
from tests.cast import settle_in as cast
from tests.sqlite import IN_MEMORY, opened

SECOND = timedelta(seconds=1)
TINAS, REVOKED, OVER, FORMER, UWES = (UUID(int=number) for number in range(0xD001, 0xD006))
ALL = ["static_badge", "staff", "static_badge+staff", "dynamic_badge"]


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """Open a ledger in memory, with Tina who trains in the north, and with Uwe of the south."""
    ledger = opened(IN_MEMORY, everybody)
    yield ledger
    ledger.close()


@pytest.fixture
def either(database: str) -> Iterator[Ledger]:
    """Open the same ledger on each engine."""
    ledger = opened(database, everybody)
    yield ledger
    ledger.close()


def everybody(db: Db) -> None:
    cast(db)
    settle_in(db)


def settle_in(db: Db) -> None:
    db.add(RegionRow(id="south", name="South", zone="UTC", rule="cn-45"))
    db.flush()
    for id, region, role in (("tina", "north", "trainer"), ("uwe", "south", "trainer"), ("fay", "north", "clerk")):
        db.add(PersonRow(id=id, region_id=region, number=f"T-{id}", name=id.title(), role=role))
    db.flush()
    db.add_all(
        [
            badge(TINAS, "tina"),
            badge(REVOKED, "tina", revoked_at=NINE - SECOND),
            badge(OVER, "tina", expires_at=NINE - SECOND),
            badge(FORMER, "fay"),
            badge(UWES, "uwe"),
        ]
    )
    db.execute(sa.update(SessionRow).values(methods=ALL))


def badge(id: UUID, person: str, **fields: Any) -> BadgeRow:
    given: dict[str, Any] = {"key_id": 1, "issued_at": NINE - timedelta(days=9), "staff": True}
    return BadgeRow(id=id, person_id=person, **(given | fields))


def at_the_door(ledger: Ledger, *arrivals: Arrival) -> list[Verdict]:
    with ledger.begin() as db:
        outcomes = ingest(db, arrivals, received_at=EVENING)
    return [outcome.verdict for outcome in outcomes if isinstance(outcome, Entered)]


def audited(ledger: Ledger, act: str) -> list[AuditRow]:
    with ledger.read() as db:
        return list(db.scalars(sa.select(AuditRow).where(AuditRow.act == act)))


def by_staff(staff: UUID | str | None, **fields: Any) -> Arrival:
    return seen("ann", method="staff", staff=staff.hex if isinstance(staff, UUID) else staff, **fields)


# Staff


def test_the_word_of_a_trainer_counts_and_stands_in_the_audit(either: Ledger) -> None:
    arrival = by_staff(TINAS)

    assert at_the_door(either, arrival) == [Admitted()]
    [act] = audited(either, STAFF_ACT)
    assert (act.actor, act.thing) == ("person:tina", str(arrival.record.id))
    assert act.details == {"person": "ann", "session": "order-101", "method": "staff", "badge": TINAS.hex}


def test_the_same_record_twice_is_one_act(ledger: Ledger) -> None:
    arrival = by_staff(TINAS)
    at_the_door(ledger, arrival)

    at_the_door(ledger, arrival)

    assert len(audited(ledger, STAFF_ACT)) == 1


@pytest.mark.parametrize(
    ("staff", "reason"),
    [
        pytest.param(REVOKED, "revoked_badge", id="a revoked one"),
        pytest.param(OVER, "expired_code", id="one whose time is over"),
        pytest.param(FORMER, "staff_elsewhere", id="of one who is no trainer any more"),
        pytest.param(UWES, "staff_elsewhere", id="of another region"),
        pytest.param(ANNS_BADGE, "unknown_badge", id="a learner's own badge"),
        pytest.param(uuid4(), "unknown_badge", id="one that was never issued"),
        pytest.param("no-badge-at-all", "unknown_badge", id="no id"),
        pytest.param(None, "unknown_badge", id="none"),
    ],
)
@pytest.mark.parametrize("method", ["staff", "static_badge+staff"])
def test_the_word_of_anybody_else_is_refused(
    ledger: Ledger, staff: UUID | str | None, reason: Any, method: str
) -> None:
    own: dict[str, Any] = {"badge": ANNS_BADGE.hex} if method == "static_badge+staff" else {}
    arrival = seen("ann", method=method, staff=staff.hex if isinstance(staff, UUID) else staff, **own)

    assert at_the_door(ledger, arrival) == [Refused(reason)]
    assert audited(ledger, STAFF_ACT) == []


def test_who_gives_a_session_may_act_in_it_wherever_it_is(ledger: Ledger) -> None:
    with ledger.begin() as db:
        db.execute(sa.update(SessionRow).values(trainer_id="uwe"))

    assert at_the_door(ledger, by_staff(UWES)) == [Admitted()]


def test_a_badge_beside_staff_is_surer(ledger: Ledger) -> None:
    with ledger.begin() as db:
        db.execute(sa.update(SessionRow).values(least_assurance="static_badge+staff"))
    vouched: dict[str, Any] = {"method": "static_badge+staff", "badge": ANNS_BADGE.hex, "staff": TINAS.hex}

    verdicts = at_the_door(ledger, by_staff(TINAS), seen("ann", seq=2, **vouched))

    assert verdicts == [Refused("assurance_too_low"), Admitted()]


def test_a_staff_badge_checks_nobody_in_by_itself(ledger: Ledger) -> None:
    assert at_the_door(ledger, seen("tina", badge=TINAS.hex)) == [Refused("unknown_badge")]


# The code on a phone


def phone(late: timedelta, **fields: Any) -> Arrival:
    return seen("ann", method="dynamic_badge", code_at=NINE - late, **fields)


@pytest.mark.parametrize(
    ("late", "clock", "verdict"),
    [
        pytest.param(timedelta(0), "synced", Admitted(), id="at once"),
        pytest.param(LIFE + ALLOWANCE, "synced", Admitted(), id="at the edge"),
        pytest.param(LIFE + ALLOWANCE + SECOND, "synced", Refused("expired_code"), id="too late"),
        pytest.param(-ALLOWANCE, "synced", Admitted(), id="a clock that is a little behind"),
        pytest.param(
            -timedelta(days=9), "synced", Admitted(frozenset({"time_uncertain"})), id="of the future: not believed"
        ),
        pytest.param(
            timedelta(days=9), "unknown", Admitted(frozenset({"time_uncertain"})), id="old, by a clock nobody set"
        ),
    ],
)
def test_the_gateway_holds_a_record_against_the_time_of_its_code(
    ledger: Ledger, late: timedelta, clock: Any, verdict: Verdict
) -> None:
    assert at_the_door(ledger, phone(late, clock=clock)) == [verdict]


def test_a_badge_that_only_claims_to_be_a_phone_is_refused(ledger: Ledger) -> None:
    badge_as_phone = seen("ann", method="dynamic_badge", badge=ANNS_BADGE.hex)
    nobody = seen(None, method="dynamic_badge", code_at=NINE, seq=2)

    assert at_the_door(ledger, badge_as_phone, nobody) == [Refused("unknown_badge")] * 2


@pytest.mark.parametrize("in_one_batch", [True, False], ids=["in one batch", "later"])
def test_one_code_at_two_kiosks_stands_in_the_audit(either: Ledger, in_one_batch: bool) -> None:
    with either.begin() as db:
        elsewhere = another_stream(db)
    first, second = phone(timedelta(0)), phone(timedelta(0), stream=elsewhere)

    if in_one_batch:
        at_the_door(either, first, second)
    else:
        at_the_door(either, first)
        at_the_door(either, second)

    ids = {str(first.record.id), str(second.record.id)}
    assert {act.thing for act in audited(either, TWICE)} | {
        act.details["other"] for act in audited(either, TWICE)
    } == ids


def test_two_codes_or_one_kiosk_are_nothing_to_look_at(ledger: Ledger) -> None:
    with ledger.begin() as db:
        elsewhere = another_stream(db)

    at_the_door(ledger, phone(timedelta(0)), phone(timedelta(0), seq=2), phone(5 * SECOND, stream=elsewhere, seq=1))

    assert audited(ledger, TWICE) == []


def test_kiosks_hear_who_may_act_in_their_room(either: Ledger) -> None:
    with either.begin() as db:
        db.execute(sa.update(SessionRow).values(trainer_id="uwe"))
    with either.read() as db:
        device = db.scalars(sa.select(DeviceRow)).one()
        roster = devices.roster(db, device, keys.make(), now=NINE)

    assert [(member.id, member.badges) for member in roster.staff] == [("tina", (TINAS,)), ("uwe", (UWES,))]
    assert REVOKED in roster.revoked
    assert all(badge == ANNS_BADGE for learner in roster.learners for badge in learner.badges)
