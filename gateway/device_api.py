"""What devices ask over HTTP: to be registered, their standing, their roster; signed both ways."""

from datetime import datetime

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session as Db

from gateway import badges, devices
from gateway.clock import Clock
from gateway.devices import NotRegistered
from gateway.face_boxes_api import add_face_box_routes
from gateway.keys import Keys
from gateway.learners import Door, NotSignedIn
from gateway.limits import Limit
from gateway.problem import Refusal
from gateway.settings import GatewaySettings
from ledger.database import Ledger
from ledger.tables import DeviceRow
from protocol import requests, signing
from protocol.registration import Application, verify_key
from protocol.roster import StaffPin, StaffPinAnswer
from protocol.signing import BadSignature, Unreadable
from protocol.wire import Wire

PER_ADDRESS = 20
"""Wrong registrations from one address within a quarter of an hour."""


def device_api(ledger: Ledger, keys: Keys, settings: GatewaySettings, clock: Clock) -> Blueprint:
    """Build the routes under /device/v1."""
    api = Blueprint("device", __name__, url_prefix="/device/v1")
    limit, door = Limit(most=PER_ADDRESS), Door()

    @api.post("/registrations")
    def register() -> Response:
        now, address = clock(), request.remote_addr or ""
        if seconds := limit.wait(address, now):
            raise Refusal("too-many-tries", f"Wait {seconds} seconds.", {"Retry-After": str(seconds)})
        try:
            application = _application()
            # Outside of the block a refusal is an exception, and wrong tries would not be counted.
            with ledger.begin() as db:
                answer = devices.register(db, application, keys, now=now)
            if isinstance(answer, NotRegistered):
                raise Refusal(answer.reason, answer.detail)
        except Refusal:
            limit.failed(address, now)
            raise
        return _said(answer, 201)

    @api.get("/standing")
    def standing() -> Response:
        with ledger.begin() as db:
            return _said(devices.standing(db, _device(db, clock()), settings))

    @api.get("/roster")
    def roster() -> Response:
        now = clock()
        with ledger.read() as db:
            device = _confirmed_device(db, now)
            found = devices.roster(db, device, keys, now=now, staff_pin=settings.staff_pin)
        return Response(status=204) if request.args.get("have") == found.version else _said(found)

    @api.post("/staff-pin")
    def staff_pin() -> Response:
        now = clock()
        with ledger.read() as db:
            device = _device(db, now)
            asked = _read_pin()
            number = badges.staff_number(db, asked.badge, now=now)
        # Counted by person and kiosk; a badge of nobody is compared too, so that the answer takes as long.
        found = door.check(ledger, number or "", asked.pin, address=device.id, now=now)
        if isinstance(found, NotSignedIn):
            return _said(StaffPinAnswer(right=False, wait=found.wait))
        return _said(StaffPinAnswer(right=True))

    add_face_box_routes(api, ledger, clock, _confirmed_device)

    @api.after_request
    def sign(response: Response) -> Response:
        # Refusals too: a kiosk forgets everything when it is revoked, so nobody else may be able to say that.
        body = response.get_data()
        response.headers[requests.SIGNATURE] = requests.sign_answer(body, _headers(), keys.gateway)
        response.headers["Cache-Control"] = "no-store"
        return response

    return api


def _application() -> Application:
    body = request.get_data()
    try:
        application = Application.read(body)
        signature = signing.from_base64(request.headers.get(requests.SIGNATURE, ""))
        signing.verify("registration", body, signature, verify_key(application.signing_key))
    except BadSignature as error:
        raise Refusal("signature-wrong", f"{error}. The application is signed with the key that it names.") from None
    except Unreadable as error:
        raise Refusal("message-unreadable", str(error)) from None
    if not application.name.isprintable():
        raise Refusal("message-unreadable", "name holds characters that nobody can see")
    if not devices.can_be_sealed_to(application.sealing_key):
        raise Refusal("message-unreadable", "sealing_key is not a key of Curve25519")
    return application


def _read_pin() -> StaffPin:
    try:
        return StaffPin.read(request.get_data())
    except Unreadable as error:
        raise Refusal("message-unreadable", str(error)) from None


def _device(db: Db, now: datetime) -> DeviceRow:
    """Return the device that signed this request; raises Refusal."""
    device = db.get(DeviceRow, request.headers.get(requests.DEVICE, ""))
    if device is None:
        raise Refusal("device-unknown", "Register it: `tandem kiosk register`.")
    query = request.query_string.decode("ascii", "replace")
    path = f"{request.path}?{query}" if query else request.path
    try:
        requests.check_request(
            request.method, path, request.get_data(), _headers(), now=now, key=verify_key(device.signing_key)
        )
    except BadSignature as error:
        # A device may sign a time that is none; that is no better than a wrong signature.
        raise Refusal("signature-wrong", f"{error}.") from None
    if device.revoked_at is not None:
        raise Refusal("device-revoked", "Register it again if it is to come back.")
    return device


def _confirmed_device(db: Db, now: datetime) -> DeviceRow:
    """Return the device that signed this request, if an admin has taken it in; raises Refusal."""
    device = _device(db, now)
    if device.confirmed_at is None:
        raise Refusal("device-unconfirmed", "Run `tandem gateway device confirm`.")
    return device


def _headers() -> dict[str, str]:
    return dict(request.headers)


def _said(message: Wire, status: int = 200) -> Response:
    return Response(message.line(), status=status, content_type="application/json")
