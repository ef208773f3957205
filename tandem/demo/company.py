"""The sample company: one region, two rooms, two courses, and the people of one day."""

import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from nacl.signing import SigningKey
from sqlalchemy.orm import Session as Db

from ledger import pairs
from ledger.pairs import PartPlan, PartRole
from ledger.tables import (
    ConsentRow,
    CourseRow,
    PersonRow,
    RegionRow,
    RoomRow,
    RosterRow,
    SessionRow,
)
from protocol import badge
from protocol.badge import Badge
from protocol.wire import new_id
from tandem.up import Machine

ZONE = ZoneInfo("Asia/Shanghai")
ROOM, OTHER_ROOM = "room-a", "room-b"
MORNING, AFTERNOON = "order-101", "safety-7"
CONSENT = "consent-bo"

PEOPLE = {
    "ann": ("李安 Ann Li", "clerk"),
    "bo": ("王博 Bo Wang", "reserve_manager"),
    "chen": ("陈晨 Chen Chen", "clerk"),
    "dana": ("戴娜 Dana Dai", "reserve_manager"),
    "eli": ("易力 Eli Yi", "clerk"),
    "fang": ("方芳 Fang Fang", "clerk"),
    "gina": ("葛娜 Gina Ge", "clerk"),
    "hugo": ("胡谷 Hugo Hu", "reserve_manager"),
    "ines": ("尹思 Ines Yin", "clerk"),
    "jun": ("金军 Jun Jin", "reserve_manager"),
    "kai": ("康凯 Kai Kang", "clerk"),
    "lin": ("林琳 Lin Lin", "reserve_manager"),
    "tao": ("陶然 Tao Ran", "trainer"),
}
ON_MORNING = ("ann", "bo", "chen", "dana", "eli", "fang", "hugo", "ines", "jun", "kai", "lin")
ON_AFTERNOON = ("chen", "dana")
PINS = {"ann": "730142", "bo": "918205", "gina": "402917", "kai": "581630", "lin": "264907"}
TRAINER = "trainer"
"""The login of the trainer, Tao."""
PROGRAM, PAIR, TASK = "pairs", "ann-bo", "task-1"


PARTS: tuple[tuple[PartRole, int, str, str], ...] = (
    ("clerk", 2, "11:00", "order_log"),
    ("reserve_manager", 3, "11:30", "optimisation_plan"),
    ("joint", 1, "15:00", "joint_report"),
)
"""Of the joint task: role, hours, due, evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """What the player needs of the company: the date, the people's ids, and what their badges say."""

    day: date
    ids: dict[str, str]
    badges: dict[str, str]
    """Name -> the text of a QR code; `eli, old` is revoked, `stranger` is another company's."""
    password: str
    """The trainer's."""

    def at(self, clock: str) -> datetime:
        """Say a moment of the day by the clock on the wall: `at("08:50")`."""
        return datetime.combine(self.day, time.fromisoformat(clock), ZONE).astimezone(UTC)


def found(machine: Machine, day: date) -> Company:
    """Enter the company, and issue its badges through the same acts as an operator."""
    password = secrets.token_urlsafe(12)
    company = Company(day=day, ids={who: new_id() for who in PEOPLE}, badges={}, password=password)
    with machine.ledger.begin() as db:
        _enter_places(db)
        _enter_people(db, company)
        _enter_sessions(db, company)
        _enter_task(db, company)
    machine.acts["account create"](login=TRAINER, password=password, role="trainer")
    for who, pin in PINS.items():
        machine.acts["person set-pin"](person=company.ids[who], pin=pin)
    for who in PEOPLE:
        company.badges[who] = _issue(machine, company, who)["text"]
    old = _issue(machine, company, "eli")
    machine.acts["badge revoke"](badge=old["badge"])
    company.badges["eli, old"] = old["text"]
    company.badges["stranger"] = _foreign_badge(company)
    return company


def _enter_places(db: Db) -> None:
    db.add(RegionRow(id="east", name="华东 East", zone=ZONE.key, rule="cn-45"))
    db.add(CourseRow(id="orders", title="Order handling in pairs", title_zh="结对订单处理", rule=None))
    db.add(CourseRow(id="safety", title="Warehouse safety", title_zh="仓库安全", rule="hour-60"))
    db.flush()
    db.add(RoomRow(id=ROOM, region_id="east", name="A 201"))
    db.add(RoomRow(id=OTHER_ROOM, region_id="east", name="B 105"))


def _enter_people(db: Db, company: Company) -> None:
    for number, (who, (name, role)) in enumerate(PEOPLE.items(), 1001):
        row = PersonRow(id=company.ids[who], region_id="east", number=str(number), name=name, role=role, language="zh")
        db.add(row)
    db.flush()
    given_at = company.at("08:00") - timedelta(days=30)
    db.add(ConsentRow(id=CONSENT, person_id=company.ids["bo"], purpose="face", version="2026-01", given_at=given_at))


def _enter_sessions(db: Db, company: Company) -> None:
    pause = [company.at("10:30").isoformat(), company.at("10:45").isoformat()]
    morning = _session(company, MORNING, "orders", "09:00", "12:00", breaks=[pause])
    afternoon = _session(company, AFTERNOON, "safety", "13:30", "15:30", breaks=[])
    db.add_all([morning, afternoon])
    db.flush()
    for session, learners in ((MORNING, ON_MORNING), (AFTERNOON, ON_AFTERNOON)):
        db.add_all(RosterRow(session_id=session, person_id=company.ids[who]) for who in learners)


def _enter_task(db: Db, company: Company) -> None:
    """Pair Ann and Bo, and give them the classic joint task: order entry, optimisation, joint report."""
    pairs.add_program(db, PROGRAM, region_id="east", title="Paired training", title_zh="结对培训", rule="cn-45")
    pairs.add_pair(db, PAIR, program_id=PROGRAM, clerk_id=company.ids["ann"], manager_id=company.ids["bo"])
    begin, parts = company.at("10:30"), []
    for role, hours, due, evidence in PARTS:
        start_by = None if role == "joint" else begin
        plan = PartPlan(role=role, hours=Decimal(hours), due=company.at(due), evidence=[evidence], start_by=start_by)
        parts.append(plan)
    pairs.add_task(
        db, TASK, pair_id=PAIR, title="Orders of November", title_zh="十一月订单", parts=parts, now=company.at("08:00")
    )


def _session(company: Company, id: str, course: str, starts: str, ends: str, *, breaks: list[Any]) -> SessionRow:
    return SessionRow(
        id=id,
        course_id=course,
        region_id="east",
        room_id=ROOM,
        trainer_id=company.ids["tao"],
        starts_at=company.at(starts),
        ends_at=company.at(ends),
        zone=ZONE.key,
        local_date=company.day,
        breaks=breaks,
        methods=["static_badge", "face", "badge+face", "staff", "session_code"],
    )


def _issue(machine: Machine, company: Company, who: str) -> dict[str, Any]:
    issued: dict[str, Any] = machine.acts["badge issue"](person=company.ids[who])
    return issued


def _foreign_badge(company: Company) -> str:
    """Write a good badge of another company: the form is right, the signature is not ours."""
    foreign = Badge(id=UUID(int=7), key_id=1, issued_at=company.at("08:00"))
    return badge.issue(foreign, SigningKey(b"another company's key, 32 bytes!"))
