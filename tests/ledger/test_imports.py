"""What was staged lands as a whole or not at all, also when the power goes; and names do not stay where they waited."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ledger import imports
from ledger.account_tables import AuditRow
from ledger.database import Ledger
from ledger.import_tables import STAGED, ImportRow
from ledger.imports import KEPT, StagedRow
from ledger.refusals import TooLate, Unknown
from ledger.tables import PersonRow, RegionRow

NOW = datetime(2026, 11, 20, 1, tzinfo=UTC)
COUNT = 30
ROOT = Path(__file__).parent.parent.parent
LANDING = """
import os, signal, sys
from datetime import UTC, datetime
import sqlalchemy as sa
from ledger import imports
from ledger.database import Ledger

url, id, last = sys.argv[1], sys.argv[2], int(sys.argv[3])
ledger = Ledger(url)
left = [last]

@sa.event.listens_for(ledger.engine, "after_cursor_execute")
def count(*_):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)

now = datetime(2026, 11, 20, 1, tzinfo=UTC)
# SABOTAGE
with ledger.begin() as db:
    imports.land(db, id, actor="test", now=now)
print("landed", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


IN_TWO = """
with ledger.begin() as db:
    imports.land_rows(db, "people", id, ["name"], actor="test", now=now, regions=None)
os.kill(os.getpid(), signal.SIGKILL)
"""
"""What must not be: the rows in one transaction, and that they have landed in another one."""


def with_region(url: str) -> Ledger:
    ledger = Ledger(url)
    with ledger.begin() as db:
        db.add(RegionRow(id="east", name="East", zone="Asia/Shanghai", rule="cn-45"))
    return ledger


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """Open a ledger with a region in it, on each of the two engines."""
    ledger = with_region(database)
    yield ledger
    ledger.close()


def person(number: int, name: str = "New", region: str = "east") -> StagedRow:
    values: dict[str, Any] = {
        "id": imports.new_id(), "region_id": region, "number": str(number), "name": name, "role": "clerk",
        "language": "en", "phone": None, "pin_hash": None,
    }  # fmt: skip
    return StagedRow(PersonRow, number, values)


def ready(ledger: Ledger, *rows: StagedRow, now: datetime = NOW) -> str:
    """Stage people, by default thirty of them, and say that all of them have been read."""
    with ledger.begin() as db:
        id = imports.begin(db, "people", size=1, made_by="test", now=now).id
        imports.stage(db, id, rows or [person(number) for number in range(COUNT)], place=0)
        imports.report(db, id, columns=["name", "region_id"], rows=len(rows) or COUNT)
        imports.finish(db, id, imports.foreseen(db, id), wrong=False, now=now)
    return id


def state(ledger: Ledger, id: str) -> str:
    with ledger.read() as db:
        return imports.get(db, id).state


def people(ledger: Ledger) -> int:
    with ledger.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(PersonRow)) or 0


def staged(ledger: Ledger) -> int:
    with ledger.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(STAGED[PersonRow])) or 0


def land(ledger: Ledger, id: str, now: datetime = NOW) -> ImportRow:
    with ledger.begin() as db:
        return imports.land(db, id, actor="account:ada", now=now)


def test_what_was_staged_lands_once(ledger: Ledger) -> None:
    id = ready(ledger)

    first, second = land(ledger, id), land(ledger, id)

    assert (first.added, first.changed, second.added, people(ledger)) == (COUNT, 0, COUNT, COUNT)
    with ledger.read() as db:
        acts = db.execute(sa.select(AuditRow.actor, AuditRow.act, AuditRow.details)).all()
    assert [tuple(act) for act in acts] == [("account:ada", "people imported", {"added": COUNT, "changed": 0})]


def test_the_same_once_more_changes_nothing(ledger: Ledger) -> None:
    land(ledger, ready(ledger))

    again = land(ledger, ready(ledger))

    assert (again.added, again.changed, people(ledger)) == (0, 0, COUNT)


def test_what_says_something_else_is_counted_as_changed(ledger: Ledger) -> None:
    land(ledger, ready(ledger))

    done = land(ledger, ready(ledger, person(1), person(2, "Changed"), person(99)))

    assert (done.added, done.changed, people(ledger)) == (1, 1, COUNT + 1)


def test_a_row_that_cannot_land_keeps_the_others_out(ledger: Ledger) -> None:
    id = ready(ledger, *(person(number) for number in range(COUNT)), person(COUNT, region="moon"))

    with pytest.raises(TooLate) as refused:
        land(ledger, id)

    assert refused.value.code == "changed_meanwhile"
    assert (people(ledger), state(ledger, id)) == (0, "ready")


def test_only_what_is_ready_lands(ledger: Ledger) -> None:
    with ledger.begin() as db:
        reading = imports.begin(db, "people", size=1, made_by="test", now=NOW).id
    dropped = ready(ledger)
    with ledger.begin() as db:
        imports.drop(db, dropped, actor="test", now=NOW)

    refused = []
    for id in (reading, dropped, "nothing"):
        with pytest.raises((TooLate, Unknown)) as error:
            land(ledger, id)
        refused.append(error.value.code)

    assert (refused, people(ledger)) == (["not_ready", "not_ready", "no_import"], 0)


def test_what_has_landed_cannot_be_dropped(ledger: Ledger) -> None:
    id = ready(ledger)
    land(ledger, id)

    with pytest.raises(TooLate), ledger.begin() as db:
        imports.drop(db, id, actor="test", now=NOW)

    assert (state(ledger, id), people(ledger)) == ("landed", COUNT)


def test_reading_stops_when_the_import_has_been_dropped(ledger: Ledger) -> None:
    with ledger.begin() as db:
        id = imports.begin(db, "people", size=1, made_by="test", now=NOW).id
        imports.drop(db, id, actor="test", now=NOW)

    with ledger.begin() as db:
        goes_on = imports.report(db, id, rows=5)

    assert goes_on is False
    assert state(ledger, id) == "dropped"


# What is forgotten


def forget(ledger: Ledger, now: datetime, limit: int = 7) -> int:
    """Forget as the watch does: in small transactions, until nothing is left."""
    turns = 0
    while True:
        with ledger.begin() as db:
            gone = imports.forget(db, now=now, limit=limit)
        assert gone <= limit
        if not gone:
            return turns
        turns += 1


def test_what_has_landed_is_forgotten_and_what_waits_is_not(ledger: Ledger) -> None:
    land(ledger, ready(ledger))
    waiting = ready(ledger, *(person(1000 + number) for number in range(5)))

    turns = forget(ledger, NOW)

    assert turns == 5
    assert (staged(ledger), state(ledger, waiting)) == (5, "ready")


@pytest.mark.parametrize("waited, left", [(KEPT - timedelta(seconds=1), COUNT), (KEPT, 0)])
def test_what_has_waited_for_a_day_is_forgotten(ledger: Ledger, waited: timedelta, left: int) -> None:
    id = ready(ledger)
    with ledger.begin() as db:
        reading = imports.begin(db, "people", size=1, made_by="test", now=NOW).id

    forget(ledger, NOW + waited)

    assert staged(ledger) == left
    assert {state(ledger, id), state(ledger, reading)} == ({"ready", "reading"} if left else {"dropped"})


def test_what_is_too_old_does_not_land_even_if_nobody_has_forgotten_it_yet(ledger: Ledger) -> None:
    id = ready(ledger)

    with pytest.raises(TooLate) as refused:
        land(ledger, id, now=NOW + KEPT)

    assert (refused.value.code, people(ledger)) == ("too_old", 0)


def test_errors_are_forgotten_after_a_day(ledger: Ledger) -> None:
    with ledger.begin() as db:
        id = imports.begin(db, "people", size=1, made_by="test", now=NOW).id
        told = [[1, "", "unknown_columns", {"columns": "Ann Li"}]]
        imports.report(db, id, state="wrong", wrong=1, errors=told, ended_at=NOW)
    forget(ledger, NOW + KEPT - timedelta(seconds=1))
    with ledger.read() as db:
        assert imports.get(db, id).errors == told

    forget(ledger, NOW + KEPT)

    with ledger.read() as db:
        row = imports.get(db, id)
    assert (row.state, row.wrong, row.errors) == ("wrong", 1, [])


# When the power goes


def killed_while_landing(url: str, id: str, last: int, sabotage: str = "") -> bool:
    """Let another process land an import and die after so many statements; says whether it had got to the end."""
    code = LANDING.replace("# SABOTAGE", sabotage)
    command = [sys.executable, "-c", code, url, id, str(last)]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert child.returncode == -signal.SIGKILL, child.stderr
    return "landed" in child.stdout


def test_who_is_killed_while_landing_has_landed_nothing_or_all(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    ledger = with_region(url)
    id = ready(ledger)
    ledger.close()

    outcomes = []
    for last in (2, 4, 1000):
        # Before anybody is in; when all of them are, but nothing says so yet; when everything is done.
        ended = killed_while_landing(url, id, last)
        ledger = Ledger(url)
        outcomes.append((ended, people(ledger), state(ledger, id)))
        ledger.close()

    assert outcomes == [(False, 0, "ready"), (False, 0, "ready"), (True, COUNT, "landed")]


def test_the_test_above_would_see_what_has_landed_by_half(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    ledger = with_region(url)
    id = ready(ledger)
    ledger.close()

    ended = killed_while_landing(url, id, 1000, sabotage=IN_TWO)

    ledger = Ledger(url)
    assert (ended, people(ledger), state(ledger, id)) == (False, COUNT, "ready")
    ledger.close()
