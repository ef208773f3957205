"""What the screen says by itself, in English and Chinese; reasons for a "no" come from the rules."""

from typing import Final

from attendance.reasons import TEXTS as REASONS
from attendance.reasons import Text

TEXTS: Final[dict[str, Text]] = {
    "page": Text("Check-in", "培训签到"),
    "picture": Text("Live picture of the camera", "摄像头实时画面"),
    "no_picture": Text("No picture from the camera", "摄像头没有画面"),
    "languages": Text("Language", "语言"),
    "starting": Text("Getting ready", "正在准备"),
    "starting_more": Text("One moment, please.", "请稍候。"),
    # Waiting.
    "badge_or_face": Text("Show your badge or look here", "请出示工牌或看镜头"),
    "badge": Text("Show your badge", "请出示工牌"),
    # An answer about a person.
    "green_in": Text("You are checked in", "签到成功"),
    "green_out": Text("You are checked out", "签退成功"),
    "amber_in": Text("Recorded, to be confirmed", "已记录，待确认"),
    "amber_out": Text("Recorded, to be confirmed", "已记录，待确认"),
    "amber_more": Text("Your check-in is safe. A trainer will confirm it.", "您的记录已保存，培训师会确认。"),
    "red_in": Text("Not checked in", "签到未成功"),
    "red_out": Text("Not checked out", "签退未成功"),
    "red_more": Text("This check-in was not accepted. Please ask the trainer.", "签到未被接受。请联系培训师。"),
    "go_to": Text("Please go to {room} and check in there.", "请到“{room}”签到。"),
    "in": Text("Arriving", "到场"),
    "out": Text("Leaving", "离开"),
    "recorded": Text("Recorded here", "本机已记录"),
    "delivered": Text("Recorded and received", "已记录并送达"),
    # An answer that needs something of the person.
    "ask_badge": Text("Please show your badge", "请出示工牌"),
    "ask_badge_more": Text("We are not sure who you are. Nothing was stored.", "无法确认您的身份。没有保存任何信息。"),
    "one_badge": Text("One badge at a time, please", "请一次只出示一张工牌"),
    "one_badge_more": Text("There are several badges in the picture.", "画面中有多张工牌。"),
    "not_a_badge": Text("This is not a training badge", "这不是培训工牌"),
    "not_a_badge_more": Text("Please show the code on your training badge.", "请出示培训工牌上的二维码。"),
    "ask_direction": Text("Are you arriving or leaving?", "您是到场还是离开？"),
    "choose_in": Text("I am arriving", "到场签到"),
    "choose_out": Text("I am leaving", "离开签退"),
    # What is wrong with the station, and what that means for the person in front of it.
    "offline": Text(
        "No network. Check-ins are recorded here and will be sent.", "网络已断开。签到保存在本机，恢复后自动发送。"
    ),
    "offline_waiting": Text("Waiting to be sent: {count}", "待发送：{count}"),
    "no_roster": Text(
        "No roster yet. Badges are recorded and confirmed later.", "尚未收到名单。工牌签到会先记录，稍后确认。"
    ),
    "old_roster": Text(
        "The roster is out of date. Badges are recorded and confirmed later.",
        "名单已过期。工牌签到会先记录，稍后确认。",
    ),
}
TROUBLES: Final[dict[str, Text]] = {
    "camera_lost": Text(
        "The camera is not working. Please check in with the trainer.", "摄像头无法使用。请到培训师处签到。"
    ),
    "outbox_failed": Text(
        "This station cannot record check-ins now. Please check in with the trainer.",
        "本机现在无法保存签到记录。请到培训师处签到。",
    ),
    "disk_full": Text(
        "This station has no room for check-ins. Please check in with the trainer.", "本机存储已满。请到培训师处签到。"
    ),
    "numbers_differ": Text(
        "This station's records do not match the gateway's. Please check in with the trainer.",
        "本机记录与服务器不一致。请到培训师处签到。",
    ),
    "device_revoked": Text(
        "This station is out of service. Please check in with the trainer.", "本机已停用。请到培训师处签到。"
    ),
}
ANY_TROUBLE: Final = Text(
    "This station has a problem. Please check in with the trainer.", "本机出现故障。请到培训师处签到。"
)
ROLES: Final[dict[str, Text]] = {
    "clerk": Text("Clerk", "文员"),
    "reserve_manager": Text("Reserve manager", "储备经理"),
    "trainer": Text("Trainer", "培训师"),
}


def reason(code: str | None) -> Text | None:
    """Look up the sentence of a reason, flag or hint; a code of a newer gateway has none."""
    return next((text for known, text in REASONS.items() if known == code), None)


def go_to(room: str) -> Text:
    told = TEXTS["go_to"]
    return Text(told.en.format(room=room), told.zh.format(room=room))


def offline(waiting: int) -> Text:
    told, count = TEXTS["offline"], TEXTS["offline_waiting"]
    if not waiting:
        return told
    return Text(
        f"{told.en} {count.en.format(count=waiting)}",
        f"{told.zh} {count.zh.format(count=waiting)}",
    )
