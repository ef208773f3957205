"""Reports on pairs: coming together, joint tasks, conversations, both partners side by side."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from attendance.month import Credited
from attendance.pair import Learner, Pair
from attendance.report_conversations import conversations
from attendance.report_facts import Attendance, CourseProgress, HandIn, Score, Sitting
from attendance.report_joint_tasks import SUGGESTIONS, DueReport, due_report, joint_tasks
from attendance.report_participation import Participation, joint_participation
from attendance.report_partners import Partner, Partners, partners
from attendance.report_period import Period
from attendance.standing import standing
from attendance.task import Submission
from tests.attendance.couple import (
    DUE,
    ENTRY,
    HOUR,
    OPTIMISATION,
    PAST_ALL,
    REPORT,
    REPORT_DUE,
    TASK,
    ZONE,
    at,
    couple,
    handed_in,
    story,
)
from tests.attendance.report_cast import ANN, BO, CY, END, LEARNERS, NOVEMBER, came, sitting

PAIR = couple()
CY_AND_DI = replace(PAIR, id="cy-di", learners=(Learner("di", "reserve_manager"), CY))


def joint(id: str = "order-101", day: int = 2, **other: Any) -> Sitting:
    return sitting(id, day, program_id="orders", **other)


def arrived(who: str, clock: str, session_id: str = "order-101", day: int = 2, **other: Any) -> Attendance:
    return came(who, session_id, arrived_at=at(clock, day), **other)


def participation(sittings: list[Sitting], attendances: list[Attendance], **other: Any) -> Participation:
    told: dict[str, Any] = {"pairs": [PAIR], "period": NOVEMBER, "now": END, **other}
    return joint_participation(sittings, attendances, **told).lines[0]


@pytest.mark.parametrize(
    ("attendances", "together"),
    [
        pytest.param([arrived("ann", "08:40"), arrived("bo", "09:10")], 1, id="10 minutes apart, from the start on"),
        pytest.param([arrived("ann", "08:40"), arrived("bo", "09:10:01")], 0, id="a second more"),
        pytest.param([arrived("ann", "09:00")], 0, id="the partner is missing"),
        pytest.param([arrived("ann", "09:00"), came("bo", on_review=True)], 0, id="on review, so without an arrival"),
        pytest.param([], 0, id="both are missing"),
    ],
)
def test_a_joint_session_is_attended_together(attendances: list[Attendance], together: int) -> None:
    line = participation([joint()], attendances)

    assert (line.sessions, line.together) == (1, together)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(joint(roster="ann cy"), id="the partner is not on the roster"),
        pytest.param(joint(cancelled=True), id="cancelled"),
        pytest.param(joint(day=30, start="23:00"), id="not over yet"),
        pytest.param(sitting(), id="no joint session"),
        pytest.param(replace(joint(), program_id="safety"), id="of another programme"),
    ],
)
def test_what_is_no_joint_session_of_the_pair_does_not_count(other: Sitting) -> None:
    line = participation([other], [arrived("ann", "09:00"), arrived("bo", "09:00")])

    assert (line.sessions, line.together, line.percent) == (0, 0, None)


def test_joint_participation_of_several_pairs() -> None:
    sittings = [joint(roster="ann bo cy di"), joint("order-102", 9, roster="ann bo cy"), joint("order-103", 16)]
    attendances = [arrived(who, "09:00") for who in ("ann", "bo", "cy", "di")]
    attendances += [arrived(who, "09:00", "order-103", 16) for who in ("ann", "bo")]

    report = joint_participation(sittings, attendances, pairs=[CY_AND_DI, PAIR], period=NOVEMBER, now=END)

    assert report.table().rows == (
        ("ann-bo", "orders", "ann", "bo", 3, 2, Decimal("66.7")),
        ("cy-di", "orders", "cy", "di", 1, 1, Decimal("100.0")),
    )
    assert report.table().totals == ((None, None, None, None, 4, 3, Decimal("75.0")),)


def test_sessions_outside_of_the_period_and_another_allowance() -> None:
    sittings = [joint(), joint("order-102", 9)]
    attendances = [arrived("ann", "09:00"), arrived("bo", "09:15")]
    week = Period(date(2026, 11, 2), date(2026, 11, 8))

    line = participation(sittings, attendances, period=week, within=timedelta(minutes=15))

    assert (line.sessions, line.together) == (1, 1)


def due(completed: bool, accepted_first: bool | None, pair_id: str = "ann-bo", day: int = 5) -> DueReport:
    return DueReport(pair_id=pair_id, due_on=date(2026, 11, day), completed=completed, accepted_first=accepted_first)


@pytest.mark.parametrize(
    ("first", "then", "undecided", "acceptance", "suggested"),
    [
        pytest.param(4, 1, 0, "80.0", False, id="exactly 80 %"),
        pytest.param(7, 3, 0, "70.0", True, id="below"),
        pytest.param(799, 201, 0, "79.9", True, id="just below"),
        pytest.param(4, 1, 20, "80.0", False, id="what is not decided counts on neither side"),
        pytest.param(0, 0, 3, None, False, id="nothing decided"),
    ],
)
def test_few_first_acceptances_suggest_practice(
    first: int, then: int, undecided: int, acceptance: str | None, suggested: bool
) -> None:
    tasks = [due(True, True)] * first + [due(True, False)] * then + [due(False, None)] * undecided

    [line] = joint_tasks(tasks, pairs=[PAIR], period=NOVEMBER).lines

    assert (line.acceptance is None and acceptance is None) or str(line.acceptance) == acceptance
    assert line.suggestion == ("practise_communication" if suggested else None)


def test_a_suggestion_is_told_in_both_languages() -> None:
    report = joint_tasks([due(True, False)], pairs=[PAIR], period=NOVEMBER)

    [row] = report.to_json()["rows"]
    assert row["suggestion"] == "practise_communication"
    assert "Practise communication" in row["suggestion_text"]["en"]
    assert "沟通" in row["suggestion_text"]["zh"]
    assert report.columns[-1].told(row["suggestion"], "zh") == SUGGESTIONS["practise_communication"].zh


def test_the_target_of_acceptance_is_a_parameter() -> None:
    tasks = [due(True, True), due(True, False)]

    [line] = joint_tasks(tasks, pairs=[PAIR], period=NOVEMBER, target=Decimal(50)).lines

    assert line.suggestion is None


def test_joint_completion_counts_what_was_due_in_the_period() -> None:
    tasks = [
        due(True, True),
        due(False, False),
        due(True, True, day=30),
        due(False, None, "cy-di"),
        due(True, True, "x"),
    ]
    week = Period(date(2026, 11, 2), date(2026, 11, 8))

    report = joint_tasks(tasks, pairs=[replace(PAIR, id="new"), CY_AND_DI, PAIR], period=week)

    assert [(line.pair_id, line.due, line.completed, line.completion) for line in (*report.lines, *report.totals)] == [
        ("ann-bo", 2, 1, Decimal("50.0")),
        ("cy-di", 1, 0, Decimal("0.0")),
        ("new", 0, 0, None),
        (None, 3, 1, Decimal("33.3")),
    ]


def version(number: int, state: str) -> Submission:
    return handed_in(REPORT, REPORT_DUE, state, version=number, words_sent_at=REPORT_DUE + HOUR)


@pytest.mark.parametrize(
    ("versions", "completed", "accepted_first"),
    [
        pytest.param([], False, None, id="none"),
        pytest.param([version(1, "handed_in")], False, None, id="not decided"),
        pytest.param([version(1, "accepted")], True, True, id="accepted at once"),
        pytest.param([version(2, "accepted"), version(1, "rejected")], True, False, id="accepted in the end"),
        pytest.param([version(1, "handed_in"), version(2, "accepted")], True, True, id="the first that was decided"),
        pytest.param([version(1, "rejected")], False, False, id="rejected"),
    ],
)
def test_a_joint_report_is_due_and_decided(
    versions: list[Submission], completed: bool, accepted_first: bool | None
) -> None:
    given = [*story("on time", "on time", "–"), *versions]

    report = due_report(standing(TASK, given, now=PAST_ALL), given, zone=ZONE)

    assert report == DueReport(
        pair_id="ann-bo", due_on=date(2026, 11, 5), completed=completed, accepted_first=accepted_first
    )


def test_an_accepted_joint_part_counts_only_with_both_parts_done() -> None:
    given = list(story("on time", "30 h late", "accepted"))

    report = due_report(standing(TASK, given, now=PAST_ALL), given, zone=ZONE)

    assert (report.completed, report.accepted_first) == (False, True)


def talk(who: str, part: str, day: int = 2, *evidence: str) -> HandIn:
    return HandIn(
        learner_id=who,
        part_id=part,
        on=date(2026, 11, day),
        evidence=frozenset(evidence or ("conversation", "joint_report")),
    )


def test_conversations_are_counted_for_who_handed_them_in() -> None:
    given = [
        talk("ann", "report-1"),
        talk("ann", "report-1", 3),
        talk("ann", "report-2"),
        talk("zoe", "report-3"),
        talk("bo", "report-1", 4, "joint_report"),
        talk("bo", "report-1", 9),
    ]
    week = Period(date(2026, 11, 2), date(2026, 11, 8))

    table = conversations(given, learners=LEARNERS, period=week).table()

    assert table.rows == (
        ("ann", "clerk", 3, 2),
        ("bo", "reserve_manager", 0, 0),
        ("cy", "clerk", 0, 0),
        ("zoe", "other", 1, 1),
    )
    assert table.totals == (
        (None, "clerk", 3, 2),
        (None, "reserve_manager", 0, 0),
        (None, "other", 1, 1),
    )


def reached(who: str, percent: str, day: int, clock: str = "20:00", program_id: str = "orders") -> CourseProgress:
    return CourseProgress(
        learner_id=who,
        program_id=program_id,
        at=at(clock, day),
        on=date(2026, 11, day),
        percent=Decimal(percent),
    )


def hours(amount: str, day: int = 2, unit: str = "学时") -> Credited:
    return Credited(hours=Decimal(amount), unit=unit, effective_date=date(2026, 11, day))


def side_by_side(**given: Any) -> Partners:
    told: dict[str, Any] = {
        "pairs": [PAIR], "credits": {}, "standings": [], "hand_ins": [], "progress": [], "scores": [],
        "period": NOVEMBER, "unit": "学时", "now": END,
    }  # fmt: skip
    sittings, attendances = given.pop("sittings", []), given.pop("attendances", [])
    [line] = partners(sittings, attendances, **(told | given)).lines
    return line


NOBODY = Partner(sessions=0, attended=0, hours=Decimal(0), progress=None, open_parts=0, last_active=None)


def test_partners_of_whom_nothing_is_known() -> None:
    line = side_by_side()

    assert (line.clerk, line.manager, line.clerk.attendance) == (NOBODY, NOBODY, None)


def test_partners_side_by_side() -> None:
    line = side_by_side(
        sittings=[sitting(), sitting("order-102", 9), sitting("order-103", 16, cancelled=True)],
        attendances=[came("ann"), came("ann", "order-102"), came("bo")],
        credits={"ann": [hours("3.5"), hours("3.5", 9), hours("9", unit="CPE")], "bo": [hours("3.5")]},
        standings=[standing(TASK, [handed_in(ENTRY, DUE)], now=DUE)],
        progress=[reached("ann", "80", 12), reached("ann", "60", 10), reached("bo", "40", 3)],
        scores=[Score(learner_id="bo", course_id="orders", at=at("10:00", 4), on=date(2026, 11, 4), points=Decimal(9))],
        hand_ins=[talk("ann", "entry")],
    )

    assert line.clerk == Partner(
        sessions=2, attended=2, hours=Decimal("7.0"), progress=Decimal(80), open_parts=1,
        last_active=date(2026, 11, 12),
    )  # fmt: skip
    assert line.manager == Partner(
        sessions=2, attended=1, hours=Decimal("3.5"), progress=Decimal(40), open_parts=2,
        last_active=date(2026, 11, 4),
    )  # fmt: skip


def test_the_table_has_both_partners_in_one_row_and_json_has_one_in_each_object() -> None:
    told: dict[str, Any] = {"credits": {}, "standings": [], "hand_ins": [], "progress": [], "scores": []}
    report = partners([sitting()], [came("ann")], pairs=[PAIR], **told, period=NOVEMBER, unit="学时", now=END)

    table, [row] = report.table(), report.to_json()["rows"]
    assert table.rows == (
        ("ann-bo", "orders", "ann", "bo", "学时",
         1, 1, Decimal("100.0"), Decimal(0), None, 0, date(2026, 11, 2),
         1, 0, Decimal("0.0"), Decimal(0), None, 0, None),
    )  # fmt: skip
    assert [column.heading.zh for column in table.columns][-1] == "储备经理：最近活动日期"
    assert (row["clerk"]["attendance"], row["manager"]["last_active"]) == ("100.0", None)


@pytest.mark.parametrize(
    ("given", "now", "open_parts"),
    [
        pytest.param([], DUE, (2, 2), id="nothing handed in: their own and the joint part"),
        pytest.param([], DUE + HOUR, (2, 2), id="overdue"),
        pytest.param([handed_in(ENTRY, DUE, "handed_in")], DUE, (1, 2), id="with the trainer"),
        pytest.param([handed_in(ENTRY, DUE, "rejected")], DUE, (2, 2), id="rejected, without words yet"),
        pytest.param([handed_in(ENTRY, DUE), handed_in(OPTIMISATION, DUE)], DUE, (1, 1), id="the joint part is left"),
        pytest.param(list(story("on time", "on time", "accepted")), PAST_ALL, (0, 0), id="done"),
        pytest.param([], PAST_ALL, (0, 0), id="forfeited"),
    ],
)
def test_open_parts(given: list[Submission], now: datetime, open_parts: tuple[int, int]) -> None:
    line = side_by_side(standings=[standing(TASK, given, now=now)])

    assert (line.clerk.open_parts, line.manager.open_parts) == open_parts


@pytest.mark.parametrize(
    ("reports", "active_on"),
    [
        pytest.param([reached("ann", "10", 3), reached("ann", "20", 5)], 5, id="progress"),
        pytest.param([reached("ann", "20", 3), reached("ann", "20", 5)], 3, id="the same figure again"),
        pytest.param([reached("ann", "20", 3), reached("ann", "10", 4), reached("ann", "20", 5)], 3, id="corrected"),
        pytest.param([reached("ann", "0", 3)], None, id="none yet"),
        pytest.param([reached("ann", "10", 4, program_id="safety")], 4, id="in another programme"),
    ],
)
def test_a_report_of_progress_is_activity_when_it_is_higher(
    reports: list[CourseProgress], active_on: int | None
) -> None:
    line = side_by_side(progress=reports[::-1])

    assert line.clerk.last_active == (active_on and date(2026, 11, active_on))


def test_what_came_after_the_period_is_not_seen_in_it() -> None:
    line = side_by_side(
        sittings=[sitting(day=9)],
        attendances=[came("ann")],
        credits={"ann": [hours("3.5", 9)]},
        progress=[reached("ann", "10", 8), reached("ann", "20", 9)],
        hand_ins=[talk("ann", "entry", 9)],
        period=Period(date(2026, 11, 2), date(2026, 11, 8)),
    )

    assert line.clerk == replace(NOBODY, progress=Decimal(10), last_active=date(2026, 11, 8))


def test_a_learner_of_two_pairs_has_the_open_parts_of_each() -> None:
    other = Pair(id="ann-di", program=PAIR.program, learners=(ANN, Learner("di", "reserve_manager")))
    told: dict[str, Any] = {"credits": {}, "hand_ins": [], "progress": [], "scores": []}

    report = partners(
        [], [], pairs=[other, PAIR], **told, standings=[standing(TASK, [], now=DUE)],
        period=NOVEMBER, unit="学时", now=END,
    )  # fmt: skip

    assert [(line.pair_id, line.clerk.open_parts) for line in report.lines] == [("ann-bo", 2), ("ann-di", 0)]
    assert BO.id == report.lines[0].manager_id
