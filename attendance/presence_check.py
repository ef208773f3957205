"""A presence check asks, at a moment nobody can foresee, whether a learner is still there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from attendance.decision import Decision
from attendance.instant import utc, whole_second
from attendance.span import Span
from attendance.step import Step
from attendance.visit import Fact

ANSWER_WITHIN = timedelta(minutes=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceCheck:
    id: str
    session_id: str
    asked_at: datetime
    answer_until: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "asked_at", whole_second(utc(self.asked_at)))
        object.__setattr__(self, "answer_until", whole_second(utc(self.answer_until)))
        if self.answer_until < self.asked_at:
            raise ValueError(
                f"presence check {self.id} cannot be answered until {self.answer_until}, before it is asked"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceAnswer:
    check_id: str
    learner_id: str
    at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", utc(self.at))

    def answers(self, check: PresenceCheck) -> bool:
        return self.check_id == check.id and check.asked_at <= whole_second(self.at) <= check.answer_until


@dataclass(frozen=True, slots=True)
class Asked:
    """The checks of a session, and what one learner answered."""

    checks: tuple[PresenceCheck, ...] = ()
    answers: tuple[PresenceAnswer, ...] = ()

    def judged(
        self, present: Sequence[Span], facts: Iterable[Fact], decisions: Iterable[Decision]
    ) -> tuple[bool, Step]:
        """Say whether a check was missed while the learner counts as present, and nobody has vouched.

        At the very second of leaving somebody has left, and need not answer. A missed check leaves only what came
        before it as a proof of having been there: check-ins, check-outs and earlier answers.
        """
        put = [check for check in self.checks if _holds(present, check.asked_at)]
        missed = [check for check in put if not any(answer.answers(check) for answer in self.answers)]
        vouched = bool(missed) and any(decision.kind == "present" for decision in decisions)
        first = missed[0].asked_at if missed else None
        values = (
            ("asked", len(put)),
            ("missed", len(missed)),
            ("vouched", vouched),
            ("missed_at", first),
            ("proven_until", self._proof(first, facts) if first else None),
        )
        return bool(missed) and not vouched, Step("presence_checks", values)

    def _proof(self, missed_at: datetime, facts: Iterable[Fact]) -> datetime | None:
        """Give the last sign of the learner before a moment."""
        good = [answer for answer in self.answers if any(answer.answers(check) for check in self.checks)]
        signs = [whole_second(at) for at in (*(fact.at for fact in facts), *(answer.at for answer in good))]
        return max((sign for sign in signs if sign <= missed_at), default=None)


NOT_ASKED = Asked()


def asked_of(checks: Iterable[PresenceCheck], answers: Iterable[PresenceAnswer]) -> dict[str, Asked]:
    """Put checks and one learner's answers to them together by session, in their order and each once."""
    by_id = {check.id: check for check in checks}
    known = sorted(by_id.values(), key=lambda check: (check.asked_at, check.id))
    # An answer to a check that was not given can change nothing, because nobody missed that check.
    to_these = {answer for answer in answers if answer.check_id in by_id}
    given = sorted(to_these, key=lambda answer: (answer.at, answer.check_id))
    session_ids = dict.fromkeys(check.session_id for check in known)
    return {
        id: Asked(
            checks=tuple(check for check in known if check.session_id == id),
            answers=tuple(answer for answer in given if by_id[answer.check_id].session_id == id),
        )
        for id in session_ids
    }


def _holds(spans: Sequence[Span], instant: datetime) -> bool:
    return any(span.starts_at <= instant < span.ends_at for span in spans)
