"""What a monitoring system reads of a kiosk."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from kiosk.figures import KioskFigures, health
from kiosk.outbox import Outbox
from kiosk.station import Station
from tests.kiosk.cast import NINE, STREAM
from tests.kiosk.stand_in_station import Health, entered

WELL = Health()


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    outbox = Outbox(tmp_path / "outbox.sqlite", stream=STREAM)
    yield outbox
    outbox.close()


def station(outbox: Outbox, status: Health = WELL) -> Station:
    uplink = SimpleNamespace(ignored=2)
    return cast(Station, SimpleNamespace(outbox=outbox, uplink=uplink, status=lambda: status))


def figure(station: Station, name: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(KioskFigures(station, lambda: NINE + timedelta(minutes=5)))
    return registry.get_sample_value(name)


def test_what_waits_is_told_with_the_age_of_the_oldest(outbox: Outbox) -> None:
    for _ in range(3):
        outbox.put(lambda seq: entered(seq).model_copy(update={"stream": STREAM}))

    assert figure(station(outbox), "tandem_kiosk_waiting") == 3
    assert figure(station(outbox), "tandem_kiosk_waiting_seconds") == 300
    assert figure(station(outbox), "tandem_kiosk_last_number") == 3


def test_an_outbox_that_cannot_be_read_has_no_figures_and_the_others_stay(outbox: Outbox) -> None:
    outbox.close()

    assert figure(station(outbox), "tandem_kiosk_waiting") is None
    assert figure(station(outbox), "tandem_kiosk_online") == 1
    assert figure(station(outbox), "tandem_kiosk_ignored_messages_total") == 2


def test_a_source_that_is_lost_beside_others_is_named_and_no_fault(outbox: Outbox) -> None:
    half = station(outbox, Health(lost=("scanner_lost",)))

    assert health(half) == ({"status": "ok", "trouble": None, "missing": ["scanner_lost"], "online": True}, 200)
    assert figure(half, "tandem_kiosk_missing") == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(Health(), 200), (Health(online=False), 200), (Health(trouble="camera_lost"), 503), (Health(running=False), 503)],
    ids=["all well", "no network", "camera lost", "stopped"],
)
def test_a_kiosk_is_healthy_while_it_can_take_check_ins(outbox: Outbox, status: Health, code: int) -> None:
    body, answered = health(station(outbox, status))

    assert (answered, body["trouble"], body["online"]) == (code, status.trouble, status.online)
