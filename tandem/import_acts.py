"""What an operator does with files to bring in: here, or in the running gateway that holds the ledger."""

from pathlib import Path
from typing import Any

from gateway.clock import Clock
from gateway.import_api import told
from gateway.import_desk import Desk
from gateway.import_forms import KINDS
from gateway.import_reading import cleared
from gateway.problem import NotDone
from ledger import imports
from ledger.database import Ledger
from tandem.control import Act


def table(ledger: Ledger, desk: Desk, clock: Clock, *, actor: str) -> dict[str, Act]:
    """Bind the acts to one ledger and to what reads its files."""

    def read(kind: str, path: str) -> dict[str, Any]:
        if kind not in KINDS:
            raise NotDone(f"there is no kind {kind!r}; there are {', '.join(KINDS)}")
        # The running gateway opens it: both are on this machine, and a file may be large.
        with Path(path).open("rb") as file:
            return state(desk.take(kind, file, by=actor, regions=None))

    def state(id: str) -> dict[str, Any]:
        with ledger.read() as db:
            return told(imports.get(db, id), desk).model_dump(mode="json")

    def land(id: str) -> dict[str, Any]:
        with ledger.begin() as db:
            row = imports.land(db, id, actor=actor, now=clock())
        cleared(ledger, row)
        return state(id)

    def drop(id: str) -> dict[str, Any]:
        with ledger.begin() as db:
            row = imports.drop(db, id, actor=actor, now=clock())
        cleared(ledger, row)
        return state(id)

    return {"import read": read, "import state": state, "import land": land, "import drop": drop}
