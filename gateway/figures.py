"""What a monitoring system asks the gateway: figures for Prometheus, and a health answer that tells the truth."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session as Db

from gateway.reception import Reception
from gateway.watch import Watch
from ledger import deliveries
from ledger.database import Ledger
from ledger.tables import DeadLetterRow, DeviceRow, DirtyDayRow, StreamRow, UnnumberedRow

DEVICE = ("site", "device")
STALLED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to work, and what is wrong with it if it does not."""

    name: str
    wrong: str | None = None

    @property
    def good(self) -> bool:
        """Say whether it works."""
        return self.wrong is None


class LedgerFigures(Collector):
    """What the ledger knows; asking it costs a few small queries."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self._ledger, self._clock = ledger, clock

    def collect(self) -> Iterator[Metric]:
        """Ask the ledger."""
        now = self._clock()
        with self._ledger.read() as db:
            yield from _streams(db, now)
            yield from _outbox(db, now)
            yield _dead_letters(db)
            yield from _waiting(db, now)


def check_database(ledger: Ledger) -> Check:
    """Say whether the database answers."""
    try:
        with ledger.read() as db:
            db.execute(sa.select(1))
    except SQLAlchemyError as error:
        return Check("database", type(error).__name__)
    return Check("database")


def check_ingest(reception: Reception) -> Check:
    """Say whether check-ins come in and are committed."""
    standing = reception.standing()
    if not standing.connected:
        return Check("ingest", "no broker")
    return Check("ingest", "messages wait, and nothing is committed" if standing.stalled else None)


def check_watch(watch: Watch, now: datetime) -> Check:
    """Say whether days are settled and lags seen."""
    if watch.moved_at is None:
        return Check("watch", "not begun")
    return Check("watch", "nothing has moved for a minute" if now - watch.moved_at > STALLED else None)


class ReceptionFigures(Collector):
    """What one reception knows of itself."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    def collect(self) -> Iterator[Metric]:
        """Ask the reception."""
        standing = self._reception.standing()
        yield GaugeMetricFamily("tandem_ingest_connected", "Whether the broker is there", value=standing.connected)
        yield GaugeMetricFamily("tandem_ingest_waiting", "Messages before their commit", value=standing.waiting)
        yield GaugeMetricFamily("tandem_ingest_last_group", "Messages in the last commit", value=standing.last_size)
        yield GaugeMetricFamily(
            "tandem_ingest_last_commit_seconds", "How long the last commit took", value=standing.last_seconds
        )
        yield CounterMetricFamily("tandem_ingest_commits", "Commits", value=standing.groups)
        yield CounterMetricFamily("tandem_ingest_messages", "Messages committed", value=standing.messages)
        yield CounterMetricFamily("tandem_ingest_commit_seconds", "Time spent on commits", value=standing.seconds)
        yield CounterMetricFamily(
            "tandem_ingest_left_out", "Messages that found the queue full; kiosks send again", value=standing.left_out
        )
        yield CounterMetricFamily("tandem_ingest_connections", "Connections to the broker", value=standing.generation)


def _streams(db: Db, now: datetime) -> Iterator[Metric]:
    behind = GaugeMetricFamily(
        "tandem_stream_behind",
        "Numbers that a kiosk has given out and that the ledger lacks",
        labels=[*DEVICE, "stream"],
    )
    hole = GaugeMetricFamily(
        "tandem_stream_hole_seconds", "Since when a number of this stream is missing", labels=[*DEVICE, "stream"]
    )
    silent = GaugeMetricFamily("tandem_device_silent_seconds", "Since when a kiosk was not heard", labels=DEVICE)
    query = (
        sa.select(DeviceRow, StreamRow)
        .outerjoin(StreamRow, StreamRow.device_id == DeviceRow.id)
        .where(DeviceRow.revoked_at.is_(None), DeviceRow.confirmed_at.is_not(None))
    )
    for device, stream in db.execute(query):
        if device.seen_at:
            silent.add_metric([device.site, device.id], _age(device.seen_at, now))
        if stream is not None:
            labels = [device.site, device.id, str(stream.id)]
            behind.add_metric(labels, max(0, stream.assigned - stream.upto))
            hole.add_metric(labels, _age(stream.missing_since, now))
    yield from (behind, hole, silent)


def _outbox(db: Db, now: datetime) -> Iterator[Metric]:
    labels = ["target", "state"]
    count = GaugeMetricFamily("tandem_deliveries", "Records and messages in the outbox to other systems", labels=labels)
    oldest = GaugeMetricFamily("tandem_delivery_oldest_seconds", "Age of the oldest that waits", labels=["target"])
    for row in deliveries.standing(db):
        count.add_metric([row.target, row.state], row.count)
        if row.state == "queued":
            oldest.add_metric([row.target], _age(row.oldest, now))
    yield from (count, oldest)


def _dead_letters(db: Db) -> Metric:
    found = GaugeMetricFamily("tandem_dead_letters", "Messages that could not be processed", labels=["reason"])
    query = sa.select(DeadLetterRow.reason, sa.func.count()).group_by(DeadLetterRow.reason)
    for reason, count in db.execute(query):
        found.add_metric([reason], count)
    return found


def _waiting(db: Db, now: datetime) -> Iterator[Metric]:
    due = sa.select(sa.func.count(), sa.func.min(DirtyDayRow.due_at)).where(DirtyDayRow.due_at <= now)
    count, oldest = db.execute(due).one()
    yield GaugeMetricFamily("tandem_days_to_settle", "Learners' days that are due to be settled", value=count)
    yield GaugeMetricFamily(
        "tandem_days_to_settle_seconds", "Since when the oldest of them is", value=_age(oldest, now)
    )
    unnumbered = db.scalar(sa.select(sa.func.count()).select_from(UnnumberedRow)) or 0
    yield GaugeMetricFamily("tandem_feed_unnumbered", "Hour records without a place in the feed yet", value=unnumbered)


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0


def health(checks: Iterable[Check]) -> tuple[dict[str, Any], int]:
    """Put checks together: an answer in JSON, and 200 or 503."""
    found = list(checks)
    good = all(check.good for check in found)
    body = {"status": "ok" if good else "failing", "checks": {check.name: check.wrong or "ok" for check in found}}
    return body, 200 if good else 503
