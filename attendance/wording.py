"""An explanation as one sentence; it reads the JSON form, so a stored explanation can be read out as well."""

from collections.abc import Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from attendance.circumstances import circumstances, unanswered
from attendance.joint_wording import joint_sentence
from attendance.reasons import Language, Text, text
from attendance.unit import named

TENTH = Decimal("0.1")
CANCELLED = Text("The session was cancelled, so nothing is credited.", "本场培训已取消，不计学时。")
NOTHING = Text("A trainer decided that nothing is credited.", "经培训师审核，本场不计学时。")


def sentence(explained: Mapping[str, Any], language: Language) -> str:
    """Say why it is this credit: in one sentence, and in a short one for each thing out of the ordinary.

    What is about pairs says so by its kind.
    """
    if "kind" in explained:
        return joint_sentence(explained, language)
    said = _said(explained, {step["step"]: step for step in explained["steps"]}, language)
    return (" " if language == "en" else "").join(said)


def _said(explained: Mapping[str, Any], steps: Mapping[str, Any], language: Language) -> list[str]:
    review = explained["outcome"]["review"]
    if review:
        missed = (said.told(language) for said in unanswered(explained, steps, language))
        return [*(text(reason, language) for reason in review), *missed]
    if steps.get("decided", {}).get("nothing"):
        return [NOTHING.told(language)]
    if "cancelled" in steps:
        return [CANCELLED.told(language)]
    credited = _english(explained, steps) if language == "en" else _chinese(explained, steps)
    return [credited, *circumstances(explained, steps, language)]


def _english(explained: Mapping[str, Any], steps: Mapping[str, Any]) -> str:
    percent = steps["percent"]
    present = f"Present {percent['present']} of {percent['scheduled']} minutes ({_percent(percent)} %)"
    if not percent["reached"]:
        needed = f"at least {percent['least']} % is needed, so " if percent["present"] else ""
        return f"{present}; {needed}nothing is credited."
    if _below_first_unit(explained, steps):
        return f"{present}; less than one whole unit of {explained['rule']['unit_minutes']} minutes gives nothing."
    full = ", so the whole session counts" if steps["basis"]["basis"] == "full" else ""
    return f"{present}{full}; {_units_in_english(explained, steps)}."


def _units_in_english(explained: Mapping[str, Any], steps: Mapping[str, Any]) -> str:
    rule, units = explained["rule"], f"{steps['step']['units']} {_unit(explained, 'en')}"
    if rule["tiers"]:
        made = f"a session of {steps['percent']['scheduled']} minutes gives {units}"
    else:
        rounded = _rounded(
            rule, steps, {"down": ", rounded down to steps of {},", "nearest": ", rounded to the nearest {},"}
        )
        made = f"at {rule['unit_minutes']} minutes a unit{rounded} that is {units}"
    if not _cut(steps):
        return made
    before = f" after {steps['cap']['already_today']} earlier that day" if _any_before(steps) else ""
    return f"{made}, of which the daily cap of {rule['daily_cap']} leaves {_left(steps)}{before}"


def _chinese(explained: Mapping[str, Any], steps: Mapping[str, Any]) -> str:
    percent = steps["percent"]
    present = f"应到 {percent['scheduled']} 分钟，实到 {percent['present']} 分钟（{_percent(percent)} %）"
    if not percent["reached"]:
        needed = f"未达到 {percent['least']} %，" if percent["present"] else ""
        return f"{present}，{needed}不计学时。"
    if _below_first_unit(explained, steps):
        return f"{present}，不足一个完整单位（{explained['rule']['unit_minutes']} 分钟），不计学时。"
    full = "，按整场计" if steps["basis"]["basis"] == "full" else ""
    return f"{present}{full}；{_units_in_chinese(explained, steps)}。"


def _units_in_chinese(explained: Mapping[str, Any], steps: Mapping[str, Any]) -> str:
    rule, units = explained["rule"], f"{steps['step']['units']} {_unit(explained, 'zh')}"
    if rule["tiers"]:
        made = f"{steps['percent']['scheduled']} 分钟的培训计 {units}"
    else:
        rounded = _rounded(rule, steps, {"down": "，按 {} 向下取整", "nearest": "，四舍五入到 {}"})
        made = f"每 {rule['unit_minutes']} 分钟为一个单位{rounded}，计 {units}"
    if not _cut(steps):
        return made
    before = f"，当日此前已计 {steps['cap']['already_today']}" if _any_before(steps) else ""
    return f"{made}，每日上限 {rule['daily_cap']}{before}，实计 {_left(steps)}"


def _percent(percent: Mapping[str, Any]) -> Decimal:
    if not percent["scheduled"]:
        return Decimal("0.0")
    exact: Decimal = Decimal(percent["present"] * 100) / percent["scheduled"]
    # Rounding must not show "80.0 %" to somebody who had not quite 80 %.
    near = exact.quantize(TENTH, ROUND_HALF_UP)
    return near if percent["reached"] or near < Decimal(percent["least"]) else exact.quantize(TENTH, ROUND_DOWN)


def _unit(explained: Mapping[str, Any], language: Language) -> str:
    return named(explained["rule"]["unit"], language)


def _below_first_unit(explained: Mapping[str, Any], steps: Mapping[str, Any]) -> bool:
    rule = explained["rule"]
    return bool(rule["first_unit_whole"] and steps["basis"]["minutes"] < rule["unit_minutes"])


def _rounded(rule: Mapping[str, Any], steps: Mapping[str, Any], words: Mapping[str, str]) -> str:
    exact = Decimal(steps["step"]["units"]) * rule["unit_minutes"] == steps["basis"]["minutes"]
    return "" if exact else words[rule["rounding"]].format(rule["step"])


def _cut(steps: Mapping[str, Any]) -> bool:
    return "cap" in steps and bool(Decimal(_left(steps)) < Decimal(steps["step"]["units"]))


def _any_before(steps: Mapping[str, Any]) -> bool:
    return bool(Decimal(steps["cap"]["already_today"]))


def _left(steps: Mapping[str, Any]) -> str:
    left: str = steps["cap"]["units"]
    return left
