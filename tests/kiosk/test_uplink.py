"""Claims about the uplink: what is sent, how often, what is believed, and that it never gives up."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from nacl.signing import SigningKey

from kiosk.broker import Connection, Message
from kiosk.outbox import FILE, Outbox
from kiosk.uplink import AGAIN, HEARTBEAT, IN_FLIGHT, Backoff, Uplink
from protocol import envelope, messages, signing, topics
from protocol.messages import BootTime, Command, Config, Receipt, Rejected
from protocol.registration import BrokerAccount
from protocol.wire import Wire
from tests.kiosk.cast import (
    ACCOUNT,
    BOOT,
    DEVICE,
    DEVICE_KEY,
    GATEWAY_KEY,
    IDENTITY,
    NINE,
    SITE,
    STRANGERS_KEY,
    STREAM,
    a_record,
    eventually,
)
from tests.kiosk.stand_in_broker import COMMAND, CONFIG, RECEIPT, UP, BrokerStandIn

EPOCH = UUID("00000000-0000-4000-8000-0000000000e1")


class Kiosk:
    """An uplink that a test drives by hand, or starts."""

    def __init__(self, folder: Path) -> None:
        self.outbox = Outbox(folder / FILE, stream=STREAM)
        self.broker = BrokerStandIn()
        self.seconds = 0.0
        self.account: BrokerAccount | None = ACCOUNT
        self.configured: list[str] = []
        self.trouble: str | None = None
        self.uplink = Uplink(
            IDENTITY,
            self.outbox,
            account=lambda: self.account,
            now=lambda: NINE,
            on_config=self.configured.append,
            trouble=lambda: self.trouble,
            connect=self.broker,
            monotonic=lambda: self.seconds,
            luck=lambda: 0.0,
        )

    def keeps(self, count: int) -> None:
        for _ in range(count):
            self.outbox.put(a_record)

    def step(self, after: timedelta = timedelta(0)) -> None:
        self.seconds += after.total_seconds()
        self.uplink.step(self.broker)

    def hears(self, topic: str, message: Wire, key: SigningKey = GATEWAY_KEY) -> None:
        self.uplink.hear(Message(topic, messages.post(message, key)))


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    kiosk = Kiosk(tmp_path)
    with closing(kiosk.outbox):
        yield kiosk
        kiosk.uplink.stop()


def receipt(upto: int, *, number: int = 1, extra: tuple[int, ...] = (), rejected: tuple[int, ...] = ()) -> Receipt:
    refused = tuple(Rejected(seq=seq, reason="malformed") for seq in rejected)
    return Receipt(stream=STREAM, epoch=EPOCH, number=number, upto=upto, extra=extra, rejected=refused)


# The window


def test_what_waits_is_sent_in_one_envelope(kiosk: Kiosk) -> None:
    kiosk.keeps(3)

    kiosk.step()

    assert kiosk.broker.envelopes() == [[1, 2, 3]]


def test_a_backlog_fills_the_window_and_no_more(kiosk: Kiosk) -> None:
    kiosk.keeps(700)

    kiosk.step()
    kiosk.step()

    sent = kiosk.broker.envelopes()
    assert len(sent) == IN_FLIGHT
    assert [seq for numbers in sent for seq in numbers] == list(range(1, sum(map(len, sent)) + 1))


def test_a_receipt_opens_the_window(kiosk: Kiosk) -> None:
    kiosk.keeps(700)
    kiosk.step()
    first = len(kiosk.broker.envelopes()[0])

    kiosk.hears(RECEIPT, receipt(first))
    kiosk.step()

    assert len(kiosk.broker.envelopes()) == IN_FLIGHT + 1


def test_half_a_receipt_opens_nothing(kiosk: Kiosk) -> None:
    kiosk.keeps(700)
    kiosk.step()

    kiosk.hears(RECEIPT, receipt(1))
    kiosk.step()

    assert len(kiosk.broker.envelopes()) == IN_FLIGHT


@pytest.mark.parametrize(
    "told", [receipt(0, extra=(2,)), receipt(0, rejected=(2,))], ids=["held above a gap", "rejected"]
)
def test_a_record_named_by_itself_lands_too(kiosk: Kiosk, told: Receipt) -> None:
    kiosk.keeps(1)
    kiosk.step()
    kiosk.keeps(1)
    kiosk.step()

    kiosk.hears(RECEIPT, told)
    kiosk.step(AGAIN)

    assert kiosk.broker.envelopes() == [[1], [2], [1]]


def test_without_a_receipt_it_is_sent_again_after_thirty_seconds(kiosk: Kiosk) -> None:
    kiosk.keeps(2)
    kiosk.step()

    kiosk.step(AGAIN - timedelta(seconds=1))
    assert len(kiosk.broker.envelopes()) == 1
    kiosk.step(timedelta(seconds=1))
    assert kiosk.broker.envelopes() == [[1, 2], [1, 2]]


def test_what_no_receipt_can_name_does_not_keep_newer_records_here(kiosk: Kiosk) -> None:
    kiosk.keeps(500)
    kiosk.step()
    newest = max(seq for numbers in kiosk.broker.envelopes() for seq in numbers)

    kiosk.step(AGAIN)

    again = kiosk.broker.envelopes()[IN_FLIGHT:]
    assert len(again) == IN_FLIGHT
    assert again[0][0] == 1
    assert again[-1][0] == newest + 1


def test_a_restored_gateway_gets_everything_above_its_receipt_again(kiosk: Kiosk) -> None:
    kiosk.keeps(3)
    kiosk.step()
    kiosk.hears(RECEIPT, receipt(3, number=9))

    kiosk.hears(RECEIPT, receipt(1).model_copy(update={"epoch": UUID(int=EPOCH.int + 1)}))
    kiosk.step()

    assert kiosk.broker.envelopes()[-1] == [2, 3]


def test_the_bytes_are_those_that_were_committed(kiosk: Kiosk) -> None:
    record = kiosk.outbox.put(a_record)

    kiosk.step()

    [sealed] = [message.payload for message in kiosk.broker.heard if message.topic == UP]
    assert envelope.unseal(sealed, DEVICE_KEY.verify_key).lines == (record.line(),)


# The heartbeat


def test_the_heartbeat_says_what_waits(kiosk: Kiosk) -> None:
    kiosk.keeps(3)
    kiosk.hears(RECEIPT, receipt(1))

    kiosk.step()

    [state] = kiosk.broker.states()
    assert (state.stream, state.first_unreceipted, state.last_assigned, state.count) == (STREAM, 2, 3, 2)


def test_the_heart_beats_every_thirty_seconds(kiosk: Kiosk) -> None:
    for _ in range(7):
        kiosk.step(HEARTBEAT / 3)

    assert len(kiosk.broker.states()) == 3


def test_the_heartbeat_says_when_boots_began(kiosk: Kiosk) -> None:
    kiosk.outbox.note_boot(BOOT, NINE)

    kiosk.step()

    assert kiosk.broker.states()[0].boots == (BootTime(boot=BOOT, began_at=NINE),)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (None, None),
        ("disk_full", "disk_full"),
        ("Gateway/Tomorrow-" + "x" * 40, "gateway_tomorrow_xxxxxxxxxxxxxxx"),
    ],
    ids=["none", "ours", "a newer gateway's"],
)
def test_the_heartbeat_says_what_is_wrong_with_the_kiosk(kiosk: Kiosk, trouble: str | None, said: str | None) -> None:
    kiosk.trouble = trouble

    kiosk.step()

    assert [state.trouble for state in kiosk.broker.states()] == [said]


def test_with_nothing_waiting_the_heartbeat_can_be_read(kiosk: Kiosk) -> None:
    kiosk.step()

    assert kiosk.broker.states()[0].first_unreceipted is None


# What is believed


@pytest.mark.parametrize(
    "payload",
    [
        messages.post(receipt(1), STRANGERS_KEY),
        messages.post(receipt(1), GATEWAY_KEY)[:-1],
        messages.post(Config(stream=STREAM, epoch=EPOCH, number=1, roster="2"), GATEWAY_KEY),
        b"",
        b"\n" * 20_000,
        messages.post(receipt(1).model_copy(update={"upto": 2**63}), GATEWAY_KEY),
    ],
    ids=["not signed by the gateway", "cut", "signed for another purpose", "empty", "too large", "beyond all numbers"],
)
def test_a_receipt_that_is_none_is_ignored_and_counted(kiosk: Kiosk, payload: bytes) -> None:
    kiosk.keeps(1)

    kiosk.uplink.hear(Message(RECEIPT, payload))

    assert kiosk.uplink.ignored == 1
    assert kiosk.outbox.standing().count == 1


def test_a_receipt_that_a_full_disk_cannot_note_is_noted_when_it_comes_again(kiosk: Kiosk) -> None:
    kiosk.keeps(1)
    kiosk.outbox._db.execute("PRAGMA query_only = ON")
    kiosk.hears(RECEIPT, receipt(1))
    assert kiosk.outbox.standing().count == 1

    kiosk.outbox._db.execute("PRAGMA query_only = OFF")
    kiosk.hears(RECEIPT, receipt(1))

    assert kiosk.outbox.standing().count == 0


def test_a_command_that_we_do_not_know_is_ignored(kiosk: Kiosk) -> None:
    kiosk.uplink.hear(Message(topics.topic(SITE, DEVICE, "command"), b"open the door"))

    assert kiosk.uplink.ignored == 1


def test_news_of_a_roster_is_passed_on(kiosk: Kiosk) -> None:
    kiosk.hears(CONFIG, Config(stream=STREAM, epoch=EPOCH, number=1, roster="2"))

    assert kiosk.configured == ["2"]


def test_news_that_somebody_recorded_and_sends_again_are_none(kiosk: Kiosk) -> None:
    old, new = (Config(stream=STREAM, epoch=EPOCH, number=number, roster=str(number)) for number in (1, 2))

    for config in (old, old, new, old, new):
        kiosk.hears(CONFIG, config)

    assert kiosk.configured == ["1", "2"]


def test_a_rejected_record_is_told_once(kiosk: Kiosk, caplog: pytest.LogCaptureFixture) -> None:
    kiosk.keeps(2)
    with caplog.at_level(logging.ERROR):
        kiosk.hears(RECEIPT, receipt(2, rejected=(2,)))
        kiosk.hears(RECEIPT, receipt(2, number=2, rejected=(2,)))

    assert [record.message for record in caplog.records] == [
        "the gateway cannot enter check-in 2 (malformed); it is in quarantine"
    ]
    assert [row.seq for row in kiosk.outbox.quarantine()] == [2]


# Commands


def resend(first: int, last: int, *, number: int = 2, epoch: UUID = EPOCH, stream: UUID = STREAM) -> Command:
    return Command(stream=stream, epoch=epoch, number=number, act="resend", first=first, last=last)


def test_what_the_gateway_lacks_is_sent_again(kiosk: Kiosk) -> None:
    kiosk.keeps(5)
    kiosk.hears(RECEIPT, receipt(5))

    kiosk.hears(COMMAND, resend(2, 3))
    kiosk.step()

    assert kiosk.broker.envelopes() == [[2, 3]]


def test_what_the_gateway_cannot_enter_stays_in_quarantine(kiosk: Kiosk) -> None:
    kiosk.keeps(3)
    kiosk.hears(RECEIPT, receipt(3, rejected=(2,)))

    kiosk.hears(COMMAND, resend(1, 3))
    kiosk.step()

    assert kiosk.broker.envelopes() == [[1, 3]]
    assert [row.seq for row in kiosk.outbox.quarantine()] == [2]


@pytest.mark.parametrize(
    "command, key, topic",
    [
        pytest.param(resend(1, 3), STRANGERS_KEY, COMMAND, id="forged"),
        pytest.param(resend(1, 3), DEVICE_KEY, COMMAND, id="signed-by-the-kiosk-itself"),
        pytest.param(resend(1, 3, number=1), GATEWAY_KEY, COMMAND, id="stale"),
        pytest.param(resend(1, 3, epoch=UUID(int=EPOCH.int + 1)), GATEWAY_KEY, COMMAND, id="of-another-epoch"),
        pytest.param(resend(1, 3, stream=UUID(int=1)), GATEWAY_KEY, COMMAND, id="for-another-stream"),
        pytest.param(resend(1, 3), GATEWAY_KEY, RECEIPT, id="on-the-topic-of-receipts"),
        pytest.param(receipt(0, number=9), GATEWAY_KEY, COMMAND, id="a-receipt-as-a-command"),
    ],
)
def test_a_command_that_is_not_the_gateways_word_of_now_is_not_obeyed(
    kiosk: Kiosk, command: Wire, key: SigningKey, topic: str
) -> None:
    kiosk.keeps(3)
    kiosk.hears(RECEIPT, receipt(3))

    kiosk.hears(topic, command, key)
    kiosk.step()

    assert kiosk.broker.envelopes() == []


def test_a_replayed_command_is_obeyed_once(kiosk: Kiosk) -> None:
    kiosk.keeps(3)
    kiosk.hears(RECEIPT, receipt(3))
    kiosk.hears(COMMAND, resend(1, 3))
    kiosk.hears(RECEIPT, receipt(3, number=3))

    kiosk.hears(COMMAND, resend(1, 3))
    kiosk.step()

    assert kiosk.broker.envelopes() == []


def test_an_act_that_is_not_on_the_list_is_ignored_and_counted(kiosk: Kiosk) -> None:
    line = resend(1, 3).line().replace(b'"resend"', b'"unlock"')

    kiosk.uplink.hear(Message(COMMAND, signing.seal("command", line, GATEWAY_KEY)))

    assert kiosk.uplink.ignored == 1


# The thread


def test_a_started_uplink_subscribes_sends_and_hears(kiosk: Kiosk) -> None:
    kiosk.uplink.start()
    assert eventually(lambda: kiosk.uplink.connected)
    kiosk.keeps(1)
    kiosk.uplink.wake()
    assert eventually(lambda: kiosk.broker.envelopes() == [[1]])

    kiosk.broker.says(RECEIPT, receipt(1))

    assert eventually(lambda: kiosk.outbox.is_delivered(1))
    assert kiosk.broker.subscribed == [RECEIPT, CONFIG, COMMAND]


def test_a_new_connection_begins_with_a_heartbeat_and_all_that_waits(kiosk: Kiosk) -> None:
    kiosk.keeps(1)
    kiosk.uplink.start()
    assert eventually(lambda: kiosk.broker.envelopes() == [[1]])

    kiosk.broker.breaks()

    assert eventually(lambda: kiosk.broker.envelopes() == [[1], [1]])
    assert (kiosk.broker.connections, len(kiosk.broker.states())) == (2, 2)
    assert kiosk.broker.closed == 1


def test_without_a_network_nothing_is_connected_and_nothing_is_lost(kiosk: Kiosk) -> None:
    kiosk.broker.away = True
    kiosk.uplink.start()
    kiosk.keeps(2)
    kiosk.uplink.wake()
    assert not eventually(lambda: kiosk.uplink.connected, seconds=0.05)

    kiosk.broker.away = False

    assert eventually(lambda: kiosk.broker.envelopes() == [[1, 2]])


def test_a_stopped_uplink_sends_no_more_until_it_is_started_again(kiosk: Kiosk) -> None:
    kiosk.uplink.start()
    assert eventually(lambda: kiosk.uplink.connected)
    kiosk.uplink.stop()
    kiosk.keeps(1)
    kiosk.uplink.wake()
    assert not kiosk.uplink.connected
    assert kiosk.broker.envelopes() == []

    kiosk.uplink.start()

    assert eventually(lambda: kiosk.broker.envelopes() == [[1]])


def test_an_uplink_waits_for_its_account(kiosk: Kiosk) -> None:
    kiosk.account = None
    kiosk.uplink.start()
    assert not eventually(lambda: kiosk.uplink.connected, seconds=0.05)

    kiosk.account = ACCOUNT

    assert eventually(lambda: kiosk.uplink.connected)


def test_no_fault_ends_the_uplink(kiosk: Kiosk, caplog: pytest.LogCaptureFixture) -> None:
    faults = iter([RuntimeError("a fault of ours")])
    real = kiosk.broker.publish

    def publish(topic: str, payload: bytes) -> None:
        for fault in faults:
            raise fault
        real(topic, payload)

    kiosk.broker.publish = publish  # type: ignore[method-assign]
    kiosk.keeps(1)
    with caplog.at_level(logging.ERROR):
        kiosk.uplink.start()
        assert eventually(lambda: kiosk.broker.envelopes() == [[1]])

    assert "the uplink failed and begins anew" in caplog.text


@pytest.mark.parametrize(
    "lasted, pauses",
    [(timedelta(seconds=29), [20, 40, 50]), (timedelta(seconds=30), [20, 20, 20])],
    ids=["a broker that lets go at once", "a connection that was healthy"],
)
def test_only_a_healthy_connection_makes_the_pauses_short_again(
    tmp_path: Path, lasted: timedelta, pauses: list[int]
) -> None:
    kiosk, asked = Kiosk(tmp_path), list[int]()

    class Noted(Backoff):
        def wait(self, attempts: int, *, luck: float) -> timedelta:
            asked.append(super().wait(attempts, luck=1).seconds)
            return timedelta(0)

    def breaks(account: BrokerAccount, subscribe: Sequence[str]) -> Connection:
        kiosk.seconds += lasted.total_seconds()
        kiosk.broker.broken = True
        return kiosk.broker

    uplink = Uplink(
        IDENTITY, kiosk.outbox, account=lambda: ACCOUNT, now=lambda: NINE, connect=breaks,
        monotonic=lambda: kiosk.seconds, backoff=Noted(),
    )  # fmt: skip
    with closing(kiosk.outbox):
        uplink.start()
        assert eventually(lambda: len(asked) >= 3)
        uplink.stop()

    assert asked[:3] == pauses


@pytest.mark.parametrize(
    "attempts, luck, seconds",
    [(0, 0.9, 18.0), (1, 0.5, 20.0), (1, 0.0, 0.0), (2, 0.5, 25.0), (10_000, 0.5, 25.0)],
    ids=["first", "doubles", "spreads down to nothing", "capped", "for ever"],
)
def test_reconnects_are_spread(attempts: int, luck: float, seconds: float) -> None:
    assert Backoff().wait(attempts, luck=luck) == timedelta(seconds=seconds)
