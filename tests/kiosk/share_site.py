"""A site whose kiosks share faces, around a real gateway that can be made to lie with its own key."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import httpx2
import numpy as np
import sqlalchemy as sa

from gateway import devices
from kiosk.clock import KioskClock
from kiosk.errands import Errands
from kiosk.faces.engine import Encoding
from kiosk.faces.gallery import Gallery, Match
from kiosk.faces.sharing import KIOSKS, Line, Sharing, neighbours
from kiosk.faces.trust import trust
from kiosk.identity import Identity
from kiosk.outbox import Outbox
from kiosk.registration import register
from kiosk.roster import RosterBook
from ledger.face_tables import FaceBoxRow
from protocol import boxes, requests
from protocol.boxes import FaceBoxes
from tests.gateway.cast import Gateway, code

ADDRESS = "http://gateway.test"
BOOT = UUID("00000000-0000-4000-8000-0000000000b0")
ENGINE = "dlib"

Lie = Callable[[bytes], bytes]


def face(number: int, templates: int = 3) -> list[Encoding]:
    """Make the templates of a person: alike, and unlike everybody else's."""
    chance = np.random.default_rng(number)
    middle = chance.normal(size=128)
    middle /= np.linalg.norm(middle)
    return [(middle + chance.normal(scale=0.005, size=128)).astype(np.float32) for _ in range(templates)]


ANN, BO = face(1), face(2)


@dataclass
class Wire(httpx2.BaseTransport):
    """The way to the gateway; a hostile gateway says something else, and signs that too."""

    gateway: Gateway
    lies: dict[str, Lie] = field(default_factory=dict)
    """What is said instead, by the path."""
    asked: list[httpx2.Request] = field(default_factory=list)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass a request on."""
        self.asked.append(request)
        response = httpx2.WSGITransport(app=self.gateway.app).handle_request(request)
        lie = self.lies.get(f"{request.method} {request.url.path}")
        if lie is None:
            return response
        body = lie(response.read())
        heard = {name.title(): value for name, value in request.headers.items()}
        signature = requests.sign_answer(body, heard, self.gateway.keys.gateway)
        return httpx2.Response(200, content=body, headers={requests.SIGNATURE: signature})

    def said(self, method: str, path: str) -> list[bytes]:
        """Return the bodies of what was asked."""
        return [one.content for one in self.asked if (one.method, one.url.path) == (method, path)]


@dataclass
class Door:
    """A kiosk with its gallery, which runs its errands when it is told to."""

    gateway: Gateway
    folder: Path
    room: str = "room-1"
    engine: str = ENGINE

    def __post_init__(self) -> None:
        self.wire = Wire(self.gateway)
        self.client = httpx2.Client(base_url=ADDRESS, transport=self.wire)
        self.identity = self._registered()
        self.set_up(faces=True, share_faces=True)
        self.outbox = Outbox(self.folder / "outbox.sqlite", stream=self.identity.stream)
        self.start()

    def _registered(self) -> Identity:
        typed = code(self.gateway, self.room)
        client = httpx2.Client(base_url=ADDRESS, transport=self.wire)
        identity = register(ADDRESS, typed, name=self.folder.name, data_dir=self.folder, client=client)
        with self.gateway.ledger.begin() as db:
            devices.confirm(db, identity.device, identity.fingerprint, actor="test", now=self.gateway.clock.now)
        return identity

    def set_up(self, *, faces: bool | None = None, share_faces: bool | None = None) -> None:
        """Switch something at the gateway."""
        wanted = {"faces": faces, "share_faces": share_faces}
        with self.gateway.ledger.begin() as db:
            devices.set_up(db, self.identity.device, **wanted, actor="test", now=self.gateway.clock.now)  # type: ignore[arg-type]

    def start(self) -> None:
        """Start the station's parts, as after a restart: from what is on the disk."""
        clock, key = self.gateway.clock, self.identity.gallery_key
        self.gallery = Gallery(self.folder / "gallery.db", key, now=clock, engine=self.engine)
        self.book = RosterBook(self.folder, now=clock)
        self.errands = Errands(
            self.identity,
            self.client,
            folder=self.folder,
            book=self.book,
            gallery=self.gallery,
            outbox=self.outbox,
            clock=KioskClock(now=clock, monotonic=lambda: 0.0, boot=BOOT, state=lambda: "synced"),
            online=self._stop,
            note_trouble=lambda of, trouble: None,
            sharing=Sharing(self.gallery, self.engine, folder=self.folder, key=key),
            luck=lambda: 0.0,
        )
        self.stopping = Event()

    def restart(self) -> None:
        """End and start again."""
        self.gallery.close()
        self.start()

    def close(self) -> None:
        """End."""
        self.gallery.close()
        self.outbox.close()
        self.client.close()

    def turn(self) -> None:
        """Run every errand once."""
        self.stopping.clear()
        self.errands.run(self.stopping)

    def _stop(self) -> bool:
        self.stopping.set()
        self.errands.hurry()
        return True

    def trusts(self, other: "Door") -> None:
        """Let staff compare and type another kiosk's fingerprint."""
        trust(self.folder, neighbours(self.line()), other.identity.device, other.fingerprint())

    def line(self) -> Line:
        """Give the way to the gateway."""
        return Line(client=self.client, identity=self.identity, now=self.gateway.clock.now)

    def fingerprint(self) -> str:
        """Say what this kiosk shows."""
        return boxes.fingerprint(self.identity.key.verify_key, self.identity.sealing_key.public_key)

    def enrol(self, learner: str, templates: list[Encoding], consent: str | None = None) -> None:
        """Enrol somebody here."""
        self.gallery.enrol(learner, templates, consent=consent or f"yes-{learner}")

    def knows(self, *templates: Encoding) -> list[str | None]:
        """Say whose faces these are at this kiosk."""
        answers = [self.gallery.match(one, self.gallery.people()) for one in templates]
        return [answer.learner_id if isinstance(answer, Match) else None for answer in answers]

    def sent(self) -> int:
        """Count the boxes that this kiosk has posted."""
        return len(self.wire.said("POST", "/device/v1/face-boxes"))


def waiting(gateway: Gateway) -> list[tuple[str, str, str]]:
    """Return sender, recipient and learner of the boxes at the gateway."""
    with gateway.ledger.read() as db:
        columns = (FaceBoxRow.sender_id, FaceBoxRow.recipient_id, FaceBoxRow.person_id)
        return [(sender, recipient, person) for sender, recipient, person in db.execute(sa.select(*columns))]


def posted(gateway: Gateway) -> list[bytes]:
    """Return the boxes at the gateway."""
    with gateway.ledger.read() as db:
        return list(db.scalars(sa.select(FaceBoxRow.box)))


def gives(door: Door, *given: bytes) -> None:
    """Let the gateway give these boxes to a kiosk, whatever it is asked for."""
    names(door, lambda kiosk: {**kiosk, "waiting": True})
    door.wire.lies["GET /device/v1/face-boxes"] = lambda _: FaceBoxes(boxes=tuple(box.decode() for box in given)).line()


def names(door: Door, changes: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Let the gateway name other kiosks than there are."""

    def lie(body: bytes) -> bytes:
        said = json.loads(body)
        return json.dumps({**said, "kiosks": [changes(kiosk) for kiosk in said["kiosks"]]}).encode()

    door.wire.lies[f"GET {KIOSKS}"] = lie


def traces(folder: Path, secrets: Iterable[bytes]) -> list[str]:
    """Return the files that hold one of these."""
    wanted = list(secrets)
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path.name for path in files if any(secret in path.read_bytes() for secret in wanted)]
