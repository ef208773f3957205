"""The sample day is played with the real things, and its reckoning finds what is wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kiosk.outbox import Outbox
from protocol.records import KioskRecord
from tandem import cli
from tandem.demo import reckoning, show
from tandem.demo.hr_system import HrSystem
from tandem.demo.reckoning import Pulled

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(240)]

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
    """An archive that changes an hour of what it was sent."""

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        kept = super().records
        first = next(iter(kept), None)
        return kept | {first: kept[first] | {"credit": "9.5"}} if first else kept


def altered(url: str, key: str) -> Pulled:
    """Pull as HR does, and find one record with an hour more."""
    pulled = reckoning.pull(url, key)
    first, *others = pulled.records
    return replace(pulled, records=[first | {"credit": "9.5"}, *others])


def test_the_day_ends_with_nothing_lost_and_nothing_changed() -> None:
    result = CliRunner().invoke(cli.app, ["demo", "--once", "--json"], catch_exceptions=False)

    told = json.loads(result.stdout)
    seconds = told.pop("seconds")
    assert told == GOOD
    assert (result.exit_code, seconds > 0) == (0, True)


def test_green_before_commit_loses_a_check_in_and_the_day_says_so(tmp_path: Path) -> None:
    result = show.once(tmp_path, make_outbox=GreenBeforeCommit)

    assert result["lost"] > 0
    assert not show.is_good(result)


def test_one_day_finds_an_altered_pull_and_an_altered_delivery(tmp_path: Path) -> None:
    with show.open_show(tmp_path, make_hr=Forgetful) as stage:
        played = show.play(stage, pace=0, watcher=lambda *_: None)
        honest = reckoning.pull(stage.machine.url, stage.key)
        delivered = show.reckon(stage, played, honest)
        pulled = show.reckon(stage, played, altered(stage.machine.url, stage.key))
        missed = show.reckon(stage, played, replace(honest, records=honest.records[1:]))

    assert [line for line in delivered["different"] if line.startswith("hr differs in ")]
    assert not any(show.is_good(result) for result in (delivered, pulled, missed))
    assert len(pulled["different"]) > len(delivered["different"])


@pytest.mark.parametrize(
    "wrong",
    [{"lost": 1}, {"different": ["x"]}, {"unexpected": ["x"]}, {"delivered": 19}],
    ids=lambda it: next(iter(it)),
)
def test_a_day_that_is_not_good_ends_with_an_error_code(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any]) -> None:
    monkeypatch.setattr(show, "once", lambda *_, **__: GOOD | wrong | {"seconds": 1.0})

    result = CliRunner().invoke(cli.app, ["demo", "--once", "--json"])

    assert (result.exit_code, json.loads(result.stdout)) == (2, GOOD | wrong | {"seconds": 1.0})
