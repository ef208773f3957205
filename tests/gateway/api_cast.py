"""The small company after a busy day, and an HR system that asks about it."""

import sqlite3
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import Session as Db
from werkzeug.test import TestResponse

from gateway import badges
from gateway.api_keys import SCOPES
from gateway.problem import TYPE
from ledger import pairs
from ledger.account_tables import AuditRow
from ledger.database import Ledger
from ledger.tables import PersonRow, ScoreRow, SessionRow
from tests.gateway.cast import NINE, TWELVE, Gateway, attend, company, consent, evening
from tests.gateway.pair_cast import handed_in, with_pairs

EVENING = TWELVE + timedelta(hours=2)
NIGHT = {"name": "night-45", "version": 1, "unit": "学时", "unit_minutes": 45, "step": "0.5"}


def busy(gateway: Gateway) -> Gateway:
    """Let Ann and Bo attend and hand in, Tao train them, and learning systems report."""
    with gateway.ledger.begin() as db:
        db.add(PersonRow(id="tao", region_id="east", number="3001", name="Tao Chen", role="trainer", language="zh"))
        db.flush()
        db.get_one(SessionRow, "order-101").trainer_id = "tao"
        db.get_one(PersonRow, "ann").phone = "+8613800138000"
        attend(db, "ann")
        attend(db, "bo")
        consent(db, "ann")
        badges.issue(db, "ann", gateway.keys, actor="test", now=NINE)
        _report(db)
        evening(db)
    handed_in(gateway)
    gateway.clock.now = EVENING
    return gateway


def _report(db: Db) -> None:
    for person, points in (("ann", "72.5"), ("bo", "90"), ("dora", "40")):
        told: dict[str, Any] = {"course_id": "order-entry", "kind": "test", "at": NINE}
        db.add(ScoreRow(person_id=person, **told, points=Decimal(points)))
        program = "west" if person == "dora" else "sales"
        pairs.report_progress(db, person, program, Decimal(points), at=NINE, now=NINE)


@dataclass
class Hr:
    """An HR system with a key."""

    gateway: Gateway
    scopes: list[str] = field(default_factory=lambda: list(SCOPES))
    regions: list[str] | None = None
    key: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = self.key or self.gateway.key(scopes=self.scopes, regions=self.regions)
        self.browser: FlaskClient = self.gateway.browser()

    @property
    def id(self) -> str:
        """Return the id of the key."""
        return self.key["Authorization"].split("_")[1]

    def get(self, path: str, **query: Any) -> TestResponse:
        """Read something under /api/v1."""
        return self.browser.get(f"/api/v1/{path}", headers=self.key, query_string=query)

    def put(self, path: str, **body: Any) -> TestResponse:
        """Enter or change something."""
        return self.browser.put(f"/api/v1/{path}", headers=self.key, json=body)

    def post(self, path: str, **body: Any) -> TestResponse:
        """Ask for something to be done."""
        return self.browser.post(f"/api/v1/{path}", headers=self.key, json=body)

    def patch(self, path: str, **body: Any) -> TestResponse:
        """Change a part of something."""
        return self.browser.patch(f"/api/v1/{path}", headers=self.key, json=body)

    def delete(self, path: str) -> TestResponse:
        """Take something out."""
        return self.browser.delete(f"/api/v1/{path}", headers=self.key)

    def everything(self, path: str, name: str, *, limit: int, **query: Any) -> list[Any]:
        """Read a list page by page."""
        page = self.get(path, limit=limit, **query).get_json()
        things: list[Any] = page[name]
        while page["next_after"] is not None:
            assert len(page[name]) == limit
            page = self.get(path, limit=limit, after=page["next_after"], **query).get_json()
            things += page[name]
        return things


def after_a_busy_day(url: str, data: Path) -> Hr:
    """Give an HR system a key for everything, in an empty database after a busy day."""
    ledger = Ledger(url)
    with ledger.begin() as db:
        company(db)
    return Hr(busy(with_pairs(Gateway(ledger), data)))


class BusyDay:
    """A busy day in memory to which one can go back: that is a hundred times faster than another one."""

    def __init__(self, hr: Hr) -> None:
        self.hr = hr
        found = hr.gateway.ledger.engine.raw_connection().driver_connection
        assert isinstance(found, sqlite3.Connection)
        self._now, self._then = found, sqlite3.connect(":memory:")
        self._now.backup(self._then)

    def again(self) -> Hr:
        """Undo whatever was done since."""
        self._then.backup(self._now)
        self.hr.gateway.clock.now = EVENING
        self.hr.browser = self.hr.gateway.browser()
        return self.hr

    def close(self) -> None:
        """Give the memory back."""
        self._then.close()
        self.hr.gateway.ledger.close()


def refused(answer: TestResponse) -> tuple[int, str]:
    """Return the status and the type of a problem document."""
    assert answer.content_type == "application/problem+json", answer.text
    told = answer.get_json()
    assert told["status"] == answer.status_code
    return answer.status_code, str(told["type"]).removeprefix(TYPE)


def acts(gateway: Gateway) -> list[tuple[str, str, str]]:
    """Return what the audit has noted, besides the making of keys: actor, act, thing."""
    with gateway.ledger.read() as db:
        rows = db.query(AuditRow).order_by(AuditRow.id).all()
    return [(row.actor, row.act, row.thing) for row in rows if not row.act.startswith("key ")]
