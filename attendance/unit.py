"""A unit is what hours are counted in: 学时, hours, CPE, CEU."""

from attendance.reasons import Language, Text

UNITS = {"hour": Text("hours", "小时")}


def named(unit: str, language: Language) -> str:
    """Name a unit; most are called the same in both languages."""
    return UNITS.get(unit, Text(unit, unit)).told(language)
