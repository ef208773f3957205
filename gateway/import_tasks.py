"""Plans joint tasks: of one pair, or of every pair of a programme."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from gateway.import_forms import TaskForm
from gateway.import_plan import Entry, Plan, derived, forms, ids_of_pairs, two
from ledger.imports import new_id
from ledger.pair_tables import JointTaskRow, PairRow, PartRow, ProgramRow, SubmissionRow

MOST_PAIRS = 20_000
"""That one line may give a task to."""
ROLES = {"clerk": "clerk", "manager": "reserve_manager", "joint": "joint"}
EVIDENCE = {
    "clerk": ["order_log"],
    "reserve_manager": ["optimisation_plan", "conversation"],
    "joint": ["joint_report"],
}
"""What a new part wants to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A task of one pair."""

    entry: Entry
    form: TaskForm
    pair_id: str
    id: str
    zone: str


def tasks(plan: Plan, entries: Sequence[Entry]) -> None:
    """Plan tasks; one that is there already is known by its pair and name, or by its id."""
    wanted, zones = forms(entries, TaskForm), plan.zones()
    programs = plan.regions_of(ProgramRow, (form.program for _, form in wanted))
    chosen = _chosen(plan, wanted, programs)
    owners = _owners(plan, {form.task for _, form in wanted})
    units = [
        Unit(entry=entry, form=form, pair_id=pair, id=_id(form.task, pair, owners), zone=zones[programs[form.program]])
        for entry, form in wanted
        for pair in chosen.get(entry.line, ())
    ]
    parts = _parts(plan, [unit.id for unit in units])
    accepted = _accepted(plan, [part.id for part in parts.values()])
    failed = set[int]()
    for unit in units:
        # What is wrong with a line is said once, not for each of its pairs.
        if unit.entry.line not in failed and not _put(plan, unit, parts, accepted):
            failed.add(unit.entry.line)


def _id(task: str, pair_id: str, owners: Mapping[str, str]) -> str:
    return task if owners.get(task) == pair_id else derived(pair_id, task)


def _owners(plan: Plan, ids: set[str]) -> dict[str, str]:
    """Return the pairs of tasks that are known under these names already."""
    query = sa.select(JointTaskRow.id, JointTaskRow.pair_id)
    return dict(plan.in_some(query, JointTaskRow.id, ids))


# Whose


def _chosen(
    plan: Plan, wanted: Sequence[tuple[Entry, TaskForm]], programs: Mapping[str, str]
) -> dict[int, Sequence[str]]:
    """Return the pairs that each line means."""
    people = plan.people(number for _, form in wanted for number in (form.clerk, form.manager))
    there = ids_of_pairs(plan, programs, (who.id for who in people.values()))
    chosen: dict[int, Sequence[str]] = {}
    for entry, form in wanted:
        if form.program not in programs:
            plan.refuse(entry, "program", "no_program")
        elif form.clerk is None and form.manager is None:
            chosen[entry.line] = _all_pairs(plan, entry, form.program)
        elif form.clerk is None or form.manager is None:
            plan.refuse(entry, "manager" if form.clerk else "clerk", "half_a_pair")
        elif couple := two(plan, entry, form.clerk, form.manager, people):
            chosen[entry.line] = _one_pair(plan, entry, there.get((form.program, *couple)))
    return chosen


def _one_pair(plan: Plan, entry: Entry, pair_id: str | None) -> Sequence[str]:
    if pair_id is None:
        plan.refuse(entry, "manager", "no_pair")
        return ()
    return (pair_id,)


def _all_pairs(plan: Plan, entry: Entry, program_id: str) -> Sequence[str]:
    query = sa.select(PairRow.id).where(PairRow.program_id == program_id).order_by(PairRow.id)
    found = plan.db.scalars(query.limit(MOST_PAIRS + 1)).all()
    if found and len(found) <= MOST_PAIRS:
        return found
    plan.refuse(entry, "program", "too_many_pairs" if found else "no_pairs")
    return ()


# What


def _parts(plan: Plan, tasks: Sequence[str]) -> dict[tuple[str, str], Any]:
    query = sa.select(PartRow.task_id, PartRow.role, PartRow.id, PartRow.hours, PartRow.start_by, PartRow.due)
    return {(row.task_id, row.role): row for row in plan.in_some(query, PartRow.task_id, tasks)}


def _accepted(plan: Plan, parts: Sequence[str]) -> set[str]:
    query = sa.select(SubmissionRow.part_id).where(SubmissionRow.state == "accepted")
    return {row.part_id for row in plan.in_some(query, SubmissionRow.part_id, parts)}


def _put(plan: Plan, unit: Unit, there: Mapping[tuple[str, str], Any], accepted: set[str]) -> bool:
    before = len(plan.wrong)
    parts = list(_planned(plan, unit, there, accepted))
    if len(plan.wrong) > before or not plan.is_first(unit.entry, "task", unit.id):
        return False
    plan.things += 1
    form, now = unit.form, plan.importer.now
    plan.put(
        unit.entry,
        JointTaskRow,
        id=unit.id,
        pair_id=unit.pair_id,
        title=form.title,
        title_zh=form.title_zh,
        next_at=now,
    )
    for part in parts:
        plan.put(unit.entry, PartRow, id=new_id(), task_id=unit.id, checkpoints=[], **part)
    return True


def _planned(
    plan: Plan, unit: Unit, there: Mapping[tuple[str, str], Any], accepted: set[str]
) -> Iterator[dict[str, Any]]:
    for name, role in ROLES.items():
        here = there.get((unit.id, role))
        due = plan.instant(unit.entry, f"due_{name}", getattr(unit.form, f"due_{name}"), unit.zone)
        start_by, hours = _start(plan, unit, name, here), _hours(plan, unit, name, here)
        if due is None:
            continue
        if start_by is not None and start_by >= due:
            plan.refuse(unit.entry, f"start_{name}", "starts_after_due")
        if here and here.id in accepted and (here.due, here.hours) != (due, hours):
            plan.refuse(unit.entry, f"due_{name}", "accepted_already")
        yield {"role": role, "hours": hours, "evidence": EVIDENCE[role], "start_by": start_by, "due": due}


def _start(plan: Plan, unit: Unit, name: str, here: Any) -> datetime | None:
    """Return by when a part is to be begun; what the file does not speak of stays."""
    if here is not None and f"start_{name}" not in plan.given:
        start: datetime | None = here.start_by
        return start
    given: datetime | None = getattr(unit.form, f"start_{name}", None)
    return plan.instant(unit.entry, f"start_{name}", given, unit.zone) if given else None


def _hours(plan: Plan, unit: Unit, name: str, here: Any) -> Decimal:
    stays = here is not None and f"hours_{name}" not in plan.given
    hours: Decimal = here.hours if stays else getattr(unit.form, f"hours_{name}")
    return hours
