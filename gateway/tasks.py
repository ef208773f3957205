"""The pages of joint tasks: learners hand in and see how far both are, trainers accept or send back."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, send_file, url_for
from sqlalchemy.orm import Session as Db
from werkzeug.exceptions import Gone, NotFound, RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from gateway import browser, evidence, told, visitor
from gateway.clock import Clock
from gateway.evidence import MOST_FILES, MOST_UPLOAD, NotTaken, Store
from gateway.settings import GatewaySettings
from ledger import pairs, tasks
from ledger.database import Ledger
from ledger.decisions import count_reviews
from ledger.inbox import count_unread, notices_to_trainers
from ledger.pair_tables import PairRow, PartRow, ProgramRow
from ledger.pairs import Evidence
from ledger.people import people_by_id
from ledger.refusals import Incomplete, NotPossible
from ledger.tables import PersonRow, RegionRow
from ledger.tasks import TaskView

DONE = ("handed_in", "accepted", "rejected", "moved", "decided", "read")
"""What a page may say it has done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """What was wrong with a form, shown at the form, with what had been written into it."""

    form: str
    """The id of the part or submission."""
    code: str
    status: int
    written: Mapping[str, str]


def task_pages(ledger: Ledger, settings: GatewaySettings, clock: Clock) -> Blueprint:
    """Build the routes of joint tasks."""
    site = Blueprint("tasks", __name__)
    visitor.receive(site, settings)
    store = Store(settings.data / "evidence")

    # Learners

    @site.get("/my/tasks")
    def mine() -> AnyResponse:
        return _mine(visitor.learner())

    @site.post("/my/tasks/<part_id>")
    def hand_in(part_id: str) -> AnyResponse:
        learner = visitor.learner()
        request.max_content_length = MOST_UPLOAD
        try:
            browser.check_form(g.learner_token)
            part = _may_hand_in(part_id, learner)
            files = _stored(store, part)
            with ledger.begin() as db:
                pairs.hand_in(db, part_id, learner.id, files, now=clock())
        except RequestEntityTooLarge:
            return _mine(learner, _wrong(part_id, "upload_too_large", 413))
        except NotTaken as error:
            return _mine(learner, _wrong(part_id, error.code, 413 if "large" in error.code else 422))
        except Incomplete as error:
            return _mine(learner, _wrong(part_id, error.code, 422))
        return redirect(url_for("tasks.mine", done="handed_in", _anchor=f"part-{part_id}"), 303)

    def _may_hand_in(part_id: str, learner: PersonRow) -> PartRow:
        """Look before any byte is stored; what counts is looked at again when it is entered."""
        with ledger.read() as db:
            found = tasks.part_with_pair(db, part_id)
            # Another pair's part is as good as none: nobody learns whether there is one.
            if found is None or learner.id not in (found[1].clerk_id, found[1].manager_id):
                raise NotFound
            pairs.check_may_hand_in(*found, learner.id)
            return found[0]

    def _mine(learner: PersonRow, wrong: Wrong | None = None) -> Response:
        now = clock()
        with ledger.read() as db:
            found = tasks.tasks_of(db, learner.id, now=now)
            values = {"tasks": found, "names": names(db, found), **frame_of_learner(db, learner)}
        return page(
            "tasks/mine.html", wrong=wrong, now=now, accept=evidence.ACCEPT, shown=[wrong and wrong.form], **values
        )

    # Trainers

    @site.get("/tasks")
    def all_tasks() -> AnyResponse:
        return _all_tasks()

    @site.post("/submissions/<id>/accept")
    def accept(id: str) -> AnyResponse:
        def act(db: Db) -> None:
            _check_submission(db, id)
            pairs.accept(db, id, by=visitor.account().id, now=clock())

        return _deciding(id, "accepted", act)

    @site.post("/submissions/<id>/reject")
    def reject(id: str) -> AnyResponse:
        def act(db: Db) -> None:
            _check_submission(db, id)
            pairs.reject(db, id, request.form.get("words", ""), by=visitor.account().id, now=clock())

        return _deciding(id, "rejected", act)

    @site.post("/parts/<id>/due")
    def move_due(id: str) -> AnyResponse:
        def act(db: Db) -> None:
            due, by = local_instant(request.form.get("due", ""), _zone_of(db, id)), visitor.account().id
            pairs.move_due(db, id, due, by=by, reason=request.form.get("reason", ""), now=clock())

        return _deciding(id, "moved", act)

    def _deciding(form: str, done: str, act: Callable[[Db], None]) -> AnyResponse:
        try:
            with ledger.begin() as db:
                act(db)
        except NotPossible as error:
            if visitor.status_of(error) == 404:
                raise
            return _all_tasks(_wrong(form, error.code, visitor.status_of(error)))
        return redirect(url_for("tasks.all_tasks", done=done, region=request.args.get("region")), 303)

    def _all_tasks(wrong: Wrong | None = None) -> Response:
        now = clock()
        with ledger.read() as db:
            listed = visitor.regions(db)
            region = chosen_region(listed)
            within = visitor.within(region)
            waiting = tasks.waiting(db, within, now=now)
            running = tasks.running(db, within, now=now)
            found = [view for view, _ in waiting] + running
            values = {"waiting": waiting, "running": running, "names": names(db, found), **frame_of_staff(db)}
            values["told_to_trainers"] = told.lines(db, notices_to_trainers(db, within, limit=5))
        # Somebody else may have decided in the meantime, so that the form of what was wrong is no more.
        shown = {part.waiting.row.id for _, part in waiting if part.waiting}
        shown |= {part.row.id for view in running for part in view.parts if not part.accepted}
        return page(
            "tasks/all.html",
            wrong=wrong,
            now=now,
            regions=listed,
            region=region,
            shown=shown,
            utc=ZoneInfo("UTC"),
            **values,
        )

    # Both

    @site.get("/evidence/<id>")
    def file(id: str) -> AnyResponse:
        with ledger.read() as db:
            found = tasks.evidence_with_pair(db, id)
            if found is None or not _may_see(db, found[2]):
                raise NotFound
            row, submission, _ = found
            number = "".join(filter(str.isalnum, tasks.number_of(db, submission)))
        try:
            opened = store.open(row.sha256)
        except FileNotFoundError:
            raise Gone("file_gone") from None
        name = f"{row.kind}-{number}v{submission.version}.{evidence.ENDINGS[row.media_type]}"
        response = send_file(opened, row.media_type, as_attachment=True, download_name=name)
        response.headers["Cache-Control"] = "no-store"
        return response

    return site


def _may_see(db: Db, pair: PairRow) -> bool:
    """Let the two partners see a file, and the staff of their region; nobody else learns whether it exists."""
    if g.learner and g.learner.id in (pair.clerk_id, pair.manager_id):
        return True
    return bool(g.account) and visitor.sees(db.get_one(ProgramRow, pair.program_id).region_id)


def _stored(store: Store, part: PartRow) -> list[Evidence]:
    """Keep the files of a form and say what they are; their names are not even read."""
    given = [(kind, file) for kind in part.evidence for file in request.files.getlist(kind) if file.filename]
    if len(given) > MOST_FILES:
        raise NotTaken("too_many_files")
    kept = [(kind, store.put(file.stream)) for kind, file in given]
    return [Evidence(kind, file.media_type, file.size, file.sha256) for kind, file in kept]


def _wrong(form: str, code: str, status: int) -> Wrong:
    written = {} if status == 413 else {name: request.form.get(name, "") for name in ("words", "reason", "due")}
    return Wrong(form=form, code=code, status=status, written=written)


def _check_submission(db: Db, id: str) -> None:
    region = tasks.region_of_submission(db, id)
    if region is None or not visitor.sees(region.id):
        raise NotFound


def _zone_of(db: Db, part_id: str) -> ZoneInfo:
    region = tasks.region_of_part(db, part_id)
    if region is None or not visitor.sees(region.id):
        raise NotFound
    return ZoneInfo(region.zone)


def local_instant(text: str, zone: ZoneInfo) -> datetime:
    """Read what a browser's field for date and time says by the clock of a place; raises Incomplete."""
    if not text:
        raise Incomplete("no_instant", "Say at what time.")
    try:
        given = datetime.fromisoformat(text)
        there = given.replace(tzinfo=zone)
        instant = there.astimezone(UTC)
        # In the hour that spring leaves out there is no such time on that clock.
        exists = given.tzinfo is None and instant.astimezone(zone).replace(tzinfo=None) == given
    except (ValueError, OverflowError):
        exists, instant = False, datetime.max.replace(tzinfo=UTC)
    if not exists:
        raise Incomplete("wrong_instant", "There is no such time on the clock there.")
    return instant


def chosen_region(listed: Iterable[RegionRow]) -> str | None:
    """Return the region that was asked for; None for all of them."""
    wish = request.args.get("region")
    if wish and wish not in {row.id for row in listed}:
        raise NotFound
    return wish or None


def names(db: Db, found: Iterable[TaskView]) -> dict[str, PersonRow]:
    """Return the people of these tasks."""
    return people_by_id(db, {person for view in found for person in view.people})


def frame_of_staff(db: Db) -> dict[str, Any]:
    """Return what stands around a page for staff."""
    account = visitor.account()
    counts = {"tasks": tasks.count_waiting(db, account.regions), "review": count_reviews(db, account.regions)}
    return {"account": account, "counts": counts, "may_decide": account.role in visitor.DECIDE}


def frame_of_learner(db: Db, learner: PersonRow) -> dict[str, Any]:
    """Return what stands around a learner's page."""
    return {"learner": learner, "unread": count_unread(db, learner.id)}


def page(template: str, *, wrong: Wrong | None = None, **values: Any) -> Response:
    """Make a page; what was wrong decides its status."""
    done = request.args.get("done")
    values |= {"wrong": wrong, "done": done if done in DONE and not wrong else None}
    if values.get("learner"):
        values["form_token"] = browser.form_token(g.learner_token)
    rendered = render_template(template, **values, **visitor.words(browser.language()))
    return make_response(rendered, wrong.status if wrong else 200)
