"""The rotating code: good for a moment, for one session, and only as we wrote it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from gateway import session_code
from gateway.session_code import ALPHABET, Bad, Good
from tests.gateway.cast import NINE

SECRET = b"s" * 32
TOKEN = session_code.token(SECRET, "order-101", NINE)


@pytest.mark.parametrize(
    "after, said",
    [
        pytest.param(0, Good("order-101"), id="at once"),
        pytest.param(9.999, Good("order-101"), id="the last moment of its step"),
        pytest.param(10, Good("order-101"), id="the step after"),
        pytest.param(19.999, Good("order-101"), id="the last moment of the step after"),
        pytest.param(20, Bad("expired"), id="two steps after"),
        pytest.param(86_400, Bad("expired"), id="tomorrow"),
        pytest.param(-1, Bad("expired"), id="not yet shown"),
    ],
)
def test_a_token_is_good_for_its_step_and_the_next(after: float, said: Good | Bad) -> None:
    assert session_code.read(SECRET, TOKEN, NINE + timedelta(seconds=after)) == said


def flipped(at: int) -> str:
    return TOKEN[:at] + ("A" if TOKEN[at] != "A" else "B") + TOKEN[at + 1 :]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(flipped(12), id="another counter"),
        pytest.param(flipped(20), id="another MAC"),
        pytest.param(flipped(len(TOKEN) - 1), id="another last character"),
        pytest.param(TOKEN[:-1] + chr(ord(TOKEN[-1]) + 1), id="the same bytes written otherwise"),
        pytest.param(TOKEN[:-1], id="cut off"),
        pytest.param(TOKEN + "A", id="longer"),
        pytest.param(TOKEN + "\n", id="a line's end"),
        pytest.param(TOKEN.replace("order-101", "order-102"), id="other session's"),
        pytest.param(TOKEN.upper(), id="capitals"),
        pytest.param(TOKEN.replace("order-101", ""), id="no session"),
        pytest.param("", id="nothing"),
        pytest.param("订单.AAAAAAAAAAAAAAAAAAAAAA", id="not ascii"),
    ],
)
def test_an_altered_token_is_not_ours(text: str) -> None:
    assert session_code.read(SECRET, text, NINE) == Bad("altered")


def test_another_gateways_token_is_not_ours() -> None:
    assert session_code.read(b"t" * 32, TOKEN, NINE) == Bad("altered")


def test_a_token_is_short_and_carries_more_than_eighty_bits_of_proof() -> None:
    assert session_code.MAC_BYTES * 8 >= 80
    assert len(TOKEN) == len("order-101.") + 22


@pytest.mark.parametrize("after, good", [(0, True), (59, True), (60, True), (119, True), (120, False), (-1, False)])
def test_a_typed_code_is_good_for_its_minute_and_the_next(after: int, good: bool) -> None:
    code = session_code.typed(SECRET, "order-101", NINE)

    found = session_code.session_of(SECRET, ["west-7", "order-101"], code, NINE + timedelta(seconds=after))

    assert found == ("order-101" if good else None)


@pytest.mark.parametrize("write", [str.lower, lambda c: f"{c[:4]}-{c[4:]}", lambda c: f" {c[:4]} {c[4:]} "])
def test_a_typed_code_may_be_written_as_people_write(write: Callable[[str], str]) -> None:
    code = write(session_code.typed(SECRET, "order-101", NINE))

    assert session_code.session_of(SECRET, ["order-101"], code, NINE) == "order-101"


@pytest.mark.parametrize("text", ["", "ABCD", "订单订单订单订单", "O0I1L0UU"])
def test_what_is_no_code_finds_no_session(text: str) -> None:
    assert session_code.session_of(SECRET, ["order-101"], text, NINE) is None


def test_a_typed_code_has_eight_letters_that_nobody_confuses() -> None:
    codes = {session_code.typed(SECRET, "order-101", NINE + timedelta(minutes=minute)) for minute in range(200)}

    assert len(codes) == 200
    assert {len(code) for code in codes} == {8}
    assert set("".join(codes)) <= set(ALPHABET)
    assert not set("01ILOU") & set(ALPHABET)


@pytest.mark.parametrize("at, left", [(NINE, 10.0), (NINE + timedelta(seconds=9.5), 0.5)])
def test_the_ring_knows_how_long_a_code_stays(at: datetime, left: float) -> None:
    assert session_code.left(at) == left


def test_a_receipt_code_is_the_records_own_and_only_ours() -> None:
    one, other = UUID(int=1), UUID(int=2)

    assert session_code.receipt(SECRET, one) == session_code.receipt(SECRET, one)
    assert session_code.receipt(SECRET, one) != session_code.receipt(SECRET, other)
    assert session_code.receipt(SECRET, one) != session_code.receipt(b"t" * 32, one)
    assert len(session_code.receipt(SECRET, one)) == 9
