from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger import pairs
from ledger.database import Ledger
from ledger.delivery_tables import DeliveryRow
from ledger.inbox import notices_of
from ledger.lags import look
from ledger.pair_tables import JointTaskRow, LagRow, PartRow
from ledger.pairs import Evidence, PartPlan
from tests.cast import NINE, company

DUE = NINE + timedelta(days=2)
PARTS = [
    PartPlan(role="clerk", hours=Decimal(2), due=DUE, evidence=["order_log"], start_by=NINE + timedelta(1)),
    PartPlan(role="reserve_manager", hours=Decimal(3), due=DUE, start_by=NINE + timedelta(days=1)),
    PartPlan(role="joint", hours=Decimal(1), due=DUE + timedelta(days=5)),
]
LOG = Evidence(kind="order_log", media_type="text/plain", size=1, sha256="0" * 64)


def at_work() -> Ledger:
    """Give Ann and Bo a joint task that is due in two days."""
    ledger = company()
    with ledger.begin() as db:
        pairs.add_program(db, "p1", region_id="north", title="Orders", title_zh="订单", rule="cn-45")
        pairs.add_pair(db, "pair-1", program_id="p1", clerk_id="ann", manager_id="bo")
        pairs.add_task(db, "task-1", pair_id="pair-1", title="Order 7", title_zh="订单七", parts=PARTS, now=NINE)
    return ledger


def part(db: Db, role: str) -> str:
    return db.scalars(sa.select(PartRow.id).where(PartRow.role == role, PartRow.task_id == "task-1")).one()


def watch(ledger: Ledger, now: datetime) -> int:
    with ledger.begin() as db:
        return look(db, now=now)


def standing(ledger: Ledger) -> list[tuple[str, str | None]]:
    with ledger.read() as db:
        query = sa.select(LagRow).where(LagRow.cleared_at.is_(None)).order_by(LagRow.kind, LagRow.person_id)
        return [(row.kind, row.person_id) for row in db.scalars(query)]


def told(ledger: Ledger, person: str) -> Sequence[str]:
    with ledger.read() as db:
        return [row.kind for row in reversed(notices_of(db, person))]


def test_a_task_is_only_looked_at_when_its_moment_has_come() -> None:
    ledger = at_work()

    looked = [watch(ledger, NINE), watch(ledger, NINE), watch(ledger, NINE + timedelta(hours=12))]

    with ledger.read() as db:
        assert db.get_one(JointTaskRow, "task-1").next_at == NINE + timedelta(days=1, seconds=1)
    assert looked == [1, 0, 0]


def test_a_partner_who_has_finished_is_told_to_the_other_once() -> None:
    ledger = at_work()
    with ledger.begin() as db:
        pairs.hand_in(db, part(db, "clerk"), "ann", [LOG], now=NINE)

    for _ in range(3):
        watch(ledger, NINE + timedelta(minutes=1))

    assert standing(ledger) == [("ready", "bo")]
    assert (told(ledger, "bo"), told(ledger, "ann")) == (["ready"], [])


def test_a_part_that_is_past_due_is_told_to_both_and_a_forfeited_one_to_the_trainer_too() -> None:
    ledger = at_work()
    with ledger.begin() as db:
        pairs.hand_in(db, part(db, "clerk"), "ann", [LOG], now=NINE)
    watch(ledger, NINE)

    watch(ledger, DUE + timedelta(seconds=1))
    overdue = standing(ledger)
    watch(ledger, DUE + timedelta(hours=24, seconds=1))

    assert ("overdue", "bo") in overdue
    assert standing(ledger) == [("forfeited", "bo")]
    assert told(ledger, "ann")[-2:] == ["overdue", "forfeited"]
    assert told(ledger, "bo")[-2:] == ["overdue", "forfeited"]
    assert told(ledger, "trainer") == ["forfeited"]


def test_a_lag_that_is_over_is_told_to_both() -> None:
    ledger = at_work()
    watch(ledger, DUE + timedelta(seconds=1))
    with ledger.begin() as db:
        pairs.hand_in(db, part(db, "clerk"), "ann", [LOG], now=DUE + timedelta(hours=1))
        pairs.hand_in(db, part(db, "reserve_manager"), "bo", [], now=DUE + timedelta(hours=1))

    watch(ledger, DUE + timedelta(hours=1, seconds=1))

    assert standing(ledger) == []
    assert "cleared" in told(ledger, "ann")
    assert "cleared" in told(ledger, "bo")


def test_every_notice_to_a_learner_waits_in_the_outbox_for_text_messages() -> None:
    ledger = at_work()
    watch(ledger, DUE + timedelta(days=1, seconds=1))

    with ledger.read() as db:
        texts = db.scalar(sa.select(sa.func.count()).where(DeliveryRow.target == "sms"))
        notices = len(notices_of(db, "ann")) + len(notices_of(db, "bo"))

    assert texts == notices > 0


def test_a_course_that_is_behind_at_its_checkpoint_is_told() -> None:
    ledger = at_work()
    with ledger.begin() as db:
        row = db.scalars(sa.select(PartRow).where(PartRow.role == "clerk")).one()
        row.checkpoints = [(NINE + timedelta(hours=6)).isoformat()]
        pairs.report_progress(db, "ann", "p1", Decimal(50), at=NINE, now=NINE)
    watch(ledger, NINE)

    watch(ledger, NINE + timedelta(hours=6))

    assert ("behind", "ann") in standing(ledger)


def test_a_task_that_cannot_be_looked_at_keeps_no_other_waiting(caplog: pytest.LogCaptureFixture) -> None:
    ledger = at_work()
    with ledger.begin() as db:
        pairs.hand_in(db, part(db, "clerk"), "ann", [LOG], now=NINE)
        pairs.add_task(db, "task-0", pair_id="pair-1", title="x", title_zh="x", parts=PARTS, now=NINE)
        row = db.scalars(sa.select(PartRow).where(PartRow.role == "clerk", PartRow.task_id == "task-0")).one()
        db.add(LagRow(id="bad", task_id="task-0", kind="nonsense", part_id=row.id, since=NINE, announced_at=NINE))

    watch(ledger, NINE)

    with ledger.read() as db:
        moments = {task.id: task.next_at for task in db.scalars(sa.select(JointTaskRow))}
    assert ("ready", "bo") in standing(ledger)
    assert moments["task-0"] == NINE + timedelta(minutes=15)
    assert "joint task task-0 failed" in caplog.text
