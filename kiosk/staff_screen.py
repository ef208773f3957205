"""The staff's part of the screen: the list of names, and enrolment."""

from collections.abc import Callable
from datetime import timedelta
from math import ceil
from typing import Annotated, Any, TypeVar

from flask import Blueprint, Response, abort, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from attendance.direction import Direction
from attendance.reasons import Text
from kiosk import texts
from kiosk.faces.enrolling import Progress
from kiosk.staff_mode import Row, StaffMode

Body = TypeVar("Body", bound=BaseModel)
WHEREABOUTS = {"expected": "expected", "in": "inside", "left": "left"}


class Chosen(BaseModel):
    """Whom the member of staff checks in or out."""

    model_config = ConfigDict(frozen=True, strict=True)

    learner: str
    session: str
    direction: Direction


class Pin(BaseModel):
    """What the member of staff typed."""

    model_config = ConfigDict(frozen=True, strict=True)

    pin: Annotated[str, Field(pattern=r"^[0-9]{1,12}$")]


class Enrol(BaseModel):
    """Whose face is to be enrolled; `anyway`: staff has looked at whom it resembles."""

    model_config = ConfigDict(frozen=True, strict=True)

    learner: str
    anyway: bool = False


class Nothing(BaseModel):
    """A touch that says it all."""


def staff_pages(staff: StaffMode) -> Blueprint:
    """Build what the page asks while the list is open; nothing of it answers when it is not."""
    pages = Blueprint("staff", __name__)

    @pages.get("/staff")
    def staff_list() -> dict[str, Any]:
        left = staff.left
        if left is None:
            abort(404)
        seconds = ceil(left / timedelta(seconds=1))
        return {"left": seconds, "locked": staff.is_locked, "rows": [_row(row) for row in staff.rows()]}

    @pages.post("/staff/pin")
    def pin() -> dict[str, Any]:
        answer = staff.unlock(sent(Pin).pin)
        return {"right": answer.right, "wait": answer.wait}

    @pages.post("/staff/choice")
    def choice() -> Response:
        chosen = sent(Chosen)
        return _done(staff.choose(chosen.learner, chosen.session, chosen.direction))

    @pages.post("/staff/enrolment")
    def enrolment() -> Response:
        chosen = sent(Enrol)
        return _done(staff.enrol(chosen.learner, anyway=chosen.anyway))

    @pages.post("/staff/back")
    def back() -> Response:
        return _does(staff.stop_enrolling)

    @pages.post("/staff/end")
    def end() -> Response:
        return _does(staff.end)

    return pages


def sent(kind: type[Body]) -> Body:
    """Read what was sent; only our own page can send JSON here, because others would have to ask first."""
    if not request.is_json:
        abort(415)
    try:
        return kind.model_validate_json(request.get_data())
    except ValidationError:
        abort(400)


def shown_progress(progress: Progress, name_of: Callable[[str], str | None]) -> dict[str, Any]:
    """Say how far an enrolment is, as the page shows it."""
    others = [name_of(other) for other in progress.others]
    names = Text(
        ", ".join(name or texts.TEXTS["somebody_else"].en for name in others),
        "、".join(name or texts.TEXTS["somebody_else"].zh for name in others),
    )
    resembles = texts.TEXTS["others"]
    return {
        "learner": progress.learner_id,
        "name": progress.name,
        "good": progress.good,
        "of": progress.of,
        "count": both(texts.filled("good_frames", good=progress.good, of=progress.of)),
        "flaw": both(texts.FLAWS[progress.flaw]) if progress.flaw else None,
        "end": progress.end,
        "said": both(texts.ENDS[progress.end]) if progress.end else None,
        "others": (
            {"en": resembles.en.format(names=names.en), "zh": resembles.zh.format(names=names.zh)} if others else None
        ),
    }


def both(text: Text) -> dict[str, str]:
    """Give a text to the page, which shows one of its languages."""
    return {"en": text.en, "zh": text.zh}


def _row(row: Row) -> dict[str, Any]:
    one = row.listed
    return {
        "learner": one.learner_id,
        "name": one.name,
        "role": both(texts.role(one.role)),
        "session": one.session_id,
        "title": {"en": one.title or one.title_zh, "zh": one.title_zh or one.title},
        "whereabouts": both(texts.TEXTS[WHEREABOUTS[one.whereabouts]]),
        "inside": one.whereabouts == "in",
        "enrol": both(texts.TEXTS["enrol_again" if row.enrolled else "enrol"]) if row.may_enrol else None,
    }


def _does(act: Callable[[], None]) -> Response:
    sent(Nothing)
    act()
    return Response(status=204)


def _done(done: bool) -> Response:
    if not done:
        abort(409)
    return Response(status=204)
