"""What is said beside the check-ins: receipts, configuration and commands down, the kiosk's state up, each signed."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, TypeVar
from uuid import UUID

from nacl.signing import SigningKey, VerifyKey
from pydantic import Field

from protocol import signing
from protocol.records import CheckInRecord, Seq
from protocol.signing import Context, TooLarge
from protocol.wire import Code, Instant, Wire

MAX_BYTES = 16 * 1024
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""A number that every database and every JSON reader can hold."""


class Rejected(Wire):
    """A record that the gateway has kept, but cannot read or enter."""

    seq: Seq
    reason: Code


class Receipt(Wire):
    """What the gateway's database holds of a stream; sent after the commit, retained."""

    v: Literal[1] = 1
    stream: UUID
    epoch: UUID
    """A UUIDv7, later than the one before: the database was restored from a backup, and `upto` counts as it is."""
    number: Count
    """Rises with every receipt of an epoch; the highest wins."""
    upto: Count
    """Every record up to this one is held."""
    extra: tuple[Seq, ...] = ()
    """Records above `upto` that are held too."""
    rejected: tuple[Rejected, ...] = ()


class Config(Wire):
    """What is new for a kiosk; it pulls the content itself."""

    v: Literal[1] = 1
    stream: UUID
    epoch: UUID
    number: Count
    roster: str
    """The version of the roster that the gateway would answer with now."""


class Command(Wire):
    """What the gateway asks of a kiosk; the list is closed, and what is not on it is ignored."""

    v: Literal[1] = 1
    stream: UUID
    epoch: UUID
    number: Count
    """Rises with every receipt and command of an epoch, so that none is heeded twice."""
    act: Literal["resend"]
    """Send these records again: the kiosk has marked them delivered, and they are not there."""
    first: Seq
    last: Seq


class BootTime(Wire):
    """When the kiosk's monotonic clock read zero, as it found out once its wall clock was synced."""

    boot: UUID
    began_at: Instant

    def time_of(self, record: CheckInRecord) -> datetime | None:
        """Work out when a record of this boot was made, however wrong its clock was; None for another boot's."""
        if record.boot != self.boot or record.monotonic_ms is None:
            return None
        try:
            return self.began_at + timedelta(milliseconds=record.monotonic_ms)
        except OverflowError:
            return None


class State(Wire):
    """A kiosk's heartbeat."""

    v: Literal[1] = 1
    stream: UUID
    at: Instant
    first_unreceipted: Count | None = None
    last_assigned: Count
    count: Count
    """Rows that wait for a receipt."""
    boots: tuple[BootTime, ...] = ()
    """They correct the times of records that were made before the clock was synced; said again and again."""
    trouble: Code | None = None
    """What the kiosk's screen says is wrong with it."""


CONTEXTS: dict[type[Wire], Context] = {Receipt: "receipt", Config: "config", Command: "command", State: "state"}

M = TypeVar("M", bound=Wire)


def post(message: Wire, key: SigningKey) -> bytes:
    """Sign a message for the wire."""
    return signing.seal(CONTEXTS[type(message)], message.line(), key)


def read(kind: type[M], data: bytes, key: VerifyKey) -> M:
    """Return a message that `key` signed; raises TooLarge, BadSignature or Malformed."""
    if len(data) > MAX_BYTES:
        raise TooLarge(f"a message has {MAX_BYTES} bytes at most")
    return kind.read(signing.unseal(CONTEXTS[kind], data, key))
