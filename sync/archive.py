"""The seam to a learner archive: a batch goes in, an answer for each record comes out.

* ArchiveError
  + Unavailable     it could not be asked, or asks for time; the same batch may pass later
  + Unanswered      it was asked and did not say what it did; send again with the same ids
  + Misconfigured   it will never say yes to this address or key; a person has to look

A record that the archive read and declined is no error: it is `Declined(reason)`, a value.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID


class ArchiveError(Exception):
    """The archive did not take the batch."""

    def __init__(self, why: str, *, not_before: datetime | None = None) -> None:
        super().__init__(why)
        self.not_before = not_before
        """The archive asked not to be asked again earlier."""


class Unavailable(ArchiveError):
    """The archive cannot be reached or asks for time; the batch is sent again later."""


class Unanswered(ArchiveError):
    """The archive was asked and did not say what it did; the batch is sent again with the same ids."""


class Misconfigured(ArchiveError):
    """The archive will not say yes to this address or key; correct the settings of sync and start it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """What was taught, when, where and by whom; a joint task has no room and no trainer."""

    id: str | None
    title: str
    title_zh: str
    starts_at: datetime | None
    ends_at: datetime | None
    zone: str | None
    place: str | None
    trainer: str | None
    """The trainer's opaque id."""
    trainer_number: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One hour record as an archive is told it."""

    id: UUID
    """The record's own, and the key by which an archive recognises one that it holds already."""
    settles: UUID
    version: int
    kind: str
    """`credit`, `bonus`, or `reversal` of an earlier record."""
    reverses: UUID | None
    person: str
    """Opaque."""
    number: str | None
    """The company's own personnel number; None once the person has been erased."""
    region: str
    source: str
    effective_date: date
    booked_in: str | None
    """The month (YYYY-MM) that was open when the effective date's own was closed already."""
    minutes: int
    credit: Decimal
    unit: str
    rule: str
    course: Sitting
    task: dict[str, Any] | None
    """The joint task that the hours come from, if it is one."""
    why_en: str
    why_zh: str
    entered_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Write the record with the names that the pull API gives it, and its explanation as a sentence."""
        return {
            "id": str(self.id),
            "settles": str(self.settles),
            "version": self.version,
            "kind": self.kind,
            "reverses": self.reverses and str(self.reverses),
            "person": self.person,
            "personnel_number": self.number,
            "region": self.region,
            "source": self.source,
            "effective_date": self.effective_date.isoformat(),
            "booked_in": self.booked_in,
            "minutes": self.minutes,
            "credit": f"{self.credit:f}",
            "unit": self.unit,
            "rule": self.rule,
            "course": _course(self.course),
            "joint_task": self.task,
            "sentence": {"en": self.why_en, "zh": self.why_zh},
            "entered_at": _instant(self.entered_at),
        }


@dataclass(frozen=True, slots=True)
class Accepted:
    """The archive has the record, now or since an earlier time."""

    id: UUID


@dataclass(frozen=True, slots=True)
class Declined:
    """The archive read the record and will not take it."""

    id: UUID
    reason: str


Answer = Accepted | Declined


class LearnerArchive(Protocol):
    """Where hour records are delivered to."""

    name: str
    kind: str
    batch_limit: int

    def push(self, batch: Sequence[Delivery]) -> Sequence[Answer]:
        """Hand records over and return what the archive said to each; raises ArchiveError.

        A record that no answer names is sent again. Records that the archive holds already are accepted again.
        """
        ...


class ReadableArchive(LearnerArchive, Protocol):
    """An archive that can be asked what it holds."""

    def content(self) -> Iterable[dict[str, Any]]:
        """Yield every record it holds, as `Delivery.to_json` writes it; raises ArchiveError."""
        ...


def _course(course: Sitting) -> dict[str, Any]:
    return {
        "id": course.id,
        "title": course.title,
        "title_zh": course.title_zh,
        "starts_at": course.starts_at and _instant(course.starts_at),
        "ends_at": course.ends_at and _instant(course.ends_at),
        "zone": course.zone,
        "place": course.place,
        "trainer_id": course.trainer,
        "trainer_number": course.trainer_number,
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
