"""Ledgers in memory for the tests: copies of one that was migrated once, as PostgreSQL copies its template."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import cache
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session as Db
from sqlalchemy.pool import StaticPool
from uuid_utils.compat import uuid7

from ledger.database import Ledger

IN_MEMORY = "sqlite://"

Fill = Callable[[Db], None]


def opened(database: str, fill: Fill) -> Ledger:
    """Open a ledger, in memory or where the address says, with what `fill` enters."""
    if database == IN_MEMORY:
        return in_memory(fill)
    ledger = Ledger(database)
    with ledger.begin() as db:
        fill(db)
    return ledger


def in_memory(fill: Fill | None = None) -> Ledger:
    """Open a ledger of one's own, with what `fill` enters; that is run once and copied from then on."""
    image = _filled(fill)

    def copy(connection: Any, _: object) -> None:
        _copy(image, connection)

    # It comes before the ledger looks for migrations that are still to be run, so that there are none.
    event.listen(StaticPool, "connect", copy)
    try:
        return Ledger(IN_MEMORY)
    finally:
        event.remove(StaticPool, "connect", copy)


def image_of(ledger: Ledger) -> bytes:
    """Write a ledger in memory down."""
    with ledger.engine.connect() as connection:
        image: bytes = connection.connection.driver_connection.serialize()  # type: ignore[union-attr]
        return image


def become(ledger: Ledger, image: bytes) -> None:
    """Make a ledger in memory what another one was, with nothing left of what it held."""
    with ledger.engine.connect() as connection:
        _copy(image, connection.connection.driver_connection)


def _copy(image: bytes, target: Any) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as source:
        source.deserialize(image)
        # Each ledger has an epoch of its own; everything else is as it was.
        source.execute("UPDATE epochs SET id = ?", (uuid7().hex,))
        source.backup(target)


@cache
def _filled(fill: Fill | None) -> bytes:
    with closing(in_memory() if fill else Ledger(IN_MEMORY)) as ledger:
        if fill:
            with ledger.begin() as db:
                fill(db)
        return image_of(ledger)
