"""How staged rows land: a few statements per table that the database works off alone, however many rows there are.

Each is written for rows that came twice: what is so already is left alone, and asks for nothing to be settled again.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session as Db

from ledger.account_tables import AuditRow
from ledger.database import UtcDateTime
from ledger.import_tables import STAGED
from ledger.pair_tables import DirtyMonthRow, JointTaskRow, PairRow, PartRow, ProgramRow, ProgressRow, SubmissionRow
from ledger.pairs import month_of
from ledger.planning import moved, moving
from ledger.refusals import TooLate
from ledger.tables import Base, PersonRow, RegionRow, RosterRow, ScoreRow, SessionRow

Chosen = sa.Select[*tuple[Any, ...]]

PART = ("hours", "start_by", "due")
"""What an import says of a part; the evidence that it wants stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What landing does, or would do now."""

    added: int
    changed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """What is about to land, and who lets it."""

    import_id: str
    columns: Sequence[str]
    """Those that are set where a row is there already."""
    actor: str
    now: datetime
    regions: Collection[str] | None
    """Those that the importer may touch; None: all."""


def effect(db: Db, kind: str, import_id: str, columns: Sequence[str]) -> Effect:
    """Count what landing would add and change now."""
    return _EFFECTS[kind](db, import_id, columns)


def land(db: Db, kind: str, landing: Landing) -> Effect:
    """Let everything that was staged land; raises TooLate when what it stands on has changed too much."""
    found = effect(db, kind, landing.import_id, landing.columns)
    if found.added or found.changed:
        _LANDINGS[kind](db, landing)
        # The statements below the session have changed what it may remember.
        db.expire_all()
    return found


# Any table


def _table(row: type[Base]) -> sa.Table:
    return row.__table__  # type: ignore[return-value]  # each of ours is a plain table


def _staged(row: type[Base], import_id: str) -> tuple[sa.Table, sa.ColumnElement[bool]]:
    return STAGED[row], STAGED[row].c.import_id == import_id


def _same(row: type[Base], keys: Iterable[str]) -> sa.ColumnElement[bool]:
    return sa.and_(*(STAGED[row].c[key] == _table(row).c[key] for key in keys))


def _differs(row: type[Base], other: Any, columns: Iterable[str]) -> sa.ColumnElement[bool]:
    table = _table(row)
    return sa.or_(
        sa.false(), *(_comparable(table.c[name]).is_distinct_from(_comparable(other[name])) for name in columns)
    )


def _comparable(column: Any) -> Any:
    # PostgreSQL cannot compare JSON; as text it can, and we always write the same text for the same value.
    return sa.cast(column, sa.Text) if isinstance(column.type, sa.JSON) else column


def _count(db: Db, row: type[Base], keys: Sequence[str], columns: Iterable[str], import_id: str) -> Effect:
    (staged, ours), table = _staged(row, import_id), _table(row)
    is_there = table.c[keys[0]].is_not(None)
    query = sa.select(
        sa.func.count().filter(~is_there), sa.func.count().filter(is_there, _differs(row, staged.c, columns))
    ).select_from(staged.outerjoin(table, _same(row, keys)))
    added, changed = db.execute(query.where(ours)).one()
    return Effect(added=added, changed=changed)


def _upsert(
    db: Db,
    row: type[Base],
    keys: Sequence[str],
    columns: Collection[str],
    import_id: str,
    *,
    instead: Mapping[str, Any] | None = None,
    where: Iterable[sa.ColumnElement[bool]] = (),
) -> None:
    """Insert the staged rows and set `columns` of those that are there and differ."""
    (staged, ours), table = _staged(row, import_id), _table(row)
    chosen = sa.select(*((instead or {}).get(column.name, staged.c[column.name]) for column in table.columns))
    # In order: two that land at once and share rows would else each wait for one of the other's.
    chosen = chosen.where(ours, *where).order_by(*(staged.c[key] for key in keys))
    insert = _insert(db)(table).from_select([column.name for column in table.columns], chosen)
    if not columns:
        db.execute(insert.on_conflict_do_nothing())
        return
    new = insert.excluded
    wanted = {name: new[name] for name in columns}
    db.execute(insert.on_conflict_do_update(index_elements=list(keys), set_=wanted, where=_differs(row, new, columns)))


def _insert(db: Db) -> Any:
    return postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert


def _check_regions(db: Db, row: Any, key: str, landing: Landing) -> None:
    """Refuse when what the file means to change has come into another region since it was read."""
    if landing.regions is None:
        return
    staged, ours = _staged(row, landing.import_id)
    query = sa.select(staged.c.place).join(_table(row), _same(row, [key]))
    if db.scalar(query.where(ours, row.region_id.not_in(landing.regions)).limit(1)) is not None:
        raise changed_meanwhile()


def changed_meanwhile() -> TooLate:
    """Say that the dry run is not true any more."""
    return TooLate("changed_meanwhile", "Things have changed since the file was read; read it once more.")


# People


def _people_effect(db: Db, import_id: str, columns: Sequence[str]) -> Effect:
    return _count(db, PersonRow, ["number"], columns, import_id)


def _land_people(db: Db, landing: Landing) -> None:
    _check_regions(db, PersonRow, "number", landing)
    _upsert(db, PersonRow, ["number"], landing.columns, landing.import_id)


# Sessions and rosters


def _sessions_effect(db: Db, import_id: str, columns: Sequence[str]) -> Effect:
    return _count(db, SessionRow, ["id"], columns, import_id)


def _land_sessions(db: Db, landing: Landing) -> None:
    _check_regions(db, SessionRow, "id", landing)
    staged, ours = _staged(SessionRow, landing.import_id)
    changing = sa.select(SessionRow.id).join(staged, staged.c.id == SessionRow.id)
    changing = changing.where(ours, _differs(SessionRow, staged.c, landing.columns))
    before = moving(db, db.scalars(changing), now=landing.now)
    db.expire_all()
    _upsert(db, SessionRow, ["id"], landing.columns, landing.import_id)
    moved(db, before, now=landing.now)


def _seats(import_id: str) -> tuple[Chosen, sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """Return the staged places with what is on the rosters, and who comes onto them and who leaves."""
    staged, ours = _staged(RosterRow, import_id)
    query = sa.select(staged.c.session_id).where(ours)
    query = query.outerjoin_from(staged, _table(RosterRow), _same(RosterRow, ["session_id", "person_id"]))
    is_there = RosterRow.session_id.is_not(None)
    return query, sa.and_(~staged.c.remove, ~is_there), sa.and_(staged.c.remove, is_there)


def _rosters_effect(db: Db, import_id: str, columns: Sequence[str]) -> Effect:
    query, joins, leaves = _seats(import_id)
    counted = query.with_only_columns(
        sa.func.count().filter(joins), sa.func.count().filter(leaves), maintain_column_froms=True
    )
    added, changed = db.execute(counted).one()
    return Effect(added=added, changed=changed)


def _land_rosters(db: Db, landing: Landing) -> None:
    staged, ours = _staged(RosterRow, landing.import_id)
    query, joins, leaves = _seats(landing.import_id)
    touched = query.where(sa.or_(joins, leaves)).distinct()
    before = dict(db.execute(sa.select(SessionRow.id, SessionRow.local_date).where(SessionRow.id.in_(touched))).all())
    _upsert(db, RosterRow, ["session_id", "person_id"], (), landing.import_id, where=[~staged.c.remove])
    leaving = sa.select(staged.c.session_id, staged.c.person_id).where(ours, staged.c.remove)
    # Worked out once; asked anew for each place on every roster, it would take hours.
    theirs = sa.tuple_(RosterRow.session_id, RosterRow.person_id).in_(leaving)
    db.execute(sa.delete(RosterRow).where(theirs), execution_options={"synchronize_session": False})
    moved(db, before, now=landing.now)


# Pairs


def _is_new_pair() -> sa.ColumnElement[bool]:
    """Two people are one pair of a programme, whatever its id."""
    same = _same(PairRow, ["program_id", "clerk_id", "manager_id"])
    return ~sa.exists(sa.select(sa.literal(1)).select_from(_table(PairRow)).where(same)).correlate(STAGED[PairRow])


def _pairs_effect(db: Db, import_id: str, columns: Sequence[str]) -> Effect:
    _, ours = _staged(PairRow, import_id)
    added = db.scalar(sa.select(sa.func.count()).select_from(STAGED[PairRow]).where(ours, _is_new_pair()))
    return Effect(added=added or 0, changed=0)


def _land_pairs(db: Db, landing: Landing) -> None:
    staged, ours = _staged(PairRow, landing.import_id)
    # Joint hours of the running month may count as the pair's from now on.
    chosen = sa.select(staged.c.id.label("pair_id"), RegionRow.zone, sa.literal(landing.now, UtcDateTime).label("due"))
    chosen = chosen.join(ProgramRow, ProgramRow.id == staged.c.program_id)
    chosen = chosen.join(RegionRow, RegionRow.id == ProgramRow.region_id).where(ours, _is_new_pair())
    _mark_months(db, chosen, landing.now)
    _upsert(db, PairRow, ["id"], (), landing.import_id, where=[_is_new_pair()])


# Joint tasks


def _other_parts(import_id: str, columns: Iterable[str] = PART) -> Chosen:
    """Choose the staged parts that say something else than the ledger's."""
    staged, ours = _staged(PartRow, import_id)
    query = sa.select(staged.c.task_id).join(_table(PartRow), _same(PartRow, ["task_id", "role"]))
    return query.where(ours, _differs(PartRow, staged.c, columns))


def _other_tasks(import_id: str, columns: Sequence[str]) -> Chosen:
    """Choose the tasks that are there and change."""
    staged, ours = _staged(JointTaskRow, import_id)
    query = sa.select(staged.c.id).join(_table(JointTaskRow), _same(JointTaskRow, ["id"]))
    changes = sa.or_(_differs(JointTaskRow, staged.c, columns), staged.c.id.in_(_other_parts(import_id)))
    return query.where(ours, changes)


def _tasks_effect(db: Db, import_id: str, columns: Sequence[str]) -> Effect:
    added = _count(db, JointTaskRow, ["id"], (), import_id).added
    changed = db.scalar(sa.select(sa.func.count()).select_from(_other_tasks(import_id, columns).subquery()))
    return Effect(added=added, changed=changed or 0)


def _land_tasks(db: Db, landing: Landing) -> None:
    with _whole_tables(db):
        _enter_tasks(db, landing)


@contextmanager
def _whole_tables(db: Db) -> Iterator[None]:
    """Keep PostgreSQL from looking rows up one by one: of tables that have just grown it knows nothing yet.

    It took minutes for what takes seconds.
    """
    if db.get_bind().dialect.name != "postgresql":
        yield
        return
    db.execute(sa.text("SET LOCAL enable_nestloop = off"))
    yield
    db.execute(sa.text("SET LOCAL enable_nestloop = on"))


def _enter_tasks(db: Db, landing: Landing) -> None:
    if db.scalar(_accepted_parts(landing.import_id).limit(1)) is not None:
        raise changed_meanwhile()
    changing = _other_tasks(landing.import_id, landing.columns)
    _mark_months(db, _dues().where(JointTaskRow.id.in_(changing)), landing.now)
    _note_moves(db, landing)
    look = sa.update(JointTaskRow).where(JointTaskRow.id.in_(changing)).values(next_at=landing.now)
    db.execute(look, execution_options={"synchronize_session": False})
    now = {"next_at": sa.literal(landing.now, UtcDateTime)}
    _upsert(db, JointTaskRow, ["id"], landing.columns, landing.import_id, instead=now)
    _upsert(db, PartRow, ["task_id", "role"], PART, landing.import_id)
    # By now these are the tasks that are new or have changed.
    staged, ours = _staged(JointTaskRow, landing.import_id)
    touched = JointTaskRow.id.in_(sa.select(staged.c.id).where(ours)), JointTaskRow.next_at == landing.now
    _mark_months(db, _dues().where(*touched), landing.now)


def _accepted_parts(import_id: str) -> Chosen:
    """Choose staged parts that would change the hours of what has been accepted."""
    accepted = sa.exists().where(SubmissionRow.part_id == PartRow.id, SubmissionRow.state == "accepted")
    return _other_parts(import_id, ("hours", "due")).where(accepted)


def _dues() -> Chosen:
    """Choose when parts are due, of which pair and in which zone."""
    query = sa.select(JointTaskRow.pair_id, RegionRow.zone, PartRow.due)
    query = query.join(PartRow, PartRow.task_id == JointTaskRow.id).join(PairRow, PairRow.id == JointTaskRow.pair_id)
    query = query.join(ProgramRow, ProgramRow.id == PairRow.program_id)
    return query.join(RegionRow, RegionRow.id == ProgramRow.region_id)


def _note_moves(db: Db, landing: Landing) -> None:
    """Write down each due that moves: it changes who gets hours."""
    staged, ours = _staged(PartRow, landing.import_id)
    said = [part for name, due in (("before", PartRow.due), ("due", staged.c.due)) for part in (name, _iso(db, due))]
    details = _json(db)("import", landing.import_id, *said)
    # A part that is there keeps its id, so the one that was made for the staged row is free.
    chosen = sa.select(
        staged.c.id,
        sa.literal(landing.now, UtcDateTime),
        sa.literal(landing.actor),
        sa.literal("due moved"),
        PartRow.id,
        details,
    ).join(_table(PartRow), _same(PartRow, ["task_id", "role"]))
    names = ["id", "at", "actor", "act", "thing", "details"]
    db.execute(
        sa.insert(AuditRow).from_select(names, chosen.where(ours, _differs(PartRow, staged.c, ["due"]))),
        execution_options={"synchronize_session": False},
    )


def _json(db: Db) -> Any:
    return sa.func.json_build_object if db.get_bind().dialect.name == "postgresql" else sa.func.json_object


def _iso(db: Db, instant: Any) -> Any:
    if db.get_bind().dialect.name == "postgresql":
        return sa.func.to_char(sa.func.timezone("UTC", instant), 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"')
    return sa.func.strftime("%Y-%m-%dT%H:%M:%S+00:00", instant)


def _mark_months(db: Db, dues: Chosen, now: datetime) -> None:
    """Ask for the pairs' months in which these dues (pair_id, zone, due) lie.

    Only distinct dues come here; which pairs they belong to, the database knows.
    """
    source = dues.subquery()
    distinct = sa.select(source.c.zone, source.c.due).distinct()
    for zone, month in sorted({(zone, month_of(due, zone)) for zone, due in db.execute(distinct)}):
        since, until = _bounds(month, ZoneInfo(zone))
        chosen = sa.select(source.c.pair_id, sa.literal(month), sa.literal(now, UtcDateTime)).distinct()
        chosen = chosen.where(source.c.zone == zone, source.c.due >= since, source.c.due < until)
        insert = _insert(db)(DirtyMonthRow).from_select(
            ["pair_id", "month", "due_at"], chosen.order_by(source.c.pair_id)
        )
        sooner = sa.case(
            (insert.excluded.due_at < DirtyMonthRow.due_at, insert.excluded.due_at), else_=DirtyMonthRow.due_at
        )
        db.execute(insert.on_conflict_do_update(index_elements=["pair_id", "month"], set_={"due_at": sooner}))


def _bounds(month: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    year, number = map(int, month.split("-"))
    first = datetime(year, number, 1, tzinfo=zone)
    after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=zone)
    return first.astimezone(UTC), after.astimezone(UTC)


# Facts of other systems

SCORE, PROGRESS = ["person_id", "course_id", "kind", "at"], ["person_id", "program_id", "at"]


def _scores_effect(db: Db, import_id: str, columns: Sequence[str]) -> Effect:
    return _count(db, ScoreRow, SCORE, columns, import_id)


def _land_scores(db: Db, landing: Landing) -> None:
    _upsert(db, ScoreRow, SCORE, landing.columns, landing.import_id)


def _progress_effect(db: Db, import_id: str, columns: Sequence[str]) -> Effect:
    return _count(db, ProgressRow, PROGRESS, columns, import_id)


def _land_progress(db: Db, landing: Landing) -> None:
    staged, ours = _staged(ProgressRow, landing.import_id)
    says = sa.or_(ProgressRow.person_id.is_(None), _differs(ProgressRow, staged.c, landing.columns))
    told = sa.select(staged.c.program_id, staged.c.person_id).where(ours, says)
    told = told.outerjoin_from(staged, _table(ProgressRow), _same(ProgressRow, PROGRESS))
    theirs = sa.union(
        *(
            sa.select(PairRow.id).where(sa.tuple_(PairRow.program_id, who).in_(told))
            for who in (PairRow.clerk_id, PairRow.manager_id)
        )
    )
    look = sa.update(JointTaskRow).where(JointTaskRow.pair_id.in_(theirs)).values(next_at=landing.now)
    db.execute(look, execution_options={"synchronize_session": False})
    _upsert(db, ProgressRow, PROGRESS, landing.columns, landing.import_id)


_EFFECTS: dict[str, Callable[[Db, str, Sequence[str]], Effect]] = {
    "people": _people_effect,
    "sessions": _sessions_effect,
    "rosters": _rosters_effect,
    "pairs": _pairs_effect,
    "tasks": _tasks_effect,
    "scores": _scores_effect,
    "progress": _progress_effect,
}
_LANDINGS: dict[str, Callable[[Db, Landing], None]] = {
    "people": _land_people,
    "sessions": _land_sessions,
    "rosters": _land_rosters,
    "pairs": _land_pairs,
    "tasks": _land_tasks,
    "scores": _land_scores,
    "progress": _land_progress,
}
