"""Claims about the station: everything together, over stand-ins for the camera, the gateway and the broker."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from time import monotonic

import cv2
import numpy as np
import pytest

from kiosk.answers import SHOWN, Answer
from kiosk.faces.gallery import Gallery
from kiosk.identity import FILE as IDENTITY_FILE
from kiosk.identity import MACHINE, Identity, IdentityCopied, NotRegistered
from kiosk.look import BadgeSeen, FaceSeen, Guide, Sighting, StrangerSeen
from kiosk.opening import open_station
from kiosk.outbox import FILE, Outbox, OutboxUnsafe
from kiosk.settings import read
from kiosk.source import CAMERA_LOST, Easel, Frame, Scanned, Seen, Trouble
from kiosk.station import Station
from protocol.messages import Config, Receipt
from protocol.roster import RosterLearner
from tests.kiosk.cast import (
    ACCOUNT,
    ANNS_BADGE,
    BOS_BADGE,
    IDENTITY,
    MINUTE,
    NINE,
    STREAM,
    TINAS_BADGE,
    GatewayStandIn,
    Hands,
    a_record,
    a_roster,
    a_session,
    eventually,
    shows,
)
from tests.kiosk.stand_in_broker import CONFIG, RECEIPT, BrokerStandIn
from tests.kiosk.test_outbox import CommitsLater

ANN = shows(ANNS_BADGE)
PICTURE = np.full((720, 1280, 3), 90, np.uint8)


class Camera:
    """A source that plays what a test hands it."""

    lost_code = CAMERA_LOST

    def __init__(self) -> None:
        self.seen: list[Seen | Exception] = []
        self.more = threading.Event()
        self.closed = False

    def frames(self) -> Iterator[Seen]:
        while not self.closed:
            self.more.wait(0.01)
            self.more.clear()
            while self.seen:
                seen = self.seen.pop(0)
                if isinstance(seen, Exception):
                    raise seen
                yield seen

    def close(self) -> None:
        self.closed = True

    def plays(self, *seen: Seen | Exception) -> None:
        self.seen.extend(seen)
        self.more.set()


class Look:
    """Sees what a test says is in the next frame."""

    def __init__(self) -> None:
        self.next: list[Sighting] = []
        self.allowed: frozenset[str] = frozenset()
        self.guide: Guide | None = None
        self.expected: str | None = None

    def expect(self, learner_id: str | None) -> None:
        self.expected = learner_id

    def see(self, frame: Frame, faces_allowed_for: frozenset[str], *, at: float) -> list[Sighting]:
        self.allowed = faces_allowed_for
        seen, self.next = self.next, []
        return seen


class World:
    """A station, and everything around it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.time = Hands()
        self.gateway, self.broker = GatewayStandIn(), BrokerStandIn()
        self.camera, self.look = Camera(), Look()
        self.gallery = Gallery(None, IDENTITY.gallery_key)
        self.identity: Identity = IDENTITY
        self.scanner: Camera | None = None
        self.mirror = True
        self.outbox: Outbox | None = None
        self.station: Station | None = None

    def open(self) -> Station:
        self.station = Station(
            self.identity,
            folder=self.folder,
            sources=[self.camera, *([self.scanner] if self.scanner else [])],
            clock=self.time.kiosk_clock(),
            look=self.look,
            gallery=self.gallery,
            outbox=self.outbox,
            client=self.gateway.client(),
            connect=self.broker,
            luck=lambda: 0.01,
            mirror=self.mirror,
        )
        return self.station

    def start(self) -> Station:
        station = self.open()
        station.start()
        assert eventually(lambda: station.status().online and station.book.day() is not None)
        return station

    def shows_sign(self, sign: Guide) -> None:
        self.look.guide = sign
        self.shows()

    def shows(self, *sightings: Sighting) -> None:
        self.look.next = list(sightings)
        self.camera.plays(Frame(image=PICTURE, number=0))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    if world.station:
        world.station.stop()


def the_next(station: Station, after: int = 0) -> Answer:
    answers = station.wait(after, 5)
    assert answers, "the station said nothing"
    return answers[-1]


# From the picture to the receipt


def test_ann_is_seen_told_kept_and_sent(world: World) -> None:
    station = world.start()

    world.shows(ANN)

    answer = the_next(station)
    assert (answer.kind, answer.name) == ("green", "Ann Li")
    assert eventually(lambda: world.broker.envelopes() == [[1]])


def test_the_second_tick_follows_the_receipt(world: World) -> None:
    station = world.start()
    record = station.sight(ANN).record  # type: ignore[union-attr]
    assert record is not None
    assert not station.is_delivered(record.id)
    assert station.status().waiting == 1

    world.broker.says(RECEIPT, Receipt(stream=STREAM, epoch=STREAM, number=1, upto=1))

    assert eventually(lambda: station.is_delivered(record.id))
    assert station.status().waiting == 0


def test_with_the_network_cut_records_wait_and_arrive_later(world: World) -> None:
    station = world.start()
    world.broker.away = True
    world.broker.breaks()
    assert eventually(lambda: not station.status().online)

    answer = station.sight(ANN)
    assert answer is not None
    assert (answer.kind, answer.code) == ("green", "offline")

    world.broker.away = False
    assert eventually(lambda: world.broker.envelopes() == [[1]])
    assert answer.record is not None
    assert answer.record.offline


def test_faces_are_looked_for_among_those_who_may_be(world: World) -> None:
    station = world.start()

    world.shows(FaceSeen(learner_id="bo", distance=0.3))

    assert the_next(station).name == "Bo Wang"
    assert world.look.allowed == {"bo"}
    assert station.status().faces


def test_without_the_gateway_a_started_kiosk_records_badges_amber(world: World) -> None:
    world.start().stop()
    world.gateway.refusal = (503, "away")
    world.broker.away, world.camera = True, Camera()
    world.gallery = Gallery(None, IDENTITY.gallery_key)
    station = world.open()
    station.start()

    world.shows(ANN)

    assert the_next(station).kind == "amber"
    assert station.status().roster_good_until is None


# Power cuts


def test_a_power_cut_loses_nothing_that_turned_green(world: World) -> None:
    station = world.start()
    green = [station.sight(ANN) for _ in range(5)]

    station.power_cut()

    outbox = Outbox(world.folder / FILE, stream=STREAM)
    assert [row.seq for row in outbox.due(10)] == [a.record.seq for a in green if a and a.record] == [1, 2, 3, 4, 5]
    outbox.close()


def test_its_sabotaged_twin_loses_the_last_one(world: World) -> None:
    world.outbox = CommitsLater(world.folder / FILE, stream=STREAM)
    station = world.start()
    for _ in range(5):
        station.sight(ANN)

    station.power_cut()

    outbox = Outbox(world.folder / FILE, stream=STREAM)
    assert [row.seq for row in outbox.due(10)] == [1, 2, 3, 4]
    outbox.close()


# What the screen asks


def test_a_screen_waits_for_the_next_answer(world: World) -> None:
    station = world.start()
    threading.Timer(0.05, lambda: station.sight(StrangerSeen())).start()
    begin = monotonic()

    [answer] = station.wait(0, 5)

    assert answer.kind == "ask_badge"
    assert monotonic() - begin < 2
    assert station.wait(answer.number, 0) == []


def test_only_the_last_answers_are_remembered(world: World) -> None:
    station = world.open()
    for _ in range(SHOWN + 10):
        station.sight(StrangerSeen())

    assert len(station.wait(0, 0)) == SHOWN


def test_the_learners_choice_becomes_an_answer(world: World) -> None:
    station = world.start()
    station.sight(ANN)
    world.time.now += 60 * MINUTE
    asked = station.sight(ANN)
    assert asked is not None
    assert asked.kind == "ask_direction"

    assert station.choose(asked.number, "out")

    [answer] = station.wait(asked.number, 0)
    assert (answer.kind, answer.direction) == ("green", "out")
    assert not station.choose(asked.number, "out")
    assert station.wait(answer.number, 0) == []


def test_the_picture_is_a_jpeg_of_the_last_frame(world: World) -> None:
    station = world.start()
    assert station.picture() is None

    world.shows()

    assert eventually(lambda: station.picture() is not None)
    picture = station.picture()
    assert picture is not None
    assert picture.startswith(b"\xff\xd8")


def test_a_stopped_station_lets_its_screens_go(world: World) -> None:
    station = world.start()
    left: list[bool] = []
    screen = threading.Thread(target=lambda: left.append(station.wait(0, 30) == []))
    screen.start()

    station.stop()
    screen.join(5)

    assert left == [True]
    assert not station.status().running


# Trouble


def test_a_lost_camera_is_said_and_forgotten_when_it_is_back(world: World) -> None:
    station = world.start()

    world.camera.plays(Trouble(where="camera 0", why="unplugged"))
    assert eventually(lambda: station.status().trouble == "camera_lost")
    world.shows()

    assert eventually(lambda: station.status().trouble is None)


def test_a_picture_that_upsets_the_eye_does_not_close_the_door(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.intake.BLINK", timedelta(0))
    station = world.start()

    world.camera.plays(ValueError("what is this?"))
    assert eventually(lambda: station.status().trouble == "camera_lost")
    world.shows(ANN)

    assert the_next(station).kind == "green"
    assert station.status().trouble is None


def test_when_the_disk_fails_nothing_turns_green(world: World) -> None:
    station = world.start()
    station.outbox._db.execute("PRAGMA query_only = ON")

    assert station.sight(ANN) is None
    assert station.wait(0, 0) == []
    assert station.status().trouble == "outbox_failed"

    station.outbox._db.execute("PRAGMA query_only = OFF")
    assert station.sight(ANN) is not None
    assert station.status().trouble is None


def test_a_full_disk_is_said_and_forgotten_when_there_is_room_though_nobody_scans(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.station.MENDING", timedelta(milliseconds=10))
    station = world.start()
    assert station.sight(ANN)
    [pages] = station.outbox._db.execute("PRAGMA page_count").fetchone()
    station.outbox._db.execute(f"PRAGMA max_page_count = {pages}")
    green = until_full(station)
    assert station.status().trouble == "disk_full"
    assert len(station.wait(0, 0)) == min(green, SHOWN)
    assert not eventually(lambda: station.status().trouble != "disk_full", seconds=0.1)

    station.outbox._db.execute("PRAGMA max_page_count = 100000")

    assert eventually(lambda: station.status().trouble is None)
    answer = station.sight(ANN)
    assert answer is not None
    assert answer.record is not None
    assert answer.record.seq == green + 1


def test_an_outbox_that_could_not_be_written_recovers_though_nobody_scans(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.station.MENDING", timedelta(milliseconds=10))
    station = world.start()
    station.outbox._db.execute("PRAGMA query_only = ON")
    assert station.sight(ANN) is None
    assert station.status().trouble == "outbox_failed"

    station.outbox._db.execute("PRAGMA query_only = OFF")

    assert eventually(lambda: station.status().trouble is None)


def until_full(station: Station) -> int:
    """Scan until nothing turns green any more; returns how many did, with the first."""
    green = 1
    while station.sight(ANN):
        green += 1
    return green


def test_a_receipt_for_numbers_of_a_copy_is_shown(world: World) -> None:
    station = world.start()
    station.sight(ANN)

    world.broker.says(RECEIPT, Receipt(stream=STREAM, epoch=STREAM, number=1, upto=9))

    assert eventually(lambda: station.status().trouble == "numbers_differ")
    answer = station.sight(ANN)
    assert answer is not None
    assert answer.record is not None
    assert answer.record.seq == 10


def test_a_kiosk_that_can_verify_no_badge_says_that_it_is_not_ready(world: World) -> None:
    world.gateway.refusal = (503, "away")
    station = world.open()
    station.start()
    assert eventually(lambda: station.status().trouble == "no_badge_keys")

    world.gateway.refusal = None

    assert eventually(lambda: station.status().trouble is None)


def test_a_revoked_kiosk_forgets_its_people(world: World) -> None:
    world.gallery.enrol("bo", [np.zeros(128, np.float32)], consent="consent-1")
    station = world.start()

    world.gateway.refusal = (403, "device-revoked")
    station.errands.hurry()

    assert eventually(lambda: station.status().trouble == "device_revoked")
    assert station.book.day() is None
    assert world.gallery.people() == frozenset()


def test_a_revoked_kiosk_whose_disk_fails_forgets_its_people_and_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.gallery.enrol("bo", [np.zeros(128, np.float32)], consent="consent-1")
    station = world.start()

    def full() -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(world.gallery, "_delete", full)
        world.gateway.refusal = (403, "device-revoked")
        station.errands.hurry()
        assert eventually(lambda: station.status().trouble == "device_revoked")
        assert eventually(lambda: world.gallery.people() == frozenset())

    world.gateway.refusal = None
    station.errands.hurry()
    assert eventually(lambda: station.status().trouble is None)
    assert station.gets_on


@pytest.mark.parametrize("kind", ["signature-wrong", "too-many-requests"])
def test_another_refusal_of_the_gateway_does_not_close_the_door(world: World, kind: str) -> None:
    station = world.start()
    asked = len(world.gateway.asked)

    world.gateway.refusal = (401, kind)
    station.errands.hurry()

    assert eventually(lambda: len(world.gateway.asked) > asked)
    answer = station.sight(ANN)
    assert answer is not None
    assert (answer.kind, station.status().trouble) == ("green", None)


# Errands


def test_news_of_a_roster_is_fetched_at_once(world: World) -> None:
    station = world.start()
    world.gateway.roster = a_roster(version="2")

    world.broker.says(CONFIG, Config(stream=STREAM, epoch=STREAM, number=1, roster="2"))

    assert eventually(lambda: (day := station.book.day()) is not None and day.version == "2")


def test_a_withdrawn_consent_takes_the_face_with_it(world: World) -> None:
    people = {"bo": "consent-1", "cy-of-another-day": "consent-2", "somebody-of-another-day": "consent-3"}
    for learner_id, consent in people.items():
        world.gallery.enrol(learner_id, [np.zeros(128, np.float32)], consent=consent)
    station = world.start()
    withdrawn = RosterLearner(id="bo", name="Bo Wang", role="reserve_manager")
    world.gateway.roster = a_roster(version="2", learners=(withdrawn,), withdrawn=("consent-2",))

    station.errands.hurry()

    assert eventually(lambda: world.gallery.people() == {"somebody-of-another-day"})


def test_a_face_that_is_enrolled_while_the_consent_ends_goes_with_the_next_question(world: World) -> None:
    world.gateway.roster = a_roster(learners=(RosterLearner(id="bo", name="Bo Wang", role="reserve_manager"),))
    station = world.start()
    world.gallery.enrol("bo", [np.zeros(128, np.float32)], consent="consent-1")

    station.errands.hurry()

    assert eventually(lambda: world.gallery.people() == frozenset())


def test_a_new_kiosk_waits_for_its_confirmation_and_keeps_the_account(world: World) -> None:
    world.identity, world.gateway.account = IDENTITY.model_copy(update={"account": None}), None
    station = world.open()
    station.start()
    assert eventually(lambda: len(world.gateway.asked) > 1)
    assert not station.status().online

    world.gateway.account = ACCOUNT

    assert eventually(lambda: station.status().online and station.book.day() is not None)
    assert Identity.load(world.folder).account == ACCOUNT
    assert all(url.path != "/device/v1/roster" for url in world.gateway.asked[:2])


def test_an_account_that_does_not_get_in_is_renewed(world: World) -> None:
    moved = ACCOUNT.model_copy(update={"port": 1999})
    world.gateway.account = moved
    world.broker.away = True
    station = world.open()
    station.start()

    assert eventually(lambda: (world.folder / IDENTITY_FILE).exists())
    world.broker.away = False

    assert Identity.load(world.folder).account == moved
    assert eventually(lambda: station.status().online)


def test_a_clock_that_the_gateway_agrees_with_is_good_enough(world: World) -> None:
    world.time.state = "unknown"
    station = world.open()
    before = station.sight(ANN)
    station.start()
    assert eventually(lambda: station.errands.clock_state() == "free_running" and station.status().online)
    world.time.now += 2 * MINUTE

    after = station.sight(ANN)

    assert before is not None
    assert after is not None
    assert (before.kind, after.kind) == ("red", "green")
    assert after.record is not None
    assert after.record.clock == "free_running"


def test_a_clock_that_somebody_sets_after_that_is_good_enough_no_more(world: World) -> None:
    world.time.state = "unknown"
    station = world.start()
    assert eventually(lambda: station.errands.clock_state() == "free_running")

    world.time.put_back(timedelta(hours=3))

    assert station.errands.clock_state() == "unknown"


def test_a_wrong_time_is_corrected_by_what_the_heartbeat_says_later(world: World) -> None:
    world.time.state, truly = "unknown", NINE
    world.time.put_back(timedelta(days=400))
    station = world.start()
    answer = station.sight(ANN)
    assert answer is not None
    assert answer.record is not None
    assert answer.record.at == truly - timedelta(days=400)
    assert station.outbox.boots() == ()

    world.time.put_back(-timedelta(days=400))
    world.time.now += MINUTE
    world.time.state = "synced"
    station.errands.hurry()

    assert eventually(lambda: station.outbox.boots() != ())
    [boot] = station.outbox.boots()
    assert boot.time_of(answer.record) == truly


def test_the_gateways_word_for_the_clock_says_nothing_of_when_the_boot_began(world: World) -> None:
    world.time.state = "unknown"

    station = world.start()

    assert eventually(lambda: station.errands.clock_state() == "free_running")
    assert station.outbox.boots() == ()


def test_records_of_long_ago_are_pruned_while_the_clock_is_known(world: World) -> None:
    station = world.open()
    station.sight(ANN)
    station.outbox.delivered(Receipt(stream=STREAM, epoch=STREAM, number=1, upto=1), at=NINE - timedelta(days=15))
    station.start()

    assert eventually(lambda: not station.outbox.is_delivered(1))


# Several sources, and what the screen shows beside answers


def test_a_scanned_badge_is_a_badge(world: World) -> None:
    world.scanner = Camera()
    station = world.start()

    world.scanner.plays(Scanned(text=ANN.text))

    assert the_next(station).name == "Ann Li"


def test_a_lost_scanner_takes_neither_the_picture_nor_the_trust(world: World) -> None:
    world.scanner = Camera()
    station = world.start()
    world.shows()
    assert eventually(lambda: station.picture() is not None)

    world.scanner.plays(Trouble(where="scanner", why="unplugged", code="scanner_lost"))

    assert eventually(lambda: station.status().lost == ("scanner_lost",))
    assert station.status().trouble is None
    assert station.picture() is not None


def test_what_says_most_is_said_first(world: World) -> None:
    station = world.start()
    world.camera.plays(Trouble(where="camera 0", why="unplugged"))
    assert eventually(lambda: station.status().trouble == "camera_lost")

    world.gateway.refusal = (403, "device-revoked")
    station.errands.hurry()

    assert eventually(lambda: station.status().trouble == "device_revoked")


def test_a_new_sign_wakes_the_screen(world: World) -> None:
    station = world.start()
    begin = monotonic()
    threading.Timer(0.05, lambda: world.shows_sign("blink")).start()

    assert station.watch(0, 5) == []

    assert monotonic() - begin < 4
    assert station.status().guide == "blink"


def test_whoever_has_the_list_open_is_not_told_to_look(world: World) -> None:
    station = world.start()
    station.sight(shows(TINAS_BADGE, kind="staff"))

    world.shows_sign("look_here")
    assert eventually(lambda: station.picture() is not None)

    assert station.status().guide is None


@pytest.mark.parametrize("mirror", [True, False])
def test_people_see_themselves_in_a_mirror_unless_a_setting_says_otherwise(world: World, mirror: bool) -> None:
    world.mirror = mirror
    station = world.start()
    image = PICTURE.copy()
    image[:, :640] = 250  # the left half is light

    world.camera.plays(Frame(image=image, number=0))
    assert eventually(lambda: station.picture() is not None)

    seen = cv2.imdecode(np.frombuffer(station.picture() or b"", np.uint8), cv2.IMREAD_GRAYSCALE)
    assert seen is not None
    assert (seen[:, :100].mean() < seen[:, -100:].mean()) == mirror


def test_a_roster_whose_time_is_over_is_still_known_to_have_been_there(world: World) -> None:
    station = world.start()
    until = station.status().roster_good_until
    world.gateway.refusal = (503, "away")

    world.time.now += timedelta(hours=24)

    assert station.book.day() is None
    assert station.status().roster_good_until == until


def test_a_face_that_never_comes_is_given_up_although_the_camera_is_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.station.MENDING", timedelta(milliseconds=10))
    world.gateway.roster = a_roster(a_session(least_assurance="badge+face"))
    world.gallery.enrol("bo", [np.zeros(128, np.float32)], consent="consent-1")
    station = world.start()
    asked = station.sight(shows(BOS_BADGE))
    assert asked is not None
    assert asked.kind == "look_here"

    world.time.now += timedelta(seconds=21)

    answer = the_next(station, asked.number)
    assert (answer.kind, answer.code) == ("red", "assurance_too_low")


def test_the_lease_of_the_faces_is_that_of_the_roster(world: World) -> None:
    world.gallery = Gallery(None, IDENTITY.gallery_key, now=world.time)
    world.gallery.enrol("bo", [np.zeros(128, np.float32)], consent="consent-1")
    world.start()
    assert eventually(lambda: world.gallery._until == NINE + timedelta(hours=23))

    world.time.now += timedelta(hours=23, seconds=1)

    assert world.gallery.people() == frozenset()


# Put together


def test_a_station_is_opened_from_its_settings(tmp_path: Path) -> None:
    IDENTITY.model_copy(update={"account": None}).save(tmp_path)
    settings = read(data=tmp_path, source=f"folder:{tmp_path}", gateway="http://127.0.0.1:9")

    station = open_station(settings, Hands().kiosk_clock())

    assert station.status().waiting == 0
    station.stop()


def test_faces_that_cannot_be_opened_do_not_close_the_door_for_badges(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    IDENTITY.model_copy(update={"account": None}).save(tmp_path)
    (tmp_path / "gallery.db").write_bytes(b"no database at all" * 300)

    station = open_station(read(data=tmp_path, source=f"folder:{tmp_path}"), Hands().kiosk_clock())

    assert not station.status().faces
    assert "enrol again after removing gallery.db" in caplog.text
    station.stop()


def test_a_copied_kiosk_does_not_open_and_keeps_its_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.opening.this_machine", lambda: b"this machine")
    IDENTITY.save(tmp_path)
    (tmp_path / MACHINE).write_text("another machine")
    with closing(Outbox(tmp_path / FILE, stream=STREAM)) as outbox:
        outbox.put(a_record)

    with pytest.raises(IdentityCopied, match="register this kiosk anew"):
        open_station(read(data=tmp_path), Hands().kiosk_clock())

    with closing(Outbox(tmp_path / FILE, stream=STREAM)) as outbox:
        assert [row.seq for row in outbox.due(10)] == [1]


def test_a_kiosk_whose_outbox_is_gone_does_not_begin_at_one_again(tmp_path: Path) -> None:
    IDENTITY.save(tmp_path)

    with pytest.raises(OutboxUnsafe, match="is missing: put it back, or register this kiosk anew"):
        open_station(read(data=tmp_path), Hands().kiosk_clock())


def test_an_unregistered_kiosk_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(NotRegistered):
        open_station(read(data=tmp_path), Hands().kiosk_clock())


def test_a_station_without_a_face_engine_works_by_badge(tmp_path: Path) -> None:
    easel, gateway = Easel(), GatewayStandIn()
    station = Station(
        IDENTITY,
        folder=tmp_path,
        sources=[easel],
        clock=Hands().kiosk_clock(),
        client=gateway.client(),
        connect=BrokerStandIn(),
    )
    station.start()
    try:
        assert eventually(lambda: station.book.day() is not None)
        assert not station.status().faces
        answer = station.sight(BadgeSeen(text=ANN.text, box=ANN.box))
        assert answer is not None
        assert answer.kind == "green"
    finally:
        station.stop()
