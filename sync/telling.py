"""Turns the ledger's records into what an archive is told, personnel numbers and sentences included."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session as Db

from attendance.task_credit import joint_task
from attendance.wording import sentence
from ledger.people import numbers
from ledger.tables import HourRecordRow
from sync.archive import Declined, Delivery, Sitting

log = logging.getLogger(__name__)

NO_WORDS = "this record cannot be put into words; see the log of sync"


def tell(db: Db, rows: Sequence[HourRecordRow]) -> list[Delivery | Declined]:
    """Make a delivery of each record; one that cannot be told is declined, so that it does not hold up all others."""
    people = {row.person_id for row in rows} | {str(row.course.get("trainer_id")) for row in rows}
    known = numbers(db, people - {"None"})
    return [_told(row, known) for row in rows]


def _told(row: HourRecordRow, known: Mapping[str, str]) -> Delivery | Declined:
    try:
        return _delivery(row, known)
    except Exception:
        # Whatever is wrong with this record is wrong with it at every try.
        log.exception("record %s cannot be told", row.id)
        return Declined(row.id, NO_WORDS)


def _delivery(row: HourRecordRow, known: Mapping[str, str]) -> Delivery:
    return Delivery(
        id=row.id,
        settles=row.settles,
        version=row.version,
        kind=row.kind,
        reverses=row.reverses,
        person=row.person_id,
        number=known.get(row.person_id),
        region=row.region_id,
        source=row.source_id,
        effective_date=row.effective_date,
        booked_in=row.booked_in,
        minutes=row.minutes,
        credit=row.credit,
        unit=row.unit,
        rule=row.rule,
        course=_sitting(row.course, known),
        task=joint_task(row.explanation),
        why_en=sentence(row.explanation, "en"),
        why_zh=sentence(row.explanation, "zh"),
        entered_at=row.entered_at,
    )


def _sitting(course: Mapping[str, Any], known: Mapping[str, str]) -> Sitting:
    trainer = course.get("trainer_id")
    return Sitting(
        id=course.get("id"),
        title=course["title"],
        title_zh=course["title_zh"],
        starts_at=_instant(course.get("starts_at")),
        ends_at=_instant(course.get("ends_at")),
        zone=course.get("zone"),
        place=course.get("place"),
        trainer=trainer,
        trainer_number=known.get(trainer) if trainer else None,
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
