"""What the doctor says."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `todo` is empty where there is nothing to do."""

    check: str
    verdict: Verdict
    said: str
    todo: str = ""


Findings: TypeAlias = Iterator[Finding]


def ok(check: str, said: str) -> Finding:
    """It works."""
    return Finding(check=check, verdict="ok", said=said)


def warn(check: str, said: str, todo: str) -> Finding:
    """It works, but worse than it could."""
    return Finding(check=check, verdict="warn", said=said, todo=todo)


def fail(check: str, said: str, todo: str) -> Finding:
    """People would be sent away, or their check-ins would not be safe, or not get where they belong."""
    return Finding(check=check, verdict="fail", said=said, todo=todo)


def safely(check: str, findings: Findings) -> Findings:
    """Go on with the next check where one breaks: what it broke on is a finding too."""
    try:
        yield from findings
    except Exception as error:
        yield fail(check, f"the check itself broke: {type(error).__name__}: {error}", "report this, with its words")
