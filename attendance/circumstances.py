"""What decided how many minutes count, beside coming and going on time: one short sentence for each."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from attendance.instant import SECOND
from attendance.reasons import Language, Text
from attendance.span import Span, length, merged, without

Steps = Mapping[str, Mapping[str, Any]]

ARRIVED_IN_GRACE = Text(
    "Arrived at {at}, within {grace} of the start: counted from the start.",
    "{at} 到场，迟到不超过 {grace}，从开始起计。",
)
ARRIVED_LATE = Text(
    "Arrived at {at}, more than {grace} after the start: counted from then.",
    "{at} 到场，迟到超过 {grace}，从到场起计。",
)
ARRIVED_AFTER = Text("Arrived at {at}, after the start: counted from then.", "{at} 到场，晚于开始，从到场起计。")
LEFT_IN_GRACE = Text(
    "Left at {at}, within {grace} of the end: counted to the end.",
    "{at} 离开，早退不超过 {grace}，计至结束。",
)
LEFT_EARLY = Text(
    "Left at {at}, more than {grace} before the end: counted until then.",
    "{at} 离开，早退超过 {grace}，计至离开。",
)
LEFT_BEFORE = Text("Left at {at}, before the end: counted until then.", "{at} 离开，早于结束，计至离开。")
NO_CHECK_OUT = Text(
    "There is no check-out; in this session time then counts to the end.", "没有签退，按本场规定计至结束。"
)
OUTSIDE = Text("Was there only before the start or after the end.", "只在开始前或结束后到场。")
AWAY = Text("Away for {away} in between, breaks left out: not counted.", "中间离开 {away}（不含休息），不计。")
ONLY_BREAK = Text("All of that time was break.", "到场时间均为休息时间。")
OVERLAP = Text("{taken} count for another session at the same time.", "其中 {taken}计入同时进行的另一场培训。")
ANSWERED = Text("Presence checks answered: {asked} of {asked}.", "在场询问 {asked} 次，均已回答。")
VOUCHED = Text(
    "Asked at {at} without an answer; a trainer vouched for the presence.", "{at} 询问时未回答，由培训师确认在场。"
)
MISSED = Text("Asked at {at} without an answer in time.", "{at} 询问时未及时回答。")
PROVEN = Text("Presence is proven until {until}.", "可确认在场至 {until}。")
VOIDED = Text("Check-ins that a trainer has taken out: {facts}.", "培训师撤销的签到记录：{facts} 条。")
DECIDED = Text("A trainer decided on a time that was missing.", "其中缺少的时间由培训师确认。")


def circumstances(explained: Mapping[str, Any], steps: Steps, language: Language) -> list[str]:
    """Tell them in the order in which they decided; an ordinary attendance has none."""
    inputs = explained["inputs"]
    told = (
        *_coming_and_going(inputs, steps, language),
        *_net(inputs, steps, language),
        *unanswered(explained, steps, language),
        *_decided(inputs, steps),
    )
    return [text.told(language) for text in told]


def unanswered(explained: Mapping[str, Any], steps: Steps, language: Language) -> Iterator[Text]:
    """Say what became of presence checks."""
    step = steps.get("presence_checks")
    if not step or not step["asked"]:
        return
    if not step["missed"]:
        yield filled(ANSWERED, asked=step["asked"])
        return
    zone = explained["inputs"]["zone"]
    yield filled(VOUCHED if step["vouched"] else MISSED, at=_clock(_instant(step["missed_at"]), zone))
    if step["proven_until"] and not step["vouched"]:
        yield filled(PROVEN, until=_clock(_instant(step["proven_until"]), zone))


def filled(text: Text, **words: object) -> Text:
    """Put the same words into both languages."""
    return Text(text.en.format(**words), text.zh.format(**words))


def _coming_and_going(inputs: Mapping[str, Any], steps: Steps, language: Language) -> Iterator[Text]:
    grace, zone = steps.get("grace", {}), inputs["zone"]
    if "arrived" not in grace:
        if steps.get("pair", {}).get("visits"):
            yield OUTSIDE
        return
    allowed = _lasting(inputs["grace_seconds"], language)
    arrived, left = _instant(grace["arrived"]), _instant(grace["left"])
    if arrived > _instant(inputs["starts_at"]):
        late = ARRIVED_LATE if inputs["grace_seconds"] else ARRIVED_AFTER
        found = late if arrived == _instant(grace["counted_from"]) else ARRIVED_IN_GRACE
        yield filled(found, at=_clock(arrived, zone), grace=allowed)
    if left < _instant(inputs["ends_at"]):
        early = LEFT_EARLY if inputs["grace_seconds"] else LEFT_BEFORE
        found = early if left == _instant(grace["counted_to"]) else LEFT_IN_GRACE
        yield filled(found, at=_clock(left, zone), grace=allowed)
    if steps["pair"]["missing_out"] == "session_end":
        yield NO_CHECK_OUT


def _net(inputs: Mapping[str, Any], steps: Steps, language: Language) -> Iterator[Text]:
    if "arrived" not in steps.get("grace", {}):
        return
    there = steps["breaks"]["seconds"]
    if away := _scheduled(inputs, steps["grace"]) - there:
        yield filled(AWAY, away=_lasting(away, language))
    if not there:
        yield ONLY_BREAK
    if taken := there - steps["overlaps"]["seconds"]:
        yield filled(OVERLAP, taken=_lasting(taken, language))


def _decided(inputs: Mapping[str, Any], steps: Steps) -> Iterator[Text]:
    if "voided" in steps:
        yield filled(VOIDED, facts=steps["voided"]["facts"])
    if any(decision["at"] for decision in inputs.get("decisions", ())):
        yield DECIDED


def _scheduled(inputs: Mapping[str, Any], grace: Mapping[str, Any]) -> int:
    """Count the seconds between coming and going that are no break."""
    pauses = merged(Span(_instant(since), _instant(until)) for since, until in inputs["breaks"])
    whole = Span(_instant(grace["counted_from"]), _instant(grace["counted_to"]))
    return length(without([whole], pauses)) // SECOND


def _instant(written: str) -> datetime:
    return datetime.fromisoformat(written)


def _clock(instant: datetime, zone: str) -> str:
    local = instant.astimezone(ZoneInfo(zone))
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def _lasting(seconds: int, language: Language) -> str:
    minutes, rest = divmod(seconds, 60)
    named = ((minutes, Text("min", "分钟")), (rest, Text("s", "秒")))
    return " ".join(f"{some} {unit.told(language)}" for some, unit in named if some)
