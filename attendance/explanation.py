"""An explanation holds what a result was worked out from, and how."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from attendance.credit import CreditRule
from attendance.presence import Fact, Presence
from attendance.reasons import Language
from attendance.session import Session
from attendance.step import Step
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
            "inputs": {**_window(self.session), "facts": [_fact(fact) for fact in self.presence.facts]},
            "rule": _rule(self.rule),
            "steps": [_step(step) for step in (*self.presence.steps, *self.credit_steps)],
            "outcome": {
                "minutes": self.presence.minutes,
                "scheduled_minutes": self.session.net_minutes,
                "credit": _plain(self.credit),
                "unit": self.rule.unit,
                "review": list(self.presence.review),
            },
        }

    def sentence(self, language: Language) -> str:
        return sentence(self.to_json(), language)


def _window(session: Session) -> dict[str, Any]:
    return {
        "session": session.id,
        "starts_at": _plain(session.starts_at),
        "ends_at": _plain(session.ends_at),
        "zone": session.zone,
        "breaks": [[_plain(pause.starts_at), _plain(pause.ends_at)] for pause in session.breaks],
        "grace_seconds": int(session.grace.total_seconds()),
        "missing_out": session.missing_out,
    }


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "check_in": fact.check_in_id,
        "direction": fact.direction,
        "at": _plain(fact.at),
        "uncertain": fact.uncertain,
    }


def _rule(rule: CreditRule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "version": rule.version,
        "unit": rule.unit,
        "unit_minutes": rule.unit_minutes,
        "step": _plain(rule.step),
        "rounding": rule.rounding,
        "first_unit_whole": rule.first_unit_whole,
        "min_presence_percent": _plain(rule.min_presence_percent),
        "basis": rule.basis,
        "tiers": [{"from_minutes": tier.from_minutes, "units": _plain(tier.units)} for tier in rule.tiers],
        "daily_cap": _plain(rule.daily_cap),
        "effective_from": _plain(rule.effective_from),
    }


def _step(step: Step) -> dict[str, Any]:
    return {"step": step.name, **{name: _plain(value) for name, value in step.values}}


def _plain(value: object) -> Any:
    match value:
        case Decimal():
            return str(value)
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
    return value
