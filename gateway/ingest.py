"""The one door: check-ins of kiosks and phones are judged by the rules and entered, a batch in one commit."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, get_args
from uuid import UUID

from sqlalchemy.orm import Session as Db

from attendance.admission import Admitted, CheckIn, Refused, Verdict, admit_replanned
from attendance.assurance import METHODS
from attendance.direction import LEAVING, Enter, Leave, choose
from attendance.reasons import Reason
from attendance.session import Session
from gateway import credentials
from gateway.boot_times import AHEAD, Boots, corrected, placed_blindly, stated
from ledger import check_ins
from ledger.check_ins import Issued
from protocol.records import CheckInRecord

REASONS = frozenset(get_args(Reason))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A record at the door, with the bytes that were signed."""

    record: CheckInRecord
    line: bytes
    device_id: str | None
    shared_phone: bool = False
    """The same browser or address has checked in somebody else."""
    time_corrected: bool = False
    """The record has another time than the signed line, because it was found out when its boot began."""
    meant: CheckInRecord | None = None
    """The record with its kiosk's session and direction, where both are chosen anew; it stands if nothing is found."""


@dataclass(frozen=True, slots=True)
class Entered:
    """The ledger holds the record; `again` if it did so before."""

    verdict: Verdict
    again: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another record stands under the same id or number: a security event, never an update."""

    reason: str = "other_bytes"


Outcome = Entered | Conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the ledger says of the badges, sessions and consents in a batch."""

    badges: Mapping[UUID, Issued]
    owners: Mapping[str, str]
    """Badge as a record names it -> person."""
    plans: Mapping[str, tuple[Session, ...]]
    """Of each session, the plan that holds and those that held before."""
    consenting: Collection[str]
    staff: credentials.Staff

    def session(self, id: str | None) -> Session | None:
        """Return a session as it is planned now."""
        plans = self.plans.get(id or "")
        return plans[0] if plans else None


def ingest(db: Db, arrivals: Sequence[Arrival], *, received_at: datetime) -> list[Outcome]:
    """Judge and enter a batch; the answers are in its order.

    The same record twice, within the batch or from before, is entered once.
    """
    known, verdicts, rows = judged(db, arrivals, [received_at] * len(arrivals))
    new = check_ins.enter(db, rows)
    check_ins.mark_dirty(
        db,
        (
            (row["person_id"], session.local_date, max(received_at, session.ends_at))
            for row in rows
            if row["id"] in new
            and row["verdict"] == "admitted"
            and (session := known.session(row["session_id"])) is not None
        ),
    )
    admitted = [a.record for a, row in zip(arrivals, rows, strict=True) if row["verdict"] == "admitted"]
    credentials.note_admitted(db, [record for record in admitted if record.id in new], known.staff, now=received_at)
    return _outcomes(db, rows, verdicts, new)


def judged(
    db: Db, arrivals: Sequence[Arrival], received: Sequence[datetime]
) -> tuple[Known, list[Verdict], list[dict[str, Any]]]:
    """Give the verdicts on a batch, each received at its own time, and the rows that they come to."""
    if times := stated(db, [arrival.record for arrival in arrivals]):
        arrivals = [_timed(arrival, times, at) for arrival, at in zip(arrivals, received, strict=True)]
    known = _known(db, [*(arrival.record for arrival in arrivals), *(a.meant for a in arrivals if a.meant)])
    placed = [_placed(arrival, known) for arrival in arrivals]
    verdicts = [_judge(arrival, known, at) for arrival, at in zip(placed, received, strict=True)]
    rows = [_row(a, v, known, at) for a, v, at in zip(placed, verdicts, received, strict=True)]
    return known, verdicts, rows


def _timed(arrival: Arrival, times: Boots, received_at: datetime) -> Arrival:
    """Give the record its right time, and find its place anew if its kiosk had no time to find it by."""
    record = corrected(arrival.record, times, received_at)
    if record is None or record.clock != "synced":
        return replace(arrival, record=record or arrival.record)
    if not placed_blindly(arrival.record):
        return replace(arrival, record=record, time_corrected=True)
    unplaced = record.model_copy(update={"session": None, "direction": None})
    return replace(arrival, record=unplaced, meant=record, time_corrected=True)


def _outcomes(db: Db, rows: Sequence[Mapping[str, Any]], verdicts: Sequence[Verdict], new: set[UUID]) -> list[Outcome]:
    """Tell first arrivals from repeats, and repeats from records that only claim to be one."""
    if len(new) == len(rows):
        return [Entered(verdict) for verdict in verdicts]
    counts = Counter(row["id"] for row in rows)
    doubtful = [row["id"] for row in rows if row["id"] not in new or counts[row["id"]] > 1]
    held = check_ins.held(db, doubtful)
    outcomes: list[Outcome] = []
    seen: set[UUID] = set()
    for row, verdict in zip(rows, verdicts, strict=True):
        id = row["id"]
        if (id in held and held[id].digest != row["digest"]) or (id not in held and id not in new):
            outcomes.append(Conflict())
        else:
            outcomes.append(
                Entered(
                    _verdict(held[id].verdict, verdict) if id in held else verdict, again=id not in new or id in seen
                )
            )
            seen.add(id)
    return outcomes


def _verdict(stored: str, now: Verdict) -> Verdict:
    # The first verdict stands, also if the roster has changed since.
    if stored == "admitted":
        return now if isinstance(now, Admitted) else Admitted()
    return Refused(stored)  # type: ignore[arg-type]  # it came from a Refused


def _known(db: Db, records: Sequence[CheckInRecord]) -> Known:
    named = {text: id for text in {r.badge for r in records if r.badge} if (id := check_ins.badge_id(text))}
    badges = check_ins.badges_by_id(db, set(named.values()))
    people = {badge.person_id for badge in badges.values()} | {r.learner for r in records if r.learner}
    faces = {r.learner for r in records if r.learner and check_ins.FACE in r.method}
    sessions = {r.session for r in records if r.session}
    unplaced = {(r.room, r.at) for r in records if r.room and _is_unplaced(r)}
    sessions |= check_ins.sessions_near(db, unplaced)
    return Known(
        badges=badges,
        owners={text: badges[id].person_id for text, id in named.items() if id in badges},
        plans=check_ins.plans_by_id(db, sessions, people),
        consenting=check_ins.consenting(db, faces, check_ins.FACE),
        staff=credentials.staff_in(db, records, sessions),
    )


def _is_unplaced(record: CheckInRecord) -> bool:
    return record.session is None and record.refused is None


def _placed(arrival: Arrival, known: Known) -> Arrival:
    """Find what a kiosk without a roster left open, the session and direction; the signed line stays as it is."""
    record = arrival.record
    session = _chosen(record, known) if _is_unplaced(record) else known.session(record.session)
    if session is None and arrival.meant:
        return replace(arrival, record=arrival.meant)
    if session is None or (record.session and record.direction):
        return arrival
    leaving = record.at >= session.ends_at - LEAVING
    direction = record.direction or ("out" if leaving else "in")
    return replace(arrival, record=record.model_copy(update={"session": session.id, "direction": direction}))


def _chosen(record: CheckInRecord, known: Known) -> Session | None:
    person, sessions = _person(record, known), [plans[0] for plans in known.plans.values()]
    if person is None:
        return None
    choice = choose(sessions, person, room_id=record.room, inside=None, at=record.at, setting=record.direction or "in")
    return choice.session if isinstance(choice, Enter | Leave) else None


def _judge(arrival: Arrival, known: Known, received_at: datetime) -> Verdict:
    record = arrival.record
    if record.method not in METHODS:
        return Refused("method_not_allowed")
    if record.refused in REASONS:
        return Refused(record.refused)  # type: ignore[arg-type]  # it is one of Reason
    # A newer kiosk's reason is unknown here, and still nobody was let in.
    plans = known.plans.get(record.session or "", ()) if record.refused is None else ()
    return admit_replanned(_as_rule(arrival, known, received_at), plans)


def _as_rule(arrival: Arrival, known: Known, received_at: datetime) -> CheckIn:
    """Translate the wire's record into the value that the rules work on."""
    record = arrival.record
    uncertain = _is_uncertain(record, received_at)
    return CheckIn(
        id=str(record.id),
        learner_id=_person(record, known),
        session_id=record.session,
        room_id=record.room,
        direction=record.direction or "in",
        at=record.at,
        method=record.method,  # type: ignore[arg-type]  # checked by _judge
        credential=credentials.shown(record, known.badges, known.staff, uncertain=uncertain),
        consented=check_ins.FACE not in record.method or record.learner in known.consenting,
        time_uncertain=uncertain,
        time_corrected=arrival.time_corrected,
        offline=record.offline,
        shared_phone=arrival.shared_phone,
    )


def _person(record: CheckInRecord, known: Known) -> str | None:
    """Say who it was: the badge's owner as the ledger has it, whatever the kiosk believed."""
    return known.owners.get(record.badge or "", record.learner)


def _row(arrival: Arrival, verdict: Verdict, known: Known, received_at: datetime) -> dict[str, Any]:
    """Translate the record and its verdict into the ledger's row."""
    record = arrival.record
    return {
        "id": record.id,
        "stream": record.stream,
        "seq": record.seq,
        "device_id": arrival.device_id,
        "person_id": _person(record, known),
        "session_id": record.session,
        "room_id": record.room,
        "badge": record.badge,
        "direction": record.direction,
        "method": record.method,
        "at": record.at,
        "received_at": received_at,
        "verdict": "admitted" if isinstance(verdict, Admitted) else verdict.reason,
        "flags": sorted(verdict.flags) if isinstance(verdict, Admitted) else _facts_of(arrival, received_at),
        "digest": hashlib.sha256(arrival.line).digest(),
        "line": arrival.line,
        "boot": record.boot if record.clock != "synced" or arrival.time_corrected else None,
    }


def _facts_of(arrival: Arrival, received_at: datetime) -> list[str]:
    """Give the flags of a refused record: it may be judged again when the plan changes."""
    facts = {
        "offline": arrival.record.offline,
        "shared_phone": arrival.shared_phone,
        "time_uncertain": _is_uncertain(arrival.record, received_at),
        "time_corrected": arrival.time_corrected,
    }
    return [flag for flag, is_so in facts.items() if is_so]


def _is_uncertain(record: CheckInRecord, received_at: datetime) -> bool:
    if credentials.contradicts_its_clock(record):
        return True
    return record.clock == "unknown" or record.at > received_at + AHEAD
