"""Privacy by shape: after a lively day names, numbers, phones, PINs and logins stand in the people's tables only."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from nacl.signing import SigningKey

from attendance.direction import Direction
from gateway import accounts, admin, badges, learners
from gateway.intake import Message, take_in
from gateway.watch import tick
from ledger import decisions, deliveries, pairs
from ledger.account_tables import AuditRow
from ledger.database import Ledger
from ledger.import_tables import STAGED
from ledger.tables import Base, PersonRow
from protocol import envelope, topics
from protocol.records import KioskRecord
from protocol.wire import new_id
from tests.gateway.archive_cast import deliver_all
from tests.gateway.cast import NINE, TWELVE, Gateway, Kiosk, company, confirmed, seen
from tests.gateway.pair_cast import PDF, as_learner, as_staff, part, part_of, send, submissions, upload, with_pairs
from tests.gateway.phones import Phone

EVENING = TWELVE + timedelta(hours=8)
PEOPLE = {
    # Long enough that no hash holds one by chance, and nothing that an id is made of.
    "ann": ("Annaliese Quillfeather", "NUM-77-0001", "+86 13800138001", "730142918205"),
    "bo": ("博文·王德发", "NUM-77-0002", "+86 13800138002", "918205402917"),
    "stranger": ("Samuel Zwickelberg", "NUM-77-0003", "+86 13800138003", "402917730142"),
    "dora": ("Dorothea Westerlund", "NUM-77-0004", "+86 13800138004", "604821795310"),
    "emil": ("Emilian Vorderegger", "NUM-77-0005", "+86 13800138005", "795310604821"),
}
LOGINS = ("ines.obermayr@example.com", "tina.sonnleitner@example.com")
WORDS = {word for name, *others in PEOPLE.values() for word in (*name.replace("·", " ").split(), *others)}
SECRETS = WORDS | set(LOGINS)

WRITTEN_BY_STAFF = {"decisions", "submissions"}
"""Words that a trainer writes about a learner, and that go with the learner."""
PLACES = {"people", "accounts"} | WRITTEN_BY_STAFF | {table.name for table in STAGED.values()}
"""Where such words may stand: with the people, with what staff wrote, and in a file until it has been brought in."""


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Let a day pass with everything that people and programs do in it."""
    ledger = Ledger("sqlite://")
    with ledger.begin() as db:
        company(db)
        for name in ("local", "hr"):
            deliveries.ensure(db, name, kind="stand-in")
    gateway = with_pairs(Gateway(ledger), tmp_path_factory.mktemp("data"))
    _name(gateway)
    _at_the_door(gateway, confirmed(gateway))
    _by_phone(gateway)
    _tasks(gateway)
    _staff(gateway)
    for now in (EVENING, EVENING + timedelta(days=5)):
        gateway.clock.now = now
        tick(ledger, now=now)
        deliver_all(ledger, now)
    yield gateway
    ledger.close()


def _name(gateway: Gateway) -> None:
    with gateway.ledger.begin() as db:
        for id, (name, number, phone, pin) in PEOPLE.items():
            person = db.get_one(PersonRow, id)
            person.name, person.number, person.phone = name, number, phone
            learners.set_pin(db, person, pin, actor="test", now=NINE)
            badges.issue(db, id, gateway.keys, actor="test", now=NINE)


def _at_the_door(gateway: Gateway, kiosk: Kiosk) -> None:
    """Who belongs there comes and goes, strangers are turned away, and what nobody can read is buried."""
    seq = iter(range(1, 100))

    def line(who: str | None, direction: Direction, at: datetime, **fields: Any) -> bytes:
        record = KioskRecord(
            id=UUID(new_id()), stream=kiosk.stream, seq=next(seq), at=at, monotonic_ms=0, boot=uuid4(),
            clock="synced", learner=who, direction=direction, session="order-101", room="room-1",
            method="static_badge", **fields,
        )  # fmt: skip
        return record.line()

    def sent(*lines: bytes, key: SigningKey = kiosk.signing) -> bytes:
        return envelope.seal(list(lines), device=kiosk.id, stream=kiosk.stream, key=key)

    come = [line(who, "in", NINE + timedelta(minutes=2)) for who in ("ann", "bo", "stranger")]
    turned_away = line(None, "in", NINE, badge="f00", refused="unknown_badge")
    payloads = [
        sent(*come, turned_away),
        sent(line("ann", "out", TWELVE)),
        sent(line("bo", "in", TWELVE), key=SigningKey.generate()),
        b"{}",
    ]
    with gateway.ledger.begin() as db:
        seen(db, "dora", "in", NINE, session="west-7")
        site = next(one["site"] for one in admin.device_list(db) if one["device"] == kiosk.id)
    up = topics.topic(site, kiosk.id, "up")
    take_in(gateway.ledger, [Message(1, 1, 1, up, data) for data in payloads], gateway.keys.gateway, TWELVE)


def _by_phone(gateway: Gateway) -> None:
    phone = Phone(gateway)
    place = phone.scan()
    for pin in ("000000000000", PEOPLE["ann"][3]):
        phone.send(f"{place}/sign-in", place, number=PEOPLE["ann"][1], pin=pin)
    assert phone.confirm(place, direction="in").status_code == 303


def _tasks(gateway: Gateway) -> None:
    """Ann's part is sent back with words about her, then accepted; Bo's time runs out."""
    trainer = as_staff(gateway, "trainer", LOGINS[1])
    for act in ("reject", "accept"):
        assert upload(as_learner(gateway), part_of(gateway), name="Quillfeather.pdf").status_code == 303
        id = submissions(gateway)[-1].id
        fields = {"words": f"{PEOPLE['ann'][0]}, please say more."} if act == "reject" else {}
        assert send(trainer, "/tasks", f"/submissions/{id}/{act}", **fields).status_code == 303
        gateway.clock.now += timedelta(minutes=5)
    files = {"optimisation_plan": PDF, "conversation": PDF}
    assert upload(as_learner(gateway, "bo"), part_of(gateway, "reserve_manager"), files).status_code == 303


def _staff(gateway: Gateway) -> None:
    """Accounts are made, changed and closed; a forgotten check-out is decided, twice, with a name in the reason."""
    ada = as_staff(gateway, "admin", LOGINS[0])
    assert send(ada, "/accounts", "/accounts", login="eve.pfaffinger", role="viewer", reach="all").status_code == 200
    send(gateway.browser(), "/sign-in", "/sign-in", login=LOGINS[0], password="not the right one")
    gateway.clock.now = EVENING
    tick(gateway.ledger, now=EVENING)
    with gateway.ledger.begin() as db:
        admin.key_create(db, "hr", actor="test", now=NINE)
        trainer = next(row["account"] for row in admin.account_list(db) if row["login"] == LOGINS[1])
        for at in (TWELVE - timedelta(hours=1), TWELVE):
            reason = f"{PEOPLE['bo'][0]} ({PEOPLE['bo'][1]}) left then."
            decisions.decide(db, "order-101", "bo", "add_out", at, None, reason, by=trainer, now=EVENING)
    tick(gateway.ledger, now=EVENING + timedelta(minutes=1))
    with gateway.ledger.begin() as db:
        accounts.close(db, trainer, actor="test", now=EVENING)


def cells(gateway: Gateway) -> Iterator[tuple[str, str, str]]:
    """Yield every cell: table, column, what stands in it as text, also inside JSON and bytes."""
    with gateway.ledger.read() as db:
        for table in Base.metadata.sorted_tables:
            for row in db.execute(sa.select(table)).mappings():
                for column, value in row.items():
                    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                    yield table.name, column, text


def test_nothing_but_the_peoples_tables_says_who_somebody_is(day: Gateway) -> None:
    found = {
        (table, column, word)
        for table, column, text in cells(day)
        if table not in PLACES
        for word in (*SECRETS, "eve.pfaffinger")
        if word.casefold() in text.casefold()
    }

    assert found == set()


@pytest.mark.parametrize(
    "table",
    [
        "archived", "audit", "audit_chain", "check_ins", "dead_letters", "decisions", "devices", "evidence", "feed",
        "hour_records", "lags", "notices", "outbox", "reviews", "submissions", "tickets", "web_sessions",
    ],
)  # fmt: skip
def test_the_day_was_lively_enough_to_leave_something_everywhere(day: Gateway, table: str) -> None:
    with day.ledger.read() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(Base.metadata.tables[table]))


def test_what_is_looked_for_can_be_found(day: Gateway) -> None:
    """The sabotaged twin: the same look at the places where names do stand."""
    texts = {table: text.casefold() for table, column, text in cells(day) if column in ("name", "words", "reason")}

    assert {table for table, text in texts.items() if any(word.casefold() in text for word in SECRETS)} >= {
        "decisions", "people",
    }  # fmt: skip


def test_the_reason_for_a_later_due_is_not_in_the_audit(day: Gateway) -> None:
    with day.ledger.begin() as db, db.begin_nested() as undone:
        reason = f"{PEOPLE['emil'][0]} was ill."
        pairs.move_due(db, part(db, "joint"), EVENING + timedelta(days=9), by="tina", reason=reason, now=EVENING)
        noted = db.scalars(sa.select(AuditRow).where(AuditRow.act == "due moved")).one().details
        undone.rollback()

    assert reason not in noted.values()
