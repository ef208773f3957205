"""Addresses that are compiled once for all applications of a test run: each test has its own, with 160 of them."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

_built: dict[tuple[Any, ...], Callable[..., tuple[str, str]]] = {}


class QuickRule(Rule):
    """A rule that builds its addresses by what another one of the same words has compiled."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        words = (self.rule, self.subdomain, self.host, repr(self.defaults), append_unknown)
        if words not in _built:
            _built[words] = super()._compile_builder(append_unknown)
        return _built[words]


def use() -> None:
    """Let every application have such rules."""
    Flask.url_rule_class = QuickRule
