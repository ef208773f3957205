"""Sums are over what counts, the same on every database, and as they were published."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from ledger import feed
from ledger.database import Ledger
from ledger.effective import ORDER, Asked, effective, more_than, part, place_of
from ledger.sums import FIELDS, Sum, line, normal, sums
from ledger.tables import HourRecordRow
from tests.hour_records import DAY, enter, number, record, reversal

FIRST_LINE = (
    "00000000-0000-0000-0000-000000000001\t00000000-0000-0000-0000-0000000003e9\t1\tcredit\tann\teast\torder-101\t"
    "2026-11-20\t\t165\t3.5\t学时\tcn-45@1\n"
)
"""As docs/hr-api.md shows it; when this changes, every sum that HR has kept is worthless."""


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    ledger = Ledger(database)
    yield ledger
    ledger.close()


def asked(db: Db, **fields: Any) -> Asked:
    told: dict[str, Any] = {"first": DAY, "last": DAY, "regions": None, "upto": feed.head(db)[0]}
    return Asked(**told | fields)


def summed(ledger: Ledger, **fields: Any) -> list[Sum]:
    with ledger.read() as db:
        return sums(db, asked(db, **fields))


def test_a_line_is_as_it_was_published(ledger: Ledger) -> None:
    enter(ledger, record(1, credit=Decimal("3.50")))

    [sum] = summed(ledger)

    assert sum.sha256 == hashlib.sha256(FIRST_LINE.encode()).hexdigest()


def test_a_sum_is_over_the_lines_in_the_order_of_ids(ledger: Ledger) -> None:
    enter(ledger, record(9), record(1), record(255))

    [sum] = summed(ledger)

    whole = "".join(FIRST_LINE.replace("0001\t", f"{n:04x}\t").replace("3e9", f"{1000 + n:x}") for n in (1, 9, 255))
    assert sum.sha256 == hashlib.sha256(whole.encode()).hexdigest()
    assert (sum.count, sum.minutes, sum.credit) == (3, 495, {"学时": Decimal("10.5")})


def test_a_day_and_region_has_a_sum_of_its_own_and_each_unit_too(ledger: Ledger) -> None:
    later = DAY + timedelta(days=1)
    enter(
        ledger, record(1), record(2, unit="hour", credit=Decimal("0.1")), record(3, unit="hour", credit=Decimal("0.2")),
        record(4, region_id="west"), record(5, effective_date=later), record(6, effective_date=DAY - timedelta(days=1)),
    )  # fmt: skip

    found = summed(ledger, last=later)

    assert [(sum.day, sum.region_id, sum.count) for sum in found] == [
        (DAY, "east", 3),
        (DAY, "west", 1),
        (later, "east", 1),
    ]
    assert found[0].credit == {"学时": Decimal("3.5"), "hour": Decimal("0.3")}


def test_neither_a_reversal_nor_what_it_takes_back_counts(ledger: Ledger) -> None:
    gone = record(1)
    enter(ledger, gone, record(2))
    [kept_alone] = summed(ledger)
    enter(ledger, reversal(3, gone))

    [sum] = summed(ledger)

    assert (kept_alone.count, sum.count, sum.minutes) == (2, 1, 165)


def test_what_is_not_in_the_feed_yet_does_not_count_yet(ledger: Ledger) -> None:
    first = record(1)
    enter(ledger, first)
    before = summed(ledger)
    enter(ledger, reversal(2, first), record(3), numbered=False)

    same = summed(ledger)

    assert [sum.sha256 for sum in same] == [sum.sha256 for sum in before]


def test_a_sum_as_of_an_earlier_number_stays_what_it_was(ledger: Ledger) -> None:
    first = record(1)
    enter(ledger, first)
    [before] = summed(ledger)
    enter(ledger, reversal(2, first), record(3, version=3, settles=first.settles))

    [same] = summed(ledger, upto=1)
    [now] = summed(ledger)

    assert same.sha256 == before.sha256
    assert now.sha256 != before.sha256


def test_only_the_regions_that_were_asked_for_are_summed(ledger: Ledger) -> None:
    enter(ledger, record(1), record(2, region_id="west"), record(3, region_id="north"))

    found = summed(ledger, regions=["north", "west"])

    assert [sum.region_id for sum in found] == ["north", "west"]


def test_parts_follow_each_other_without_gap_and_repetition(ledger: Ledger) -> None:
    rows = [
        record(
            40 - n, region_id="east" if n % 3 else "west", person_id=f"p{n % 4}", effective_date=DAY + timedelta(n % 2)
        )
        for n in range(20)
    ]
    enter(ledger, *rows)

    with ledger.read() as db:
        what = asked(db, last=DAY + timedelta(days=1))
        whole = part(db, what, *ORDER, after=None, limit=100)
        parts, after = list[Any](), None
        while found := part(db, what, *ORDER, after=after, limit=3):
            parts += found
            after = place_of(found[-1])

    assert parts == whole
    assert len({row.id for row in whole}) == 20


@pytest.mark.parametrize(("most", "more"), [(2, True), (3, False)])
def test_more_than_so_many_is_more(ledger: Ledger, most: int, more: bool) -> None:
    enter(ledger, record(1), record(2), record(3))

    with ledger.read() as db:
        assert more_than(db, asked(db), most) is more


def test_a_day_is_found_by_its_index_with_one_query() -> None:
    ledger = Ledger("sqlite://")
    enter(ledger, record(1), record(2))
    statements = list[str]()
    sa.event.listen(ledger.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))

    with ledger.read() as db:
        sums(db, asked(db))
        query = effective(asked(db, regions=["east"]), *FIELDS).compile(
            db.get_bind(), compile_kwargs={"literal_binds": True}
        )
        plan = [row[-1] for row in db.execute(sa.text(f"EXPLAIN QUERY PLAN {query}"))]

    ledger.close()
    assert (
        len(
            [
                statement
                for statement in statements
                if "hour_records.minutes" in statement and "EXPLAIN" not in statement
            ]
        )
        == 1
    )
    assert "USING INDEX ix_hour_records_effective_date_hour_records_region_id" in plan[0]
    assert not [step for step in plan if step.startswith("SCAN")]


@pytest.mark.parametrize(
    "value, written",
    [
        pytest.param("3.50", "3.5", id="zeros behind the point go"),
        pytest.param("3.0", "3", id="and then the point"),
        pytest.param("0.0", "0", id="nothing"),
        pytest.param("100", "100", id="zeros before it stay"),
        pytest.param("1E+2", "100", id="no exponent"),
        pytest.param("1E-7", "0.0000001", id="no exponent below either"),
        pytest.param("-0.25", "-0.25", id="a difference"),
    ],
)
def test_a_decimal_has_one_form(value: str, written: str) -> None:
    assert normal(Decimal(value)) == written


@pytest.mark.parametrize(
    "values, written",
    [
        pytest.param(("a\tb", "c"), r"a\tb" + "\tc\n", id="a TAB within a field is not one between fields"),
        pytest.param(("a\nb\r", "c"), r"a\nb\r" + "\tc\n", id="nor is a line feed the end"),
        pytest.param((r"a\tb", "c"), r"a\\tb" + "\tc\n", id="nor does a backslash hide one"),
        pytest.param(("", None), "\t\n", id="nothing is nothing"),
        pytest.param((number(10), DAY, 7), "00000000-0000-0000-0000-00000000000a\t2026-11-20\t7\n", id="values"),
    ],
)
def test_two_records_never_have_the_same_line(values: tuple[object, ...], written: str) -> None:
    assert line(values) == written.encode()


def test_a_line_says_everything_that_the_feed_says_but_words_and_times() -> None:
    said = {column.key for column in FIELDS}

    assert {column.key for column in HourRecordRow.__table__.columns} - said == {
        "reverses",
        "explanation",
        "course",
        "entered_at",
    }
