"""Pairs, their joint tasks and what they have handed in, for HR to read."""

from collections.abc import Sequence
from typing import Literal

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session as Db

from gateway.api import Instant, said
from gateway.api_keys import Scope
from gateway.clock import Clock
from gateway.fields import Exact, Id
from gateway.reach import chosen, client, found
from gateway.things import PAIRS, READ, IdPath, NextAfter, OfRegion, blueprint, cut
from ledger import programs, tasks
from ledger.database import Ledger
from ledger.directory import id_of
from ledger.pair_tables import EvidenceRow, PairRow, PartRow, SubmissionRow
from ledger.people import numbers
from ledger.tasks import PartView, TaskView

Role = Literal["clerk", "reserve_manager", "joint"]


class PairsQuery(OfRegion):
    """Which pairs."""

    program: Id | None = None
    number: Id | None = Field(None, description="Only of the person with this personnel number.")


class TasksQuery(PairsQuery):
    """Which joint tasks."""

    pair: Id | None = None


class SubmissionsQuery(OfRegion):
    """Which submissions."""

    task: Id | None = None
    part: Id | None = None
    state: Literal["handed_in", "accepted", "rejected"] | None = None


class LearningPair(BaseModel):
    """Two learners of different roles who work together."""

    id: str
    program: str
    clerk: str | None = Field(description="A personnel number; null once the person has been erased.")
    manager: str | None = Field(description="A personnel number; null once the person has been erased.")


class LearningPairs(BaseModel):
    """Some pairs, in order of their ids."""

    pairs: list[LearningPair]
    next_after: NextAfter


class TaskPart(BaseModel):
    """What one role, or both together, have to hand in."""

    id: str
    role: Role
    hours: Exact
    evidence: list[str] = Field(description="The kinds wanted.")
    start_by: Instant | None
    checkpoints: list[Instant]
    due: Instant
    state: Literal["open", "overdue", "handed_in", "returned", "done", "late", "forfeited", "lost"]
    until: Instant = Field(description="The last moment for handing in, as things stand.")
    submission: str | None = Field(description="The newest version handed in.")


class Task(BaseModel):
    """A joint task of a pair, and how far it is."""

    id: str
    pair: str
    program: str
    title: str
    title_zh: str
    unit: str
    completed: bool = Field(description="The joint part counts.")
    parts: list[TaskPart] = Field(description="The clerk's, the reserve manager's, the joint one.")


class Tasks(BaseModel):
    """Some joint tasks, in order of their ids."""

    tasks: list[Task]
    next_after: NextAfter


class EvidenceFile(BaseModel):
    """What is known about a file; its bytes are not given out here."""

    id: str
    kind: str
    media_type: str
    size: int
    sha256: str


class Submission(BaseModel):
    """One version of what was handed in for a part."""

    id: str
    task: str
    part: str
    role: Role
    version: int
    person: str
    personnel_number: str | None = Field(description="null once the person has been erased.")
    handed_in_at: Instant
    state: Literal["handed_in", "accepted", "rejected"]
    decided_at: Instant | None
    decided_by: str | None = Field(description="The account or API key.")
    words: str | None = Field(description="What has to be done better.")
    evidence: list[EvidenceFile]


class Submissions(BaseModel):
    """Some submissions, in the order in which they were handed in."""

    submissions: list[Submission]
    next_after: NextAfter


SCOPES: dict[str, Scope] = {
    "pairs_api.pairs": "pairs:read",
    "pairs_api.pair": "pairs:read",
    "pairs_api.joint_tasks": "pairs:read",
    "pairs_api.joint_task": "pairs:read",
    "pairs_api.submissions": "pairs:read",
    "pairs_api.submission": "pairs:read",
}


def pairs_api(ledger: Ledger, clock: Clock) -> APIBlueprint:
    """Build the routes of pairs, joint tasks and submissions."""
    api = blueprint("pairs_api", PAIRS, ledger, clock, SCOPES)

    @api.get("/pairs", responses={200: LearningPairs}, summary="List pairs")
    def pairs(query: PairsQuery) -> Response:
        """Give pairs, of all regions of the key or of one."""
        with ledger.read() as db:
            whose = {"program_id": query.program, "person_id": id_of(db, query.number)}
            rows = programs.pairs_page(db, chosen(query.region), **whose, after=query.after, limit=query.limit + 1)
            page, next_after = cut(rows, query.limit, lambda row: row.id)
            return said(LearningPairs(pairs=_pairs(db, page), next_after=next_after))

    @api.get("/pairs/<id>", responses={200: LearningPair, **READ}, summary="Read a pair")
    def pair(path: IdPath) -> Response:
        """Give one pair."""
        with ledger.read() as db:
            row = found(db.get(PairRow, path.id), "pair", lambda row: programs.region_of_pair(db, row))
            return said(*_pairs(db, [row]))

    @api.get("/tasks", responses={200: Tasks}, summary="List joint tasks")
    def joint_tasks(query: TasksQuery) -> Response:
        """Give joint tasks with their parts, and how far each is."""
        with ledger.read() as db:
            ids = programs.tasks_page(
                db,
                chosen(query.region),
                program_id=query.program,
                person_id=id_of(db, query.number),
                pair_id=query.pair,
                after=query.after,
                limit=query.limit + 1,
            )
            page, next_after = cut(ids, query.limit, str)
            views = tasks.views(db, page, now=clock())
        return said(Tasks(tasks=[told(view) for view in views], next_after=next_after))

    @api.get("/tasks/<id>", responses={200: Task, **READ}, summary="Read a joint task")
    def joint_task(path: IdPath) -> Response:
        """Give one joint task with its parts, and how far each is."""
        with ledger.read() as db:
            view = next(iter(tasks.views(db, [path.id], now=clock())), None)
        return said(told(found(view, "joint task", lambda view: view.program.region_id)))

    @api.get("/submissions", responses={200: Submissions}, summary="List what was handed in")
    def submissions(query: SubmissionsQuery) -> Response:
        """Give submissions with what is known about their files."""
        with ledger.read() as db:
            which = {"task_id": query.task, "part_id": query.part, "state": query.state}
            rows = programs.submissions_page(
                db, chosen(query.region), **which, after=query.after, limit=query.limit + 1
            )
            page, next_after = cut(rows, query.limit, lambda row: row[0].id)
            return said(Submissions(submissions=handed_in(db, page), next_after=next_after))

    @api.get("/submissions/<id>", responses={200: Submission, **READ}, summary="Read a submission")
    def submission(path: IdPath) -> Response:
        """Give one version of what was handed in."""
        with ledger.read() as db:
            return said(*handed_in(db, [found(programs.submission(db, path.id, client().regions), "submission")]))

    return api


def told(view: TaskView) -> Task:
    """Write a joint task as it stands."""
    return Task(
        id=view.row.id,
        pair=view.pair.id,
        program=view.program.id,
        title=view.row.title,
        title_zh=view.row.title_zh,
        unit=view.unit,
        completed=view.standing.completed,
        parts=[_part(part) for part in view.parts],
    )


def handed_in(db: Db, rows: Sequence[tuple[SubmissionRow, PartRow]]) -> list[Submission]:
    """Write submissions."""
    known = numbers(db, {row.person_id for row, _ in rows})
    files = programs.evidence_of(db, [row.id for row, _ in rows])
    return [_submission(row, part, known.get(row.person_id), files.get(row.id, ())) for row, part in rows]


def _pairs(db: Db, rows: Sequence[PairRow]) -> list[LearningPair]:
    known = numbers(db, {who for row in rows for who in (row.clerk_id, row.manager_id)})
    return [
        LearningPair(
            id=row.id,
            program=row.program_id,
            clerk=known.get(row.clerk_id),
            manager=known.get(row.manager_id),
        )
        for row in rows
    ]


def _part(view: PartView) -> TaskPart:
    part = view.standing.part
    return TaskPart(
        id=part.id,
        role=part.role,
        hours=part.hours,
        evidence=sorted(part.wants),
        start_by=part.start_by,
        checkpoints=list(part.checkpoints),
        due=part.due,
        state=view.standing.state,
        until=view.standing.until,
        submission=view.newest.row.id if view.newest else None,
    )


def _submission(row: SubmissionRow, part: PartRow, number: str | None, files: Sequence[EvidenceRow]) -> Submission:
    return Submission.model_validate(
        {
            "id": row.id,
            "task": part.task_id,
            "part": part.id,
            "role": part.role,
            "version": row.version,
            "person": row.person_id,
            "personnel_number": number,
            "handed_in_at": row.handed_in_at,
            "state": row.state,
            "decided_at": row.decided_at,
            "decided_by": row.decided_by,
            "words": row.words,
            "evidence": [_file(file) for file in files],
        }
    )


def _file(row: EvidenceRow) -> EvidenceFile:
    return EvidenceFile(id=row.id, kind=row.kind, media_type=row.media_type, size=row.size, sha256=row.sha256)
