"""Measures the feed: whether a reader at its end waits longer than one at its beginning."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any
from uuid import UUID

from attendance.credit import PRESETS
from attendance.session import Session, Span
from attendance.settlement import settle_day
from attendance.visit import Fact
from bench.company import analyse
from bench.machine import spending
from bench.measured import RUNS, Measured, Target, ratio, timed
from bench.pour import Row, pour
from bench.stage import Stage, Store
from gateway import cursor
from ledger import feed
from ledger.tables import HourRecordRow, PersonRow, RegionRow
from tests.gateway.cast import Gateway

FULL, PAGE = 1_000_000, 1000
NINE = datetime(2026, 1, 5, 1, tzinfo=UTC)
REGIONS, RARE = 10, "rare"
ONE_IN = 1000
"""Of so many records, one is the rare region's."""
TARGET = Target("at most", 1.2)


def measure(stage: Stage, engine: str) -> Iterator[Measured]:
    """Number everything, then read at both ends."""
    n = stage.sized(FULL, least=10 * PAGE)
    with stage.store(engine) as store:
        _enter(stage, store, n)
        yield _numbered(stage, store, n)
        analyse(store)
        yield _nothing_new(store, n)
        yield from _pages(store, n)
        yield _over_http(store, n)


def _numbered(stage: Stage, store: Store, n: int) -> Measured:
    def number_all(moved: Callable[[int], None]) -> None:
        while True:
            with store.ledger.begin() as db:
                numbered = feed.number(db)
            if not numbered:
                return
            moved(numbered)

    with stage.bar(f"{store.engine}: numbering", n) as moved, spending(store.server) as spent:
        seconds = timed(lambda: number_all(moved))
    name = f"feed: number all records ({store.engine})"
    return Measured(name=name, n=n, value=n / seconds, unit="records/s", cpu_seconds=spent)


def _nothing_new(store: Store, n: int) -> Measured:
    def number() -> None:
        with store.ledger.begin() as db:
            feed.number(db)

    values = [1000 * timed(number) for _ in range(RUNS)]
    name = f"feed: number when nothing is new ({store.engine})"
    return Measured(name=name, n=n, value=median(values), unit="ms", values=tuple(values))


def _pages(store: Store, n: int) -> Iterator[Measured]:
    """Read the last page against the first: of everything, of one region in ten, of a region with few records."""
    name = f"feed: last page against the first ({store.engine})"
    value, values = ratio(_reader(store, 0), _reader(store, n - PAGE), turn=10)
    yield Measured(
        name=name, n=n, value=value, unit="x", values=values, target=TARGET,
        note=f"the first page takes {1000 * timed(_reader(store, 0)):.1f} ms; page {n // PAGE:,} is the last",
    )  # fmt: skip
    own = n // REGIONS
    value, values = ratio(_reader(store, 0, "r1"), _reader(store, n - PAGE * REGIONS - REGIONS, "r1"), turn=5)
    name = f"feed: last page against the first, a reader of one region in {REGIONS} ({store.engine})"
    yield Measured(
        name=name, n=own, value=value, unit="x", values=values, target=TARGET,
        note=f"the first page takes {1000 * timed(_reader(store, 0, 'r1')):.1f} ms",
    )  # fmt: skip
    times = [1000 * timed(_reader(store, 0, RARE)) for _ in range(RUNS)]
    name = f"feed: the first page for a region with one record in {ONE_IN:,} ({store.engine})"
    yield Measured(name=name, n=n, value=median(times), unit="ms", values=tuple(times))


def _reader(store: Store, after: int, region: str | None = None) -> Callable[[], None]:
    def read() -> None:
        with store.ledger.read() as db:
            feed.page(db, after=after, limit=PAGE, regions=[region] if region else None)

    return read


def _over_http(store: Store, n: int) -> Measured:
    """Read through the gateway's route, without a network in between."""
    gateway = Gateway(store.ledger)
    key = gateway.key()
    client = key["Authorization"].split("_")[1]
    with store.ledger.read() as db:
        epoch = feed.epoch(db)

    def reader(after: int) -> Callable[[], None]:
        told = cursor.write(after, client=client, epoch=epoch, key=gateway.keys.cursor)

        def read() -> None:
            answer: Any = gateway.get(f"/api/v1/hour-records?limit={PAGE}&cursor={told}", key)
            if len(answer.json["records"]) != PAGE:
                raise AssertionError(f"a page of {PAGE} was asked for: {answer.status}")

        return read

    value, values = ratio(reader(0), reader(n - PAGE), turn=3)
    name = f"feed: last page against the first, through the HTTP route ({store.engine})"
    note = f"the first page takes {1000 * timed(reader(0)):.0f} ms"
    return Measured(name=name, n=n, value=value, unit="x", values=values, target=TARGET, note=note)


def _enter(stage: Stage, store: Store, n: int) -> None:
    with store.ledger.begin() as db, stage.bar(f"{store.engine}: hour records", n) as moved:
        db.add_all(
            RegionRow(id=id, name=id, zone="Asia/Shanghai", rule="cn-45")
            for id in (RARE, *(f"r{number}" for number in range(REGIONS)))
        )
        db.flush()
        pour(db, PersonRow, (_person(number) for number in range(4000)), lambda _: None)
        pour(db, HourRecordRow, _records(n), moved)
    analyse(store)


def _person(number: int) -> Row:
    id = f"l{number:05}"
    return {"id": id, "region_id": "r0", "number": id, "name": "", "role": "clerk", "language": "zh"}


def _records(n: int) -> Iterator[Row]:
    """Make records with the explanation that a morning has; ids as random as derived ones."""
    chance, explanation = random.Random(1), _explanation()
    for number in range(n):
        day = date(2026, 1, 5) + timedelta(days=number // 4000)
        region = RARE if number % ONE_IN == ONE_IN // 2 else f"r{number % REGIONS}"
        yield {
            "id": UUID(int=chance.getrandbits(128)), "settles": UUID(int=chance.getrandbits(128)), "version": 1,
            "kind": "credit", "reverses": None, "person_id": f"l{number % 4000:05}", "region_id": region,
            "source_id": f"s{number // 20}", "effective_date": day, "booked_in": None, "minutes": 165,
            "credit": Decimal("3.5"), "unit": "学时", "rule": "cn-45@1", "explanation": explanation,
            "course": COURSE, "entered_at": NINE + timedelta(seconds=number),
        }  # fmt: skip


COURSE = {
    "id": "orders", "title": "Order handling", "title_zh": "订单处理", "starts_at": "2026-01-05T01:00:00+00:00",
    "ends_at": "2026-01-05T04:00:00+00:00", "zone": "Asia/Shanghai", "place": "Room 1", "trainer_id": "tao",
}  # fmt: skip


def _explanation() -> dict[str, Any]:
    pause = Span(NINE + timedelta(minutes=90), NINE + timedelta(minutes=105))
    session = Session(
        id="s1", course_id="orders", room_id="room-1", starts_at=NINE, ends_at=NINE + timedelta(hours=3),
        zone="Asia/Shanghai", breaks=(pause,), roster=frozenset(),
    )  # fmt: skip
    came, left = (
        Fact(check_in_id=str(UUID(int=number)), session_id="s1", direction=direction, at=NINE + timedelta(hours=hours))  # type: ignore[arg-type]
        for number, (direction, hours) in enumerate((("in", 0), ("out", 3)), 1)
    )
    [record] = settle_day("ann", [session], facts=[came, left], rules={"s1": PRESETS["cn-45"]}).records
    return record.explanation.to_json()
