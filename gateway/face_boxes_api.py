"""What kiosks ask over HTTP about each other's faces: with whom they may share, what to pass on, what has come."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session as Db

from gateway import face_boxes
from gateway.clock import Clock
from gateway.problem import Refusal
from ledger.database import Ledger
from ledger.tables import DeviceRow
from protocol.boxes import Taken
from protocol.signing import BadSignature, Unreadable
from protocol.wire import Wire

Asking = Callable[[Db, datetime], DeviceRow]
"""Returns the confirmed device that signed this request; raises Refusal."""
Answer = TypeVar("Answer")


def add_face_box_routes(api: Blueprint, ledger: Ledger, clock: Clock, asking: Asking) -> None:
    """Add the routes to those that devices ask."""

    @api.get("/face-kiosks")
    def face_kiosks() -> Response:
        now = clock()
        with ledger.read() as db:
            return _said(face_boxes.neighbours(db, asking(db, now), now=now))

    @api.post("/face-boxes")
    def pass_on() -> Response:
        now = clock()
        with ledger.begin() as db:
            device = asking(db, now)
            return _said(_read(lambda: face_boxes.take_in(db, device, request.get_data(), now=now)))

    @api.get("/face-boxes")
    def waiting() -> Response:
        now, sender, after = clock(), request.args.get("sender", ""), request.args.get("after", "")
        # PostgreSQL takes no NUL.
        if "\0" in sender + after:
            raise Refusal("parameter-wrong", "sender and after are names that the gateway has given.")
        with ledger.read() as db:
            return _said(face_boxes.waiting(db, asking(db, now), sender, after=after, now=now))

    @api.post("/face-boxes/taken")
    def taken() -> Response:
        with ledger.begin() as db:
            device = asking(db, clock())
            face_boxes.taken(db, device, _read(lambda: Taken.read(request.get_data())))
        return Response(status=204)


def _read(reading: Callable[[], Answer]) -> Answer:
    try:
        return reading()
    except BadSignature as error:
        raise Refusal("signature-wrong", f"{error}.") from None
    except Unreadable as error:
        raise Refusal("message-unreadable", f"{error}.") from None


def _said(message: Wire) -> Response:
    return Response(message.line(), content_type="application/json")
