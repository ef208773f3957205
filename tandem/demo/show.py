"""Puts the sample company on a stage: gateway, broker, kiosk, phones, HR system, all real, on one machine."""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from gateway import settings, watch
from kiosk.outbox import Outbox
from ledger.check_ins import sessions_by_id
from ledger.delivery_tables import ArchivedRow
from ledger.pair_tables import LagRow
from ledger.tables import CheckInRow
from sync.settings import ArchiveSettings
from tandem.demo import player, reckoning
from tandem.demo.clock import DayClock
from tandem.demo.company import AFTERNOON, MORNING, ZONE, Company, found
from tandem.demo.day import SETTLED
from tandem.demo.door import Door, MakeOutbox
from tandem.demo.hr_system import HrSystem
from tandem.demo.player import Played, Player, Watcher
from tandem.demo.reckoning import Pulled, Record
from tandem.up import Machine

RULES = {MORNING: "cn-45", AFTERNOON: "hour-60"}
DELIVERED = 15
"""Seconds within which the archives have everything."""

Pull = Callable[[str, str], Pulled]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that runs, for as long as the show is open."""

    machine: Machine
    door: Door
    hr: HrSystem
    company: Company
    clock: DayClock
    key: str
    """The HR system's API key."""


@contextmanager
def open_show(
    folder: Path,
    *,
    broker: str = "embedded",
    port: int = 0,
    screen_port: int = 0,
    make_outbox: MakeOutbox = Outbox,
) -> Iterator[Stage]:
    """Start everything, with the kiosk registered and ready."""
    with ExitStack() as stack:
        clock = DayClock(
            datetime.combine(_today(), datetime.min.time(), ZONE).replace(hour=8, minute=40).astimezone(UTC)
        )
        hr = HrSystem(key=secrets.token_urlsafe(24), clock=clock.now)
        hr.start()
        stack.callback(hr.stop)
        read = settings.read(data=folder / "gateway", port=port, zone=ZONE.key)
        archive = ArchiveSettings(name="hr", url=hr.url, key=SecretStr(hr.key))
        machine = Machine(read, clock.now, broker=broker, every=0.2, archives=[archive], luck=lambda: 0.0)
        machine.start()
        stack.callback(machine.stop)
        company = found(machine, _today())
        door = Door(machine, clock, folder / "kiosk", screen_port=screen_port, make_outbox=make_outbox)
        stack.callback(door.close)
        door.install(machine, company)
        door.power_up()
        player.until_ready(door)
        yield Stage(machine=machine, door=door, hr=hr, company=company, clock=clock, key=_hr_key(machine))


def play(stage: Stage, *, pace: float, watcher: Watcher) -> Played:
    """Play the day to its end, until everything is settled, numbered and delivered."""
    hand = Player(stage.machine, stage.door, stage.company, stage.clock, pace=pace)
    played = hand.play(watcher)
    stage.clock.jump(stage.company.at(SETTLED))
    watch.tick(stage.machine.ledger, now=stage.clock.now())
    _until_delivered(stage)
    return played


def reckon(stage: Stage, played: Played, pulled: Pulled) -> dict[str, Any]:
    """Count what happened and compare it with what HR and the archives have."""
    with stage.machine.ledger.read() as db:
        check_ins = db.scalars(sa.select(CheckInRow)).all()
        sessions = sessions_by_id(db, {MORNING, AFTERNOON})
        lags = Counter(db.scalars(sa.select(LagRow.kind)))
    verdicts = Counter(row.verdict for row in check_ins)
    wrong = reckoning.different(played, pulled, stage.company, sessions.values(), RULES)
    return {
        "check_ins": verdicts.pop("admitted", 0),
        "refused": dict(sorted(verdicts.items())),
        "duplicates": sum(_repeats(entry) for entry in pulled.effective),
        "to_review": len(pulled.reviews),
        "offline_recovered": sum("offline" in row.flags for row in check_ins),
        "phone": sum(row.method == "session_code" for row in check_ins),
        "lags": dict(sorted(lags.items())),
        "hour_records": len(pulled.effective),
        "reversals": pulled.reversals,
        "pulled": len(pulled.records),
        "delivered": len(stage.hr.records),
        "lost": len(reckoning.lost(played, pulled)),
        "different": wrong + reckoning.unlike(pulled, _archives(stage)),
        "unexpected": played.unexpected,
    }


def once(
    folder: Path,
    *,
    broker: str = "embedded",
    make_outbox: MakeOutbox = Outbox,
    pull: Pull = reckoning.pull,
) -> dict[str, Any]:
    """Play the day as fast as it goes and return its reckoning."""
    began = time.monotonic()
    with open_show(folder, broker=broker, make_outbox=make_outbox) as stage:
        played = play(stage, pace=0, watcher=lambda *_: None)
        result = reckon(stage, played, pull(stage.machine.url, stage.key))
    return {**result, "seconds": round(time.monotonic() - began, 1)}


def is_good(result: dict[str, Any]) -> bool:
    """Say whether nothing was lost, changed, or went otherwise than the script says."""
    wrong = result["lost"] or result["different"] or result["unexpected"]
    return not wrong and result["pulled"] == result["delivered"]


def _archives(stage: Stage) -> Mapping[str, Mapping[str, Record]]:
    """Return what the archive in this database and the one over HTTP have, by record id."""
    with stage.machine.ledger.read() as db:
        local = {str(row.hour_record_id): row.record for row in db.scalars(sa.select(ArchivedRow))}
    return {"local": local, "hr": stage.hr.records}


def _until_delivered(stage: Stage) -> None:
    end = time.monotonic() + DELIVERED
    while (
        time.monotonic() < end and len({len(records) for records in _archives(stage).values()} | {_entered(stage)}) > 1
    ):
        time.sleep(0.05)


def _entered(stage: Stage) -> int:
    with stage.machine.ledger.read() as db:
        return db.scalar(sa.text("SELECT count(*) FROM hour_records")) or 0


def _repeats(entry: dict[str, Any]) -> int:
    steps = entry["explanation"]["steps"]
    return sum(int(step["facts"]) - int(step["kept"]) for step in steps if step["step"] == "dedupe")


def _hr_key(machine: Machine) -> str:
    created = machine.acts["key create"](name="HR system", scopes=["hours:read", "reviews:read"])
    return str(created["key"])


def _today() -> date:
    return datetime.now(UTC).astimezone(ZONE).date()
