"""HR decides about attendance, submissions, dues and months; every act is audited, and sent twice it is one act."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from gateway.api_keys import SCOPES
from ledger.account_tables import AuditRow
from ledger.check_ins import mark_dirty
from ledger.settlement import settle
from ledger.tables import CheckInRow, DecisionRow, PresenceCheckRow
from tests.gateway.api_cast import Hr, acts, refused
from tests.gateway.cast import NINE, TODAY, TWELVE, seen, session
from tests.gateway.pair_cast import part_of

DECISIONS = "sessions/order-101/decisions"
LEFT = {"number": "1001", "kind": "add_out", "at": "2026-11-20T11:00:00+08:00", "reason": "The badge was broken."}
NOTHING = {"number": "1001", "kind": "nothing", "reason": "Was not there."}


def minutes(hr: Hr, person: str = "ann") -> list[int]:
    """Settle, and return the minutes that stand for somebody."""
    with hr.gateway.ledger.begin() as db:
        settle(db, now=hr.gateway.clock.now)
        query = sa.text(
            "SELECT minutes FROM hour_records r WHERE person_id = :who AND kind = 'credit' AND source_id = 'order-101'"
            " AND NOT EXISTS (SELECT 1 FROM hour_records x WHERE x.reverses = r.id)"
        )
        return list(db.execute(query, {"who": person}).scalars())


def a_check_in(hr: Hr, person: str = "ann") -> str:
    """Return the id of somebody's first check-in."""
    with hr.gateway.ledger.read() as db:
        query = sa.select(CheckInRow.id).where(CheckInRow.person_id == person).order_by(CheckInRow.at)
        return str(db.scalars(query).first())


# Attendance


def test_a_decision_changes_hours_once_however_often_it_is_sent(hr_on_both: Hr) -> None:
    hr = hr_on_both
    assert minutes(hr) == [165]

    made, again = hr.post(DECISIONS, **NOTHING), hr.post(DECISIONS, **NOTHING)

    assert (made.status_code, again.status_code) == (201, 200)
    assert made.get_json() == again.get_json()
    assert made.get_json()["decided_by"] == hr.id
    assert minutes(hr) == [0]
    with hr.gateway.ledger.read() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(DecisionRow)) == 1
        [noted] = [row for row in db.query(AuditRow) if row.act == "attendance decided"]
    assert noted.actor == f"key:{hr.id}"
    assert "broken" not in str(noted.details)


def test_a_decision_is_taken_back_by_another(hr_on_both: Hr) -> None:
    hr = hr_on_both
    first = hr.post(DECISIONS, **NOTHING).get_json()["id"]
    back = {"number": "1001", "kind": "void", "check_in": first, "reason": "Was there after all."}

    made, again = hr.post(DECISIONS, **back), hr.post(DECISIONS, **back)
    anew = hr.post(DECISIONS, **NOTHING)

    assert (made.status_code, again.status_code, anew.status_code) == (201, 200, 201)
    listed = hr.get(DECISIONS).get_json()["decisions"]
    assert [(one["kind"], one["stands"]) for one in listed] == [("nothing", False), ("void", True), ("nothing", True)]


def test_a_check_in_can_be_taken_out_and_another_time_put_in(hr: Hr) -> None:
    hr.post(DECISIONS, number="1001", kind="void", check_in=a_check_in(hr), reason="Somebody else's badge.")
    hr.post(DECISIONS, number="1001", kind="add_in", at="2026-11-20T10:00:00+08:00", reason="Came at ten.")

    assert minutes(hr) == [105]


def test_somebody_vouches_for_who_missed_a_presence_check(hr: Hr) -> None:
    ten = NINE + timedelta(hours=1)
    with hr.gateway.ledger.begin() as db:
        db.add(PresenceCheckRow(id="at-ten", session_id="order-101", asked_at=ten, answer_until=ten))
        mark_dirty(db, [("ann", TODAY, NINE)])
    assert minutes(hr) == []

    made, again = (hr.post(DECISIONS, number="1001", kind="present", reason="I saw her.") for _ in range(2))

    assert (made.status_code, again.status_code) == (201, 200)
    assert (made.get_json()["kind"], made.get_json()["at"]) == ("present", None)
    assert minutes(hr) == [165]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(LEFT | {"at": None}, (422, "value-wrong"), id="no time"),
        pytest.param(LEFT | {"at": "2026-11-20T07:00:00+08:00"}, (422, "value-wrong"), id="before the window"),
        pytest.param(NOTHING | {"at": LEFT["at"]}, (422, "value-wrong"), id="a time for nothing"),
        pytest.param(LEFT | {"kind": "present"}, (422, "value-wrong"), id="a time for having been there"),
        pytest.param(LEFT | {"check_in": str(uuid4())}, (422, "value-wrong"), id="a check-in for a time"),
        pytest.param(NOTHING | {"kind": "void"}, (422, "value-wrong"), id="void of nothing"),
        pytest.param(
            NOTHING | {"kind": "void", "check_in": str(uuid4())}, (422, "value-wrong"), id="void of what is not there"
        ),
        pytest.param(NOTHING | {"reason": "   "}, (422, "value-wrong"), id="blanks for a reason"),
        pytest.param(NOTHING | {"reason": ""}, (422, "parameter-wrong"), id="no reason"),
        pytest.param(NOTHING | {"reason": "x" * 1001}, (422, "parameter-wrong"), id="a long story"),
        pytest.param(NOTHING | {"reason": "a\u0000b"}, (422, "parameter-wrong"), id="NUL"),
        pytest.param(NOTHING | {"kind": "everything"}, (422, "parameter-wrong"), id="no such kind"),
        pytest.param(NOTHING | {"kind": "void", "check_in": "1"}, (422, "parameter-wrong"), id="no id"),
        pytest.param(NOTHING | {"number": "1003"}, (404, "not-found"), id="not on the roster"),
        pytest.param(NOTHING | {"number": "0"}, (404, "not-found"), id="nobody"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(hr: Hr, body: dict[str, Any], expected: tuple[int, str]) -> None:
    assert refused(hr.post(DECISIONS, **body)) == expected
    assert hr.get(DECISIONS).get_json() == {"decisions": []}


def test_a_reason_may_have_lines(hr: Hr) -> None:
    assert hr.post(DECISIONS, **NOTHING | {"reason": "First.\nSecond.\tThird."}).status_code == 201


def test_decisions_about_another_session_are_not_listed(hr: Hr) -> None:
    with hr.gateway.ledger.begin() as db:
        session(db, "order-102", people=("ann",), starts_at=TWELVE)
        seen(db, "ann", "in", TWELVE, session="order-102")
    hr.post("sessions/order-102/decisions", **NOTHING)

    assert hr.get(DECISIONS).get_json() == {"decisions": []}


# Joint tasks


@pytest.mark.parametrize(
    ("act", "body", "state"),
    [("accept", {}, "accepted"), ("reject", {"words": "Name the customer."}, "rejected")],
    ids=["accept", "reject"],
)
def test_a_submission_is_decided_once(hr_on_both: Hr, act: str, body: dict[str, str], state: str) -> None:
    hr = hr_on_both
    [one] = hr.get("submissions").get_json()["submissions"]

    decided, again = (hr.post(f"submissions/{one['id']}/{act}", **body) for _ in range(2))

    told = decided.get_json()
    assert (told["state"], told["words"], told["decided_by"]) == (state, body.get("words"), hr.id)
    assert told["decided_at"] == "2026-11-20T06:00:00.000Z"
    assert hr.get(f"submissions/{one['id']}").get_json() == told
    assert refused(again) == (409, "too-late")
    assert acts(hr.gateway)[-1] == (f"key:{hr.id}", f"part {state}", one["id"])


def test_a_submission_is_accepted_without_a_body(hr: Hr) -> None:
    [one] = hr.get("submissions").get_json()["submissions"]

    answer = hr.browser.post(f"/api/v1/submissions/{one['id']}/accept", headers=hr.key)

    assert answer.get_json()["state"] == "accepted"


def test_a_submission_is_not_given_back_without_words(hr: Hr) -> None:
    [one] = hr.get("submissions").get_json()["submissions"]

    assert refused(hr.post(f"submissions/{one['id']}/reject")) == (422, "parameter-wrong")
    assert refused(hr.post(f"submissions/{one['id']}/reject", words=" ")) == (422, "value-wrong")


def test_a_due_moves_and_the_audit_says_from_when(hr_on_both: Hr) -> None:
    hr, id = hr_on_both, part_of(hr_on_both.gateway, "reserve_manager")
    later = {"due": "2026-11-24T18:00:00+08:00", "reason": "Bo was ill."}

    moved, again = (hr.post(f"parts/{id}/due", **later) for _ in range(2))

    part = next(part for part in moved.get_json()["parts"] if part["id"] == id)
    assert part["due"] == "2026-11-24T10:00:00.000Z"
    assert again.get_json() == moved.get_json() == hr.get("tasks/spring-orders").get_json()
    with hr.gateway.ledger.read() as db:
        [noted] = [row for row in db.query(AuditRow) if row.act == "due moved"]
    assert (noted.actor, noted.details["before"]) == (f"key:{hr.id}", "2026-11-23T01:00:00+00:00")


def test_the_due_of_an_accepted_part_stays(hr: Hr) -> None:
    [one] = hr.get("submissions").get_json()["submissions"]
    hr.post(f"submissions/{one['id']}/accept")

    answer = hr.post(f"parts/{one['part']}/due", due="2026-12-01T00:00:00Z", reason="late")

    assert refused(answer) == (409, "too-late")


# Months


def test_a_month_that_is_over_is_closed_once(hr_on_both: Hr) -> None:
    hr = hr_on_both

    closed, again = (hr.put("closed-months/east/2026-10") for _ in range(2))
    hr.put("closed-months/east/2026-09")
    hr.put("closed-months/west/2026-10")

    assert (closed.status_code, again.status_code) == (201, 200)
    assert closed.get_json() == again.get_json()
    assert closed.get_json() == {
        "region": "east", "month": "2026-10", "closed_at": "2026-11-20T06:00:00.000Z", "closed_by": hr.id,
    }  # fmt: skip
    months = hr.everything("closed-months", "closed_months", limit=1)
    assert [(one["region"], one["month"]) for one in months] == [
        ("east", "2026-09"), ("east", "2026-10"), ("west", "2026-10"),
    ]  # fmt: skip
    assert [act[1] for act in acts(hr.gateway)].count("month closed") == 3


def test_a_month_is_over_by_the_clock_of_its_region(hr: Hr) -> None:
    # Half past eleven at night in Shanghai is the first of December nowhere yet; an hour later it is, there alone.
    hr.gateway.clock.now = NINE.replace(day=30, hour=15, minute=30)
    assert refused(hr.put("closed-months/east/2026-11")) == (422, "value-wrong")
    hr.gateway.clock.now += timedelta(hours=1)

    assert hr.put("closed-months/east/2026-11").status_code == 201
    assert refused(hr.put("closed-months/west/2026-11")) == (422, "value-wrong")


def test_what_is_corrected_after_the_close_is_booked_in_the_open_month(hr: Hr) -> None:
    assert minutes(hr) == [165]
    hr.gateway.clock.now += timedelta(days=30)
    hr.put("closed-months/east/2026-11")

    hr.post(DECISIONS, **NOTHING)

    assert minutes(hr) == [0]
    with hr.gateway.ledger.read() as db:
        query = sa.text("SELECT effective_date, booked_in FROM hour_records WHERE person_id = 'ann' AND version > 1")
        assert [(str(day), booked) for day, booked in db.execute(query)] == [(str(TODAY), "2026-12")] * 2


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "26-10", "2026-1", "1999-12", "9999-12"])
def test_what_is_no_month_is_not_closed(hr: Hr, month: str) -> None:
    assert refused(hr.put(f"closed-months/east/{month}")) == (422, "parameter-wrong")


# Keys


def test_nothing_of_other_regions_is_decided(hr: Hr) -> None:
    west = Hr(hr.gateway, regions=["west"])
    [submission] = hr.get("submissions").get_json()["submissions"]
    before = acts(hr.gateway)

    for answer in (
        west.post(DECISIONS, **NOTHING),
        west.get(DECISIONS),
        west.post("sessions/west-7/decisions", **NOTHING),
        west.post(f"submissions/{submission['id']}/accept"),
        west.post(f"submissions/{submission['id']}/reject", words="No."),
        west.post(f"parts/{submission['part']}/due", due="2026-12-01T00:00:00Z", reason="late"),
        west.put("closed-months/east/2026-10"),
    ):
        assert refused(answer) == (404, "not-found")
    foreign, nobody = (west.post("sessions/west-7/decisions", **NOTHING | {"number": who}) for who in ("1001", "0"))
    assert foreign.get_json() == nobody.get_json()
    assert acts(hr.gateway) == before


@pytest.mark.parametrize("scope", sorted(set(SCOPES) - {"corrections:write"}))
def test_only_the_scope_for_corrections_decides(hr: Hr, scope: str) -> None:
    other = Hr(hr.gateway, scopes=[scope])

    assert refused(other.post(DECISIONS, **NOTHING)) == (403, "scope-missing")
    assert refused(other.put("closed-months/east/2026-10")) == (403, "scope-missing")
