"""The table of archives: a new vendor is a new module and one line here."""

from collections.abc import Callable, Sequence

from ledger.database import Ledger
from sync.archive import LearnerArchive
from sync.local import LocalArchive
from sync.run import Clock
from sync.settings import ArchiveSettings


def _local(settings: ArchiveSettings, ledger: Ledger, clock: Clock) -> LearnerArchive:
    return LocalArchive(ledger, clock, name=settings.name)


def _rest(settings: ArchiveSettings, ledger: Ledger, clock: Clock) -> LearnerArchive:
    # Who has the local archive only needs no HTTP client.
    from sync.rest import RestArchive

    return RestArchive(
        settings.name,
        settings.url,
        settings.secret(),
        clock=clock,
        allow_hosts=settings.allow_hosts,
        batch_limit=settings.batch,
    )


ARCHIVES: dict[str, Callable[[ArchiveSettings, Ledger, Clock], LearnerArchive]] = {"local": _local, "rest": _rest}


def open_archives(settings: Sequence[ArchiveSettings], ledger: Ledger, clock: Clock) -> list[LearnerArchive]:
    """Open the archives of the settings, and always the local one; raises Misconfigured or SettingsError."""
    opened = [ARCHIVES[one.kind](one, ledger, clock) for one in settings]
    return opened if any(one.kind == "local" for one in opened) else [LocalArchive(ledger, clock), *opened]
