"""Hour records as HR sees them: in the feed, one by one, and in every list and file of them."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from attendance.task_credit import joint_task
from gateway.api import Instant
from ledger.tables import HourRecordRow


class Course(BaseModel):
    """What was taught, when and where."""

    id: str
    title: str
    title_zh: str
    starts_at: Instant | None = Field(description="null for a joint task or a bonus, which is no sitting.")
    ends_at: Instant | None
    zone: str = Field(description="The IANA zone in which `effective_date` is a date.")
    place: str | None
    trainer_id: str | None


class JointTask(BaseModel):
    """The part of a joint task that hours are for."""

    id: str
    title: dict[str, str] = Field(description="In English (`en`) and Chinese (`zh`).")
    part: str
    role: Literal["clerk", "reserve_manager", "joint"]


class HourRecord(BaseModel):
    """One line of the ledger; it never changes, a correction is a reversal and a new record."""

    id: UUID = Field(description="The record's own; use it to recognise a record that you already hold.")
    settles: UUID = Field(description="The same for every version of one answer: this person, this source.")
    version: int
    kind: Literal["credit", "bonus", "reversal"] = Field(
        description="A `reversal` takes back what the record it names gave."
    )
    reverses: UUID | None = Field(description="The record that a reversal takes back.")
    person: str = Field(description="Opaque; the only name of a person that the ledger knows.")
    personnel_number: str | None = Field(description="The company's own number; null once the person has been erased.")
    region: str
    source: str = Field(
        description="What these hours come from: a session, a part of a joint task, or for a bonus the pair."
    )
    effective_date: date
    booked_in: str | None = Field(
        description="The month (YYYY-MM) that was open when the effective date's own was closed already; null: its own."
    )
    minutes: int = Field(description="Time present, in whole minutes.")
    credit: str = Field(description="Exact decimal.", pattern=r"^\d+(\.\d+)?$", examples=["3.5"])
    unit: str
    rule: str = Field(description="Name and version of the credit rule.", examples=["cn-45@1"])
    course: Course
    joint_task: JointTask | None = Field(description="null for the hours of a session, and for a bonus.")
    entered_at: Instant


def told(row: HourRecordRow, known: Mapping[str, str]) -> dict[str, Any]:
    """Say what a record says; `known` are the personnel numbers of who has not been erased."""
    return {
        "id": row.id,
        "settles": row.settles,
        "version": row.version,
        "kind": row.kind,
        "reverses": row.reverses,
        "person": row.person_id,
        "personnel_number": known.get(row.person_id),
        "region": row.region_id,
        "source": row.source_id,
        "effective_date": row.effective_date,
        "booked_in": row.booked_in,
        "minutes": row.minutes,
        "credit": f"{row.credit:f}",
        "unit": row.unit,
        "rule": row.rule,
        "course": Course.model_validate(row.course),
        "joint_task": joint_task(row.explanation),
        "entered_at": row.entered_at,
    }
