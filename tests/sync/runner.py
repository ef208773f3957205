"""A process that syncs until it is killed: `python -m tests.sync.runner DATA [finish-first]`."""

import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ledger import deliveries
from ledger.database import Ledger
from sync import run, settings
from sync.archive import Delivery
from sync.archives import open_archives
from sync.telling import tell


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


def main(data: str, sabotage: str = "") -> None:
    if sabotage:
        run.deliver = finishing_first
    read = settings.read(data=Path(data))
    ledger = Ledger(read.database_url)
    run.Sync(ledger, open_archives(read.archives, ledger, now), now, every=0.02).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
