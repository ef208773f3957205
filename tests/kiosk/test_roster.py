"""Claims about the roster book: what it takes, translates, forgets, and asks for."""

import errno
import gzip
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from attendance.assurance import METHODS
from attendance.session import Span
from kiosk.asking import MOST_BYTES, GatewayAway, GatewayRefuses, NotTheGateway
from kiosk.keeping import keep
from kiosk.roster import FILE, RosterBook, as_rule
from protocol import badge
from protocol.badge import Badge
from protocol.roster import Pause, Roster
from protocol.signing import Malformed
from tests.kiosk.cast import (
    ANNS_BADGE,
    IDENTITY,
    LOST_BADGE,
    NINE,
    NOON,
    STRANGERS_KEY,
    GatewayStandIn,
    Hands,
    a_roster,
    a_session,
    shows,
)

MEGABYTE = bytes(1024 * 1024)


@pytest.fixture
def time() -> Hands:
    return Hands()


@pytest.fixture
def book(tmp_path: Path, time: Hands) -> RosterBook:
    return RosterBook(tmp_path, now=time)


@pytest.fixture
def gateway() -> GatewayStandIn:
    return GatewayStandIn()


def pull(book: RosterBook, gateway: GatewayStandIn) -> bool:
    with gateway.client() as client:
        return book.pull(client, IDENTITY)


# Pulling


def test_a_full_disk_does_not_keep_good_news_away(
    book: RosterBook, gateway: GatewayStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull(book, gateway)
    gateway.roster = a_roster(version="2", revoked=(ANNS_BADGE,))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("kiosk.roster.keep", full)
    pull(book, gateway)

    assert book.is_revoked(ANNS_BADGE)
    assert (day := book.day()) is not None
    assert day.version == "2"


def test_what_does_not_fit_leaves_its_room_to_the_outbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        keep(tmp_path / "roster", bytes(1000))

    assert list(tmp_path.iterdir()) == []


def test_the_first_pull_brings_the_roster(book: RosterBook, gateway: GatewayStandIn) -> None:
    assert pull(book, gateway)

    day = book.day()
    assert day is not None
    assert day.by_badge[ANNS_BADGE].name == "Ann Li"
    assert gateway.asked[-1].path == "/device/v1/roster"


def test_nothing_new_leaves_the_roster_as_it_is(book: RosterBook, gateway: GatewayStandIn) -> None:
    pull(book, gateway)
    day = book.day()

    assert not pull(book, gateway)
    assert book.day() is day
    assert gateway.asked[-1].query == b"have=1"


def test_in_the_second_half_of_the_lease_the_same_roster_is_asked_for_again(
    book: RosterBook, gateway: GatewayStandIn, time: Hands
) -> None:
    pull(book, gateway)
    time.now = NINE + timedelta(hours=11)
    gateway.roster = a_roster(good_until=time.now + timedelta(hours=24))

    assert pull(book, gateway)
    assert gateway.asked[-1].query == b""
    day = book.day()
    assert day is not None
    assert day.good_until == time.now + timedelta(hours=24)


def test_an_answer_of_somebody_else_is_not_taken(book: RosterBook, gateway: GatewayStandIn) -> None:
    gateway.key = STRANGERS_KEY

    with pytest.raises(NotTheGateway, match="something stands between"):
        pull(book, gateway)
    assert book.day() is None


def test_a_refusal_is_said_in_the_gateways_words(book: RosterBook, gateway: GatewayStandIn) -> None:
    gateway.refusal = (403, "device-revoked")

    with pytest.raises(GatewayRefuses, match=r"No: Ask the admin\.") as refused:
        pull(book, gateway)
    assert refused.value.kind == "device-revoked"


def test_a_strangers_refusal_has_no_kind(book: RosterBook, gateway: GatewayStandIn) -> None:
    gateway.key, gateway.refusal = STRANGERS_KEY, (403, "device-revoked")

    with pytest.raises(GatewayRefuses) as refused:
        pull(book, gateway)
    assert refused.value.kind is None


def unreachable(request: httpx2.Request) -> httpx2.Response:
    raise httpx2.ConnectError("no route")


@pytest.mark.parametrize(
    "answer",
    [unreachable, lambda _: httpx2.Response(503), lambda _: httpx2.Response(429)],
    ids=["no network", "a gateway in trouble", "too many questions"],
)
def test_the_gateway_may_be_away(book: RosterBook, answer: Callable[[httpx2.Request], httpx2.Response]) -> None:
    with (
        httpx2.Client(base_url="http://gateway.test", transport=httpx2.MockTransport(answer)) as client,
        pytest.raises(GatewayAway),
    ):
        book.pull(client, IDENTITY)


def answering(answer: Callable[[httpx2.Request], httpx2.Response]) -> httpx2.Client:
    return httpx2.Client(base_url="http://gateway.test", transport=httpx2.MockTransport(answer))


def test_an_answer_without_end_is_not_taken_into_memory(book: RosterBook) -> None:
    given: list[int] = []

    def megabytes() -> Iterator[bytes]:
        for number in range(2 * MOST_BYTES // len(MEGABYTE)):
            given.append(number)
            yield MEGABYTE

    with (
        answering(lambda _: httpx2.Response(200, content=megabytes())) as client,
        pytest.raises(GatewayAway, match=r"more than 33,554,432 bytes: is it the gateway\?$"),
    ):
        book.pull(client, IDENTITY)
    assert len(given) == MOST_BYTES // len(MEGABYTE) + 1


def test_an_answer_that_takes_too_long_is_given_up(
    book: RosterBook, gateway: GatewayStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.asking.LONGEST", timedelta(seconds=-1))

    with pytest.raises(GatewayAway, match="seconds to answer"):
        pull(book, gateway)


def test_a_compressed_answer_is_not_unpacked(book: RosterBook) -> None:
    packed = httpx2.Response(200, content=iter([gzip.compress(MEGABYTE)]), headers={"Content-Encoding": "gzip"})

    with (
        answering(lambda _: packed) as client,
        pytest.raises(GatewayAway, match="compressed, which nobody asked for"),
    ):
        book.pull(client, IDENTITY)


def test_nobody_is_asked_for_a_compressed_answer(book: RosterBook, gateway: GatewayStandIn) -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return gateway.answer(request)

    with answering(answer) as client:
        book.pull(client, IDENTITY)

    assert [request.headers["Accept-Encoding"] for request in asked] == ["identity"]


def test_a_refusal_that_was_made_to_look_like_nothing_new_is_not_taken_for_it(
    book: RosterBook, gateway: GatewayStandIn
) -> None:
    gateway.refusal = (401, "clock-off")

    def tampered(request: httpx2.Request) -> httpx2.Response:
        said = gateway.answer(request)
        return httpx2.Response(204, content=said.content, headers=said.headers)

    with (
        httpx2.Client(base_url="http://gateway.test", transport=httpx2.MockTransport(tampered)) as client,
        pytest.raises(Malformed),
    ):
        book.pull(client, IDENTITY)


def test_a_roster_that_cannot_be_read_leaves_the_old_one(book: RosterBook, gateway: GatewayStandIn) -> None:
    pull(book, gateway)
    gateway.roster = a_roster(version="2").model_copy(update={"room": "no room has such a name!"})

    with pytest.raises(Malformed):
        pull(book, gateway)
    day = book.day()
    assert day is not None
    assert day.version == "1"


# The lease, and what stays


def test_past_the_lease_the_people_are_forgotten(book: RosterBook, time: Hands) -> None:
    book.take(a_roster(good_until=NOON))

    time.now = NOON
    assert book.day() is not None
    time.now = NOON + timedelta(seconds=1)
    assert book.day() is None
    time.now = NINE
    assert book.day() is None


def test_what_is_on_disk_names_nobody(book: RosterBook, tmp_path: Path) -> None:
    book.take(a_roster())

    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"room-1" in written
    assert not any(private in written for private in (b"Ann", b'"ann"', b'"bo"', ANNS_BADGE.hex.encode(), b"order-101"))


def test_badge_keys_outlive_a_power_cut(book: RosterBook, tmp_path: Path, time: Hands) -> None:
    book.take(a_roster(direction="out"))

    after = RosterBook(tmp_path, now=time)

    assert isinstance(badge.verify(shows(ANNS_BADGE).text, after.badge_keys), Badge)
    assert after.is_revoked(LOST_BADGE)
    assert after.setting == "out"
    assert after.day() is None


def test_a_kiosk_that_never_saw_a_roster_knows_no_key(book: RosterBook) -> None:
    assert (book.room, book.badge_keys, book.setting) == (None, {}, "auto")
    assert not book.is_revoked(LOST_BADGE)


def test_a_damaged_room_file_is_only_a_lost_memory(tmp_path: Path, time: Hands) -> None:
    (tmp_path / FILE).write_bytes(b"\0" * 100)

    assert RosterBook(tmp_path, now=time).room is None


# Translation


def test_a_session_of_the_wire_becomes_a_session_of_the_rules() -> None:
    pause = Pause(starts_at=NINE + timedelta(hours=1), ends_at=NINE + timedelta(hours=2))

    session = as_rule(a_session(breaks=(pause,), methods=("face", "static_badge"), least_assurance="face"))

    assert (session.id, session.room_id, session.zone) == ("order-101", "room-1", "UTC")
    assert session.breaks == (Span(pause.starts_at, pause.ends_at),)
    assert session.roster == {"ann", "bo"}
    assert session.methods == {"face", "static_badge"}
    assert session.least_assurance == "face"


def test_what_a_newer_gateway_has_added_is_read_on_the_safe_side() -> None:
    session = as_rule(a_session(methods=("iris", "face"), least_assurance="iris"))

    assert session.methods == {"face"}
    assert session.least_assurance == METHODS[-1]


def test_an_online_session_has_no_room() -> None:
    read = Roster.read(a_roster(a_session(room=None)).line())

    assert as_rule(read.sessions[0]).room_id is None


# Faces


@pytest.mark.parametrize(
    "roster, allowed",
    [
        (a_roster(), {"bo"}),
        (a_roster(faces=False), set()),
        (a_roster(a_session(starts_at=NOON)), set()),
        (a_roster(a_session(room="room-2")), set()),
        (a_roster(a_session(cancelled=True)), set()),
        (a_roster(a_session(learners=("ann",))), set()),
    ],
    ids=["with consent", "faces are off", "not open yet", "another room", "cancelled", "not on this roster"],
)
def test_faces_are_looked_for(book: RosterBook, roster: Any, allowed: set[str]) -> None:
    book.take(roster)

    assert book.faces() == allowed


def test_without_a_roster_no_face_is_looked_for(book: RosterBook, time: Hands) -> None:
    assert book.faces() == frozenset()
    book.take(a_roster(good_until=NINE))
    time.now = NOON
    assert book.faces() == frozenset()


def test_the_same_people_are_the_same_object(book: RosterBook, time: Hands) -> None:
    book.take(a_roster())
    people = book.faces()
    time.now += timedelta(minutes=1)

    assert book.faces() is people
    book.take(a_roster(version="2"))
    assert book.faces() is not people


# Across a restart of the program


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the service a folder that is taken for one in memory."""
    place = tmp_path / "memory"
    place.mkdir()
    monkeypatch.setattr("kiosk.recall._is_in_memory", lambda _: True)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(place))
    return place


def test_a_restarted_kiosk_without_a_network_still_knows_the_day(tmp_path: Path, memory: Path) -> None:
    RosterBook(tmp_path, now=Hands()).take(a_roster())

    book = RosterBook(tmp_path, now=Hands())

    day = book.day()
    assert day is not None
    assert (day.learners["ann"].name, book.faces()) == ("Ann Li", frozenset({"bo"}))


def test_after_a_power_cut_only_the_badge_keys_are_known(tmp_path: Path, memory: Path) -> None:
    RosterBook(tmp_path, now=Hands()).take(a_roster())
    (memory / "roster.key").unlink()

    book = RosterBook(tmp_path, now=Hands())

    assert (book.day(), list(book.badge_keys)) == (None, [1])


@pytest.mark.parametrize("ends", ["revoked", "over"])
def test_a_roster_that_is_forgotten_is_not_recalled(tmp_path: Path, memory: Path, ends: str) -> None:
    time = Hands()
    book = RosterBook(tmp_path, now=time)
    book.take(a_roster())

    if ends == "revoked":
        book.forget()
    else:
        time.now += timedelta(hours=24)
        assert book.day() is None

    assert RosterBook(tmp_path, now=Hands()).day() is None
