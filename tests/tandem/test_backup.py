"""Backups: what one holds, what it refuses, and that kiosks bring back what it lacks."""

import json
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from gateway import keys
from gateway.ingest import ingest
from ledger.database import Ledger
from ledger.tables import CheckInRow, EpochRow
from tandem import backup
from tandem.backup import NotWhole, TargetTaken
from tandem.cli import app
from tests.cast import EVENING, company, seen
from tests.gateway.wired import asking_nothing
from tests.tandem.restored import lost_by_a_restore

AT = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Make a data folder with a ledger, keys, settings and a file of evidence."""
    data = tmp_path / "data"
    data.mkdir()
    enter(company(f"sqlite:///{data / 'ledger.sqlite'}"), seq=1)
    keys.load(data / "keys")
    (data / "gateway.toml").write_text('zone = "Asia/Shanghai"\n')
    (data / "evidence" / "ab").mkdir(parents=True)
    (data / "evidence" / "ab" / "cd").write_bytes(b"report")
    (data / "mosquitto").mkdir()
    (data / "mosquitto" / "passwords").write_text("made anew at every start")
    return data


def enter(ledger: Ledger, *, seq: int, close: bool = True) -> None:
    with ledger.begin() as db:
        ingest(db, [seen("ann", seq=seq)], received_at=EVENING)
    if close:
        ledger.close()


def check_ins(url: str) -> int:
    with closing(Ledger(url)) as ledger, ledger.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(CheckInRow)) or 0


def epochs(url: str) -> int:
    with closing(Ledger(url)) as ledger, ledger.read() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(EpochRow)) or 0


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("ledger.sqlite")
    }


def test_a_backup_brings_back_the_ledger_keys_settings_and_files(data: Path, tmp_path: Path) -> None:
    file = backup.create(data, tmp_path, now=AT)

    backup.restore(file, tmp_path / "again", now=AT, actor="test")

    kept = everything(data)
    del kept["mosquitto/passwords"]
    assert file.name == "tandem-20261121T183000Z.tar"
    assert everything(tmp_path / "again") == kept
    assert check_ins(f"sqlite:///{tmp_path / 'again' / 'ledger.sqlite'}") == 1
    assert epochs(f"sqlite:///{tmp_path / 'again' / 'ledger.sqlite'}") == 2


def test_a_backup_is_for_its_owner_only(data: Path, tmp_path: Path) -> None:
    file = backup.create(data, tmp_path, now=AT)
    backup.restore(file, tmp_path / "again", now=AT, actor="test")

    folders = [path for path in [tmp_path / "again", *(tmp_path / "again").rglob("*")] if path.is_dir()]
    assert file.stat().st_mode & 0o777 == 0o600
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    keys.load(tmp_path / "again" / "keys")


def test_a_backup_is_made_beside_the_process_that_holds_the_ledger(data: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{data / 'ledger.sqlite'}"
    with closing(Ledger(url)) as ledger:
        enter(ledger, seq=2, close=False)
        with ledger.begin() as db:
            ingest(db, [seen("ann", seq=3)], received_at=EVENING)
            file = backup.create(data, tmp_path, now=AT)
        enter(ledger, seq=4, close=False)
    backup.restore(file, tmp_path / "again", now=AT, actor="test")

    # What was not committed yet is not in it.
    assert (check_ins(f"sqlite:///{tmp_path / 'again' / 'ledger.sqlite'}"), check_ins(url)) == (2, 4)


def test_a_postgresql_ledger_goes_into_a_backup_and_into_an_empty_database(
    data: Path, tmp_path: Path, postgres: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "ledger.sqlite").unlink()
    url, empty = postgres(), postgres("template0")
    enter(company(url), seq=1)
    monkeypatch.setenv("TANDEM_GATEWAY_DATABASE", url)
    file = backup.create(data, tmp_path, now=AT)
    with pytest.raises(TargetTaken, match="is not empty"):
        backup.restore(file, tmp_path / "again", now=AT, actor="test")
    monkeypatch.setenv("TANDEM_GATEWAY_DATABASE", empty)

    backup.restore(file, tmp_path / "again", now=AT, actor="test")

    assert (check_ins(empty), epochs(empty)) == (1, 2)
    assert (check_ins(url), epochs(url)) == (1, 1)
    assert not (tmp_path / "again" / "ledger.dump").exists()


def test_nothing_that_is_there_is_written_over(data: Path, tmp_path: Path) -> None:
    file = backup.create(data, tmp_path, now=AT)
    before = file.read_bytes()

    with pytest.raises(TargetTaken):
        backup.create(data, tmp_path, now=AT)
    with pytest.raises(TargetTaken, match="is not empty"):
        backup.restore(file, data, now=AT, actor="test")

    assert file.read_bytes() == before
    assert check_ins(f"sqlite:///{data / 'ledger.sqlite'}") == 1


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20_000])


def flip(file: Path) -> None:
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    file.write_bytes(bytes(damaged))


def climb_out(file: Path) -> None:
    with tarfile.open(file, "w") as tar:
        tar.addfile(tarfile.TarInfo("../outside"))


def link_out(file: Path) -> None:
    link = tarfile.TarInfo("keys")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    with tarfile.open(file, "w") as tar:
        tar.addfile(link)


def be_a_picture(file: Path) -> None:
    file.write_bytes(b"\x89PNG" + bytes(2000))


@pytest.mark.parametrize("damage", [cut_off, flip, climb_out, link_out, be_a_picture], ids=lambda it: it.__name__)
def test_a_damaged_or_foreign_file_is_refused_and_leaves_nothing(
    data: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    file = backup.create(data, tmp_path, now=AT)
    damage(file)

    with pytest.raises(NotWhole):
        backup.restore(file, tmp_path / "again", now=AT, actor="test")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", file.name]


def test_the_commands_make_and_restore_a_backup(data: Path, tmp_path: Path) -> None:
    made = CliRunner().invoke(app, ["backup", "create", str(tmp_path), "--data", str(data), "--json"])
    file = json.loads(made.stdout)["backup"]
    done = CliRunner().invoke(app, ["backup", "restore", file, "--data", str(tmp_path / "again"), "--json"])
    again = CliRunner().invoke(app, ["backup", "restore", file, "--data", str(tmp_path / "again"), "--json"])

    assert (made.exit_code, done.exit_code, again.exit_code) == (0, 0, 2)
    assert json.loads(done.stdout)["data"] == str(tmp_path / "again")
    assert "is not empty" in again.stderr


@pytest.mark.enable_socket
def test_kiosks_bring_back_what_a_restored_ledger_lacks(tmp_path: Path) -> None:
    assert lost_by_a_restore(tmp_path, kiosks=2, before=30, after=120) == set()


def copy_only(file: Path, data: Path) -> None:
    """Restore without a new epoch, as somebody does who copies the file back."""
    backup.restore(file, data, now=AT, actor="test")
    with closing(sqlite3.connect(data / "ledger.sqlite")) as db, db:
        db.execute("DELETE FROM epochs WHERE id = (SELECT max(id) FROM epochs)")


@pytest.mark.enable_socket
def test_without_a_new_epoch_it_would_be_lost(tmp_path: Path) -> None:
    with asking_nothing():
        lost = lost_by_a_restore(tmp_path, kiosks=1, before=10, after=40, restore=copy_only, patience=3)

    assert len(lost) == 40


@pytest.mark.enable_socket
def test_what_somebody_restores_by_hand_is_asked_for(tmp_path: Path) -> None:
    assert lost_by_a_restore(tmp_path, kiosks=1, before=10, after=40, restore=copy_only) == set()
