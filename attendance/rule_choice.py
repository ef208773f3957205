"""Which credit rule holds for a session: by its region, its course and its local date."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import TypeVar

from attendance.credit import PRESETS, CreditRule

Known = TypeVar("Known", str, CreditRule)
Scope = tuple[str | None, str | None]  # region and course; None is any


class NoRule(LookupError):
    """No credit rule holds for a session, so its hours cannot be worked out; its message says what to enter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleUse:
    """From a day on, a rule holds for a course in a region, for a course in all regions, or for a region."""

    rule: str  # the name; which version holds is a matter of the day
    effective_from: date
    region_id: str | None = None
    course_id: str | None = None

    def __post_init__(self) -> None:
        if self.region_id is None and self.course_id is None:
            raise ValueError(f"the use of rule {self.rule} names neither a region nor a course")


@dataclass(frozen=True, slots=True)
class RuleChoice:
    """An index, made once by `rule_choice` and then asked for every session."""

    uses: Mapping[Scope, Sequence[tuple[date, str]]]
    versions: Mapping[str, Sequence[tuple[date, CreditRule]]]

    def on(self, day: date, *, region_id: str, course_id: str) -> CreditRule:
        """Give the rule for a session's local date: the closest scope first, then the latest use, then its version."""
        for scope in ((region_id, course_id), (None, course_id), (region_id, None)):
            if (uses := self.uses.get(scope)) and (name := _latest(uses, day)):
                return self._version(name, day)
        raise NoRule(
            f"No credit rule holds for course {course_id} in region {region_id} on {day}. "
            f"Choose one for the course or the region, from {day} or earlier."
        )

    def _version(self, name: str, day: date) -> CreditRule:
        versions = self.versions.get(name)
        if versions is None:
            raise NoRule(f"Credit rule {name} is in use on {day}, but nobody has entered it. Enter it, or use another.")
        rule = _latest(versions, day)
        if rule is None:
            first = versions[0][0]
            raise NoRule(f"Credit rule {name} is in use on {day}, but its first version holds only from {first} on.")
        return rule


def rule_choice(uses: Iterable[RuleUse], versions: Iterable[CreditRule] = ()) -> RuleChoice:
    """Make the index; `versions` are those beside the presets, which are always known."""
    return RuleChoice(_uses(uses), _versions([*PRESETS.values(), *versions]))


def _uses(uses: Iterable[RuleUse]) -> dict[Scope, list[tuple[date, str]]]:
    named: dict[tuple[Scope, date], str] = {}
    for use in uses:
        scope = use.region_id, use.course_id
        if named.setdefault((scope, use.effective_from), use.rule) != use.rule:
            raise ValueError(f"two rules are to hold from {use.effective_from} on for the same region and course")
    found: dict[Scope, list[tuple[date, str]]] = {}
    for (scope, since), rule in sorted(named.items(), key=lambda use: use[0][1]):
        found.setdefault(scope, []).append((since, rule))
    return found


def _versions(rules: Iterable[CreditRule]) -> dict[str, list[tuple[date, CreditRule]]]:
    known: dict[str, CreditRule] = {}
    for rule in rules:
        if known.setdefault(rule.key, rule) != rule:
            raise ValueError(f"there are two different rules {rule.key}; a change of a rule is a new version")
    found: dict[str, list[tuple[date, CreditRule]]] = {}
    for rule in sorted(known.values(), key=lambda rule: (rule.effective_from, rule.version)):
        versions = found.setdefault(rule.name, [])
        # A version that comes into force after a higher one never holds.
        if not versions or rule.version > versions[-1][1].version:
            versions.append((rule.effective_from, rule))
    return found


def _latest(dated: Sequence[tuple[date, Known]], day: date) -> Known | None:
    held = bisect_right(dated, day, key=itemgetter(0))
    return dated[held - 1][1] if held else None
