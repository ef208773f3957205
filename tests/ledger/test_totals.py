"""A month comes to what its records come to, and says what a closed month has moved."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from ledger import feed
from ledger.database import Ledger
from ledger.totals import Amounts, Total, days_of, people, totals
from tests.hour_records import DAY, enter, record, reversal

OCTOBER, NOVEMBER, DECEMBER = date(2026, 10, 9), DAY, date(2026, 12, 1)


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    ledger = Ledger(database)
    yield ledger
    ledger.close()


def of(ledger: Ledger, month: str, *who: str, regions: list[str] | None = None) -> list[Total]:
    with ledger.read() as db:
        return totals(db, month, who or ["ann"], regions=regions, upto=feed.head(db)[0])


def amounts(credited: str = "0", minutes: int = 0, bonus: str = "0") -> Amounts:
    return Amounts(credited=Decimal(credited), bonus=Decimal(bonus), minutes=minutes)


def test_a_month_adds_up_its_days_exactly(ledger: Ledger) -> None:
    tenth = {"credit": Decimal("0.1"), "minutes": 6}
    enter(ledger, *(record(n, **tenth) for n in range(1, 4)), record(4, effective_date=OCTOBER))

    [total] = of(ledger, "2026-11")

    assert (total.records, total.own, total.booked) == (3, amounts("0.3", 18), amounts("0.3", 18))
    assert (total.booked_later, total.from_closed_months) == (amounts(), amounts())


def test_a_bonus_is_told_apart_also_when_it_is_taken_back(ledger: Ledger) -> None:
    bonus = record(2, kind="bonus", credit=Decimal("2.0"), minutes=0)
    other = record(3, kind="bonus", credit=Decimal("0.5"), minutes=0)
    enter(ledger, record(1), bonus, other, reversal(4, bonus))

    [total] = of(ledger, "2026-11")

    assert (total.records, total.own) == (2, amounts("3.5", 165, bonus="0.5"))


def test_each_unit_is_a_total_of_its_own(ledger: Ledger) -> None:
    enter(ledger, record(1), record(2, unit="hour", credit=Decimal("2.75")))

    found = of(ledger, "2026-11")

    assert {total.unit: total.own.credited for total in found} == {"学时": Decimal("3.5"), "hour": Decimal("2.75")}


def test_what_was_corrected_after_the_close_is_booked_in_the_open_month(ledger: Ledger) -> None:
    wrong = record(1, effective_date=OCTOBER, credit=Decimal("3.0"), minutes=145)
    right = record(3, effective_date=OCTOBER, version=3, settles=wrong.settles, booked_in="2026-11")
    enter(ledger, wrong, reversal(2, wrong, booked_in="2026-11"), right, record(4))

    [october], [november] = of(ledger, "2026-10"), of(ledger, "2026-11")

    assert (october.records, october.own) == (1, amounts("3.5", 165))
    assert october.booked_later == amounts("0.5", 20)
    assert october.booked == amounts("3.0", 145)
    assert (november.records, november.own) == (1, amounts("3.5", 165))
    assert november.from_closed_months == amounts("0.5", 20)
    assert november.booked == amounts("4.0", 185)


def test_over_all_months_what_is_booked_is_what_counts(ledger: Ledger) -> None:
    lost = record(1, effective_date=OCTOBER)
    late = record(3, effective_date=OCTOBER, booked_in="2026-12", minutes=45, credit=Decimal(1))
    enter(ledger, lost, reversal(2, lost, booked_in="2026-11"), late, record(4), record(5, effective_date=DECEMBER))

    months = [total for month in ("2026-10", "2026-11", "2026-12") for total in of(ledger, month)]

    assert [total.booked.credited for total in months] == [Decimal("3.5"), Decimal(0), Decimal("4.5")]
    assert sum(total.booked.credited for total in months) == sum(total.own.credited for total in months)
    assert sum(total.booked.minutes for total in months) == sum(total.own.minutes for total in months)


def test_what_was_taken_back_altogether_is_told_as_nothing(ledger: Ledger) -> None:
    gone = record(1)
    enter(ledger, gone, reversal(2, gone))

    [total] = of(ledger, "2026-11")

    assert (total.records, total.own) == (0, amounts())


def test_what_is_not_in_the_feed_yet_or_of_another_region_does_not_count(ledger: Ledger) -> None:
    enter(ledger, record(1), record(2, region_id="west"))
    enter(ledger, record(3), numbered=False)

    [total] = of(ledger, "2026-11", regions=["east"])

    assert total.records == 1


def test_people_come_page_by_page(ledger: Ledger) -> None:
    enter(
        ledger,
        *(record(n, person_id=f"p{n % 5}") for n in range(1, 11)),
        record(20, person_id="q", effective_date=OCTOBER),
    )
    which: dict[str, Any] = {"regions": None, "limit": 2}

    with ledger.read() as db:
        pages, after = list[list[str]](), ""
        while page := people(db, "2026-11", after=after, **which):
            pages.append(list(page))
            after = page[-1]

    assert pages == [["p0", "p1"], ["p2", "p3"], ["p4"]]


def test_both_ways_into_a_month_have_an_index() -> None:
    ledger = Ledger("sqlite://")
    enter(ledger, record(1))
    statements = list[tuple[str, Any]]()
    sa.event.listen(ledger.engine, "before_cursor_execute", lambda *told: statements.append((told[2], told[3])))

    with ledger.read() as db:
        people(db, "2026-11", regions=None, after="", limit=10)
        query, parameters = statements[-1]
        plan = "\n".join(row[-1] for row in db.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", parameters))

    ledger.close()
    assert "MULTI-INDEX OR" in plan
    assert "ix_hour_records_effective_date_hour_records_region_id (effective_date>? AND effective_date<?)" in plan
    assert "ix_hour_records_booked_in (booked_in=?)" in plan


@pytest.mark.parametrize("month, last", [("2026-02", 28), ("2028-02", 29), ("2026-12", 31), ("2099-12", 31)])
def test_a_month_has_its_days(month: str, last: int) -> None:
    year, number = map(int, month.split("-"))

    assert days_of(month) == (date(year, number, 1), date(year, number, last))
