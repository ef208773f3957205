"""One check-in, all the way: from a picture before the camera to an hour record that HR pulls."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest
from flask import Flask

from gateway import keys, settings, watch
from gateway.intake import Message as Received
from gateway.intake import take_in
from gateway.web import create_app
from kiosk.answers import Answer
from kiosk.broker import Message
from kiosk.clock import KioskClock
from kiosk.registration import register, standing
from kiosk.source import Easel
from kiosk.station import Station
from ledger.database import Ledger
from tandem.acts import table
from tandem.demo import player, reckoning, show
from tandem.demo.clock import DayClock
from tandem.demo.pictures import badge_frame, empty_frame
from tests.cast import BOOT, EVENING, at, company

SCOPES = ["hours:read", "reviews:read"]


@pytest.mark.enable_socket
def test_from_a_picture_to_hr_over_the_real_broker_and_servers(tmp_path: Path) -> None:
    with show.open_show(tmp_path) as stage:
        clock, ann = stage.clock, stage.company.badges["ann"]
        clock.jump(stage.company.at("08:55"))
        arrived = shown(stage.door.station, stage.door.easel, badge_frame(ann, seed=1))
        clock.jump(stage.company.at("12:00"))
        left = shown(stage.door.station, stage.door.easel, badge_frame(ann, seed=2))
        player.until_sent(stage.door)
        clock.jump(stage.company.at("12:31"))
        watch.tick(stage.machine.ledger, now=clock.now())
        [record] = reckoning.pull(stage.machine.url, stage.key).records

    assert [answer.kind for answer in (arrived, left)] == ["green", "green"]
    assert (record["personnel_number"], record["minutes"], record["credit"], record["rule"]) == (
        "1001", 165, "3.5", "cn-45@1"
    )  # fmt: skip
    assert record["check_ins"] == [str(answer.record.id) for answer in (arrived, left) if answer.record]
    assert "165" in record["sentence"]["en"]


def test_from_a_picture_to_hr_over_stand_ins(tmp_path: Path) -> None:
    ledger, clock = company(), DayClock(at("08:40"))
    secrets, read = keys.make(), settings.read(data=tmp_path)
    app, acts = create_app(ledger, secrets, read, clock.now), table(ledger, secrets, read, clock.now)
    code = acts["device code"](room="room-1")["code"]
    identity = register("http://gateway", code, name="door", data_dir=tmp_path, client=client(app))
    acts["device confirm"](device=identity.device, fingerprint=identity.fingerprint)
    badge = acts["badge issue"](person="ann")["text"]
    easel = Easel()
    easel.show(empty_frame(0))
    station = Station(
        standing(identity, client(app), at=clock.now()),
        folder=tmp_path,
        sources=[easel],
        clock=KioskClock(now=clock.now, monotonic=clock.monotonic, boot=BOOT, state=lambda: "synced"),
        client=client(app),
        connect=lambda account, subscribe: Wire(ledger, secrets, clock, subscribe),
        frame_time=clock.monotonic,
    )
    station.start()
    until(lambda: station.status().online and station.status().roster_good_until is not None)

    clock.jump(at("09:20"))
    arrived = shown(station, easel, badge_frame(badge, seed=1))
    clock.jump(at("11:50"))
    left = shown(station, easel, badge_frame(badge, seed=2))
    until(lambda: station.status().waiting == 0)
    station.stop()
    watch.tick(ledger, now=EVENING)
    key = acts["key create"](name="HR", scopes=SCOPES)["key"]
    with client(app) as hr:
        page = hr.get("/api/v1/hour-records", headers={"Authorization": f"Bearer {key}"}).json()

    assert [(answer.kind, answer.direction) for answer in (arrived, left)] == [("green", "in"), ("green", "out")]
    assert [(r["person"], r["minutes"], r["credit"]) for r in page["records"]] == [("ann", 150, "3.0")]


class Wire:
    """A broker of no length: what the kiosk publishes is committed, and the receipts come back."""

    def __init__(self, ledger: Ledger, secrets: keys.Keys, clock: DayClock, subscribe: Sequence[str]) -> None:
        self._ledger, self._key, self._clock, self._subscribed = ledger, secrets.gateway, clock, subscribe
        self._coming: list[Message] = []
        self._woken = Event()

    def publish(self, topic: str, payload: bytes) -> None:
        receipts = take_in(self._ledger, [Received(1, 1, 1, topic, payload)], self._key, self._clock.now())
        self._coming += [Message(name, data) for name, data in receipts if name in self._subscribed]

    def wait(self, seconds: float) -> list[Message]:
        if not self._coming:
            self._woken.wait(seconds)
            self._woken.clear()
        coming, self._coming = self._coming, []
        return coming

    def wake(self) -> None:
        self._woken.set()

    def close(self) -> None:
        """There is nothing to close."""


def client(app: Flask) -> httpx2.Client:
    return httpx2.Client(base_url="http://gateway", transport=httpx2.WSGITransport(app=app))


def shown(station: Station, easel: Easel, picture: Any) -> Answer:
    """Hold a picture before the camera until the station has answered."""
    before = max((answer.number for answer in station.wait(0, 0)), default=0)
    easel.show(picture)
    [answer] = station.wait(before, 10)
    easel.show(empty_frame(0))
    return answer


def until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not reached() and time.monotonic() < end:
        time.sleep(0.02)
