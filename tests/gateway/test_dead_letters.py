"""What could not be processed: looked at, let in after all, or thrown away."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from nacl.signing import SigningKey
from typer.testing import CliRunner

from gateway import dead_letters
from gateway.intake import Message, take_in
from gateway.problem import NotDone
from ledger.account_tables import AuditRow
from ledger.database import Ledger
from ledger.refusals import Unknown
from ledger.tables import CheckInRow, DeadLetterRow, DeviceRow, StreamRow
from protocol import envelope, topics
from tandem.cli import app
from tests.cast import DEVICE, DEVICE_KEY, EVENING, GATEWAY_KEY, SITE, STREAM, company, seen

LATER = EVENING + timedelta(days=1)
UP = topics.topic(SITE, DEVICE, "up")


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    ledger = company(database)
    yield ledger
    ledger.close()


def take(ledger: Ledger, *lines: bytes, key: SigningKey = DEVICE_KEY) -> None:
    sealed = envelope.seal(lines, device=DEVICE, stream=STREAM, key=key)
    take_in(ledger, [Message(1, 1, 1, UP, sealed)], GATEWAY_KEY, EVENING)


def listed(ledger: Ledger) -> list[dict[str, object]]:
    with ledger.read() as db:
        return list(dead_letters.listed(db))


def only(ledger: Ledger) -> str:
    [letter] = listed(ledger)
    return str(letter["id"])


def replay(ledger: Ledger, id: str) -> int:
    with ledger.begin() as db:
        return int(dead_letters.replay(db, id, actor="it", now=LATER)["records"])


def entered(ledger: Ledger) -> list[tuple[int | None, object]]:
    with ledger.read() as db:
        rows = db.scalars(sa.select(CheckInRow).order_by(CheckInRow.seq))
        return [(row.seq, row.received_at) for row in rows]


def acts(ledger: Ledger) -> list[tuple[str, str]]:
    with ledger.read() as db:
        return [(row.act, row.actor) for row in db.scalars(sa.select(AuditRow)) if row.act.startswith("dead_letter")]


def changed(ledger: Ledger, **values: object) -> None:
    with ledger.begin() as db:
        db.execute(sa.update(DeviceRow).values(**values))


def test_a_message_of_a_device_that_was_not_confirmed_yet_is_let_in_afterwards(ledger: Ledger) -> None:
    changed(ledger, confirmed_at=None)
    take(ledger, seen("ann", seq=1).line, seen("bo", seq=2).line)
    changed(ledger, confirmed_at=LATER)

    records = replay(ledger, only(ledger))

    assert (records, listed(ledger)) == (2, [])
    assert entered(ledger) == [(1, EVENING), (2, EVENING)]
    assert acts(ledger) == [("dead_letter.replay", "it")]
    with ledger.read() as db:
        assert db.get_one(StreamRow, STREAM).upto == 2


def test_what_is_refused_again_stays(ledger: Ledger) -> None:
    take(ledger, seen("ann").line, key=GATEWAY_KEY)

    with pytest.raises(NotDone, match="bad_signature"):
        replay(ledger, only(ledger))

    assert (len(listed(ledger)), entered(ledger), acts(ledger)) == (1, [], [])


def test_a_line_that_failed_is_let_in_once_it_can_be(ledger: Ledger) -> None:
    ann = seen("ann", seq=1)
    with ledger.begin() as db:
        db.add(
            DeadLetterRow(
                id="a", received_at=EVENING, device_id=DEVICE, topic="", reason="failed", stream=STREAM, seq=1,
                data=ann.line,
            )
        )  # fmt: skip

    records = replay(ledger, "a")

    assert (records, entered(ledger), listed(ledger)) == (1, [(1, EVENING)], [])


@pytest.mark.parametrize("reason", ["malformed", "other_bytes"])
def test_a_line_that_cannot_be_entered_stays(ledger: Ledger, reason: str) -> None:
    if reason == "malformed":
        take(ledger, b'{"seq": 1}')
    else:
        take(ledger, seen("ann", seq=1).line)
        take(ledger, seen("bo", seq=1).line)

    with pytest.raises(NotDone, match=reason):
        replay(ledger, only(ledger))

    assert len(listed(ledger)) == 1


def test_what_is_discarded_leaves_no_bytes_and_no_hole(ledger: Ledger) -> None:
    take(ledger, b'{"seq": 2, "name": "secret"}')

    with ledger.begin() as db:
        dead_letters.discard(db, only_in(db), actor="it", now=LATER)
    take(ledger, seen("ann", seq=1).line)

    with ledger.read() as db:
        [row] = db.scalars(sa.select(DeadLetterRow)).all()
        assert db.get_one(StreamRow, STREAM).upto == 2
    assert (row.data, row.discarded_at, listed(ledger)) == (b"", LATER, [])
    assert acts(ledger) == [("dead_letter.discard", "it")]


def only_in(db: object) -> str:
    [letter] = dead_letters.listed(db)  # type: ignore[arg-type]
    return str(letter["id"])


def test_what_has_no_number_is_gone_when_it_is_discarded(ledger: Ledger) -> None:
    take(ledger, seen("ann").line, key=GATEWAY_KEY)

    with ledger.begin() as db:
        dead_letters.discard(db, only_in(db), actor="it", now=LATER)

    with ledger.read() as db:
        assert db.scalars(sa.select(DeadLetterRow)).all() == []


def test_there_is_no_dead_letter_that_is_not_there(ledger: Ledger) -> None:
    with pytest.raises(Unknown), ledger.begin() as db:
        dead_letters.discard(db, "nothing", actor="it", now=LATER)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b'{"seq": 2}', {"text": '{"seq": 2}'}),
        ('{"seq": 2, "名": 1}'.encode(), {"text": '{"seq": 2, "名": 1}'}),
        (b'{"seq": 2} \x1b[2J', {"hex": (b'{"seq": 2} \x1b[2J').hex()}),
        (b"\xff\xfe", {"hex": "fffe"}),
    ],
    ids=["text", "chinese", "escapes", "no text"],
)
def test_bytes_are_shown_as_text_only_if_a_terminal_can_stand_it(data: bytes, shown: dict[str, str]) -> None:
    ledger = company()
    take(ledger, data)

    with ledger.read() as db:
        told = dead_letters.shown(db, only_in(db))

    assert {name: told[name] for name in ("text", "hex") if name in told} == shown
    ledger.close()


def test_the_same_poison_again_is_kept_once(ledger: Ledger) -> None:
    for _ in range(3):
        take(ledger, b'{"seq": 2}')

    assert len(listed(ledger)) == 1


def test_past_a_senders_share_numbers_are_kept_without_their_bytes(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.dead_letters.PER_DEVICE", 2)

    take(ledger, *(b'{"seq": %d}' % seq for seq in range(1, 6)))

    assert [(letter["seq"], letter["bytes"]) for letter in reversed(listed(ledger))] == [
        (1, 10), (2, 10), (3, 0), (4, 0), (5, 0),
    ]  # fmt: skip
    with ledger.read() as db:
        assert db.get_one(StreamRow, STREAM).upto == 5
    with pytest.raises(NotDone, match="not kept"):
        replay(ledger, str(listed(ledger)[0]["id"]))


def test_the_commands_list_show_replay_and_discard(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    ledger = company(f"sqlite:///{data / 'ledger.sqlite'}")
    take(ledger, b'{"seq": 1}', b'{"seq": 2}')
    ledger.close()

    def run(*words: str) -> object:
        result = CliRunner().invoke(app, ["gateway", "dead-letter", *words, "--data", str(data), "--json"])
        return json.loads(result.output) if result.exit_code == 0 else result.exit_code

    letters = run("list")
    assert isinstance(letters, list)
    first, second = (letter["id"] for letter in letters)
    assert [letter["reason"] for letter in letters] == ["malformed", "malformed"]
    assert isinstance(shown := run("show", second), dict)
    assert shown["text"] == '{"seq": 1}'
    assert run("replay", first) == 2
    assert run("discard", first) == {"id": first}
    assert run("list", "--device", "stranger00000001") == []
    assert len(run("list")) == 1  # type: ignore[arg-type]
