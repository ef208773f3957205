"""Claims about kiosks and gateways of earlier versions: what they said is still understood."""

from pathlib import Path
from uuid import UUID

import pytest
from nacl.public import PrivateKey
from nacl.signing import SigningKey

from protocol import badge, envelope, messages, registration
from protocol.badge import Badge
from protocol.messages import Command, Config, Receipt, State
from protocol.registration import Accepted, Application, Standing, public
from protocol.roster import Roster
from protocol.wire import Wire

VERSIONS = sorted(path for path in (Path(__file__).parent.parent / "recordings").iterdir() if path.is_dir())
DEVICE, GATEWAY, BADGES = (SigningKey(letter * 32) for letter in (b"d", b"g", b"b"))
SEALING = PrivateKey(b"s" * 32)
SIGNED: dict[str, tuple[type[Wire], SigningKey]] = {
    "state": (State, DEVICE), "receipt": (Receipt, GATEWAY), "config": (Config, GATEWAY), "command": (Command, GATEWAY),
}  # fmt: skip
PLAIN: dict[str, type[Wire]] = {
    "application.json": Application, "accepted.json": Accepted, "standing.json": Standing, "roster.json": Roster,
}  # fmt: skip

pytestmark = pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.name)


def test_check_ins_are_read_and_their_bytes_are_the_ones_that_were_signed(version: Path) -> None:
    sealed = envelope.unseal((version / "check-ins").read_bytes(), DEVICE.verify_key)

    records = [sealed.record(line) for line in sealed.lines]

    assert [(record.seq, record.method, record.refused) for record in records] == [
        (1, "static_badge", None),
        (2, "face", None),
        (3, "static_badge", "unknown_badge"),
    ]
    assert [record.line() for record in records] == list(sealed.lines)


@pytest.mark.parametrize("name", SIGNED)
def test_signed_messages_are_read(version: Path, name: str) -> None:
    kind, key = SIGNED[name]

    message = messages.read(kind, (version / name).read_bytes(), key.verify_key)

    assert message.model_dump(mode="json")["stream"] == "01a00000-0000-7000-8000-000000000001"


@pytest.mark.parametrize("name", PLAIN)
def test_what_goes_over_https_is_read(version: Path, name: str) -> None:
    line = (version / name).read_bytes()

    assert PLAIN[name].read(line).model_dump_json(exclude_unset=True, exclude_none=True) == line.decode()


def test_a_sealed_account_is_opened_by_its_device(version: Path) -> None:
    standing = Standing.read((version / "standing.json").read_bytes())

    account = registration.open_account(standing.account or "", SEALING)

    assert (account.username, account.password, account.tls) == ("device0000000001", "a recorded password", True)


def test_a_printed_badge_is_verified(version: Path) -> None:
    shown = badge.verify((version / "badge.txt").read_text(), {1: registration.verify_key(public(BADGES))})

    assert isinstance(shown, Badge)
    assert (shown.id, shown.key_id) == (UUID("01a00000-0000-7000-8000-000000000005"), 1)
