"""The kinds of values in an import: strictly typed for programs, and how what people write becomes the same.

A reader never fails: what it does not understand it leaves as it is, and the field's own check says what is wrong.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator
from pydantic_core import PydanticCustomError

from attendance.local_time import MOST_SITTINGS

Read = Callable[[str], Any]

# Exactly the days that there are, so that a program can check what it sends by the document alone.
_DAY = (
    r"(20[0-9]{2}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    r"|20([02468][048]|[13579][26])-02-29)"
)
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_LOCAL = _DAY + "T" + _CLOCK + "(:[0-5][0-9])?"
_OFFSET = r"(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
_AMOUNT = r"[0-9]{1,6}(\.[0-9]{1,6})?"
_PERCENT = r"(100(\.0{1,6})?|[0-9]{1,2}(\.[0-9]{1,6})?)"
_PHONE = r"^\+?[0-9][0-9 ()./-]{3,30}$"
# Blanks are written out: what \s is differs between the languages in which programs read the document.
_PLAIN = r"^[^\x00-\x20\x7f-\xa0\u3000]([^\x00-\x1f\x7f-\x9f]*[^\x00-\x20\x7f-\xa0\u3000])?$"
_SESSION = r"^[a-z0-9][a-z0-9-]{0,31}$"

MOST_CHECKS = 10
"""How often the learners of a session may be asked whether they are still there."""

SENTENCES = {
    "wrong_local": "a local date and time is written like 2026-11-23T09:00",
    "wrong_end": "an end is written like 12:00 or 2026-11-23T12:00",
    "wrong_moment": "a moment is written like 2026-11-23T18:00 or 2026-11-23T18:00:00+08:00",
    "wrong_day": "a date is written like 2026-11-23",
    "wrong_amount": 'a decimal is written as text, like "3.5"',
    "wrong_percent": 'a percentage is written as text from "0" to "100"',
    "wrong_breaks": "a break is written like 10:30-10:45",
}


def _wrong(code: str) -> PydanticCustomError:
    return PydanticCustomError(code, SENTENCES[code])


def _checked(pattern: str, code: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
        raise _wrong(code)
    return value


def _local(value: Any) -> datetime:
    return datetime.fromisoformat(_checked(_LOCAL, "wrong_local", value))


def _moment(value: Any) -> datetime:
    at = datetime.fromisoformat(_checked(f"{_LOCAL}{_OFFSET}?", "wrong_moment", value))
    return at if at.tzinfo is None else at.astimezone(UTC)


def _end(value: Any) -> datetime | time:
    text = _checked(f"{_CLOCK}|{_LOCAL}", "wrong_end", value)
    return time.fromisoformat(text) if len(text) == len("12:00") else datetime.fromisoformat(text)


def _day(value: Any) -> date:
    return date.fromisoformat(_checked(_DAY, "wrong_day", value))


def _amount(value: Any) -> Decimal:
    return _short(Decimal(_checked(_AMOUNT, "wrong_amount", value)))


def _percent(value: Any) -> Decimal:
    return _short(Decimal(_checked(_PERCENT, "wrong_percent", value)))


def _short(number: Decimal) -> Decimal:
    """Leave out needless zeros: the ledger compares digit for digit."""
    return Decimal(f"{number:f}".rstrip("0").rstrip(".") if number % 1 else int(number))


def _break(value: Any) -> tuple[time, time]:
    since, until = _checked(f"{_CLOCK}-{_CLOCK}", "wrong_breaks", value).split("-")
    return time.fromisoformat(since), time.fromisoformat(until)


def _integer(value: Any) -> Any:
    # To JSON Schema 3.0 is an integer, as to JavaScript.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _text(pattern: str, example: str) -> Any:
    return Annotated[str, Field(pattern=f"^{pattern}$", examples=[example])]


Local = Annotated[
    datetime,
    PlainValidator(_local, json_schema_input_type=_text(_LOCAL, "2026-11-23T09:00")),
]
"""What the clock on the wall of a region shows."""
End = Annotated[
    datetime | time, PlainValidator(_end, json_schema_input_type=_text(f"({_CLOCK}|{_LOCAL})", "2026-11-23T12:00"))
]
Moment = Annotated[
    datetime, PlainValidator(_moment, json_schema_input_type=_text(f"{_LOCAL}{_OFFSET}?", "2026-11-23T18:00"))
]
"""An instant, or without an offset the local time of a region."""
Day = Annotated[date, PlainValidator(_day, json_schema_input_type=_text(_DAY, "2026-12-18"))]
Amount = Annotated[Decimal, PlainValidator(_amount, json_schema_input_type=_text(_AMOUNT, "3.5"))]
Percent = Annotated[Decimal, PlainValidator(_percent, json_schema_input_type=_text(_PERCENT, "80"))]
Break = Annotated[
    tuple[time, time], PlainValidator(_break, json_schema_input_type=_text(f"{_CLOCK}-{_CLOCK}", "10:30-10:45"))
]
_Checks = Annotated[int, Field(ge=0, le=MOST_CHECKS)]
Checks = Annotated[_Checks, BeforeValidator(_integer, json_schema_input_type=_Checks)]
_Times = Annotated[int, Field(ge=1, le=MOST_SITTINGS)]
Times = Annotated[_Times, BeforeValidator(_integer, json_schema_input_type=_Times)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Number = Annotated[str, Field(min_length=1, max_length=64, pattern=_PLAIN, examples=["1001"])]
"""A personnel number."""
SessionId = Annotated[str, Field(max_length=32, pattern=_SESSION, examples=["order-101"])]
"""As narrow as kiosks want it."""
Phone = Annotated[str, Field(pattern=_PHONE, examples=["+86 138 0013 8000"])]


# What people write


def as_is(text: str) -> Any:
    """Leave it."""
    return text


def plain(text: str) -> str:
    """Write full-width letters and digits as ASCII has them, small, without blanks around."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def words(meaning: Mapping[str, Any]) -> Read:
    """Read any of some words."""
    return lambda text: meaning.get(plain(text), text)


YES = words(
    dict.fromkeys(("yes", "y", "true", "1", "是", "对", "✓", "√", "x"), True)
    | dict.fromkeys(("no", "n", "false", "0", "否", "不"), False)
)


def whole(text: str) -> Any:
    """Read a whole number."""
    digits = plain(text)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else text


def amount(text: str) -> str:
    """Read a decimal."""
    return plain(text).removesuffix("%").strip()


def digits(text: str) -> str:
    """Read a phone number."""
    return unicodedata.normalize("NFKC", text).strip()


_WRITTEN_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?", re.ASCII)
_WRITTEN_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(:\d{2})?", re.ASCII)


def day(text: str) -> str:
    """Read a date: 2026-11-23, 2026/11/23, 2026年11月23日."""
    match = _WRITTEN_DAY.fullmatch(unicodedata.normalize("NFKC", text).strip())
    return "{}-{:0>2}-{:0>2}".format(*match.groups()) if match else text


def clock(text: str) -> str:
    """Read a time of day: 9:00."""
    match = _WRITTEN_CLOCK.fullmatch(unicodedata.normalize("NFKC", text).strip())
    seconds = match[3] if match and match[3] not in (None, ":00") else ""
    return f"{match[1]:0>2}:{match[2]}{seconds}" if match else text


def moment(text: str) -> str:
    """Read a date and a time of day, with an offset if there is one."""
    written = unicodedata.normalize("NFKC", text).strip()
    match = _WRITTEN_DAY.match(written)
    if match is None:
        return text
    rest = written[match.end() :].removeprefix("T").strip()
    offset = re.search(r"(Z|[+-]\d{2}:\d{2})$", rest, re.ASCII)
    since = rest[: offset.start()].strip() if offset else rest
    return f"{day(match[0])}T{clock(since)}{offset[0] if offset else ''}"


def end(text: str) -> str:
    """Read a time of day, or a date and a time."""
    return moment(text) if _WRITTEN_DAY.match(unicodedata.normalize("NFKC", text).strip()) else clock(text)


def span(text: str) -> str:
    """Read a break: 10:30-10:45, 10:30–10:45, 10:30 至 10:45."""
    parts = re.split(r"\s*[-–—~至到]\s*", unicodedata.normalize("NFKC", text).strip())
    return "-".join(clock(part) for part in parts)


def listed(read: Read) -> Read:
    """Read several values between semicolons, commas or new lines."""
    return lambda text: [read(part.strip()) for part in re.split(r"[;；,，、\n]", text) if part.strip()]
