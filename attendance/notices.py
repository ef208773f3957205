"""Notices say who is told about a lag, and what."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from attendance.instant import utc
from attendance.lag import Lag, LagKind
from attendance.progress import Completion
from attendance.reasons import Text
from attendance.task import JointTask

TRAINER = "trainer"

Told = Literal["one", "partner", "both", "trainer"]  # both: of the joint part, where nobody is `one`

TEXTS: dict[tuple[LagKind, Told], Text] = {
    ("ready", "one"): Text(
        "Your partner has finished {theirs}; please finish {part} to prepare the joint task.",
        "您的搭档已完成“{theirs}”，请完成“{part}”，为联合任务做好准备。",
    ),
    ("not_started", "partner"): Text(
        "{one} has not started {part} yet, please wait.",
        "{one}尚未开始“{part}”，请稍候。",
    ),
    ("not_started", "one"): Text(
        "Please start {part}: your partner is under way, and there is time until {due}.",
        "请开始“{part}”：您的搭档已经开始，截止时间为{due}。",
    ),
    ("behind", "partner"): Text(
        "{one} is behind in the course for {part}; please adjust your time and help.",
        "{one}在“{part}”的课程中进度落后，请调整时间并给予帮助。",
    ),
    ("behind", "one"): Text(
        "You have done {done} of {of} of the course for {part}{missing}. Please catch up.",
        "“{part}”的课程您已完成 {done}/{of}{missing}。请尽快补上。",
    ),
    ("overdue", "one"): Text(
        "{part} is past due. Please hand it in: there is time until {until}, or {lose}.",
        "“{part}”已逾期。请在{until} 之前提交，否则{lose}。",
    ),
    ("overdue", "partner"): Text(
        "{one} is past due with {part}. There is time until {until}, or {lose}. Please wait.",
        "{one}的“{part}”已逾期，须在{until} 之前提交，否则{lose}。请稍候。",
    ),
    ("overdue", "both"): Text(
        "{part} is past due. Please hand it in together: there is time until {until}, or {lose}.",
        "“{part}”已逾期。请共同在{until} 之前提交，否则{lose}。",
    ),
    ("forfeited", "one"): Text(
        "The time for {part} is over: {lost}. Your trainer has been told.",
        "“{part}”的提交时间已过：{lost}。已通知培训师。",
    ),
    ("forfeited", "partner"): Text(
        "{one} did not hand in {part} in time: {lost}. Your own part is not affected.",
        "{one}未按时提交“{part}”：{lost}。您自己的部分不受影响。",
    ),
    ("forfeited", "both"): Text(
        "The time for {part} is over: {lost}. Your own parts are not affected. Your trainer has been told.",
        "“{part}”的提交时间已过：{lost}。双方各自的部分不受影响。已通知培训师。",
    ),
    ("forfeited", "trainer"): Text(
        "{task}: {part} by {one} was not handed in in time: {lost}. If there was a good reason, move its due date.",
        "“{task}”：{one}未按时提交“{part}”：{lost}。如有正当理由，请调整截止时间。",
    ),
    ("cleared", "one"): Text(
        "The delay with {part} is over; your partner has been told.", "“{part}”的延误已解除，已通知您的搭档。"
    ),
    ("cleared", "partner"): Text("The delay of {one} with {part} is over.", "{one}在“{part}”上的延误已解除。"),
    ("cleared", "both"): Text("The delay with {part} is over.", "“{part}”的延误已解除。"),
}
COUNTS_AGAIN = Text("{part} counts again; what was lost can still be earned.", "“{part}”恢复有效，仍可获得学时。")

BOTH_LOSE = Text("both lose hours", "双方都将失去学时")
ITS_HOURS = Text("its hours are lost", "该部分不计学时")
JOINT_LOST = Text("its hours are lost for both", "双方均不计该部分学时")
ALL_LOST = Text("its hours are lost, and those of the joint part for both", "该部分不计学时，双方的联合部分也不计学时")
PAIR = Text("{one} and {partner}", "{one}与{partner}")

NEAR = {-1: Text("yesterday", "昨天"), 0: Text("today", "今天"), 1: Text("tomorrow", "明天")}
PLACE = re.compile(r"{(\w+)}")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One text for one person; `{one}` and `{partner}` in it stand for names, filled in only when it is shown."""

    to: str  # a learner's id, or "trainer"
    kind: LagKind
    text: Text
    key: str  # one for each change of state and person, so that nobody is told twice
    one: str  # learner ids
    partner: str

    def named(self, *, one: str, partner: str) -> Text:
        return filled(self.text, one=one, partner=partner)


def notices(lag: Lag, task: JointTask, *, now: datetime, zone: str) -> tuple[Notice, ...]:
    """Say who is told about a lag that is announced or cleared; `zone` is where its times are read."""
    one = lag.who or task.pair.learners[0].id
    partner = task.pair.partner(one).id
    words = _words(lag, task, now=now, zone=zone)
    return tuple(
        Notice(to=to, kind=lag.kind, text=filled(text, **words), key=f"{lag.key}/{to}", one=one, partner=partner)
        for to, text in _addressed(lag, one, partner)
    )


def filled(text: Text, **words: str | Text) -> Text:
    """Put words in their places; places that are not named stay open, and braces inside a word mean nothing."""
    both = {name: word if isinstance(word, Text) else Text(word, word) for name, word in words.items()}
    return Text(
        PLACE.sub(lambda place: both[place[1]].en if place[1] in both else place[0], text.en),
        PLACE.sub(lambda place: both[place[1]].zh if place[1] in both else place[0], text.zh),
    )


def when(instant: datetime, *, now: datetime, zone: str) -> Text:
    """Say when something is, as people in that zone say it: "18:00 tomorrow"."""
    there = ZoneInfo(zone)
    local, today = utc(instant).astimezone(there), utc(now).astimezone(there).date()
    clock, day = f"{local:%H:%M}", local.date()
    days = (day - today).days
    if days in NEAR:
        return Text(f"{clock} {NEAR[days].en}", f"{NEAR[days].zh} {clock}")
    year = Text("", "") if day.year == today.year else Text(f" {day.year}", f"{day.year}年")
    return Text(f"{clock} on {day.day} {MONTHS[day.month - 1]}{year.en}", f"{year.zh}{day.month}月{day.day}日 {clock}")


def _addressed(lag: Lag, one: str, partner: str) -> Iterator[tuple[str, Text]]:
    people: tuple[tuple[Told, str], ...] = (("one", one), ("partner", partner))
    if lag.who is None:
        people = (("both", one), ("both", partner))
    for told, to in (*people, ("trainer", TRAINER)):
        if text := TEXTS.get((lag.kind, told)):
            yield to, COUNTS_AGAIN if lag.was == "forfeited" else text


def _words(lag: Lag, task: JointTask, *, now: datetime, zone: str) -> dict[str, str | Text]:
    part = next(part for part in task.parts if part.id == lag.part)
    words: dict[str, str | Text] = {
        "task": task.title,
        "part": part.title,
        "due": when(part.due, now=now, zone=zone),
        "lose": BOTH_LOSE if lag.both_lose else ITS_HOURS,
        "lost": _lost(lag),
    }
    if lag.who is None:
        words["one"] = PAIR
    else:
        words["theirs"] = task.part_of(task.pair.partner(lag.who).id).title
    if lag.until:
        words["until"] = when(lag.until, now=now, zone=zone)
    if lag.completion:
        words |= {"done": str(lag.completion.done), "of": str(lag.completion.of), "missing": _missing(lag.completion)}
    return words


def _lost(lag: Lag) -> Text:
    if lag.who is None:
        return JOINT_LOST
    return ALL_LOST if lag.both_lose else ITS_HOURS


def _missing(completion: Completion) -> Text:
    if not completion.missing:
        return Text("", "")
    return Text(
        f" (missing: {', '.join(text.en for text in completion.missing)})",
        f"（尚缺：{'、'.join(text.zh for text in completion.missing)}）",
    )
