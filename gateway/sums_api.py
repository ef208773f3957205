"""What HR can check its own hours against: totals of a month, and sums over every day."""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field, PlainSerializer
from sqlalchemy.orm import Session as Db

from gateway.api import said
from gateway.api_keys import Scope
from gateway.clock import Clock
from gateway.fields import Month
from gateway.period import PeriodQuery
from gateway.reach import client
from gateway.things import ListQuery, NextAfter, blueprint, cut
from ledger import chain, feed
from ledger.database import Ledger
from ledger.effective import Asked
from ledger.people import numbers
from ledger.sums import Sum, normal, sums
from ledger.totals import Amounts, Total, people, totals

MOST_DAYS = 31

HOURS = Tag(name="hours")

Number = Annotated[Decimal, PlainSerializer(normal, return_type=str)]
"""A decimal in its shortest form, as in the lines that are hashed."""


class FeedHead(BaseModel):
    """The feed as far as it is counted here."""

    epoch: UUID = Field(description="The life of the ledger; another one after a restore from a backup.")
    last: int = Field(description="The number of its last record; 0: there is none yet.")
    hash: str = Field(description="Over all its records up to this one, each with the hash of the one before.")


class AuditHead(BaseModel):
    """The last link of the audit's chain."""

    seq: int
    hash: str


class DaySum(BaseModel):
    """What the effective records of a day and region come to."""

    day: date
    region: str
    count: int
    minutes: int
    credit: dict[str, Number] = Field(description="For each unit.", examples=[{"学时": "7"}])
    sha256: str = Field(description="Over the records' lines in the order of their ids; docs/hr-api.md has a script.")


class DaySums(BaseModel):
    """The sums of some days, and what is to be kept with them."""

    sums: list[DaySum] = Field(description="A day and region without effective records is left out.")
    feed: FeedHead
    audit: AuditHead | None = Field(description="null: nobody has done anything yet that is audited.")


class MonthQuery(ListQuery):
    """Which month, and which page of it."""

    month: Month


class MonthAmounts(BaseModel):
    """What records come to, reversals subtracted; a difference may be negative."""

    credited: Number = Field(description="Without bonus.")
    bonus: Number
    minutes: int


class MonthTotal(BaseModel):
    """One person's month in one unit."""

    person: str
    personnel_number: str | None = Field(description="null once the person has been erased.")
    unit: str
    records: int = Field(description="How many effective records have their date in this month.")
    credited: Number = Field(description="What they credit, without bonus: these are the training hours.")
    bonus: Number
    minutes: int
    booked_later: MonthAmounts = Field(
        description="The part of it that is booked in a later month, because this one had been closed."
    )
    from_closed_months: MonthAmounts = Field(
        description="What is booked in this month for days of earlier months, which had been closed."
    )
    booked: MonthAmounts = Field(
        description="What is booked in this month: its own days, less `booked_later`, and `from_closed_months`."
    )


class MonthTotals(BaseModel):
    """Some people's totals, in order of their ids; all units of a person are on one page."""

    month: str
    totals: list[MonthTotal]
    feed: FeedHead
    next_after: NextAfter


SCOPES: dict[str, Scope] = {
    "sums_api.month_totals": "hours:read",
    "sums_api.day_sums": "hours:read",
}


def sums_api(ledger: Ledger, clock: Clock) -> APIBlueprint:
    """Build the routes of totals and sums."""
    api = blueprint("sums_api", HOURS, ledger, clock, SCOPES)

    @api.get("/totals", responses={200: MonthTotals}, summary="Total a month")
    def month_totals(query: MonthQuery) -> Response:
        """Give what a month comes to for each person and unit; `limit` counts people."""
        regions = client().regions
        with ledger.read() as db:
            head = _feed(db)
            found = people(db, query.month, regions=regions, after=query.after, limit=query.limit + 1)
            page, next_after = cut(found, query.limit, str)
            rows = totals(db, query.month, page, regions=regions, upto=head.last)
            known = numbers(db, page)
        told = [_total(row, known.get(row.person_id)) for row in rows]
        return said(MonthTotals(month=query.month, totals=told, feed=head, next_after=next_after))

    @api.get("/sums", responses={200: DaySums}, summary="Sum up days")
    def day_sums(query: PeriodQuery) -> Response:
        """Give, for each day and region, count, minutes, credit and a hash over the effective records."""
        first, last = query.days(most=MOST_DAYS)
        with ledger.read() as db:
            head, audit = _feed(db), chain.head(db)
            found = sums(db, Asked(first=first, last=last, regions=client().regions, upto=head.last))
        link = AuditHead(seq=audit[0], hash=audit[1]) if audit else None
        return said(DaySums(sums=[_sum(sum) for sum in found], feed=head, audit=link))

    return api


def _feed(db: Db) -> FeedHead:
    last, hash = feed.head(db)
    return FeedHead(epoch=feed.epoch(db), last=last, hash=hash)


def _sum(sum: Sum) -> DaySum:
    return DaySum(
        day=sum.day,
        region=sum.region_id,
        count=sum.count,
        minutes=sum.minutes,
        credit=sum.credit,
        sha256=sum.sha256,
    )


def _total(total: Total, number: str | None) -> MonthTotal:
    return MonthTotal(
        person=total.person_id,
        personnel_number=number,
        unit=total.unit,
        records=total.records,
        credited=total.own.credited,
        bonus=total.own.bonus,
        minutes=total.own.minutes,
        booked_later=_amounts(total.booked_later),
        from_closed_months=_amounts(total.from_closed_months),
        booked=_amounts(total.booked),
    )


def _amounts(amounts: Amounts) -> MonthAmounts:
    return MonthAmounts(credited=amounts.credited, bonus=amounts.bonus, minutes=amounts.minutes)
