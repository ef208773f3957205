"""Nobody guesses a registration code: neither from one address nor from many."""

import pytest

from gateway.device_api import PER_ADDRESS
from tests.gateway.cast import Gateway
from tests.gateway.guessing import guess

TRIES = 100


@pytest.mark.parametrize(("addresses", "heard"), [(1, PER_ADDRESS), (TRIES, TRIES)], ids=["one address", "many"])
def test_of_many_wrong_codes_none_is_accepted(gateway: Gateway, addresses: int, heard: int) -> None:
    answers = guess(gateway, tries=TRIES, addresses=addresses)

    print(f"\n{TRIES} wrong codes from {addresses} addresses: {dict(answers)}", end="")
    assert answers["accepted"] == 0
    assert (answers["code-refused"], answers["too-many-tries"]) == (heard, TRIES - heard)
    # Five wrong tries have killed the code, whoever made them.
    assert answers["the good code, afterwards"] == 403
