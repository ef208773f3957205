"""Claims about sessions that want a badge and its holder's face: neither gets anybody in alone."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kiosk.desk import PATIENCE, Desk
from kiosk.look import BadgeSeen, FaceSeen, HolderSeen, OtherSeen, Sighting, StrangerSeen, TwoBadges
from protocol.roster import RosterSession
from tests.kiosk.at_desk import Kiosk, said
from tests.kiosk.cast import ANNS_BADGE, BOS_BADGE, MINUTE, NINE, NOON, a_roster, a_session, shows

BO = shows(BOS_BADGE)
HIS_FACE = HolderSeen(learner_id="bo", distance=0.3)


class Strict(Kiosk):
    """A kiosk that knows everybody's face, before a session that wants it beside the badge."""

    known = frozenset({"ann", "bo"})

    def restart(self) -> None:
        self.desk = Desk(
            self.book, self.outbox, self.time.kiosk_clock(),
            online=lambda: self.online, knows_face=lambda learner_id: learner_id in self.known,
        )  # fmt: skip


def strict(id: str = "order-101", **fields: Any) -> RosterSession:
    return a_session(id, least_assurance="badge+face", **fields)


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Strict]:
    kiosk = Strict(tmp_path)
    kiosk.book.take(a_roster(strict()))
    with closing(kiosk.outbox):
        yield kiosk


def test_a_badge_asks_for_its_holders_face_and_keeps_nothing_yet(kiosk: Strict) -> None:
    answer = kiosk.sees(BO)

    assert (said(answer), answer.name) == (("look_here", None, None), "Bo Wang")
    assert kiosk.desk.awaited() == "bo"
    assert kiosk.kept() == []


def test_the_holders_face_checks_them_in(kiosk: Strict) -> None:
    kiosk.sees(BO)

    answer = kiosk.sees(HIS_FACE, after=timedelta(seconds=2))

    assert said(answer) == ("green", None, "in")
    [record] = kiosk.kept()
    assert (record.method, record.badge, record.learner, record.at) == ("badge+face", BOS_BADGE.hex, "bo", NINE)
    assert kiosk.desk.awaited() is None


def test_another_face_is_refused_and_kept(kiosk: Strict) -> None:
    kiosk.sees(BO)

    answer = kiosk.sees(OtherSeen())

    assert said(answer) == ("red", "assurance_too_low", None)
    assert [(record.method, record.refused) for record in kiosk.kept()] == [("static_badge", "assurance_too_low")]
    assert kiosk.desk.decide(HIS_FACE) is None


def test_a_face_that_does_not_come_is_given_up_in_time(kiosk: Strict) -> None:
    kiosk.sees(BO)
    kiosk.time.now += PATIENCE
    assert kiosk.desk.lapse() is None

    kiosk.time.now += timedelta(milliseconds=1)
    late = kiosk.desk.decide(HIS_FACE)
    answer = kiosk.desk.lapse()

    assert late is None
    assert answer is not None
    assert said(answer) == ("red", "assurance_too_low", None)
    assert [record.refused for record in kiosk.kept()] == ["assurance_too_low"]
    assert kiosk.desk.lapse() is None


@pytest.mark.parametrize(
    "sighting",
    [
        pytest.param(HolderSeen(learner_id="ann", distance=0.1), id="somebody-elses-confirmation"),
        pytest.param(FaceSeen(learner_id="bo", distance=0.1), id="a-face-from-before-the-badge"),
        pytest.param(StrangerSeen(), id="a-passer-by"),
    ],
)
def test_what_was_not_asked_for_confirms_nobody(kiosk: Strict, sighting: FaceSeen) -> None:
    kiosk.sees(BO)

    assert kiosk.desk.decide(sighting) is None
    assert kiosk.desk.awaited() == "bo"


def test_the_next_badge_takes_the_place_of_the_last_one(kiosk: Strict) -> None:
    kiosk.sees(BO)
    kiosk.sees(shows(ANNS_BADGE))

    assert kiosk.desk.awaited() is None
    assert kiosk.desk.decide(HIS_FACE) is None
    refused = [(record.learner, record.refused) for record in kiosk.kept()]
    assert refused == [("ann", "assurance_too_low"), ("bo", "assurance_too_low")]


@pytest.mark.parametrize(
    "shown", [BadgeSeen(text="https://example.com"), TwoBadges(count=2)], ids=["a poster", "two badges"]
)
def test_a_hint_does_not_end_the_wait_for_a_face(kiosk: Strict, shown: Sighting) -> None:
    kiosk.sees(BO)
    kiosk.sees(shown)

    assert kiosk.desk.awaited() == "bo"
    assert said(kiosk.sees(HIS_FACE))[0] == "green"


def test_who_has_not_consented_is_not_looked_at(kiosk: Strict) -> None:
    assert said(kiosk.sees(shows(ANNS_BADGE))) == ("red", "assurance_too_low", None)


def test_whose_face_is_not_known_here_is_told_at_once(kiosk: Strict) -> None:
    kiosk.known = frozenset()
    kiosk.restart()

    assert said(kiosk.sees(BO)) == ("red", "assurance_too_low", None)


def test_where_faces_are_off_nobody_is_looked_at(kiosk: Strict) -> None:
    kiosk.book.take(a_roster(strict(), faces=False))

    assert said(kiosk.sees(BO)) == ("red", "assurance_too_low", None)


def test_a_badge_that_is_enough_asks_for_no_face(kiosk: Strict) -> None:
    kiosk.book.take(a_roster(a_session()))

    assert said(kiosk.sees(BO)) == ("green", None, "in")


def test_where_a_face_would_not_help_the_reason_is_said_at_once(kiosk: Strict) -> None:
    kiosk.book.take(a_roster(strict(cancelled=True)))

    assert said(kiosk.sees(BO))[0] == "red"
    assert kiosk.desk.awaited() is None


def test_at_the_change_of_two_sessions_one_face_is_for_both(kiosk: Strict) -> None:
    kiosk.book.take(a_roster(a_session(), strict("order-102", starts_at=NOON, hours=2)))
    kiosk.sees(BO)
    kiosk.time.now = NOON - MINUTE

    asked = kiosk.sees(BO)
    answer = kiosk.sees(HIS_FACE)

    assert asked.kind == "look_here"
    assert (said(answer), answer.session_id) == (("green", None, "in"), "order-102")
    assert [(record.session, record.direction) for record in kiosk.kept()] == [
        ("order-101", "in"),
        ("order-101", "out"),
        ("order-102", "in"),
    ]


def test_the_question_for_the_direction_comes_before_the_face(kiosk: Strict) -> None:
    kiosk.sees(BO)
    kiosk.sees(HIS_FACE)
    assert kiosk.sees(BO, after=10 * MINUTE).kind == "ask_direction"

    answer = kiosk.chooses("out")
    last = kiosk.sees(HIS_FACE)

    assert answer is not None
    assert (answer.kind, said(last)) == ("look_here", ("green", None, "out"))
