"""Sessions of different local days may overlap: the time counts once, for the earlier start."""

import random
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from attendance.credit import PRESETS
from attendance.decision import Decision
from attendance.presence_check import PresenceCheck
from attendance.session import Session, Span
from attendance.settlement import Settled, settle_day
from attendance.visit import Fact
from tests.attendance.examples import CN_45, CN_45_CAP_6, at, sitting

SECOND, THIRD = date(2026, 11, 2), date(2026, 11, 3)
HOUR_60 = PRESETS["hour-60"]

# 22:00-02:00 belongs to the second, 01:00-04:00 to the third, and an hour lies in both.
NIGHT = sitting("night", "22:00", "22:00", ends_at=at("02:00", 3))
EARLY = sitting("early", "01:00", "04:00", starts_at=at("01:00", 3), ends_at=at("04:00", 3))
# 09:30-11:00 in Shanghai on the second is 17:30-19:00 in Los Angeles on the first.
ABROAD = sitting("abroad", "09:30", "11:00", zone="America/Los_Angeles")
HERE = sitting("here", "10:00", "12:00")


def attended(*sessions: Session, **other: datetime) -> list[Fact]:
    """Let somebody be there from start to end, or to what is said by the session's id."""
    return [
        Fact(
            check_in_id=f"{session.id}-{direction}",
            session_id=session.id,
            direction="in" if direction == "in" else "out",
            at=session.starts_at if direction == "in" else other.get(session.id, session.ends_at),
        )
        for session in sessions
        for direction in ("in", "out")
    ]


def day_of(day: date, *sessions: Session, facts: list[Fact] | None = None, **other: Any) -> Settled:
    rules = {session.id: HOUR_60 for session in sessions if session.local_date == day}
    told: dict[str, Any] = {"rules": rules, **other}
    return settle_day("ann", sessions, facts=attended(*sessions) if facts is None else facts, day=day, **told)


def minutes(settled: Settled) -> dict[str, int]:
    return {record.source_id: record.minutes for record in settled.records}


@pytest.mark.parametrize(
    ("day", "sessions", "expected"),
    [
        pytest.param(SECOND, (NIGHT, EARLY), {"night": 240}, id="the earlier start keeps what overlaps"),
        pytest.param(THIRD, (NIGHT, EARLY), {"early": 120}, id="the later start gets the rest"),
        pytest.param(date(2026, 11, 1), (ABROAD, HERE), {"abroad": 90}, id="another zone, the earlier start"),
        pytest.param(SECOND, (ABROAD, HERE), {"here": 60}, id="another zone, the later start"),
        pytest.param(date(2026, 11, 4), (NIGHT, EARLY), {}, id="a day that has neighbours only"),
    ],
)
def test_an_overlap_counts_once_over_midnight(
    day: date, sessions: tuple[Session, ...], expected: dict[str, int]
) -> None:
    settled = day_of(day, *sessions)

    assert minutes(settled) == expected
    assert (settled.reviews, settled.open) == ((), ())


def test_of_two_that_start_together_on_different_dates_the_lower_id_keeps_the_time() -> None:
    abroad = replace(ABROAD, id="a", starts_at=HERE.starts_at)

    assert minutes(day_of(SECOND, abroad, HERE)) == {"here": 60}
    assert minutes(day_of(SECOND, replace(abroad, id="z"), HERE)) == {"here": 120}


def test_only_what_was_attended_is_taken() -> None:
    left_at_half_past_one = attended(NIGHT, EARLY, night=at("01:30", 3))

    assert minutes(day_of(THIRD, NIGHT, EARLY, facts=left_at_half_past_one)) == {"early": 150}


def test_a_break_of_the_neighbour_is_not_taken() -> None:
    with_break = replace(NIGHT, breaks=(Span(at("01:00", 3), at("01:20", 3)),))

    assert minutes(day_of(THIRD, with_break, EARLY)) == {"early": 140}


def test_what_a_neighbour_lost_to_its_own_neighbour_is_taken_by_both() -> None:
    evening = sitting("evening", "20:00", "20:00", ends_at=at("01:30", 3))

    # The evening has taken the night's time up to 01:30, and the night takes until 02:00.
    assert minutes(day_of(THIRD, evening, NIGHT, EARLY)) == {"early": 120}
    # Whether the neighbour's neighbour is known makes no difference to what overlaps it alone.
    later = replace(EARLY, starts_at=at("01:40", 3))
    assert minutes(day_of(THIRD, NIGHT, later)) == minutes(day_of(THIRD, evening, NIGHT, later)) == {"early": 120}


@pytest.mark.parametrize(
    ("neighbour", "facts"),
    [
        pytest.param(NIGHT, attended(NIGHT)[:1], id="on review"),
        pytest.param(replace(NIGHT, cancelled=True), attended(NIGHT), id="cancelled"),
        pytest.param(NIGHT, [], id="not attended"),
    ],
)
def test_a_neighbour_that_counts_nothing_takes_nothing_and_is_not_told(neighbour: Session, facts: list[Fact]) -> None:
    settled = day_of(THIRD, neighbour, EARLY, facts=[*facts, *attended(EARLY)])

    assert minutes(settled) == {"early": 180}
    assert (settled.reviews, settled.open) == ((), ())


def test_a_neighbour_is_corrected_and_asked_like_any_other_session() -> None:
    voided = day_of(THIRD, NIGHT, EARLY, voided=frozenset({"night-in", "night-out"}))
    nothing = Decision(id="d", session_id="night", learner_id="ann", kind="nothing")
    check = PresenceCheck(id="c", session_id="night", asked_at=at("23:00"), answer_until=at("23:03"))

    assert minutes(voided) == {"early": 180}
    assert minutes(day_of(THIRD, NIGHT, EARLY, decisions=[nothing])) == {"early": 180}
    assert minutes(day_of(THIRD, NIGHT, EARLY, checks=[check])) == {"early": 180}


def test_the_cap_of_a_day_does_not_know_its_neighbours() -> None:
    rules = {"early": CN_45_CAP_6, "night": CN_45_CAP_6}
    far = replace(EARLY, starts_at=at("02:00", 3), ends_at=at("06:30", 3))

    [record] = day_of(THIRD, NIGHT, far, rules=rules).records

    # The night alone would have used 5 of the 6.
    assert record.credit == Decimal("6.0")


def test_a_session_of_the_day_stays_open_and_a_neighbour_does_not() -> None:
    facts = [*attended(NIGHT)[:1], *attended(EARLY)[:1]]

    settled = day_of(THIRD, NIGHT, EARLY, facts=facts, now=at("03:00", 3))

    assert (settled.open, settled.records, settled.reviews) == (("early",), (), ())


def test_without_neighbours_day_changes_nothing() -> None:
    facts, rules = attended(HERE), {"here": CN_45}

    assert settle_day("ann", [HERE], facts=facts, rules=rules, day=SECOND) == settle_day(
        "ann", [HERE], facts=facts, rules=rules
    )


def test_days_with_their_neighbours_settle_like_all_at_once() -> None:
    sessions = [NIGHT, EARLY, HERE, ABROAD]
    rules = dict.fromkeys((session.id for session in sessions), HOUR_60)
    together = settle_day("ann", sessions, facts=attended(*sessions), rules=rules)

    apart = [
        record for day in (date(2026, 11, 1), SECOND, THIRD) for record in day_of(day, *sessions, rules=rules).records
    ]

    assert sorted(apart, key=lambda record: record.source_id) == sorted(
        together.records, key=lambda record: record.source_id
    )


def test_the_order_of_sessions_and_facts_does_not_matter() -> None:
    luck = random.Random(101)
    sessions, facts = [NIGHT, EARLY, HERE], attended(NIGHT, EARLY, HERE)
    expected = day_of(THIRD, *sessions, facts=facts)

    for _ in range(20):
        luck.shuffle(sessions)
        luck.shuffle(facts)
        assert day_of(THIRD, *sessions, facts=facts) == expected


def test_a_fact_of_a_neighbour_that_was_not_given_is_a_fault() -> None:
    with pytest.raises(ValueError, match="belongs to session night, which was not given"):
        day_of(THIRD, EARLY, facts=attended(NIGHT, EARLY))
