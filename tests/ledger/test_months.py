from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from gateway.ingest import Arrival, ingest
from gateway.watch import tick
from ledger import entries, pairs
from ledger.database import Ledger
from ledger.lags import look
from ledger.months import month_for
from ledger.pair_tables import ClosedMonthRow, DirtyMonthRow, ProgramRow
from ledger.tables import HourRecordRow, PersonRow, SessionRow
from tests.cast import EVENING, NINE, seen
from tests.ledger.test_lags import DUE, LOG, at_work, part

LATER = DUE + timedelta(days=20)


def effective(ledger: Ledger) -> list[tuple[str, str, str, Decimal]]:
    with ledger.read() as db:
        standing, _ = entries.effective(db.execute(sa.select(HourRecordRow.__table__)))
        return sorted((row.person_id, row.kind, row.rule, row.credit) for row in standing.values())


def finish(ledger: Ledger, *, accept_joint: bool = True, now: datetime = NINE) -> None:
    with ledger.begin() as db:
        for role, who, evidence in (("clerk", "ann", [LOG]), ("reserve_manager", "bo", []), ("joint", "ann", [])):
            row = pairs.hand_in(db, part(db, role), who, evidence, now=now)
            if role != "joint" or accept_joint:
                pairs.accept(db, row.id, by="tao", now=now)


def enter(ledger: Ledger, *arrivals: Arrival) -> None:
    with ledger.begin() as db:
        ingest(db, arrivals, received_at=EVENING)
    tick(ledger, now=EVENING)


def test_a_task_that_was_accepted_gives_both_their_part_and_the_joint_part_and_a_bonus() -> None:
    ledger = at_work()
    finish(ledger)

    tick(ledger, now=NINE)

    assert effective(ledger) == [
        ("ann", "bonus", "month@1", Decimal("0.3")),
        ("ann", "credit", "joint-task@1", Decimal(1)),
        ("ann", "credit", "joint-task@1", Decimal(2)),
        ("bo", "bonus", "month@1", Decimal("0.4")),
        ("bo", "credit", "joint-task@1", Decimal(1)),
        ("bo", "credit", "joint-task@1", Decimal(3)),
    ]


def test_a_joint_part_that_is_not_accepted_gives_no_joint_hours_and_no_bonus() -> None:
    ledger = at_work()
    finish(ledger, accept_joint=False)

    tick(ledger, now=NINE)

    assert [(who, kind, credit) for who, kind, _, credit in effective(ledger)] == [
        ("ann", "credit", Decimal(2)), ("bo", "credit", Decimal(3))
    ]  # fmt: skip


def test_a_forfeited_task_is_entered_as_zero_so_that_both_can_read_why() -> None:
    ledger = at_work()

    tick(ledger, now=LATER)
    tick(ledger, now=LATER)

    assert {(who, credit) for who, _, _, credit in effective(ledger)} == {("ann", Decimal(0)), ("bo", Decimal(0))}


def test_a_bonus_is_reversed_when_the_rate_falls() -> None:
    ledger = at_work()
    finish(ledger)
    tick(ledger, now=NINE)

    with ledger.begin() as db:
        parts = [
            pairs.PartPlan(role="clerk", hours=Decimal(1), due=DUE),
            pairs.PartPlan(role="reserve_manager", hours=Decimal(1), due=DUE),
            pairs.PartPlan(role="joint", hours=Decimal(1), due=DUE),
        ]
        pairs.add_task(db, "task-2", pair_id="pair-1", title="Order 8", title_zh="订单八", parts=parts, now=NINE)
    tick(ledger, now=NINE)

    assert "bonus" not in {kind for _, kind, _, _ in effective(ledger)}
    with ledger.read() as db:
        rows = db.scalars(sa.select(HourRecordRow).where(HourRecordRow.rule == "month@1")).all()
    assert sorted(row.kind for row in rows) == ["bonus", "bonus", "reversal", "reversal"]


def test_a_joint_session_counts_for_partners_who_came_together() -> None:
    ledger = at_work()
    with ledger.begin() as db:
        db.get_one(SessionRow, "order-101").program_id = "p1"

    enter(
        ledger,
        seen("ann", "08:50", seq=1), seen("bo", "09:08", seq=2),
        seen("ann", "12:00", seq=3, direction="out"), seen("bo", "12:00", seq=4, direction="out"),
    )  # fmt: skip

    with ledger.read() as db:
        months = [month_for(db, db.get_one(PersonRow, who), "2026-03", now=EVENING) for who in ("ann", "bo")]
    assert [(m.joint_hours, m.training_hours) for m in months if m] == [
        (Decimal("4.0"), Decimal("4.0")), (Decimal("3.5"), Decimal("3.5"))
    ]  # fmt: skip


def test_partners_who_came_apart_have_ordinary_hours_only() -> None:
    ledger = at_work()
    with ledger.begin() as db:
        db.get_one(SessionRow, "order-101").program_id = "p1"

    enter(
        ledger,
        seen("ann", "09:00", seq=1), seen("bo", "09:11", seq=2),
        seen("ann", "12:00", seq=3, direction="out"), seen("bo", "12:00", seq=4, direction="out"),
    )  # fmt: skip

    with ledger.read() as db:
        month = month_for(db, db.get_one(PersonRow, "ann"), "2026-03", now=EVENING)
    assert month
    assert (month.joint_hours, month.training_hours) == (Decimal(0), Decimal("4.0"))


def test_a_correction_of_a_closed_month_is_booked_in_the_next_open_one_under_its_old_date() -> None:
    ledger = at_work()
    enter(ledger, seen("ann", "09:20", seq=1), seen("ann", "12:00", seq=2, direction="out"))
    with ledger.begin() as db:
        for month in ("2026-03", "2026-04"):
            db.add(ClosedMonthRow(region_id="north", month=month, closed_at=EVENING, closed_by="tao"))

    enter(ledger, seen("ann", "09:00", seq=3))

    with ledger.read() as db:
        rows = db.scalars(sa.select(HourRecordRow).order_by(HourRecordRow.version)).all()
    assert [(row.kind, row.booked_in, str(row.effective_date)) for row in rows] == [
        ("credit", None, "2026-03-02"),
        ("reversal", "2026-05", "2026-03-02"),
        ("credit", "2026-05", "2026-03-02"),
    ]


def test_settling_a_month_again_enters_nothing_when_nothing_changed() -> None:
    ledger = at_work()
    finish(ledger)
    tick(ledger, now=NINE)
    before = effective(ledger)

    with ledger.begin() as db:
        pairs.mark_months(db, [("pair-1", "2026-03")], due_at=NINE)
    tick(ledger, now=NINE)

    with ledger.read() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(HourRecordRow)) == len(before)


def test_a_month_that_cannot_be_settled_keeps_no_other_waiting(caplog: pytest.LogCaptureFixture) -> None:
    ledger = at_work()
    finish(ledger)
    with ledger.begin() as db:
        pairs.add_program(db, "p2", region_id="north", title="Stock", title_zh="库存", rule="cn-45")
        pairs.add_pair(db, "pair-0", program_id="p2", clerk_id="ann", manager_id="bo")
        db.get_one(ProgramRow, "p2").rule = "no-such-rule"
        pairs.mark_months(db, [("pair-0", "2026-03")], due_at=NINE)

    tick(ledger, now=NINE)

    assert ("ann", "credit", "joint-task@1", Decimal(2)) in effective(ledger)
    assert "month 2026-03 of pair pair-0 failed" in caplog.text
    with ledger.read() as db:
        assert [(row.pair_id, row.due_at) for row in db.scalars(sa.select(DirtyMonthRow))] == [
            ("pair-0", NINE + timedelta(minutes=15))
        ]


def test_what_is_not_forfeited_asks_for_no_month() -> None:
    ledger = at_work()
    tick(ledger, now=NINE)

    with ledger.begin() as db:
        look(db, now=DUE + timedelta(seconds=1))
    overdue = asked_for(ledger)
    with ledger.begin() as db:
        look(db, now=DUE + timedelta(hours=24, seconds=1))

    assert (overdue, asked_for(ledger)) == ([], ["2026-03"])


def asked_for(ledger: Ledger) -> list[str]:
    with ledger.read() as db:
        return list(db.scalars(sa.select(DirtyMonthRow.month)))
