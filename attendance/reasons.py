"""Every "no", note and hint has a code, and a sentence in English and in Chinese that says what to do."""

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]

Reason = Literal[
    "not_on_roster",
    "no_session_now",
    "too_early",
    "session_over",
    "session_cancelled",
    "wrong_room",
    "unknown_badge",
    "revoked_badge",
    "expired_code",
    "staff_elsewhere",
    "method_not_allowed",
    "assurance_too_low",
    "no_consent",
]
Flag = Literal["time_uncertain", "time_corrected", "shared_phone", "offline", "late"]
Hint = Literal["already_in", "not_in"]
ReviewReason = Literal["time_uncertain", "out_without_in", "missing_out", "missed_presence_check"]
Code = Reason | Flag | Hint | ReviewReason


@dataclass(frozen=True, slots=True)
class Refused:
    reason: Reason


@dataclass(frozen=True, slots=True)
class Text:
    en: str
    zh: str

    def told(self, language: Language) -> str:
        return self.en if language == "en" else self.zh


TEXTS: dict[Code, Text] = {
    "not_on_roster": Text(
        "You are not on the roster of this session. Please ask the trainer to add you, then check in again.",
        "您不在本场培训的名单上。请让培训师把您加入名单，然后重新签到。",
    ),
    "no_session_now": Text(
        "There is no session for you now. Please look up the time and room in your training plan.",
        "现在没有您的培训。请在培训计划中查看时间和教室。",
    ),
    "too_early": Text(
        "Check-in is not open yet. Please come back closer to the start of your session.",
        "签到尚未开始。请在临近开课时再来签到。",
    ),
    "session_over": Text(
        "This session is over. If you were there, please ask the trainer to enter your attendance.",
        "本场培训已经结束。如果您参加了，请让培训师为您补登考勤。",
    ),
    "session_cancelled": Text(
        "This session has been cancelled. Please ask the trainer when it will be held instead.",
        "本场培训已取消。请向培训师询问补课时间。",
    ),
    "wrong_room": Text(
        "Your session is not in this room. Please go to the room in your training plan and check in there.",
        "您的培训不在这个教室。请到培训计划中的教室签到。",
    ),
    "unknown_badge": Text(
        "We do not know this badge. Please show the badge you use for training, or ask at the desk for one.",
        "无法识别这张工牌。请出示您的培训工牌，或到服务台办理。",
    ),
    "revoked_badge": Text(
        "This badge is no longer valid. Please use your new badge, or ask at the desk for one.",
        "这张工牌已作废。请使用新工牌，或到服务台办理。",
    ),
    "expired_code": Text(
        "This code has expired. Please use the one that is on the screen now.",
        "这个码已过期。请使用屏幕上当前显示的码。",
    ),
    "staff_elsewhere": Text(
        "This staff badge is not for this place. Please show your own badge, or ask the trainer of this session.",
        "这张工作人员证不适用于此处。请出示您自己的工牌，或请本场培训师签到。",
    ),
    "method_not_allowed": Text(
        "This session does not take this way of checking in. Please show your badge at the desk.",
        "本场培训不接受这种签到方式。请到服务台出示工牌签到。",
    ),
    "assurance_too_low": Text(
        "This session needs a surer proof that it is you. Please show your badge at the desk to the trainer.",
        "本场培训需要更可靠的身份确认。请到服务台向培训师出示工牌。",
    ),
    "no_consent": Text(
        "You have not agreed to face recognition, so it is not used for you. Please show your badge.",
        "您没有同意使用人脸识别，因此不会对您使用。请出示工牌签到。",
    ),
    "time_uncertain": Text(
        "Your check-in is recorded, but the clock could not be trusted. A trainer will confirm the time.",
        "您的签到已记录，但时钟可能不准。培训师会确认时间。",
    ),
    "time_corrected": Text(
        "The clock was wrong when your check-in was recorded; its time has been corrected since. Please tell the "
        "trainer if it is not when you came or left.",
        "记录签到时本机时钟不准，时间现已更正。如果与您到场或离开的时间不符，请告诉培训师。",
    ),
    "shared_phone": Text(
        "This phone has checked in other people too. A trainer may ask you about it.",
        "这部手机也为其他人签到过。培训师可能会向您核实。",
    ),
    "offline": Text(
        "Your check-in is recorded here and will be sent as soon as the network is back. You need do nothing.",
        "您的签到已保存在本机，网络恢复后会自动发送。您无需任何操作。",
    ),
    "late": Text(
        "You are checked in, and you are late: your time counts from your arrival. Please go straight in.",
        "签到成功，但您迟到了：时间从到场时开始计算。请直接入场。",
    ),
    "already_in": Text(
        "You are checked in already; there is nothing more to do. Please check out when you leave.",
        "您已经签到，无需再次操作。离开时请签退。",
    ),
    "not_in": Text(
        "We have no check-in from you. If you were there from the start, please tell the trainer.",
        "没有您的签到记录。如果您一直在场，请告诉培训师。",
    ),
    "out_without_in": Text(
        "There is a check-out but no check-in before it. A trainer decides which time counts; please tell them "
        "when you came.",
        "只有签退，之前没有签到。由培训师决定计入的时间；请告诉培训师您到场的时间。",
    ),
    "missing_out": Text(
        "There is a check-in but no check-out after it. A trainer decides which time counts; please tell them "
        "when you left.",
        "只有签到，之后没有签退。由培训师决定计入的时间；请告诉培训师您离开的时间。",
    ),
    "missed_presence_check": Text(
        "You were asked whether you were still there, and no answer came in time. A trainer decides which time "
        "counts; please tell them if you were there.",
        "系统曾询问您是否在场，但没有及时收到回答。由培训师决定计入的时间；如果您当时在场，请告诉培训师。",
    ),
}


def text(code: Code, language: Language) -> str:
    return TEXTS[code].told(language)
