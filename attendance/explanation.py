"""An explanation holds what a result was worked out from, and how."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from attendance.credit import CreditRule
from attendance.decision import Decision
from attendance.presence import Fact, Presence
from attendance.presence_check import Asked
from attendance.reasons import Language
from attendance.session import Session
from attendance.step import Step, plain
from attendance.wording import sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything is kept as the value it was; only who asks for the JSON or the sentence pays for making it."""

    session: Session
    rule: CreditRule
    presence: Presence
    credit: Decimal | None  # None while it is on review
    credit_steps: tuple[Step, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give inputs, rule, steps and outcome as plain values, always in the same order."""
        return {
            "inputs": {**_window(self.session), **_known(self.presence)},
            "rule": _rule(self.rule),
            "steps": [step.to_json() for step in (*self.presence.steps, *self.credit_steps)],
            "outcome": {
                "minutes": self.presence.minutes,
                "scheduled_minutes": self.session.net_minutes,
                "credit": plain(self.credit),
                "unit": self.rule.unit,
                "review": list(self.presence.review),
            },
        }

    def sentence(self, language: Language) -> str:
        return sentence(self.to_json(), language)


def _window(session: Session) -> dict[str, Any]:
    return {
        "session": session.id,
        "starts_at": plain(session.starts_at),
        "ends_at": plain(session.ends_at),
        "zone": session.zone,
        "breaks": [[plain(pause.starts_at), plain(pause.ends_at)] for pause in session.breaks],
        "grace_seconds": int(session.grace.total_seconds()),
        "missing_out": session.missing_out,
    }


def _known(presence: Presence) -> dict[str, Any]:
    """Tell facts; decisions and presence checks only where there are any, so that old explanations stay as they are."""
    known: dict[str, Any] = {"facts": [_fact(fact, presence.voided) for fact in presence.facts]}
    if presence.decisions:
        known["decisions"] = [_decision(decision) for decision in presence.decisions]
    return {**known, **_asked(presence.asked)} if presence.asked.checks else known


def _fact(fact: Fact, voided: frozenset[str]) -> dict[str, Any]:
    told = {
        "check_in": fact.check_in_id,
        "direction": fact.direction,
        "at": plain(fact.at),
        "uncertain": fact.uncertain,
    }
    return {**told, "voided": True} if fact.check_in_id in voided else told


def _decision(decision: Decision) -> dict[str, Any]:
    return {"decision": decision.id, "kind": decision.kind, "at": plain(decision.at)}


def _asked(asked: Asked) -> dict[str, Any]:
    return {
        "presence_checks": [
            {"check": check.id, "asked_at": plain(check.asked_at), "answer_until": plain(check.answer_until)}
            for check in asked.checks
        ],
        "presence_answers": [{"check": answer.check_id, "at": plain(answer.at)} for answer in asked.answers],
    }


def _rule(rule: CreditRule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "version": rule.version,
        "unit": rule.unit,
        "unit_minutes": rule.unit_minutes,
        "step": plain(rule.step),
        "rounding": rule.rounding,
        "first_unit_whole": rule.first_unit_whole,
        "min_presence_percent": plain(rule.min_presence_percent),
        "basis": rule.basis,
        "tiers": [{"from_minutes": tier.from_minutes, "units": plain(tier.units)} for tier in rule.tiers],
        "daily_cap": plain(rule.daily_cap),
        "effective_from": plain(rule.effective_from),
    }
