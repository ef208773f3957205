"""A calibration in words, as plain values, and as a page with its curve: no script, no names, nothing from outside."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from attendance.reasons import Text
from kiosk.faces.calibration import Measured, Point, Proposal, Rate
from kiosk.faces.line_up import MARGIN, THRESHOLD

FEW_PEOPLE = 20


def notes(measured: Measured, *, of_gallery: bool) -> list[Text]:
    """Say what these figures do not show."""
    return [text for text, applies in _notes(measured, of_gallery=of_gallery) if applies]


def _notes(measured: Measured, *, of_gallery: bool) -> list[tuple[Text, bool]]:
    first = measured.points[0]
    return [
        (NO_STRANGERS, not first.fmr.n),
        (NO_GENUINE, not first.fnmr.n),
        (FEW, 0 < measured.people < FEW_PEOPLE),
        (NOT_INDEPENDENT, bool(first.fmr.n)),
        (ONE_MOMENT, of_gallery and bool(first.fnmr.n)),
        (NO_SPOOFS, True),
    ]


NO_STRANGERS = Text(
    "There is only one person or none: nothing can be said about taking one person for another.",
    "只有一人或没有人：无法说明把一人误认为另一人的可能。",
)
NO_GENUINE = Text(
    "Nobody has two pictures: nothing can be said about people who are not recognised.",
    "没有人有两张照片：无法说明本人未被识别的可能。",
)
FEW = Text(
    f"These are fewer than {FEW_PEOPLE} people: take the figures as a first look, not as a calibration.",
    f"人数少于{FEW_PEOPLE}人：这些数字只是初步参考，不能作为校准结果。",
)
NOT_INDEPENDENT = Text(
    "Pairs share people, so they are not independent: the true uncertainty is larger than these intervals.",
    "各比对共用同一些人，并不独立：真实的不确定性大于这些区间。",
)
ONE_MOMENT = Text(
    "The templates of one enrolment were taken within seconds: at the door more people are not recognised than here. "
    "Calibrate with pictures of different days.",
    "同一次登记的模板在几秒内采集：门口未被识别的情况会比这里多。请使用不同日期的照片进行校准。",
)
NO_SPOOFS = Text(
    "Printed and replayed faces are not part of this; the kiosk's challenge is there for them.",
    "这里不包括打印或翻拍的人脸；对此由签到机的活体检测负责。",
)


def said(proposal: Proposal) -> Text:
    """Say a proposal as sentences."""
    if proposal.verdict == "too_few_pairs":
        return _too_few(proposal)
    if proposal.verdict == "too_alike" or proposal.threshold is None or proposal.margin is None:
        return TOO_ALIKE
    at_most, wanted = _percent(proposal.strangers), _percent(proposal.wanted)
    return Text(
        f"Set threshold = {proposal.threshold:.2f} and margin = {proposal.margin:.2f}. Of a stranger's looks at a "
        f"gallery of {proposal.size} people at most {at_most} then end as somebody's (upper end of the interval; "
        f"{wanted} was wanted).",
        f"建议设置 threshold = {proposal.threshold:.2f}，margin = {proposal.margin:.2f}。在{proposal.size}人的人脸库"
        f"中，陌生人被误认为库中某人的比例至多为{at_most}（区间上限；期望为{wanted}）。",
    )


def _too_few(proposal: Proposal) -> Text:
    wanted = _percent(proposal.wanted)
    return Text(
        f"There are too few pairs to propose anything: {proposal.needed_pairs:,} pairs of different people without an "
        f"error would be needed for {proposal.size} people and {wanted}. Stay with threshold = "
        f"{THRESHOLD:.2f} and margin = {MARGIN:.2f}, and let a badge go with the face.",
        f"样本太少，无法给出建议：对于{proposal.size}人和{wanted}的期望，需要{proposal.needed_pairs:,}对"
        f"不同人的比对且无差错。请保持 threshold = {THRESHOLD:.2f}、margin = {MARGIN:.2f}，并与工牌一起使用。",
    )


TOO_ALIKE = Text(
    "No threshold from 0.30 on keeps the wish: different people look too much alike, or pictures lie in the wrong "
    "folder. Look at the look-alikes; let a badge go with the face.",
    "从0.30起没有满足期望的阈值：不同的人过于相像，或照片放错了文件夹。请检查相像人员名单，并与工牌一起使用。",
)


def as_values(measured: Measured, proposal: Proposal, told: Iterable[Text]) -> dict[str, Any]:
    """Give everything as plain values."""
    return {
        "people": measured.people,
        "templates": measured.templates,
        "impostor_pairs": measured.points[0].fmr.n,
        "genuine_pairs": measured.points[0].fnmr.n,
        "points": [
            {"threshold": point.threshold, "fmr": _plain(point.fmr), "fnmr": _plain(point.fnmr)}
            for point in measured.points
        ],
        "proposal": {
            **asdict(proposal),
            **{name: _plain(part) for name in ("mistaken", "asked") if (part := getattr(proposal, name))},
            "said": said(proposal).en,
        },
        "notes": [text.en for text in told],
    }


def _plain(rate: Rate) -> dict[str, Any]:
    return {**asdict(rate), "rate": rate.value}


# The page

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 76, 20, 20, 56
LEAST_RATE = -7
"""Of the scale, as a power of ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line with the band of its interval, as SVG has them."""

    line: str
    band: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Where everything of the drawing is."""

    fmr: Curve
    fnmr: Curve
    thresholds: tuple[Tick, ...]
    rates: tuple[Tick, ...]
    proposed: float | None


def drawn(measured: Measured, proposal: Proposal, told: Sequence[Text], *, made_at: datetime) -> str:
    """Draw the page."""
    environment = Environment(loader=PackageLoader("kiosk"), autoescape=True, undefined=StrictUndefined)
    environment.filters["percent"] = _percent
    return environment.get_template("calibration.html").render(
        measured=measured,
        proposal=proposal,
        said=said(proposal),
        notes=told,
        chart=chart(measured.points, proposal.threshold),
        made_at=made_at,
        size={"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
    )


def chart(points: Sequence[Point], proposed: float | None) -> Chart:
    """Lay the drawing out; rates are on a logarithmic scale, and a rate of zero lies on the floor."""
    floor = _floor([point.fmr for point in points] + [point.fnmr for point in points])
    first, last = points[0].threshold, points[-1].threshold

    def x(threshold: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (threshold - first) / (last - first), 1)

    def y(rate: float | None) -> float:
        power = max(floor, math.log10(rate)) if rate else floor
        return round(TOP + (HEIGHT - TOP - BOTTOM) * power / floor, 1)

    return Chart(
        fmr=_curve([(x(point.threshold), point.fmr) for point in points], y),
        fnmr=_curve([(x(point.threshold), point.fnmr) for point in points], y),
        thresholds=tuple(Tick(at=x(point.threshold), text=f"{point.threshold:.2f}") for point in points[::5]),
        rates=tuple(Tick(at=y(10.0**power), text=_percent(10.0**power)) for power in range(floor, 1)),
        proposed=x(proposed) if proposed is not None else None,
    )


def _floor(rates: Iterable[Rate]) -> int:
    """Choose the power of ten that is below everything that is not zero."""
    least = min((part for rate in rates for part in (rate.low, rate.value, rate.high) if part), default=1.0)
    return max(LEAST_RATE, min(-1, math.floor(math.log10(least))))


def _curve(rates: Sequence[tuple[float, Rate]], y: Callable[[float | None], float]) -> Curve:
    if not rates[0][1].n:
        return Curve(line="", band="")
    upper = [(x, y(rate.high)) for x, rate in rates]
    lower = [(x, y(rate.low)) for x, rate in reversed(rates)]
    return Curve(line=_places((x, y(rate.value)) for x, rate in rates), band=_places(upper + lower))


def _places(places: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in places)


def _percent(rate: float | None) -> str:
    """Write a rate with the digits that it needs, and not one that nobody measured."""
    if rate is None:
        return "–"
    digits = f"{float(f'{rate * 100:.3g}'):.9f}".rstrip("0").rstrip(".")
    return f"{digits} %"
