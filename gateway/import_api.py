"""Files that programs hand in: checked first, and brought in when the program says so."""

from typing import IO, Any, Literal

from flask import Response, g, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.request_body import RequestBody
from pydantic import BaseModel, Field
from werkzeug.exceptions import RequestEntityTooLarge, ServiceUnavailable, UnsupportedMediaType

from gateway import api_keys, import_texts
from gateway.api import SECURITY, Instant, keyed, said
from gateway.api_keys import Scope
from gateway.bulk_api import IMPORTS, SUMMARIES
from gateway.clock import Clock
from gateway.evidence import XLSX
from gateway.import_desk import Desk, Full, TooLarge
from gateway.import_forms import KINDS, Kind
from gateway.import_limits import MOST_BYTES
from gateway.import_reading import cleared
from gateway.problem import Refusal, documented
from gateway.reach import actor, client
from gateway.things import IdPath
from ledger import imports
from ledger.database import Ledger
from ledger.import_tables import ImportRow

FORM = "multipart/form-data"
TABLES = ("text/csv", XLSX, "application/octet-stream")
AROUND = 64 * 1024
"""What a form may have around its file."""
SCOPES: dict[str, Scope] = {f"import_api.{kind.name}": kind.scope for kind in KINDS.values()}

State = Literal["reading", "broken_off", "wrong", "ready", "landed", "dropped"]


class Told(BaseModel):
    """What is wrong and what to do, in both languages."""

    en: str
    zh: str


class FileError(BaseModel):
    """Something that has to be corrected."""

    line: int = Field(description="As a spreadsheet counts them: the headings are line 1. 0: the file as a whole.")
    column: str = Field(description="Its heading in the file; empty: the line as a whole.")
    code: str
    text: Told


class Import(BaseModel):
    """A file, from when it was handed in until it has been brought in or dropped."""

    id: str
    kind: str
    state: State = Field(
        description="`reading`, then `wrong` or `ready`, then `landed` or `dropped`; `broken_off` when a restart came "
        "in between. What is `ready` waits for a day."
    )
    size: int = Field(description="Bytes of the file.")
    done: int = Field(description="How many of them have been read.")
    rows: int = Field(description="People, sessions and so on that were read; a line may give several.")
    wrong: int = Field(description="How many errors there are; nothing comes in if there are any.")
    errors: list[FileError] = Field(description="The first 200 of them; they are kept for a day.")
    added: int | None = Field(description="Before landing: what would be added.")
    changed: int | None
    made_at: Instant
    ended_at: Instant | None


def import_api(ledger: Ledger, desk: Desk, clock: Clock) -> APIBlueprint:
    """Build the routes under which programs hand files in."""
    api = _blueprint("import_api")
    keyed(api, ledger, clock, SCOPES)

    @api.url_value_preprocessor
    def allow(*_: Any) -> None:
        # Before anything reads the body.
        request.max_content_length = MOST_BYTES + AROUND

    def take(kind: Kind) -> None:
        def route() -> Response:
            try:
                import_id = desk.take(kind.name, _file(), by=actor(), regions=client().regions)
            except Full as error:
                raise ServiceUnavailable(str(error), retry_after=60) from None
            except TooLarge as error:
                raise RequestEntityTooLarge(str(error)) from None
            with ledger.read() as db:
                answer = said(told(imports.get(db, import_id), desk))
            answer.status_code = 202
            return answer

        route.__name__, route.__doc__ = kind.name, "Hand a CSV or Excel file in; nothing comes in before it has landed."
        answers = {202: Import, **documented(400, 413, 415, 503)}
        api.post(f"/imports/{kind.name}", responses=answers, summary=SUMMARIES[kind.name] + " from a file")(route)

    for kind in KINDS.values():
        take(kind)
    _document_bodies(api)
    return api


def import_state_api(ledger: Ledger, desk: Desk, clock: Clock) -> APIBlueprint:
    """Build the routes of an import that has been handed in: only the key that did it sees it."""
    api = _blueprint("import_state_api")

    @api.before_request
    def authenticate() -> None:
        with ledger.read() as db:
            g.client = api_keys.authenticate(db, request.headers.get("Authorization"), now=clock())
            row = db.get(ImportRow, (request.view_args or {}).get("id"))
        if row is None or row.made_by != actor():
            raise Refusal("not-found", "There is no import of this key's with this id.")
        api_keys.demand(g.client, KINDS[row.kind].scope)

    @api.get("/imports/<id>", responses={200: Import, **documented(404)}, summary="Look at an import")
    def look(path: IdPath) -> Response:
        """Say how far an import has come, what it would change, and what is wrong."""
        with ledger.read() as db:
            return said(told(imports.get(db, path.id), desk))

    @api.post("/imports/<id>/land", responses={200: Import, **documented(404, 409)}, summary="Let an import land")
    def land(path: IdPath) -> Response:
        """Bring in everything that was read, or nothing; twice is once."""
        with ledger.begin() as db:
            row = imports.land(db, path.id, actor=actor(), now=clock(), regions=client().regions)
        cleared(ledger, row)
        return said(told(row, desk))

    @api.delete("/imports/<id>", responses={200: Import, **documented(404, 409)}, summary="Drop an import")
    def drop(path: IdPath) -> Response:
        """Forget what was read, also while it is being read."""
        with ledger.begin() as db:
            row = imports.drop(db, path.id, actor=actor(), now=clock())
        cleared(ledger, row)
        return said(told(row, desk))

    return api


def told(row: ImportRow, desk: Desk) -> Import:
    """Tell a program of an import."""
    return Import(
        id=row.id,
        kind=row.kind,
        state="broken_off" if desk.is_lost(row) else row.state,  # type: ignore[arg-type]  # the ledger writes no other
        size=row.size,
        done=row.done,
        rows=row.rows,
        wrong=row.wrong,
        errors=[_error(*error) for error in row.errors],
        added=row.added,
        changed=row.changed,
        made_at=row.made_at,
        ended_at=row.ended_at,
    )


def _error(line: int, column: str, code: str, about: dict[str, Any]) -> FileError:
    text = Told(en=import_texts.error(code, about, "en"), zh=import_texts.error(code, about, "zh"))
    return FileError(line=line, column=column, code=code, text=text)


def _blueprint(name: str) -> APIBlueprint:
    return APIBlueprint(
        name,
        __name__,
        url_prefix="/api/v1",
        abp_tags=[IMPORTS],
        abp_security=SECURITY,
        abp_responses=documented(401, 403, 405, 422),
    )


def _file() -> IO[bytes]:
    """Return the file of a request: a part of a form, or the body itself."""
    if request.mimetype == FORM:
        if given := request.files.get("file"):
            return given.stream
        raise Refusal("body-wrong", "Send the file as the part `file` of the form.")
    if request.mimetype not in TABLES:
        raise UnsupportedMediaType(f"Send {FORM} with a part `file`, or the file itself as {', '.join(TABLES)}.")
    return request.stream


def _document_bodies(api: APIBlueprint) -> None:
    """Say what a body may be; flask-openapi3 knows of forms or bodies, not of both."""
    table = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": {"file": table}, "required": ["file"]}
    content = {FORM: {"schema": form}, **{media: {"schema": table} for media in TABLES}}
    for path in api.paths.values():
        path.post.requestBody = RequestBody.model_validate({"content": content, "required": True})
