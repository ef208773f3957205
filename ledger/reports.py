"""The reports that there are, each made from what it needs of the ledger."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Literal

from sqlalchemy.orm import Session as Db

from attendance.month import Credited
from attendance.report_completion import completion
from attendance.report_conversations import conversations
from attendance.report_joint_tasks import due_report, joint_tasks
from attendance.report_make_up import make_up
from attendance.report_not_reached import not_reached
from attendance.report_participation import joint_participation
from attendance.report_partners import partners
from attendance.report_sign_in import sign_in_rates
from attendance.report_table import Report
from attendance.report_week import weekly_progress
from ledger import report_sources as sources
from ledger.report_sources import Asked
from ledger.tasks import submissions_of

NO_UNIT = "hour"
"""The unit of a report when nobody has any hours."""


def _sign_in_rate(db: Db, asked: Asked) -> Report[Any]:
    planned = sources.sittings(db, asked)
    learners = [learner for learner, _ in sources.homes(db, asked, planned).values()]
    return sign_in_rates(planned, sources.attendances(db, planned), learners=learners, now=asked.now)


def _participation(db: Db, asked: Asked) -> Report[Any]:
    planned = sources.sittings(db, asked)
    came = sources.attendances(db, planned)
    return joint_participation(planned, came, pairs=sources.pairs(db, asked), period=asked.period, now=asked.now)


def _completion(db: Db, asked: Asked) -> Report[Any]:
    planned = sources.sittings(db, asked)
    learners = [learner for learner, _ in sources.homes(db, asked, planned).values()]
    return completion(planned, sources.attendances(db, planned), learners=learners)


def _program_completion(db: Db, asked: Asked) -> Report[Any]:
    planned = sources.sittings(db, asked)
    learners = [learner for learner, _ in sources.homes(db, asked, planned).values()]
    return completion(planned, sources.attendances(db, planned), learners=learners, by="program")


def _make_up(db: Db, asked: Asked) -> Report[Any]:
    planned = sources.sittings(db, asked, with_later=True)
    homes = sources.homes(db, asked, planned)
    return make_up(
        planned,
        sources.attendances(db, planned),
        learners=[learner for learner, _ in homes.values()],
        regions={who: region for who, (_, region) in homes.items()},
        scores=sources.scores(db, asked, ever=True),
        pass_marks=sources.pass_marks(db),
        now=asked.now,
    )


def _not_reached(db: Db, asked: Asked) -> Report[Any]:
    planned = sources.sittings(db, asked)
    learners = [learner for learner, _ in sources.homes(db, asked, planned).values()]
    came = sources.attendances(db, planned)
    return not_reached(planned, came, learners=learners, period=asked.period, now=asked.now)


def _weekly_progress(db: Db, asked: Asked) -> Report[Any]:
    planned, credits = sources.sittings(db, asked), sources.credits(db, asked)
    return weekly_progress(
        planned,
        sources.attendances(db, planned),
        learners=[learner for learner, _ in sources.homes(db, asked, planned).values()],
        pairs=sources.pairs(db, asked),
        credits=credits,
        tasks=_due(db, asked),
        scores=sources.scores(db, asked),
        period=asked.period,
        unit=_unit(asked, credits),
        now=asked.now,
    )


def _partners(db: Db, asked: Asked) -> Report[Any]:
    planned, credits = sources.sittings(db, asked), sources.credits(db, asked)
    return partners(
        planned,
        sources.attendances(db, planned),
        pairs=sources.pairs(db, asked),
        credits=credits,
        standings=[view.standing for view in sources.running_tasks(db, asked)],
        hand_ins=sources.hand_ins(db, asked),
        progress=sources.progress(db, asked),
        scores=sources.scores(db, asked),
        period=asked.period,
        unit=_unit(asked, credits),
        now=asked.now,
    )


def _joint_tasks(db: Db, asked: Asked) -> Report[Any]:
    return joint_tasks(_due(db, asked), pairs=sources.pairs(db, asked), period=asked.period)


def _conversations(db: Db, asked: Asked) -> Report[Any]:
    learners = [learner for learner, _ in sources.homes(db, asked).values()]
    return conversations(sources.hand_ins(db, asked), learners=learners, period=asked.period)


Name = Literal[
    "sign_in_rate",
    "completion",
    "program_completion",
    "make_up",
    "not_reached",
    "weekly_progress",
    "partners",
    "joint_participation",
    "joint_tasks",
    "conversations",
]

REPORTS: Mapping[Name, Callable[[Db, Asked], Report[Any]]] = {
    "sign_in_rate": _sign_in_rate,
    "completion": _completion,
    "program_completion": _program_completion,
    "make_up": _make_up,
    "not_reached": _not_reached,
    "weekly_progress": _weekly_progress,
    "partners": _partners,
    "joint_participation": _participation,
    "joint_tasks": _joint_tasks,
    "conversations": _conversations,
}
"""By the names in addresses."""


def _due(db: Db, asked: Asked) -> list[Any]:
    views = sources.running_tasks(db, asked)
    return [due_report(view.standing, submissions_of(view), zone=view.zone.key) for view in views]


def _unit(asked: Asked, credits: Mapping[str, list[Credited]]) -> str:
    """Return the unit that was asked for, or the one of most hours records: different units do not add up."""
    if asked.unit:
        return asked.unit
    units = Counter(credit.unit for theirs in credits.values() for credit in theirs)
    return min(units, key=lambda unit: (-units[unit], unit), default=NO_UNIT)
