"""Reports count by role: the two that learn in pairs, and others whose role nobody has told."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from attendance.pair import Learner, Role

Group = Role | Literal["other", "all"]  # all: only in a total

ROLES: tuple[Role, ...] = ("clerk", "reserve_manager")


def roles_of(learners: Iterable[Learner]) -> dict[str, Role]:
    return {learner.id: learner.role for learner in learners}


def by_role(learner_ids: Iterable[str], roles: Mapping[str, Role]) -> Counter[Group]:
    counted: Counter[Group] = Counter()
    for role, number in Counter(map(roles.get, learner_ids)).items():
        counted[role or "other"] += number
    return counted


def groups(counted: Iterable[Group]) -> Iterator[Group]:
    """Name the groups to show: both roles always, because nobody of a role is news, too; others if there are any."""
    yield from ROLES
    if "other" in counted:
        yield "other"
