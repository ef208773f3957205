"""Reads the body of a request as strict JSON: one object, each name once, every type as promised."""

import json
from typing import Any, NoReturn, Self

from flask import Blueprint, request
from pydantic import BaseModel, ConfigDict

from gateway.problem import Refusal

WITH_BODY = ("PATCH", "POST", "PUT")


class Body(BaseModel):
    """What a request carries.

    flask-openapi3 gives its models what Flask has made of a body; the bytes themselves say more, so they are read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Read the request; `obj` has lost what JSON alone knows, such as whether a date was text."""
        return cls.model_validate_json(b"")

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read the request; JSON within a JSON text is not read."""
        data = request.get_data()
        if not data:
            raise Refusal("body-wrong", "Send a JSON object; the OpenAPI document says what is expected.")
        return super().model_validate_json(data, strict=True)


def strict(api: Blueprint) -> None:
    """Refuse bodies that are no strict JSON, and parameters that stand there twice, before anybody looks at them."""

    @api.before_request
    def check() -> None:
        if any(len(values) > 1 for values in request.args.listvalues()):
            raise Refusal("parameter-wrong", "Send each parameter once.")
        if request.method not in WITH_BODY or not (data := request.get_data()):
            return
        if request.mimetype != "application/json":
            raise Refusal("media-wrong", "Send the body with `Content-Type: application/json`.")
        try:
            _check(data)
        except (ValueError, RecursionError) as error:
            raise Refusal("body-wrong", f"Send one JSON object in UTF-8: {_reason(error)}.") from None


def _check(data: bytes) -> None:
    read = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    if not isinstance(read, dict):
        raise ValueError("this is no object")
    # A lone surrogate cannot be stored; JSON can write one all the same.
    json.dumps(read, ensure_ascii=False).encode()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise ValueError("a name stands there twice")
    return read


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _reason(error: Exception) -> str:
    """Say what is wrong without repeating what was sent."""
    match error:
        case json.JSONDecodeError():
            return f"{error.msg} at line {error.lineno}, column {error.colno}"
        case UnicodeError():
            return "it holds what is no character"
        case RecursionError():
            return "it is nested too deeply"
    return str(error)
