"""The long versions of what tests/kiosk/test_power.py proves of the kiosk's half of delivery."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kiosk.crash_images import cut_the_power, recorded
from tests.kiosk.killing import kill_again_and_again

SCANS, KILLS = 10_000, 200
RECORDED, IMAGES = 1_200, 500


def test_ten_thousand_scans_and_two_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    after = kill_again_and_again(tmp_path, scans=SCANS, kills=KILLS, seed=2)

    print(f"\n{after}", end="")
    assert (after.lost, after.doubled, after.gaps) == ((), (), 0)
    assert after.green >= SCANS - KILLS


def test_a_twin_that_commits_after_the_green_loses(tmp_path: Path) -> None:
    after = kill_again_and_again(tmp_path, kind="CommitsNowAndThen", scans=SCANS // 10, kills=KILLS // 10, seed=2)

    print(f"\nits sabotaged twin: {after}", end="")
    assert after.lost


@pytest.mark.parametrize("kind", ["Outbox", "NeverSyncs"], ids=["the outbox", "its sabotaged twin"])
def test_five_hundred_power_cuts_lose_nothing_and_the_twin_loses(
    tmp_path: Path, program: Callable[[str], str], kind: str
) -> None:
    acts = recorded(program("strace"), tmp_path, kind=kind, scans=RECORDED)

    found, unreadable = cut_the_power(acts, tmp_path, images=IMAGES, seed=2)

    greens, losing = sum(after.green for after in found), sum(bool(after.lost) for after in found)
    print(f"\n{IMAGES} images of {RECORDED} scans, {greens} greens: {losing} lose, {unreadable} cannot be read", end="")
    if kind == "Outbox":
        assert (losing, unreadable) == (0, 0)
        assert all((after.doubled, after.gaps) == ((), 0) for after in found)
    else:
        assert losing
