"""What an operator may do from the command line: here, or in the running gateway that holds the ledger."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from gateway import admin, badge_cards, dead_letters, devices, settings
from gateway.clock import Clock
from gateway.import_desk import Desk
from gateway.keys import Keys, load
from gateway.settings import GatewaySettings
from ledger.database import Ledger, LedgerInUse
from tandem import import_acts, ledger_acts, sync_acts
from tandem.control import Act, ask

ACTOR = "console"
"""The audit's name for whoever may open the data folder."""


def table(
    ledger: Ledger, keys: Keys, settings: GatewaySettings, clock: Clock, desk: Desk | None = None
) -> Mapping[str, Act]:
    """Bind every act to one ledger; each is a transaction of its own. Files are read at the desk, if there is one."""

    def act(function: Callable[..., Any], **fixed: Any) -> Act:
        def run(**given: Any) -> Any:
            with ledger.begin() as db:
                return function(db, **fixed, **given)

        return run

    def reading(function: Callable[..., Any], **fixed: Any) -> Act:
        def run(**given: Any) -> Any:
            with ledger.read() as db:
                return function(db, **fixed, **given)

        return run

    def stamped(function: Callable[..., Any], **fixed: Any) -> Act:
        return lambda **given: act(function, actor=ACTOR, now=clock(), **fixed)(**given)

    return {
        "device code": stamped(admin.device_code),
        "device list": act(admin.device_list),
        "device confirm": stamped(admin.device_confirm),
        "device set-up": stamped(admin.device_set_up),
        "device revoke": stamped(admin.device_revoke),
        "device roll": stamped(admin.device_roll),
        "broker accounts": reading(devices.accounts),
        "badge issue": stamped(admin.badge_issue, keys=keys),
        "badge people": reading(badge_cards.people),
        "badge cards": stamped(badge_cards.cards, keys=keys),
        "badge list": act(admin.badge_list),
        "badge revoke": stamped(admin.badge_revoke),
        "key create": stamped(admin.key_create),
        "key list": act(admin.key_list),
        "key revoke": stamped(admin.key_revoke),
        "person set-pin": stamped(admin.person_set_pin),
        "account create": stamped(admin.account_create),
        "account list": act(admin.account_list),
        "account set": stamped(admin.account_set),
        "account close": stamped(admin.account_close),
        "account link": stamped(admin.account_link, settings=settings),
        "sign-in link": stamped(admin.sign_in_link, settings=settings),
        "ledger sizes": reading(ledger_acts.sizes),
        "ledger check": lambda **given: reading(ledger_acts.check, now=clock())(**given),
        "ledger mend": lambda **given: act(ledger_acts.mend, now=clock())(**given),
        "ledger restored": stamped(ledger_acts.restored),
        "dead-letter list": reading(dead_letters.listed),
        "dead-letter show": reading(dead_letters.shown),
        "dead-letter replay": stamped(dead_letters.replay),
        "dead-letter discard": stamped(dead_letters.discard),
        "hole list": lambda: reading(admin.hole_list, now=clock())(),
        "hole write-off": stamped(admin.hole_write_off),
        "sync status": act(sync_acts.status),
        "sync replay": stamped(sync_acts.replay),
    } | (import_acts.table(ledger, desk, clock, actor=ACTOR) if desk else {})


class NoLedger(Exception):
    """There is no ledger in this data folder: name the right one with --data, or make it with `tandem up`."""


def do(data: Path, act: str, clock: Clock, /, **given: Any) -> Any:
    """Do an act on the ledger of a data folder, or ask the gateway that has it open to do it."""
    with reached(data, clock) as doing:
        return doing(act, **given)


@contextmanager
def reached(data: Path, clock: Clock) -> Iterator[Act]:
    """Give what does acts, named first, on the ledger of a data folder, for as long as the block lasts."""
    read = settings.read(data=data)
    if not read.database and not (data / "ledger.sqlite").is_file():
        raise NoLedger(f"{NoLedger.__doc__} ({data})")
    try:
        ledger = Ledger(read.database_url)
    except LedgerInUse as in_use:
        yield partial(_ask, in_use, data)
        return
    desk = Desk(ledger, clock)
    try:
        acts = table(ledger, load(data / "keys"), read, clock, desk)
        yield lambda act, **given: acts[act](**given)
    finally:
        desk.stop()
        ledger.close()


def _ask(in_use: LedgerInUse, data: Path, act: str, **given: Any) -> Any:
    try:
        return ask(data, act, given)
    except (FileNotFoundError, ConnectionRefusedError):
        # A program other than `tandem up` has it, or one that is only about to start or to end.
        raise in_use from None
