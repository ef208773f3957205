"""An instant is aware and in UTC."""

from datetime import UTC, datetime, timedelta

SECOND = timedelta(seconds=1)


def utc(instant: datetime) -> datetime:
    """Give the same instant in UTC; a naive one is a fault, because nobody can say when it was."""
    if instant.tzinfo is UTC:
        return instant
    if instant.utcoffset() is None:
        raise ValueError(f"{instant.isoformat()} has no time zone")
    return instant.astimezone(UTC)


def whole_second(instant: datetime) -> datetime:
    """Drop the fraction: people read whole seconds, so whole seconds decide whether somebody was late."""
    return instant.replace(microsecond=0) if instant.microsecond else instant
