"""What a trainer decides: with a reason, inside the session's window, about this learner only."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from gateway.ingest import ingest
from ledger.account_tables import AuditRow
from ledger.decisions import as_rules, check_ins_at, decide, decisions_of, standing
from ledger.refusals import Incomplete, NotPossible, TooLate, Unknown
from ledger.tables import DecisionRow, DirtyDayRow
from tests.cast import EVENING, NINE, at, company, seen

SEAT = ("order-101", "ann")


@pytest.fixture
def db() -> Iterator[Db]:
    """Open a ledger in which Ann came at nine and Bo did too."""
    ledger = company()
    with ledger.begin() as db:
        ingest(db, [seen("ann", seq=1), seen("bo", seq=2)], received_at=NINE)
        db.execute(sa.delete(DirtyDayRow))
        yield db
    ledger.close()


def anns(db: Db, who: str = "ann") -> UUID:
    """Find the id of somebody's check-in."""
    return check_ins_at(db, [("order-101", who)])["order-101", who][0].id


def say(
    db: Db, kind: str = "add_out", when: datetime | None = None, which: UUID | None = None, reason: str = "Seen.",
    *, session: str = "order-101", person: str = "ann", now: datetime = EVENING,
) -> DecisionRow:  # fmt: skip
    """Decide."""
    return decide(db, session, person, kind, when, which, reason, by="trainer-1", now=now)


def test_a_decision_is_entered_and_the_day_is_settled_again(db: Db) -> None:
    made = say(db, "add_out", at("12:00"))

    assert (made.kind, made.at, made.reason, made.decided_by, made.decided_at) == (
        "add_out", at("12:00"), "Seen.", "trainer-1", EVENING,
    )  # fmt: skip
    assert [(row.person_id, row.day, row.due_at) for row in db.scalars(sa.select(DirtyDayRow))] == [
        ("ann", NINE.date(), EVENING)
    ]
    assert decisions_of(db, [SEAT]) == {SEAT: [made]}


def test_the_audit_has_ids_and_not_the_reason(db: Db) -> None:
    made = say(db, "nothing", reason="Ann slept.")

    noted = db.scalars(sa.select(AuditRow).where(AuditRow.act == "attendance decided")).one()
    assert (noted.actor, noted.thing) == ("account:trainer-1", made.id)
    assert noted.details == {"session": "order-101", "person": "ann", "kind": "nothing"}


@pytest.mark.parametrize("when", ["08:30", "12:30"])
def test_the_window_counts_with_both_its_ends(db: Db, when: str) -> None:
    assert say(db, "add_in", at(when)).at == at(when)


@pytest.mark.parametrize(
    "kind, when, reason, code",
    [
        pytest.param("add_out", at("12:00"), "  ", "no_reason", id="no reason"),
        pytest.param("add_out", None, "She left.", "no_instant", id="no instant"),
        pytest.param("add_in", at("08:29:59"), "Early.", "outside_window", id="before the window"),
        pytest.param("add_out", at("12:30:01"), "Late.", "outside_window", id="after the window"),
        pytest.param("void", None, "Not her.", "no_check_in", id="no check-in"),
        pytest.param("double", None, "Generous.", "no_decision", id="no such decision"),
    ],
)
def test_a_decision_that_lacks_something_is_refused(
    db: Db, kind: str, when: datetime | None, reason: str, code: str
) -> None:
    with pytest.raises(Incomplete) as refused:
        say(db, kind, when, reason=reason)

    assert refused.value.code == code
    assert decisions_of(db, [SEAT]) == {}


def test_what_has_not_happened_cannot_be_decided(db: Db) -> None:
    with pytest.raises(Incomplete, match="future"):
        say(db, "add_out", at("12:00"), now=at("11:59"))


@pytest.mark.parametrize(
    "session, person, said",
    [
        pytest.param("order-999", "ann", "no session 'order-999'", id="session"),
        pytest.param("order-101", "nobody", "no person 'nobody'", id="person"),
        pytest.param("order-101", "zoe", "'zoe' is not on the roster", id="not in the session"),
    ],
)
def test_a_decision_is_about_somebody_in_a_session(db: Db, session: str, person: str, said: str) -> None:
    with pytest.raises(Unknown, match=said):
        say(db, "nothing", session=session, person=person)


def test_a_check_in_is_taken_out_once(db: Db) -> None:
    say(db, "void", which=anns(db))

    with pytest.raises(TooLate, match="does not count already"):
        say(db, "void", which=anns(db))


@pytest.mark.parametrize("whose", ["bo", None])
def test_a_check_in_of_somebody_else_is_not_taken_out(db: Db, whose: str | None) -> None:
    with pytest.raises(Incomplete, match="not one of this person"):
        say(db, "void", which=anns(db, whose) if whose else uuid4())


def test_a_decision_can_be_taken_back_once(db: Db) -> None:
    wrong, right = say(db, "add_out", at("11:00")), say(db, "add_out", at("12:00"))

    back = say(db, "void", which=UUID(wrong.id))

    assert standing(decisions_of(db, [SEAT])[SEAT]) == [right, back]
    with pytest.raises(NotPossible):
        say(db, "void", which=UUID(wrong.id))


def test_taking_a_void_back_lets_the_check_in_count_again(db: Db) -> None:
    void = say(db, "void", which=anns(db))

    say(db, "void", which=UUID(void.id), now=EVENING + timedelta(minutes=1))

    kept = standing(decisions_of(db, [SEAT])[SEAT])
    assert anns(db) not in {row.check_in_id for row in kept}


def test_the_rules_get_what_stands(db: Db) -> None:
    wrong, right = say(db, "add_out", at("11:00")), say(db, "add_out", at("12:00"))
    say(db, "void", which=UUID(wrong.id))
    say(db, "void", which=anns(db))

    decisions, voided = as_rules(decisions_of(db, [SEAT])[SEAT])

    assert [(rule.id, rule.kind, rule.at) for rule in decisions] == [(right.id, "add_out", at("12:00"))]
    assert voided == {str(anns(db))}
