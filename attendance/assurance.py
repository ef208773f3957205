"""How sure a way of checking in makes us that it was this person, here."""

from typing import Literal, get_args

Method = Literal[
    "paper", "staff", "static_badge", "session_code", "static_badge+staff", "dynamic_badge", "face", "badge+face"
]

# From the lowest assurance to the highest.
METHODS: tuple[Method, ...] = get_args(Method)
FACE_METHODS: frozenset[Method] = frozenset({"face", "badge+face"})

_LEVEL = {method: level for level, method in enumerate(METHODS)}


def meets(method: Method, least: Method) -> bool:
    return _LEVEL[method] >= _LEVEL[least]
