"""Admission looks at one check-in, its session and roster, and at nothing else."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from attendance.admission import Admitted, CheckIn, Verdict, admit
from attendance.assurance import METHODS, Method, meets
from attendance.reasons import TEXTS, Code, Flag, Hint, Reason, Refused, ReviewReason, text
from attendance.session import Session

ZONE = "Asia/Shanghai"


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-02T{clock}").replace(tzinfo=ZoneInfo(ZONE))


ORDER_101 = Session(
    id="order-101",
    course_id="order-entry",
    room_id="room-1",
    starts_at=at("09:00"),
    ends_at=at("12:00"),
    zone=ZONE,
    roster=frozenset({"ann", "bo"}),
)


def seen(learner: str | None = "ann", clock: str = "09:00", **other: Any) -> CheckIn:
    told: dict[str, Any] = {
        "id": "one",
        "session_id": "order-101",
        "room_id": "room-1",
        "direction": "in",
        "method": "dynamic_badge",
    }
    return CheckIn(learner_id=learner, at=at(clock), **{**told, **other})


CANCELLED = replace(ORDER_101, cancelled=True)
NO_FACES = replace(ORDER_101, methods=frozenset({"paper", "dynamic_badge"}))
SURE = replace(ORDER_101, least_assurance="dynamic_badge")


REFUSED: dict[Reason, tuple[CheckIn, Session | None]] = {
    "not_on_roster": (seen("stranger"), ORDER_101),
    "no_session_now": (seen(), None),
    "too_early": (seen(clock="08:29:59"), ORDER_101),
    "session_over": (seen(clock="12:00:01"), ORDER_101),
    "session_cancelled": (seen(), CANCELLED),
    "wrong_room": (seen(room_id="room-2"), ORDER_101),
    "unknown_badge": (seen(None, credential="unknown"), ORDER_101),
    "revoked_badge": (seen(credential="revoked"), ORDER_101),
    "expired_code": (seen(credential="expired"), ORDER_101),
    "staff_elsewhere": (seen(credential="elsewhere"), ORDER_101),
    "method_not_allowed": (seen(method="face"), NO_FACES),
    "assurance_too_low": (seen(method="static_badge"), SURE),
    "no_consent": (seen(method="badge+face", consented=False), ORDER_101),
}


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_is_given(reason: Reason) -> None:
    check_in, session = REFUSED[reason]

    assert admit(check_in, session) == Refused(reason)


def test_of_many_reasons_the_first_is_the_one_to_act_on() -> None:
    wrong: dict[str, Any] = {"room_id": "room-2", "method": "face", "consented": False}
    everything = seen("stranger", "07:00", credential="unknown", **wrong)
    session = replace(CANCELLED, methods=frozenset({"paper"}), least_assurance="badge+face")
    given = []

    for mended_check_in, mended_session in [
        ({}, {}),
        ({"credential": "good"}, {}),
        ({}, {"cancelled": False}),
        ({"room_id": "room-1"}, {}),
        ({"learner_id": "ann"}, {}),
        ({"at": at("09:00")}, {}),
        ({}, {"methods": frozenset(METHODS)}),
        ({}, {"least_assurance": "paper"}),
        ({"consented": True}, {}),
    ]:
        everything = replace(everything, **mended_check_in)  # type: ignore[arg-type]
        session = replace(session, **mended_session)  # type: ignore[arg-type]
        verdict = admit(everything, session)
        given.append(verdict.reason if isinstance(verdict, Refused) else "admitted")

    assert given == [
        "unknown_badge",
        "session_cancelled",
        "wrong_room",
        "not_on_roster",
        "too_early",
        "method_not_allowed",
        "assurance_too_low",
        "no_consent",
        "admitted",
    ]


@pytest.mark.parametrize(
    ("clock", "direction", "verdict"),
    [
        pytest.param("08:30:00", "in", Admitted(), id="in as the window opens"),
        pytest.param("09:05:00", "in", Admitted(), id="in at the edge of grace"),
        pytest.param("09:05:00.999", "in", Admitted(), id="in within the last second of grace"),
        pytest.param("09:05:01", "in", Admitted(frozenset({"late"})), id="in after grace is late"),
        pytest.param("12:00:00", "in", Admitted(frozenset({"late"})), id="in at the end is very late"),
        pytest.param("12:00:01", "in", Refused("session_over"), id="in after the end"),
        pytest.param("08:29:59", "out", Refused("too_early"), id="out before the window"),
        pytest.param("12:00:01", "out", Admitted(), id="out after the end"),
        pytest.param("12:30:01", "out", Admitted(), id="out after the window"),
        pytest.param("23:00:00", "out", Admitted(), id="out at night"),
    ],
)
def test_the_time_decides(clock: str, direction: str, verdict: Verdict) -> None:
    assert admit(seen(clock=clock, direction=direction), ORDER_101) == verdict


FLAGGED: dict[Flag, CheckIn] = {
    "time_uncertain": seen(time_uncertain=True),
    "time_corrected": seen(time_corrected=True),
    "shared_phone": seen(shared_phone=True),
    "offline": seen(offline=True),
    "late": seen(clock="10:00"),
}


@pytest.mark.parametrize("flag", get_args(Flag))
def test_every_flag_is_given(flag: Flag) -> None:
    assert admit(FLAGGED[flag], ORDER_101) == Admitted(frozenset({flag}))


def test_a_check_in_carries_every_flag_that_fits() -> None:
    everything = seen(clock="10:00", shared_phone=True, offline=True)

    assert admit(everything, ORDER_101) == Admitted(frozenset({"late", "shared_phone", "offline"}))


@pytest.mark.parametrize("clock", ["00:01", "09:30", "23:59"])
def test_an_uncertain_time_neither_refuses_nor_makes_late(clock: str) -> None:
    assert admit(seen(clock=clock, time_uncertain=True), ORDER_101) == Admitted(frozenset({"time_uncertain"}))


def test_a_phone_is_never_in_the_wrong_room() -> None:
    assert admit(seen(room_id=None), ORDER_101) == Admitted()


def test_a_kiosk_is_the_wrong_place_for_an_online_session() -> None:
    assert admit(seen(), replace(ORDER_101, room_id=None)) == Refused("wrong_room")


def test_a_badge_needs_no_consent_to_faces() -> None:
    assert admit(seen(consented=False), ORDER_101) == Admitted()


def test_a_check_in_of_nobody_is_not_on_the_roster() -> None:
    assert admit(seen(None), ORDER_101) == Refused("not_on_roster")


def test_an_instant_without_a_zone_is_a_fault() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        replace(seen(), at=at("09:00").replace(tzinfo=None))


def test_an_instant_is_kept_in_utc() -> None:
    assert seen(clock="09:00").at.tzinfo is UTC


LOWEST_FIRST: list[Method] = [
    "paper", "staff", "static_badge", "session_code", "static_badge+staff", "dynamic_badge", "face", "badge+face"
]  # fmt: skip


def test_every_method_has_its_place() -> None:
    assert list(METHODS) == LOWEST_FIRST


@pytest.mark.parametrize("level", range(len(LOWEST_FIRST)), ids=LOWEST_FIRST)
def test_a_method_meets_itself_and_all_below(level: int) -> None:
    met: list[Method] = [least for least in METHODS if meets(LOWEST_FIRST[level], least)]

    assert met == LOWEST_FIRST[: level + 1]


@pytest.mark.parametrize("level", range(len(LOWEST_FIRST)), ids=LOWEST_FIRST)
def test_a_session_accepts_what_it_asks_for_or_more(level: int) -> None:
    demanding = replace(ORDER_101, least_assurance=LOWEST_FIRST[level])

    verdicts = [admit(seen(method=method), demanding) for method in LOWEST_FIRST]

    enough = len(LOWEST_FIRST) - level
    assert verdicts == [*[Refused("assurance_too_low")] * level, *[Admitted()] * enough]


@pytest.mark.parametrize("method", LOWEST_FIRST)
def test_a_session_accepts_only_the_methods_it_allows(method: Method) -> None:
    others = replace(ORDER_101, methods=frozenset(LOWEST_FIRST) - {method})

    assert admit(seen(method=method), others) == Refused("method_not_allowed")
    assert admit(seen(method=method), replace(others, methods=frozenset({method}))) == Admitted()


def test_the_codes_are_these() -> None:
    assert get_args(Reason) == (
        "not_on_roster", "no_session_now", "too_early", "session_over", "session_cancelled", "wrong_room",
        "unknown_badge", "revoked_badge", "expired_code", "staff_elsewhere", "method_not_allowed", "assurance_too_low",
        "no_consent",
    )  # fmt: skip
    assert get_args(Flag) == ("time_uncertain", "time_corrected", "shared_phone", "offline", "late")
    assert get_args(Hint) == ("already_in", "not_in")
    assert get_args(ReviewReason) == ("time_uncertain", "out_without_in", "missing_out", "missed_presence_check")


@pytest.mark.parametrize("code", [code for kind in (Reason, Flag, Hint, ReviewReason) for code in get_args(kind)])
def test_every_code_has_a_sentence_in_both_languages(code: Code) -> None:
    assert text(code, "en").endswith(".")
    assert text(code, "zh").endswith("。")
    assert "_" not in text(code, "en")


def test_there_is_no_text_without_a_code() -> None:
    assert TEXTS.keys() == {code for kind in (Reason, Flag, Hint, ReviewReason) for code in get_args(kind)}
