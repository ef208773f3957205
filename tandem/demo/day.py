"""The sample day as data: who does what when, and what they should be told."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from attendance.direction import Direction

Picture = Literal["badge", "hopper", "astronaut"]
Happening = Literal["network cut", "network mended", "power cut", "power back", "evening"]
Errand = Literal["hand in", "joint report", "accept", "decide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One moment of the day, in words for the audience."""

    at: str
    told: str
    told_zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene(Part):
    """Somebody before the camera of the kiosk."""

    picture: Picture
    badge: str = ""
    """Whose badge, as in `Company.badges`."""
    expect: str = "green"
    """The kind of the answer, or for red the reason."""
    chooses: Direction | None = None
    """What they touch when the screen asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Part):
    """Somebody with a phone before the session's code."""

    who: str
    slow: bool = False
    """Signs in only when the code on the wall has changed twice."""
    forwarded: bool = False
    """Does not stand before it, but was sent a picture of it a while ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Part):
    """Something that happens to the kiosk, or to the company."""

    what: Happening


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed(Part):
    """Something that somebody does in a browser."""

    who: str
    what: Errand


def _badge(at: str, told: str, told_zh: str, who: str, expect: str = "green", **more: Direction) -> Scene:
    return Scene(
        at=at, told=told, told_zh=told_zh, picture="badge", badge=who, expect=expect, chooses=more.get("chooses")
    )


def _face(at: str, told: str, told_zh: str, picture: Picture, expect: str = "green") -> Scene:
    return Scene(at=at, told=told, told_zh=told_zh, picture=picture, expect=expect)


def _event(at: str, told: str, told_zh: str, what: Happening) -> Event:
    return Event(at=at, told=told, told_zh=told_zh, what=what)


def _deed(at: str, told: str, told_zh: str, who: str, what: Errand) -> Deed:
    return Deed(at=at, told=told, told_zh=told_zh, who=who, what=what)


def _call(at: str, told: str, told_zh: str, who: str, **more: bool) -> Call:
    return Call(at=at, told=told, told_zh=told_zh, who=who, **more)


DAY: tuple[Scene | Call | Event | Deed, ...] = (
    _badge("08:50", "Ann, a clerk, shows her badge", "文员李安出示工牌", "ann"),
    _face("08:52", "Bo, a reserve manager, is recognised", "储备经理王博刷脸签到", "hopper"),
    _badge("08:53", "Chen comes by badge", "陈晨出示工牌", "chen"),
    _call("08:54", "Kai scans the code; signing in takes a while", "康凯扫码，登录较慢", "kai", slow=True),
    _badge("08:55", "Dana comes by badge", "戴娜出示工牌", "dana"),
    _badge("08:55:30", "Dana scans once more", "戴娜又扫了一次", "dana"),
    _call("08:56", "Lin comes by phone", "林琳手机签到", "lin"),
    _call("08:57", "Gina was sent a picture of the code", "葛娜收到转发的二维码", "gina", forwarded=True),
    _face("08:58", "A passer-by looks in; nothing is kept", "路人经过，不留任何记录", "astronaut", "ask_badge"),
    _badge("09:00", "Gina is not on this roster", "葛娜不在名单上", "gina", "not_on_roster"),
    _badge("09:01", "A badge of another company", "其他公司的工牌", "stranger", "unknown_badge"),
    _badge("09:02", "Eli still carries the badge he had lost", "易力用了已挂失的旧工牌", "eli, old", "revoked_badge"),
    _badge("09:03", "Eli's new badge", "易力换用新工牌", "eli"),
    _badge("09:04", "Fang comes by badge", "方芳出示工牌", "fang"),
    _badge("09:20", "Hugo is late", "胡谷迟到", "hugo"),
    _event("09:58", "The kiosk's network is cut", "签到机断网", "network cut"),
    _badge("10:05", "Ines checks in offline", "尹思在断网时签到", "ines"),
    _badge("10:06", "Jun checks in offline", "金军在断网时签到", "jun"),
    _event("10:08", "And its power fails", "随后断电", "power cut"),
    _event("10:11", "The network is back", "网络恢复", "network mended"),
    _event("10:12", "And the power; what waited is sent", "电力恢复，补传记录", "power back"),
    _deed("10:20", "Ann hands in the order entry", "李安提交订单录入", "ann", "hand in"),
    _event("10:30:01", "Bo has not started: both are told", "王博尚未开始，已通知双方", "evening"),
    _event("11:30:01", "Bo's part is past due: both are told", "王博的部分逾期，已通知双方", "evening"),
    _badge("12:00", "Ann leaves", "李安签退", "ann"),
    _face("12:01", "Bo leaves", "王博签退", "hopper"),
    _badge("12:01:30", "Chen leaves", "陈晨签退", "chen"),
    _badge("12:02", "Dana leaves", "戴娜签退", "dana"),
    _badge("12:02:30", "Eli leaves", "易力签退", "eli"),
    _badge("12:03", "Hugo leaves", "胡谷签退", "hugo"),
    _badge("12:03:30", "Ines leaves; Fang and Jun forget to", "尹思签退；方芳和金军忘了签退", "ines"),
    _call("12:05", "Kai leaves by phone", "康凯手机签退", "kai"),
    _call("12:06", "Lin leaves by phone", "林琳手机签退", "lin"),
    _badge("13:20", "Chen is back for the afternoon", "陈晨下午签到", "chen"),
    _badge("13:25", "Dana too", "戴娜下午签到", "dana"),
    _deed("13:40", "Bo hands in the optimisation, within grace", "王博在宽限期内提交优化方案", "bo", "hand in"),
    _deed("13:50", "The trainer accepts both parts", "培训师通过两个部分", "tao", "accept"),
    _deed("14:00", "Ann hands in the joint report", "李安提交联合报告", "ann", "joint report"),
    _deed("14:10", "The trainer accepts it", "培训师通过联合报告", "tao", "accept"),
    _badge("14:20", "Chen is asked, and goes out", "陈晨被询问，选择离开", "chen", chooses="out"),
    _event("14:30", "The network is cut again", "再次断网", "network cut"),
    _badge("14:35", "Chen is back, recorded offline", "陈晨回来，离线记录", "chen", chooses="in"),
    _badge("15:30", "Chen leaves, offline", "陈晨离线签退", "chen"),
    _badge("15:31", "Dana leaves, offline", "戴娜离线签退", "dana"),
    _event("16:05", "Hours are credited without what the kiosk still holds", "先按已有记录结算学时", "evening"),
    _event("16:20", "The network is back: Chen's hours are corrected", "网络恢复，更正陈晨的学时", "network mended"),
    _deed("16:30", "The trainer decides when Fang left", "培训师认定方芳的离开时间", "tao", "decide"),
)
SETTLED = "16:45"

TASK_HOURS = {
    ("ann", "credit"): Decimal(3),
    ("ann", "bonus"): Decimal("0.3"),
    ("bo", "credit"): Decimal(4),
    ("bo", "bonus"): Decimal("0.4"),
}
"""What the joint task gives by the table of the rules: 2 + 1 and 3 + 1, and a tenth for completing all that was due."""
DECIDED = ("fang", "12:00")
"""When the trainer found out that Fang had left."""
