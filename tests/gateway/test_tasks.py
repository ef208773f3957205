"""Joint tasks on the pages: who hands in what, who decides, who sees the files, and what is refused."""

import re
import zipfile
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from attendance.notices import TRAINER, Notice
from attendance.reasons import Language, Text
from gateway import task_texts, tasks, texts
from gateway.evidence import MEBIBYTE, MOST_BYTES, MOST_UNPACKED
from ledger import inbox, pairs
from ledger.pair_tables import EvidenceRow, JointTaskRow, PartRow, ProgramRow
from ledger.refusals import Incomplete
from ledger.tables import PersonRow
from tests.gateway.cast import NINE, Gateway
from tests.gateway.pair_cast import (
    DUE,
    PDF,
    as_learner,
    as_staff,
    handed_in,
    part_of,
    send,
    submissions,
    task,
    token,
    upload,
    with_pairs,
)

XSS = "<script>alert(1)</script>"
SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


@pytest.fixture
def pair(gateway: Gateway, tmp_path: Path) -> Gateway:
    """Give Ann and Bo a joint task."""
    return with_pairs(gateway, tmp_path)


def files(pair: Gateway) -> list[EvidenceRow]:
    """Return the files of all submissions."""
    with pair.ledger.read() as db:
        return list(db.scalars(sa.select(EvidenceRow)))


def kept(pair: Gateway) -> list[Path]:
    """Return what lies in the store."""
    return [path for path in pair.settings.data.rglob("*") if path.is_file()]


# The learner's page


def test_a_learner_sees_both_partners_side_by_side(pair: Gateway) -> None:
    handed_in(pair, "reserve_manager", "bo")

    page = as_learner(pair).get("/my/tasks").text

    assert "Spring orders" in page
    assert "Western orders" not in page
    halves = page.split('class="t-half')[1:]
    assert "You" in halves[0]
    assert ">Open</span>" in halves[0]
    assert "Bo Wang" in halves[1]
    assert ">With the trainer</span>" in halves[1]
    assert "Joint report" in halves[2]


def test_a_due_is_said_by_the_clock_there_and_in_words(pair: Gateway) -> None:
    page = as_learner(pair).get("/my/tasks").text

    assert "Mon 23 Nov, 09:00" in page
    assert "in 3 days" in page


def test_the_page_speaks_chinese(pair: Gateway) -> None:
    page = as_learner(pair).get("/my/tasks?lang=zh").text

    assert "春季订单" in page
    assert "11月23日 周一 09:00" in page
    assert "3 天后" in page


def test_what_is_handed_in_is_entered_and_kept(pair: Gateway) -> None:
    answer = upload(as_learner(pair), part_of(pair))

    assert (answer.status_code, answer.location.partition("#")[0]) == (303, "/my/tasks?done=handed_in")
    [row] = submissions(pair)
    assert (row.person_id, row.version, row.state) == ("ann", 1, "handed_in")
    [file] = files(pair)
    assert (file.kind, file.media_type, file.size) == ("order_log", "application/pdf", len(PDF))
    assert [path.read_bytes() for path in kept(pair)] == [PDF]


def test_several_kinds_of_evidence_are_handed_in_together(pair: Gateway) -> None:
    given = {"optimisation_plan": PDF, "conversation": "她说：好。".encode("gb18030")}

    assert upload(as_learner(pair, "bo"), part_of(pair, "reserve_manager"), given).status_code == 303
    assert {(file.kind, file.media_type) for file in files(pair)} == {
        ("optimisation_plan", "application/pdf"),
        ("conversation", "text/plain; charset=gb18030"),
    }


def test_words_of_a_rejection_are_shown_with_the_new_end(pair: Gateway) -> None:
    pair.clock.now = DUE + timedelta(hours=1)
    id = handed_in(pair)
    with pair.ledger.begin() as db:
        pairs.reject(db, id, "The dates are missing.", by="t", now=pair.clock.now)

    page = as_learner(pair).get("/my/tasks").text

    assert "The dates are missing." in page
    assert "Hand in by Tue 24 Nov, 10:00. After that both of you lose hours." in page


@pytest.mark.parametrize("path", ["/my/tasks", "/my/inbox"])
def test_who_has_not_signed_in_is_asked_to(pair: Gateway, path: str) -> None:
    assert pair.get(path).location.endswith(f"/sign-in?next={path}")


# Bad input: files


BOMB = BytesIO()
with zipfile.ZipFile(BOMB, "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("[Content_Types].xml", "<Types/>")
    archive.writestr("xl/workbook.xml", bytes(MOST_UNPACKED + 1))


@pytest.mark.parametrize(
    "given, status, said",
    [
        pytest.param({"order_log": b"a" * (MOST_BYTES + 1)}, 413, "A file may have 10 MiB at most.", id="too large"),
        pytest.param({"order_log": b"\x7fELF" + bytes(99)}, 422, "This kind of file is not taken.", id="wrong type"),
        pytest.param({"order_log": BOMB.getvalue()}, 413, "unpacks to far too much", id="zip bomb"),
        pytest.param({"order_log": b""}, 422, "This file is empty.", id="empty"),
        pytest.param({}, 422, "A file is missing.", id="no file"),
        pytest.param({"joint_report": PDF}, 422, "A file is missing.", id="other evidence"),
    ],
)
def test_a_file_that_is_not_taken_says_why(pair: Gateway, given: dict[str, bytes], status: int, said: str) -> None:
    answer = upload(as_learner(pair), part_of(pair), given)

    assert answer.status_code == status
    assert said in answer.text
    assert submissions(pair) == []
    assert kept(pair) == []


def test_a_path_in_a_name_goes_nowhere(pair: Gateway) -> None:
    assert upload(as_learner(pair), part_of(pair), name="../../etc/passwd").status_code == 303

    [path] = kept(pair)
    assert path.parent.parent == pair.settings.data / "evidence"
    assert re.fullmatch(r"[0-9a-f]{64}", path.name)


def test_too_many_files_are_refused(pair: Gateway) -> None:
    many = {"order_log": [PDF + bytes([65 + number]) for number in range(6)]}

    answer = upload(as_learner(pair), part_of(pair), many)

    assert answer.status_code == 422
    assert "At most 5 files" in answer.text
    assert kept(pair) == []


def test_five_files_at_once_are_taken(pair: Gateway) -> None:
    five = {"order_log": [PDF + bytes([65 + number]) for number in range(5)]}

    assert upload(as_learner(pair), part_of(pair), five).status_code == 303
    assert len(kept(pair)) == 5


def test_a_request_that_is_far_too_large_is_not_read(pair: Gateway) -> None:
    browser = as_learner(pair)
    form = token(browser.get("/my/tasks").text)

    answer = browser.post(
        f"/my/tasks/{part_of(pair)}", data={"form": form}, environ_overrides={"CONTENT_LENGTH": str(60 * MEBIBYTE)}
    )

    assert answer.status_code == 413
    assert "too large together" in answer.text


def test_other_forms_stay_small(pair: Gateway) -> None:
    browser = as_staff(pair)

    answer = send(browser, "/tasks", f"/parts/{part_of(pair)}/due", reason="x" * 70_000)

    assert answer.status_code == 413


# Bad input: people


@pytest.mark.parametrize(
    "person, role, status, said",
    [
        pytest.param("dora", "clerk", 404, "There is nothing here", id="another pair's part"),
        pytest.param("bo", "clerk", 403, "is your partner", id="the partner's part"),
    ],
)
def test_nobody_hands_in_for_others(pair: Gateway, person: str, role: str, status: int, said: str) -> None:
    answer = upload(as_learner(pair, person), part_of(pair, role))

    assert answer.status_code == status
    assert said in answer.text
    assert kept(pair) == []


def test_a_part_that_does_not_exist_is_not_found(pair: Gateway) -> None:
    assert upload(as_learner(pair), "nothing").status_code == 404


def test_nothing_is_handed_in_after_acceptance(pair: Gateway) -> None:
    with pair.ledger.begin() as db:
        pairs.accept(db, handed_in_now(pair, db), by="t", now=NINE)

    answer = upload(as_learner(pair), part_of(pair))

    assert answer.status_code == 409
    assert "has been accepted already" in answer.text


def handed_in_now(pair: Gateway, db: Any) -> str:
    """Hand in within a transaction."""
    row = db.scalars(sa.select(PartRow).where(PartRow.role == "clerk", PartRow.task_id == "spring-orders")).one()
    return pairs.hand_in(db, row.id, "ann", [pairs.Evidence("order_log", "x", 1, "a" * 64)], now=NINE).id


@pytest.mark.parametrize("who", ["ann", "bo", "dora"])
def test_a_learner_may_not_accept(pair: Gateway, who: str) -> None:
    id = handed_in(pair)
    browser = as_learner(pair, who)

    answer = send(browser, "/my/tasks", f"/submissions/{id}/accept")

    assert answer.status_code == 403
    assert [row.state for row in submissions(pair)] == ["handed_in"]


def test_who_has_not_signed_in_may_not_accept(pair: Gateway) -> None:
    id = handed_in(pair)

    assert pair.browser().post(f"/submissions/{id}/accept").status_code == 401
    assert [row.state for row in submissions(pair)] == ["handed_in"]


def test_a_viewer_looks_and_does_not_decide(pair: Gateway) -> None:
    id = handed_in(pair)
    viewer = as_staff(pair, "viewer", "vera")

    page = viewer.get("/tasks").text
    answer = viewer.post(f"/submissions/{id}/accept", data={"form": token(page)})

    assert "Ann Li" in page
    assert ">Accept</button>" not in page
    assert answer.status_code == 403


@pytest.mark.parametrize("act", ["submissions/{}/accept", "submissions/{}/reject"])
def test_a_form_from_elsewhere_decides_nothing(pair: Gateway, act: str) -> None:
    id = handed_in(pair)

    answer = as_staff(pair).post("/" + act.format(id), data={"form": "0" * 64, "words": "No."})

    assert answer.status_code == 400
    assert [row.state for row in submissions(pair)] == ["handed_in"]


def test_a_form_from_elsewhere_hands_nothing_in(pair: Gateway) -> None:
    answer = as_learner(pair).post(f"/my/tasks/{part_of(pair)}", data={"order_log": (BytesIO(PDF), "log.pdf")})

    assert answer.status_code == 400
    assert submissions(pair) == []


def test_a_learner_may_not_see_the_trainers_page(pair: Gateway) -> None:
    assert as_learner(pair).get("/tasks").status_code == 403
    assert pair.get("/tasks").location == "/sign-in"


# The trainer's page


def test_a_trainer_accepts(pair: Gateway) -> None:
    id = handed_in(pair)
    browser = as_staff(pair)

    answer = send(browser, "/tasks", f"/submissions/{id}/accept")

    assert answer.status_code == 303
    [row] = submissions(pair)
    assert row.state == "accepted"
    assert len(row.decided_by or "") <= 32
    page = browser.get(answer.location).text
    assert "Nothing waits for a decision" in page
    assert "Accepted." in page


def test_a_trainer_sends_back_with_words(pair: Gateway) -> None:
    id = handed_in(pair)

    send(as_staff(pair), "/tasks", f"/submissions/{id}/reject", words="Add the dates.")

    assert [(row.state, row.words) for row in submissions(pair)] == [("rejected", "Add the dates.")]


def test_sending_back_without_words_is_refused(pair: Gateway) -> None:
    id = handed_in(pair)

    answer = send(as_staff(pair), "/tasks", f"/submissions/{id}/reject", words=" ")

    assert answer.status_code == 422
    assert "Please say what has to be done better" in answer.text
    assert [row.state for row in submissions(pair)] == ["handed_in"]


def test_the_second_of_two_trainers_is_told(pair: Gateway) -> None:
    id = handed_in(pair)
    first, second = as_staff(pair), as_staff(pair, login="uma")
    form = token(second.get("/tasks").text)
    send(first, "/tasks", f"/submissions/{id}/accept")

    answer = second.post(f"/submissions/{id}/reject", data={"form": form, "words": "No."})

    assert answer.status_code == 409
    assert "Somebody has decided about this version already." in answer.text


def test_a_newer_version_takes_the_place_of_the_one_that_waits(pair: Gateway) -> None:
    old, _ = handed_in(pair), handed_in(pair, version="b")
    browser = as_staff(pair)

    assert browser.get("/tasks").text.count(">Accept</button>") == 1
    assert send(browser, "/tasks", f"/submissions/{old}/accept").status_code == 409


@pytest.mark.parametrize("act", ["submissions/none/accept", "parts/none/due"])
def test_what_does_not_exist_is_not_found(pair: Gateway, act: str) -> None:
    assert send(as_staff(pair), "/tasks", f"/{act}", due="2026-11-25T18:00", reason="x").status_code == 404


def test_a_due_moves_by_the_clock_there(pair: Gateway) -> None:
    part = part_of(pair)

    answer = send(as_staff(pair), "/tasks", f"/parts/{part}/due", due="2026-11-25T18:00", reason="Illness.")

    assert answer.status_code == 303
    with pair.ledger.read() as db:
        assert db.get_one(PartRow, part).due.isoformat() == "2026-11-25T10:00:00+00:00"


@pytest.mark.parametrize(
    "due, reason, said",
    [
        pytest.param("2026-11-25T18:00", "", "Please give a reason.", id="no reason"),
        pytest.param("", "Illness.", "Please say at what time.", id="no time"),
        pytest.param("tomorrow", "Illness.", "no such time", id="no instant"),
        pytest.param("2026-11-25T18:00+01:00", "Illness.", "no such time", id="another zone"),
        pytest.param("0001-01-01T00:00", "Illness.", "no such time", id="before time"),
    ],
)
def test_a_due_does_not_move_without_sense(pair: Gateway, due: str, reason: str, said: str) -> None:
    answer = send(as_staff(pair), "/tasks", f"/parts/{part_of(pair)}/due", due=due, reason=reason)

    assert answer.status_code == 422
    assert said in answer.text


def test_an_hour_that_spring_leaves_out_is_no_time() -> None:
    with pytest.raises(Incomplete, match="no such time"):
        tasks.local_instant("2026-03-29T02:30", BERLIN)


def test_each_region_can_be_looked_at_alone(pair: Gateway) -> None:
    handed_in(pair)
    browser = as_staff(pair)

    west = browser.get("/tasks?region=west").text

    assert "Western orders" in west
    assert "Spring orders" not in west
    assert "Spring orders" in browser.get("/tasks?region=east").text
    assert browser.get("/tasks?region=moon").status_code == 404


def test_a_page_takes_few_queries_however_many_tasks(pair: Gateway) -> None:
    asked: list[str] = []
    browser = as_learner(pair)

    def count() -> int:
        asked.clear()
        browser.get("/my/tasks")
        return len(asked)

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def note(*call: Any) -> None:
        asked.append(call[2])

    try:
        few = count()
        with pair.ledger.begin() as db:
            for number in range(10):
                task(db, f"more-{number}")
        assert count() == few
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def test_trainers_are_told_whose_time_is_over(pair: Gateway) -> None:
    lost = Text("{one} did not hand in order entry in time.", "x")
    told = Notice(to=TRAINER, kind="forfeited", text=lost, key="lost", one="ann", partner="bo")
    with pair.ledger.begin() as db:
        inbox.put(db, [("spring-orders", told)], now=NINE, trainer_id=TRAINER)

    assert "Ann Li did not hand in order entry in time." in as_staff(pair).get("/tasks").text


# Files


def file_of(pair: Gateway) -> str:
    """Let Ann hand in and return the path of her file."""
    upload(as_learner(pair), part_of(pair))
    return f"/evidence/{files(pair)[0].id}"


@pytest.mark.parametrize("who", ["ann", "bo", "staff"])
def test_partners_and_staff_get_the_file(pair: Gateway, who: str) -> None:
    path = file_of(pair)

    answer = (as_staff(pair) if who == "staff" else as_learner(pair, who)).get(path)

    assert (answer.status_code, answer.data) == (200, PDF)
    assert answer.headers["Content-Disposition"] == "attachment; filename=order_log-1001v1.pdf"
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["Cache-Control"] == "no-store"
    answer.close()


def test_others_get_no_file(pair: Gateway) -> None:
    path = file_of(pair)

    assert as_learner(pair, "dora").get(path).status_code == 404
    assert as_learner(pair, "dora").get("/evidence/none").status_code == 404
    assert pair.get(path).status_code == 302
    assert as_staff(pair).get("/evidence/none").status_code == 404


def test_a_file_that_was_erased_is_gone(pair: Gateway) -> None:
    path = file_of(pair)
    kept(pair)[0].unlink()

    assert as_staff(pair).get(path).status_code == 410


# Texts


def test_words_and_names_are_text_and_never_markup(pair: Gateway) -> None:
    with pair.ledger.begin() as db:
        db.execute(sa.update(PersonRow).values(name=XSS))
        db.execute(sa.update(JointTaskRow).values(title=XSS, title_zh=XSS))
        db.execute(sa.update(ProgramRow).values(title=XSS))
    id = handed_in(pair)
    with pair.ledger.begin() as db:
        pairs.reject(db, id, XSS, by="t", now=NINE)
    handed_in(pair, version="b")

    for page in (as_learner(pair).get("/my/tasks").text, as_staff(pair).get("/tasks").text):
        assert XSS not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page)


def test_what_was_written_comes_back_as_text(pair: Gateway) -> None:
    part = part_of(pair)

    answer = send(as_staff(pair), "/tasks", f"/parts/{part}/due", due='"><b>', reason=XSS)

    assert answer.status_code == 422
    assert XSS not in answer.text
    assert '"><b>' not in answer.text


@pytest.mark.parametrize("key", task_texts.TEXTS)
def test_both_languages_say_something_of_their_own(key: str) -> None:
    assert task_texts.TEXTS[key].en
    assert any("\u4e00" <= letter <= "\u9fff" for letter in task_texts.TEXTS[key].zh)


@pytest.mark.parametrize(
    "template", sorted(Path(tasks.__file__).parent.glob("templates/tasks/*.html")), ids=lambda p: p.name
)
def test_there_are_words_for_everything_a_page_says(template: Path) -> None:
    for key in re.findall(r"say\('(\w+)'[,)]", template.read_text()):
        assert key in task_texts.TEXTS or key in texts.TEXTS, key


MONDAY = datetime.fromisoformat("2026-11-23T09:00:00+08:00")


@pytest.mark.parametrize(
    "off, english, chinese",
    [
        (timedelta(minutes=1), "in 1 minute", "1 分钟后"),
        (timedelta(hours=9), "today at 18:00", "今天 18:00"),
        (timedelta(hours=33), "tomorrow at 18:00", "明天 18:00"),
        (timedelta(days=2), "in 2 days", "2 天后"),
        (timedelta(minutes=-59), "59 minutes ago", "59 分钟前"),
        (timedelta(hours=-1), "1 hour ago", "1 小时前"),
        (timedelta(hours=-47), "47 hours ago", "47 小时前"),
        (timedelta(days=-3), "3 days ago", "3 天前"),
    ],
)
def test_how_far_off_something_is(off: timedelta, english: str, chinese: str) -> None:
    said: dict[Language, str] = {"en": english, "zh": chinese}
    for language, words in said.items():
        assert task_texts.from_now(MONDAY + off, MONDAY, SHANGHAI, language) == words
