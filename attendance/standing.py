"""A standing says where a joint task is: part by part, from what was handed in and what was made of it.

Being in time is a matter of handing in, and getting hours a matter of being accepted: a part that was handed in holds
nobody up, but credit fails closed, so a role's part gives its hours only once a trainer has accepted it, like the joint
part. A slow trainer costs nobody anything, because the instant of handing in is what is held against `due`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from attendance.instant import utc, whole_second
from attendance.task import JointTask, Part, Submission

# returned: rejected, and the words are not sent yet; late: handed in after the grace; forfeited: not handed in by then;
# lost: the joint part, when a role's part has missed its grace.
PartState = Literal["open", "overdue", "handed_in", "returned", "done", "late", "forfeited", "lost"]

MISSED: frozenset[PartState] = frozenset({"late", "forfeited"})
RUNNING: frozenset[PartState] = frozenset({"open", "overdue"})  # the clock runs


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStanding:
    part: Part
    state: PartState
    until: datetime  # the last instant for handing in, as the clock stood when it ran last
    version: Submission | None = None  # the one that this state comes from
    reopened_at: datetime | None = None  # when the words of the last rejection were sent

    @property
    def in_grace(self) -> bool:
        """Say whether it was done in time, but only just: after `due`, so that a lag was announced."""
        return self.state == "done" and self.version is not None and _second(self.version) > self.part.due

    @property
    def accepted(self) -> bool:
        return self.version is not None and self.version.state == "accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStanding:
    task: JointTask
    parts: tuple[PartStanding, PartStanding, PartStanding]  # as in the task

    @property
    def joint(self) -> PartStanding:
        return next(part for part in self.parts if part.part.role == "joint")

    @property
    def roles(self) -> tuple[PartStanding, ...]:
        return tuple(part for part in self.parts if part.part.role != "joint")

    @property
    def joint_lost(self) -> bool:
        return self.joint.state in MISSED or self.joint.state == "lost"

    @property
    def completed(self) -> bool:
        """Say whether the joint part counts: it is done, and so are both parts."""
        late_will_do = self.task.pair.program.forfeit == "late part"
        return self.joint.state == "done" and all(
            part.state == "done" or (late_will_do and part.accepted) for part in self.roles
        )

    def of(self, learner_id: str) -> PartStanding:
        own = self.task.part_of(learner_id)
        return next(part for part in self.parts if part.part is own)


def standing(task: JointTask, submissions: Iterable[Submission], *, now: datetime) -> TaskStanding:
    """Say where every part stands; the order in which submissions are given does not matter."""
    given = tuple(submissions)
    parts = [
        _part(part, [submission for submission in given if submission.part_id == part.id], now=now)
        for part in task.parts
    ]
    missed = [part.until for part in parts if part.part.role != "joint" and part.state in MISSED]
    if missed and task.pair.program.forfeit == "late part and joint part":
        parts = [_lost(part, min(missed)) for part in parts]
    one, two, three = parts
    return TaskStanding(task=task, parts=(one, two, three))


def _lost(part: PartStanding, since: datetime) -> PartStanding:
    """Take the joint part along, unless it had missed its own time before."""
    own_fault = part.state in MISSED and part.until <= since
    return part if part.part.role != "joint" or own_fault else replace(part, state="lost")


def _part(part: Part, submissions: Iterable[Submission], *, now: datetime) -> PartStanding:
    """Let the clock run from version to version.

    It stands while a version is with the trainer and until the words of a rejection are sent. Those give time again
    (`again`) without ever taking any away, and they do not move `due`: past it the part is overdue, with a later end.
    What was handed in after the end cannot bring the part back, whatever a trainer makes of it.
    """
    until, stopped = part.due + part.grace, False
    last = late = reopened_at = None
    for version in _hand_ins(part, submissions):
        if not stopped and _second(version) > until:
            late = version if late is None or version.state == "accepted" else late
            continue
        if version.state == "accepted":
            return PartStanding(part=part, state="done", until=until, version=version, reopened_at=reopened_at)
        last = version
        stopped = version.state == "handed_in" or version.words_sent_at is None
        if not stopped and version.words_sent_at:
            reopened_at = whole_second(version.words_sent_at)
            until = max(until, reopened_at + part.again)
    state = _waiting(last) if stopped and last else _state(part, until, late, now)
    return PartStanding(part=part, state=state, until=until, version=late or last, reopened_at=reopened_at)


def _hand_ins(part: Part, submissions: Iterable[Submission]) -> list[Submission]:
    """Leave out what lacks evidence: that is an upload, not yet a hand-in; but what a trainer accepts is accepted."""
    whole = [version for version in submissions if version.state == "accepted" or not part.lacks(version.evidence)]
    return sorted(whole, key=lambda version: version.version)


def _waiting(last: Submission) -> PartState:
    return "handed_in" if last.state == "handed_in" else "returned"


def _state(part: Part, until: datetime, late: Submission | None, now: datetime) -> PartState:
    now = whole_second(utc(now))
    if late:
        return "late"
    if now > until:
        return "forfeited"
    return "open" if now <= part.due else "overdue"


def _second(version: Submission) -> datetime:
    return whole_second(version.handed_in_at)
