from datetime import timedelta

import pytest
import sqlalchemy as sa

from gateway.ingest import ingest
from gateway.watch import tick
from ledger.database import Ledger
from ledger.tables import CourseRow, DirtyDayRow, FeedRow, HourRecordRow
from tests.cast import EVENING, add_session, at, company, seen


def come_and_go(ledger: Ledger, who: str, session: str, seq: int) -> None:
    with ledger.begin() as db:
        both = seen(who, seq=seq, session=session), seen(who, "12:00", seq=seq + 1, direction="out", session=session)
        ingest(db, both, received_at=EVENING)


def credited(ledger: Ledger) -> set[str]:
    with ledger.read() as db:
        query = sa.select(HourRecordRow.person_id).join(FeedRow, FeedRow.hour_record_id == HourRecordRow.id)
        return set(db.scalars(query))


def test_a_day_that_cannot_be_settled_keeps_nobody_else_waiting(caplog: pytest.LogCaptureFixture) -> None:
    ledger = company()
    with ledger.begin() as db:
        db.add(CourseRow(id="broken", title="", title_zh="", rule="no-such-rule"))
        db.flush()
        add_session(db, "broken-1", course_id="broken")
    come_and_go(ledger, "ann", "broken-1", seq=1)
    come_and_go(ledger, "bo", "order-101", seq=3)

    tick(ledger, now=EVENING)

    assert credited(ledger) == {"bo"}
    assert "of ann failed" in caplog.text
    with ledger.begin() as db:
        assert db.scalars(sa.select(DirtyDayRow.due_at)).all() == [EVENING + timedelta(minutes=15)]
        db.get_one(CourseRow, "broken").rule = "cn-45"
    tick(ledger, now=EVENING + timedelta(minutes=15))
    assert credited(ledger) == {"ann", "bo"}


@pytest.mark.timeout(10)
def test_a_tick_in_the_windows_very_last_moment_ends() -> None:
    ledger = company()
    with ledger.begin() as db:
        ingest(db, [seen("ann")], received_at=at("12:30"))

    tick(ledger, now=at("12:30"))

    with ledger.read() as db:
        assert db.scalars(sa.select(DirtyDayRow.due_at)).all() == [at("12:30:01")]
