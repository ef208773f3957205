"""Holds what people were told at the door against what HR can pull: nothing lost, nothing else, nothing changed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx2

from attendance.credit import PRESETS
from attendance.presence import Fact
from attendance.session import Session
from attendance.settlement import settle_day
from kiosk.desk import Answer
from tandem.demo.player import Played

PAGE = 4
"""Small, so that the cursor has to turn pages."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What an HR system has after reading everything."""

    records: list[dict[str, Any]]
    reviews: list[dict[str, Any]]

    @property
    def effective(self) -> list[dict[str, Any]]:
        """The records that no reversal has taken back."""
        gone = {record["reverses"] for record in self.records}
        return [record for record in self.records if record["kind"] != "reversal" and record["id"] not in gone]


def pull(url: str, key: str) -> Pulled:
    """Read the feed page by page, then each record with its explanation, as an HR system does."""
    with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=10) as client:
        listed = [record for page in _pages(client) for record in page["records"]]
        records = [_get(client, f"/api/v1/hour-records/{record['id']}", {}) for record in listed]
        return Pulled(records, _get(client, "/api/v1/reviews", {})["reviews"])


def _pages(client: httpx2.Client) -> Iterable[dict[str, Any]]:
    query: dict[str, Any] = {"limit": PAGE}
    while True:
        page = _get(client, "/api/v1/hour-records", query)
        yield page
        if not page["has_more"]:
            return
        query["cursor"] = page["next_cursor"]


def _get(client: httpx2.Client, path: str, query: dict[str, Any]) -> dict[str, Any]:
    response = client.get(path, params=query)
    response.raise_for_status()
    answer: dict[str, Any] = response.json()
    return answer


def lost(played: Played, pulled: Pulled) -> list[str]:
    """Return the check-ins that turned green and that HR can neither pull nor find under review."""
    reported = {id for entry in (*pulled.effective, *pulled.reviews) for id in entry["check_ins"]}
    green = {str(record.id) for answer in played.greens for record in answer.records}
    return sorted(green - reported)


def different(played: Played, pulled: Pulled, sessions: Iterable[Session], rules: dict[str, str]) -> list[str]:
    """Return the hours that are not what the rules give for what people were told; `rules` names one per session."""
    got = Counter(
        (record["person"], record["source"], record["minutes"], Decimal(record["credit"]))
        for record in pulled.effective
    )
    wanted = Counter(_expected(played.greens, list(sessions), rules))
    return sorted(str(hours) for hours in ((got - wanted) + (wanted - got)))


def _expected(
    greens: list[Answer], sessions: list[Session], rules: dict[str, str]
) -> Iterable[tuple[str, str, int, Decimal]]:
    presets = {session: PRESETS[name] for session, name in rules.items()}
    for learner in sorted({str(answer.learner_id) for answer in greens}):
        facts = [fact for answer in greens if answer.learner_id == learner for fact in _facts(answer)]
        for record in settle_day(learner, sessions, facts=facts, rules=presets).records:
            yield learner, record.source_id, record.minutes, record.credit


def _facts(answer: Answer) -> Iterable[Fact]:
    for record in answer.records:
        if record.session and record.direction:
            yield Fact(
                check_in_id=str(record.id), session_id=record.session, direction=record.direction, at=record.at,
                stream=str(record.stream), seq=record.seq,
            )  # fmt: skip
