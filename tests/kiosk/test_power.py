"""Claims about kills, power cuts and failing disks: what turned green is there, once, and without a gap."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kiosk.crash_images import Act, cut_the_power, recorded, run_on_a_failing_disk
from tests.kiosk.door import HISTORY
from tests.kiosk.killing import kill_again_and_again


def test_kills_at_any_moment_lose_nothing_that_turned_green(tmp_path: Path) -> None:
    after = kill_again_and_again(tmp_path, scans=300, kills=6, seed=1)

    print(after)
    assert (after.lost, after.doubled, after.gaps) == ((), (), 0)
    assert after.green >= 300 - 6


def test_a_twin_that_commits_after_the_green_loses(tmp_path: Path) -> None:
    after = kill_again_and_again(tmp_path, kind="CommitsNowAndThen", scans=100, kills=3, seed=1)

    assert after.lost


def test_power_cuts_at_any_moment_lose_nothing_that_turned_green(tmp_path: Path, program: Callable[[str], str]) -> None:
    acts = recorded(program("strace"), tmp_path, scans=270)

    found, unreadable = cut_the_power(acts, tmp_path, images=40, seed=1)

    assert syncs(acts) >= 270, "there is a sync for every green"
    assert (len(found), unreadable) == (40, 0)
    assert all((after.lost, after.doubled, after.gaps) == ((), (), 0) for after in found)


def test_a_twin_that_never_syncs_loses(tmp_path: Path, program: Callable[[str], str]) -> None:
    acts = recorded(program("strace"), tmp_path, kind="NeverSyncs", scans=60)

    found, _ = cut_the_power(acts, tmp_path, images=20, seed=1)

    assert any(after.lost for after in found)


@pytest.mark.parametrize(
    "fault, said",
    [
        ("pwrite64:error=ENOSPC", "OutboxFull"),
        ("pwrite64:error=EIO", "OutboxError"),
        ("fdatasync:error=EIO", "OutboxError"),
    ],
    ids=["no room", "not written", "not synced"],
)
def test_on_a_failing_disk_nothing_turns_green_until_it_works_again(
    tmp_path: Path, program: Callable[[str], str], fault: str, said: str
) -> None:
    after, refused = run_on_a_failing_disk(program("strace"), tmp_path, fault=f"{fault}:when=40..60", scans=40)

    assert set(refused) == {f"no green: {said}"}
    assert after.green == 40 - len(refused)
    assert (after.lost, after.doubled, after.gaps) == ((), (), 0)


def test_a_twin_that_takes_it_for_written_loses(tmp_path: Path, program: Callable[[str], str]) -> None:
    fault = "pwrite64:error=ENOSPC:when=40..60"

    after, refused = run_on_a_failing_disk(program("strace"), tmp_path, fault=fault, scans=40, kind="TakesItForWritten")

    assert refused == []
    assert after.lost


def syncs(acts: list[Act]) -> int:
    return sum(act.what == "sync" and act.file != HISTORY for act in acts)
