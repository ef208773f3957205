"""Imports from a file's bytes to the ledger's rows: checked first, then brought in as a whole or not at all."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from gateway import import_texts
from gateway.import_forms import KINDS
from gateway.import_plan import Importer
from gateway.import_reading import ItemsWrong, bring, read
from gateway.import_samples import as_csv as sample_csv
from gateway.import_samples import as_xlsx as sample_xlsx
from gateway.texts import LANGUAGES
from ledger import imports, pairs
from ledger.account_tables import AuditRow
from ledger.database import Ledger
from ledger.import_tables import ImportRow
from ledger.pair_tables import DirtyMonthRow, JointTaskRow, PairRow, PartRow, ProgressRow
from ledger.refusals import TooLate
from ledger.tables import DirtyDayRow, PersonRow, RosterRow, ScoreRow, SessionRow
from tests.gateway.cast import NINE, TODAY, TWELVE, attend, company, evening, seen
from tests.gateway.imports_cast import (
    ACTOR,
    PEOPLE,
    SESSIONS,
    as_csv,
    as_xlsx,
    brought_in,
    errors,
    found,
    land,
    lines,
    people_file,
    read_in,
    staged,
)
from tests.sqlite import in_memory

PEOPLE_LINE, SESSIONS_LINE = ",".join(PEOPLE), ",".join(SESSIONS)
PAIR = "programme,clerk number,reserve manager number"
SCORE, PROGRESS = "number,course,kind,at,points", "number,programme,at,percent"
BERLIN = {"region": "west", "room": "", "ends": "04:00"}
"""Where clocks jump over an hour in March."""
TASK = "programme,task,title,title in Chinese,clerk due,reserve manager due,joint report due"
SPRING = "sales,spring,Spring orders,春季订单,2026-11-25 18:00,2026-11-26 18:00,2026-12-01 18:00"


def fill(ledger: Ledger) -> Ledger:
    """Enter the small company, a trainer and a programme in which Ann and Bo are a pair."""
    with ledger.begin() as db:
        company(db)
        db.add(PersonRow(id="tao", region_id="east", number="9001", name="Tao Ran", role="trainer"))
        pairs.add_program(db, "sales", region_id="east", title="Sales school", title_zh="销售训练营", rule="cn-45")
        pairs.add_pair(db, "ann-bo", program_id="sales", clerk_id="ann", manager_id="bo")
    return ledger


@pytest.fixture
def either(database: str) -> Iterator[Ledger]:
    """Open a ledger on each of the two engines."""
    ledger = fill(Ledger(database))
    yield ledger
    ledger.close()


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """Open a ledger in memory."""
    ledger = fill(in_memory())
    yield ledger
    ledger.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Ledger]:
    """Open a ledger for tests that only look."""
    ledger = fill(in_memory())
    yield ledger
    ledger.close()


def rows(ledger: Ledger, query: Any) -> list[Any]:
    with ledger.read() as db:
        return [tuple(row) for row in db.execute(query)]


# What comes in


def test_people_are_added_and_changed_and_their_pins_stay(either: Ledger) -> None:
    with either.begin() as db:
        db.get_one(PersonRow, "ann").pin_hash = "a PIN"

    done = brought_in(
        either, "people", lines("工号,姓名,角色,地区,手机", "1001,李安,文员,east,13800138000", "3001,新,trainer,west,")
    )

    assert done == (1, 1)
    people = rows(either, sa.select(PersonRow.number, PersonRow.name, PersonRow.phone, PersonRow.pin_hash))
    assert ("1001", "李安", "13800138000", "a PIN") in people
    assert ("3001", "新", None, None) in people


def test_a_column_that_is_not_there_changes_nothing_and_an_empty_cell_does(either: Ledger) -> None:
    brought_in(
        either, "people", lines("number,name,role,region,language,phone", "1001,Ann Li,clerk,east,zh,13800138000")
    )

    without = brought_in(either, "people", lines(PEOPLE_LINE, "1001,Ann Li,clerk,east"))
    assert rows(either, sa.select(PersonRow.language, PersonRow.phone).where(PersonRow.id == "ann")) == [
        ("zh", "13800138000")
    ]
    emptied = brought_in(either, "people", lines("number,name,role,region,language,phone", "1001,Ann Li,clerk,east,,"))

    assert (without, emptied) == ((0, 0), (0, 1))
    assert rows(either, sa.select(PersonRow.language, PersonRow.phone).where(PersonRow.id == "ann")) == [("en", None)]


def test_a_session_is_planned_by_the_clocks_of_its_region(either: Ledger) -> None:
    head = [*SESSIONS, "breaks", "trainer number", "methods", "missing check-out", "programme", "presence checks"]
    line = [
        "s-1",
        "order-entry",
        "west",
        "",
        "2026-11-20 23:00",
        "1:30",
        "00:15-00:30",
        "",
        "签到码",
        "to the end",
        "",
        "2",
    ]

    assert brought_in(either, "sessions", as_csv(head, line)) == (1, 0)

    with either.read() as db:
        row = db.get_one(SessionRow, "s-1")
    assert (row.zone, row.local_date, row.methods) == ("Europe/Berlin", date(2026, 11, 20), ["session_code"])
    assert (row.starts_at, row.ends_at) == (
        datetime(2026, 11, 20, 22, tzinfo=UTC),
        datetime(2026, 11, 21, 0, 30, tzinfo=UTC),
    )
    assert row.breaks == [["2026-11-20T23:15:00+00:00", "2026-11-20T23:30:00+00:00"]]
    assert (row.missing_out, row.presence_checks, row.room_id, row.series_id) == ("session_end", 2, None, None)


def test_a_recurring_session_keeps_its_time_on_the_wall_and_its_ids(either: Ledger) -> None:
    head = ",".join([*SESSIONS, "weekdays", "until", "times"])
    weekly = lines(head, "w,order-entry,west,,2026-10-19 09:00,10:00,Mon; 周三,2026-10-28,")

    first, again = brought_in(either, "sessions", weekly), brought_in(either, "sessions", weekly)
    longer = brought_in(either, "sessions", lines(head, "w,order-entry,west,,2026-10-19 09:00,10:00,Mon; Wed,,5"))

    assert (first, again, longer) == ((4, 0), (0, 0), (1, 0))
    sittings = rows(
        either, sa.select(SessionRow.id, SessionRow.starts_at, SessionRow.series_id).order_by(SessionRow.id)
    )
    assert [row for row in sittings if row[2] == "w"] == [
        ("w-20261019", datetime(2026, 10, 19, 7, tzinfo=UTC), "w"),
        ("w-20261021", datetime(2026, 10, 21, 7, tzinfo=UTC), "w"),
        ("w-20261026", datetime(2026, 10, 26, 8, tzinfo=UTC), "w"),
        ("w-20261028", datetime(2026, 10, 28, 8, tzinfo=UTC), "w"),
        ("w-20261102", datetime(2026, 11, 2, 8, tzinfo=UTC), "w"),
    ]


def test_a_session_that_moves_takes_its_breaks_along_and_is_settled_again(either: Ledger) -> None:
    with either.begin() as db:
        attend(db, "ann")
        evening(db)
    assert rows(either, sa.select(DirtyDayRow.person_id)) == []
    later = TWELVE + timedelta(hours=3)

    done = brought_in(
        either,
        "sessions",
        lines(SESSIONS_LINE, "order-101,order-entry,east,room-1,2026-11-20 09:30,12:30"),
        now=later,
    )

    assert done == (0, 1)
    with either.read() as db:
        row = db.get_one(SessionRow, "order-101")
    assert row.breaks == [["2026-11-20T03:00:00+00:00", "2026-11-20T03:15:00+00:00"]]
    assert row.earlier == [[NINE.isoformat(), TWELVE.isoformat(), "room-1"]]
    assert ("ann", TODAY) in rows(either, sa.select(DirtyDayRow.person_id, DirtyDayRow.day))


def test_a_session_that_stays_as_it_is_asks_for_nothing(either: Ledger) -> None:
    same = lines(SESSIONS_LINE, "order-101,order-entry,east,room-1,2026-11-20 09:00,12:00")
    with either.begin() as db:
        attend(db, "ann")
        evening(db)

    assert brought_in(either, "sessions", same, now=TWELVE + timedelta(hours=3)) == (0, 0)

    assert rows(either, sa.select(DirtyDayRow.person_id)) == []


def test_a_roster_lets_in_who_was_refused_and_takes_off_only_who_is_named(either: Ledger) -> None:
    with either.begin() as db:
        refused = seen(db, "stranger", "in", NINE, verdict="not_on_roster")
        evening(db)

    done = brought_in(
        either, "rosters", lines("session,number,remove", "order-101,1003,", "order-101,1002,yes", "order-101,1001,no")
    )

    assert done == (1, 1)
    assert rows(
        either, sa.select(RosterRow.person_id).where(RosterRow.session_id == "order-101").order_by(RosterRow.person_id)
    ) == [
        ("ann",),
        ("stranger",),
    ]
    with either.read() as db:
        verdict = db.execute(sa.text("SELECT verdict FROM check_ins")).scalar_one()
    assert (verdict, refused is not None) == ("admitted", True)
    assert ("stranger", TODAY) in rows(either, sa.select(DirtyDayRow.person_id, DirtyDayRow.day))


def test_a_pair_is_the_same_pair_whatever_its_id(either: Ledger) -> None:
    file = lines(PAIR, "sales,1001,1002", "sales,1003,1002")

    first, again = brought_in(either, "pairs", file), brought_in(either, "pairs", file)

    assert (first, again) == ((1, 0), (0, 0))
    found = rows(either, sa.select(PairRow.clerk_id, PairRow.manager_id).order_by(PairRow.clerk_id))
    assert found == [("ann", "bo"), ("stranger", "bo")]
    [(new,)] = rows(either, sa.select(PairRow.id).where(PairRow.clerk_id == "stranger"))
    assert rows(either, sa.select(DirtyMonthRow.pair_id, DirtyMonthRow.month)) == [(new, "2026-11")]


def test_a_task_goes_to_every_pair_with_the_classic_hours(either: Ledger) -> None:
    brought_in(either, "pairs", lines(PAIR, "sales,1003,1002"))

    first, again = brought_in(either, "tasks", lines(TASK, SPRING)), brought_in(either, "tasks", lines(TASK, SPRING))

    assert (first, again) == ((2, 0), (0, 0))
    assert rows(either, sa.select(JointTaskRow.title, JointTaskRow.next_at)) == [("Spring orders", NINE)] * 2
    parts = rows(either, sa.select(PartRow.role, PartRow.hours, PartRow.due, PartRow.evidence).order_by(PartRow.role))
    assert parts[::2] == [
        ("clerk", Decimal(2), datetime(2026, 11, 25, 10, tzinfo=UTC), ["order_log"]),
        ("joint", Decimal(1), datetime(2026, 12, 1, 10, tzinfo=UTC), ["joint_report"]),
        ("reserve_manager", Decimal(3), datetime(2026, 11, 26, 10, tzinfo=UTC), ["optimisation_plan", "conversation"]),
    ]
    assert {month for (month,) in rows(either, sa.select(DirtyMonthRow.month))} == {"2026-11", "2026-12"}


def test_a_due_that_moves_is_written_down_and_its_months_are_settled_again(either: Ledger) -> None:
    brought_in(either, "tasks", lines(TASK, SPRING))
    with either.begin() as db:
        db.execute(sa.delete(DirtyMonthRow))
        db.execute(sa.update(JointTaskRow).values(next_at=None))

    done = brought_in(either, "tasks", lines(TASK, SPRING.replace("2026-11-26", "2027-01-05")))

    assert done == (0, 1)
    [(act, actor, details)] = rows(
        either, sa.select(AuditRow.act, AuditRow.actor, AuditRow.details).where(AuditRow.act == "due moved")
    )
    assert (act, actor) == ("due moved", ACTOR)
    assert (details["before"], details["due"]) == ("2026-11-26T10:00:00+00:00", "2027-01-05T10:00:00+00:00")
    assert rows(either, sa.select(JointTaskRow.next_at)) == [(NINE,)]
    months = {month for (month,) in rows(either, sa.select(DirtyMonthRow.month))}
    assert months == {"2026-11", "2026-12", "2027-01"}


def test_what_has_been_accepted_keeps_its_due(either: Ledger) -> None:
    brought_in(either, "tasks", lines(TASK, SPRING))
    moved = lines(TASK, SPRING.replace("2026-11-25", "2026-11-27"))
    waiting = read_in(either, "tasks", moved)
    accept(either)

    late = read_in(either, "tasks", moved)

    assert errors(late) == [(2, "clerk due", "accepted_already")]
    with pytest.raises(TooLate) as refused:
        land(either, waiting)
    assert refused.value.code == "changed_meanwhile"


def accept(ledger: Ledger) -> None:
    """Let the trainer take the clerk's part as done."""
    with ledger.begin() as db:
        part = db.scalars(sa.select(PartRow.id).where(PartRow.role == "clerk")).one()
        log = pairs.Evidence("order_log", "application/pdf", 10, "a" * 64)
        pairs.accept(db, pairs.hand_in(db, part, "ann", [log], now=NINE).id, by="tao", now=NINE)


def test_a_task_of_an_id_is_that_task(ledger: Ledger) -> None:
    brought_in(ledger, "tasks", lines(TASK, SPRING))
    [(id,)] = rows(ledger, sa.select(JointTaskRow.id))

    named = SPRING.replace("spring", id).replace("Spring orders", "Orders of spring")
    done = brought_in(ledger, "tasks", lines(TASK, named))

    assert done == (0, 1)
    assert rows(ledger, sa.select(JointTaskRow.id, JointTaskRow.title)) == [(id, "Orders of spring")]


def test_facts_of_other_systems_come_in_and_have_tasks_looked_at(either: Ledger) -> None:
    brought_in(either, "tasks", lines(TASK, SPRING))
    with either.begin() as db:
        db.execute(sa.update(JointTaskRow).values(next_at=None))

    scores = lines("工号,课程,类型,时间,分数", "1001,order-entry,测试,2026-11-19 16:00,87.50")
    progress = lines(PROGRESS, "1002,sales,2026-11-19T08:00:00Z,80")
    first = brought_in(either, "scores", scores), brought_in(either, "progress", progress)
    with either.begin() as db:
        looked = db.scalars(sa.select(JointTaskRow.next_at)).one()
        db.execute(sa.update(JointTaskRow).values(next_at=None))
    again = brought_in(either, "scores", scores), brought_in(either, "progress", progress)

    assert (first, again, looked) == (((1, 0), (1, 0)), ((0, 0), (0, 0)), NINE)
    at = datetime(2026, 11, 19, 8, tzinfo=UTC)
    assert rows(either, sa.select(ScoreRow.person_id, ScoreRow.at, ScoreRow.points)) == [("ann", at, Decimal("87.5"))]
    assert rows(either, sa.select(ProgressRow.person_id, ProgressRow.at, ProgressRow.percent)) == [
        ("bo", at, Decimal(80))
    ]
    assert rows(either, sa.select(JointTaskRow.next_at)) == [(None,)]


# What is wrong


@pytest.mark.parametrize(
    "kind, head, line, wrong",
    [
        ("people", PEOPLE_LINE + ",phone", "5,,boss,east,12", [
            ("name", "missing"), ("role", "no_choice"), ("phone", "wrong_phone")]),
        ("people", PEOPLE_LINE, "5,Five,clerk,moon", [("region", "no_region")]),
        ("people", PEOPLE_LINE, "5,A\u202eB,clerk,east", [("name", "strange_letter")]),
        ("people", PEOPLE_LINE, "5,A\x00B,clerk,east", [("name", "strange_letter")]),
        ("people", PEOPLE_LINE, f"5,{'x' * 201},clerk,east", [("name", "too_long")]),
        ("people", PEOPLE_LINE, f"5,{'x' * 2001},clerk,east", [("name", "too_long")]),
        ("people", PEOPLE_LINE, "5,#N/A,clerk,east", [("name", "excel_error")]),
        ("people", PEOPLE_LINE, "5,Five,clerk,east,more", [("", "no_heading")]),
        ("people", PEOPLE_LINE, "1001,Ann,reserve manager,east", [("role", "role_of_pair")]),
        ("rosters", "session,number", "no-such,1001", [("session", "no_session")]),
        ("rosters", "session,number", "order-101,7", [("number", "no_person")]),
        ("rosters", "session,number", "order-101,9001", [("number", "no_learner")]),
        ("pairs", PAIR, "sales,1002,1001", [
            ("clerk number", "no_clerk"), ("reserve manager number", "no_reserve_manager")]),
        ("pairs", PAIR, "moon,1001,1002", [("programme", "no_program")]),
        ("tasks", TASK, SPRING.replace("sales", "moon"), [("programme", "no_program")]),
        ("tasks", TASK, SPRING.replace("2026-11-25 18:00", "2026-11-25"), [("clerk due", "wrong_moment")]),
        ("tasks", TASK + ",clerk number", SPRING + ",1001", [("reserve manager number", "half_a_pair")]),
        ("tasks", TASK + PAIR.removeprefix("programme"), SPRING + ",1003,1002", [
            ("reserve manager number", "no_pair")]),
        ("tasks", TASK + ",clerk starts by", SPRING + ",2026-11-26 12:00", [("clerk starts by", "starts_after_due")]),
        ("tasks", TASK + ",clerk hours", SPRING + ",NaN", [("clerk hours", "wrong_amount")]),
        ("scores", SCORE, "1001,order-entry,test,2026-11-19 16:00,Infinity", [("points", "wrong_amount")]),
        ("scores", SCORE, "1001,moon,test,2026-11-19 16:00,1", [("course", "no_course")]),
        ("scores", SCORE, "1001,order-entry,test,2026-11-21 16:00,1", [("at", "in_future")]),
        ("scores", SCORE, "2001,order-entry,test,2026-03-29 02:30,1", [("at", "skipped_time")]),
        ("progress", PROGRESS, "1001,sales,2026-11-19 16:00,101", [("percent", "wrong_percent")]),
    ],
)  # fmt: skip
def test_a_wrong_line_says_in_which_column_and_why(
    shared: Ledger, kind: str, head: str, line: str, wrong: list[tuple[str, str]]
) -> None:
    row = read_in(shared, kind, lines(head, line))

    assert errors(row) == [(2, column, code) for column, code in wrong]
    assert (row.state, row.wrong, staged(shared, row.id)) == ("wrong", len(wrong), 0)
    for _, _, code, about in row.errors:
        assert all("{" not in import_texts.error(code, about, language) for language in LANGUAGES)


@pytest.mark.parametrize(
    "changes, wrong",
    [
        pytest.param({"session": "Order 101"}, ("session", "wrong_id"), id="id"),
        pytest.param({"session": "west-7", "region": "east"}, ("region", "room_elsewhere"), id="other region"),
        pytest.param({"course": "moon"}, ("course", "no_course"), id="course"),
        pytest.param({"room": "moon"}, ("room", "no_room"), id="room"),
        pytest.param({"room": "room-9"}, ("room", "room_elsewhere"), id="room elsewhere"),
        pytest.param({"starts": "23.11.2026 9:00"}, ("starts", "wrong_local"), id="date"),
        pytest.param({"starts": "2026-02-30 09:00"}, ("starts", "wrong_local"), id="no such day"),
        pytest.param({"ends": "25:00"}, ("ends", "wrong_end"), id="clock"),
        pytest.param({"ends": "2026-11-25 09:00"}, ("ends", "wrong_times"), id="too long"),
        pytest.param({"ends": "2026-11-23 08:00"}, ("ends", "wrong_times"), id="before its start"),
        pytest.param({"breaks": "10:30"}, ("breaks", "wrong_breaks"), id="half a break"),
        pytest.param({"breaks": "08:00-08:30"}, ("breaks", "break_outside"), id="break before"),
        pytest.param({"breaks": "10:00-11:00; 10:30-11:30"}, ("breaks", "break_outside"), id="breaks overlap"),
        pytest.param({"trainer number": "1001"}, ("trainer number", "no_trainer"), id="no trainer"),
        pytest.param({"methods": "shouting"}, ("methods", "no_choice"), id="method"),
        pytest.param({"presence checks": "11"}, ("presence checks", "out_of_range"), id="checks"),
        pytest.param({"presence checks": "often"}, ("presence checks", "wrong_whole"), id="no number"),
        pytest.param({"cancelled": "perhaps"}, ("cancelled", "wrong_yes"), id="perhaps"),
        pytest.param({"times": "3"}, ("weekdays", "no_weekdays"), id="times without weekdays"),
        pytest.param({"weekdays": "Mon"}, ("until", "until_or_times"), id="no end"),
        pytest.param(
            {"weekdays": "Mon", "times": "3", "until": "2026-12-20"}, ("until", "until_or_times"), id="two ends"
        ),
        pytest.param({"weekdays": "Tue", "times": "3"}, ("weekdays", "first_day_missing"), id="first day"),
        pytest.param({"weekdays": "Mon", "until": "2026-11-01"}, ("until", "until_before"), id="until before"),
        pytest.param({"weekdays": "Mon", "until": "2099-01-01"}, ("until", "too_many_sittings"), id="too many"),
        pytest.param({"weekdays": "Mon", "times": "3", "session": "a" * 30}, ("session", "id_too_long"), id="long id"),
        pytest.param({"weekdays": "Moonday", "times": "3"}, ("weekdays", "no_choice"), id="no weekday"),
        pytest.param(BERLIN | {"starts": "2026-03-29 02:30"}, ("starts", "skipped_time"), id="skipped"),
        pytest.param(
            BERLIN | {"starts": "2026-03-22 02:30", "weekdays": "Sun", "times": "2"},
            ("starts", "skipped_time"),
            id="one sitting skipped",
        ),
    ],
)  # fmt: skip
def test_a_session_that_cannot_be_planned_says_why(
    shared: Ledger, changes: dict[str, str], wrong: tuple[str, str]
) -> None:
    plain = dict(zip(SESSIONS, ["s-1", "order-entry", "east", "room-1", "2026-11-23 09:00", "12:00"], strict=True))
    if changes.get("session") == "west-7":
        plain.pop("room")

    row = read_in(shared, "sessions", as_csv(list(plain | changes), list((plain | changes).values())))

    assert errors(row)[:1] == [(2, *wrong)]


@pytest.mark.parametrize(
    "kind, head, line",
    [
        ("people", PEOPLE_LINE, "3001,X,clerk,east"),
        ("sessions", SESSIONS_LINE, "s-1,order-entry,east,room-1,2026-11-23 09:00,12:00"),
        ("rosters", "session,number", "order-101,1001"),
        ("pairs", PAIR, "sales,1001,1002"),
        ("tasks", TASK, SPRING),
        ("scores", SCORE, "1001,order-entry,test,2026-11-19 16:00,1"),
        ("progress", PROGRESS, "1001,sales,2026-11-19 16:00,1"),
    ],
)
def test_a_line_that_comes_twice_is_an_error_that_names_the_first(
    shared: Ledger, kind: str, head: str, line: str
) -> None:
    row = read_in(shared, kind, lines(head, line, "", line))

    [(number, _, code, about)] = row.errors
    assert (number, code, about) == (4, "said_before", {"earlier": 2})


@pytest.mark.parametrize(
    "kind, head, line, wrong",
    [
        ("people", PEOPLE_LINE, "5,New,clerk,west", ("region", "other_region")),
        ("people", PEOPLE_LINE, "2001,Dora,clerk,east", ("number", "other_region")),
        ("sessions", SESSIONS_LINE, "west-7,order-entry,east,,2026-11-23 09:00,12:00", ("session", "id_taken")),
        ("rosters", "session,number", "west-7,1001", ("session", "no_session")),
        ("rosters", "session,number", "order-101,2001", ("number", "no_person")),
        ("scores", SCORE, "2001,order-entry,test,2026-11-19 16:00,1", ("number", "no_person")),
    ],
)
def test_who_is_for_some_regions_cannot_touch_another_one(
    shared: Ledger, kind: str, head: str, line: str, wrong: tuple[str, str]
) -> None:
    row = read_in(shared, kind, lines(head, line), regions=["east"])

    assert errors(row) == [(2, *wrong)]
    assert read_in(shared, kind, lines(head, line)).state == "ready"


def test_a_person_who_has_come_into_another_region_is_not_taken_back(ledger: Ledger) -> None:
    row = read_in(ledger, "people", lines(PEOPLE_LINE, "5,New,clerk,east"), regions=["east"])
    brought_in(ledger, "people", lines(PEOPLE_LINE, "5,Theirs,clerk,west"))

    with pytest.raises(TooLate):
        land(ledger, row, regions=["east"])

    assert rows(ledger, sa.select(PersonRow.name).where(PersonRow.number == "5")) == [("Theirs",)]


def test_a_pair_that_has_come_in_meanwhile_stays_one(ledger: Ledger) -> None:
    file = lines(PAIR, "sales,1003,1002")
    row = read_in(ledger, "pairs", file)
    with ledger.begin() as db:
        pairs.add_pair(db, "by-hand", program_id="sales", clerk_id="stranger", manager_id="bo")

    done = land(ledger, row)

    assert (done.added, done.changed) == (0, 0)
    assert rows(ledger, sa.select(PairRow.id).where(PairRow.clerk_id == "stranger")) == [("by-hand",)]


# All or nothing


def test_a_wrong_last_line_lets_nothing_land(either: Ledger) -> None:
    many = [["5" + str(n), "New", "clerk", "east"] for n in range(50)]

    row = read_in(either, "people", as_csv(PEOPLE, *many, ["6", "Last", "clerk", "moon"]))

    assert (row.state, row.rows, row.added, errors(row)) == ("wrong", 50, 50, [(52, "region", "no_region")])
    with pytest.raises(TooLate):
        land(either, row)
    assert rows(either, sa.select(PersonRow.id).where(PersonRow.number.like("5%"))) == []
    assert staged(either) == 0


def test_the_first_errors_are_kept_and_all_are_counted(shared: Ledger) -> None:
    row = read_in(shared, "people", as_csv(PEOPLE, *([str(n), "", "clerk", "moon"] for n in range(300))))

    assert (row.wrong, len(row.errors)) == (300, 200)
    assert [line for line, _, _, _ in row.errors] == list(range(2, 202))


def test_an_import_that_is_dropped_while_it_is_read_leaves_nothing(ledger: Ledger) -> None:
    file = people_file(3000)
    with ledger.begin() as db:
        made = imports.begin(db, "people", size=1, made_by=ACTOR, now=NINE).id
        imports.drop(db, made, actor=ACTOR, now=NINE)

    read(ledger, made, "people", file, Importer(by=ACTOR, regions=None, now=NINE), clock=lambda: NINE)
    file.close()

    assert (found(ledger, made).state, staged(ledger)) == ("dropped", 0)


def test_five_thousand_people_come_in_and_check_ins_go_on_between_the_chunks(ledger: Ledger) -> None:
    entered, ended = list[int](), threading.Event()

    def check_in() -> None:
        while not ended.is_set():
            with ledger.begin() as db:
                seen(db, "ann", "in", NINE + timedelta(seconds=len(entered)))
                running = db.scalar(
                    sa.select(sa.func.count()).select_from(ImportRow).where(ImportRow.state == "reading")
                )
            entered.append(running or 0)

    with people_file(5000) as file:
        other = threading.Thread(target=check_in)
        other.start()
        row = read_in(ledger, "people", file)
        ended.set()
        other.join()

    assert sum(entered) > 3
    assert (row.state, row.rows, row.added, row.done) == ("ready", 5000, 5000, row.size)
    assert land(ledger, row).added == 5000
    assert staged(ledger) == 0


# Kinds of files


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(lines("工号,姓名,角色,地区", "0012,李安,文员,east"), id="utf-8"),
        pytest.param("\ufeff工号,姓名,角色,地区\r\n0012,李安,文员,east\r\n".encode(), id="byte order mark"),
        pytest.param("工号,姓名,角色,地区\n0012,李安,文员,east".encode("gb18030"), id="gb18030"),
        pytest.param(lines("地区;角色;姓名;工号", "east;文员;李安;0012"), id="semicolons"),
        pytest.param(lines("工号\t姓名\t角色\t地区", "0012\t李安\t文员\teast"), id="tabs"),
        pytest.param(lines("", "Personnel Number,NAME , role,区域", "", "'0012,李安,CLERK,east,,"), id="untidy"),
        pytest.param(as_xlsx(["工号", "姓名", "角色", "地区"], ["0012", "李安", "文员", "east"]), id="xlsx"),
    ],
)
def test_a_file_is_read_however_it_was_written(ledger: Ledger, data: bytes) -> None:
    if b"'0012" in data:
        data = data.replace(b"'0012", b"0012")

    assert brought_in(ledger, "people", data) == (1, 0)

    assert rows(ledger, sa.select(PersonRow.name, PersonRow.role).where(PersonRow.number == "0012")) == [
        ("李安", "clerk")
    ]


def test_numbers_dates_and_times_of_excel_are_read_as_they_are_shown(ledger: Ledger) -> None:
    head = [*SESSIONS, "trainer number", "cancelled", "presence checks"]
    starts, ends = datetime(2026, 11, 23, 9, tzinfo=UTC).replace(tzinfo=None), time(12)

    brought_in(ledger, "sessions", as_xlsx(head, ["s-1", "order-entry", "east", None, starts, ends, 9001, True, 3.0]))

    with ledger.read() as db:
        row = db.get_one(SessionRow, "s-1")
    assert (row.starts_at, row.ends_at, row.trainer_id, row.cancelled, row.presence_checks) == (
        datetime(2026, 11, 23, 1, tzinfo=UTC),
        datetime(2026, 11, 23, 4, tzinfo=UTC),
        "tao",
        True,
        3,
    )


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_sample_is_read_in_both_forms(shared: Ledger, kind: str, language: Any) -> None:
    later = NINE + timedelta(days=30)
    tables = [read_in(shared, kind, write(KINDS[kind], language), now=later) for write in (sample_csv, sample_xlsx)]

    assert errors(tables[0]) == errors(tables[1])
    # They name a course and people that are not there; their form is good.
    assert {code for row in tables for _, _, code in errors(row)} <= {"no_course", "no_person", "no_pair"}


def test_every_error_and_every_column_is_said_in_two_languages() -> None:
    for text in (*import_texts.ERRORS.values(), *import_texts.TEXTS.values(), *import_texts.KIND_NAMES.values()):
        assert text.en != text.zh
        assert sorted(re.findall(r"{\w+}", text.en)) == sorted(re.findall(r"{\w+}", text.zh))
    for kind in KINDS.values():
        assert {column.field for column in kind.columns} == set(kind.form.model_fields)
        assert all(column.en != column.zh for column in kind.columns)


# Items


def items(kind: str, *told: dict[str, Any]) -> list[Any]:
    return [KINDS[kind].form.model_validate(one) for one in told]


def test_items_that_speak_of_different_things_come_in_together(either: Ledger) -> None:
    ann = {"number": "1001", "name": "Ann Li", "role": "clerk", "region": "east"}
    new = {"number": "5", "name": "Five", "role": "clerk", "region": "east", "phone": "13800138000"}

    with either.begin() as db:
        brought = bring(db, "people", items("people", ann, new), Importer(by="key:1", regions=None, now=NINE))
    with either.begin() as db:
        again = bring(db, "people", items("people", new, ann), Importer(by="key:1", regions=None, now=NINE))

    assert (brought.added, brought.changed, brought.unchanged) == (1, 0, 1)
    assert (again.added, again.changed, again.unchanged) == (0, 0, 2)
    assert staged(either) == 0


def test_one_wrong_item_keeps_all_out(ledger: Ledger) -> None:
    good = {"number": "5", "name": "Five", "role": "clerk", "region": "east"}

    with pytest.raises(ItemsWrong) as refused, ledger.begin() as db:
        bring(
            db,
            "people",
            items("people", good, {**good, "phone": "13800138000"}),
            Importer(by="k", regions=None, now=NINE),
        )

    assert [(one.line, one.name, one.code, one.about) for one in refused.value.wrong] == [
        (1, "number", "said_before", {"earlier": 0})
    ]
    assert rows(ledger, sa.select(PersonRow.id).where(PersonRow.number == "5")) == []


def test_items_cannot_come_to_more_than_one_transaction_should_hold(ledger: Ledger) -> None:
    when = {"starts": "2026-11-23T09:00", "ends": "10:00", "weekdays": ["mon"], "times": 500}
    weekly = {"course": "order-entry", "region": "east", **when}
    told = [{"id": f"s{n}", **weekly} for n in range(11)]

    with pytest.raises(ItemsWrong) as refused, ledger.begin() as db:
        bring(db, "sessions", items("sessions", *told), Importer(by="k", regions=None, now=NINE))

    assert [one.code for one in refused.value.wrong] == ["too_many_things"]
