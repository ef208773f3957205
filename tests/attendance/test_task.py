"""Joint tasks: where they stand, and what they give."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import get_args

import pytest

from attendance.credit import PRESETS
from attendance.joint_wording import TASK_PART
from attendance.pair import Learner, Pair, Program
from attendance.reasons import Language
from attendance.standing import PartState, standing
from attendance.task import JointTask, Part, Submission
from attendance.task_credit import TaskCredit, credits
from attendance.wording import sentence
from tests.attendance.couple import (
    DUE,
    ENTRY,
    HOUR,
    OPTIMISATION,
    PAST_ALL,
    REPORT,
    REPORT_DUE,
    TASK,
    couple,
    handed_in,
    story,
)

SECOND = timedelta(seconds=1)


def told(credit: TaskCredit) -> str:
    return f"{credit.own.hours} + {credit.joint.hours}"


def state(part: Part, *submissions: Submission, now: datetime = PAST_ALL, task: JointTask = TASK) -> PartState:
    return next(stands.state for stands in standing(task, submissions, now=now).parts if stands.part.id == part.id)


@pytest.mark.parametrize(
    ("entry", "optimisation", "report", "ann", "bo"),
    [
        pytest.param("on time", "on time", "accepted", "2 + 1", "3 + 1", id="on time, on time, accepted"),
        pytest.param("on time", "10 h late", "accepted", "2 + 1", "3 + 1", id="on time, 10 h late, accepted"),
        pytest.param("on time", "30 h late", "–", "2 + 0", "0 + 0", id="on time, 30 h late, –"),
        pytest.param("30 h late", "on time", "–", "0 + 0", "3 + 0", id="30 h late, on time, –"),
        pytest.param("30 h late", "30 h late", "–", "0 + 0", "0 + 0", id="30 h late, 30 h late, –"),
        pytest.param("on time", "on time", "30 h late", "2 + 0", "3 + 0", id="on time, on time, 30 h late"),
        pytest.param("on time", "on time", "rejected", "2 + 0", "3 + 0", id="on time, on time, rejected"),
    ],
)
def test_a_joint_task_gives(entry: str, optimisation: str, report: str, ann: str, bo: str) -> None:
    given = credits(TASK, story(entry, optimisation, report), now=PAST_ALL)

    assert {who: told(credit) for who, credit in given.items()} == {"ann": ann, "bo": bo}


def test_a_rejected_report_gives_its_hours_once_a_later_version_is_accepted() -> None:
    first = handed_in(REPORT, REPORT_DUE, "rejected", words_sent_at=REPORT_DUE + 48 * HOUR)
    again = handed_in(REPORT, REPORT_DUE + 72 * HOUR, version=2)
    parts = list(story("on time", "on time", "–"))

    assert told(credits(TASK, [*parts, first], now=REPORT_DUE + 50 * HOUR)["ann"]) == "2 + 0"
    assert told(credits(TASK, [*parts, first, again], now=PAST_ALL)["ann"]) == "2 + 1"


def test_a_late_part_need_not_cost_the_joint_part() -> None:
    task = replace(TASK, pair=couple("late part"))

    given = credits(task, story("on time", "30 h late", "accepted"), now=PAST_ALL)

    assert [told(credit) for credit in given.values()] == ["2 + 1", "0 + 1"]


def test_a_part_that_is_never_handed_in_leaves_nothing_for_the_joint_part_whatever_is_forfeited() -> None:
    task = replace(TASK, pair=couple("late part"))

    given = credits(task, story("on time", "–", "accepted"), now=PAST_ALL)

    assert [told(credit) for credit in given.values()] == ["2 + 0", "0 + 0"]


@pytest.mark.parametrize("report", ["accepted", "–"])
def test_a_missed_part_takes_the_joint_part_along_whatever_becomes_of_it(report: str) -> None:
    assert state(REPORT, *story("on time", "30 h late", report)) == "lost"


@pytest.mark.parametrize(
    ("when", "expected", "in_grace"),
    [
        pytest.param(DUE, "done", False, id="at the due second"),
        pytest.param(DUE + timedelta(microseconds=999_999), "done", False, id="within the due second"),
        pytest.param(DUE + SECOND, "done", True, id="a second late"),
        pytest.param(DUE + 24 * HOUR, "done", True, id="at the end of the grace"),
        pytest.param(DUE + 24 * HOUR + SECOND, "late", False, id="a second past the grace"),
    ],
)
def test_the_hand_in_is_held_against_the_due(when: datetime, expected: PartState, in_grace: bool) -> None:
    stands = standing(TASK, [handed_in(ENTRY, when)], now=PAST_ALL).of("ann")

    assert (stands.state, stands.in_grace) == (expected, in_grace)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(DUE, "open", id="at the due second"),
        pytest.param(DUE + SECOND, "overdue", id="a second later"),
        pytest.param(DUE + 24 * HOUR, "overdue", id="at the end of the grace"),
        pytest.param(DUE + 24 * HOUR + SECOND, "forfeited", id="a second past the grace"),
    ],
)
def test_a_part_that_is_not_handed_in_is(now: datetime, expected: PartState) -> None:
    assert state(ENTRY, now=now) == expected


def test_a_slow_trainer_costs_nobody_anything() -> None:
    waits = handed_in(ENTRY, DUE, "handed_in")
    accepted = replace(waits, state="accepted", decided_at=PAST_ALL)

    assert state(ENTRY, waits) == "handed_in"
    assert state(ENTRY, accepted) == "done"


def test_a_part_gives_its_hours_only_when_it_is_accepted() -> None:
    own = credits(TASK, [handed_in(ENTRY, DUE, "handed_in")], now=PAST_ALL)["ann"].own

    assert (str(own.hours), own.settled) == ("0", False)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param(72 * HOUR, "overdue", id="at the end of the 24 h"),
        pytest.param(72 * HOUR + SECOND, "forfeited", id="a second later"),
    ],
)
def test_the_words_of_a_rejection_give_24_hours(now: timedelta, expected: PartState) -> None:
    rejected = handed_in(ENTRY, DUE, "rejected", decided_at=DUE + 40 * HOUR, words_sent_at=DUE + 48 * HOUR)

    assert state(ENTRY, rejected, now=DUE + now) == expected


def test_the_clock_stands_until_the_words_are_sent() -> None:
    rejected = handed_in(ENTRY, DUE, "rejected", decided_at=DUE + HOUR)

    assert state(ENTRY, rejected) == "returned"
    assert state(ENTRY, rejected, handed_in(ENTRY, PAST_ALL, version=2)) == "done"


def test_a_rejection_never_takes_time_away() -> None:
    early = handed_in(ENTRY, DUE - 48 * HOUR, "rejected", words_sent_at=DUE - 47 * HOUR)

    assert state(ENTRY, early, handed_in(ENTRY, DUE + 24 * HOUR, version=2)) == "done"


def test_the_version_that_is_accepted_in_the_end_is_the_one_that_counts() -> None:
    first = handed_in(ENTRY, DUE, "rejected", words_sent_at=DUE + HOUR)
    second = handed_in(ENTRY, DUE + 26 * HOUR, version=2)

    assert state(ENTRY, first, second) == "late"


def test_a_late_version_cannot_be_revived_by_rejecting_it() -> None:
    late = handed_in(ENTRY, DUE + 25 * HOUR, "rejected", words_sent_at=DUE + 26 * HOUR)

    assert state(ENTRY, late, handed_in(ENTRY, DUE + 27 * HOUR, version=2)) == "late"


def test_an_upload_without_all_the_evidence_is_no_hand_in() -> None:
    empty = handed_in(ENTRY, DUE, "handed_in", evidence=frozenset({"note"}))

    assert ENTRY.lacks(empty.evidence) == {"order_log"}
    assert state(ENTRY, empty) == "forfeited"


def test_what_a_trainer_accepts_is_accepted() -> None:
    assert state(ENTRY, handed_in(ENTRY, DUE, evidence=frozenset())) == "done"


def test_moving_the_due_brings_a_missed_part_back() -> None:
    moved = TASK.moved("optimisation", due=DUE + 48 * HOUR)

    given = credits(moved, story("on time", "30 h late", "accepted"), now=PAST_ALL)

    assert [told(credit) for credit in given.values()] == ["2 + 1", "3 + 1"]


def test_the_joint_part_waits_for_both_parts() -> None:
    waits = [handed_in(ENTRY, DUE), handed_in(OPTIMISATION, DUE, "handed_in"), handed_in(REPORT, DUE)]

    joint = credits(TASK, waits, now=PAST_ALL)["ann"].joint

    assert (str(joint.hours), joint.settled) == ("0", False)
    assert not standing(TASK, waits, now=PAST_ALL).completed


@pytest.mark.parametrize(
    ("parts", "settled"),
    [
        pytest.param(("on time", "on time", "accepted"), True, id="counts"),
        pytest.param(("on time", "on time", "30 h late"), True, id="late"),
        pytest.param(("on time", "30 h late", "–"), True, id="lost"),
        pytest.param(("on time", "on time", "rejected"), False, id="rejected"),
    ],
)
def test_the_joint_part_is_settled_when_nothing_can_come_by_itself(parts: tuple[str, str, str], settled: bool) -> None:
    assert credits(TASK, story(*parts), now=PAST_ALL)["bo"].joint.settled is settled


def test_hours_count_for_the_day_of_the_hand_in_and_nothing_for_the_end_of_the_time() -> None:
    given = credits(TASK, story("10 h late", "30 h late", "–"), now=PAST_ALL)

    assert given["ann"].own.at == DUE + 10 * HOUR
    assert given["bo"].own.at == DUE + 24 * HOUR


def test_the_order_in_which_versions_become_known_does_not_matter() -> None:
    luck = random.Random(101)
    known = [
        handed_in(ENTRY, DUE, "rejected", words_sent_at=DUE + HOUR),
        handed_in(ENTRY, DUE + 20 * HOUR, version=2),
        *story("–", "10 h late", "accepted"),
    ]
    expected = credits(TASK, known, now=PAST_ALL)

    for _ in range(20):
        luck.shuffle(known)
        assert credits(TASK, known, now=PAST_ALL) == expected


@pytest.mark.parametrize(
    ("parts", "who", "english", "chinese"),
    [
        pytest.param(
            ("on time", "–", "–"),
            "own",
            "order entry was handed in on time and accepted: 2 学时.",
            "“订单录入”按时提交，已通过审核，计 2 学时。",
            id="on time",
        ),
        pytest.param(
            ("10 h late", "–", "–"),
            "own",
            "order entry was handed in 10 h late, while there still was time, and accepted: 2 学时.",
            "“订单录入”逾期 10 小时、在宽限时间内提交，已通过审核，计 2 学时。",
            id="in grace",
        ),
        pytest.param(
            ("30 h late", "–", "–"),
            "own",
            "order entry was handed in 30 h after it was due, later than there was time, so nothing is credited.",
            "“订单录入”逾期 30 小时提交，超过宽限时间，不计学时。",
            id="late",
        ),
        pytest.param(
            ("–", "–", "–"),
            "own",
            "order entry was not handed in while there was time, so nothing is credited.",
            "“订单录入”未在宽限时间内提交，不计学时。",
            id="forfeited",
        ),
        pytest.param(
            ("on time", "30 h late", "–"),
            "joint",
            "Another part of the task was not handed in in time, so the joint report is lost for both and nothing is "
            "credited.",
            "任务的另一部分未按时提交，双方的“联合报告”均不计学时。",
            id="lost",
        ),
        pytest.param(
            ("on time", "on time", "rejected"),
            "joint",
            "the joint report was not accepted; the time to hand it in again begins when the reason has been sent.",
            "“联合报告”未通过审核；自退回原因送达起重新计时。",
            id="returned",
        ),
    ],
)
def test_the_sentence_says_why(parts: tuple[str, str, str], who: str, english: str, chinese: str) -> None:
    given = credits(TASK, story(*parts), now=PAST_ALL)["ann"]

    credit = given.own if who == "own" else given.joint

    assert credit.sentence("en") == english
    assert credit.sentence("zh") == chinese


def test_a_part_that_is_accepted_and_waits_says_so() -> None:
    waits = [handed_in(ENTRY, DUE), handed_in(REPORT, DUE), handed_in(OPTIMISATION, DUE, "handed_in")]

    given = credits(TASK, waits, now=PAST_ALL)

    assert (
        given["ann"].joint.sentence("en") == "the joint report has been accepted; it counts when both parts are done."
    )
    assert given["bo"].own.sentence("zh") == "“方案优化”已提交，等待培训师审核。"


def test_a_second_past_24_hours_does_not_read_as_24_hours() -> None:
    own = credits(TASK, [handed_in(ENTRY, DUE + 24 * HOUR + SECOND)], now=PAST_ALL)["ann"].own

    assert "24 h 1 min after it was due" in own.sentence("en")


def test_there_is_a_sentence_for_every_state_of_a_part() -> None:
    assert TASK_PART.keys() == {*get_args(PartState), "waits"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_stored_explanation_reads_the_same(language: Language) -> None:
    own = credits(TASK, story("10 h late", "–", "–"), now=PAST_ALL)["ann"].own

    assert sentence(json.loads(json.dumps(own.to_json())), language) == own.sentence(language)


def test_the_json_holds_inputs_rule_steps_and_outcome() -> None:
    own = credits(TASK, story("10 h late", "–", "–"), now=PAST_ALL)["ann"].own

    assert own.to_json() == {
        "kind": "task_part",
        "inputs": {
            "task": "task-1",
            "title": {"en": "Order 101", "zh": "订单 101"},
            "part": "entry",
            "part_title": {"en": "order entry", "zh": "订单录入"},
            "role": "clerk",
            "hours": "2",
            "due": "2026-11-02T10:00:00Z",
            "grace_seconds": 86400,
            "submissions": [
                {"version": 1, "handed_in_at": "2026-11-02T20:00:00Z", "state": "accepted", "words_sent_at": None}
            ],
        },
        "rule": {
            "name": "joint-task@1",
            "forfeit": "late part and joint part",
            "unit": "学时",
            "unit_of": "cn-45@1",
        },
        "steps": [
            {
                "step": "clock",
                "until": "2026-11-03T10:00:00Z",
                "version": 1,
                "handed_in_at": "2026-11-02T20:00:00Z",
                "in_grace": True,
            },
            {"step": "part", "state": "done", "counts": True, "hours": "2"},
        ],
        "outcome": {"credit": "2", "unit": "学时", "settled": True},
    }


def test_the_explanation_names_nobody() -> None:
    written = json.dumps(credits(TASK, story("on time", "on time", "accepted"), now=PAST_ALL)["ann"].joint.to_json())

    assert '"ann"' not in written
    assert '"bo"' not in written


def test_a_pair_has_two_roles() -> None:
    with pytest.raises(ValueError, match="needs two learners of different roles"):
        Pair(
            id="ann-zoe",
            program=Program(id="orders", rule=PRESETS["cn-45"]),
            learners=(Learner("ann", "clerk"), Learner("zoe", "clerk")),
        )


def test_a_task_has_a_part_for_everybody() -> None:
    with pytest.raises(ValueError, match="needs one part for each of clerk, joint, reserve_manager"):
        replace(TASK, parts=(ENTRY, ENTRY, REPORT))


def test_instants_of_a_task_are_aware_and_whole_seconds() -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        replace(ENTRY, due=datetime(2026, 11, 2, 18))  # noqa: DTZ001  the fault that is refused
    assert replace(ENTRY, due=DUE + timedelta(microseconds=1)).due == DUE.astimezone(UTC)


def test_hours_keep_their_places() -> None:
    exact = replace(ENTRY, hours=Decimal("1.50"))

    own = credits(replace(TASK, parts=(exact, OPTIMISATION, REPORT)), [handed_in(exact, DUE)], now=PAST_ALL)["ann"].own

    assert str(own.hours) == "1.50"


def test_a_task_is_due_with_its_joint_part() -> None:
    assert TASK.due == REPORT_DUE
    assert [TASK.learner_of(part) for part in TASK.parts] == ["ann", "bo", None]
