"""Joint tasks, bonus and month as one sentence; like `wording` it reads the JSON form."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from attendance.reasons import Language, Text
from attendance.unit import named

TENTH = Decimal("0.1")
MINUTE = timedelta(minutes=1)

TASK_PART: dict[str, Text] = {
    "open": Text("{part} has not been handed in yet.", "“{part}”尚未提交。"),
    "overdue": Text("{part} is past due and has not been handed in yet.", "“{part}”已逾期，尚未提交。"),
    "handed_in": Text("{part} has been handed in and waits for a trainer.", "“{part}”已提交，等待培训师审核。"),
    "returned": Text(
        "{part} was not accepted; the time to hand it in again begins when the reason has been sent.",
        "“{part}”未通过审核；自退回原因送达起重新计时。",
    ),
    "done": Text(
        "{part} was handed in {punctual} and accepted: {hours} {unit}.",
        "“{part}”{punctual}提交，已通过审核，计 {hours} {unit}。",
    ),
    "late": Text(
        "{part} was handed in {late} after it was due, later than there was time, so nothing is credited.",
        "“{part}”逾期 {late}提交，超过宽限时间，不计学时。",
    ),
    "forfeited": Text(
        "{part} was not handed in while there was time, so nothing is credited.",
        "“{part}”未在宽限时间内提交，不计学时。",
    ),
    "lost": Text(
        "Another part of the task was not handed in in time, so {part} is lost for both and nothing is credited.",
        "任务的另一部分未按时提交，双方的“{part}”均不计学时。",
    ),
    "waits": Text(
        "{part} has been accepted; it counts when both parts are done.",
        "“{part}”已通过审核，双方各自的部分都完成后计入。",
    ),
}
ON_TIME = Text("on time", "按时")
IN_GRACE = Text("{late} late, while there still was time,", "逾期 {late}、在宽限时间内")

BONUS = Text(
    "{completed} of {due} joint tasks completed ({rate} %): {percent} % of {base} joint {unit} is {bonus}.",
    "联合任务完成 {completed}/{due}（{rate} %），按联合学时 {base} 的 {percent} % 奖励，计 {bonus} {unit}。",
)
NO_BONUS = Text(
    "{completed} of {due} joint tasks completed ({rate} %); at least {least} % is needed for the bonus.",
    "联合任务完成 {completed}/{due}（{rate} %），未达到 {least} %，无奖励。",
)
NONE_DUE = Text("No joint task was due, so there is no bonus.", "本月没有到期的联合任务，无奖励。")

MET = Text(
    "{joint} of {training} {unit} were joint ({share} %), which meets the target of {target} %.",
    "{training} {unit}中联合学时 {joint}（{share} %），达到 {target} % 的目标。",
)
MISSED = Text(
    "{joint} of {training} {unit} were joint ({share} %), which is below the target of {target} %.",
    "{training} {unit}中联合学时 {joint}（{share} %），未达到 {target} % 的目标。",
)
NO_TARGET = Text("{joint} of {training} {unit} were joint.", "{training} {unit}中联合学时 {joint}。")


def joint_sentence(explained: Mapping[str, Any], language: Language) -> str:
    """Say in one sentence why it is this credit, this bonus or this share."""
    says = {"task_part": _task_part, "bonus": _bonus, "month": _month}
    return says[explained["kind"]](explained, language)


def _task_part(explained: Mapping[str, Any], language: Language) -> str:
    inputs, steps = explained["inputs"], _steps(explained)
    state = steps["part"]["state"]
    if state == "done" and not steps["part"]["counts"]:
        state = "waits"
    late = _late(inputs["due"], steps["clock"]["handed_in_at"], language)
    punctual = IN_GRACE if steps["clock"]["in_grace"] else ON_TIME
    return (
        TASK_PART[state]
        .told(language)
        .format(
            part=inputs["part_title"][language],
            punctual=punctual.told(language).format(late=late),
            late=late,
            hours=explained["outcome"]["credit"],
            unit=_unit(explained, language),
        )
    )


def _late(due: str, handed_in_at: str | None, language: Language) -> str:
    """Say how late something was, in begun minutes, so that 24 h and a second does not read as 24 h."""
    if handed_in_at is None:
        return ""
    second = datetime.fromisoformat(handed_in_at).replace(microsecond=0)
    minutes = max(0, -((datetime.fromisoformat(due) - second) // MINUTE))
    hours, minutes = divmod(minutes, 60)
    named = Text(f"{hours} h", f"{hours} 小时"), Text(f"{minutes} min", f"{minutes} 分钟")
    return " ".join(text.told(language) for text, some in zip(named, (hours, minutes), strict=True) if some)


def _bonus(explained: Mapping[str, Any], language: Language) -> str:
    rate, bonus = _steps(explained)["rate"], _steps(explained)["bonus"]
    if not rate["due"]:
        return NONE_DUE.told(language)
    return (
        (BONUS if rate["reached"] else NO_BONUS)
        .told(language)
        .format(
            **rate,
            **{name: bonus[name] for name in ("base", "percent", "bonus")},
            rate=_percent(rate["completed"], rate["due"], rate["least"]),
            unit=_unit(explained, language),
        )
    )


def _month(explained: Mapping[str, Any], language: Language) -> str:
    share = _steps(explained)["share"]
    unit = _unit(explained, language)
    if share["met"] is None:
        return NO_TARGET.told(language).format(**share, unit=unit)
    shown = _percent(share["joint"], share["training"], share["target"])
    return (MET if share["met"] else MISSED).told(language).format(**share, share=shown, unit=unit)


def _percent(part: str | int, whole: str | int, least: str) -> Decimal:
    """Round to tenths, but never up to the least percentage for whoever has missed it."""
    exact = Decimal(part) * 100 / Decimal(whole)
    near = exact.quantize(TENTH, ROUND_HALF_UP)
    return exact.quantize(TENTH, ROUND_DOWN) if exact < Decimal(least) <= near else near


def _steps(explained: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    # A learner in several pairs has several steps of a name in a month; its sentence reads only `share`.
    return {step["step"]: step for step in explained["steps"]}


def _unit(explained: Mapping[str, Any], language: Language) -> str:
    return named(explained["outcome"]["unit"], language)
