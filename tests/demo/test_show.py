"""The sample day is played with the real things, and its reckoning finds what is wrong."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kiosk.outbox import Outbox
from protocol.records import KioskRecord
from tandem import cli
from tandem.demo import show
from tandem.demo.hr_system import HrSystem
from tandem.demo.player import Played
from tandem.demo.reckoning import Pulled

pytestmark = [pytest.mark.enable_socket, pytest.mark.long, pytest.mark.timeout(240)]

GOOD = {
    "check_ins": 27,
    "refused": {"not_on_roster": 1, "revoked_badge": 1, "unknown_badge": 1},
    "duplicates": 1,
    "to_review": 1,
    "offline_recovered": 5,
    "phone": 4,
    "lags": {"not_started": 1, "overdue": 1, "ready": 1},
    "hour_records": 18,
    "reversals": 1,
    "pulled": 20,
    "delivered": 20,
    "lost": 0,
    "different": [],
    "unexpected": [],
}


class GreenBeforeCommit(Outbox):
    """The sabotaged twin: it answers first, and commits when the next record comes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held: Callable[[int], KioskRecord] | None = None
        self._number = super().standing().last_assigned

    def put(self, make: Callable[[int], KioskRecord]) -> KioskRecord:
        if self._held:
            super().put(self._held)
        self._held, self._number = make, self._number + 1
        return make(self._number)


class Forgetful(HrSystem):
    """An archive that has changed an hour of what another one was sent."""

    def __init__(self, other: HrSystem) -> None:
        super().__init__(key=other.key)
        first, *others = other.lines
        self.lines = [first | {"credit": "9.5"}, *others]


def altered(pulled: Pulled) -> Pulled:
    """Find one record with an hour more."""
    first, *others = pulled.records
    return replace(pulled, records=[first | {"credit": "9.5"}, *others])


@dataclass
class Day:
    """What the command said of a day, and how the same day is reckoned up when something has been altered."""

    command: Result
    delivered: dict[str, Any]
    pulled: dict[str, Any]
    missed: dict[str, Any]


@pytest.fixture(scope="module")
def day() -> Day:
    """Play a day by the command, which takes its time; while everything still stands, reckon it up four times."""
    reckon, wrong = show.reckon, dict[str, Any]()

    def reckon_again(stage: show.Stage, played: Played, honest: Pulled) -> dict[str, Any]:
        wrong["delivered"] = reckon(replace(stage, hr=Forgetful(stage.hr)), played, honest)
        wrong["pulled"] = reckon(stage, played, altered(honest))
        wrong["missed"] = reckon(stage, played, replace(honest, records=honest.records[1:]))
        return reckon(stage, played, honest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(show, "reckon", reckon_again)
        return Day(CliRunner().invoke(cli.app, ["demo", "--once", "--json"], catch_exceptions=False), **wrong)


def test_the_day_ends_with_nothing_lost_and_nothing_changed(day: Day) -> None:
    told = json.loads(day.command.stdout)
    seconds = told.pop("seconds")

    assert told == GOOD
    assert (day.command.exit_code, seconds > 0) == (0, True)


def test_green_before_commit_loses_a_check_in_and_the_day_says_so(tmp_path: Path) -> None:
    result = show.once(tmp_path, make_outbox=GreenBeforeCommit)

    assert result["lost"] > 0
    assert not show.is_good(result)


def test_the_same_day_with_an_altered_pull_or_an_altered_delivery_is_not_good(day: Day) -> None:
    assert [line for line in day.delivered["different"] if line.startswith("hr differs in ")]
    assert not any(show.is_good(result) for result in (day.delivered, day.pulled, day.missed))
    assert len(day.pulled["different"]) > len(day.delivered["different"])


@pytest.mark.parametrize(
    "wrong",
    [{"lost": 1}, {"different": ["x"]}, {"unexpected": ["x"]}, {"delivered": 19}],
    ids=lambda it: next(iter(it)),
)
def test_a_day_that_is_not_good_ends_with_an_error_code(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any]) -> None:
    monkeypatch.setattr(show, "once", lambda *_, **__: GOOD | wrong | {"seconds": 1.0})

    result = CliRunner().invoke(cli.app, ["demo", "--once", "--json"])

    assert (result.exit_code, json.loads(result.stdout)) == (2, GOOD | wrong | {"seconds": 1.0})
