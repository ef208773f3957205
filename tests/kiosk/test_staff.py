"""Claims about staff mode: Tina the trainer shows her badge and checks people in."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from nacl.signing import SigningKey

from kiosk.asking import NotTheGateway
from kiosk.look import FaceSeen, StrangerSeen, TwoBadges
from kiosk.roster import RosterBook
from kiosk.staff import OPEN_FOR, check_pin
from protocol import requests
from protocol.roster import StaffPin, StaffPinAnswer
from tests.kiosk.at_desk import Kiosk, kiosk, said
from tests.kiosk.cast import (
    ANNS_BADGE,
    BOS_BADGE,
    DEVICE_KEY,
    GATEWAY_KEY,
    IDENTITY,
    LOST_BADGE,
    LOST_STAFF_BADGE,
    MINUTE,
    NINE,
    NOON,
    STRANGERS_KEY,
    TINAS_BADGE,
    UWES_BADGE,
    a_roster,
    a_session,
    shows,
    shows_phone,
)

__all__ = ["kiosk"]

TINA = shows(TINAS_BADGE, kind="staff")
SECOND = timedelta(seconds=1)


def names(kiosk: Kiosk) -> list[tuple[str, str]]:
    shown = kiosk.desk.staff_list()
    return [(row.name, row.whereabouts) for row in shown.learners] if shown else []


def test_tina_shows_her_badge_and_sees_who_is_expected(kiosk: Kiosk) -> None:
    kiosk.sees(shows(BOS_BADGE))

    answer = kiosk.sees(TINA)

    assert (answer.kind, answer.name, answer.record) == ("staff", "Tina Xu", None)
    shown = kiosk.desk.staff_list()
    assert shown is not None
    assert (shown.name, shown.left) == ("Tina Xu", OPEN_FOR)
    assert [(row.learner_id, row.session_id, row.whereabouts) for row in shown.learners] == [
        ("ann", "order-101", "expected"),
        ("bo", "order-101", "in"),
    ]


def test_a_touch_on_a_name_is_a_check_in_by_staff(kiosk: Kiosk) -> None:
    kiosk.online = False
    kiosk.sees(TINA)

    answer = kiosk.desk.staff_choose("ann", "order-101", "in")

    assert answer is not None
    assert (*said(answer), answer.name) == ("green", "offline", "in", "Ann Li")
    [record] = kiosk.kept()
    assert (record.method, record.learner, record.badge) == ("staff", "ann", None)
    assert (record.staff, record.offline) == (TINAS_BADGE.hex, True)
    assert names(kiosk) == [("Ann Li", "in"), ("Bo Wang", "expected")]


def test_a_second_touch_lets_her_leave(kiosk: Kiosk) -> None:
    kiosk.sees(TINA)
    kiosk.desk.staff_choose("ann", "order-101", "in")

    answer = kiosk.desk.staff_choose("ann", "order-101", "out")

    assert answer is not None
    assert said(answer) == ("green", None, "out")
    assert names(kiosk)[0] == ("Ann Li", "left")


def test_beside_staff_a_learners_badge_is_worth_more(kiosk: Kiosk) -> None:
    kiosk.book.take(a_roster(a_session(least_assurance="static_badge+staff")))
    alone = kiosk.sees(shows(ANNS_BADGE))
    kiosk.sees(TINA)

    vouched = kiosk.sees(shows(ANNS_BADGE))

    assert said(alone) == ("red", "assurance_too_low", None)
    assert said(vouched) == ("green", None, "in")
    record = kiosk.kept()[-1]
    assert (record.method, record.badge, record.staff) == ("static_badge+staff", ANNS_BADGE.hex, TINAS_BADGE.hex)


def test_where_a_session_takes_badges_only_staff_beside_it_does_no_harm(kiosk: Kiosk) -> None:
    kiosk.book.take(a_roster(a_session(methods=("static_badge",))))
    kiosk.sees(TINA)

    assert said(kiosk.sees(shows(ANNS_BADGE))) == ("green", None, "in")
    assert (kiosk.kept()[0].method, kiosk.kept()[0].staff) == ("static_badge", None)


def test_a_session_that_does_not_take_the_word_of_staff_refuses_it(kiosk: Kiosk) -> None:
    kiosk.book.take(a_roster(a_session(methods=("static_badge",))))
    kiosk.sees(TINA)

    answer = kiosk.desk.staff_choose("ann", "order-101", "in")

    assert answer is not None
    assert said(answer) == ("red", "method_not_allowed", None)


def test_a_phone_stays_a_phone_beside_staff(kiosk: Kiosk) -> None:
    kiosk.sees(TINA)
    kiosk.sees(shows_phone("ann"))

    assert (kiosk.kept()[0].method, kiosk.kept()[0].staff) == ("dynamic_badge", None)


def test_staff_mode_ends_by_itself_whatever_was_done_in_it(kiosk: Kiosk) -> None:
    kiosk.sees(TINA)
    kiosk.time.now += OPEN_FOR - SECOND
    kiosk.desk.staff_choose("ann", "order-101", "in")
    kiosk.time.now += SECOND

    assert kiosk.desk.staff_list() is None
    assert kiosk.desk.staff_choose("bo", "order-101", "in") is None
    assert len(kiosk.kept()) == 1


def test_a_clock_that_is_put_back_does_not_prolong_staff_mode(kiosk: Kiosk) -> None:
    kiosk.sees(TINA)
    kiosk.time.now += OPEN_FOR / 2
    kiosk.time.put_back(30 * MINUTE)
    kiosk.time.now += OPEN_FOR / 2

    assert kiosk.desk.staff_list() is None


def test_a_touch_ends_staff_mode(kiosk: Kiosk) -> None:
    kiosk.sees(TINA)

    kiosk.desk.staff_end()

    assert kiosk.desk.staff_list() is None
    kiosk.sees(shows(ANNS_BADGE))
    assert kiosk.kept()[0].method == "static_badge"


def test_a_revocation_ends_staff_mode(kiosk: Kiosk) -> None:
    kiosk.sees(TINA)

    kiosk.book.take(a_roster(revoked=(TINAS_BADGE,)))

    assert kiosk.desk.staff_list() is None
    assert kiosk.desk.staff_choose("ann", "order-101", "in") is None


def test_the_badge_again_gives_another_minute(kiosk: Kiosk) -> None:
    kiosk.sees(TINA)
    kiosk.sees(TINA, after=OPEN_FOR - SECOND)

    shown = kiosk.desk.staff_list()
    assert shown is not None
    assert shown.left == OPEN_FOR


def test_faces_say_nothing_while_the_list_is_open(kiosk: Kiosk) -> None:
    kiosk.sees(TINA)

    assert kiosk.desk.decide(FaceSeen(learner_id="bo", distance=0.3)) is None
    assert kiosk.desk.decide(StrangerSeen()) is None
    assert kiosk.sees(TwoBadges(count=2)).kind == "one_badge"
    assert kiosk.kept() == []


@pytest.mark.parametrize(
    ("learner", "session"),
    [("zoe", "order-101"), ("ann", "order-999"), ("ann", "later"), ("ann", "elsewhere"), ("", "")],
    ids=["a stranger", "no such session", "not open yet", "another room's", "nothing"],
)
def test_only_who_is_on_the_list_can_be_touched(kiosk: Kiosk, learner: str, session: str) -> None:
    later = a_session("later", starts_at=NOON + timedelta(hours=2))
    kiosk.book.take(a_roster(a_session(), later, a_session("elsewhere", room="room-2")))
    kiosk.sees(TINA)

    assert kiosk.desk.staff_choose(learner, session, "in") is None
    assert kiosk.kept() == []


def test_nobody_opens_the_list_by_touch_alone(kiosk: Kiosk) -> None:
    assert kiosk.desk.staff_list() is None
    assert kiosk.desk.staff_choose("ann", "order-101", "in") is None


# A badge that is none

REFUSED: dict[str, tuple[Any, str]] = {
    "revoked": (shows(LOST_STAFF_BADGE, kind="staff"), "revoked_badge"),
    "over": (shows(TINAS_BADGE, kind="staff", expires_at=NINE - SECOND), "expired_code"),
    "of elsewhere": (shows(UWES_BADGE, kind="staff"), "staff_elsewhere"),
    "a learner's id in a code of their own": (shows(ANNS_BADGE, kind="staff", key=STRANGERS_KEY), "unknown_badge"),
    "a learner's id, were it signed": (shows(ANNS_BADGE, kind="staff"), "staff_elsewhere"),
}


@pytest.mark.parametrize(("shown", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_a_staff_badge_that_is_none_opens_nothing_and_is_kept(kiosk: Kiosk, shown: Any, reason: str) -> None:
    kiosk.online = False

    answer = kiosk.sees(shown)

    assert (answer.kind, answer.code) == ("red", reason)
    assert kiosk.desk.staff_list() is None
    [record] = kiosk.kept()
    assert (record.refused, record.learner) == (reason, None)


def test_a_learners_badge_in_the_hand_of_staff_opens_nothing(kiosk: Kiosk) -> None:
    kiosk.sees(shows(TINAS_BADGE))  # her id, but signed as a learner's badge

    assert kiosk.desk.staff_list() is None


def test_a_revoked_learners_badge_is_refused_beside_staff_too(kiosk: Kiosk) -> None:
    kiosk.sees(TINA)

    assert said(kiosk.sees(shows(LOST_BADGE))) == ("red", "revoked_badge", None)


def test_after_a_power_cut_without_network_staff_vouch_for_badges_and_have_no_list(
    kiosk: Kiosk, tmp_path: Path
) -> None:
    kiosk.book = RosterBook(tmp_path, now=kiosk.time)
    kiosk.restart()

    opened, revoked = kiosk.sees(TINA), kiosk.sees(shows(LOST_STAFF_BADGE, kind="staff"))
    vouched = kiosk.sees(shows(ANNS_BADGE))

    assert (opened.kind, opened.name, names(kiosk)) == ("staff", None, [])
    assert (revoked.kind, revoked.code) == ("red", "revoked_badge")
    assert vouched.kind == "amber"
    assert (kiosk.kept()[-1].method, kiosk.kept()[-1].staff) == ("static_badge+staff", TINAS_BADGE.hex)


# The PIN, where the site asks for one


@pytest.fixture
def strict(kiosk: Kiosk) -> Kiosk:
    kiosk.book.take(a_roster(staff_pin=True))
    return kiosk


def test_where_a_pin_is_asked_for_the_badge_alone_opens_nothing(strict: Kiosk) -> None:
    strict.sees(TINA)

    shown = strict.desk.staff_list()
    assert shown is not None
    assert (shown.locked, shown.learners, strict.desk.staff_badge()) == (True, (), TINAS_BADGE.hex)
    assert strict.desk.staff_choose("ann", "order-101", "in") is None
    strict.sees(shows(ANNS_BADGE))
    assert (strict.kept()[0].method, strict.kept()[0].staff) == ("static_badge", None)


@pytest.mark.parametrize("checked", [True, False], ids=["right", "the gateway is out of reach"])
def test_the_record_says_whether_the_pin_was_checked(strict: Kiosk, checked: bool) -> None:
    strict.sees(TINA)

    strict.desk.staff_unlock(TINAS_BADGE.hex, checked=checked)

    assert strict.desk.staff_choose("ann", "order-101", "in") is not None
    assert (strict.kept()[0].staff, strict.kept()[0].staff_pin) == (TINAS_BADGE.hex, checked)
    assert strict.desk.staff_badge() is None


def test_the_badge_again_does_not_ask_for_the_pin_again_within_the_minute(strict: Kiosk) -> None:
    strict.sees(TINA)
    strict.desk.staff_unlock(TINAS_BADGE.hex, checked=True)

    strict.sees(TINA, after=OPEN_FOR - SECOND)
    within = strict.desk.staff_badge()
    strict.sees(TINA, after=OPEN_FOR)

    assert (within, strict.desk.staff_badge()) == (None, TINAS_BADGE.hex)


def test_offline_nobody_asks_for_a_pin_and_the_record_says_so(strict: Kiosk) -> None:
    strict.online = False
    strict.sees(TINA)

    assert strict.desk.staff_choose("ann", "order-101", "in") is not None
    assert (strict.kept()[0].offline, strict.kept()[0].staff_pin) == (True, False)


def test_a_pin_opens_the_list_only_to_whose_it_is_and_only_within_the_minute(strict: Kiosk) -> None:
    strict.desk.staff_unlock(TINAS_BADGE.hex, checked=True)
    strict.sees(TINA)
    strict.desk.staff_unlock(UWES_BADGE.hex, checked=True)
    locked = strict.desk.staff_badge()

    strict.time.now += OPEN_FOR
    strict.desk.staff_unlock(TINAS_BADGE.hex, checked=True)

    assert locked == TINAS_BADGE.hex
    assert strict.desk.staff_list() is None


@dataclass
class PinDoor:
    """A gateway that is asked about PINs; `key` is None when it is out of reach."""

    key: SigningKey | None = GATEWAY_KEY
    asked: list[StaffPin] = field(default_factory=list)

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=IDENTITY.gateway, transport=httpx2.MockTransport(self.answer))

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if self.key is None:
            raise httpx2.ConnectError("cut")
        headers = {name.title(): value for name, value in request.headers.items()}
        requests.check_request(
            "POST", "/device/v1/staff-pin", request.content, headers, now=NINE, key=DEVICE_KEY.verify_key
        )
        self.asked.append(StaffPin.read(request.content))
        body = StaffPinAnswer(right=self.asked[-1].pin == "730142").line()
        signature = requests.sign_answer(body, {requests.SIGNATURE: headers[requests.SIGNATURE]}, self.key)
        return httpx2.Response(200, content=body, headers={requests.SIGNATURE: signature})


@pytest.mark.parametrize(("pin", "right"), [("730142", True), ("730143", False), ("", False), ("abc", False)])
def test_only_the_gateway_knows_pins(pin: str, right: bool) -> None:
    with PinDoor().client() as client:
        assert check_pin(client, IDENTITY, TINAS_BADGE.hex, pin, at=NINE) == StaffPinAnswer(right=right)


def test_a_gateway_that_is_away_says_neither_yes_nor_no() -> None:
    with PinDoor(key=None).client() as client:
        assert check_pin(client, IDENTITY, TINAS_BADGE.hex, "730142", at=NINE) is None


def test_a_strangers_yes_is_none() -> None:
    with PinDoor(key=STRANGERS_KEY).client() as client, pytest.raises(NotTheGateway):
        check_pin(client, IDENTITY, TINAS_BADGE.hex, "730142", at=NINE)
