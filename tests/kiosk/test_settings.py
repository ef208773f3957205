"""Claims about the kiosk's settings and its clock."""

from pathlib import Path

import pytest

from kiosk import settings
from kiosk.clock import system_clock
from kiosk.settings import SettingsError
from kiosk.source import Camera, Folder, open_source


def test_the_environment_goes_before_the_file_and_arguments_before_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kiosk.toml").write_text('name = "file"\nlanguage = "zh"\nscreen_port = 1')
    monkeypatch.setenv("TANDEM_KIOSK_NAME", "environment")
    monkeypatch.setenv("TANDEM_KIOSK_SCREEN_PORT", "2")

    read = settings.read(data=tmp_path, screen_port=3, name=None)

    assert (read.name, read.language, read.screen_port) == ("environment", "zh", 3)


@pytest.mark.parametrize(
    "name, value",
    [
        ("screen_port", "70000"),
        ("language", "fr"),
        ("gateway", "gateway.test"),
        ("source", "camera:front"),
        ("source", "folder:"),
        ("source", "ftp://camera"),
        ("threshold", "0"),
        ("name", ""),
    ],
)
def test_a_wrong_value_stops_the_program_and_names_itself(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"{name} \(TANDEM_KIOSK_{name.upper()}\)"):
        settings.read(data=tmp_path, **{name: value})


def test_a_setting_that_does_not_exist_is_named(tmp_path: Path) -> None:
    (tmp_path / "kiosk.toml").write_text("colour = 1")

    with pytest.raises(SettingsError, match="colour"):
        settings.read(data=tmp_path)


def test_a_file_that_is_not_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "kiosk.toml").write_text("name = ")

    with pytest.raises(SettingsError, match=r"kiosk\.toml"):
        settings.read(data=tmp_path)


@pytest.mark.parametrize(
    "text, kind", [("camera:1", Camera), ("folder:/pictures", Folder), ("rtsp://camera/1", Camera)]
)
def test_a_source_is_opened_by_its_name(text: str, kind: type) -> None:
    assert settings.read(source=text).source == text
    assert isinstance(open_source(text), kind)


def test_the_machines_clock_says_what_stands_behind_it() -> None:
    clock = system_clock()

    assert clock.now().utcoffset() is not None
    assert clock.state() in ("synced", "free_running", "unknown")
    assert clock.boot == system_clock().boot
