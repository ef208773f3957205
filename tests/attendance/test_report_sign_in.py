"""Sign-in rates, who has not been reached, and completion: learners counted on rosters."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attendance.decision import Decision
from attendance.pair import Learner
from attendance.presence import Fact, presence_of_day
from attendance.report_completion import completion
from attendance.report_facts import Attendance, Sitting, attendance_of
from attendance.report_not_reached import not_reached
from attendance.report_period import Period
from attendance.report_sign_in import SignInRate, sign_in_rates
from tests.attendance.couple import at
from tests.attendance.report_cast import ANN, BO, END, LEARNERS, NOVEMBER, came, sitting

CLERKS = tuple(Learner(f"clerk-{number}", "clerk") for number in range(10))
TEN = " ".join(clerk.id for clerk in CLERKS)


def told(line: SignInRate) -> tuple[Any, ...]:
    rate = None if line.percent is None else str(line.percent)
    return line.session_id, line.role, line.signed_in, line.on_roster, rate, line.met


@pytest.mark.parametrize(
    ("signed_in", "rate", "met"),
    [
        pytest.param(10, "100.0", True, id="all"),
        pytest.param(9, "90.0", True, id="exactly 90 %"),
        pytest.param(8, "80.0", False, id="below"),
        pytest.param(0, "0.0", False, id="nobody"),
    ],
)
def test_the_sign_in_rate_is_held_against_the_target(signed_in: int, rate: str, met: bool) -> None:
    attendances = [came(clerk.id) for clerk in CLERKS[:signed_in]]

    clerks, managers = sign_in_rates([sitting(roster=TEN)], attendances, learners=CLERKS, now=END).lines

    assert told(clerks) == ("order-101", "clerk", signed_in, 10, rate, met)
    assert told(managers) == ("order-101", "reserve_manager", 0, 0, None, None)


def test_the_target_is_a_parameter() -> None:
    attendances = [came(clerk.id) for clerk in CLERKS[:8]]

    report = sign_in_rates([sitting(roster=TEN)], attendances, learners=CLERKS, now=END, target=Decimal(80))

    assert report.lines[0].met
    assert report.to_json()["about"]["target"] == "80"


def test_each_session_and_role_has_a_line_from_the_earliest_session_on() -> None:
    sittings = [sitting("order-102", 9), sitting("order-101")]

    report = sign_in_rates(sittings, [came("ann"), came("bo"), came("ann", "order-102")], learners=LEARNERS, now=END)

    assert [told(line) for line in report.lines] == [
        ("order-101", "clerk", 1, 1, "100.0", True),
        ("order-101", "reserve_manager", 1, 1, "100.0", True),
        ("order-102", "clerk", 1, 1, "100.0", True),
        ("order-102", "reserve_manager", 0, 1, "0.0", False),
    ]
    assert [told(line) for line in report.totals] == [
        (None, "clerk", 2, 2, "100.0", True),
        (None, "reserve_manager", 1, 2, "50.0", False),
        (None, "all", 3, 4, "75.0", False),
    ]


@pytest.mark.parametrize(
    ("left_out", "now"),
    [
        pytest.param(sitting(cancelled=True), END, id="cancelled"),
        pytest.param(sitting(), at("11:59:59"), id="a second before its end"),
        pytest.param(sitting(), at("08:00"), id="to come"),
    ],
)
def test_what_was_not_held_is_left_out(left_out: Sitting, now: Any) -> None:
    report = sign_in_rates([left_out], [came("ann")], learners=LEARNERS, now=now)

    assert report.lines == ()
    assert [told(line) for line in report.totals][-1] == (None, "all", 0, 0, None, None)


def test_a_session_counts_from_its_end_on() -> None:
    assert sign_in_rates([sitting()], [], learners=LEARNERS, now=at("12:00")).lines


def test_a_guest_counts_on_neither_side_and_an_unknown_role_is_other() -> None:
    report = sign_in_rates([sitting(roster="ann zoe")], [came("zoe"), came("bo")], learners=[ANN, BO], now=END)

    assert [told(line) for line in report.lines] == [
        ("order-101", "clerk", 0, 1, "0.0", False),
        ("order-101", "reserve_manager", 0, 0, None, None),
        ("order-101", "other", 1, 1, "100.0", True),
    ]


def test_the_same_attendance_twice_counts_once() -> None:
    report = sign_in_rates([sitting()], [came("ann"), came("ann")], learners=LEARNERS, now=END)

    assert report.totals[-1].signed_in == 1


def test_the_table_of_the_sign_in_rate() -> None:
    table = sign_in_rates([sitting()], [came("ann")], learners=LEARNERS, now=END).table()

    assert [column.key for column in table.columns] == [
        "session_id", "course_id", "local_date", "role", "on_roster", "signed_in", "percent", "met",
    ]  # fmt: skip
    assert table.rows[0] == ("order-101", "orders", date(2026, 11, 2), "clerk", 1, 1, Decimal("100.0"), True)
    assert table.columns[3].told(table.rows[0][3], "zh") == "文员"


def fact(direction: Any, clock: str, id: str = "1", **other: Any) -> Fact:
    return Fact(check_in_id=id, session_id="order-101", direction=direction, at=at(clock), **other)


def decided(kind: Any, clock: str | None = None) -> Decision:
    when = at(clock) if clock else None
    return Decision(id="d", session_id="order-101", learner_id="ann", kind=kind, at=when)


@pytest.mark.parametrize(
    ("facts", "decisions", "voided", "signed_in", "on_review"),
    [
        pytest.param([fact("in", "09:00"), fact("out", "12:00", "2")], [], "", True, False, id="came and went"),
        pytest.param([fact("in", "09:00")], [], "", True, True, id="a missing out is no missing in"),
        pytest.param([fact("in", "09:00", uncertain=True)], [], "", True, True, id="at an uncertain time"),
        pytest.param([fact("out", "12:00")], [], "", False, True, id="out without in"),
        pytest.param([fact("out", "12:00")], [decided("add_in", "09:00")], "", True, False, id="a decided in"),
        pytest.param([fact("in", "09:00")], [], "1", False, False, id="a voided in"),
        pytest.param([fact("in", "09:00")], [decided("nothing")], "", False, False, id="decided to be nothing"),
    ],
)
def test_signed_in_is_who_has_an_in_that_stands(
    facts: list[Fact], decisions: list[Decision], voided: str, signed_in: bool, on_review: bool
) -> None:
    presences = presence_of_day([sitting().session], facts, decisions=decisions, voided=frozenset(voided))

    attendance = attendance_of("ann", presences["order-101"], credited=False)

    assert (attendance.signed_in, attendance.on_review) == (signed_in, on_review)


def test_an_attendance_says_how_long_and_since_when() -> None:
    presences = presence_of_day([sitting().session], [fact("in", "09:20"), fact("out", "12:00", "2")])

    attendance = attendance_of("ann", presences["order-101"], credited=True)

    assert (attendance.minutes, attendance.arrived_at, attendance.credited) == (160, at("09:20"), True)


def test_not_reached_is_who_never_signed_in_within_the_period() -> None:
    sittings = [sitting("order-101", roster="ann bo cy"), sitting("order-102", 9, roster="ann bo")]
    signed = [came("ann", "order-102"), came("cy", credited=False), came("bo", "order-101", signed_in=False)]

    [bo] = not_reached(sittings, signed, learners=LEARNERS, period=NOVEMBER, now=END).lines

    assert (bo.learner_id, bo.role, bo.sessions, bo.last_date) == ("bo", "reserve_manager", 2, date(2026, 11, 9))


@pytest.mark.parametrize(
    ("sittings", "now"),
    [
        pytest.param([sitting(cancelled=True)], END, id="was cancelled"),
        pytest.param([sitting(day=9)], at("12:00"), id="is to come"),
        pytest.param([sitting(day=1)], END, id="lies before the period"),
        pytest.param([sitting(day=30)], END, id="lies after the period"),
        pytest.param([], END, id="is not there"),
    ],
)
def test_a_session_cannot_be_missed_that(sittings: list[Sitting], now: Any) -> None:
    week = Period(date(2026, 11, 2), date(2026, 11, 29))

    assert not_reached(sittings, [], learners=LEARNERS, period=week, now=now).lines == ()


def test_who_has_not_been_reached_stands_in_order() -> None:
    lines = not_reached([sitting(roster=TEN)], [], learners=CLERKS, period=NOVEMBER, now=END).lines

    assert [line.learner_id for line in lines] == [clerk.id for clerk in CLERKS]


def test_a_sign_in_before_the_period_reaches_nobody_in_it() -> None:
    sittings = [sitting("order-100", 1, roster="ann"), sitting(roster="ann")]
    week = Period(date(2026, 11, 2), date(2026, 11, 29))

    lines = not_reached(sittings, [came("ann", "order-100")], learners=LEARNERS, period=week, now=END).lines

    assert [line.learner_id for line in lines] == ["ann"]


def test_who_is_in_a_running_session_has_been_reached() -> None:
    sittings = [sitting(roster="ann"), sitting("order-102", 9, roster="ann")]

    report = not_reached(sittings, [came("ann", "order-102")], learners=LEARNERS, period=NOVEMBER, now=at("10:00", 9))

    assert report.lines == ()


BOTH = [sitting("order-101", roster="ann bo cy"), sitting("order-102", 9, roster="ann bo")]


@pytest.mark.parametrize(
    ("attendances", "clerks", "managers"),
    [
        pytest.param([], (2, 0, "0.0", 0), (1, 0, "0.0", 0), id="nobody"),
        pytest.param(
            [came("ann"), came("ann", "order-102"), came("cy"), came("bo")],
            (2, 2, "100.0", 0),
            (1, 0, "0.0", 0),
            id="all clerks, whatever their sessions; the manager has missed the last",
        ),
        pytest.param(
            [came("ann", "order-102"), came("bo"), came("bo", "order-102")],
            (2, 0, "0.0", 1),
            (1, 1, "100.0", 0),
            id="hours of a later session make up, and are no completion",
        ),
        pytest.param(
            [came("cy", credited=False), came("ann")], (2, 0, "0.0", 0), (1, 0, "0.0", 0), id="hours it must be"
        ),
    ],
)
def test_completion(attendances: list[Attendance], clerks: tuple[Any, ...], managers: tuple[Any, ...]) -> None:
    lines = completion(BOTH, attendances, learners=LEARNERS).lines

    found = [(line.learners, line.completed, str(line.percent), line.made_up) for line in lines]
    assert found == [clerks, managers]


def test_cancelled_sessions_are_not_required_and_sessions_to_come_are() -> None:
    cancelled, to_come = sitting("order-102", 9, cancelled=True), sitting("order-103", 16)

    [without, _] = completion([sitting(), cancelled], [came("ann")], learners=LEARNERS).lines
    [with_, _] = completion([sitting(), cancelled, to_come], [came("ann")], learners=LEARNERS).lines

    assert [without.completed, with_.completed] == [1, 0]


def test_completion_by_programme_looks_at_its_sessions_only() -> None:
    sittings = [sitting(program_id="pairs"), sitting("order-102", 9)]

    report = completion(sittings, [came("ann")], learners=LEARNERS, by="program")

    assert [(line.kind, line.of, line.role, line.completed) for line in report.lines] == [
        ("program", "pairs", "clerk", 1),
        ("program", "pairs", "reserve_manager", 0),
    ]


def test_courses_stand_in_their_order() -> None:
    report = completion([sitting("safety-1", 1, course_id="safety"), sitting()], [], learners=LEARNERS)

    assert [line.of for line in report.lines] == ["orders", "orders", "safety", "safety"]


def test_a_role_without_learners_has_no_completion() -> None:
    [_, managers] = completion([sitting(roster="ann")], [], learners=LEARNERS).lines

    assert (managers.learners, managers.percent) == (0, None)


PEOPLE = [Learner(f"p{number}", "clerk" if number % 2 else "reserve_manager") for number in range(6)]
NAMES = st.sets(st.sampled_from([person.id for person in PEOPLE])).map(lambda ids: " ".join(sorted(ids)))


@st.composite
def months(draw: st.DrawFn) -> tuple[list[Sitting], list[Attendance]]:
    """Draw up to five sessions, some cancelled, and who signed in to them, on the roster or not."""
    sittings, attendances = [], []
    for day in range(1, draw(st.integers(1, 5)) + 1):
        one = sitting(f"s{day}", day, roster=draw(NAMES), cancelled=draw(st.booleans()))
        sittings.append(one)
        attendances += [came(who, one.session.id, credited=draw(st.booleans())) for who in draw(NAMES).split()]
    return sittings, attendances


@settings(max_examples=25)
@given(months(), st.integers(1, 6))
def test_reports_agree_with_asking_about_each_learner(month: tuple[list[Sitting], list[Attendance]], day: int) -> None:
    sittings, attendances = month
    now = at("12:00", day)
    over = [one.session for one in sittings if not one.session.cancelled and one.session.ends_at <= now]
    signed = {(one.session_id, one.learner_id) for one in attendances}

    rates = sign_in_rates(sittings, attendances, learners=PEOPLE, now=now)
    missing = not_reached(sittings, attendances, learners=PEOPLE, period=NOVEMBER, now=now)

    places = [(session.id, who) for session in over for who in session.roster]
    assert rates.totals[-1].on_roster == len(places)
    assert rates.totals[-1].signed_in == sum(place in signed for place in places)
    anywhere = {who for _, who in signed}
    assert {line.learner_id for line in missing.lines} == {who for _, who in places} - anywhere
    assert sum(line.sessions for line in missing.lines) == sum(who not in anywhere for _, who in places)


@settings(max_examples=25)
@given(months(), st.randoms(use_true_random=False))
def test_the_order_in_which_facts_are_given_does_not_matter(
    month: tuple[list[Sitting], list[Attendance]], luck: Any
) -> None:
    sittings, attendances = month
    expected = completion(sittings, attendances, learners=PEOPLE)

    luck.shuffle(sittings)
    luck.shuffle(attendances)

    assert completion(sittings, attendances, learners=PEOPLE) == expected
    assert all(0 <= line.completed + line.made_up <= line.learners for line in expected.lines)


def test_a_naive_now_is_a_fault() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        sign_in_rates([sitting()], [], learners=LEARNERS, now=END.replace(tzinfo=None))


def test_a_session_counts_on_the_date_where_it_is_held() -> None:
    early = sitting(day=3, start="07:00", zone="UTC", roster="ann")
    the_second = Period(date(2026, 11, 2), date(2026, 11, 2))

    [line] = not_reached([early], [], learners=LEARNERS, period=the_second, now=END).lines

    assert line.last_date == date(2026, 11, 2)
