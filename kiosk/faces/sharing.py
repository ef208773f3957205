"""Shares faces with the site's other kiosks: its own go to whom somebody here trusts, and theirs come in."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal
from urllib.parse import quote

import httpx2
import numpy as np

from kiosk.asking import ask
from kiosk.faces.arrivals import Arrival, Arrivals
from kiosk.faces.engine import ENCODING_LENGTH, Encoding
from kiosk.faces.gallery import Gallery
from kiosk.faces.trust import trusted
from kiosk.identity import Identity
from kiosk.roster import Day
from protocol import boxes
from protocol.boxes import LIFE, MAX_TEMPLATES, PER_ANSWER, Contents, FaceBox, FaceBoxes, Neighbour, Neighbours
from protocol.registration import verify_key
from protocol.requests import FRESH
from protocol.signing import Malformed, Unreadable

log = logging.getLogger(__name__)

KIOSKS: Final = "/device/v1/face-kiosks"
BOXES: Final = "/device/v1/face-boxes"
AGAIN = timedelta(hours=6)
"""What was sent is sent again after so long: the other kiosk may have had to forget it since."""
PER_TURN = 100
"""Boxes sent before the other errands have their turn."""
MOST_PAGES = 100
"""Answers that are read of one sender in one turn, however many the gateway goes on giving."""
LARGEST = 10.0
"""No number of a template comes near; larger ones are made to upset the arithmetic."""

Outcome = Literal["take", "leave", "never"]
"""Boxes that are left stay at the gateway: the roster may only have to catch up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The way to the gateway, now."""

    client: httpx2.Client
    identity: Identity
    now: datetime

    def ask(self, path: str, body: bytes | None = None) -> bytes:
        return ask(self.client, self.identity, path, at=self.now, body=body) or b""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrived:
    """What was in a box that is taken."""

    arrival: Arrival
    templates: Encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """A box, read as far as it can be."""

    name: str
    outcome: Outcome
    arrived: _Arrived | None = None


def neighbours(line: Line) -> Neighbours:
    """Ask with which kiosks this one may share; raises GatewayError."""
    return Neighbours.read(line.ask(KIOSKS))


class Sharing:
    """Sends and takes faces; `engine` names what has made the gallery's templates."""

    def __init__(self, gallery: Gallery, engine: str, *, folder: Path, key: bytes) -> None:
        self._gallery, self._engine, self._folder = gallery, engine, folder
        self._arrivals = Arrivals(folder, key)
        # In memory only: after a start everything goes once more, which costs little and mends much.
        self._sent: dict[tuple[str, str], tuple[str, datetime]] = {}

    def go(self, line: Line, day: Day) -> None:
        """Forget what may not stay, take what has come, and send what is new; raises GatewayError."""
        known = self._trusted(line) if day.share_faces else {}
        self._forget_unfounded(day, known)
        for neighbour in known.values():
            if neighbour.waiting:
                self._take_from(neighbour, line, day)
        self._send(known, line, day)

    def _trusted(self, line: Line) -> dict[str, Neighbour]:
        """Return the kiosks that the gateway names with the keys that somebody here has compared."""
        prints = trusted(self._folder)
        return {
            neighbour.device: neighbour
            for neighbour in (neighbours(line).kiosks if prints else ())
            if neighbour.device in prints and _same_keys(neighbour, prints[neighbour.device])
        }

    # What came

    def _forget_unfounded(self, day: Day, known: Mapping[str, Neighbour]) -> None:
        """Forget faces that came and whose ground is gone: the consent, the place on a roster, or their sender."""
        here = self._from_elsewhere()
        for learner, arrival in here.items():
            if _consent(day, learner) != arrival.consent or arrival.sender not in known:
                self._gallery.forget(learner)
                log.info("the face of %s, which came from %s, is forgotten", learner, arrival.sender)
        if self._arrivals.all():
            self._arrivals.dropped_before(day.made_at - LIFE - FRESH, self._gallery.people())

    def _from_elsewhere(self) -> dict[str, Arrival]:
        """Return the arrivals whose faces are still here, and were not enrolled here since."""
        arrivals = self._arrivals.all()
        if not arrivals:
            return {}
        people, templates = self._gallery.people(), self._gallery.templates()
        return {
            learner: arrival
            for learner, arrival in arrivals.items()
            # Templates of another engine cannot be had, so they count as those that came.
            if learner in people
            and (learner not in templates or self._arrivals.mark(templates[learner]) in arrival.marks)
        }

    def _take_from(self, neighbour: Neighbour, line: Line, day: Day) -> None:
        after = ""
        for _ in range(MOST_PAGES):
            path = f"{BOXES}?sender={quote(neighbour.device, safe='')}&after={after}"
            page = FaceBoxes.read(line.ask(path)).boxes
            opened = [self._open(text.encode(), neighbour, line, day) for text in page]
            self._take(opened)
            if done := tuple(box.name for box in opened if box.outcome != "leave"):
                line.ask(f"{BOXES}/taken", boxes.Taken(boxes=done).line())
            if len(page) < PER_ANSWER:
                return
            after = max(box.name for box in opened)

    def _take(self, opened: Sequence[_Opened]) -> None:
        arrived = [box.arrived for box in opened if box.arrived is not None]
        # One person twice in an answer is a gateway's trick; the later of the two counts.
        new = {one.arrival.learner: one for one in sorted(arrived, key=lambda one: one.arrival.made_at)}
        if not new:
            return
        # First: a face without its arrival would pass for one that was enrolled here.
        self._arrivals.add(one.arrival for one in new.values())
        for learner, one in new.items():
            if not self._is_here(one.arrival):
                self._gallery.enrol(learner, list(one.templates), consent=one.arrival.consent)

    def _is_here(self, arrival: Arrival) -> bool:
        """Say whether the gallery has the same already, as it has when a box was only made anew."""
        templates = self._gallery.templates().get(arrival.learner)
        if templates is None or self._arrivals.mark(templates) != arrival.marks[0]:
            return False
        return self._gallery.consents().get(arrival.learner) == arrival.consent

    def _open(self, data: bytes, neighbour: Neighbour, line: Line, day: Day) -> _Opened:
        name = boxes.name_of(data)
        try:
            box = boxes.read(data, verify_key(neighbour.signing_key))
            contents, templates = _unpacked(box, neighbour, line)
        except Unreadable as error:
            log.warning("a box from %s is not taken: %s", neighbour.device, error)
            return _Opened(name=name, outcome="never")
        outcome = self._judged(box, contents, line, day)
        if outcome != "take":
            return _Opened(name=name, outcome=outcome)
        arrived = _Arrived(arrival=self._arrival(box, templates), templates=templates)
        return _Opened(name=name, outcome=outcome, arrived=arrived)

    def _judged(self, box: FaceBox, contents: Contents, line: Line, day: Day) -> Outcome:
        if not box.made_at - FRESH <= line.now < box.good_until:
            return "never"
        if contents.engine != self._engine:
            log.warning("%s has sent a face of the engine %s; here it is %s", box.sender, contents.engine, self._engine)
            return "never"
        if _consent(day, box.learner) != box.consent:
            return "leave"
        return "never" if self._is_superseded(box) else "take"

    def _is_superseded(self, box: FaceBox) -> bool:
        """Say whether something better is here: enrolled here, from another kiosk, or from a later box."""
        before = self._arrivals.all().get(box.learner)
        if before and before.sender == box.sender and box.made_at < before.made_at:
            return True
        if self._gallery.consents().get(box.learner) != box.consent:
            return False
        here = self._from_elsewhere()
        return box.learner not in here or here[box.learner].sender != box.sender

    def _arrival(self, box: FaceBox, templates: Encoding) -> Arrival:
        mark, before = self._arrivals.mark(templates), self._arrivals.all().get(box.learner)
        marks = dict.fromkeys((mark, *(before.marks[:1] if before else ())))
        return Arrival(
            learner=box.learner, sender=box.sender, consent=box.consent, made_at=box.made_at, marks=tuple(marks)
        )

    # What goes

    def _send(self, known: Mapping[str, Neighbour], line: Line, day: Day) -> None:
        due = self._due(known, line, day) if known else []
        for neighbour, learner, state in due[:PER_TURN]:
            box = self._sealed(neighbour, learner, line)
            if box is None:
                continue  # forgotten since
            outcome = boxes.Outcome.read(line.ask(BOXES, box))
            if outcome.refused:
                log.info("the gateway takes no face of %s for %s: %s", learner, neighbour.device, outcome.refused)
            self._sent[neighbour.device, learner] = (state, line.now)

    def _due(self, known: Mapping[str, Neighbour], line: Line, day: Day) -> list[tuple[Neighbour, str, str]]:
        """Say what has to go to whom, and forget what was sent of who is not enrolled here any more."""
        states = {
            (neighbour.device, learner): f"{neighbour.fingerprint} {mark}"
            for learner, mark in self._own(day).items()
            for neighbour in known.values()
        }
        self._sent = {key: sent for key, sent in self._sent.items() if key in states}
        return [
            (known[device], learner, state)
            for (device, learner), state in states.items()
            if not self._was_sent(device, learner, state, line.now)
        ]

    def _own(self, day: Day) -> dict[str, str]:
        """Return whom this kiosk itself has enrolled under the consent that stands, with what marks this state."""
        elsewhere, consents = self._from_elsewhere(), self._gallery.consents()
        return {
            learner: f"{consents[learner]} {self._arrivals.mark(templates)}"
            for learner, templates in self._gallery.templates().items()
            if learner in consents and learner not in elsewhere and _consent(day, learner) == consents[learner]
        }

    def _was_sent(self, device: str, learner: str, state: str, now: datetime) -> bool:
        sent, at = self._sent.get((device, learner), ("", now))
        return sent == state and abs(now - at) < AGAIN

    def _sealed(self, neighbour: Neighbour, learner: str, line: Line) -> bytes | None:
        templates, consent = self._gallery.templates().get(learner), self._gallery.consents().get(learner)
        if templates is None or consent is None:
            return None
        sender = line.identity.device
        contents = Contents(sender=sender, learner=learner, consent=consent, engine=self._engine)
        # Whoever was enrolled with more pictures is known well enough by as many as fit.
        numbers = templates[:MAX_TEMPLATES].astype("<f4").tobytes()
        box = FaceBox(
            sender=sender,
            recipient=neighbour.device,
            learner=learner,
            consent=consent,
            made_at=line.now,
            good_until=line.now + LIFE,
            sealed=boxes.pack(contents, numbers, neighbour.sealing_key),
        )
        return boxes.post(box, line.identity.key)


def _same_keys(neighbour: Neighbour, fingerprint: str) -> bool:
    try:
        same = neighbour.fingerprint == fingerprint
    except Unreadable:
        same = False
    if not same:
        log.error("the gateway has other keys of kiosk %s than were compared here: nothing is shared", neighbour.device)
    return same


def _consent(day: Day, learner: str) -> str | None:
    known = day.learners.get(learner)
    return known.face_consent if known else None


def _unpacked(box: FaceBox, neighbour: Neighbour, line: Line) -> tuple[Contents, Encoding]:
    if (box.sender, box.recipient) != (neighbour.device, line.identity.device):
        raise boxes.NotForUs("the box is another kiosk's")
    contents, numbers = boxes.unpack(box, line.identity.sealing_key)
    templates = np.frombuffer(numbers, "<f4").reshape(-1, ENCODING_LENGTH).astype(np.float32)
    # What is not a number is not less than any.
    if not (np.abs(templates) <= LARGEST).all():
        raise Malformed("the templates hold what is no number of a face")
    return contents, templates
