"""What a monitoring system asks a kiosk: figures for Prometheus, and a health answer that tells the truth."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kiosk.outbox import Outbox, OutboxError
from kiosk.station import Station
from protocol.records import KioskRecord
from protocol.signing import Unreadable


class KioskFigures(Collector):
    """What a station knows of itself; no names, no badges."""

    def __init__(self, station: Station, now: Callable[[], datetime]) -> None:
        self._station, self._now = station, now

    def collect(self) -> Iterator[Metric]:
        """Ask the station."""
        status = self._station.status()
        yield GaugeMetricFamily("tandem_kiosk_online", "Whether the kiosk has its broker", value=status.online)
        yield GaugeMetricFamily("tandem_kiosk_trouble", "Whether the screen shows a fault", value=bool(status.trouble))
        yield GaugeMetricFamily(
            "tandem_kiosk_missing", "Sources that are lost while others go on", value=len(status.lost)
        )
        yield from self._outbox()
        yield CounterMetricFamily(
            "tandem_kiosk_ignored_messages", "Messages that were not the gateway's", value=self._station.uplink.ignored
        )

    def _outbox(self) -> Iterator[Metric]:
        try:
            standing, oldest = self._station.outbox.standing(), _oldest_waiting(self._station.outbox)
            quarantined = len(self._station.outbox.quarantine())
        except OutboxError:
            # Its absence is the alarm; the health answer says why.
            return
        age = max(0.0, (self._now() - oldest).total_seconds()) if oldest else 0.0
        yield GaugeMetricFamily("tandem_kiosk_waiting", "Check-ins without a receipt", value=standing.count)
        yield GaugeMetricFamily("tandem_kiosk_waiting_seconds", "Age of the oldest of them", value=age)
        yield GaugeMetricFamily("tandem_kiosk_quarantined", "Check-ins that the gateway rejected", value=quarantined)
        yield GaugeMetricFamily("tandem_kiosk_last_number", "The last number given out", value=standing.last_assigned)


def health(station: Station) -> tuple[dict[str, Any], int]:
    """Say whether the kiosk can take check-ins: 200 or 503. To be without a network is no fault of its own."""
    status = station.status()
    good = status.running and status.trouble is None
    body = {
        "status": "ok" if good else "failing",
        "trouble": status.trouble,
        "missing": list(status.lost),
        "online": status.online,
    }
    return body, 200 if good else 503


def _oldest_waiting(outbox: Outbox) -> datetime | None:
    for row in outbox.due(1):
        try:
            return KioskRecord.read(row.line).at
        except Unreadable:
            return None
    return None
