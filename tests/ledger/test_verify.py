from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.ingest import ingest
from gateway.watch import tick
from ledger import feed, recompute, verify
from ledger.account_tables import AuditRow, ChainRow
from ledger.audit import note
from ledger.chain import chain, head
from ledger.database import Ledger
from ledger.findings import Finding, Slice
from ledger.tables import DirtyDayRow, FeedRow, HourRecordRow
from tests.cast import EVENING, NINE, company, seen

GUARDS = {"sqlite": "{table}_no_{act}", "postgresql": "{table}_append_only"}


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """Open a ledger in which Ann and Bo have hours and a few things were done, on each engine."""
    ledger = company(database)
    with ledger.begin() as db:
        for seq, (who, when, direction) in enumerate(
            [("ann", "09:00", "in"), ("bo", "09:00", "in"), ("ann", "12:00", "out"), ("bo", "12:00", "out")], 1
        ):
            ingest(db, [seen(who, when, seq=seq, direction=direction)], received_at=EVENING)
        for number in range(5):
            note(db, actor="test", act="tried", thing=f"thing-{number}", at=EVENING, number=number)
    tick(ledger, now=EVENING)
    yield ledger
    ledger.close()


def tampered(ledger: Ledger, table: str, statement: str) -> None:
    """Change a row as somebody would who owns the database, and puts the guards back afterwards."""
    dialect = ledger.engine.dialect.name
    with ledger.engine.begin() as connection:
        if dialect == "sqlite":
            names = [f"{table}_no_update", f"{table}_no_delete"]
            query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"
            found = connection.execute(sa.text(query), {"table": table})
            guards: dict[str, str] = {row.name: row.sql for row in found}
            for name in names:
                connection.execute(sa.text(f"DROP TRIGGER {name}"))
            connection.execute(sa.text(statement))
            for name in names:
                connection.execute(sa.text(guards[name]))
        else:
            connection.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
            connection.execute(sa.text(statement))
            connection.execute(sa.text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))


def walked(ledger: Ledger, check: Any, **given: Any) -> list[Finding]:
    found: list[Finding] = []
    after = None
    while True:
        with ledger.read() as db:
            slice: Slice = check(db, after, **given)
        found += slice.found
        after = slice.next
        if after is None:
            return found


def test_what_was_entered_is_found_as_it_was(ledger: Ledger) -> None:
    assert walked(ledger, verify.audit, limit=2) == []
    assert walked(ledger, verify.feed, limit=1) == []
    assert walked(ledger, recompute.days, now=EVENING, limit=1) == []
    assert walked(ledger, recompute.pair_months, now=EVENING) == []


def test_every_act_gets_one_link_and_the_head_is_the_last(ledger: Ledger) -> None:
    with ledger.begin() as db:
        acts = db.scalar(sa.select(sa.func.count()).select_from(AuditRow))
        assert head(db) == db.execute(sa.select(ChainRow.seq, ChainRow.hash).order_by(ChainRow.seq)).all()[-1]
        assert db.scalar(sa.select(sa.func.max(ChainRow.seq))) == acts == 5
        assert chain(db) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET thing = 'nothing' WHERE thing = 'thing-2'",
        "UPDATE audit SET actor = 'somebody' WHERE thing = 'thing-2'",
        """UPDATE audit SET details = '{"number": 3}' WHERE thing = 'thing-2'""",
        "UPDATE audit SET at = '2020-01-01 00:00:00+00:00' WHERE thing = 'thing-2'",
    ],
    ids=["thing", "actor", "details", "time"],
)
def test_an_act_that_was_changed_is_named(ledger: Ledger, statement: str) -> None:
    with ledger.read() as db:
        third = db.scalar(sa.select(AuditRow.id).where(AuditRow.thing == "thing-2"))

    tampered(ledger, "audit", statement)

    assert walked(ledger, verify.audit, limit=2) == [Finding("changed", str(third))]


def test_an_act_that_was_taken_out_is_missed(ledger: Ledger) -> None:
    with ledger.read() as db:
        query = sa.select(ChainRow.seq).join(AuditRow, AuditRow.id == ChainRow.audit_id)
        seq = db.scalar(query.where(AuditRow.thing == "thing-2"))
    with ledger.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(sa.text("COMMIT"))
            connection.execute(sa.text("PRAGMA foreign_keys=OFF"))

    tampered(ledger, "audit", "DELETE FROM audit WHERE thing = 'thing-2'")

    assert walked(ledger, verify.audit) == [Finding("missing", str(seq))]


def test_a_link_that_was_taken_out_is_a_gap(ledger: Ledger) -> None:
    tampered(ledger, "audit_chain", "DELETE FROM audit_chain WHERE seq = 3")

    assert walked(ledger, verify.audit) == [Finding("gap", "3")]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE hour_records SET credit = '5.0' WHERE person_id = 'bo'",
        "UPDATE hour_records SET minutes = minutes + 1 WHERE person_id = 'bo'",
        "UPDATE hour_records SET effective_date = '2026-03-03' WHERE person_id = 'bo'",
        "UPDATE hour_records SET explanation = '{}' WHERE person_id = 'bo'",
    ],
    ids=["credit", "minutes", "date", "explanation"],
)
def test_an_hour_record_that_was_changed_is_named(ledger: Ledger, statement: str) -> None:
    with ledger.read() as db:
        bos = db.scalar(sa.select(HourRecordRow.id).where(HourRecordRow.person_id == "bo"))

    tampered(ledger, "hour_records", statement)

    assert walked(ledger, verify.feed, limit=1) == [Finding("changed", str(bos))]
    assert walked(ledger, recompute.days, now=EVENING) == [Finding("differs", "bo order-101")]


def test_a_record_without_a_place_in_the_feed_is_a_gap(ledger: Ledger) -> None:
    with ledger.read() as db:
        second = db.scalar(sa.select(FeedRow.hour_record_id).where(FeedRow.seq == 2))

    tampered(ledger, "feed", "DELETE FROM feed WHERE seq = 2")

    assert walked(ledger, verify.feed) == [Finding("gap", str(second))]


def test_hours_that_the_facts_give_and_that_do_not_stand_are_found_and_mended(ledger: Ledger) -> None:
    with ledger.begin() as db:
        ingest(db, [seen("bo", "11:00", seq=10, direction="out")], received_at=EVENING)
        ingest(db, [seen("bo", "11:30", seq=11)], received_at=EVENING)
        db.execute(sa.delete(DirtyDayRow))

    assert walked(ledger, recompute.days, now=EVENING) == [Finding("differs", "bo order-101")]

    with ledger.begin() as db:
        recompute.days(db, now=EVENING, mend=True)
    tick(ledger, now=EVENING)

    assert walked(ledger, recompute.days, now=EVENING) == []


def test_a_day_that_is_about_to_be_settled_is_no_finding(ledger: Ledger) -> None:
    with ledger.begin() as db:
        ingest(db, [seen("bo", "11:00", seq=10, direction="out")], received_at=EVENING)
        ingest(db, [seen("bo", "11:30", seq=11)], received_at=EVENING)

    assert walked(ledger, recompute.days, now=EVENING) == []


def test_a_reversal_is_read_before_the_record_that_takes_its_place(ledger: Ledger) -> None:
    with ledger.begin() as db:
        ingest(db, [seen("ann", "11:00", seq=10, direction="out")], received_at=EVENING)
        ingest(db, [seen("ann", "11:30", seq=11)], received_at=EVENING)
    tick(ledger, now=EVENING + timedelta(minutes=1))

    with ledger.read() as db:
        query = sa.select(HourRecordRow.kind, HourRecordRow.credit).join(
            FeedRow, FeedRow.hour_record_id == HourRecordRow.id
        )
        read = db.execute(query.where(FeedRow.seq > 2).order_by(FeedRow.seq)).all()

    assert read == [("reversal", Decimal("4.0")), ("credit", Decimal("3.0"))]


def test_a_record_that_an_older_program_has_numbered_is_not_numbered_twice(ledger: Ledger) -> None:
    with ledger.begin() as db:
        ingest(db, [seen("zoe", "09:00", seq=20)], received_at=NINE)
        rows = db.execute(sa.select(HourRecordRow.__table__)).mappings().all()
        copy = dict(rows[0]) | {"id": seen("zoe").record.id, "settles": seen("zoe").record.id}
        db.execute(sa.insert(HourRecordRow), [copy])
        db.add(FeedRow(seq=3, hour_record_id=copy["id"]))

    with ledger.begin() as db:
        feed.number(db)

        assert db.scalars(sa.select(FeedRow.seq).order_by(FeedRow.seq)).all() == [1, 2, 3]
