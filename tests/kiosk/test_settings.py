"""Claims about the kiosk's settings and its clock."""

from pathlib import Path
from typing import Any

import pytest

from kiosk import settings
from kiosk.clock import system_clock
from kiosk.settings import KioskSettings, SettingsError
from kiosk.sources import open_sources
from kiosk.sources.camera import Camera
from kiosk.sources.folder import Folder, Video
from kiosk.sources.scanner import Lines, Scanner

SCANNER = "scanner:/dev/input/by-id/usb-Scanner-event-kbd"


def test_the_environment_goes_before_the_file_and_arguments_before_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kiosk.toml").write_text('name = "file"\nlanguage = "zh"\nscreen_port = 1')
    monkeypatch.setenv("TANDEM_KIOSK_NAME", "environment")
    monkeypatch.setenv("TANDEM_KIOSK_SCREEN_PORT", "2")

    read = settings.read(data=tmp_path, screen_port=3, name=None)

    assert (read.name, read.language, read.screen_port) == ("environment", "zh", 3)


WRONG: list[tuple[str, Any]] = [
    ("camera_height", 119),
    ("camera_height", 2161),
    ("camera_width", 159),
    ("camera_width", 3841),
    ("camera_width", "wide"),
    ("challenge", "perhaps"),
    ("dlib_model", "not-there.dat"),
    ("face_engine", "arcface"),
    ("gateway", "gateway.test"),
    ("gateway", 8080),
    ("gateway", "https://"),
    ("gateway", "https://@"),
    ("gateway", "http:///device"),
    ("gateway", "http://host:abc"),
    ("gateway", "http://host:0"),
    ("gateway", "http://host:65536"),
    ("gateway", "http://[::1"),
    ("gateway", "http://a host"),
    ("gateway", "http://a..b"),
    ("gateway", "http://ho\N{ZERO WIDTH SPACE}st"),
    ("gateway", "http://" + "x" * 70_000),
    ("language", "fr"),
    ("margin", -0.01),
    ("margin", 1),
    ("margin", "nan"),
    ("mirror", 2),
    ("name", ""),
    ("name", "n" * 81),
    ("name", 5),
    ("rotate", 45),
    ("rotate", "left"),
    ("screen_host", "0.0.0.0"),
    ("screen_port", "70000"),
    ("screen_port", -1),
    ("screen_port", 80.5),
    ("sound", "loud"),
    ("source", ""),
    ("source", 0),
    ("source", []),
    ("source", ["camera:0", 1]),
    ("source", "camera:front"),
    ("source", "camera:-1"),
    ("source", "camera:100"),
    ("source", "camera:\N{ARABIC-INDIC DIGIT THREE}"),
    ("source", "folder:"),
    ("source", "video:"),
    ("source", "ftp://camera"),
    ("source", "rtsp://"),
    ("source", "rtsp://camera:port/"),
    ("source", "rtsp://ann:123/4@camera/"),
    ("source", "rtsp://ann:123?4@camera/"),
    ("source", "scanner:usb"),
    ("source", "stdin:0"),
    ("source", ["camera:0", "camera:1"]),
    ("source", ["stdin", "stdin"]),
    ("source", [f"scanner:/dev/{number}" for number in range(9)]),
    ("threshold", "0"),
    ("threshold", 1),
]


@pytest.mark.parametrize("name, value", WRONG, ids=lambda value: str(value)[:24])
def test_a_wrong_value_stops_the_program_and_names_itself(tmp_path: Path, name: str, value: Any) -> None:
    with pytest.raises(SettingsError, match=rf"^{name} \(TANDEM_KIOSK_{name.upper()}\): "):
        settings.read(data=tmp_path, **{name: value})


def test_every_setting_has_a_value_that_is_wrong() -> None:
    paths = {"data", "detector_model", "recognizer_model"}  # any folder may be made; the models have a test below

    assert {name for name, _ in WRONG} == KioskSettings.model_fields.keys() - paths


@pytest.mark.parametrize(
    "text, name",
    [
        ('screen_port = "door"', "screen_port"),
        ("screen_port = true", "screen_port"),
        ('camera_width = "640"', "camera_width"),
        ("camera_height = 720.0", "camera_height"),
        ("rotate = false", "rotate"),
        ("sound = 1", "sound"),
        ('challenge = "no"', "challenge"),
        ("margin = false", "margin"),
        ('threshold = "0.4"', "threshold"),
        ("[threshold]\na = 1", "threshold"),
        ("dlib_model = 5", "dlib_model"),
        ("mirror = [1]", "mirror"),
        ("name = 1979-05-27", "name"),
        ("source = 0", "source"),
    ],
)
def test_a_wrong_type_in_the_file_is_named(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / "kiosk.toml").write_text(text)

    with pytest.raises(SettingsError, match=f"^{name} "):
        settings.read(data=tmp_path)


def test_whole_numbers_are_numbers_and_the_environment_is_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kiosk.toml").write_text("margin = 0")
    for name, text in (("SCREEN_PORT", "1"), ("MIRROR", "off"), ("THRESHOLD", "0.4"), ("ROTATE", "90")):
        monkeypatch.setenv(f"TANDEM_KIOSK_{name}", text)

    read = settings.read(data=tmp_path)

    assert (read.margin, read.screen_port, read.mirror, read.threshold, read.rotate) == (0, 1, False, 0.4, 90)


@pytest.mark.parametrize(
    "address", ["http://gateway", "https://gateway.example:8443/", "http://[::1]:8080", "http://192.0.2.7:65535"]
)
def test_an_address_with_a_host_is_taken(tmp_path: Path, address: str) -> None:
    assert settings.read(data=tmp_path, gateway=address).gateway == address.rstrip("/")


def test_the_file_cannot_say_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "kiosk.toml").write_text('data = "elsewhere"')

    with pytest.raises(SettingsError, match=r"^data \(TANDEM_KIOSK_DATA\): .* give --data"):
        settings.read(data=tmp_path)


def test_a_setting_that_does_not_exist_is_named(tmp_path: Path) -> None:
    (tmp_path / "kiosk.toml").write_text("colour = 1")

    with pytest.raises(SettingsError, match=r"^colour \(TANDEM_KIOSK_COLOUR\): there is no such setting$"):
        settings.read(data=tmp_path)


def test_a_setting_of_the_environment_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_KIOSK_SUORCE", "camera:1")

    with pytest.raises(SettingsError, match=r"^TANDEM_KIOSK_SUORCE: there is no such setting$"):
        settings.read()


@pytest.mark.parametrize("data", [b"name = ", b'name = "\xff"'], ids=["half a line", "not UTF-8"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "kiosk.toml").write_bytes(data)

    with pytest.raises(SettingsError, match=r"^kiosk\.toml: "):
        settings.read(data=tmp_path)


@pytest.mark.parametrize("missing", ["detector_model", "recognizer_model"])
def test_the_other_face_engine_needs_both_its_files(tmp_path: Path, missing: str) -> None:
    names = {name: tmp_path / f"{name}.onnx" for name in ("detector_model", "recognizer_model")}
    for path in names.values():
        path.write_bytes(b"a model")

    assert settings.read(face_engine="sface", **names).detector_model == names["detector_model"]
    with pytest.raises(SettingsError, match=f"^{missing} .* is needed for face_engine"):
        settings.read(face_engine="sface", **(names | {missing: ""}))


@pytest.mark.parametrize(
    "text, kind",
    [
        ("camera:1", Camera),
        ("rtsp://ann:secret@camera/1", Camera),
        ("http://192.0.2.7:8080/door.mjpg", Camera),
        ("folder:/pictures", Folder),
        ("video:/pictures/door.mp4", Video),
        (SCANNER, Scanner),
        ("stdin", Lines),
    ],
)
def test_a_source_is_opened_by_its_name(text: str, kind: type) -> None:
    read = settings.read(source=text)

    assert (read.source, read.sources) == (text, (text,))
    assert [type(source) for source in open_sources(read)] == [kind]


def test_a_station_may_have_scanners_beside_its_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kiosk.toml").write_text(f'source = ["camera:0", "{SCANNER}", "stdin"]')

    by_file = settings.read(data=tmp_path)
    monkeypatch.setenv("TANDEM_KIOSK_SOURCE", f'["{SCANNER}"]')
    by_environment = settings.read(data=tmp_path)

    assert [type(source) for source in open_sources(by_file)] == [Camera, Scanner, Lines]
    assert by_environment.sources == (SCANNER,)
    assert by_file.model_dump(mode="json")["source"] == ["camera:0", SCANNER, "stdin"]


def test_a_cameras_password_is_neither_shown_nor_said() -> None:
    good = settings.read(source="rtsp://ann:hunter2@camera/1")

    with pytest.raises(SettingsError) as refused:
        settings.read(source=["rtsp://ann:hunter2@camera/1", "camera:0"])

    assert "hunter2" not in f"{good!r} {good} {refused.value}"


def test_the_machines_clock_says_what_stands_behind_it() -> None:
    clock = system_clock()

    assert clock.now().utcoffset() is not None
    assert clock.state() in ("synced", "free_running", "unknown")
    assert clock.boot == system_clock().boot
