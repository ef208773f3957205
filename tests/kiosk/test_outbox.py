"""Claims about the outbox: durability first, then numbers, receipts and the file itself."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.outbox import FILE, KEEP, Outbox, OutboxError, OutboxFull, OutboxUnsafe, Row, Standing
from protocol.messages import Receipt, Rejected
from tests.kiosk.cast import NINE, STREAM, a_record

BEFORE = UUID("00000000-0000-4000-8000-0000000000e1")
ROOT = Path(__file__).parents[2]
RESTORED = UUID("00000000-0000-4000-8000-0000000000e2")


class CommitsLater(Outbox):
    """The sabotaged twin: it answers first and commits when the next record comes."""

    def _begin(self) -> None:
        if self._db.in_transaction:
            self._db.execute("COMMIT")
        self._db.execute("BEGIN IMMEDIATE")

    def _commit(self) -> None:
        pass

    def _roll_back(self) -> None:
        pass


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / FILE


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    with closing(Outbox(path, stream=STREAM)) as outbox:
        yield outbox


def keep(outbox: Outbox, count: int) -> None:
    for _ in range(count):
        outbox.put(a_record)


def due(outbox: Outbox) -> list[int]:
    return [row.seq for row in outbox.due(1000)]


def receipt(
    upto: int, number: int = 1, *, epoch: UUID = BEFORE, extra: tuple[int, ...] = (), **rejected: str
) -> Receipt:
    refused = tuple(Rejected(seq=int(seq.removeprefix("no_")), reason=reason) for seq, reason in rejected.items())
    return Receipt(stream=STREAM, epoch=epoch, number=number, upto=upto, extra=extra, rejected=refused)


# Durability


def test_what_was_put_is_there_after_the_power_is_back(path: Path) -> None:
    with closing(Outbox(path, stream=STREAM)) as outbox:
        keep(outbox, 3)

    with closing(Outbox(path, stream=STREAM)) as outbox:
        assert outbox.due(10) == [Row(seq, a_record(seq).line()) for seq in (1, 2, 3)]


PUTS = """
import sys
from pathlib import Path
from tests.kiosk import cast, test_outbox
box = getattr(test_outbox, sys.argv[1])(Path(sys.argv[2]), stream=cast.STREAM)
for _ in range(int(sys.argv[3])):
    print(box.put(cast.a_record).seq, flush=True)
sys.stdin.read()
"""


def killed(kind: str, path: Path, *, records: int, after: int) -> list[int]:
    """Let a kiosk of its own process keep records, kill it, and say which of them had turned green."""
    command = [sys.executable, "-c", PUTS, kind, str(path), str(records)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as kiosk:
        assert kiosk.stdout
        green = [int(kiosk.stdout.readline()) for _ in range(after)]
        kiosk.kill()
        return green + [int(line) for line in kiosk.stdout if line.endswith("\n")]


@pytest.mark.parametrize(
    "kind, lost", [("Outbox", []), ("CommitsLater", [20])], ids=["the outbox", "its sabotaged twin"]
)
def test_a_kill_loses_nothing_that_turned_green(path: Path, kind: str, lost: list[int]) -> None:
    green = killed(kind, path, records=20, after=20)

    with closing(Outbox(path, stream=STREAM)) as outbox:
        assert [seq for seq in green if seq not in due(outbox)] == lost


def test_a_record_that_cannot_be_made_takes_no_number(outbox: Outbox) -> None:
    def fails(seq: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        outbox.put(fails)  # type: ignore[arg-type]

    assert outbox.put(a_record).seq == 1


def test_a_full_disk_raises_and_leaves_no_hole(outbox: Outbox) -> None:
    keep(outbox, 1)
    [pages] = outbox._db.execute("PRAGMA page_count").fetchone()
    outbox._db.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(OutboxFull):
        outbox.put(lambda seq: a_record(seq, badge="b" * 32, at=NINE).model_copy(update={"method": "x" * 100_000}))

    outbox._db.execute("PRAGMA max_page_count = 100000")
    assert outbox.put(a_record).seq == 2


def test_a_file_that_cannot_be_written_raises_and_nothing_is_kept(outbox: Outbox) -> None:
    outbox._db.execute("PRAGMA query_only = ON")

    with pytest.raises(OutboxError, match="storage has failed"):
        outbox.put(a_record)

    assert outbox.standing() == Standing(first_unreceipted=None, last_assigned=0, count=0)


def test_an_outbox_without_room_says_so_until_there_is_room_again(outbox: Outbox) -> None:
    keep(outbox, 1)
    [pages] = outbox._db.execute("PRAGMA page_count").fetchone()
    outbox._db.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(OutboxFull):
        outbox.try_out()
    outbox._db.execute("PRAGMA max_page_count = 100000")
    outbox.try_out()

    assert outbox._db.execute("SELECT count(*) FROM trial").fetchone() == (0,)
    assert due(outbox) == [1]


def test_an_outbox_that_cannot_be_written_is_not_said_to_be_well(outbox: Outbox) -> None:
    outbox._db.execute("PRAGMA query_only = ON")

    with pytest.raises(OutboxError, match="readonly"):
        outbox.try_out()


def test_a_closed_outbox_takes_nothing(path: Path) -> None:
    outbox = Outbox(path, stream=STREAM)
    outbox.close()

    with pytest.raises(OutboxError):
        outbox.put(a_record)


def test_every_record_is_synced_before_it_is_green(outbox: Outbox) -> None:
    assert outbox._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert outbox._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


# Numbers


def test_numbers_have_no_gaps_and_never_come_twice(path: Path) -> None:
    with closing(Outbox(path, stream=STREAM)) as outbox:
        keep(outbox, 3)
        outbox.delivered(receipt(3), at=NINE)
        outbox.prune(at=NINE + KEEP + timedelta(seconds=1))

    with closing(Outbox(path, stream=STREAM)) as outbox:
        assert outbox.put(a_record).seq == 4


def test_a_record_of_another_number_is_refused(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="number that its outbox gave"):
        outbox.put(lambda seq: a_record(seq + 1))


def test_a_disk_that_forgot_numbers_does_not_give_them_out_again(outbox: Outbox) -> None:
    keep(outbox, 2)

    outbox.delivered(receipt(5, extra=(8,)), at=NINE)

    assert outbox.put(a_record).seq == 9


@pytest.mark.parametrize(
    "told", [receipt(3), receipt(0, extra=(7,)), receipt(1, no_3="malformed")], ids=["up to", "extra", "rejected"]
)
def test_numbers_that_were_never_given_out_are_a_sign_of_a_copy(
    outbox: Outbox, told: Receipt, caplog: pytest.LogCaptureFixture
) -> None:
    keep(outbox, 2)

    outbox.delivered(told, at=NINE)

    assert outbox.disagrees
    assert "above 2, which this kiosk has not made" in caplog.text
    assert outbox.put(a_record).seq > max([told.upto, *told.extra, *(rejected.seq for rejected in told.rejected)])


def test_numbers_of_our_own_are_no_sign_of_a_copy(outbox: Outbox) -> None:
    keep(outbox, 4)

    outbox.delivered(receipt(2, extra=(4,), no_3="malformed"), at=NINE)

    assert not outbox.disagrees


# Boots


def test_what_is_known_of_the_last_boots_is_kept(path: Path) -> None:
    with closing(Outbox(path, stream=STREAM)) as outbox:
        for number in range(10):
            outbox.note_boot(UUID(int=number), NINE + timedelta(hours=number))
        outbox.note_boot(UUID(int=9), NINE + timedelta(hours=9, seconds=2))

    with closing(Outbox(path, stream=STREAM)) as outbox:
        told = [(boot.boot.int, boot.began_at) for boot in outbox.boots()]

    assert told == [(number, NINE + timedelta(hours=number)) for number in range(2, 9)] + [
        (9, NINE + timedelta(hours=9, seconds=2))
    ]


# Receipts

RECEIPTS = {
    "nothing yet": ([], [1, 2, 3, 4]),
    "up to a number": ([receipt(2)], [3, 4]),
    "and some above it": ([receipt(1, extra=(3,))], [2, 4]),
    "a rejected one is not sent again": ([receipt(1, no_2="malformed")], [3, 4]),
    "the highest number wins": ([receipt(3, 7), receipt(4, 8)], []),
    "an older receipt of the epoch says nothing": ([receipt(3, 7), receipt(4, 6)], [4]),
    "the same number again says nothing": ([receipt(3, 7), receipt(4, 7)], [4]),
    "within an epoch nothing goes back": ([receipt(3, 7), receipt(1, 8)], [4]),
    "a restored database goes back": ([receipt(4, 7), receipt(2, 1, epoch=RESTORED)], [3, 4]),
    "but keeps what is extra": ([receipt(4, 7), receipt(1, 1, epoch=RESTORED, extra=(3,))], [2, 4]),
    "and asks for rejected ones again": ([receipt(4, 7, no_3="x"), receipt(2, 1, epoch=RESTORED)], [3, 4]),
    "an epoch that was skipped never comes": ([receipt(1, 1, epoch=RESTORED), receipt(4, 99)], [2, 3, 4]),
    "an epoch that was left never returns": ([receipt(1), receipt(1, 1, epoch=RESTORED), receipt(4, 99)], [2, 3, 4]),
}


@pytest.mark.parametrize("receipts, left", RECEIPTS.values(), ids=RECEIPTS.keys())
def test_what_is_due_after_receipts(outbox: Outbox, receipts: list[Receipt], left: list[int]) -> None:
    keep(outbox, 4)

    for one in receipts:
        outbox.delivered(one, at=NINE)

    assert due(outbox) == left
    assert outbox.standing() == Standing(first_unreceipted=left[0] if left else None, last_assigned=4, count=len(left))


def test_a_receipt_of_another_stream_says_nothing(outbox: Outbox) -> None:
    keep(outbox, 1)
    foreign = receipt(1).model_copy(update={"stream": BEFORE})

    assert not outbox.delivered(foreign, at=NINE)
    assert due(outbox) == [1]


def test_the_second_tick_is_for_what_was_entered_only(outbox: Outbox) -> None:
    keep(outbox, 3)

    outbox.delivered(receipt(2, no_2="malformed"), at=NINE)

    assert [outbox.is_delivered(seq) for seq in (1, 2, 3, 4)] == [True, False, False, False]


def test_a_rejected_record_stays_in_quarantine_for_good(outbox: Outbox) -> None:
    keep(outbox, 2)

    outbox.delivered(receipt(2, no_2="other_bytes"), at=NINE)
    outbox.prune(at=NINE + KEEP * 10)

    [kept] = outbox.quarantine()
    assert (kept.seq, kept.reason, kept.line) == (2, "other_bytes", a_record(2).line())


def test_delivered_records_are_kept_for_as_long_as_a_backup_may_be_old(outbox: Outbox) -> None:
    keep(outbox, 2)
    outbox.delivered(receipt(1), at=NINE)

    assert outbox.prune(at=NINE + KEEP) == 0
    assert outbox.prune(at=NINE + KEEP + timedelta(seconds=1)) == 1
    assert due(outbox) == [2]


@settings(max_examples=60)
@given(
    receipts=st.lists(
        st.builds(
            receipt,
            st.integers(0, 6),
            st.integers(1, 9),
            epoch=st.sampled_from([BEFORE, RESTORED]),
            extra=st.lists(st.integers(1, 6), max_size=2).map(tuple),
        ),
        max_size=6,
    )
)
def test_only_what_the_living_epoch_has_named_is_delivered(
    tmp_path_factory: pytest.TempPathFactory, receipts: list[Receipt]
) -> None:
    with closing(Outbox(tmp_path_factory.mktemp("box") / FILE, stream=STREAM)) as outbox:
        keep(outbox, 6)
        taken = [one for one in receipts if outbox.delivered(one, at=NINE)]
        left = due(outbox)

    held: set[int] = set()
    for before, one in zip([None, *taken], taken, strict=False):
        if before is None or before.epoch != one.epoch:
            held &= set(range(one.upto + 1))
        held |= {*range(1, one.upto + 1), *one.extra}
    assert left == [seq for seq in range(1, 7) if seq not in held]


# What is due


def test_what_is_on_its_way_is_not_due(outbox: Outbox) -> None:
    keep(outbox, 5)

    assert [row.seq for row in outbox.due(2, but_not={1, 3})] == [2, 4]


def test_what_is_due_may_begin_above_a_number(outbox: Outbox) -> None:
    keep(outbox, 5)

    assert [row.seq for row in outbox.due(2, above=2)] == [3, 4]


def test_the_bytes_of_a_record_never_change(path: Path) -> None:
    with closing(Outbox(path, stream=STREAM)) as outbox:
        line = outbox.put(a_record).line()

    with closing(Outbox(path, stream=STREAM)) as outbox:
        assert outbox.due(1) == [Row(1, line)]


def test_todays_records_are_there_after_a_restart(outbox: Outbox) -> None:
    outbox.put(lambda seq: a_record(seq, at=NINE - timedelta(days=1)))
    outbox.put(a_record)

    assert [record.seq for record in outbox.since(NINE)] == [2]


def test_a_hundred_thousand_waiting_records_slow_nothing_down(path: Path) -> None:
    with closing(Outbox(path, stream=STREAM)) as outbox, outbox._transaction() as db:
        rows = ((seq, NINE.isoformat(), b"x" * 400) for seq in range(1, 100_001))
        db.executemany("INSERT INTO records (seq, at, line) VALUES (?, ?, ?)", rows)
        db.execute("UPDATE stream SET last_assigned = 100000")

    begin = perf_counter()
    with closing(Outbox(path, stream=STREAM)) as outbox:
        opened = perf_counter()
        for _ in range(20):
            outbox.put(a_record)
            outbox.due(100, but_not=range(1, 501))
            outbox.standing()
        done = perf_counter()

    assert opened - begin < 2.5
    assert (done - opened) / 20 < 0.1


# The file


def test_two_programs_do_not_share_an_outbox(outbox: Outbox, path: Path) -> None:
    with pytest.raises(OutboxUnsafe, match="another program"):
        Outbox(path, stream=STREAM)


def test_the_outbox_of_another_registration_is_not_taken_over(path: Path) -> None:
    Outbox(path, stream=STREAM).close()

    with pytest.raises(OutboxUnsafe, match="another registration"):
        Outbox(path, stream=BEFORE)


def test_a_damaged_file_is_refused_and_left_alone(path: Path) -> None:
    path.write_bytes(b"not a database, but somebody's check-ins all the same " * 100)

    with pytest.raises(OutboxUnsafe, match=f"{path} cannot be opened"):
        Outbox(path, stream=STREAM)
    assert path.read_bytes().startswith(b"not a database")


def test_a_file_of_a_newer_version_is_refused(path: Path) -> None:
    Outbox(path, stream=STREAM).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")

    with pytest.raises(OutboxUnsafe, match="newer version"):
        Outbox(path, stream=STREAM)


def test_a_counter_that_was_turned_back_is_refused(path: Path) -> None:
    with closing(Outbox(path, stream=STREAM)) as outbox:
        keep(outbox, 2)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE stream SET last_assigned = 1")
        db.commit()

    with pytest.raises(OutboxUnsafe, match="twice"):
        Outbox(path, stream=STREAM)


def test_others_cannot_read_the_outbox(outbox: Outbox, path: Path) -> None:
    keep(outbox, 1)

    files = {file.name: file.stat().st_mode & 0o077 for file in path.parent.glob(f"{FILE}*")}
    assert files == dict.fromkeys([FILE, f"{FILE}-shm", f"{FILE}-wal"], 0)


def test_a_record_that_this_version_cannot_read_is_sent_all_the_same(outbox: Outbox) -> None:
    keep(outbox, 2)
    with outbox._transaction() as db:
        db.execute("UPDATE records SET line = ? WHERE seq = 1", (b'{"v":9}',))

    assert [record.seq for record in outbox.since(NINE)] == [2]
    assert due(outbox) == [1, 2]
