"""HR reads back what learning systems have reported."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger import pairs
from ledger.tables import ScoreRow
from tests.gateway.api_cast import Hr, refused
from tests.gateway.cast import NINE


def test_a_score_is_told(hr: Hr) -> None:
    assert hr.get("scores", number="1001").get_json()["scores"] == [
        {
            "person": "ann", "personnel_number": "1001", "course": "order-entry", "kind": "test",
            "at": "2026-11-20T01:00:00.000Z", "points": "72.5",
        }
    ]  # fmt: skip


def test_progress_is_told(hr: Hr) -> None:
    assert hr.get("progress", program="west").get_json()["progress"] == [
        {
            "person": "dora", "personnel_number": "2001", "program": "west", "at": "2026-11-20T01:00:00.000Z",
            "percent": "40",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_facts_come_page_by_page(hr_on_both: Hr, limit: int) -> None:
    with hr_on_both.gateway.ledger.begin() as db:
        for n in (1, 2, 3):
            told: dict[str, Any] = {"person_id": "bo", "course_id": "order-entry", "at": NINE + timedelta(hours=n)}
            db.add(ScoreRow(**told, kind="satisfaction", points=Decimal(n)))
            pairs.report_progress(db, "bo", "sales", Decimal(n), at=NINE - timedelta(minutes=n), now=NINE)

    scores = hr_on_both.everything("scores", "scores", limit=limit)
    progress = hr_on_both.everything("progress", "progress", limit=limit)

    assert [(score["person"], score["points"]) for score in scores] == [
        ("ann", "72.5"), ("bo", "1"), ("bo", "2"), ("bo", "3"), ("bo", "90"), ("dora", "40"),
    ]  # fmt: skip
    assert [(one["person"], one["percent"]) for one in progress] == [
        ("ann", "72.5"), ("bo", "3"), ("bo", "2"), ("bo", "1"), ("bo", "90"), ("dora", "40"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"region": "west"}, ["dora"]),
        ({"course": "order-entry", "kind": "test"}, ["ann", "bo", "dora"]),
        ({"kind": "satisfaction"}, []),
        ({"number": "nobody"}, []),
    ],
    ids=["region", "course", "kind", "nobody"],
)
def test_scores_are_found(hr: Hr, query: dict[str, str], expected: list[str]) -> None:
    assert [score["person"] for score in hr.everything("scores", "scores", limit=2, **query)] == expected


@pytest.mark.parametrize(
    "after",
    [
        "bo",
        "[]",
        '["a","b","c"]',
        '["a","b","c","now"]',
        '["a","b","c","2026-11-20T01:00:00"]',
        '["a","b","c","0001-01-01T00:00:00+14:00"]',
        '["a\\u0000","b","c","2026-11-20T01:00:00+00:00"]',
        '["a\\ud800","b","c","2026-11-20T01:00:00+00:00"]',
        '["a","b","c",4]',
        "[" * 390,
        '{"a":1,"b":2,"c":3,"d":4}',
    ],
)
@pytest.mark.parametrize("path", ["scores", "progress"])
def test_a_place_that_we_did_not_name_is_refused(hr: Hr, path: str, after: str) -> None:
    assert refused(hr.get(path, after=after)) == (422, "value-wrong")


def test_facts_about_people_of_other_regions_are_not_told(hr: Hr) -> None:
    west = Hr(hr.gateway, regions=["west"])

    assert [score["person"] for score in west.everything("scores", "scores", limit=1)] == ["dora"]
    assert [one["person"] for one in west.everything("progress", "progress", limit=1)] == ["dora"]
    assert west.everything("scores", "scores", limit=1, number="1001") == []
