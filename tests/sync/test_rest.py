"""The archive behind HTTP: real requests to a stand-in HR system that fails when told to."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ledger.database import Ledger
from sync.archive import Accepted, ArchiveError, Declined, Delivery, Misconfigured, Unanswered, Unavailable
from sync.reconcile import reconcile
from sync.rest import LONGEST_WAIT, RestArchive, key_of
from sync.run import deliver
from sync.telling import tell
from tandem.broker import free_port
from tandem.demo.hr_system import REFUSED, UNKNOWN, Fault, HrSystem
from tests.sync.cast import EVENING, company, corrected, hour, morning, reversal, run_dry, states

pytestmark = pytest.mark.enable_socket

KEY = "a-bearer-key"
LATER = EVENING + timedelta(hours=1)


@pytest.fixture
def hr() -> Iterator[HrSystem]:
    system = HrSystem(key=KEY, hold=30, clock=lambda: EVENING)
    system.start()
    yield system
    system.stop()


def archive(hr: HrSystem, **changes: Any) -> RestArchive:
    given: dict[str, Any] = {"clock": lambda: EVENING, "batch_limit": 10, "wait": 5.0} | changes
    return RestArchive("hr", given.pop("url", hr.url), given.pop("key", KEY), **given)


def batch(*rows: Any) -> list[Delivery]:
    with company().read() as db:
        return [one for one in tell(db, rows) if isinstance(one, Delivery)]


TEN = [hour(number) for number in range(10)]


def test_each_record_is_answered_and_kept_as_it_was_told(hr: HrSystem) -> None:
    told = batch(*TEN)

    answers = archive(hr).push(told)

    assert answers == [Accepted(one.id) for one in told]
    assert hr.lines == [one.to_json() for one in told]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param("server_error", Unavailable, id="500"),
        pytest.param("busy", Unavailable, id="429"),
        pytest.param("busy_until", Unavailable, id="503"),
        pytest.param("slow_answer", Unanswered, id="time-out after processing"),
        pytest.param("garbage", Unanswered, id="garbage"),
        pytest.param("no_list", Unanswered, id="200 without a list"),
        pytest.param("drop", Unanswered, id="cut in the answer"),
        pytest.param("too_long", Unanswered, id="an answer without end"),
        pytest.param("redirect", Misconfigured, id="redirect"),
        pytest.param("locked_out", Misconfigured, id="403"),
    ],
)
def test_what_a_failure_is_and_that_a_second_try_puts_it_right(
    hr: HrSystem, fault: Fault, error: type[ArchiveError]
) -> None:
    ledger, there = company("sqlite://", "hr"), archive(hr, wait=0.4)
    corrected(ledger, 9)
    hr.faults.append(fault)

    with pytest.raises(error):
        deliver(ledger, there, worker="w", now=EVENING, luck=0.5)
    run_dry(ledger, there, now=LATER)

    assert states(ledger) == {"accepted": 14}
    assert hr.doubled == []
    assert hr.pushes[0] == hr.pushes[1]
    assert reconcile(ledger, there).is_good


def test_one_record_of_ten_is_refused_and_the_other_nine_are_there(hr: HrSystem) -> None:
    told = batch(*TEN)
    hr.faults.append("refuse_one")

    answers = archive(hr).push(told)

    assert answers[9] == Declined(told[9].id, REFUSED)
    assert list(hr.records) == [str(one.id) for one in told[:9]]


@pytest.mark.parametrize(
    ("fault", "place"),
    [pytest.param("forget_one", 9, id="not named"), pytest.param("contradict", 0, id="yes and no")],
)
def test_a_record_without_a_clear_answer_is_sent_again_alone(hr: HrSystem, fault: Fault, place: int) -> None:
    ledger, there = company("sqlite://", "hr"), archive(hr)
    ids = morning(ledger, 10)
    hr.faults.append(fault)

    run_dry(ledger, there, now=EVENING)
    assert states(ledger) == {"accepted": 9, "queued": 1}
    run_dry(ledger, there, now=LATER)

    assert hr.pushes[1].ids == (str(ids[place]),)
    assert (states(ledger), hr.doubled) == ({"accepted": 10}, [])


def test_a_time_out_after_processing_doubles_at_an_archive_that_does_not_look_at_ids() -> None:
    """The sabotaged twin: without an archive that recognises a record, nobody can promise once."""
    hr = HrSystem(key=KEY, recognises=False, hold=30)
    hr.start()
    ledger, there = company("sqlite://", "hr"), archive(hr, wait=0.4)
    morning(ledger, 5)
    hr.faults.append("slow_answer")

    with pytest.raises(Unanswered):
        deliver(ledger, there, worker="w", now=EVENING, luck=0.5)
    run_dry(ledger, there, now=LATER)
    hr.stop()

    assert len(hr.doubled) == 5


def test_a_reversal_of_what_the_archive_never_had_is_declined_by_it(hr: HrSystem) -> None:
    [told] = batch(reversal(1))

    assert archive(hr).push([told]) == [Declined(told.id, UNKNOWN)]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("120", 120, id="seconds"),
        pytest.param(" 0 ", 0, id="none"),
        pytest.param(format_datetime(EVENING + timedelta(minutes=3), usegmt=True), 180, id="date"),
        pytest.param("Mon, 02 Mar 2026 18:03:00 -0000", 180, id="date without a zone"),
        pytest.param("99999999999999999999", LONGEST_WAIT.total_seconds(), id="for ever"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT.total_seconds(), id="until the end of time"),
        pytest.param("soon", None, id="neither"),
        pytest.param("-5", None, id="negative"),
        pytest.param("1.5", None, id="fraction"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="missing"),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str | None, seconds: float | None) -> None:
    there = RestArchive("hr", "http://127.0.0.1:9/", KEY, clock=lambda: EVENING)

    until = there._not_before(header)

    assert until == (None if seconds is None else EVENING + timedelta(seconds=seconds))
    assert until is None or until.tzinfo is UTC


def test_what_the_archive_asked_for_is_kept(hr: HrSystem) -> None:
    hr.retry_after = 90
    hr.faults.append("busy")

    with pytest.raises(Unavailable) as raised:
        archive(hr).push(batch(*TEN))

    assert raised.value.not_before == EVENING + timedelta(seconds=90)


def test_nobody_there_is_unavailable() -> None:
    there = archive(SimpleNamespace(url=""), url=f"http://127.0.0.1:{free_port('127.0.0.1')}/records")  # type: ignore[arg-type]

    with pytest.raises(Unavailable, match="cannot be reached"):
        there.push(batch(*TEN))


def test_a_wrong_key_is_said_and_never_shown(hr: HrSystem) -> None:
    with pytest.raises(Misconfigured, match="HTTP 401") as raised:
        archive(hr, key="of-somebody-else").push(batch(*TEN))

    assert "of-somebody-else" not in str(raised.value)


def test_the_key_of_a_batch_is_that_of_its_records_in_any_order() -> None:
    told = batch(*TEN)

    assert key_of(told) == key_of(told[::-1])
    assert key_of(told) != key_of(told[1:])


def test_the_same_key_with_other_content_is_found_out_and_the_records_still_arrive_once(hr: HrSystem) -> None:
    there = archive(hr)
    there.push(batch(hour(1), hour(2)))

    changed = batch(hour(1, person_id="erased"), hour(2))
    answers = there.push(changed)

    assert answers == [Accepted(one.id) for one in changed]
    assert (len(hr.lines), len(hr.pushes)) == (2, 4)


def test_a_batch_that_is_refused_as_a_whole_is_asked_for_in_halves(hr: HrSystem, tmp_path: Path) -> None:
    poison = str(hour(3).id)
    hr.poison.add(poison)
    told = batch(*TEN)

    answers = archive(hr).push(told)

    assert [one for one in answers if isinstance(one, Declined)] == [
        Declined(hour(3).id, 'HTTP 422: {"error":"this cannot be read"}')
    ]
    assert len(hr.lines) == 9


def test_what_the_archive_holds_can_be_read_back_page_by_page(hr: HrSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, there = company("sqlite://", "hr"), archive(hr)
    monkeypatch.setattr("sync.rest.PAGE", 4)
    corrected(ledger, 9)
    run_dry(ledger, there)

    assert list(there.content()) == hr.lines
    assert reconcile(ledger, there).is_good


def tampered(ledger: Ledger, hr: HrSystem) -> Any:
    return reconcile(ledger, archive(hr))


def test_what_is_not_the_same_is_found(hr: HrSystem) -> None:
    ledger, there = company("sqlite://", "hr"), archive(hr)
    ids = [str(id) for id in morning(ledger, 4)]
    run_dry(ledger, there)
    hr.lines[0] |= {"credit": "9.0"}
    hr.lines[1] |= {"course": hr.lines[1]["course"] | {"place": "Room 2"}}
    hr.lines[2] |= {"id": "stranger"}

    found = tampered(ledger, hr)

    assert found.different == {ids[0]: ("credit",), ids[1]: ("course",)}
    assert (found.missing, found.extra, found.waiting) == ((ids[2],), ("stranger",), ())
    assert not found.is_good


def test_what_is_still_on_its_way_is_not_called_missing(hr: HrSystem) -> None:
    ledger, there = company("sqlite://", "hr"), archive(hr)
    ids = [str(id) for id in morning(ledger, 2)]

    found = reconcile(ledger, there)

    assert (found.missing, found.waiting) == ((), tuple(sorted(ids)))
