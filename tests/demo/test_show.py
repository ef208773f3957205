"""The sample day is played with the real things, and its reckoning finds what is wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kiosk.outbox import Outbox
from protocol.records import CheckInRecord
from tandem import cli
from tandem.demo import reckoning, show
from tandem.demo.reckoning import Pulled

pytestmark = [pytest.mark.enable_socket, pytest.mark.timeout(180)]

GOOD = {
    "check_ins": 22,
    "refused": {"not_on_roster": 1, "revoked_badge": 1, "unknown_badge": 1},
    "duplicates": 1,
    "to_review": 1,
    "offline_recovered": 2,
    "hour_records": 10,
    "pulled": 10,
    "lost": 0,
    "different": [],
    "unexpected": [],
}


class GreenBeforeCommit(Outbox):
    """The sabotaged twin: it answers first, and commits when the next record comes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held: Callable[[int], CheckInRecord] | None = None
        self._number = super().standing().last_assigned

    def put(self, make: Callable[[int], CheckInRecord]) -> CheckInRecord:
        if self._held:
            super().put(self._held)
        self._held, self._number = make, self._number + 1
        return make(self._number)


def altered(url: str, key: str) -> Pulled:
    """Pull as HR does, and find one record with an hour more."""
    pulled = reckoning.pull(url, key)
    first, *others = pulled.records
    return replace(pulled, records=[first | {"credit": "9.5"}, *others])


def shortened(url: str, key: str) -> Pulled:
    """Pull as HR does, and miss one record."""
    pulled = reckoning.pull(url, key)
    return replace(pulled, records=pulled.records[1:])


def test_the_day_ends_with_nothing_lost_and_nothing_changed() -> None:
    result = CliRunner().invoke(cli.app, ["demo", "--once", "--json"], catch_exceptions=False)

    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert told.pop("seconds") <= 60
    assert told == GOOD


def test_green_before_commit_loses_a_check_in_and_the_day_says_so(tmp_path: Path) -> None:
    result = show.once(tmp_path, make_outbox=GreenBeforeCommit)

    assert result["lost"] > 0
    assert not show.is_good(result)


@pytest.mark.parametrize("pull", [altered, shortened], ids=["one record altered", "one record missing"])
def test_the_day_says_so_when_hr_has_something_else(tmp_path: Path, pull: show.Pull) -> None:
    result = show.once(tmp_path, pull=pull)

    assert result["different"]
    assert not show.is_good(result)


def test_a_day_that_is_not_good_ends_with_an_error_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "once", lambda *_, **__: GOOD | {"lost": 1, "seconds": 1.0})

    result = CliRunner().invoke(cli.app, ["demo", "--once", "--json"])

    assert (result.exit_code, json.loads(result.stdout)["lost"]) == (2, 1)
