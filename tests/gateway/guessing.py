"""Guesses registration codes, as somebody does who can reach the gateway and has many addresses."""

import itertools
import secrets
from collections import Counter
from uuid import uuid4

from gateway.devices import ALPHABET, ID_LENGTH, SECRET_LENGTH
from gateway.problem import TYPE
from protocol import requests, signing
from tests.gateway.cast import Gateway, Kiosk, code


def guess(gateway: Gateway, *, tries: int, addresses: int) -> Counter[str]:
    """Try wrong secrets for a code that is good, each from the next address; count the answers by their kind."""
    kiosk, browser, good = Kiosk(gateway, stream=uuid4()), gateway.browser(), code(gateway)
    answers: Counter[str] = Counter()
    for address in itertools.islice(itertools.cycle(range(addresses)), tries):
        wrong = f"{good[:ID_LENGTH]}-{_letters(good[-SECRET_LENGTH:])}"
        body = kiosk.application(wrong)
        signature = signing.to_base64(signing.sign("registration", body, kiosk.signing))
        answer = browser.post(
            "/device/v1/registrations", data=body, headers={requests.SIGNATURE: signature},
            environ_overrides={"REMOTE_ADDR": f"10.{address >> 16}.{address >> 8 & 255}.{address & 255}"},
        )  # fmt: skip
        answers["accepted" if answer.status_code == 201 else answer.get_json()["type"].removeprefix(TYPE)] += 1
    answers["the good code, afterwards"] += Kiosk(gateway).register(good).status_code
    return answers


def _letters(but_not: str) -> str:
    while (letters := "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))) == but_not:
        pass
    return letters
