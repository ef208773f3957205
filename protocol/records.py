"""A check-in as the kiosk keeps and sends it: one line of JSON, whose bytes never change after the commit."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from protocol.wire import Code, Id, Instant, Wire

Seq = Annotated[int, Field(ge=1, le=2**53 - 1)]


class CheckInRecord(Wire):
    """One arriving or leaving, admitted at the kiosk or refused there; a phone's is made by the gateway itself."""

    v: Literal[1] = 1
    id: UUID
    """UUIDv7, made at the scan."""
    stream: UUID | None = None
    """A phone has none, and so no numbers either: its record is known by its id."""
    seq: Seq | None = None
    at: Instant
    """The kiosk's wall clock."""
    monotonic_ms: int | None = None
    boot: UUID | None = None
    clock: Literal["synced", "free_running", "unknown"]
    method: Code
    direction: Literal["in", "out"] | None = None
    session: Id | None = None
    room: Id | None = None
    learner: Id | None = None
    badge: Id | None = None
    """The badge's id, or for a badge that nobody signed the first half of its digest."""
    refused: Code | None = None
    """The reason that the screen gave; None when it turned green or amber."""
    amber: bool = False
    """Recorded although the roster was old or the clock uncertain."""
    offline: bool = False
    code_at: Instant | None = None
    """When a dynamic badge was made, by the gateway's clock: the gateway holds the record's time against it."""
    staff: Id | None = None
    """The staff badge of whoever checked this person in, or vouched for their badge."""
    staff_pin: bool | None = None
    """Whether the gateway has checked that member's PIN; None where nobody asks for one."""


class KioskRecord(CheckInRecord):
    """A record as a device has to send it: with its place in a stream, and with what corrects a wrong clock."""

    stream: UUID
    seq: Seq
    monotonic_ms: int
    boot: UUID
