"""The learner archive that lives in the ledger's own database: the default, and what the archive's pages show."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ledger.database import Ledger
from ledger.delivery_tables import ArchivedRow
from ledger.insertion import insert_or_nothing
from sync.archive import Accepted, Answer, Delivery

NAME = "local"
CHUNK = 1000


class LocalArchive:
    """Writes records into a table of the same database."""

    kind = "local"
    batch_limit = 500

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime], *, name: str = NAME) -> None:
        self._ledger, self._clock = ledger, clock
        self.name = name

    def push(self, batch: Sequence[Delivery]) -> Sequence[Answer]:
        """Keep the records; one that is there already stays as it is."""
        now = self._clock()
        rows = [
            {"hour_record_id": one.id, "person_id": one.person, "received_at": now, "record": _kept(one)}
            for one in batch
        ]
        with self._ledger.begin() as db:
            # A worker that died after this and before it could note the answers lets another one push the same again.
            insert_or_nothing(db, ArchivedRow, rows, ArchivedRow.hour_record_id)
        return [Accepted(one.id) for one in batch]

    def content(self) -> Iterable[dict[str, Any]]:
        """Yield every record."""
        query = sa.select(ArchivedRow.record).order_by(ArchivedRow.received_at, ArchivedRow.hour_record_id)
        with self._ledger.read() as db:
            yield from db.scalars(query).yield_per(CHUNK)


def _kept(delivery: Delivery) -> dict[str, Any]:
    # Personnel numbers stand with the people only, so that erasing a person reaches them.
    told = delivery.to_json()
    return told | {"personnel_number": None, "course": told["course"] | {"trainer_number": None}}
