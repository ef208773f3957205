"""The sample day as data: who comes to the door when, with what, and what the kiosk should tell them."""

from dataclasses import dataclass
from typing import Literal

Picture = Literal["badge", "hopper", "astronaut"]
Mishap = Literal["network cut", "power cut", "network mended"]


@dataclass(frozen=True, slots=True)
class Scene:
    """Somebody before the camera."""

    at: str
    told: str
    told_zh: str
    picture: Picture
    badge: str = ""
    """Whose badge, as in `Company.badges`."""
    expect: str = "green"
    """The kind of the answer, or for red the reason."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens to the kiosk."""

    at: str
    told: str
    told_zh: str
    mishap: Mishap


def _badge(at: str, told: str, told_zh: str, who: str, expect: str = "green") -> Scene:
    return Scene(at, told, told_zh, "badge", who, expect)


DAY: tuple[Scene | Event, ...] = (
    _badge("08:50", "Ann, a clerk, shows her badge", "文员李安出示工牌", "ann"),
    Scene("08:52", "Bo, a reserve manager, is recognised", "储备经理王博刷脸签到", "hopper"),
    _badge("08:53", "Chen comes by badge", "陈晨出示工牌", "chen"),
    _badge("08:55", "Dana comes by badge", "戴娜出示工牌", "dana"),
    _badge("08:55:30", "Dana scans once more", "戴娜又扫了一次", "dana"),
    Scene("08:58", "A passer-by looks in; nothing is kept", "路人经过，不留任何记录", "astronaut", expect="ask_badge"),
    _badge("09:00", "Gina is not on this roster", "葛娜不在名单上", "gina", "not_on_roster"),
    _badge("09:01", "A badge of another company", "其他公司的工牌", "stranger", "unknown_badge"),
    _badge("09:02", "Eli still carries the badge he had lost", "易力用了已挂失的旧工牌", "eli, old", "revoked_badge"),
    _badge("09:03", "Eli's new badge", "易力换用新工牌", "eli"),
    _badge("09:04", "Fang comes by badge", "方芳出示工牌", "fang"),
    _badge("09:20", "Hugo is late", "胡谷迟到", "hugo"),
    Event("09:58", "The kiosk's network is cut", "签到机断网", "network cut"),
    _badge("10:05", "Ines checks in offline", "尹思在断网时签到", "ines"),
    _badge("10:06", "Jun checks in offline", "金军在断网时签到", "jun"),
    Event("10:08", "And its power fails", "随后断电", "power cut"),
    Event("10:12", "Both are back; what waited is sent", "电力和网络恢复，补传记录", "network mended"),
    _badge("12:00", "Ann leaves", "李安签退", "ann"),
    Scene("12:01", "Bo leaves", "王博签退", "hopper"),
    _badge("12:01:30", "Chen leaves", "陈晨签退", "chen"),
    _badge("12:02", "Dana leaves", "戴娜签退", "dana"),
    _badge("12:02:30", "Eli leaves", "易力签退", "eli"),
    _badge("12:03", "Hugo leaves", "胡谷签退", "hugo"),
    _badge("12:03:30", "Ines leaves", "尹思签退", "ines"),
    _badge("12:04", "Jun leaves; Fang forgets to", "金军签退；方芳忘了签退", "jun"),
    _badge("13:20", "Chen is back for the afternoon", "陈晨下午签到", "chen"),
    _badge("13:25", "Dana too", "戴娜下午签到", "dana"),
    _badge("15:30", "Chen leaves", "陈晨签退", "chen"),
    _badge("15:31", "Dana leaves", "戴娜签退", "dana"),
)
SETTLED = "16:05"
"""Both windows have closed by then."""
