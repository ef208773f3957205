"""A percentage in a report is exact to the tenth, and there is none when there is nothing to divide by."""

from decimal import Decimal


def percent(part: int, whole: int, *, target: Decimal | None = None) -> Decimal | None:
    """Round half up to one decimal; None when there is nothing to divide by.

    Whoever has missed a target never reads that it was reached: 89.96 % is 89.9 % where the target is 90 %.
    """
    if not whole:
        return None
    # In whole tenths, because a quotient need not be exact.
    near = Decimal((2000 * part + whole) // (2 * whole)).scaleb(-1)
    if target is not None and near >= target and not reaches(part, whole, target):
        return Decimal(1000 * part // whole).scaleb(-1)
    return near


def reaches(part: int, whole: int, target: Decimal) -> bool | None:
    """Say whether the exact percentage is the target or more; None when there is nothing to divide by."""
    return part * 100 >= target * whole if whole else None
