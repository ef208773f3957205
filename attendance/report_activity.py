"""Activity is signing in, handing in, taking a test, and progress.

A report of progress that is no higher than one before it is no activity, because learning systems report daily whether
anybody learnt or not.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from itertools import chain

from attendance.report_facts import CourseProgress, HandIn, Score, Sitting

Dated = tuple[str, date]  # who was active, and when


def last_active(
    sittings: Iterable[Sitting],
    came: Mapping[str, set[str]],
    *,
    hand_ins: Iterable[HandIn],
    scores: Iterable[Score],
    progress: Iterable[CourseProgress],
    until: date,
) -> dict[str, date]:
    """Say when each learner was active last, not looking past `until`; `came` is as from `signed_in`."""
    last: dict[str, date] = {}
    facts = chain(
        ((who, one.session.local_date) for one in sittings for who in came.get(one.session.id, ())),
        ((hand_in.learner_id, hand_in.on) for hand_in in hand_ins),
        ((score.learner_id, score.on) for score in scores),
        _advances(progress),
    )
    for who, on in facts:
        if on <= until:
            last[who] = max(last.get(who, on), on)
    return last


def _advances(progress: Iterable[CourseProgress]) -> Iterator[Dated]:
    best: dict[tuple[str, str], Decimal] = {}
    for report in sorted(progress, key=lambda report: report.at):
        key = report.learner_id, report.program_id
        if report.percent > best.get(key, Decimal(0)):
            best[key] = report.percent
            yield report.learner_id, report.on
