"""The gateway's web application: HR's API, the devices' API and the pages, under one set of rules."""

from importlib.resources import files
from pathlib import Path

from flask import Response, jsonify, render_template, request, send_from_directory
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from gateway import figures, problem
from gateway.account_pages import account_pages
from gateway.archive import archive_pages
from gateway.badge_pages import badge_pages
from gateway.badges_api import badges_api
from gateway.bulk_api import bulk_api
from gateway.clock import Clock
from gateway.corrections import correction_pages
from gateway.corrections_api import corrections_api
from gateway.courses_api import courses_api
from gateway.device_api import device_api
from gateway.device_pages import device_pages
from gateway.devices_api import devices_api
from gateway.facts_api import facts_api
from gateway.hour_files import hour_files
from gateway.hr_api import hr_api
from gateway.import_api import import_api, import_state_api
from gateway.import_desk import Desk
from gateway.import_pages import import_pages
from gateway.inbox import inbox_pages
from gateway.keys import Keys
from gateway.pages import error_page, pages
from gateway.pairs_api import pairs_api
from gateway.people_api import people_api
from gateway.phone import Phone
from gateway.places_api import places_api
from gateway.presence_pages import presence_pages
from gateway.problem import Problem, Refusal
from gateway.programs_api import programs_api
from gateway.report_pages import report_pages
from gateway.reports_api import reports_api
from gateway.rights import guard
from gateway.rules_api import rules_api
from gateway.session_page import session_page
from gateway.sessions_api import sessions_api
from gateway.settings import GatewaySettings
from gateway.sums_api import sums_api
from gateway.tasks import task_pages
from gateway.things import join
from ledger.database import Ledger
from ledger.refusals import NotPossible

MOST_BYTES = 64 * 1024
"""No request of ours is larger, but for the files of joint tasks, whose route says so."""
FOR_PROGRAMS = ("/api/", "/device/")
DESK = "imports"
"""Where the application keeps what reads files: stop it before the ledger is closed."""

CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
# Swagger UI writes style elements; scripts stay as strict as everywhere.
CSP_TRY = CSP | {"style-src": "'self' 'unsafe-inline'"}
# A file that a learner handed in: whatever it is, it may do nothing here.
CSP_FILE = {"default-src": "'none'", "sandbox": ""}
POLICIES = {"try_it": CSP_TRY, "tasks.file": CSP_FILE}

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def create_app(ledger: Ledger, keys: Keys, settings: GatewaySettings, clock: Clock) -> OpenAPI:
    """Put the application together; it keeps no state but the counters of failed tries."""
    app = OpenAPI(
        __name__,
        info=Info(
            title="Tandem",
            version="1",
            description="Hour records of corporate training. Read the feed by cursor; a record never changes.",
        ),
        security_schemes={"key": {"type": "http", "scheme": "bearer", "description": "An API key, `tdm_…`."}},
        responses=problem.documented(422),
        validation_error_model=Problem,
        validation_error_callback=_invalid,
        doc_ui=False,
    )
    app.config.update(MAX_CONTENT_LENGTH=MOST_BYTES, MAX_FORM_PARTS=20)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the standard provider has it
    if settings.behind_proxy:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.register_api(hr_api(ledger, keys, clock))
    join(app, sums_api(ledger, clock))
    join(app, hour_files(ledger, clock))
    join(app, people_api(ledger, clock))
    join(app, badges_api(ledger, keys, clock))
    join(app, places_api(ledger, clock))
    join(app, courses_api(ledger, clock))
    join(app, sessions_api(ledger, clock))
    join(app, rules_api(ledger, clock))
    join(app, programs_api(ledger, clock))
    join(app, pairs_api(ledger, clock))
    join(app, facts_api(ledger, clock))
    join(app, corrections_api(ledger, clock))
    desk = app.extensions[DESK] = Desk(ledger, clock)
    join(app, bulk_api(ledger, clock))
    join(app, import_api(ledger, desk, clock))
    join(app, import_state_api(ledger, desk, clock))
    join(app, reports_api(ledger, clock))
    join(app, devices_api(ledger, clock))
    app.register_blueprint(device_api(ledger, keys, settings, clock))
    app.register_blueprint(pages(ledger, settings, clock))
    app.register_blueprint(Phone(ledger, keys, settings, clock).blueprint())
    app.register_blueprint(presence_pages(ledger, settings, clock))
    app.register_blueprint(session_page(ledger, keys, settings, clock))
    app.register_blueprint(task_pages(ledger, settings, clock))
    app.register_blueprint(inbox_pages(ledger, settings, clock))
    app.register_blueprint(correction_pages(ledger, settings, clock))
    app.register_blueprint(archive_pages(ledger, settings, clock))
    app.register_blueprint(account_pages(ledger, settings, clock))
    app.register_blueprint(badge_pages(ledger, keys, settings, clock))
    app.register_blueprint(device_pages(ledger, settings, clock))
    app.register_blueprint(import_pages(ledger, desk, settings, clock))
    app.register_blueprint(report_pages(ledger, settings, clock))
    _document(app)
    _tell_health(app, ledger)
    guard(app, ledger, settings, clock)
    _say_no(app)
    _harden(app, settings)
    return app


def _invalid(error: ValidationError) -> Response:
    return problem.of_validation(error)


def _document(app: OpenAPI) -> None:
    swagger = Path(str(files("flask_openapi3_swagger"))) / "templates" / "swagger"

    @app.route("/api/openapi.json")
    def openapi() -> Response:
        return jsonify(app.api_doc)

    @app.route("/api/")
    def try_it() -> str:
        return render_template("try.html")

    @app.route("/api/swagger/<path:name>")
    def swagger_file(name: str) -> Response:
        return send_from_directory(swagger, name)


def _tell_health(app: OpenAPI, ledger: Ledger) -> None:
    @app.route("/health")
    def health() -> tuple[Response, int]:
        body, status = figures.health([figures.check_database(ledger)])
        return jsonify(body), status


def _say_no(app: OpenAPI) -> None:
    @app.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return refusal.answer()

    @app.errorhandler(NotPossible)
    def impossible(error: NotPossible) -> Response:
        return problem.of_impossible(error)

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Response:
        return problem.of_http(error) if f"{request.path}/".startswith(FOR_PROGRAMS) else error_page(error)


def _harden(app: OpenAPI, settings: GatewaySettings) -> None:
    @app.after_request
    def harden(response: Response) -> Response:
        policy = POLICIES.get(request.endpoint or "", CSP)
        response.headers["Content-Security-Policy"] = "; ".join(
            f"{name} {value}".strip() for name, value in policy.items()
        )
        response.headers.update(HEADERS)
        if settings.secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response
