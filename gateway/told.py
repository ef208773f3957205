"""Notices as they are read: in words, with the names put in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session as Db

from attendance.notices import filled
from attendance.reasons import Text
from ledger.pair_tables import NoticeRow
from ledger.people import people_by_id
from ledger.tables import PersonRow

TONES = {
    "ready": "go",
    "cleared": "go",
    "not_started": "wait",
    "behind": "wait",
    "overdue": "stop",
    "forfeited": "stop",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A notice as it is read."""

    row: NoticeRow
    text: Text
    tone: str


def lines(db: Db, rows: Iterable[NoticeRow]) -> list[Line]:
    """Return notices with the names of those they are about."""
    rows = list(rows)
    people = people_by_id(db, {row.about[who] for row in rows for who in ("one", "partner")})
    return [Line(row, words(row, people), TONES.get(row.kind, "idle")) for row in rows]


def words(row: NoticeRow, people: Mapping[str, PersonRow]) -> Text:
    """Say a notice; somebody who has been erased is called by the opaque id."""
    one, partner = (people[id].name if id in people else id for id in (row.about["one"], row.about["partner"]))
    return filled(Text(**row.about["text"]), one=one, partner=partner)
