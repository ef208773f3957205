"""Claims about badge codes and about the base45 that they are written in."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from protocol import badge
from protocol.badge import PREFIX, Badge, Forged, NotABadge, from_base45, to_base45

KEY = SigningKey(b"\3" * 32)
STRANGERS = SigningKey(b"\5" * 32)
KEYS = {7: KEY.verify_key}
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
ANNS = Badge(id=UUID("00000000-0000-4000-8000-00000000a001"), key_id=7, issued_at=NINE)
CODE = badge.issue(ANNS, KEY)


def test_a_badge_is_verified_with_nothing_but_the_public_key() -> None:
    assert badge.verify(CODE, KEYS) == ANNS


def test_a_badge_may_have_an_end() -> None:
    until = NINE + timedelta(days=365)
    dated = Badge(id=ANNS.id, key_id=7, issued_at=NINE, expires_at=until)

    assert badge.verify(badge.issue(dated, KEY), KEYS) == dated
    assert not dated.expired(until)
    assert dated.expired(until + timedelta(seconds=1))
    assert not ANNS.expired(datetime.max.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    "code",
    [
        badge.issue(ANNS, STRANGERS),
        badge.issue(Badge(id=ANNS.id, key_id=8, issued_at=NINE), KEY),
        CODE[:-3] + ("000" if CODE[-3:] != "000" else "111"),
    ],
    ids=["signed by a stranger", "of a key that we do not have", "altered"],
)
def test_a_forged_badge_is_told_from_what_is_none(code: str) -> None:
    forged = badge.verify(code, KEYS)

    assert isinstance(forged, Forged)
    assert forged == badge.verify(code, KEYS)
    assert len(forged.digest) == 32


@pytest.mark.parametrize(
    "code",
    ["", "T1:", "hello", "https://example.com/T1:", CODE[:-1], CODE.lower(), CODE + "0", "T2:" + CODE[3:], "T1:工牌"],
)
def test_a_code_of_something_else_is_not_a_badge(code: str) -> None:
    assert badge.verify(code, KEYS) == NotABadge()


def test_no_altered_character_passes() -> None:
    for place in range(len(PREFIX), len(CODE)):
        altered = CODE[:place] + ("A" if CODE[place] != "A" else "B") + CODE[place + 1 :]
        assert not isinstance(badge.verify(altered, KEYS), Badge)


@given(st.text(max_size=200))
def test_any_text_has_an_answer(text: str) -> None:
    assert isinstance(badge.verify(PREFIX + text, KEYS), NotABadge | Forged)


def test_a_badge_fits_a_qr_code_of_capitals() -> None:
    assert len(CODE) == 140
    assert set(CODE) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")


# From RFC 9285, section 4.3 and 4.4
VECTORS = [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0")]


@pytest.mark.parametrize("data, text", VECTORS)
def test_base45_is_that_of_the_rfc(data: bytes, text: str) -> None:
    assert to_base45(data) == text
    assert from_base45(text) == data


@pytest.mark.parametrize("text", ["GGW", ":::", "A", "AAAA", "::", "ab0", "é00"])
def test_what_is_not_base45_has_no_bytes(text: str) -> None:
    assert from_base45(text) is None


@given(st.binary(max_size=200))
def test_base45_goes_both_ways(data: bytes) -> None:
    assert from_base45(to_base45(data)) == data
