"""Which things a key reaches: those of its regions; a thing of another region answers like one that is not there."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from flask import g

from gateway.api_keys import Client
from gateway.problem import Refusal
from ledger.refusals import Incomplete

Thing = TypeVar("Thing")


def client() -> Client:
    """Return whose key this request shows."""
    return g.client  # type: ignore[no-any-return]


def actor() -> str:
    """Say to the audit who acts."""
    return f"key:{client().id}"


def reaches(region_id: str) -> bool:
    """Say whether the key is for this region."""
    regions = client().regions
    return regions is None or region_id in regions


def chosen(region_id: str | None) -> Sequence[str] | None:
    """Return the regions to look at: the one that was asked for if it is the key's, or all of the key's (None: all)."""
    if region_id is None:
        return client().regions
    return (region_id,) if reaches(region_id) else ()


def found(thing: Thing | None, what: str, region_of: Callable[[Thing], str] | None = None) -> Thing:
    """Return the thing at an address if the key reaches its region (None: it is the whole company's), else refuse."""
    if thing is None or (region_of and not reaches(region_of(thing))):
        raise Refusal("not-found", f"There is no {what} that this key can see; check the address.")
    return thing


def named(thing: Thing | None, what: str, region_of: Callable[[Thing], str] | None = None) -> Thing:
    """Return what a body refers to, as `found` does for an address."""
    if thing is None or (region_of and not reaches(region_of(thing))):
        raise Incomplete("no_such", f"There is no {what}.")
    return thing


def check_unbound(what: str) -> None:
    """Refuse a key that is bound to regions: this belongs to the whole company."""
    if client().regions is not None:
        raise Refusal("key-bound", f"{what} belong to the whole company; only a key for all regions may change them.")
