"""The pace of a pair: who trails now, and when that can change by itself."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from attendance.instant import SECOND, utc, whole_second
from attendance.lag import Lag, LagKind
from attendance.progress import LEAST_COMPLETION, Completion, Progress
from attendance.standing import MISSED, RUNNING, PartStanding, TaskStanding, standing
from attendance.task import JointTask, Submission

NOBODY: Mapping[str, Completion] = MappingProxyType({})


def lags(
    task: JointTask,
    submissions: Iterable[Submission],
    *,
    progress: Iterable[Progress] = (),
    completion: Mapping[str, Completion] = NOBODY,
    least: Decimal = LEAST_COMPLETION,
    now: datetime,
) -> frozenset[Lag]:
    """Say who trails now; `completion` holds what is known of each learner.

    While a version is with the trainer, or its rejection is not told yet, nobody trails with that part.
    """
    given, now = tuple(submissions), whole_second(utc(now))
    stands = standing(task, given, now=now)
    begun = _begun(given, progress)
    return frozenset(
        lag
        for part in stands.parts
        for lag in (
            _ready(stands, part),
            _not_started(stands, part, begun, now),
            _behind(stands, part, completion, least, now),
            _overdue(stands, part),
            _forfeited(stands, part),
        )
        if lag
    )


def next_moment(task: JointTask, submissions: Iterable[Submission], *, now: datetime) -> datetime | None:
    """Say when something can become true merely because time passes; None when only people can change anything."""
    now = utc(now)
    stands = standing(task, submissions, now=now)
    moments = [moment for part in stands.parts if part.state in RUNNING for moment in _moments(part)]
    return min((moment for moment in moments if moment > now), default=None)


def _moments(stands: PartStanding) -> Iterator[datetime]:
    part = stands.part
    if part.start_by:
        yield part.start_by + SECOND
    yield from part.checkpoints
    # An instant up to which there is time still belongs to it, so what follows begins a second later.
    yield part.due + SECOND
    yield stands.until + SECOND


def _ready(stands: TaskStanding, part: PartStanding) -> Lag | None:
    other = _other(stands, part)
    if other is None or part.state not in RUNNING or stands.joint_lost:
        return None
    if other.state not in ("handed_in", "done") or other.version is None:
        return None
    return _lag(stands, part, "ready", since=_latest(other.version.handed_in_at, part.reopened_at))


def _not_started(stands: TaskStanding, part: PartStanding, begun: Mapping[str, datetime], now: datetime) -> Lag | None:
    other = _other(stands, part)
    if other is None or part.state != "open" or stands.joint_lost or part.part.id in begun:
        return None
    start_by, under_way = part.part.start_by, begun.get(other.part.id)
    if start_by is None or under_way is None or now <= start_by:
        return None
    return _lag(stands, part, "not_started", since=_latest(start_by, under_way))


def _behind(
    stands: TaskStanding, part: PartStanding, completion: Mapping[str, Completion], least: Decimal, now: datetime
) -> Lag | None:
    who = stands.task.learner_of(part.part)
    passed = [checkpoint for checkpoint in part.part.checkpoints if checkpoint <= now]
    known = completion.get(who) if who else None
    if not passed or known is None or part.state not in RUNNING or known.reaches(least):
        return None
    return _lag(stands, part, "behind", since=_latest(passed[-1], part.reopened_at), completion=known)


def _overdue(stands: TaskStanding, part: PartStanding) -> Lag | None:
    if part.state != "overdue":
        return None
    return _lag(stands, part, "overdue", since=_latest(part.part.due, part.reopened_at), until=part.until)


def _forfeited(stands: TaskStanding, part: PartStanding) -> Lag | None:
    if part.state not in MISSED:
        return None
    return _lag(stands, part, "forfeited", since=part.until)


def _lag(
    stands: TaskStanding,
    part: PartStanding,
    kind: LagKind,
    *,
    since: datetime,
    until: datetime | None = None,
    completion: Completion | None = None,
) -> Lag:
    return Lag(
        kind=kind,
        pair=stands.task.pair.id,
        task=stands.task.id,
        part=part.part.id,
        who=stands.task.learner_of(part.part),
        since=since,
        until=until,
        both_lose=_both_lose(stands, part),
        completion=completion,
    )


def _both_lose(stands: TaskStanding, part: PartStanding) -> bool:
    """Say whether missing this part costs both: it is the joint part, or takes it along and is the first to do so."""
    other = _other(stands, part)
    if other is None:
        return True
    earlier = part.state not in MISSED or (other.until, other.part.id) < (part.until, part.part.id)
    already = stands.joint.state in MISSED or (other.state in MISSED and earlier)
    return stands.task.pair.program.forfeit == "late part and joint part" and not already


def _other(stands: TaskStanding, part: PartStanding) -> PartStanding | None:
    """Give the partner's part; the joint part has none beside it."""
    if part.part.role == "joint":
        return None
    return next(other for other in stands.roles if other is not part)


def _begun(submissions: Iterable[Submission], progress: Iterable[Progress]) -> dict[str, datetime]:
    """Say when each part was first worked on; an upload without all the evidence is work, too."""
    begun: dict[str, datetime] = {}
    worked = [(submission.part_id, submission.handed_in_at) for submission in submissions]
    for part_id, at in [*worked, *((fact.part_id, fact.at) for fact in progress)]:
        begun[part_id] = min(begun.get(part_id, at), at)
    return begun


def _latest(*instants: datetime | None) -> datetime:
    return max(instant for instant in instants if instant)
