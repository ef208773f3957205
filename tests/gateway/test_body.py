"""A body is one object of strict JSON, or it is refused before anybody looks into it."""

import pytest

from gateway.web import MOST_BYTES
from tests.gateway.api_cast import Hr, refused

PATH = "/api/v1/courses/packing"
JSON = {"Content-Type": "application/json"}
GOOD = '"title": "Packing", "title_zh": "包装"'


def put(hr: Hr, data: str | bytes, **headers: str) -> tuple[int, str]:
    """Send bytes as they are."""
    return refused(hr.browser.put(PATH, data=data, headers=hr.key | (headers or JSON)))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(b"", "JSON object", id="nothing"),
        pytest.param(b"{", "line 1", id="the beginning"),
        pytest.param(b"null", "no object", id="null"),
        pytest.param(b"[]", "no object", id="a list"),
        pytest.param(b'"{\\"title\\": 1}"', "no object", id="JSON in JSON"),
        pytest.param(f"{{{GOOD}}} {{}}".encode(), "line 1", id="two objects"),
        pytest.param(f"{{{GOOD}, {GOOD}}}".encode(), "twice", id="each name twice"),
        pytest.param(f'{{{GOOD}, "x": {{"a": 1, "a": 2}}}}'.encode(), "twice", id="a name twice further down"),
        pytest.param(f'{{{GOOD}, "x": NaN}}'.encode(), "no number", id="NaN"),
        pytest.param(f'{{{GOOD}, "x": -Infinity}}'.encode(), "no number", id="infinity"),
        pytest.param(b'{"title": "\\ud800", "title_zh": "x"}', "no character", id="half a character"),
        pytest.param(f"{{{GOOD}}}".encode("utf-16"), "no character", id="UTF-16"),
        pytest.param(b'{"title": "\xff", "title_zh": "x"}', "no character", id="Latin-1"),
        pytest.param(b"\xef\xbb\xbf{}", "BOM", id="a byte order mark"),
        pytest.param(b"[" * 60_000, "deeply", id="deep lists"),
        pytest.param(b'{"a":' * 12_000, "deeply", id="deep objects"),
        pytest.param(b'{"x": ' + b"9" * 5000 + b"}", "", id="a number of 5000 digits"),
    ],
)
def test_what_is_no_strict_json_is_refused(hr: Hr, data: bytes, why: str) -> None:
    answer = hr.browser.put(PATH, data=data, headers=hr.key | JSON)

    assert refused(answer) == (400, "body-wrong")
    assert why in answer.get_json()["detail"]


@pytest.mark.parametrize("type", ["text/plain", "application/x-www-form-urlencoded", "application/json-seq", ""])
def test_another_kind_of_body_is_refused(hr: Hr, type: str) -> None:
    assert put(hr, f"{{{GOOD}}}", **{"Content-Type": type}) == (415, "media-wrong")


def test_a_body_that_is_too_long_is_refused(hr: Hr) -> None:
    data = b'{"title": "' + b"x" * MOST_BYTES + b'"}'

    answer = hr.browser.put(PATH, data=data, headers=hr.key | JSON)

    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"


def test_a_body_that_nobody_asked_for_is_not_looked_at(hr: Hr) -> None:
    answer = hr.browser.get("/api/v1/courses", data=b"hello", headers=hr.key)

    assert answer.status_code == 200


def test_a_charset_may_be_named(hr: Hr) -> None:
    answer = hr.browser.put(
        PATH, data=f"{{{GOOD}}}".encode(), headers=hr.key | {"Content-Type": "application/json; charset=utf-8"}
    )

    assert answer.status_code == 201


def test_who_has_no_key_is_not_told_what_is_wrong_with_the_body(hr: Hr) -> None:
    answer = hr.browser.put(PATH, data=b"{", headers=JSON)

    assert refused(answer) == (401, "key-missing")


def test_what_was_sent_is_not_repeated(hr: Hr) -> None:
    answer = hr.put("courses/packing", title="Ann's secret\u0000", title_zh="x", secret="also secret")

    assert refused(answer) == (422, "parameter-wrong")
    assert "also secret" not in answer.text
    assert "Ann's" not in answer.text
