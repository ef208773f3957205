"""The phone's pages have words in both languages for every way in which somebody may have to stop."""

import pytest

from gateway.phone import STATUS, _todo
from gateway.phone_texts import TEXTS, tell
from tests.gateway.cast import Gateway


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_say_something_of_their_own(key: str) -> None:
    assert TEXTS[key].en
    assert any("\u4e00" <= letter <= "\u9fff" for letter in TEXTS[key].zh)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("key", [*STATUS, "form_over", "failed"])
def test_every_end_says_what_happened_and_what_to_do(gateway: Gateway, key: str, language: str) -> None:
    with gateway.app.test_request_context(f"/?lang={language}"):
        assert tell(key, "en")
        assert len(_todo(key, minutes=3)) > 5
