"""Claims about the doctor: what is good is said to be good, and each fault is found, named, and answered."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import httpx2
import numpy as np
import pytest
from flask import Flask, Response, jsonify
from typer.testing import CliRunner

from kiosk import settings
from kiosk.clock import ClockState
from kiosk.doctor import examine, lines, sight, storage
from kiosk.doctor.findings import Finding, Verdict, safely
from kiosk.doctor.running import Running, find_running
from kiosk.faces.engine import Face, FaceEngine, FaceEngineMissing, ModelUnusable
from kiosk.identity import MACHINE
from kiosk.outbox import FILE, Outbox
from kiosk.picture import Image
from kiosk.source import CAMERA_LOST, Frame, Seen, Source, Trouble
from kiosk.sources.scanner import Lines, Scanner
from tandem.cli import app
from tandem.demo.pictures import badge_frame
from tandem.serving import Served
from tests.kiosk.cast import (
    ANNS_BADGE,
    IDENTITY,
    NINE,
    STRANGERS_KEY,
    GatewayStandIn,
    Hands,
    a_record,
    shows,
)
from tests.kiosk.stand_in_broker import BrokerStandIn

HOUR = timedelta(hours=1)
UNCONFIRMED = IDENTITY.model_copy(update={"account": None})


def verdicts(findings: Iterator[Finding] | Sequence[Finding]) -> dict[str, Verdict]:
    """Name what was found, and see that every fault comes with what to do."""
    found = list(findings)
    assert all(finding.todo for finding in found if finding.verdict != "ok"), found
    assert all(finding.said and not finding.todo for finding in found if finding.verdict == "ok"), found
    return {finding.check: finding.verdict for finding in found}


def plain(shade: int, *, width: int = 1280, height: int = 720) -> Image:
    return np.full((height, width, 3), shade, np.uint8)


def of_a_room(*, sharp: bool = True, gain: float = 1.0, offset: float = 0.0) -> Image:
    """Draw a scene with edges everywhere, blurred or in another light."""
    noise = np.random.default_rng(1).integers(40, 200, (90, 160, 3), np.uint8)
    scene = cv2.resize(noise, (1280, 720), interpolation=cv2.INTER_NEAREST)
    seen = scene if sharp else cv2.GaussianBlur(scene, (0, 0), 12)
    return np.asarray(np.clip(seen.astype(float) * gain + offset, 0, 255), np.uint8)


@dataclass
class Scene:
    """A source that shows one thing for ever."""

    seen: Sequence[Any]
    closed: bool = False
    lost_code: str = CAMERA_LOST

    def frames(self) -> Iterator[Seen]:
        for number in count():
            one = self.seen[number % len(self.seen)]
            yield one if isinstance(one, Trouble) else Frame(image=one, number=number)

    def close(self) -> None:
        self.closed = True


# What it sees


def test_a_good_camera_is_good_in_every_point() -> None:
    scene = Scene([of_a_room()])

    assert verdicts(sight.examine([scene], seconds=0)) == {"camera": "ok", "light": "ok", "focus": "ok", "codes": "ok"}
    assert scene.closed


def test_a_camera_that_gives_nothing_is_named_and_nothing_more_is_judged() -> None:
    away = Trouble(where="camera 0", why="the camera gives no picture")

    [camera, codes] = sight.examine([Scene([away])], seconds=0)

    assert (camera.check, camera.verdict, codes.check) == ("camera", "fail", "codes")
    assert camera.said == "camera 0: the camera gives no picture"


@pytest.mark.parametrize(
    "size, rate, verdict",
    [((1280, 720), 30.0, "ok"), ((640, 480), 5.0, "ok"), ((1280, 720), 4.9, "warn"), ((320, 240), 30.0, "warn")],
    ids=["good", "just good", "slow", "small"],
)
def test_the_cameras_size_and_rate_are_judged(size: tuple[int, int], rate: float, verdict: str) -> None:
    view = sight.View(image=plain(100, width=size[0], height=size[1]), rate=rate)

    assert verdicts([sight.picture(view)]) == {"camera": verdict}


@pytest.mark.parametrize(
    "image, verdict",
    [
        (of_a_room(), "ok"),
        (of_a_room(gain=0.2), "warn"),
        (of_a_room(gain=3, offset=-420), "warn"),
        (of_a_room(offset=130), "warn"),
        (plain(0), "warn"),
        (plain(255), "warn"),
    ],
    ids=["good", "dark", "much of it black", "against the light", "covered", "blinded"],
)
def test_the_light_is_judged(image: Image, verdict: str) -> None:
    assert verdicts([sight.light(image)]) == {"light": verdict}


@pytest.mark.parametrize(
    "image, verdict",
    [
        (of_a_room(), "ok"),
        (of_a_room(sharp=False), "warn"),
        (plain(128), "warn"),
        (plain(9, width=1, height=9), "warn"),
    ],
    ids=["sharp", "blurred", "a bare wall", "a line"],
)
def test_the_focus_is_judged(image: Image, verdict: str) -> None:
    assert verdicts([sight.focus(image)]) == {"focus": verdict}


def test_a_reader_that_does_not_read_is_found() -> None:
    assert verdicts([sight.drawn_code(lambda image: [])]) == {"codes": "fail"}


def test_a_kiosk_without_the_good_reader_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight, "HAS_ZXING", False)

    assert verdicts([sight.drawn_code()]) == {"codes": "warn"}


@pytest.mark.parametrize(
    "image, verdict",
    [
        (badge_frame(shows(ANNS_BADGE).text, seed=1), "ok"),
        (sight.drawn("https://example.com/menu"), "warn"),
        (of_a_room(), "fail"),
    ],
    ids=["a badge", "a poster", "nothing"],
)
def test_a_badge_that_is_held_up_is_read_or_not(image: Image, verdict: str) -> None:
    assert verdicts([sight.held_up(Scene([image]).frames(), seconds=0)]) == {"badge": verdict}


def test_somebody_who_asks_for_the_badge_gets_it_judged_after_the_rest() -> None:
    scene = Scene([badge_frame(shows(ANNS_BADGE).text, seed=1)])

    assert list(verdicts(sight.examine([scene], badge=True, seconds=0))) == [
        "camera",
        "light",
        "focus",
        "badge",
        "codes",
    ]


def test_a_scanner_that_is_not_there_is_found(tmp_path: Path) -> None:
    assert verdicts([sight.scanner(Scanner(tmp_path / "usb-Scanner"))]) == {"scanner": "fail"}


def test_a_scanner_that_is_there_is_good(tmp_path: Path) -> None:
    path = tmp_path / "usb-Scanner"
    os.mkfifo(path)

    assert verdicts([sight.scanner(Scanner(path, grab=lambda device: None))]) == {"scanner": "ok"}
    assert verdicts([sight.scanner(Lines())]) == {"scanner": "ok"}


# Faces


class NobodysFaces:
    """An engine that finds nobody, at once."""

    name = "nobody"

    def find(self, image: Image) -> list[Face]:
        return []

    def landmarks(self, image: Image, face: Face) -> Any:
        raise NotImplementedError

    def encode(self, image: Image, face: Face) -> Any:
        return np.zeros(128, np.float32)


def broken(error: Exception) -> Callable[[], FaceEngine]:
    def engine() -> FaceEngine:
        raise error

    return engine


@pytest.mark.parametrize(
    "engine, verdict",
    [
        (NobodysFaces, "ok"),
        (broken(FaceEngineMissing()), "warn"),
        (broken(ModelUnusable("detector_model", Path("yunet.onnx"), "is not there")), "fail"),
    ],
    ids=["good", "not installed", "a model that is none"],
)
def test_the_face_engine_is_tried(engine: Callable[[], FaceEngine], verdict: str) -> None:
    assert verdicts(sight.faces(engine)) == {"faces": verdict}


@pytest.mark.parametrize("find, encode, verdict", [(40, 120, "ok"), (100, 201, "warn")], ids=["fast", "slow"])
def test_the_speed_of_faces_is_judged(find: float, encode: float, verdict: str) -> None:
    assert verdicts([sight.pace(find, encode)]) == {"faces": verdict}


# Storage


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "kiosk-data"
    folder.mkdir(mode=0o700)
    IDENTITY.save(folder)
    return folder


def test_a_registered_kiosks_files_are_good(data: Path) -> None:
    identity, findings = storage.identity(data)

    assert identity == IDENTITY
    assert verdicts(findings) == {"files": "ok", "identity": "ok"}


@pytest.mark.parametrize("there", [True, False], ids=["an empty folder", "no folder"])
def test_a_kiosk_that_is_not_registered_is_told_so(tmp_path: Path, there: bool) -> None:
    tmp_path.chmod(0o700)

    identity, findings = storage.identity(tmp_path if there else tmp_path / "not-there")

    assert identity is None
    assert verdicts(findings)["identity"] == "warn"


def test_a_kiosk_that_is_not_confirmed_is_told_with_its_fingerprint(data: Path) -> None:
    UNCONFIRMED.save(data)

    [_, standing] = storage.identity(data)[1]

    assert standing.verdict == "warn"
    assert UNCONFIRMED.fingerprint in standing.todo


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.chmod(0o644), lambda path: path.write_text("{}")],
    ids=["others may read the keys", "damaged"],
)
def test_an_identity_that_cannot_be_used_is_found(data: Path, spoil: Callable[[Path], object]) -> None:
    spoil(data / "identity.json")

    identity, findings = storage.identity(data)

    assert identity is None
    assert verdicts(findings)["identity"] == "fail"


def test_a_folder_that_others_may_look_into_is_found(data: Path) -> None:
    data.chmod(0o755)

    assert verdicts([storage.home(data)]) == {"files": "warn"}


def test_a_folder_of_another_user_is_found(data: Path) -> None:
    assert verdicts([storage.home(data, user=lambda: os.geteuid() + 1)]) == {"files": "fail"}


def test_a_folder_of_another_machine_is_found(data: Path) -> None:
    (data / MACHINE).write_bytes(b"another")

    assert verdicts([storage.home(data, machine=lambda: b"this")]) == {"files": "fail"}


def test_the_disk_of_this_machine_is_measured_and_left_as_it_was(tmp_path: Path) -> None:
    found = verdicts(storage.disk(tmp_path / "not" / "there"))

    assert list(found) == ["disk room", "disk speed", "disk kind"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("free, verdict", [(2e9, "ok"), (9e8, "warn"), (9e7, "fail")])
def test_the_room_on_the_disk_is_judged(free: float, verdict: str) -> None:
    assert verdicts([storage.room(int(free))]) == {"disk room": verdict}


@pytest.mark.parametrize("times, verdict", [([1.0, 2.0, 900.0], "ok"), ([60.0, 80.0, 90.0], "warn")])
def test_the_speed_of_a_commit_is_judged(times: list[float], verdict: str) -> None:
    assert verdicts([storage.speed(times)]) == {"disk speed": verdict}


def block_devices(folder: Path) -> Path:
    """Lay out what the kernel says of a disk, a card with a partition, and soldered eMMC."""
    for name, number, kind in (("sda", "8:0", None), ("mmcblk0", "179:0", "SD"), ("mmcblk1", "179:8", "MMC")):
        disk = folder / "devices" / name
        (disk / "device").mkdir(parents=True)
        if kind:
            (disk / "device" / "type").write_text(f"{kind}\n")
            (disk / f"{name}p1").mkdir()
            (disk / f"{name}p1" / "partition").write_text("1\n")
            (folder / number.replace(":0", ":1").replace(":8", ":9")).symlink_to(disk / f"{name}p1")
        (folder / number).symlink_to(disk)
    return folder


@pytest.mark.parametrize(
    "system, device, verdict",
    [
        ("ext4", "8:0", "ok"),
        ("ext4", "179:9", "ok"),
        ("ext4", "179:1", "warn"),
        ("ext4", "179:0", "warn"),
        ("overlay", "0:50", "warn"),
        ("tmpfs", "0:51", "fail"),
    ],
    ids=["disk", "eMMC", "SD card", "SD card without partitions", "overlay", "memory"],
)
def test_what_is_left_after_a_power_cut_is_judged(tmp_path: Path, system: str, device: str, verdict: str) -> None:
    assert verdicts([storage.kind(system, device, block_devices(tmp_path))]) == {"disk kind": verdict}


MOUNTS = """\
22 1 179:2 / / ro,relatime - ext4 /dev/mmcblk0p2 ro
30 22 0:23 / /run rw - tmpfs tmpfs rw
31 22 8:1 / /var/lib/tandem rw shared:1 - f2fs /dev/sda1 rw
32 22 8:2 / /var/lib/tandem\\040old rw - xfs /dev/sda2 rw
"""


@pytest.mark.parametrize(
    "path, found",
    [
        ("/var/lib/tandem/kiosk", ("f2fs", "8:1")),
        ("/var/lib/tandem old", ("xfs", "8:2")),
        ("/var/lib/tandem-kiosk", ("ext4", "179:2")),
        ("/run/tandem", ("tmpfs", "0:23")),
    ],
)
def test_the_file_system_of_a_folder_is_found(path: str, found: tuple[str, str]) -> None:
    assert storage.mounted(Path(path), MOUNTS) == found


def in_the_outbox(data: Path, *, running: bool = False, now: datetime = NINE) -> dict[str, Verdict]:
    return verdicts(storage.outbox(data, IDENTITY, running=running, now=now))


def test_a_good_outbox_is_good_and_left_as_it_was(data: Path) -> None:
    with closing(Outbox(data / FILE, stream=IDENTITY.stream)) as outbox:
        outbox.put(a_record)

    found = in_the_outbox(data)

    assert found == {"outbox": "ok", "waiting": "ok"}
    with closing(Outbox(data / FILE, stream=IDENTITY.stream)) as outbox:
        assert (outbox.standing().count, outbox.put(a_record).seq) == (1, 2)


def test_an_outbox_that_was_not_begun_is_good_until_the_kiosk_is_confirmed(data: Path) -> None:
    assert in_the_outbox(data) == {"outbox": "fail"}
    assert verdicts(storage.outbox(data, UNCONFIRMED, running=False, now=NINE)) == {"outbox": "ok"}
    assert not (data / FILE).exists()


def test_an_outbox_that_cannot_record_is_found(data: Path) -> None:
    (data / FILE).write_bytes(b"not a database" * 1000)

    assert in_the_outbox(data) == {"outbox": "fail"}


def test_check_ins_that_have_waited_for_an_hour_are_found(data: Path) -> None:
    with closing(Outbox(data / FILE, stream=IDENTITY.stream)) as outbox:
        outbox.put(a_record)

    assert in_the_outbox(data, now=NINE + HOUR) == {"outbox": "ok", "waiting": "ok"}
    assert in_the_outbox(data, now=NINE + HOUR + timedelta(seconds=1)) == {"outbox": "ok", "waiting": "warn"}


def test_the_outbox_of_a_running_station_is_read_and_goes_on(data: Path) -> None:
    read = settings.read(data=data)
    assert find_running(read) is None
    with closing(Outbox(data / FILE, stream=IDENTITY.stream)) as outbox:
        outbox.put(a_record)
        running = find_running(read)

        found = in_the_outbox(data, running=running is not None, now=NINE + 2 * HOUR)

        assert found == {"outbox": "ok", "waiting": "warn"}
        assert outbox.put(a_record).seq == 2


def test_to_look_whether_a_station_runs_does_not_keep_it_from_starting(data: Path) -> None:
    read = settings.read(data=data)
    Outbox(data / FILE, stream=IDENTITY.stream).close()

    assert find_running(read) is None

    Outbox(data / FILE, stream=IDENTITY.stream).close()


# The line


@pytest.mark.parametrize("state, verdict", [("synced", "ok"), ("free_running", "warn"), ("unknown", "warn")])
def test_the_clock_is_judged(state: ClockState, verdict: str) -> None:
    assert verdicts(lines.clock(state)) == {"clock": verdict}


@dataclass
class Dated(GatewayStandIn):
    """A gateway that says the time, as servers do."""

    time: datetime = NINE

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        response = super().answer(request)
        response.headers["Date"] = format_datetime(self.time, usegmt=True)
        return response


def at_the_gateway(gateway: GatewayStandIn, identity: Any = IDENTITY) -> dict[str, Verdict]:
    return verdicts(lines.gateway(identity, gateway.client(), now=Hands()))


@pytest.mark.parametrize(
    "gateway, found",
    [
        (Dated(), {"clocks": "ok", "gateway": "ok"}),
        (Dated(time=NINE + timedelta(seconds=11)), {"clocks": "warn", "gateway": "ok"}),
        (Dated(time=NINE - timedelta(minutes=6)), {"clocks": "fail", "gateway": "ok"}),
        (GatewayStandIn(), {"gateway": "ok"}),
        (GatewayStandIn(key=STRANGERS_KEY), {"gateway": "fail"}),
        (GatewayStandIn(refusal=(403, "device-revoked")), {"gateway": "fail"}),
        (GatewayStandIn(refusal=(403, "unknown-device"), key=STRANGERS_KEY), {"gateway": "fail"}),
        (GatewayStandIn(refusal=(503, "busy")), {"gateway": "fail"}),
    ],
    ids=["good", "seconds apart", "minutes apart", "no time", "a stranger", "revoked", "does not know us", "busy"],
)
def test_the_gateway_is_asked_and_its_answer_checked(gateway: GatewayStandIn, found: dict[str, Verdict]) -> None:
    assert at_the_gateway(gateway) == found


def test_to_ask_the_gateway_changes_nothing_there() -> None:
    gateway = GatewayStandIn()

    at_the_gateway(gateway)

    # Not for its standing: each answer to that makes a new password, and puts a running station out.
    assert [url.path for url in gateway.asked] == ["/device/v1/roster"]


def test_a_gateway_that_nobody_has_confirmed_us_at_is_no_failure() -> None:
    gateway = GatewayStandIn(refusal=(403, "device-unconfirmed"))

    assert at_the_gateway(gateway, UNCONFIRMED) == {"gateway": "warn"}


def away(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("no route to host")


def test_a_gateway_that_is_not_reached_is_found() -> None:
    client = httpx2.Client(base_url=IDENTITY.gateway, transport=httpx2.MockTransport(away))

    assert verdicts(lines.gateway(IDENTITY, client, now=Hands())) == {"gateway": "fail"}


def test_the_broker_is_signed_in_to_and_left_again() -> None:
    broker = BrokerStandIn()

    assert verdicts(lines.broker(IDENTITY, broker, None)) == {"broker": "ok"}
    assert (broker.connections, broker.closed) == (1, 1)


def test_a_broker_that_is_away_and_a_kiosk_without_an_account_are_found() -> None:
    assert verdicts(lines.broker(IDENTITY, BrokerStandIn(away=True), None)) == {"broker": "fail"}
    assert verdicts(lines.broker(UNCONFIRMED, BrokerStandIn(), None)) == {"broker": "warn"}


# A station that runs


@dataclass
class Page:
    """What a running station serves, as far as the doctor asks for it."""

    online: bool = True
    trouble: str | None = None
    picture: bytes | None = None
    served: Served = field(init=False)

    def __post_init__(self) -> None:
        page = Flask("page")
        page.add_url_rule("/health", "health", lambda: jsonify(online=self.online, trouble=self.trouble))
        page.add_url_rule(
            "/picture.jpg", "picture", lambda: Response(self.picture or b"", 200 if self.picture else 204)
        )
        self.served = Served(page, host="127.0.0.1", port=0)


@pytest.fixture
def page() -> Iterator[Page]:
    page = Page()
    page.served.start()
    yield page
    page.served.stop()


@pytest.mark.enable_socket
def test_a_running_station_is_asked_instead_of_its_broker(page: Page) -> None:
    broker, running = BrokerStandIn(), Running(url=page.served.url)

    good = verdicts(lines.broker(IDENTITY, broker, running))
    page.online = False
    bad = verdicts(lines.broker(IDENTITY, broker, running))

    assert (good, bad) == ({"broker": "ok"}, {"broker": "fail"})
    assert broker.connections == 0, "a second connection of one account ends the first"


@pytest.mark.enable_socket
def test_the_trouble_of_a_running_station_is_told(page: Page) -> None:
    running = Running(url=page.served.url)

    good = verdicts([lines.station(running)])
    page.trouble = "disk_full"
    bad = lines.station(running)

    assert good == {"station": "ok"}
    assert (bad.verdict, bad.said) == ("fail", "runs, with trouble: disk_full")


@pytest.mark.enable_socket
def test_a_running_station_that_does_not_answer_is_found() -> None:
    running = Running(url="http://127.0.0.1:9")

    assert verdicts([lines.station(running)]) == {"station": "warn"}
    assert verdicts(lines.broker(IDENTITY, BrokerStandIn(), running)) == {"broker": "warn"}
    assert verdicts(sight.examine([running.picture()], seconds=0)) == {"camera": "fail", "codes": "ok"}


@pytest.mark.enable_socket
def test_the_camera_of_a_running_station_is_looked_through_on_its_screen(page: Page) -> None:
    frame = badge_frame(shows(ANNS_BADGE).text, seed=1)
    page.picture = cv2.imencode(".jpg", cv2.flip(frame, 1))[1].tobytes()
    running = Running(url=page.served.url)

    found = verdicts(sight.examine([running.picture()], badge=True, seconds=0))

    assert found == {"camera": "ok", "light": "ok", "focus": "ok", "badge": "ok", "codes": "ok"}


@pytest.mark.enable_socket
def test_a_running_station_without_a_picture_is_found(page: Page) -> None:
    running = Running(url=page.served.url)

    assert verdicts(sight.examine([running.picture()], seconds=0)) == {"camera": "fail", "codes": "ok"}


# All of it


def scenes(_: object) -> list[Source]:
    return [Scene([Trouble(where="camera 0", why="away")])]


def looked_over(data: Path, **fields: Any) -> dict[str, Verdict]:
    given: dict[str, Any] = {
        "engine": lambda settings: NobodysFaces(),
        "sources": scenes,
        "client": lambda address: GatewayStandIn().client(),
        "connect": BrokerStandIn(),
    }
    return verdicts(examine(settings.read(data=data), Hands().kiosk_clock(), **(given | fields)))


ALONE = ["camera", "codes", "faces", "clock", "disk room", "disk speed", "disk kind"]


def test_everything_is_looked_at_although_the_camera_is_away(data: Path) -> None:
    Outbox(data / FILE, stream=IDENTITY.stream).close()

    found = looked_over(data)

    assert list(found) == [*ALONE, "files", "identity", "outbox", "waiting", "gateway", "broker"]
    assert found.pop("camera") == "fail"
    assert found.pop("disk kind") in ("ok", "warn", "fail")  # wherever this test runs
    assert set(found.values()) == {"ok"}


def test_a_machine_without_a_gateway_is_looked_over_too(tmp_path: Path) -> None:
    assert list(looked_over(tmp_path / "nothing")) == [*ALONE, "identity"]


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(tmp_path: Path) -> None:
    engine = broken(RuntimeError("out of memory"))

    found = looked_over(tmp_path / "nothing", engine=lambda settings: engine())
    [said] = safely("faces", sight.faces(engine))

    assert (found["faces"], found["clock"]) == ("fail", "ok")
    assert said.said == "the check itself broke: RuntimeError: out of memory"


def test_the_command_prints_json_and_a_failure_ends_with_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cv2.imwrite(str(tmp_path / "room.png"), of_a_room())
    monkeypatch.setenv("TANDEM_KIOSK_SOURCE", f"folder:{tmp_path}")
    good = CliRunner().invoke(app, ["kiosk", "doctor", "--data", str(tmp_path / "data"), "--json"])
    model = tmp_path / "model.onnx"
    model.write_text("no model")
    for name, value in (("FACE_ENGINE", "sface"), ("DETECTOR_MODEL", model), ("RECOGNIZER_MODEL", model)):
        monkeypatch.setenv(f"TANDEM_KIOSK_{name}", str(value))
    monkeypatch.setenv("TANDEM_KIOSK_SOURCE", f"folder:{tmp_path / 'nothing'}")
    bad = CliRunner().invoke(app, ["kiosk", "doctor", "--data", str(tmp_path / "data")])

    found = {finding["check"]: finding["verdict"] for finding in json.loads(good.stdout)}
    assert found["camera"] == "ok"
    assert good.exit_code == (1 if "fail" in found.values() else 0)
    assert bad.exit_code == 1
    assert bad.stdout.startswith("fail  camera ")
    assert "there is no picture in this folder -> check the cable" in bad.stdout.splitlines()[0]
    assert bad.stdout.splitlines()[2].startswith("fail  faces       detector_model: ")
