"""Signed HTTP between a device and the gateway: the request by the device's key, the answer by the gateway's.

The answer's signature covers the request's own signature too, so an old answer never passes for a new one.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from nacl.signing import SigningKey, VerifyKey

from protocol import signing
from protocol.signing import BadSignature

DEVICE = "Tandem-Device"
TIME = "Tandem-Time"
SIGNATURE = "Tandem-Signature"
FRESH = timedelta(minutes=5)


def sign_request(method: str, path: str, body: bytes, *, device: str, at: datetime, key: SigningKey) -> dict[str, str]:
    """Return the headers that make a request the device's own; `path` includes the query."""
    time = at.astimezone(UTC).isoformat(timespec="microseconds")
    signature = signing.sign("request", _request(method, path, device, time, body), key)
    return {DEVICE: device, TIME: time, SIGNATURE: signing.to_base64(signature)}


def check_request(
    method: str, path: str, body: bytes, headers: Mapping[str, str], *, now: datetime, key: VerifyKey
) -> None:
    """Raise BadSignature unless the device of these headers sent this, within FRESH of now."""
    time, device = headers.get(TIME, ""), headers.get(DEVICE, "")
    signature = signing.from_base64(headers.get(SIGNATURE, ""))
    signing.verify("request", _request(method, path, device, time, body), signature, key)
    if abs(now - _instant(time)) > FRESH:
        raise BadSignature("the request's time is more than five minutes off: check the kiosk's clock")


def sign_answer(body: bytes, request_headers: Mapping[str, str], key: SigningKey) -> str:
    """Return the signature of an answer to one request."""
    return signing.to_base64(signing.sign("answer", _answer(body, request_headers), key))


def check_answer(body: bytes, signature: str, request_headers: Mapping[str, str], key: VerifyKey) -> None:
    """Raise BadSignature unless the gateway gave this answer to this request."""
    signing.verify("answer", _answer(body, request_headers), signing.from_base64(signature), key)


def _instant(time: str) -> datetime:
    try:
        return datetime.fromisoformat(time).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadSignature("the request's time is not an instant") from None


def _request(method: str, path: str, device: str, time: str, body: bytes) -> bytes:
    return "\n".join([method, path, device, time, ""]).encode() + body


def _answer(body: bytes, request_headers: Mapping[str, str]) -> bytes:
    return request_headers.get(SIGNATURE, "").encode() + b"\n" + body
