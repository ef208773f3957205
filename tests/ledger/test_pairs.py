"""Pairs and joint tasks in the ledger: who may hand in, who decides, and what has to be looked at again."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger.account_tables import AuditRow
from ledger.pair_tables import (
    DirtyMonthRow,
    DueMoveRow,
    EvidenceRow,
    JointTaskRow,
    PairRow,
    PartRow,
    ProgressRow,
    SubmissionRow,
)
from ledger.pairs import (
    MOST_VERSIONS,
    Evidence,
    PartPlan,
    accept,
    add_pair,
    add_program,
    add_task,
    hand_in,
    move_due,
    reject,
    report_progress,
)
from ledger.refusals import Incomplete, NotAllowed, TooLate, Unknown
from ledger.tables import PersonRow, RegionRow
from tests.cast import NINE, company
from tests.sqlite import in_memory

DUE = NINE + timedelta(days=3)
LOG = Evidence("order_log", "text/plain; charset=utf-8", 12, "a" * 64)
PLAN = Evidence("optimisation_plan", "application/pdf", 12, "b" * 64)


@pytest.fixture
def db() -> Iterator[Db]:
    """Open a ledger in which Ann and Bo have a joint task."""
    ledger = company()
    with ledger.begin() as db:
        add_program(db, "sales", region_id="north", title="Sales", title_zh="销售", rule="cn-45")
        add_pair(db, "ann-bo", program_id="sales", clerk_id="ann", manager_id="bo")
        task(db)
        forget_marks(db)
        yield db
    ledger.close()


def plan(**changes: object) -> list[PartPlan]:
    """Say what the three parts want."""
    given = {"due": DUE, "start_by": NINE + timedelta(days=1)} | changes
    return [
        PartPlan(role="clerk", hours=Decimal(2), evidence=["order_log"], **given),  # type: ignore[arg-type]
        PartPlan(role="reserve_manager", hours=Decimal(3), evidence=["optimisation_plan"], **given),  # type: ignore[arg-type]
        PartPlan(role="joint", hours=Decimal(1), evidence=[], **given),  # type: ignore[arg-type]
    ]


def task(db: Db, id: str = "order-entry", **changes: object) -> JointTaskRow:
    """Give Ann and Bo a task."""
    return add_task(db, id, pair_id="ann-bo", title="Orders", title_zh="订单", parts=plan(**changes), now=NINE)


def part(db: Db, role: str = "clerk") -> PartRow:
    """Find a part."""
    return db.scalars(sa.select(PartRow).where(PartRow.role == role, PartRow.task_id == "order-entry")).one()


def forget_marks(db: Db) -> None:
    """Do as if watch and settlement had been here."""
    db.execute(sa.update(JointTaskRow).values(next_at=None))
    db.execute(sa.delete(DirtyMonthRow))


def marks(db: Db) -> tuple[datetime | None, dict[str, datetime]]:
    """Say when the task is looked at next, and which months are settled when."""
    db.expire_all()
    months = {row.month: row.due_at for row in db.scalars(sa.select(DirtyMonthRow))}
    return db.get_one(JointTaskRow, "order-entry").next_at, months


def logged(db: Db) -> SubmissionRow:
    """Let Ann hand in her log."""
    return hand_in(db, part(db).id, "ann", [LOG], now=NINE)


# Set up


def test_a_new_task_is_looked_at_at_once(db: Db) -> None:
    made = task(db, "second")

    assert made.next_at == NINE
    assert marks(db)[1] == {"2026-03": NINE}
    assert {row.role for row in db.scalars(sa.select(PartRow).where(PartRow.task_id == "second"))} == {
        "clerk", "reserve_manager", "joint",
    }  # fmt: skip


def test_two_clerks_are_no_pair(db: Db) -> None:
    with pytest.raises(Incomplete, match="no reserve_manager"):
        add_pair(db, "two", program_id="sales", clerk_id="ann", manager_id="zoe")


def test_a_program_needs_a_region(db: Db) -> None:
    with pytest.raises(Unknown, match="no region 'moon'"):
        add_program(db, "x", region_id="moon", title="X", title_zh="X", rule="cn-45")


@pytest.mark.parametrize(
    "program_id, clerk_id, said",
    [
        pytest.param("none", "ann", "no program 'none'", id="program"),
        pytest.param("sales", "nobody", "no person 'nobody'", id="person"),
    ],
)
def test_a_pair_needs_a_program_and_people(db: Db, program_id: str, clerk_id: str, said: str) -> None:
    with pytest.raises(Unknown, match=said):
        add_pair(db, "x", program_id=program_id, clerk_id=clerk_id, manager_id="bo")


@pytest.mark.parametrize(
    "parts, said",
    [
        pytest.param(plan()[:2], "one joint", id="no joint part"),
        pytest.param([], "one joint", id="no parts"),
        pytest.param([*plan()[:2], PartPlan(role="joint", hours=Decimal(1), due=DUE, evidence=["selfie"])], "selfie",
                     id="unknown evidence"),
        pytest.param([*plan()[:2], PartPlan(role="joint", hours=Decimal(-1), due=DUE)], "negative",
                     id="negative hours"),
        pytest.param([*plan()[:2], PartPlan(role="joint", hours=Decimal(1), due=DUE, start_by=DUE)], "before it starts",
                     id="due before start"),
    ],
)  # fmt: skip
def test_a_task_that_makes_no_sense_is_refused(db: Db, parts: list[PartPlan], said: str) -> None:
    with pytest.raises(Incomplete, match=said):
        add_task(db, "x", pair_id="ann-bo", title="X", title_zh="X", parts=parts, now=NINE)


# Hand in


def test_a_hand_in_is_the_next_version_and_asks_to_be_looked_at(db: Db) -> None:
    first = logged(db)
    again = hand_in(db, part(db).id, "ann", [Evidence("order_log", "application/pdf", 9, "c" * 64)], now=NINE)

    assert (first.version, again.version) == (1, 2)
    assert (first.state, first.handed_in_at) == ("handed_in", NINE)
    assert marks(db) == (NINE, {"2026-03": NINE})
    assert db.scalar(sa.select(sa.func.count()).select_from(EvidenceRow)) == 2


def test_the_same_files_sent_twice_are_one_version(db: Db) -> None:
    first, again = logged(db), hand_in(db, part(db).id, "ann", [LOG], now=NINE + timedelta(hours=1))

    assert again.id == first.id
    assert again.handed_in_at == NINE


def test_the_same_files_after_a_rejection_are_a_new_version(db: Db) -> None:
    reject(db, logged(db).id, "The dates are missing.", by="t", now=NINE)

    assert logged(db).version == 2


@pytest.mark.parametrize(
    "role, person, said",
    [
        pytest.param("clerk", "bo", "your partner's", id="the partner's part"),
        pytest.param("reserve_manager", "ann", "your partner's", id="the other way round"),
        pytest.param("clerk", "zoe", "another pair", id="another pair's part"),
        pytest.param("joint", "zoe", "another pair", id="another pair's joint part"),
    ],
)
def test_only_the_learner_of_a_part_hands_it_in(db: Db, role: str, person: str, said: str) -> None:
    with pytest.raises(NotAllowed, match=said):
        hand_in(db, part(db, role).id, person, [LOG], now=NINE)


@pytest.mark.parametrize("person", ["ann", "bo"])
def test_either_partner_hands_in_the_joint_part(db: Db, person: str) -> None:
    assert hand_in(db, part(db, "joint").id, person, [], now=NINE).person_id == person


@pytest.mark.parametrize(
    "evidence, said",
    [
        pytest.param([], "missing: order_log", id="nothing"),
        pytest.param([LOG, PLAN], "no such evidence: optimisation_plan", id="not wanted"),
    ],
)
def test_a_part_gets_the_evidence_it_wants(db: Db, evidence: list[Evidence], said: str) -> None:
    with pytest.raises(Incomplete, match=said):
        hand_in(db, part(db).id, "ann", evidence, now=NINE)


def test_nothing_is_handed_in_after_acceptance(db: Db) -> None:
    accept(db, logged(db).id, by="t", now=NINE)

    with pytest.raises(TooLate, match="has been accepted"):
        logged(db)


# Decide


def test_acceptance_says_who_and_when_and_is_looked_at(db: Db) -> None:
    handed = logged(db)
    forget_marks(db)

    accepted = accept(db, handed.id, by="trainer-1", now=NINE + timedelta(hours=2))

    assert (accepted.state, accepted.decided_by, accepted.decided_at) == (
        "accepted", "trainer-1", NINE + timedelta(hours=2),
    )  # fmt: skip
    assert marks(db) == (NINE + timedelta(hours=2), {"2026-03": NINE + timedelta(hours=2)})


def test_a_rejection_carries_its_words(db: Db) -> None:
    rejected = reject(db, logged(db).id, "  The dates are missing. ", by="t", now=NINE)

    assert (rejected.state, rejected.words) == ("rejected", "The dates are missing.")


@pytest.mark.parametrize("words", ["", " \n\t"])
def test_a_rejection_without_words_is_refused(db: Db, words: str) -> None:
    with pytest.raises(Incomplete, match="what has to be done better"):
        reject(db, logged(db).id, words, by="t", now=NINE)


def test_what_is_decided_stays_decided(db: Db) -> None:
    handed = logged(db)
    accept(db, handed.id, by="t", now=NINE)

    with pytest.raises(TooLate, match="accepted already"):
        reject(db, handed.id, "No.", by="t", now=NINE)


def test_only_the_newest_version_is_decided(db: Db) -> None:
    old = logged(db)
    hand_in(db, part(db).id, "ann", [Evidence("order_log", "application/pdf", 1, "c" * 64)], now=NINE)

    with pytest.raises(TooLate, match="newer version"):
        accept(db, old.id, by="t", now=NINE)


@pytest.mark.parametrize("id", ["", "nothing"])
def test_a_submission_that_does_not_exist_cannot_be_decided(db: Db, id: str) -> None:
    with pytest.raises(Unknown, match="no submission"):
        accept(db, id, by="t", now=NINE)


# Move


def test_a_moved_due_is_audited_and_both_months_are_settled(db: Db) -> None:
    april = DUE + timedelta(days=30)

    move_due(db, part(db).id, april, by="t", reason="Illness.", now=NINE)

    assert part(db).due == april
    assert marks(db) == (NINE, {"2026-03": NINE, "2026-04": NINE})
    moved = db.scalars(sa.select(AuditRow).where(AuditRow.act == "due moved")).one()
    assert (moved.actor, moved.details) == ("account:t", {"before": DUE.isoformat(), "due": april.isoformat()})
    assert db.scalars(sa.select(DueMoveRow.reason)).all() == ["Illness."]


@pytest.mark.parametrize(
    "due, reason, said",
    [
        pytest.param(DUE, " ", "Give a reason", id="no reason"),
        pytest.param(NINE, "Why not", "not after the time", id="before the start"),
    ],
)
def test_a_due_does_not_move_without_sense(db: Db, due: datetime, reason: str, said: str) -> None:
    with pytest.raises(Incomplete, match=said):
        move_due(db, part(db).id, due, by="t", reason=reason, now=NINE)


def test_the_months_of_all_parts_are_settled_because_one_decides_on_the_joint_one(db: Db) -> None:
    move_due(db, part(db, "joint").id, DUE + timedelta(days=30), by="t", reason="Holiday.", now=NINE)
    forget_marks(db)

    accept(db, logged(db).id, by="t", now=NINE)

    assert marks(db)[1].keys() == {"2026-03", "2026-04"}


def test_a_part_has_so_many_versions_and_no_more(db: Db) -> None:
    for number in range(MOST_VERSIONS):
        hand_in(db, part(db).id, "ann", [Evidence("order_log", "x", 1, f"{number:064}")], now=NINE)

    with pytest.raises(TooLate, match="talk to the trainer"):
        logged(db)


def test_a_month_is_the_regions_own() -> None:
    ledger = in_memory()
    with ledger.begin() as db:
        db.add(RegionRow(id="east", name="East", zone="Asia/Shanghai", rule="cn-45"))
        db.flush()
        for id, role in (("ann", "clerk"), ("bo", "reserve_manager")):
            db.add(PersonRow(id=id, region_id="east", number=id, name=id, role=role))
        db.flush()
        add_program(db, "sales", region_id="east", title="Sales", title_zh="销售", rule="cn-45")
        add_pair(db, "ann-bo", program_id="sales", clerk_id="ann", manager_id="bo")

        # 20:00 UTC on 31 March is April in Shanghai.
        task(db, due=datetime.fromisoformat("2026-03-31T20:00:00+00:00"))

        assert marks(db)[1] == {"2026-04": NINE}
        assert db.get_one(PairRow, "ann-bo").clerk_id == "ann"
    ledger.close()


# Progress and trails


def test_progress_is_entered_once_for_a_moment_and_looked_at(db: Db) -> None:
    for percent in (40, 45):
        report_progress(db, "ann", "sales", Decimal(percent), at=NINE, now=NINE)

    assert [row.percent for row in db.scalars(sa.select(ProgressRow))] == [45]
    assert marks(db)[0] == NINE
    with pytest.raises(Incomplete):
        report_progress(db, "ann", "sales", Decimal(101), at=NINE, now=NINE)


def test_the_audit_holds_ids_and_no_names(db: Db) -> None:
    accept(db, logged(db).id, by="t", now=NINE)
    move_due(db, part(db, "joint").id, DUE + timedelta(days=1), by="t", reason="Holiday.", now=NINE)

    rows = list(db.scalars(sa.select(AuditRow).order_by(AuditRow.id)))
    assert [row.act for row in rows] == ["part handed in", "part accepted", "due moved"]
    assert not any(name in f"{row.actor} {row.thing} {row.details}" for row in rows for name in ("Ann", "Bo"))
