"""What a learner's phone does in these tests: scan, sign in, confirm; and a cast that has PINs and is a pair."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from sqlalchemy.orm import Session as Db
from werkzeug.test import TestResponse

from gateway import session_code
from ledger import pairs
from ledger.tables import CheckInRow, PersonRow
from tests.gateway.cast import QUICK, Gateway

PINS = {"ann": "730142", "bo": "918205", "stranger": "402917"}
NUMBERS = {"ann": "1001", "bo": "1002", "stranger": "1003"}
HOME = "10.1.0.7"


def give_pins(db: Db) -> None:
    """Give Ann, Bo and the stranger their PINs."""
    for person, pin in PINS.items():
        db.get_one(PersonRow, person).pin_hash = QUICK.hash(pin)


def pair_up(db: Db) -> None:
    """Let Ann and Bo learn together."""
    pairs.add_program(db, "orders", region_id="east", title="Orders", title_zh="订单", rule="cn-45")
    pairs.add_pair(db, "ann-bo", program_id="orders", clerk_id="ann", manager_id="bo")


def token(gateway: Gateway, session: str = "order-101", at: datetime | None = None) -> str:
    """Read the code off the wall."""
    return session_code.token(gateway.keys.session, session, at or gateway.clock.now)


@dataclass
class Phone:
    """A browser of a learner, at one address."""

    gateway: Gateway
    address: str = HOME
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.gateway.browser()

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path, headers=headers, environ_base={"REMOTE_ADDR": self.address})

    def send(self, path: str, page: str | None = None, **fields: str) -> TestResponse:
        """Send the form of a page (by default the one at the same address)."""
        html = self.get(page or path).text
        found = re.search(r'name="form" value="(\w+)"', html)
        assert found, html
        return self.post(path, form=found[1], **fields)

    def post(self, path: str, **fields: str) -> TestResponse:
        """Send a form as it is."""
        return self.client.post(path, data=fields, environ_base={"REMOTE_ADDR": self.address})

    def scan(self, session: str = "order-101") -> str:
        """Scan the code on the wall and return where it leads."""
        answer = self.get(f"/c/{token(self.gateway, session)}")
        assert answer.status_code == 303, answer.text
        return urlsplit(answer.location).path

    def sign_in(self, place: str, person: str, pin: str = "") -> TestResponse:
        """Sign in on the way to a check-in."""
        return self.send(f"{place}/sign-in", place, number=NUMBERS[person], pin=pin or PINS[person])

    def confirm(self, place: str, **fields: str) -> TestResponse:
        """Press the button."""
        return self.send(place, **fields)

    def check_in(self, person: str, **fields: str) -> TestResponse:
        """Walk the whole way and return the receipt."""
        place = self.scan()
        self.sign_in(place, person)
        assert self.confirm(place, **fields).status_code == 303
        return self.get(place)


def entered(gateway: Gateway) -> list[CheckInRow]:
    """Return what is in the ledger, in the order of time."""
    with gateway.ledger.read() as db:
        return list(db.query(CheckInRow).order_by(CheckInRow.at))


def receipt_of(page: TestResponse) -> str:
    """Read the receipt code off the page."""
    found = re.search(r"<output>([0-9A-Z]{4}-[0-9A-Z]{4})</output>", page.text)
    assert found, page.text
    return found[1]
