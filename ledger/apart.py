"""Work on many things at once; where that fails, on each apart: what fails is tried later, and keeps nobody waiting."""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session as Db

log = logging.getLogger(__name__)

Thing = TypeVar("Thing")

PUT_OFF = timedelta(minutes=15)
"""How long a thing that failed waits for its next try."""


def work(
    db: Db, things: Sequence[Thing], act: Callable[[Sequence[Thing]], object], *, named: Callable[[Thing], str]
) -> list[Thing]:
    """Do the same to all things and return those that failed; what was done to them is undone.

    Only a database that does not answer is everybody's trouble: OperationalError is raised.
    """
    if not things or _done(db, things, act, what=f"chunk from {named(things[0])} on"):
        return []
    return [thing for thing in things if not _done(db, [thing], act, what=named(thing))]


def _done(db: Db, things: Sequence[Thing], act: Callable[[Sequence[Thing]], object], *, what: str) -> bool:
    try:
        with db.begin_nested():
            act(things)
    except OperationalError:
        raise
    except Exception:
        log.exception("the %s failed; it is tried again %s", what, "one by one" if len(things) > 1 else "in a while")
        return False
    return True
