"""Claims about envelopes that are opened before their turn: it saves time, and decides nothing."""

from dataclasses import replace

import pytest
import sqlalchemy as sa
from nacl.signing import SigningKey

from gateway.intake import Message, take_in
from gateway.opening import Opener, open_with
from ledger.database import Ledger
from ledger.tables import CheckInRow, DeadLetterRow, DeviceRow
from protocol import envelope, topics
from protocol.registration import public
from tests.cast import DEVICE, DEVICE_KEY, EVENING, GATEWAY_KEY, SITE, STREAM, company, seen

UP, STATE = topics.topic(SITE, DEVICE, "up"), topics.topic(SITE, DEVICE, "state")
THIEF = SigningKey(b"t" * 32)
NEW = "n" * 16


def sealed(key: SigningKey = DEVICE_KEY) -> bytes:
    return envelope.seal([seen("ann").line], device=DEVICE, stream=STREAM, key=key)


def held(ledger: Ledger) -> tuple[int, list[str]]:
    """Count the check-ins, and say why others are dead letters."""
    with ledger.read() as db:
        count = db.scalar(sa.select(sa.func.count()).select_from(CheckInRow)) or 0
        return count, list(db.scalars(sa.select(DeadLetterRow.reason)))


def test_what_was_opened_is_entered_without_being_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = company()
    opened = Opener(ledger).open(UP, sealed())
    monkeypatch.setattr("gateway.intake.open_with", lambda *_: pytest.fail("it was opened twice"))

    take_in(ledger, [Message(1, 1, 1, UP, sealed(), opened)], GATEWAY_KEY, EVENING)

    assert held(ledger) == (1, [])


def test_what_another_key_has_opened_is_not_believed() -> None:
    ledger, data = company(), sealed(THIEF)

    take_in(ledger, [Message(1, 1, 1, UP, data, open_with(public(THIEF), data))], GATEWAY_KEY, EVENING)

    assert held(ledger) == (0, ["bad_signature"])


def test_a_key_that_was_changed_meanwhile_no_longer_counts() -> None:
    ledger = company()
    opened = Opener(ledger).open(UP, sealed())
    with ledger.begin() as db:
        db.get_one(DeviceRow, DEVICE).signing_key = public(THIEF)

    take_in(ledger, [Message(1, 1, 1, UP, sealed(), opened)], GATEWAY_KEY, EVENING)

    assert held(ledger) == (0, ["bad_signature"])


def test_a_device_that_was_revoked_meanwhile_is_refused() -> None:
    ledger = company()
    opened = Opener(ledger).open(UP, sealed())
    with ledger.begin() as db:
        db.get_one(DeviceRow, DEVICE).revoked_at = EVENING

    take_in(ledger, [Message(1, 1, 1, UP, sealed(), opened)], GATEWAY_KEY, EVENING)

    assert held(ledger) == (0, ["revoked_device"])


@pytest.mark.parametrize(
    "topic, data",
    [
        pytest.param(UP, sealed(THIEF), id="a-strangers-signature"),
        pytest.param(UP, b"\xff" * 100, id="no-envelope"),
        pytest.param(STATE, sealed(), id="a-heartbeats-topic"),
        pytest.param(UP.replace(DEVICE, NEW), sealed(), id="an-unknown-device"),
        pytest.param("elsewhere", sealed(), id="no-topic-of-ours"),
    ],
)
def test_what_cannot_be_opened_is_left_to_whoever_enters_it(topic: str, data: bytes) -> None:
    assert Opener(company()).open(topic, data) is None


def test_a_device_that_was_unknown_a_moment_ago_is_looked_up_again() -> None:
    ledger, topic = company(), UP.replace(DEVICE, NEW)
    opener = Opener(ledger)
    assert opener.open(topic, sealed()) is None

    with ledger.begin() as db:
        device = db.execute(sa.select(DeviceRow.__table__)).mappings().one()
        db.execute(sa.insert(DeviceRow), {**device, "id": NEW})

    assert opener.open(topic, sealed()) is not None


def test_opening_early_and_late_enter_the_same() -> None:
    early, late = company(), company()
    message = Message(1, 1, 1, UP, sealed())

    answers = take_in(early, [replace(message, opened=Opener(early).open(UP, sealed()))], GATEWAY_KEY, EVENING)

    assert len(answers) == len(take_in(late, [message], GATEWAY_KEY, EVENING))
    assert held(early) == held(late) == (1, [])
