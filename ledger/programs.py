"""Programmes, pairs, joint tasks and what was handed in, page by page; and programmes as somebody outside keeps them.

* NotPossible (ledger.refusals)
  + Incomplete    no credit rule that came with the program
  + InUse         (ledger.keeping) the region or rule of a programme that has pairs
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.credit import PRESETS
from ledger import keeping
from ledger.keeping import InUse, Kept
from ledger.pair_tables import EvidenceRow, JointTaskRow, PairRow, PartRow, ProgramRow, SubmissionRow
from ledger.plan import Regions, within
from ledger.refusals import Incomplete

Query = sa.Select[*tuple[Any, ...]]


def put_program(
    db: Db,
    id: str,
    *,
    region_id: str,
    title: str,
    title_zh: str,
    rule: str,
    actor: str,
    now: datetime,
    check: Callable[[ProgramRow], None],
) -> Kept[ProgramRow]:
    """Enter or change a programme; region and rule stay once it has pairs, for they say what hours are counted in."""
    if rule not in PRESETS:
        raise Incomplete("no_rule", f"A programme takes a rule that came with the program: {', '.join(PRESETS)}.")

    def stays(row: ProgramRow) -> None:
        check(row)
        other = row.region_id != region_id or row.rule != rule
        if other and db.scalar(sa.select(sa.exists().where(PairRow.program_id == id))):
            raise InUse("program_in_use", f"Programme {id!r} has pairs; its region and rule stay. Enter another one.")

    values = {"region_id": region_id, "title": title, "title_zh": title_zh, "rule": rule}
    return keeping.put(db, ProgramRow, id, values, actor=actor, now=now, check=stays)


def programs_page(db: Db, regions: Regions, *, after: str, limit: int) -> Sequence[ProgramRow]:
    """Return some programmes behind an id."""
    query = sa.select(ProgramRow).where(ProgramRow.id > after, within(ProgramRow.region_id, regions))
    return db.scalars(query.order_by(ProgramRow.id).limit(limit)).all()


def pairs_page(
    db: Db, regions: Regions, *, program_id: str | None, person_id: str | None, after: str, limit: int
) -> Sequence[PairRow]:
    """Return some pairs behind an id, of a programme or a person (None: any)."""
    query = _in_regions(sa.select(PairRow), regions).where(PairRow.id > after)
    query = _of(query, program_id, person_id)
    return db.scalars(query.order_by(PairRow.id).limit(limit)).all()


def tasks_page(
    db: Db,
    regions: Regions,
    *,
    program_id: str | None,
    person_id: str | None,
    pair_id: str | None,
    after: str,
    limit: int,
) -> Sequence[str]:
    """Return the ids of some joint tasks behind an id, of a programme, a person or a pair (None: any)."""
    query = sa.select(JointTaskRow.id).join(PairRow, PairRow.id == JointTaskRow.pair_id)
    query = _of(_in_regions(query, regions), program_id, person_id).where(JointTaskRow.id > after)
    query = query.where(JointTaskRow.pair_id == pair_id) if pair_id is not None else query
    return db.scalars(query.order_by(JointTaskRow.id).limit(limit)).all()


def submissions_page(
    db: Db, regions: Regions, *, task_id: str | None, part_id: str | None, state: str | None, after: str, limit: int
) -> Sequence[tuple[SubmissionRow, PartRow]]:
    """Return some submissions behind an id, each with its part; ids rise with the time of hand-in."""
    query = _submissions(regions).where(SubmissionRow.id > after)
    for column, wish in ((PartRow.task_id, task_id), (PartRow.id, part_id), (SubmissionRow.state, state)):
        query = query.where(column == wish) if wish is not None else query
    return [(row, part) for row, part in db.execute(query.order_by(SubmissionRow.id).limit(limit))]


def submission(db: Db, id: str, regions: Regions) -> tuple[SubmissionRow, PartRow] | None:
    """Return a submission of these regions with its part."""
    found = db.execute(_submissions(regions).where(SubmissionRow.id == id)).one_or_none()
    return (found[0], found[1]) if found else None


def evidence_of(db: Db, submissions: Sequence[str]) -> dict[str, list[EvidenceRow]]:
    """Return the files of these submissions."""
    query = sa.select(EvidenceRow).where(EvidenceRow.submission_id.in_(submissions)).order_by(EvidenceRow.id)
    files: dict[str, list[EvidenceRow]] = {}
    for row in db.scalars(query) if submissions else ():
        files.setdefault(row.submission_id, []).append(row)
    return files


def region_of_pair(db: Db, row: PairRow) -> str:
    """Say in which region a pair learns: that of its programme."""
    return db.get_one(ProgramRow, row.program_id).region_id


def part(db: Db, id: str, regions: Regions) -> PartRow | None:
    """Return a part of a joint task of these regions."""
    query = sa.select(PartRow).join(JointTaskRow, JointTaskRow.id == PartRow.task_id)
    query = query.join(PairRow, PairRow.id == JointTaskRow.pair_id)
    row: PartRow | None = db.scalar(_in_regions(query, regions).where(PartRow.id == id))
    return row


def _submissions(regions: Regions) -> Query:
    query = sa.select(SubmissionRow, PartRow).join(PartRow, PartRow.id == SubmissionRow.part_id)
    query = query.join(JointTaskRow, JointTaskRow.id == PartRow.task_id)
    return _in_regions(query.join(PairRow, PairRow.id == JointTaskRow.pair_id), regions)


def _in_regions(query: Query, regions: Regions) -> Query:
    joined = query.join(ProgramRow, ProgramRow.id == PairRow.program_id)
    return joined.where(within(ProgramRow.region_id, regions))


def _of(query: Query, program_id: str | None, person_id: str | None) -> Query:
    query = query.where(PairRow.program_id == program_id) if program_id is not None else query
    theirs = sa.or_(PairRow.clerk_id == person_id, PairRow.manager_id == person_id)
    return query.where(theirs) if person_id is not None else query
