"""The pages have words in both languages for everything that the rules can say."""

from datetime import date
from typing import get_args

import pytest

from attendance.assurance import METHODS
from attendance.reasons import Flag, Language, Reason
from gateway import texts
from gateway.day import TROUBLES, Contact, Phase, Status

NEEDED = [
    *(f"short_{reason}" for reason in get_args(Reason)),
    *(f"flag_{flag}" for flag in get_args(Flag)),
    *(f"method_{method}" for method in METHODS),
    *(f"status_{status}" for status in get_args(Status)),
    *(f"phase_{phase}" for phase in get_args(Phase)),
    *(f"device_{contact}" for contact in get_args(Contact)),
    *(f"trouble_{trouble}" for trouble in (*sorted(TROUBLES), "other")),
]


@pytest.mark.parametrize("key", NEEDED)
def test_there_are_words_for_it(key: str) -> None:
    assert key in texts.TEXTS


@pytest.mark.parametrize("key", texts.TEXTS)
def test_both_languages_say_something_of_their_own(key: str) -> None:
    assert texts.TEXTS[key].en
    assert any("\u4e00" <= letter <= "\u9fff" for letter in texts.TEXTS[key].zh)


def test_a_role_without_words_is_said_as_it_is() -> None:
    assert texts.say("role_store_keeper", "en") == "store keeper"


@pytest.mark.parametrize(
    "language, said", [("en", "Sunday, 1 March 2026"), ("zh", "2026年3月1日 星期日")], ids=["en", "zh"]
)
def test_a_date_is_written_as_people_say_it(language: Language, said: str) -> None:
    assert texts.day_name(date(2026, 3, 1), language) == said
