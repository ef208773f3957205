"""The inbox: told once, in the reader's language, with names that stand nowhere else."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session as Db

from attendance.notices import PAIR, TRAINER, Notice, filled
from attendance.reasons import Text
from ledger import inbox
from ledger.pair_tables import NoticeRow
from ledger.tables import PersonRow
from tests.gateway.cast import NINE, Gateway
from tests.gateway.pair_cast import as_learner, as_staff, send, with_pairs

LATE = Text("{one} is past due with optimisation. Please wait.", "{one}的“优化方案”已逾期，请稍候。")


@pytest.fixture
def pair(gateway: Gateway, tmp_path: Path) -> Gateway:
    """Tell Ann that Bo is late."""
    made = with_pairs(gateway, tmp_path)
    with made.ledger.begin() as db:
        tell(db)
    return made


def tell(db: Db, to: str = "ann", *, key: str = "late", text: Text = LATE, hours: int = 0) -> set[str]:
    """Put a notice into an inbox."""
    told = Notice(to=to, kind="overdue", text=text, key=f"{key}/{to}", one="bo", partner="ann")
    return inbox.put(db, [("spring-orders", told)], now=NINE + timedelta(hours=hours))


def test_a_notice_is_read_with_the_partners_name(pair: Gateway) -> None:
    page = as_learner(pair).get("/my/inbox").text

    assert "Bo Wang is past due with optimisation. Please wait." in page
    assert 'href="/my/tasks#task-spring-orders"' in page


def test_a_notice_is_read_in_the_readers_language(pair: Gateway) -> None:
    assert "Bo Wang的“优化方案”已逾期，请稍候。" in as_learner(pair).get("/my/inbox?lang=zh").text


def test_no_name_stands_in_a_notice(pair: Gateway) -> None:
    with pair.ledger.read() as db:
        [row] = db.scalars(sa.select(NoticeRow))
        assert row.about == {
            "task": "spring-orders",
            "one": "bo",
            "partner": "ann",
            "text": {"en": LATE.en, "zh": LATE.zh},
        }


def test_both_names_of_a_pair_are_put_in(pair: Gateway) -> None:
    with pair.ledger.begin() as db:
        tell(db, key="both", text=filled(LATE, one=PAIR))

    assert "Bo Wang and Ann Li is past due" in as_learner(pair).get("/my/inbox").text


def test_what_was_told_once_is_not_told_again(pair: Gateway) -> None:
    with pair.ledger.begin() as db:
        assert tell(db) == set()
        assert len(tell(db, key="another")) == 1


def test_the_trainer_is_told_if_there_is_one(pair: Gateway) -> None:
    told = Notice(to=TRAINER, kind="forfeited", text=LATE, key="lost/trainer", one="bo", partner="ann")
    with pair.ledger.begin() as db:
        assert inbox.put(db, [("spring-orders", told)], now=NINE) == set()
        assert len(inbox.put(db, [("spring-orders", told)], now=NINE, trainer_id="stranger")) == 1


def test_somebody_elses_notices_are_not_read(pair: Gateway) -> None:
    page = as_learner(pair, "dora").get("/my/inbox").text

    assert "past due" not in page
    assert "No messages" in page


def test_unread_notices_are_counted_on_the_pages(pair: Gateway) -> None:
    assert "1 unread" in as_learner(pair).get("/my/tasks").text
    assert "unread" not in as_learner(pair, "bo").get("/my/tasks").text


def test_reading_marks_what_was_on_the_page_and_nothing_later(pair: Gateway) -> None:
    browser = as_learner(pair)
    with pair.ledger.begin() as db:
        tell(db, key="later", hours=2)

    answer = send(browser, "/my/inbox", "/my/inbox/read", upto=(NINE + timedelta(hours=1)).isoformat())

    assert answer.status_code == 303
    assert "1 unread" in browser.get("/my/inbox").text
    with pair.ledger.read() as db:
        assert db.scalars(sa.select(NoticeRow.read_at).order_by(NoticeRow.made_at)).all() == [NINE, None]


def test_nobody_marks_somebody_elses_notices(pair: Gateway) -> None:
    send(as_learner(pair, "bo"), "/my/tasks", "/my/inbox/read", upto=NINE.isoformat())

    assert "1 unread" in as_learner(pair).get("/my/tasks").text


@pytest.mark.parametrize("upto", ["", "now", "2026-11-20T09:00"])
def test_an_instant_that_is_none_marks_nothing(pair: Gateway, upto: str) -> None:
    assert send(as_learner(pair), "/my/inbox", "/my/inbox/read", upto=upto).status_code == 400


def test_a_form_from_elsewhere_marks_nothing(pair: Gateway) -> None:
    assert as_learner(pair).post("/my/inbox/read", data={"upto": NINE.isoformat()}).status_code == 400
    assert as_staff(pair).post("/my/inbox/read").status_code == 401


def test_names_are_text_and_never_markup(pair: Gateway) -> None:
    with pair.ledger.begin() as db:
        db.execute(sa.update(PersonRow).where(PersonRow.id == "bo").values(name="<b>{partner}</b>"))

    page = as_learner(pair).get("/my/inbox").text

    assert "&lt;b&gt;{partner}&lt;/b&gt; is past due" in page


def test_who_has_been_erased_is_called_by_the_opaque_id(pair: Gateway) -> None:
    with pair.ledger.begin() as db:
        db.execute(
            sa.update(NoticeRow).values(
                about={"task": "", "one": "gone", "partner": "ann", "text": {"en": LATE.en, "zh": "x"}}
            )
        )

    assert "Gone is past due" in as_learner(pair).get("/my/inbox").text
