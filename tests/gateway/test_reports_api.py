"""Reports are made from what stands in the ledger, for the regions of a key, as JSON, CSV and XLSX."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from gateway.reporting import NAMES
from ledger import pairs, report_sources
from ledger.rule_tables import RuleRow
from ledger.tables import CourseRow, ScoreRow, SessionRow
from tests.gateway.api_cast import NIGHT, Hr, refused
from tests.gateway.cast import NINE, TODAY, TWELVE, attend, evening, seen, session
from tests.gateway.pair_cast import part

MONTH = {"month": "2026-11"}
NOVEMBER = {"first": "2026-11-01", "last": "2026-11-30"}


def rows(hr: Hr, name: str, **query: str) -> list[dict[str, Any]]:
    """Return the rows of a report on November, or on other days."""
    told = hr.get(f"reports/{name}", **(query if {"day", "month", "from"} & query.keys() else MONTH | query))
    found: list[dict[str, Any]] = told.get_json()["rows"]
    return found


def row(hr: Hr, name: str, **of: Any) -> dict[str, Any]:
    """Return the one row of a report that says this."""
    [found] = [one for one in rows(hr, name) if of.items() <= one.items()]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_report_is_made_on_both_databases(hr_on_both: Hr, name: str) -> None:
    answer = hr_on_both.get(f"reports/{name}", **MONTH).get_json()

    assert answer["report"] == name
    assert answer["about"].items() >= {**NOVEMBER, "region": None, "course": None}.items()
    assert set(answer["people"].values()) <= {"1001", "1002", "1003", "2001", "2002"}
    assert "Ann" not in str(answer)


def test_the_sign_in_rate_counts_who_came(hr: Hr) -> None:
    clerks, managers, of_dora, _ = rows(hr, "sign_in_rate")

    assert (clerks["session_id"], clerks["on_roster"], clerks["signed_in"], clerks["met"]) == ("order-101", 1, 1, True)
    assert (managers["role"], managers["percent"]) == ("reserve_manager", "100.0")
    assert (of_dora["session_id"], of_dora["signed_in"], of_dora["met"]) == ("west-7", 0, False)
    assert [total["role"] for total in hr.get("reports/sign_in_rate", **MONTH).get_json()["totals"]] == [
        "clerk", "reserve_manager", "all",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("decided", "signed_in"),
    [([], 1), ([{"kind": "nothing"}], 0), ([{"kind": "void", "check_in": True}], 0)],
    ids=["as it was", "decided to be nothing", "taken out"],
)
def test_a_decision_changes_who_came(hr_on_both: Hr, decided: list[dict[str, Any]], signed_in: int) -> None:
    hr = hr_on_both
    for body in decided:
        told = {"check_in": _first_check_in(hr)} if "check_in" in body else {}
        hr.post("sessions/order-101/decisions", number="1001", reason="so", **body | told)

    assert row(hr, "sign_in_rate", session_id="order-101", role="clerk")["signed_in"] == signed_in


def _first_check_in(hr: Hr) -> str:
    record = next(one for one in hr.get("hour-records").get_json()["records"] if one["person"] == "ann")
    return str(hr.get(f"hour-records/{record['id']}").get_json()["check_ins"][0])


def test_whoever_is_on_review_has_signed_in_and_no_hours(hr: Hr) -> None:
    with hr.gateway.ledger.begin() as db:
        seen(db, "dora", "in", NINE, session="west-7")
        evening(db, TWELVE + timedelta(hours=2))

    assert row(hr, "sign_in_rate", session_id="west-7", role="clerk")["signed_in"] == 1
    assert rows(hr, "make_up") == []
    assert row(hr, "completion", role="clerk")["completed"] == 1


def test_completion_follows_the_hours(hr: Hr) -> None:
    with hr.gateway.ledger.begin() as db:
        session(db, "order-102", people=("ann", "bo"), starts_at=NINE - timedelta(days=1))
        db.get_one(SessionRow, "order-102").local_date = TODAY - timedelta(days=1)

    assert row(hr, "completion", role="clerk") == {
        "kind": "course", "of": "order-entry", "role": "clerk", "learners": 2, "completed": 0, "percent": "0.0",
        "made_up": 1,
    }  # fmt: skip
    assert rows(hr, "program_completion") == []


def test_a_joint_session_counts_for_the_programme(hr: Hr) -> None:
    with hr.gateway.ledger.begin() as db:
        db.get_one(SessionRow, "order-101").program_id = "sales"

    both = row(hr, "joint_participation", pair_id="ann-bo")

    assert (both["sessions"], both["together"], both["percent"]) == (1, 1, "100.0")
    assert [one["of"] for one in rows(hr, "program_completion")] == ["sales", "sales"]


def test_who_missed_a_session_or_failed_a_test_can_make_up(hr: Hr) -> None:
    with hr.gateway.ledger.begin() as db:
        db.get_one(CourseRow, "order-entry").pass_mark = Decimal(80)
        later = NINE + timedelta(days=20)
        session(db, "again", room="room-9", region="west", zone="Europe/Berlin", starts_at=later)
        db.get_one(SessionRow, "again").local_date = later.date()

    of_dora, of_ann = row(hr, "make_up", learner_id="dora"), row(hr, "make_up", learner_id="ann")

    assert [missed["session_id"] for missed in of_dora["missed"]] == ["west-7"]
    assert [offer["session_id"] for offer in of_dora["make_up"]] == ["again"]
    assert (of_ann["missed"], of_ann["points"], of_ann["pass_mark"]) == ([], "72.5", "80")
    assert of_ann["make_up"] == []
    assert not [one for one in rows(hr, "make_up") if one["learner_id"] == "bo"]


def test_who_was_not_reached(hr: Hr) -> None:
    assert [one["learner_id"] for one in rows(hr, "not_reached")] == ["dora"]


def test_a_week_adds_up_hours_tests_and_tasks(hr: Hr) -> None:
    week = row(hr, "weekly_progress", learner_id="ann", week="2026-W47")

    assert (week["sessions"], week["attended"], week["hours"], week["unit"]) == (1, 1, "3.5", "学时")
    assert week["points"] == [{"course_id": "order-entry", "points": "72.5"}]
    assert row(hr, "weekly_progress", learner_id="ann", week="2026-W48")["tasks_due"] == 1


def test_hours_are_told_in_the_unit_that_was_asked_for(hr: Hr) -> None:
    with hr.gateway.ledger.begin() as db:
        attend(db, "dora", session="west-7")
        evening(db, TWELVE + timedelta(hours=2))

    told = {unit: rows(hr, "weekly_progress", unit=unit) for unit in ("hour", "学时")}

    for unit, hours in (("hour", {"ann": "0", "dora": "2.75"}), ("学时", {"ann": "3.5", "dora": "0"})):
        found = {one["learner_id"]: one["hours"] for one in told[unit] if one["week"] == "2026-W47"}
        assert found.items() >= hours.items()
    assert hr.get("reports/partners", **MONTH).get_json()["about"]["unit"] == "学时"


def test_partners_stand_beside_each_other(hr: Hr) -> None:
    of_pair = row(hr, "partners", pair_id="ann-bo")

    assert of_pair["clerk"].items() >= {
        "attendance": "100.0", "hours": "3.5", "progress": "72.5", "open_parts": 1, "last_active": "2026-11-20",
    }.items()  # fmt: skip
    assert of_pair["manager"].items() >= {"progress": "90", "open_parts": 2}.items()


def test_recorded_conversations_are_counted(hr: Hr) -> None:
    with hr.gateway.ledger.begin() as db:
        files = [pairs.Evidence(kind, "application/pdf", 4, "c" * 64) for kind in ("conversation", "optimisation_plan")]
        pairs.hand_in(db, part(db, "reserve_manager"), "bo", files, now=hr.gateway.clock.now)

    assert {one["learner_id"]: one["conversations"] for one in rows(hr, "conversations")}.items() >= {
        "ann": 0, "bo": 1,
    }.items()  # fmt: skip


def test_joint_tasks_are_counted_by_when_they_are_due(hr: Hr) -> None:
    of_pair = row(hr, "joint_tasks", pair_id="ann-bo")

    assert (of_pair["due"], of_pair["completed"]) == (1, 0)
    assert type(of_pair["completed"]) is int
    assert {one["due"] for one in rows(hr, "joint_tasks", month="2026-12")} == {0}


def test_a_test_belongs_to_the_day_of_the_learners_region(hr_on_both: Hr) -> None:
    late = NINE.replace(day=30, hour=17)
    with hr_on_both.gateway.ledger.begin() as db:
        for person in ("ann", "dora"):
            told: dict[str, Any] = {"person_id": person, "course_id": "order-entry", "kind": "test", "at": late}
            db.add(ScoreRow(**told, points=Decimal(1)))

    december = rows(hr_on_both, "weekly_progress", day="2026-12-01")

    assert [one["learner_id"] for one in december if one["points"]] == ["ann"]


def test_a_session_that_no_rule_holds_for_is_left_out(hr: Hr) -> None:
    hr.post("rules", **NIGHT, effective_from="2027-01-01")
    hr.put("courses/order-entry", title="Orders", title_zh="订单", rule="night-45")

    assert rows(hr, "sign_in_rate") == []
    with hr.gateway.ledger.read() as db:
        assert db.query(RuleRow).count() == 1


# What is asked


@pytest.mark.parametrize(
    ("query", "sessions"),
    [
        ({"region": "west"}, {"west-7"}),
        ({"region": "moon"}, set()),
        ({"course": "order-entry"}, {"order-101", "west-7"}),
        ({"course": "nothing"}, set()),
        ({"day": "2026-11-20"}, {"order-101", "west-7"}),
        ({"from": "2026-11-01", "to": "2026-11-19"}, set()),
    ],
    ids=["region", "no region", "course", "no course", "day", "other days"],
)
def test_a_report_is_about_what_was_asked(hr: Hr, query: dict[str, str], sessions: set[str]) -> None:
    assert {one["session_id"] for one in rows(hr, "sign_in_rate", **query)} == sessions


@pytest.mark.parametrize("name", NAMES)
def test_a_key_gets_reports_on_its_regions_alone(hr: Hr, name: str) -> None:
    west = Hr(hr.gateway, regions=["west"])

    answer = west.get(f"reports/{name}", **MONTH)

    assert set(answer.get_json()["people"]) <= {"dora", "emil"}
    for stranger in ("ann", "bo", "order-101", "sales", "1001"):
        assert f'"{stranger}"' not in answer.text
    assert west.get(f"reports/{name}", **MONTH, region="east").get_json()["people"] == {}


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("reports/partners", {}, (422, "value-wrong")),
        ("reports/partners", {"from": "2026-11-30", "to": "2026-11-01"}, (422, "value-wrong")),
        ("reports/partners", {"from": "2025-01-01", "to": "2026-11-01"}, (422, "value-wrong")),
        ("reports/partners", MONTH | {"unit": "a\u0000"}, (422, "parameter-wrong")),
        ("reports/partners", MONTH | {"lang": "en"}, (422, "parameter-wrong")),
        ("reports/partners.csv", MONTH | {"lang": "fr"}, (422, "parameter-wrong")),
        ("reports/nothing", MONTH, (422, "parameter-wrong")),
        ("reports/partners.pdf", MONTH, (422, "parameter-wrong")),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    hr: Hr, path: str, query: dict[str, str], expected: tuple[int, str]
) -> None:
    assert refused(hr.get(path, **query)) == expected


def test_a_report_on_too_much_is_refused(hr: Hr, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_sources, "MOST_SESSIONS", 1)

    answer = hr.get("reports/sign_in_rate", **MONTH)

    assert refused(answer) == (422, "value-wrong")
    assert "fewer days" in answer.get_json()["detail"]
    assert len(rows(hr, "sign_in_rate", region="west")) == 2


@pytest.mark.parametrize("path", ["reports/partners", "reports/partners.csv", "reports/partners.xlsx"])
def test_a_report_takes_its_own_scope(hr: Hr, path: str) -> None:
    other = Hr(hr.gateway, scopes=["hours:read", "people:read"])

    assert refused(other.get(path, **MONTH)) == (403, "scope-missing")


# Files


@pytest.mark.parametrize(
    ("lang", "heading", "role"), [("en", "Learner", "Clerk"), ("zh", "学员", "文员")], ids=["English", "Chinese"]
)
def test_a_csv_has_numbers_and_words(hr: Hr, lang: str, heading: str, role: str) -> None:
    answer = hr.get("reports/not_reached.csv", **MONTH, lang=lang)

    first, second = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert (first[0], second) == (heading, ["2001", role, "1", "2026-11-20"])
    assert answer.headers["Content-Disposition"].endswith('"not-reached-2026-11-01-to-2026-11-30.csv"')
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_sheet_has_real_numbers(hr: Hr) -> None:
    answer = hr.get("reports/sign_in_rate.xlsx", **MONTH)

    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert isinstance(sheet, Worksheet)
    _, first, *_ = sheet.iter_rows(values_only=True)
    assert first[0] == "order-101"
    assert (first[4], first[5]) == (1, 1)
