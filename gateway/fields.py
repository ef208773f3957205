"""The kinds of values that callers write, in bodies and in addresses: as narrow as their meaning."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator

from ledger.decisions import MOST_REASON
from ledger.pairs import MOST_WORDS

LONGEST = 200
FIRST_YEAR, LAST_YEAR = 2000, 2099

_MONTH = r"20[0-9]{2}-(0[1-9]|1[0-2])"
_DAY = _MONTH + r"-(0[1-9]|[12][0-9]|3[01])"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
_INSTANT = _DAY + "T" + _CLOCK + r"(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
_AMOUNT = r"[0-9]{1,6}(\.[0-9]{1,6})?"
# PostgreSQL stores no NUL, and no other control character belongs into a line.
_LINE = r"^[^\x00-\x1f\x7f]+$"
# Written out, since what \s stands for is not the same in every language that reads the document.
_BLANK = r" \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_TIGHT = rf"^[^{_BLANK}\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^{_BLANK}\x00-\x1f\x7f])?$"
_WORDS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$"


def _instant(value: Any) -> datetime:
    """Read an RFC 3339 instant; pydantic alone would take seconds since 1970 for one as well."""
    if not isinstance(value, str) or not re.fullmatch(_INSTANT, value, re.ASCII):
        raise ValueError("an instant is written like 2026-11-20T09:00:00+08:00")
    return datetime.fromisoformat(value).astimezone(UTC)


def _date(value: Any) -> date:
    if not isinstance(value, str) or not re.fullmatch(_DAY, value, re.ASCII):
        raise ValueError("a date is written like 2026-11-20")
    return date.fromisoformat(value)


def _decimal(value: Any) -> Decimal:
    if not isinstance(value, str) or not re.fullmatch(_AMOUNT, value, re.ASCII):
        raise ValueError('a decimal is written as text, like "3.5"')
    return Decimal(value)


_InstantText = Annotated[str, Field(pattern=f"^{_INSTANT}$", json_schema_extra={"format": "date-time"})]
_DateText = Annotated[str, Field(pattern=f"^{_DAY}$", json_schema_extra={"format": "date"})]
_AmountText = Annotated[str, Field(pattern=f"^{_AMOUNT}$", examples=["3.5"])]

When = Annotated[datetime, PlainValidator(_instant, json_schema_input_type=_InstantText)]
Day = Annotated[date, PlainValidator(_date, json_schema_input_type=_DateText)]
Amount = Annotated[Decimal, PlainValidator(_decimal, json_schema_input_type=_AmountText)]
Exact = Annotated[Decimal, PlainSerializer(lambda value: f"{value:f}", return_type=str)]
"""A decimal in an answer: all its digits, as text."""

Month = Annotated[str, Field(pattern=f"^{_MONTH}$")]
NewId = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
"""An id that a caller chooses."""
Id = Annotated[str, Field(max_length=64, pattern=_LINE)]
"""An id or number that may exist; older ones were not always made by today's rules."""
Line = Annotated[str, Field(min_length=1, max_length=LONGEST, pattern=_TIGHT)]
"""A name or title: one line, without blanks around it."""
Words = Annotated[str, Field(min_length=1, max_length=MOST_WORDS, pattern=_WORDS)]
"""What somebody has to say, in lines."""
Reason = Annotated[str, Field(min_length=1, max_length=MOST_REASON, pattern=_WORDS)]
"""Why somebody has decided so."""
After = Annotated[str, Field(max_length=400, pattern=_LINE)]
"""`next_after` of the page before."""
