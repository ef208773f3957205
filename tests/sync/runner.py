"""A process that syncs until it is killed."""

import os
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ledger import deliveries
from ledger.database import Ledger
from sync import run, settings
from sync.archive import Delivery
from sync.archives import open_archives
from sync.telling import tell

LOG = "sync.log"


def now() -> datetime:
    return datetime.now(UTC)


def finishing_first(ledger: Ledger, archive: Any, *, worker: str, now: datetime, **_: Any) -> int:
    """Do it in the wrong order: note that the archive has it, then send it."""
    with ledger.begin() as db:
        claims = deliveries.claim(db, archive.name, worker=worker, now=now, limit=archive.batch_limit, lease=run.LEASE)
        told = tell(db, [claim.record for claim in claims])
    with ledger.begin() as db:
        deliveries.accepted(db, [claim.id for claim in claims], worker, now)
    if claims:
        archive.push([one for one in told if isinstance(one, Delivery)])
    return len(claims)


def main(data: Path, environment: Mapping[str, str], *, finish_first: bool) -> None:
    """Sync for ever; what there is to say goes into a file beside the ledger."""
    with (data / LOG).open("ab") as log:
        os.dup2(log.fileno(), 2)
    os.environ.update(environment)
    if finish_first:
        run.deliver = finishing_first
    read = settings.read(data=data)
    ledger = Ledger(read.database_url)
    run.Sync(ledger, open_archives(read.archives, ledger, now), now, every=0.02).start()
    threading.Event().wait()
