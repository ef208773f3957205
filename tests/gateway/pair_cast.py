"""Ann and Bo have a joint task; Dora and Emil, in the west, have one of their own; browsers that have signed in."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session as Db
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from gateway import accounts, learners
from gateway.learners import cookie_name
from ledger import pairs
from ledger.account_tables import AccountRow
from ledger.pair_tables import PartRow, SubmissionRow
from ledger.pairs import Evidence, PartPlan
from ledger.tables import PersonRow
from tests.gateway.cast import NINE, Gateway

DUE = NINE + timedelta(days=3)
PDF = b"%PDF-1.7\nan order log"
LOG = Evidence("order_log", "application/pdf", len(PDF), "a" * 64)


def with_pairs(gateway: Gateway, data: Path) -> Gateway:
    """Give the gateway a folder for files, and its people joint tasks."""
    settings = gateway.settings.model_copy(update={"data": data})
    with gateway.ledger.begin() as db:
        db.add(PersonRow(id="emil", region_id="west", number="2002", name="Emil West", role="reserve_manager"))
        db.flush()
        pairs.add_program(db, "sales", region_id="east", title="Sales school", title_zh="销售训练营", rule="cn-45")
        pairs.add_program(db, "west", region_id="west", title="Western school", title_zh="西部训练营", rule="hour-60")
        pairs.add_pair(db, "ann-bo", program_id="sales", clerk_id="ann", manager_id="bo")
        pairs.add_pair(db, "dora-emil", program_id="west", clerk_id="dora", manager_id="emil")
        task(db)
        task(db, "west-task", pair="dora-emil", title="Western orders", title_zh="西部订单")
    return replace(gateway, settings=settings)


def task(
    db: Db, id: str = "spring-orders", *, pair: str = "ann-bo", title: str = "Spring orders",
    title_zh: str = "春季订单", due: datetime = DUE,
) -> None:  # fmt: skip
    """Give a pair a joint task."""
    plan = [
        PartPlan(role="clerk", hours=Decimal(2), due=due, evidence=["order_log"]),
        PartPlan(role="reserve_manager", hours=Decimal(3), due=due, evidence=["optimisation_plan", "conversation"]),
        PartPlan(role="joint", hours=Decimal(1), due=due + timedelta(days=1), evidence=["joint_report"]),
    ]
    pairs.add_task(db, id, pair_id=pair, title=title, title_zh=title_zh, parts=plan, now=NINE)


def part(db: Db, role: str = "clerk", task: str = "spring-orders") -> str:
    """Return the id of a part."""
    return db.scalars(sa.select(PartRow.id).where(PartRow.task_id == task, PartRow.role == role)).one()


def part_of(gateway: Gateway, role: str = "clerk", task: str = "spring-orders") -> str:
    """Return the id of a part."""
    with gateway.ledger.read() as db:
        return part(db, role, task)


def handed_in(gateway: Gateway, role: str = "clerk", person: str = "ann", *, version: str = "a") -> str:
    """Let somebody hand in without a browser and return the submission's id."""
    with gateway.ledger.begin() as db:
        row = db.get_one(PartRow, part(db, role))
        files = [Evidence(kind, "application/pdf", 4096, version * 64) for kind in row.evidence]
        return pairs.hand_in(db, row.id, person, files, now=gateway.clock.now).id


def submissions(gateway: Gateway) -> list[SubmissionRow]:
    """Return everything that was handed in."""
    with gateway.ledger.read() as db:
        return list(db.scalars(sa.select(SubmissionRow).order_by(SubmissionRow.id)))


def as_learner(gateway: Gateway, person: str = "ann") -> FlaskClient:
    """Open a browser in which a learner has signed in."""
    with gateway.ledger.begin() as db:
        token = learners.open_session(db, db.get_one(PersonRow, person), now=gateway.clock.now)
    browser = gateway.browser()
    browser.set_cookie(cookie_name(secure=gateway.settings.secure), token)
    return browser


def as_staff(
    gateway: Gateway, role: str = "trainer", login: str = "tao", regions: list[str] | None = None
) -> FlaskClient:
    """Open a browser in which somebody with an account, for some regions or all, has signed in."""
    browser = gateway.browser()
    browser.set_cookie("tandem", staff_token(gateway, role, login, regions))
    return browser


def staff_token(gateway: Gateway, role: str = "trainer", login: str = "tao", regions: list[str] | None = None) -> str:
    """Make an account's web session and return its cookie's value."""
    with gateway.ledger.begin() as db:
        account = db.scalar(sa.select(AccountRow).where(AccountRow.login == login))
        account = account or accounts.create(
            db, login, None, role=role, regions=regions, actor="test", now=gateway.clock.now
        )
        return accounts.sign_in(db, account, now=gateway.clock.now)


def token(page: str) -> str:
    """Find a page's form token."""
    found = re.search(r'name="form" value="(\w+)"', page)
    assert found, page
    return found[1]


def send(browser: FlaskClient, page: str, path: str, **fields: Any) -> TestResponse:
    """Open a page and send one of its forms."""
    return browser.post(path, data={"form": token(browser.get(page).text), **fields})


def upload(
    browser: FlaskClient, part_id: str, files: Mapping[str, bytes | list[bytes]] | None = None, *, name: str = "log.pdf"
) -> TestResponse:
    """Hand files in through the form."""
    form: MultiDict[str, Any] = MultiDict({"form": token(browser.get("/my/tasks").text)})
    for kind, given in ({"order_log": PDF} if files is None else files).items():
        for data in given if isinstance(given, list) else [given]:
            form.add(kind, FileStorage(BytesIO(data), filename=name))
    # The test client itself would keep a large body in a temporary file and leave that open.
    boundary, body = encode_multipart(form)
    return browser.post(f"/my/tasks/{part_id}", data=body, content_type=f"multipart/form-data; boundary={boundary}")
