"""How the gateway says no: problem documents (RFC 9457) to programs, sentences to operators."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from flask import Response, json
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from ledger.keeping import InUse
from ledger.refusals import Incomplete, NotAllowed, NotPossible, TooLate, Unknown

TYPE = "urn:tandem:problem:"
MEDIA = "application/problem+json"

Kind = Literal[
    "key-missing",
    "key-wrong",
    "scope-missing",
    "cursor-altered",
    "cursor-foreign",
    "cursor-stale",
    "record-unknown",
    "parameter-wrong",
    "message-unreadable",
    "code-refused",
    "stream-taken",
    "too-many-tries",
    "device-unknown",
    "device-revoked",
    "device-unconfirmed",
    "signature-wrong",
    "body-wrong",
    "media-wrong",
    "key-bound",
    "not-found",
    "not-allowed",
    "too-late",
    "in-use",
    "value-wrong",
]

# A client may switch on the type, so a kind is only ever added.
KINDS: dict[Kind, tuple[int, str]] = {
    "key-missing": (401, "An API key is needed"),
    "key-wrong": (401, "This API key is not good"),
    "scope-missing": (403, "This API key may not do that"),
    "cursor-altered": (400, "This is not a cursor of ours"),
    "cursor-foreign": (403, "This cursor belongs to another client"),
    "cursor-stale": (410, "This cursor is from before a restore"),
    "record-unknown": (404, "There is no such hour record"),
    "parameter-wrong": (422, "A parameter is wrong"),
    "message-unreadable": (400, "The message cannot be read"),
    "code-refused": (403, "This registration code is not good"),
    "stream-taken": (409, "Another device has this stream"),
    "too-many-tries": (429, "Too many tries"),
    "device-unknown": (401, "This device is not registered"),
    "device-revoked": (403, "This device has been revoked"),
    "device-unconfirmed": (403, "An admin has to confirm this device first"),
    "signature-wrong": (401, "The signature is not good"),
    "body-wrong": (400, "The body cannot be read"),
    "media-wrong": (415, "The body has to be JSON"),
    "key-bound": (403, "This API key is bound to some regions"),
    "not-found": (404, "There is no such thing"),
    "not-allowed": (403, "Somebody else may do this"),
    "too-late": (409, "Things have moved on"),
    "in-use": (409, "Something else refers to it"),
    "value-wrong": (422, "This makes no sense as it stands"),
}

REFUSED: dict[type[NotPossible], Kind] = {
    Unknown: "not-found",
    NotAllowed: "not-allowed",
    InUse: "in-use",
    TooLate: "too-late",
    Incomplete: "value-wrong",
}


class NotDone(Exception):
    """What an operator asked for cannot be done; the message says why and what to do."""


class WrongParameter(BaseModel):
    """One parameter that is wrong."""

    parameter: str
    detail: str


class Problem(BaseModel):
    """What went wrong, and what to do about it."""

    type: str = Field(description="Stable: a program may decide by it.", examples=[TYPE + "cursor-stale"])
    title: str
    status: int
    detail: str = Field(description="What to do.")
    errors: list[WrongParameter] = Field(default_factory=list, description="Which parameters are wrong, if any are.")


class Refusal(Exception):
    """A request gets a problem document for an answer."""

    def __init__(self, kind: Kind, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(kind)
        self.kind, self.detail, self.headers = kind, detail, headers or {}

    def answer(self) -> Response:
        """Make the answer."""
        status, title = KINDS[self.kind]
        return _answer(Problem(type=TYPE + self.kind, title=title, status=status, detail=self.detail), self.headers)


def documented(*statuses: int) -> dict[str | int, Any]:
    """Say in the OpenAPI document which statuses come with a problem document."""
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {
        str(status): {"description": HTTP_STATUS_CODES[status], "content": {MEDIA: {"schema": schema}}}
        for status in statuses
    }


def of_http(error: HTTPException) -> Response:
    """Turn Werkzeug's own errors into problem documents; its headers stay, such as Allow with a 405."""
    original = error.get_response()
    title = HTTP_STATUS_CODES.get(original.status_code, "Error")
    problem = Problem(type="about:blank", title=title, status=original.status_code, detail=error.description or title)
    kept = {name: value for name, value in original.headers.items() if name not in ("Content-Type", "Content-Length")}
    return _answer(problem, kept)


def of_impossible(error: NotPossible) -> Response:
    """Tell a program what the ledger has refused."""
    kind = next(kind for refusal, kind in REFUSED.items() if isinstance(error, refusal))
    return Refusal(kind, str(error)).answer()


def of_validation(error: ValidationError) -> Response:
    """Say which parameters are wrong, without repeating what they said."""
    wrong = [
        WrongParameter(parameter=".".join(map(str, entry["loc"])), detail=entry["msg"]) for entry in error.errors()
    ]
    status, title = KINDS["parameter-wrong"]
    names = ", ".join(entry.parameter for entry in wrong)
    detail = f"Correct {names}; the OpenAPI document says what is expected."
    return _answer(Problem(type=TYPE + "parameter-wrong", title=title, status=status, detail=detail, errors=wrong), {})


def of_values(wrong: Sequence[WrongParameter]) -> Response:
    """Say which values make no sense, of parameters that are all written as they should be."""
    status, title = KINDS["value-wrong"]
    detail = "Nothing has been changed: " + "; ".join(f"{one.parameter}: {one.detail}" for one in wrong[:3])
    problem = Problem(type=TYPE + "value-wrong", title=title, status=status, detail=detail, errors=list(wrong))
    return _answer(problem, {})


def _answer(problem: Problem, headers: Mapping[str, str]) -> Response:
    body = problem.model_dump(exclude={"errors"} if not problem.errors else None)
    response = Response(json.dumps(body), status=problem.status, content_type=MEDIA)
    response.headers.update({"Cache-Control": "no-store", **headers})
    return response
