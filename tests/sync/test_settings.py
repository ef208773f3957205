"""Sync's settings: where they come from, and that a wrong one is named."""

import json
from pathlib import Path
from typing import Any

import pytest

from sync.archives import open_archives
from sync.settings import ArchiveSettings, SettingsError, read
from tests.sqlite import in_memory
from tests.sync.cast import EVENING

HR = {"name": "hr", "url": "https://hr.example/records"}


def toml(folder: Path, text: str) -> Path:
    file = folder / "sync.toml"
    file.write_text(text)
    file.chmod(0o644)
    return file


def test_without_settings_there_is_the_local_archive_alone(tmp_path: Path) -> None:
    settings, ledger = read(data=tmp_path), in_memory()

    opened = open_archives(settings.archives, ledger, lambda: EVENING)

    assert [(one.name, one.kind) for one in opened] == [("local", "local")]
    assert settings.database_url == f"sqlite:///{tmp_path}/ledger.sqlite"


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml(tmp_path, '[[archives]]\nname = "old"\nurl = "https://old.example/"\n')
    assert [one.name for one in read(data=tmp_path).archives] == ["old"]

    monkeypatch.setenv("TANDEM_SYNC_ARCHIVES", json.dumps([HR]))

    assert [one.name for one in read(data=tmp_path).archives] == ["hr"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param({"url": "hr.example"}, "url begins with", id="no scheme"),
        pytest.param({"name": "HR system"}, "archives.0.name", id="name"),
        pytest.param({"name": "sms"}, "taken", id="a name that is taken"),
        pytest.param({"name": "local"}, "named local", id="local elsewhere"),
        pytest.param({"kind": "local"}, "named local", id="local by another name"),
        pytest.param({"kind": "fax"}, "archives.0.kind", id="kind"),
        pytest.param({"batch": 0}, "archives.0.batch", id="batch"),
        pytest.param({"ulr": "x"}, "archives.0.ulr", id="misspelt"),
    ],
)
def test_a_wrong_value_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, Any], said: str
) -> None:
    monkeypatch.setenv("TANDEM_SYNC_ARCHIVES", json.dumps([HR | wrong]))

    with pytest.raises(SettingsError, match="TANDEM_SYNC_ARCHIVES") as raised:
        read(data=tmp_path)

    assert said in str(raised.value)


def test_two_archives_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="two archives are named hr"):
        read(data=tmp_path, archives=[HR, HR])


@pytest.mark.parametrize("text", ["archives = [", "archives = 3", "other = 1"])
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    toml(tmp_path, text)

    with pytest.raises(SettingsError):
        read(data=tmp_path)


def test_the_key_comes_from_the_environment_or_a_file_of_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "hr.key"
    file.write_text("from-a-file\n")
    file.chmod(0o600)
    settings = ArchiveSettings.model_validate(HR | {"name": "hr-main", "key_file": file})
    assert settings.secret() == "from-a-file"

    monkeypatch.setenv("TANDEM_SYNC_KEY_HR_MAIN", "from-the-environment")

    assert settings.secret() == "from-the-environment"


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "hr.key"
    file.write_text("secret")
    file.chmod(0o640)

    with pytest.raises(SettingsError, match=r"chmod 600"):
        ArchiveSettings.model_validate(HR | {"key_file": file}).secret()


def test_a_key_in_a_settings_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = toml(tmp_path, '[[archives]]\nname = "hr"\nurl = "https://hr.example/"\nkey = "secret"\n')
    with pytest.raises(SettingsError, match="chmod 600"):
        read(data=tmp_path)

    file.chmod(0o600)

    assert read(data=tmp_path).archives[0].secret() == "secret"


@pytest.mark.parametrize("key", ["", "zwei worte", "schlüssel", "a\nb"])
def test_a_key_that_cannot_be_sent_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match="archive hr"):
        ArchiveSettings.model_validate(HR | {"key": key}).secret()


def test_a_key_is_not_shown_by_accident(tmp_path: Path) -> None:
    assert "secret-of-hr" not in repr(read(data=tmp_path, archives=[HR | {"key": "secret-of-hr"}]))


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.key"):
        ArchiveSettings.model_validate(HR | {"key_file": tmp_path / "nowhere.key"}).secret()
