"""Claims about today's roster across a restart: only who has the memory of this boot can read it."""

from datetime import timedelta
from pathlib import Path

import pytest

from kiosk.recall import FILE, KEY, RUNTIME, Recall, _is_in_memory
from tests.kiosk.cast import NINE, a_roster

ROSTER = a_roster()
MOUNTS = """\
overlay / overlay rw 0 0
tmpfs /run tmpfs rw,nosuid 0 0
/dev/sda1 /run/media ext4 rw 0 0
"""


def test_a_restarted_program_has_its_roster(tmp_path: Path) -> None:
    memory = folder(tmp_path, "memory")
    Recall(tmp_path, memory).keep(ROSTER)

    assert Recall(tmp_path, memory).roster(NINE) == ROSTER


def test_nobody_can_be_read_on_the_disk(tmp_path: Path) -> None:
    Recall(tmp_path, folder(tmp_path, "memory")).keep(ROSTER)

    written = (tmp_path / FILE).read_bytes()

    assert all(name not in written for name in (b"Ann", b"Bo Wang", b"ann", b"order"))
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0


def test_a_power_cut_takes_the_roster(tmp_path: Path) -> None:
    memory = folder(tmp_path, "memory")
    Recall(tmp_path, memory).keep(ROSTER)
    (memory / KEY).unlink()

    assert Recall(tmp_path, memory).roster(NINE) is None
    assert not (tmp_path / FILE).exists()


def test_past_its_lease_a_roster_is_removed(tmp_path: Path) -> None:
    memory = folder(tmp_path, "memory")
    Recall(tmp_path, memory).keep(ROSTER)

    assert Recall(tmp_path, memory).roster(ROSTER.good_until) == ROSTER
    assert Recall(tmp_path, memory).roster(ROSTER.good_until + timedelta(milliseconds=1)) is None
    assert not (tmp_path / FILE).exists()


def test_a_disk_without_room_costs_the_recall_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = folder(tmp_path, "memory")
    recall = Recall(tmp_path, memory)
    recall.keep(ROSTER)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kiosk.recall.keep", full)
    recall.keep(a_roster(version="2"))

    assert recall.roster(NINE) is None


@pytest.mark.parametrize("place", [0, 30, -1])
def test_an_altered_roster_is_not_believed(tmp_path: Path, place: int) -> None:
    memory = folder(tmp_path, "memory")
    Recall(tmp_path, memory).keep(ROSTER)
    data = bytearray((tmp_path / FILE).read_bytes())
    data[place] ^= 1
    (tmp_path / FILE).write_bytes(data)

    assert Recall(tmp_path, memory).roster(NINE) is None


def test_without_a_folder_in_memory_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(RUNTIME, raising=False)

    Recall(tmp_path).keep(ROSTER)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "place, answer",
    [
        pytest.param("/run/tandem-kiosk", True, id="memory"),
        pytest.param("/run/media/card", False, id="a-disk-mounted-below-it"),
        pytest.param("/var/lib/tandem", False, id="a-disk"),
        pytest.param("/runner", False, id="only-the-beginning-is-alike"),
    ],
)
def test_a_folder_is_in_memory_if_its_own_mount_is(tmp_path: Path, place: str, answer: bool) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)

    assert _is_in_memory(Path(place), mounts) is answer


def test_a_runtime_folder_on_a_disk_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.recall._is_in_memory", lambda _: False)
    monkeypatch.setenv(RUNTIME, str(tmp_path))

    Recall(tmp_path).keep(ROSTER)

    assert list(tmp_path.iterdir()) == []


def folder(tmp_path: Path, name: str) -> Path:
    (tmp_path / name).mkdir()
    return tmp_path / name
