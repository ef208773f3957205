"""Up to a hundred records under one signature: a header line, then each record's line as it was committed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from nacl.signing import SigningKey, VerifyKey

from protocol import signing
from protocol.records import KioskRecord
from protocol.signing import Malformed, TooLarge
from protocol.wire import TopicId, Wire

MAX_RECORDS = 100
MAX_BYTES = 32 * 1024


class Header(Wire):
    """Who sends; the number of records makes a cut envelope visible."""

    v: Literal[1] = 1
    device: TopicId
    stream: UUID
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A header and its lines, verified but not yet read one by one."""

    header: Header
    lines: tuple[bytes, ...]

    def record(self, line: bytes) -> KioskRecord:
        """Read one line; raises Malformed, also for a record of another stream."""
        record = KioskRecord.read(line)
        if record.stream != self.header.stream:
            raise Malformed("the record belongs to another stream than its envelope")
        return record


def seal(lines: Sequence[bytes], *, device: str, stream: UUID, key: SigningKey) -> bytes:
    """Sign lines as one envelope; raises TooLarge past MAX_RECORDS or MAX_BYTES."""
    header = Header(device=device, stream=stream, count=len(lines))
    data = signing.seal("check-ins", b"\n".join([header.line(), *lines]), key)
    _check_size(data, len(lines))
    return data


def unseal(data: bytes, key: VerifyKey) -> Envelope:
    """Check size, then signature, then form; raises TooLarge, BadSignature or Malformed."""
    _check_size(data)
    first, *lines = signing.unseal("check-ins", data, key).split(b"\n")
    header = Header.read(first)
    _check_size(data, len(lines))
    if header.count != len(lines) or not lines:
        raise Malformed(f"the header promises {header.count} records and {len(lines)} follow")
    return Envelope(header=header, lines=tuple(lines))


def fitting(lines: Sequence[bytes]) -> int:
    """Say how many of these lines, from the first, one envelope can carry (at least one, if there is any)."""
    room = MAX_BYTES - 512  # the signature's line and the header's
    for count, line in enumerate(lines[:MAX_RECORDS]):
        room -= len(line) + 1
        if room < 0:
            return max(count, 1)
    return min(len(lines), MAX_RECORDS)


def _check_size(data: bytes, records: int = 0) -> None:
    if len(data) > MAX_BYTES or records > MAX_RECORDS:
        raise TooLarge(f"an envelope holds {MAX_RECORDS} records and {MAX_BYTES} bytes at most")
