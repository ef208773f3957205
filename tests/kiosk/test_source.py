"""Claims about where pictures come from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, TypeAlias

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from kiosk.picture import Image
from kiosk.qr.codes import codes
from kiosk.source import Easel, Frame, Seen, Trouble
from kiosk.sources.camera import AWAY, HANGS, MOST_HANGING, Camera, device, shown, stream
from kiosk.sources.folder import Folder, Video
from tandem.demo.pictures import badge_frame
from tests.kiosk.cast import eventually

Picture: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]

AT_ONCE = timedelta(0)
SOON = timedelta(milliseconds=50)
LONG = timedelta(seconds=30)


def plain(width: int, height: int, colour: tuple[int, int, int] = (10, 120, 230)) -> Image:
    return np.full((height, width, 3), colour, np.uint8)


def saved(path: Path, image: Picture) -> Path:
    assert cv2.imwrite(str(path), image)
    return path


# A folder, a video, an easel


def test_a_folder_plays_in_the_order_of_names(tmp_path: Path) -> None:
    for name, shade in (("b.png", 20), ("a.png", 10), ("c.jpg", 30)):
        saved(tmp_path / name, plain(8, 8, (shade, shade, shade)))
    (tmp_path / "notes.txt").write_text("not a picture")

    frames = [seen for seen in Folder(tmp_path, each=2, pace=AT_ONCE).frames() if isinstance(seen, Frame)]

    assert [int(frame.image[0, 0, 0]) for frame in frames] == [10, 10, 20, 20, 30, 30]
    assert [frame.number for frame in frames] == [0, 1, 2, 3, 4, 5]


def test_a_corrupt_picture_is_named_and_the_playing_goes_on(tmp_path: Path) -> None:
    good = saved(tmp_path / "1.png", plain(60, 60)).read_bytes()
    (tmp_path / "2.png").write_bytes(good[: len(good) // 2])
    saved(tmp_path / "3.png", plain(8, 8))

    seen = list(Folder(tmp_path, each=1, pace=AT_ONCE).frames())

    assert [type(one) for one in seen] == [Frame, Trouble, Frame]
    assert seen[1] == Trouble(where="2.png", why="2.png is damaged")


@pytest.mark.parametrize("name", ["", "not-there"], ids=["empty", "missing"])
def test_a_folder_without_pictures_says_so(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name

    assert list(Folder(folder, pace=AT_ONCE).frames()) == [
        Trouble(where=str(folder), why="there is no picture in this folder")
    ]


def test_a_repeating_folder_plays_until_it_is_closed(tmp_path: Path) -> None:
    saved(tmp_path / "one.png", plain(8, 8))
    folder = Folder(tmp_path, each=1, pace=AT_ONCE, repeat=True)
    playing = folder.frames()

    assert len(list(islice(playing, 5))) == 5
    folder.close()
    assert list(playing) == []


def filmed(path: Path, shades: list[int]) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    assert writer.isOpened()
    for shade in shades:
        writer.write(plain(64, 48, (shade, shade, shade)))
    writer.release()
    return path


def test_a_video_plays_every_picture_of_it(tmp_path: Path) -> None:
    path = filmed(tmp_path / "door.avi", [40, 80, 120])

    frames = [seen for seen in Video(path, pace=AT_ONCE).frames() if isinstance(seen, Frame)]

    assert [round(int(frame.image[0, 0, 0]) / 40) for frame in frames] == [1, 2, 3]
    assert frames[0].image.shape == (48, 64, 3)


def test_a_repeating_video_begins_again_until_it_is_closed(tmp_path: Path) -> None:
    video = Video(filmed(tmp_path / "door.avi", [40, 80]), pace=AT_ONCE, repeat=True)
    playing = video.frames()

    assert [one.number for one in islice(playing, 5) if isinstance(one, Frame)] == [0, 1, 2, 3, 4]
    video.close()
    assert list(playing) == []


@pytest.mark.parametrize("data", [None, b"", b"not a video" * 100], ids=["missing", "empty", "text"])
def test_what_is_no_video_says_so(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "door.mp4"
    if data is not None:
        path.write_bytes(data)

    seen = next(Video(path).frames())

    assert seen == Trouble(where="door.mp4", why="this is no video that can be played")


def test_an_easel_keeps_showing_the_last_picture() -> None:
    easel = Easel(pace=AT_ONCE)
    easel.show(plain(4, 4, (1, 1, 1)))
    playing = easel.frames()

    first = shades(islice(playing, 3))
    easel.show(plain(4, 4, (2, 2, 2)))
    second = shades(islice(playing, 3))
    easel.close()

    assert (first, second, list(playing)) == ([1, 1, 1], [2, 2, 2], [])


def shades(seen: Iterator[Seen]) -> list[int]:
    return [int(one.image[0, 0, 0]) for one in seen if isinstance(one, Frame)]


# A camera


class Hand:
    """A capture that gives what a test hands it; None breaks it, and without anything it hangs."""

    def __init__(self, *given: Any, opens: bool = True) -> None:
        self.opens = opens
        self.given = SimpleQueue[Any]()
        self.released = Event()
        for one in given:
            self.given.put(one)

    def isOpened(self) -> bool:  # noqa: N802
        return self.opens

    def read(self) -> tuple[bool, Any]:
        image = self.given.get()
        if isinstance(image, Exception):
            raise image
        return image is not None, image

    def release(self) -> None:
        self.released.set()


@pytest.fixture
def look() -> Iterator[Callable[..., Camera]]:
    """Make a camera whose captures are handed over, and let every one of them go in the end."""
    opened, handed = list[Camera](), list[Hand]()

    def make(*captures: Hand, **fields: Any) -> Camera:
        waiting = iter(captures)
        handed.extend(captures)
        opened.append(Camera(0, open_capture=lambda: next(waiting), **({"again": AT_ONCE} | fields)))
        return opened[-1]

    yield make
    for camera in opened:
        camera.close()
    for capture in handed:
        capture.given.put(None)


ONE, TWO = plain(4, 4, (1, 1, 1)), plain(4, 4, (2, 2, 2))


def test_a_camera_that_goes_away_is_reported_and_opened_again(look: Callable[..., Camera]) -> None:
    away, first, second = Hand(opens=False), Hand(ONE), Hand(TWO)
    playing = look(away, first, second).frames()

    seen = [next(playing), next(playing)]
    first.given.put(None)
    seen += [next(playing), next(playing)]

    assert [type(one) for one in seen] == [Trouble, Frame, Trouble, Frame]
    assert seen[0] == Trouble(where="camera 0", why=AWAY)
    assert [one.number for one in seen if isinstance(one, Frame)] == [0, 1]
    assert away.released.is_set()
    assert first.released.is_set()


def test_a_camera_that_hangs_in_a_read_is_reported_and_opened_again(look: Callable[..., Camera]) -> None:
    hanging, good = Hand(ONE), Hand(TWO)
    playing = look(hanging, good, patience=SOON).frames()

    seen = [next(playing), next(playing), next(playing)]

    assert [type(one) for one in seen] == [Frame, Trouble, Frame]
    assert seen[1] == Trouble(where="camera 0", why=HANGS)
    assert not hanging.released.is_set()
    hanging.given.put(ONE)
    assert hanging.released.wait(5), "a driver that comes back has to be let go of"


def test_a_camera_that_hangs_while_it_is_opened_is_reported() -> None:
    never = Event()
    camera = Camera(0, open_capture=lambda: Hand(opens=never.wait(5)), opening=SOON, again=AT_ONCE)

    seen = next(camera.frames())
    never.set()

    assert seen == Trouble(where="camera 0", why=HANGS)


def test_a_camera_that_hangs_for_good_takes_three_threads_and_no_more(look: Callable[..., Camera]) -> None:
    hanging = [Hand() for _ in range(MOST_HANGING)]
    good = Hand(ONE)
    playing = look(*hanging, good, opening=SOON, again=timedelta(milliseconds=10)).frames()

    seen = list(islice(playing, MOST_HANGING + 3))
    for capture in hanging:
        capture.given.put(None)
    afterwards = next(one for one in playing if isinstance(one, Frame))

    assert seen == [Trouble(where="camera 0", why=HANGS)] * (MOST_HANGING + 3)
    assert afterwards.number == 0


def test_a_slow_look_gets_the_newest_picture(look: Callable[..., Camera]) -> None:
    capture = Hand(ONE)
    playing = look(capture).frames()
    next(playing)

    for shade in (3, 4, 5):
        capture.given.put(plain(4, 4, (shade, shade, shade)))
    assert eventually(capture.given.empty)
    shades = [int(frame.image[0, 0, 0]) for frame in islice(playing, 1) if isinstance(frame, Frame)]

    assert shades[0] >= 4  # the last one may still be on its way through the thread


@pytest.mark.parametrize(
    "raw, why",
    [
        (np.zeros((0, 0, 3), np.uint8), "no picture of eight or sixteen bits"),
        (np.zeros((4, 4, 3), np.float32), "no picture of eight or sixteen bits"),
        (np.zeros((4, 4, 2), np.uint8), "1, 3 or 4 channels, this has the shape (4, 4, 2)"),
        (np.zeros(16, np.uint8), "1, 3 or 4 channels"),
        ("picture", "no picture"),
    ],
    ids=["nothing", "floats", "raw video", "a line", "text"],
)
def test_a_camera_that_hands_over_what_is_no_picture_is_reported(
    look: Callable[..., Camera], raw: Any, why: str
) -> None:
    seen = list(islice(look(Hand(raw), Hand(ONE)).frames(), 2))

    assert isinstance(seen[0], Trouble)
    assert why in seen[0].why
    assert isinstance(seen[1], Frame)


@pytest.mark.parametrize(
    "raw",
    [
        np.full((30, 40), 200, np.uint8),
        np.full((30, 40, 1), 200, np.uint8),
        np.full((30, 40), 200 * 257, np.uint16),
        np.full((30, 40, 3), 200 * 257, np.uint16),
        np.full((30, 40, 4), 200, np.uint8),
        np.full((60, 80, 3), 200, np.uint8)[::2, ::2],
    ],
    ids=["grey", "one channel", "grey with sixteen bits", "sixteen bits", "alpha", "not in one piece"],
)
def test_every_kind_of_frame_becomes_eight_bits_in_three_channels(look: Callable[..., Camera], raw: Picture) -> None:
    seen = next(look(Hand(raw)).frames())

    assert isinstance(seen, Frame)
    assert seen.image.shape == (30, 40, 3)
    assert seen.image.dtype == np.uint8
    assert seen.image.flags.c_contiguous
    assert (seen.image == 200).all()


def test_a_frame_of_more_than_twelve_megapixel_is_scaled_down(look: Callable[..., Camera]) -> None:
    seen = next(look(Hand(plain(5000, 3000))).frames())

    assert isinstance(seen, Frame)
    height, width = seen.image.shape[:2]
    assert 11_000_000 < width * height <= 12_000_000


def test_a_badge_is_read_on_while_frames_change_their_size_and_kind(look: Callable[..., Camera]) -> None:
    frame = badge_frame("T1:ANN", seed=1)
    grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
    shapes = [frame, cv2.resize(frame, (1600, 1200)), grey, cv2.resize(grey, (500, 400)), plain(1, 1), frame]
    capture = Hand()
    playing = look(capture).frames()

    read = []
    for shape in shapes:
        capture.given.put(shape)
        seen = next(playing)
        assert isinstance(seen, Frame)
        read.append([code.text for code in codes(seen.image)])

    assert read == [["T1:ANN"]] * 4 + [[], ["T1:ANN"]]


@pytest.mark.parametrize(
    "degrees, shape, corner",
    [(0, (3, 4, 3), (0, 0)), (90, (4, 3, 3), (0, 2)), (180, (3, 4, 3), (2, 3)), (270, (4, 3, 3), (3, 0))],
)
def test_a_camera_on_its_side_is_set_upright(
    look: Callable[..., Camera], degrees: int, shape: tuple[int, ...], corner: tuple[int, int]
) -> None:
    raw = plain(4, 3, (0, 0, 0))
    raw[0, 0] = 255

    seen = next(look(Hand(raw), rotate=degrees).frames())

    assert isinstance(seen, Frame)
    assert seen.image.shape == shape
    assert seen.image[corner].tolist() == [255, 255, 255]


def test_a_closed_camera_lets_the_device_go(look: Callable[..., Camera]) -> None:
    capture = Hand(ONE)
    camera = look(capture, patience=LONG)
    playing = camera.frames()
    next(playing)

    Thread(target=camera.close).start()

    assert list(playing) == []
    capture.given.put(ONE)
    assert capture.released.wait(5)


def test_a_driver_that_throws_is_a_camera_that_is_away(look: Callable[..., Camera]) -> None:
    throwing = Hand(cv2.error("VIDIOC_DQBUF: No such device"))

    seen = list(islice(look(throwing, Hand(ONE)).frames(), 2))

    assert [type(one) for one in seen] == [Trouble, Frame]
    assert throwing.released.is_set()


def test_a_camera_that_fails_in_ways_of_python_is_opened_again_every_time(look: Callable[..., Camera]) -> None:
    failing = [Hand(MemoryError()) for _ in range(MOST_HANGING + 1)]

    seen = list(islice(look(*failing, Hand(ONE), opening=SOON).frames(), MOST_HANGING + 2))

    assert seen[:-1] == [Trouble(where="camera 0", why=AWAY)] * (MOST_HANGING + 1)
    assert isinstance(seen[-1], Frame)


def test_what_failed_in_a_camera_is_in_the_log(look: Callable[..., Camera], caplog: pytest.LogCaptureFixture) -> None:
    next(look(Hand(MemoryError("no room for a picture"))).frames())

    assert "no room for a picture" in caplog.text


def test_a_camera_that_this_machine_does_not_have_is_reported_once(capfd: pytest.CaptureFixture[str]) -> None:
    camera = Camera(63, open_capture=partial(device, 63, width=640, height=480))

    assert next(camera.frames()) == Trouble(where="camera 63", why=AWAY)
    assert capfd.readouterr() == ("", "")


# A network camera


class Door(ThreadingHTTPServer):
    """A network camera: pictures as JPEG, one after the other, until it vanishes."""

    daemon_threads = True
    gone = Event()
    silent = Event()


class Pictures(BaseHTTPRequestHandler):
    server: Door

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        jpeg = cv2.imencode(".jpg", plain(64, 48))[1].tobytes()
        part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg) + jpeg + b"\r\n"
        try:
            while not self.server.gone.wait(0.02):
                if not self.server.silent.is_set():
                    self.wfile.write(part)
        except OSError:
            pass

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def a_door(port: int = 0) -> Iterator[Door]:
    server = Door(("127.0.0.1", port), Pictures)
    server.gone, server.silent = Event(), Event()
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.gone.set()
        server.shutdown()
        server.server_close()
        thread.join()


def until(kind: type, playing: Iterator[Seen]) -> Any:
    return next(one for one in playing if isinstance(one, kind))


@pytest.mark.enable_socket
def test_a_network_camera_that_vanishes_is_survived_and_its_password_is_never_said(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with a_door() as door:
        port = door.server_port
        address = f"http://ann:hunter2@127.0.0.1:{port}/door?key=sesame"
        camera = Camera(address, open_capture=partial(stream, address), again=timedelta(milliseconds=100))
        playing = camera.frames()
        first = until(Frame, playing)
    lost = until(Trouble, playing)
    with a_door(port):
        back = until(Frame, playing)
        camera.close()

    assert (first.image.shape, back.image.shape) == ((48, 64, 3), (48, 64, 3))
    assert lost.where == f"camera http://127.0.0.1:{port}"
    written = "".join(capfd.readouterr())
    assert "hunter2" not in written + str(lost)
    assert "sesame" not in written + str(lost)


@pytest.mark.enable_socket
def test_a_network_camera_that_falls_silent_is_reported() -> None:
    with a_door() as door:
        address = f"http://127.0.0.1:{door.server_port}/"
        limit = timedelta(milliseconds=300)
        camera = Camera(address, open_capture=partial(stream, address, patience=limit), patience=limit, again=AT_ONCE)
        playing = camera.frames()
        until(Frame, playing)

        door.silent.set()
        lost = until(Trouble, playing)
        door.silent.clear()
        back = until(Frame, playing)
        camera.close()

    assert lost.why in (AWAY, HANGS)
    assert back.number > 0


@pytest.mark.parametrize(
    "which, name",
    [
        (2, "2"),
        ("rtsp://ann:hunter2@192.0.2.7:554/s/1?token=x", "rtsp://192.0.2.7:554"),
        ("http://a@b:c@192.0.2.7", "http://192.0.2.7"),
        ("rtsps://[2001:db8::7]/x", "rtsps://[2001:db8::7]"),
    ],
)
def test_a_camera_is_named_without_its_secrets(which: int | str, name: str) -> None:
    assert shown(which) == name
