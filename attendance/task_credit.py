"""What a joint task gives: to each learner the hours of their own part, and of the joint part."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from attendance.joint_wording import joint_sentence
from attendance.reasons import Language
from attendance.standing import MISSED, PartStanding, TaskStanding, standing
from attendance.step import Step, plain
from attendance.task import JointTask, Submission

RULE = "joint-task@1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartCredit:
    learner_id: str
    part: PartStanding
    hours: Decimal
    settled: bool  # False while hours may still come by themselves; nothing is entered until then
    submissions: tuple[Submission, ...]  # of the part, by version
    task: JointTask
    steps: tuple[Step, ...]

    @property
    def at(self) -> datetime:
        """Give the instant whose local date it counts for: the hand-in, or the end of the time when it gave nothing."""
        done = self.part.state == "done" and self.part.version
        return done.handed_in_at if done else self.part.until

    def to_json(self) -> dict[str, Any]:
        """Give inputs, rule, steps and outcome as plain values, always in the same order."""
        part, program = self.part.part, self.task.pair.program
        return {
            "kind": "task_part",
            "inputs": {
                "task": self.task.id,
                "title": {"en": self.task.title.en, "zh": self.task.title.zh},
                "part": part.id,
                "part_title": {"en": part.title.en, "zh": part.title.zh},
                "role": part.role,
                "hours": plain(part.hours),
                "due": plain(part.due),
                "grace_seconds": int(part.grace.total_seconds()),
                "submissions": [_submission(submission) for submission in self.submissions],
            },
            "rule": {"name": RULE, "forfeit": program.forfeit, "unit": program.unit, "unit_of": program.rule.key},
            "steps": [step.to_json() for step in self.steps],
            "outcome": {"credit": plain(self.hours), "unit": program.unit, "settled": self.settled},
        }

    def sentence(self, language: Language) -> str:
        return joint_sentence(self.to_json(), language)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCredit:
    own: PartCredit
    joint: PartCredit


def credits(task: JointTask, submissions: Iterable[Submission], *, now: datetime) -> dict[str, TaskCredit]:
    """Credit a task to both learners, in the order of the pair."""
    given = tuple(sorted(submissions, key=lambda submission: (submission.part_id, submission.version)))
    stands = standing(task, given, now=now)
    return {
        learner.id: TaskCredit(
            own=_own(stands, stands.of(learner.id), learner.id, given), joint=_joint(stands, learner.id, given)
        )
        for learner in task.pair.learners
    }


def joint_task(explanation: Mapping[str, Any]) -> dict[str, Any] | None:
    """Name the joint task that stored hours come from, and whose part of it they are for; None for other hours."""
    if explanation.get("kind") != "task_part":
        return None
    inputs = explanation["inputs"]
    return {"id": inputs["task"], "title": inputs["title"], "part": inputs["part"], "role": inputs["role"]}


def _own(stands: TaskStanding, part: PartStanding, learner_id: str, given: Iterable[Submission]) -> PartCredit:
    settled = part.state == "done" or part.state in MISSED
    return _credit(stands, part, learner_id, given, counts=part.state == "done", settled=settled)


def _joint(stands: TaskStanding, learner_id: str, given: Iterable[Submission]) -> PartCredit:
    settled = stands.completed or stands.joint_lost
    parts = Step("parts", tuple((part.part.role, part.state) for part in stands.roles))
    return _credit(stands, stands.joint, learner_id, given, counts=stands.completed, settled=settled, before=(parts,))


def _credit(
    stands: TaskStanding,
    part: PartStanding,
    learner_id: str,
    given: Iterable[Submission],
    *,
    counts: bool,
    settled: bool,
    before: tuple[Step, ...] = (),
) -> PartCredit:
    hours = part.part.hours if counts else part.part.hours * 0
    return PartCredit(
        learner_id=learner_id,
        part=part,
        hours=hours,
        settled=settled,
        submissions=tuple(submission for submission in given if submission.part_id == part.part.id),
        task=stands.task,
        steps=(*before, _clock(part), Step("part", (("state", part.state), ("counts", counts), ("hours", hours)))),
    )


def _clock(part: PartStanding) -> Step:
    version = part.version
    return Step(
        "clock",
        (
            ("until", part.until),
            ("version", version.version if version else None),
            ("handed_in_at", version.handed_in_at if version else None),
            ("in_grace", part.in_grace),
        ),
    )


def _submission(submission: Submission) -> dict[str, Any]:
    return {
        "version": submission.version,
        "handed_in_at": plain(submission.handed_in_at),
        "state": submission.state,
        "words_sent_at": plain(submission.words_sent_at),
    }
