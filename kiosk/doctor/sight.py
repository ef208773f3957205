"""How well the station sees: its camera, the light, the focus, codes, faces, and its scanners."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from statistics import median

import cv2
import numpy as np

from kiosk.doctor.findings import Finding, Findings, fail, ok, warn
from kiosk.faces.engine import Face, FaceEngine, FaceEngineMissing, ModelUnusable
from kiosk.picture import Image
from kiosk.qr.codes import HAS_ZXING, Code, Reader, codes
from kiosk.source import Frame, Seen, Source, Trouble
from kiosk.sources.scanner import Lines, Scanner
from protocol.badge import PREFIX

LOOKING = 1.5  # seconds of pictures that are judged
WARMING_UP = 10  # pictures, while a camera finds its exposure
BADGE_TIME = 30.0  # seconds in which somebody finds a badge in a bag
SLOW = 5.0  # pictures a second
NARROW = 640  # pixels
DARK, BRIGHT = 50, 205  # mean brightness, 0 to 255
BLACK, WHITE = 8, 247
CLIPPED = 0.35  # of all pixels
BLURRED = 40.0  # variance of the Laplacian of a picture 640 pixels wide
SLOW_CODE, SLOW_FACE = 50.0, 300.0  # milliseconds; green has to come 150 ms after a badge, 600 ms after a face
CODE = PREFIX + "%ABC123 $*+-./:" * 9 + "XY"
"""As long as a badge."""
EYES_NOSE_MOUTH = ((600.0, 270.0), (680.0, 270.0), (640.0, 310.0), (610.0, 350.0), (670.0, 350.0))
SOMEWHERE = Face(box=(200, 740, 400, 540), quality=1.0, marks=EYES_NOSE_MOUTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What came through a source in a few seconds."""

    image: Image
    rate: float  # pictures a second


def examine(sources: Sequence[Source], *, badge: bool = False, seconds: float = LOOKING) -> Findings:
    """Look through the camera, and ask each scanner whether it is there."""
    for source in sources:
        with closing(source):
            if isinstance(source, Scanner | Lines):
                yield scanner(source)
            else:
                yield from camera(source, badge=badge, seconds=seconds)
    yield drawn_code()


def camera(source: Source, *, badge: bool = False, seconds: float = LOOKING) -> Findings:
    """Judge the picture; without one there is nothing more to judge."""
    playing = source.frames()
    view = _view(playing, seconds)
    if isinstance(view, Trouble):
        yield fail("camera", f"{view.where}: {view.why}", "check the cable, the power, and `source` in kiosk.toml")
        return
    yield picture(view)
    yield light(view.image)
    yield focus(view.image)
    if badge:
        yield held_up(playing)


def picture(view: View) -> Finding:
    """Judge size and rate."""
    height, width = view.image.shape[:2]
    said = f"{width}x{height}, {view.rate:.1f} pictures a second"
    if view.rate < SLOW:
        return warn("camera", said, "more light makes cameras faster; or ask for less with camera_width, camera_height")
    if min(width, height) < NARROW * 3 // 4:
        return warn("camera", said, "ask for more with camera_width and camera_height, or take another camera")
    return ok("camera", said)


def light(image: Image) -> Finding:
    """Judge whether faces and badges are lit."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    mean, black, white = float(grey.mean()), float((grey <= BLACK).mean()), float((grey >= WHITE).mean())
    said = f"mean {mean:.0f} of 255, {black:.0%} black, {white:.0%} white"
    if mean < DARK or black > CLIPPED:
        return warn("light", said, "it is too dark: more light from the side of the camera, or a cover to take off")
    if mean > BRIGHT or white > CLIPPED:
        return warn("light", said, "it is too bright: turn the camera away from the window or the lamp")
    return ok("light", said)


def focus(image: Image) -> Finding:
    """Judge whether edges are sharp; a bare wall has none."""
    height, width = image.shape[:2]
    size = (NARROW, max(1, round(height * NARROW / width)))
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), size, interpolation=cv2.INTER_AREA)
    sharpness = float(cv2.Laplacian(grey, cv2.CV_32F).var())
    if sharpness < BLURRED:
        todo = "wipe the lens and set its focus to 50 cm; if only a bare wall is in view, stand there and try again"
        return warn("focus", f"sharpness {sharpness:.0f}, at least {BLURRED:.0f} is wanted", todo)
    return ok("focus", f"sharpness {sharpness:.0f}")


def drawn_code(read: Callable[[Image], list[Code]] = codes) -> Finding:
    """Draw a code as long as a badge's and read it."""
    image = drawn(CODE)
    times = list[float]()
    for _ in range(5):
        began_at = time.perf_counter()
        found = [code.text for code in read(image)]
        times.append((time.perf_counter() - began_at) * 1000)
        if found != [CODE]:
            return fail(
                "codes", "a code that was drawn was not read", "install the program again: its reader is broken"
            )
    said = f"a badge's code is read in {median(times):.0f} ms"
    if not HAS_ZXING:
        return warn("codes", said, "zxing-cpp is not installed: fewer codes are read, and slower")
    if median(times) > SLOW_CODE:
        return warn("codes", said, "this machine is slow: smaller pictures help (camera_width, camera_height)")
    return ok("codes", said)


def drawn(text: str) -> Image:
    """Draw a code on white, as a badge shows it."""
    code = cv2.QRCodeEncoder.create().encode(text)
    large = cv2.resize(code, None, fx=6, fy=6, interpolation=cv2.INTER_NEAREST)
    sides = (720 - large.shape[0]) // 2, (1280 - large.shape[1]) // 2
    framed = cv2.copyMakeBorder(large, sides[0], sides[0], sides[1], sides[1], cv2.BORDER_CONSTANT, value=(255,))
    return np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR), np.uint8)


def held_up(playing: Iterator[Seen], *, seconds: float = BADGE_TIME) -> Finding:
    """Wait for a badge before the camera."""
    ends_at = time.monotonic() + seconds
    reader, others = Reader(), 0
    for seen in playing:
        texts = [code.text for code in reader.read(seen.image)] if isinstance(seen, Frame) else []
        if any(text.startswith(PREFIX) for text in texts):
            return ok("badge", "read; whether it is valid here, the station says")
        others += len(texts)
        if time.monotonic() > ends_at:
            break
    if others:
        return warn("badge", "a code was read, but it is no badge", "hold up a badge that the gateway has issued")
    return fail("badge", f"no badge was read in {seconds:.0f} seconds", "see light and focus; hold it 20 to 40 cm away")


def scanner(source: Source) -> Finding:
    """Ask a scanner whether it is there; lines from another program are taken on trust."""
    if isinstance(source, Lines):
        return ok("scanner", "lines come from another program")
    [seen] = islice(source.frames(), 1)
    if isinstance(seen, Trouble):
        return fail("scanner", f"{seen.where}: {seen.why}", "`ls /dev/input/by-id/` says what is plugged in")
    return ok("scanner", "is there, and ours alone")


def faces(engine: Callable[[], FaceEngine]) -> Findings:
    """Say how fast faces are found and compared, on a picture of nobody."""
    try:
        faces = engine()
    except FaceEngineMissing as error:
        yield warn("faces", "no face engine: this station works by badge", str(error))
        return
    except ModelUnusable as error:
        yield fail("faces", str(error), "put the file there, or correct its name in kiosk.toml")
        return
    nobody = np.random.default_rng(1).integers(0, 256, (720, 1280, 3), np.uint8)
    find = _milliseconds(lambda: faces.find(nobody))
    encode = _milliseconds(lambda: faces.encode(nobody, SOMEWHERE))
    yield pace(find, encode)


def pace(find: float, encode: float) -> Finding:
    """Judge the milliseconds of one face."""
    said = f"{find:.0f} ms to find, {encode:.0f} ms to encode one"
    if find + encode > SLOW_FACE:
        return warn("faces", said, "people will wait: a faster machine, or badges at this door")
    return ok("faces", said)


def _milliseconds(work: Callable[[], object]) -> float:
    work()  # the first time something is loaded
    times = list[float]()
    for _ in range(3):
        began_at = time.perf_counter()
        work()
        times.append((time.perf_counter() - began_at) * 1000)
    return median(times)


def _view(playing: Iterator[Seen], seconds: float) -> View | Trouble:
    """Let the camera warm up, then count."""
    count, began_at = 0, time.monotonic()
    for seen in playing:
        if isinstance(seen, Trouble):
            return seen
        if not isinstance(seen, Frame):
            continue
        if seen.number == WARMING_UP:
            count, began_at = 0, time.monotonic()
        count, since = count + 1, time.monotonic() - began_at
        if seen.number > WARMING_UP and since >= seconds:
            return View(image=seen.image, rate=(count - 1) / since)
    return Trouble(where="camera", why="the pictures have ended")
