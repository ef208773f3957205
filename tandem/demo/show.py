"""Puts the sample company on a stage: gateway, broker, kiosk and HR system, all real, on one machine."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gateway import settings, watch
from kiosk.outbox import Outbox
from ledger.check_ins import sessions_by_id
from ledger.tables import CheckInRow
from tandem.demo import player, reckoning
from tandem.demo.clock import DayClock
from tandem.demo.company import AFTERNOON, MORNING, ZONE, Company, found
from tandem.demo.day import SETTLED
from tandem.demo.door import Door, MakeOutbox
from tandem.demo.player import Played, Watcher
from tandem.demo.reckoning import Pulled
from tandem.up import Machine

RULES = {MORNING: "cn-45", AFTERNOON: "hour-60"}
TRAINER = "trainer"

Pull = Callable[[str, str], Pulled]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that runs, for as long as the show is open."""

    machine: Machine
    door: Door
    company: Company
    clock: DayClock
    key: str
    """The HR system's API key."""


@contextmanager
def open_show(
    folder: Path, *, broker: str = "embedded", port: int = 0, screen_port: int = 0, make_outbox: MakeOutbox = Outbox
) -> Iterator[Stage]:
    """Start everything, with the kiosk registered and ready."""
    company = Company(day=_today(), ids={}, badges={})
    clock = DayClock(company.at("08:40"))
    read = settings.read(data=folder / "gateway", port=port, zone=ZONE.key)
    machine = Machine(read, clock.now, broker=broker, every=0.2)
    machine.start()
    try:
        company = found(machine, company.day)
        door = Door(machine, clock, folder / "kiosk", screen_port=screen_port, make_outbox=make_outbox)
        door.install(machine, company)
        try:
            door.power_up()
            player.until_ready(door)
            yield Stage(machine=machine, door=door, company=company, clock=clock, key=_hr_key(machine))
        finally:
            door.close()
    finally:
        machine.stop()


def play(stage: Stage, *, pace: float, watcher: Watcher) -> Played:
    """Play the day to its end, until everything is settled and numbered."""
    played = player.play(stage.door, stage.company, stage.clock, pace=pace, watcher=watcher)
    player.until_sent(stage.door)
    stage.clock.jump(stage.company.at(SETTLED))
    watch.tick(stage.machine.ledger, now=stage.clock.now())
    return played


def reckon(stage: Stage, played: Played, pulled: Pulled) -> dict[str, Any]:
    """Count what happened and compare it with what HR has."""
    with stage.machine.ledger.read() as db:
        check_ins = db.scalars(sa.select(CheckInRow)).all()
        sessions = sessions_by_id(db, {MORNING, AFTERNOON})
    verdicts = Counter(row.verdict for row in check_ins)
    return {
        "check_ins": verdicts.pop("admitted", 0),
        "refused": dict(sorted(verdicts.items())),
        "duplicates": sum(_repeats(entry) for entry in pulled.effective),
        "to_review": len(pulled.reviews),
        "offline_recovered": sum("offline" in row.flags for row in check_ins),
        "hour_records": len(pulled.effective),
        "pulled": len(pulled.records),
        "lost": len(reckoning.lost(played, pulled)),
        "different": reckoning.different(played, pulled, sessions.values(), RULES),
        "unexpected": played.unexpected,
    }


def once(
    folder: Path, *, broker: str = "embedded", make_outbox: MakeOutbox = Outbox, pull: Pull = reckoning.pull
) -> dict[str, Any]:
    """Play the day as fast as it goes and return its reckoning."""
    began = time.monotonic()
    with open_show(folder, broker=broker, make_outbox=make_outbox) as stage:
        played = play(stage, pace=0, watcher=lambda *_: None)
        result = reckon(stage, played, pull(stage.machine.url, stage.key))
    return {**result, "seconds": round(time.monotonic() - began, 1)}


def is_good(result: dict[str, Any]) -> bool:
    """Say whether nothing was lost, changed, or went otherwise than the script says."""
    return not (result["lost"] or result["different"] or result["unexpected"])


def _repeats(entry: dict[str, Any]) -> int:
    steps = entry["explanation"]["steps"]
    return sum(int(step["facts"]) - int(step["kept"]) for step in steps if step["step"] == "dedupe")


def _hr_key(machine: Machine) -> str:
    created = machine.acts["key create"](name="HR system", scopes=["hours:read", "reviews:read"])
    return str(created["key"])


def _today() -> date:
    return datetime.now(UTC).astimezone(ZONE).date()
