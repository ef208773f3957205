"""Work on one thing apart from the others: what fails is undone and tried later, and keeps nobody else waiting."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session as Db

log = logging.getLogger(__name__)

PUT_OFF = timedelta(minutes=15)
"""How long a thing that failed waits for its next try."""


@dataclass(slots=True)
class Outcome:
    """Whether the block came to its end."""

    done: bool = False


@contextmanager
def apart(db: Db, what: str) -> Iterator[Outcome]:
    """Run the block in a savepoint; only a database that does not answer is everybody's trouble."""
    outcome = Outcome()
    try:
        with db.begin_nested():
            yield outcome
        outcome.done = True
    except OperationalError:
        raise
    except Exception:
        log.exception("the %s failed; it is tried again in a while", what)
