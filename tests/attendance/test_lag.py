"""Lag: who trails, from when on, and when that can change by itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attendance.lag import LAG_KINDS, Lag, LagKind, changes
from attendance.pace import lags, next_moment
from attendance.progress import Completion, Progress
from attendance.reasons import Text
from attendance.standing import standing
from attendance.task import JointTask, Part, Submission
from tests.attendance.couple import (
    DUE,
    ENTRY,
    HOUR,
    OPTIMISATION,
    PAST_ALL,
    REPORT,
    REPORT_DUE,
    TASK,
    at,
    couple,
    handed_in,
)

SECOND = timedelta(seconds=1)
START_BY = at("12:00")
BEGUN = Progress(part_id="entry", at=at("10:00"))
BOTH_BEGUN = (BEGUN, Progress(part_id="optimisation", at=at("10:00")))
HALF = Completion(done=3, of=6, missing=(Text("Prices", "价格"),))
FOUR_FIFTHS = Completion(done=8, of=10)


def lag(kind: str, who: str | None, since: datetime, part: Part = OPTIMISATION, **other: Any) -> Lag:
    told: dict[str, Any] = {"kind": kind, "pair": "ann-bo", "task": "task-1", "part": part.id, **other}
    return Lag(who=who, since=since, **told)


def trailing(
    now: datetime, *submissions: Submission, progress: Iterable[Progress] = (), task: JointTask = TASK, **other: Any
) -> frozenset[Lag]:
    return lags(task, submissions, progress=progress, now=now, **other)


def kinds(found: Iterable[Lag]) -> list[tuple[str, str | None]]:
    return sorted((lag.kind, lag.who) for lag in found)


ANN_IS_DONE = handed_in(ENTRY, at("11:00"), "handed_in")
BO_IS_DONE = handed_in(OPTIMISATION, at("11:30"), "handed_in")


@dataclass(frozen=True, slots=True)
class Case:
    now: datetime
    submissions: tuple[Submission, ...]
    progress: tuple[Progress, ...]
    expected: Lag
    completion: Mapping[str, Completion] = field(default_factory=dict)


# Of each kind, when it is found; `cleared` is a matter of before and after.
FOUND: dict[LagKind, Case] = {
    "ready": Case(at("11:00"), (ANN_IS_DONE,), BOTH_BEGUN, lag("ready", "bo", at("11:00"))),
    "not_started": Case(START_BY + SECOND, (), (BEGUN,), lag("not_started", "bo", START_BY)),
    "behind": Case(at("15:00"), (), BOTH_BEGUN, lag("behind", "bo", at("15:00")), {"bo": HALF}),
    "overdue": Case(
        DUE + SECOND,
        (ANN_IS_DONE, replace(BO_IS_DONE, part_id="entry", version=2)),
        BOTH_BEGUN,
        lag("overdue", "bo", DUE, until=DUE + 24 * HOUR),
    ),
    "forfeited": Case(DUE + 24 * HOUR + SECOND, (ANN_IS_DONE,), BOTH_BEGUN, lag("forfeited", "bo", DUE + 24 * HOUR)),
}


@pytest.mark.parametrize("kind", [kind for kind in LAG_KINDS if kind != "cleared"])
def test_a_lag_is_found(kind: LagKind) -> None:
    case = FOUND[kind]

    found = trailing(case.now, *case.submissions, progress=case.progress, completion=case.completion)

    assert case.expected in found
    assert kinds(found - {case.expected}) in ([], [("ready", "bo")])


def test_a_cleared_lag_is_told() -> None:
    before = trailing(DUE + HOUR, ANN_IS_DONE)
    after = trailing(DUE + 2 * HOUR, ANN_IS_DONE, handed_in(OPTIMISATION, DUE + 2 * HOUR, "handed_in"))

    told = changes(before, after)

    assert told.announced == frozenset()
    assert told.cleared == {lag("cleared", "bo", DUE, until=DUE + 24 * HOUR, was="overdue")}


@pytest.mark.parametrize(
    ("now", "submissions", "progress", "completion"),
    [
        pytest.param(START_BY, [], [BEGUN], {}, id="not_started at start_by"),
        pytest.param(at("13:00"), [], [], {}, id="nobody is under way"),
        pytest.param(at("13:00"), [], BOTH_BEGUN, {}, id="both are under way"),
        pytest.param(at("14:59:59"), [], BOTH_BEGUN, {"bo": HALF}, id="behind before the checkpoint"),
        pytest.param(at("15:00"), [], BOTH_BEGUN, {"bo": FOUR_FIFTHS}, id="80 % at the checkpoint"),
        pytest.param(at("15:00"), [], BOTH_BEGUN, {"bo": Completion(done=0, of=0)}, id="nothing to have done yet"),
        pytest.param(at("15:00"), [], BOTH_BEGUN, {}, id="nothing is known of the course"),
        pytest.param(DUE, [], BOTH_BEGUN, {}, id="at the due second"),
        pytest.param(DUE + HOUR, [ANN_IS_DONE, BO_IS_DONE], [], {"bo": HALF}, id="both have handed in"),
    ],
)
def test_there_is_no_lag(
    now: datetime, submissions: list[Submission], progress: list[Progress], completion: dict[str, Completion]
) -> None:
    assert trailing(now, *submissions, progress=progress, completion=completion) == frozenset()


def test_an_upload_without_all_the_evidence_is_under_way_but_not_finished() -> None:
    upload = handed_in(ENTRY, at("11:00"), "handed_in", evidence=frozenset())

    assert kinds(trailing(at("13:00"), upload)) == [("not_started", "bo")]


def test_who_was_under_way_only_after_start_by_makes_the_partner_late_from_then_on() -> None:
    found = trailing(at("14:00"), progress=[Progress(part_id="entry", at=at("13:30"))])

    assert found == {lag("not_started", "bo", at("13:30"))}


def test_each_checkpoint_is_announced_anew() -> None:
    first = trailing(at("15:30"), progress=BOTH_BEGUN, completion={"bo": HALF})
    second = trailing(at("17:00"), progress=BOTH_BEGUN, completion={"bo": replace(HALF, done=4)})

    told = changes(first, second)

    assert [lag.since for lag in told.announced] == [at("17:00")]
    assert told.cleared == frozenset()


def test_learning_a_little_more_is_no_change_of_state() -> None:
    first = trailing(at("15:30"), progress=BOTH_BEGUN, completion={"bo": HALF})
    second = trailing(at("15:40"), progress=BOTH_BEGUN, completion={"bo": replace(HALF, done=4)})

    assert first == second


def test_the_joint_part_is_overdue_for_both() -> None:
    found = trailing(REPORT_DUE + SECOND, ANN_IS_DONE, BO_IS_DONE)

    assert found == {lag("overdue", None, REPORT_DUE, REPORT, until=REPORT_DUE + 24 * HOUR)}


def test_nobody_trails_while_the_trainer_has_the_word() -> None:
    rejected = replace(BO_IS_DONE, state="rejected", decided_at=DUE)

    assert trailing(DUE + HOUR, ANN_IS_DONE, BO_IS_DONE) == frozenset()
    assert trailing(DUE + HOUR, ANN_IS_DONE, rejected) == frozenset()


def test_a_rejection_after_the_due_is_announced_with_its_own_deadline() -> None:
    words = DUE + 3 * HOUR
    found = trailing(DUE + 4 * HOUR, ANN_IS_DONE, replace(BO_IS_DONE, state="rejected", words_sent_at=words))

    assert lag("overdue", "bo", words, until=words + 24 * HOUR) in found


def test_the_state_after_a_rejection_has_another_key_even_with_the_same_deadline() -> None:
    before = trailing(DUE + HOUR, ANN_IS_DONE)
    again = handed_in(OPTIMISATION, DUE - HOUR, "rejected", words_sent_at=DUE - HOUR / 2)
    moved = TASK.moved("optimisation", due=DUE)
    after = lags(moved, [ANN_IS_DONE, replace(again, words_sent_at=DUE)], now=DUE + HOUR)

    assert {lag.kind for lag in before} == {lag.kind for lag in after} == {"overdue", "ready"}
    assert {lag.key for lag in before if lag.kind == "ready"}.isdisjoint(lag.key for lag in after)


def test_a_moved_due_is_announced_with_the_new_deadline_and_nothing_is_cleared() -> None:
    before = trailing(DUE + HOUR, ANN_IS_DONE)
    moved = trailing(DUE + 2 * HOUR, ANN_IS_DONE, task=TASK.moved("optimisation", due=DUE + HOUR))

    told = changes(before, moved)

    assert told.announced == {lag("overdue", "bo", DUE + HOUR, until=DUE + 25 * HOUR)}
    assert told.cleared == frozenset()


def test_a_forfeit_takes_the_place_of_what_was_before() -> None:
    told = changes(trailing(DUE + HOUR, ANN_IS_DONE), trailing(DUE + 25 * HOUR, ANN_IS_DONE))

    assert kinds(told.announced) == [("forfeited", "bo")]
    assert told.cleared == frozenset()


def test_what_ends_because_the_joint_part_is_lost_is_not_cleared() -> None:
    late_start = replace(OPTIMISATION, due=REPORT_DUE)
    early_report = replace(REPORT, due=DUE)
    task = replace(TASK, parts=(ENTRY, late_start, early_report))
    before = trailing(DUE + HOUR, task=task, progress=[BEGUN])
    after = trailing(DUE + 25 * HOUR, task=replace(task, parts=(ENTRY, late_start, REPORT)), progress=[BEGUN])

    told = changes(before, after)

    assert kinds(lag for lag in before if lag.who != "ann") == [("not_started", "bo"), ("overdue", None)]
    assert (kinds(told.announced), told.cleared) == ([("forfeited", "ann")], frozenset())


def test_a_forfeit_that_is_taken_back_is_cleared() -> None:
    before = trailing(DUE + 25 * HOUR, ANN_IS_DONE)
    after = trailing(DUE + 25 * HOUR, ANN_IS_DONE, BO_IS_DONE, task=TASK.moved("optimisation", due=PAST_ALL))

    [over] = changes(before, after).cleared

    assert (over.kind, over.was, over.who) == ("cleared", "forfeited", "bo")


def test_handing_in_late_changes_nothing_about_the_forfeit() -> None:
    before = trailing(DUE + 25 * HOUR, ANN_IS_DONE)
    after = trailing(DUE + 26 * HOUR, ANN_IS_DONE, handed_in(OPTIMISATION, DUE + 26 * HOUR, "handed_in"))

    assert before == after


def test_only_the_first_of_two_forfeits_takes_the_joint_part_along() -> None:
    both = trailing(DUE + 25 * HOUR)
    report_after = trailing(PAST_ALL)

    assert sorted((lag.who, lag.both_lose) for lag in both) == [("ann", True), ("bo", False)]
    assert report_after == both


def test_whoever_cannot_cost_the_partner_anything_any_more_trails_alone() -> None:
    late = replace(TASK, pair=couple("late part"))

    assert [lag.both_lose for lag in trailing(DUE + 25 * HOUR, ANN_IS_DONE, task=late)] == [False]


@pytest.mark.parametrize(
    ("now", "submissions", "expected"),
    [
        pytest.param(at("08:00"), [], START_BY + SECOND, id="start_by"),
        pytest.param(START_BY + SECOND, [], at("15:00"), id="checkpoint"),
        pytest.param(at("17:00"), [], DUE + SECOND, id="due"),
        pytest.param(DUE + SECOND, [], DUE + 24 * HOUR + SECOND, id="end of the grace"),
        pytest.param(DUE + 24 * HOUR + SECOND, [], None, id="all is lost"),
        pytest.param(at("17:00"), [ANN_IS_DONE, BO_IS_DONE], REPORT_DUE + SECOND, id="the joint part"),
        pytest.param(
            DUE + 40 * HOUR,
            [ANN_IS_DONE, replace(BO_IS_DONE, state="rejected", words_sent_at=DUE + 30 * HOUR)],
            DUE + 54 * HOUR + SECOND,
            id="24 h after the words of a rejection",
        ),
        pytest.param(
            REPORT_DUE, [ANN_IS_DONE, BO_IS_DONE, handed_in(REPORT, REPORT_DUE, "handed_in")], None, id="all handed in"
        ),
    ],
)
def test_the_next_moment_is(now: datetime, submissions: list[Submission], expected: datetime | None) -> None:
    assert next_moment(TASK, submissions, now=now) == expected


MINUTES = st.integers(0, 12 * 24 * 60).map(lambda minutes: at("00:00") + timedelta(minutes=minutes))
NOWS = st.one_of(
    st.integers(0, 12 * 24 * 3600).map(lambda seconds: at("00:00") + timedelta(seconds=seconds)),
    st.tuples(
        st.sampled_from([DUE, START_BY, REPORT_DUE, DUE + 24 * HOUR, REPORT_DUE + 24 * HOUR]),
        st.integers(-2_000_000, 2_000_000),
    ).map(lambda near: near[0] + timedelta(microseconds=near[1])),
)


@st.composite
def submissions(draw: st.DrawFn) -> list[Submission]:
    found = []
    for part in TASK.parts:
        for version in range(1, draw(st.integers(1, 4))):
            when = draw(MINUTES)
            found.append(
                handed_in(
                    part,
                    when,
                    draw(st.sampled_from(["handed_in", "accepted", "rejected"])),
                    version=version,
                    words_sent_at=draw(st.one_of(st.none(), MINUTES)),
                )
            )
    return found


def as_known(submission: Submission, now: datetime) -> Submission:
    """Forget what happens after now."""
    sent = submission.words_sent_at
    return submission if sent is None or sent <= now else replace(submission, words_sent_at=None)


@st.composite
def tasks(draw: st.DrawFn) -> JointTask:
    one, two, three = (replace(part, due=draw(MINUTES)) for part in TASK.parts)
    pair = couple(draw(st.sampled_from(["late part and joint part", "late part"])))
    return replace(TASK, pair=pair, parts=(one, two, three))


@given(
    st.one_of(st.just(TASK), tasks()),
    submissions(),
    st.lists(st.builds(Progress, part_id=st.sampled_from(["entry", "optimisation"]), at=MINUTES), max_size=3),
    st.dictionaries(st.sampled_from(["ann", "bo"]), st.sampled_from([HALF, FOUR_FIFTHS])),
    NOWS,
    st.floats(0, 1, exclude_max=True),
)
def test_nothing_changes_before_the_next_moment(
    task: JointTask,
    known: list[Submission],
    progress: list[Progress],
    completion: dict[str, Completion],
    now: datetime,
    share: float,
) -> None:
    known = [as_known(submission, now) for submission in known if submission.handed_in_at <= now]
    moment = next_moment(task, known, now=now)
    if moment:
        assert moment > now
    last = (moment or now + timedelta(days=60)) - timedelta(microseconds=1)
    later = min(last, now + (last - now) * share)

    first, second = (
        lags(task, known, progress=progress, completion=completion, now=instant) for instant in (now, later)
    )

    assert first == second
    assert [(lag.key, lag.both_lose) for lag in sorted(first, key=lambda lag: lag.key)] == [
        (lag.key, lag.both_lose) for lag in sorted(second, key=lambda lag: lag.key)
    ]
    assert standing(task, known, now=now) == standing(task, known, now=later)


@given(st.one_of(st.just(TASK), tasks()), submissions(), NOWS)
def test_every_lag_of_a_moment_has_its_own_key(task: JointTask, known: list[Submission], now: datetime) -> None:
    found = lags(task, known, progress=[BEGUN], completion={"ann": HALF, "bo": HALF}, now=now)

    assert len({lag.key for lag in found}) == len(found)
