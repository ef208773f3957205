"""Holds what people were told against what HR can pull and what the archives got: nothing lost, nothing changed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx2

from attendance.credit import PRESETS
from attendance.decision import Decision
from attendance.session import Session
from attendance.settlement import settle_day
from attendance.visit import Fact
from tandem.demo.company import MORNING, Company
from tandem.demo.day import DECIDED, TASK_HOURS
from tandem.demo.player import Played

PAGE = 4
"""Small, so that the cursor has to turn pages."""
HELD = ("kind", "reverses", "person", "source", "effective_date", "minutes", "credit", "unit", "rule")
"""What has to be the same in every system."""

Record = Mapping[str, Any]
Hours = tuple[str, str, int, Decimal]
"""Person, source, minutes, credit."""


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

    @property
    def reversals(self) -> int:
        """How many records were taken back."""
        return sum(record["kind"] == "reversal" for record in self.records)


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
    return sorted((green | {id for _, _, id in played.receipts}) - reported)


def different(
    played: Played, pulled: Pulled, company: Company, sessions: Iterable[Session], rules: Mapping[str, str]
) -> list[str]:
    """Return the hours that are not what the rules give for what people were told and did."""
    sittings = {session.id: session for session in sessions}
    got = Counter(_hours(record) for record in pulled.effective if record["source"] in sittings)
    wanted = Counter(_expected(played, company, sittings, rules))
    tasks = {(company.ids[who], kind): hours for (who, kind), hours in TASK_HOURS.items()}
    for record in pulled.effective:
        if record["source"] not in sittings:
            key = record["person"], record["kind"]
            tasks[key] = tasks.get(key, Decimal(0)) - Decimal(record["credit"])
    wrong = (got - wanted) + (wanted - got)
    return sorted(map(str, wrong)) + sorted(f"{key}: {hours}" for key, hours in tasks.items() if hours)


def unlike(pulled: Pulled, archives: Mapping[str, Mapping[str, Record]]) -> list[str]:
    """Return what an archive has otherwise than HR pulled it, record by record."""
    mine = {record["id"]: record for record in pulled.records}
    wrong: list[str] = []
    for name, theirs in archives.items():
        both = mine.keys() & theirs.keys()
        wrong += [f"{name} misses {id}" for id in sorted(mine.keys() - both)]
        wrong += [f"{name} has {id} too" for id in sorted(theirs.keys() - both)]
        wrong += [f"{name} differs in {id}" for id in sorted(both) if not _same(mine[id], theirs[id])]
    return wrong


def _same(one: Record, other: Record) -> bool:
    return all(one[name] == other[name] for name in HELD)


def _hours(record: Record) -> Hours:
    return record["person"], record["source"], record["minutes"], Decimal(record["credit"])


def _expected(
    played: Played, company: Company, sessions: Mapping[str, Session], rules: Mapping[str, str]
) -> Iterable[Hours]:
    presets = {session: PRESETS[name] for session, name in rules.items()}
    facts, decision = _facts(played, company), _decision(company)
    for learner in sorted(facts):
        settled = settle_day(learner, sessions.values(), facts=facts[learner], rules=presets, decisions=[decision])
        for record in settled.records:
            yield learner, record.source_id, record.minutes, record.credit


def _decision(company: Company) -> Decision:
    who, clock = DECIDED
    return Decision(id="decided", session_id=MORNING, learner_id=company.ids[who], kind="add_out", at=company.at(clock))


def _facts(played: Played, company: Company) -> dict[str, list[Fact]]:
    """Return who was told what, by learner."""
    facts: dict[str, list[Fact]] = {}
    for answer in played.greens:
        for record in answer.records:
            if record.session and record.direction and record.learner:
                fact = Fact(
                    check_in_id=str(record.id),
                    session_id=record.session,
                    direction=record.direction,
                    at=record.at,
                    stream=str(record.stream),
                    seq=record.seq or 0,
                )
                facts.setdefault(record.learner, []).append(fact)
    seen: set[str] = set()
    for call, at, id in played.receipts:
        fact = Fact(check_in_id=id, session_id=MORNING, direction="out" if call.who in seen else "in", at=at)
        facts.setdefault(company.ids[call.who], []).append(fact)
        seen.add(call.who)
    return facts
