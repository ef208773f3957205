"""Claims about badge codes and about the base45 that they are written in."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from protocol import badge, signing
from protocol.badge import ALLOWANCE, LIFE, PREFIX, Badge, DynamicBadge, Forged, NotABadge, age, from_base45, to_base45

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


# Kinds

RECORDED = (
    "T1:V50$*0000000J10%20000000P30180L+K99I000F20OUCWUCJWG*YEEV7SLRX.67$G1GFZGIF 5N5J:VKNBK2LM+4PR4F/1PL$0$X5I73*1OJ"
    "RCMVTELHMV54694VF12FT$0J4H30"
)
"""As it was printed before there were kinds."""
STAFF = Badge(id=ANNS.id, key_id=7, issued_at=NINE, kind="staff")
PHONE = DynamicBadge(person="ann", key_id=7, issued_at=NINE)


def test_a_badge_of_before_is_printed_and_read_as_ever() -> None:
    assert CODE == RECORDED
    assert badge.verify(RECORDED, KEYS) == ANNS


@pytest.mark.parametrize("shown", [STAFF, PHONE], ids=["staff", "phone"])
def test_every_kind_is_read_as_what_it_is(shown: Badge | DynamicBadge) -> None:
    text = badge.issue(shown, KEY) if isinstance(shown, Badge) else badge.issue_dynamic(shown, KEY)

    assert badge.verify(text, KEYS) == shown


def remade(text: str, place: int, byte: int) -> str:
    """Change one byte of a code and leave its signature."""
    data = bytearray(from_base45(text.removeprefix(PREFIX)) or b"")
    data[place] = byte
    return PREFIX + to_base45(bytes(data))


@pytest.mark.parametrize("kind", [2, 4, 0, 255], ids=["staff", "a kind to come", "none", "the last"])
def test_a_learner_cannot_turn_a_badge_into_another_kind(kind: int) -> None:
    assert isinstance(badge.verify(remade(CODE, 0, kind), KEYS), Forged)


def test_a_printed_badge_is_never_a_phone() -> None:
    assert badge.verify(remade(CODE, 0, 3), KEYS) == NotABadge()


def test_a_kind_that_is_not_known_here_is_not_read_even_if_it_is_signed() -> None:
    payload = bytes([4]) + (from_base45(CODE.removeprefix(PREFIX)) or b"")[1:27]
    signed = PREFIX + to_base45(payload + signing.sign("badge", payload, KEY))

    assert isinstance(badge.verify(signed, KEYS), Forged)


@pytest.mark.parametrize("person", ["a", "f" * 32, "ann-1"])
def test_the_code_of_a_phone_fits_anybodys_id(person: str) -> None:
    shown = DynamicBadge(person=person, key_id=65535, issued_at=NINE)
    text = badge.issue_dynamic(shown, KEY)

    assert badge.verify(text, {65535: KEY.verify_key}) == shown
    assert len(text) <= 158


@pytest.mark.parametrize("person", ["", "A", "f" * 33, "-a", "a b", "a\n"], ids=repr)
def test_what_is_no_id_is_no_code_even_if_it_is_signed(person: str) -> None:
    assert badge.verify(badge.issue_dynamic(DynamicBadge(person=person, key_id=7, issued_at=NINE), KEY), KEYS) == (
        NotABadge()
    )


def test_no_altered_character_of_a_phones_code_passes() -> None:
    code = badge.issue_dynamic(PHONE, KEY)

    for place in range(len(PREFIX), len(code)):
        altered = code[:place] + ("A" if code[place] != "A" else "B") + code[place + 1 :]
        assert isinstance(badge.verify(altered, KEYS), Forged | NotABadge)


def test_a_signature_for_another_purpose_makes_no_badge() -> None:
    payload = (from_base45(badge.issue_dynamic(PHONE, KEY).removeprefix(PREFIX)) or b"")[:-64]

    assert isinstance(badge.verify(PREFIX + to_base45(payload + signing.sign("answer", payload, KEY)), KEYS), Forged)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (-ALLOWANCE - timedelta(seconds=1), "ahead"),
        (-ALLOWANCE, "fresh"),
        (timedelta(0), "fresh"),
        (LIFE + ALLOWANCE, "fresh"),
        (LIFE + ALLOWANCE + timedelta(milliseconds=1), "over"),
        (-timedelta(days=36500), "ahead"),
        (timedelta(days=36500), "over"),
    ],
    ids=["before it was made", "a clock behind", "at once", "a clock ahead", "too late", "a century before", "after"],
)
def test_the_code_of_a_phone_is_good_for_half_a_minute_and_what_clocks_may_be_off(
    after: timedelta, expected: str
) -> None:
    assert age(NINE, NINE + after) == expected
