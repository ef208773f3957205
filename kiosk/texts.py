"""What the screen says by itself, in English and Chinese; reasons for a "no" come from the rules."""

from typing import Final

from attendance.reasons import TEXTS as REASONS
from attendance.reasons import Text
from kiosk.faces.enrolling import End
from kiosk.faces.liveness import Guide
from kiosk.faces.portraits import Flaw

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
    "partner_in": Text("Your partner {name} is here", "您的搭档{name}已在场"),
    "partner_left": Text("Your partner {name} has left", "您的搭档{name}已离开"),
    "partner_expected": Text("Your partner {name} has not checked in here yet", "您的搭档{name}尚未在此签到"),
    # An answer that needs something of the person.
    "ask_badge": Text("Please show your badge", "请出示工牌"),
    "ask_badge_more": Text("We are not sure who you are. Nothing was stored.", "无法确认您的身份。没有保存任何信息。"),
    "one_badge": Text("One badge at a time, please", "请一次只出示一张工牌"),
    "one_badge_more": Text("There are several badges in the picture.", "画面中有多张工牌。"),
    "not_a_badge": Text("This is not a training badge", "这不是培训工牌"),
    "not_a_badge_more": Text("Please show the code on your training badge.", "请出示培训工牌上的二维码。"),
    "staff": Text("Check people in", "为学员签到"),
    "staff_more": Text(
        "Touch a name, or let people show their badges. This ends after a minute.",
        "请点选姓名，或让学员出示工牌。一分钟后自动结束。",
    ),
    "ask_direction": Text("Are you arriving or leaving?", "您是到场还是离开？"),
    "choose_in": Text("I am arriving", "到场签到"),
    "choose_out": Text("I am leaving", "离开签退"),
    "look_here": Text("Now look here, please", "请看镜头"),
    "look_here_more": Text(
        "This session checks your face beside your badge. Look into the camera.",
        "本场培训需要同时核对工牌和人脸。请看镜头。",
    ),
    # What a member of staff sees.
    "staff_left": Text("Closes by itself in {seconds} s", "{seconds} 秒后自动关闭"),
    "staff_nobody": Text("No session is open in this room now.", "本教室现在没有进行中的培训。"),
    "staff_in": Text("Check in", "签到"),
    "staff_out": Text("Check out", "签退"),
    "staff_end": Text("Close the list", "关闭名单"),
    "pin": Text("Type your PIN", "请输入密码"),
    "pin_wrong": Text("That was not the right PIN.", "密码不正确。"),
    "pin_wait": Text("Too many wrong tries. Please wait {seconds} s.", "错误次数过多，请等待 {seconds} 秒。"),
    "pin_delete": Text("Delete", "删除"),
    "pin_done": Text("Open", "打开"),
    "expected": Text("not here yet", "尚未到场"),
    "inside": Text("here", "在场"),
    "left": Text("has left", "已离开"),
    "enrol": Text("Enrol face", "登记人脸"),
    "enrol_again": Text("Enrol face anew", "重新登记人脸"),
    "enrolling": Text("Enrolling a face", "正在登记人脸"),
    "enrolling_more": Text(
        "Look straight into the camera. No picture is kept, only numbers that describe the face.",
        "请正视镜头。不保存照片，只保存描述人脸的数字。",
    ),
    "good_frames": Text("Good pictures: {good} of {of}", "合格画面：{good}/{of}"),
    "others": Text("It is enrolled for: {names}", "已登记在此人名下：{names}"),
    "somebody_else": Text("somebody who is not on today's lists", "不在今日名单上的人"),
    "enrol_anyway": Text("It is another person: enrol anyway", "确认不是同一人，仍然登记"),
    "enrol_stop": Text("Stop", "停止"),
    "enrol_back": Text("Back to the list", "返回名单"),
    # Before the station can work.
    "not_registered": Text("This station is not registered yet", "本机尚未注册"),
    "not_registered_more": Text(
        "An admin makes a code at the gateway; then run this here, and the screen goes on by itself:",
        "请管理员在服务器上生成注册码，然后在本机运行以下命令，画面会自动继续：",
    ),
    "unconfirmed": Text("This station is not confirmed yet", "本机尚未确认"),
    "unconfirmed_more": Text(
        "An admin compares this fingerprint with the gateway's list of devices and confirms it:",
        "请管理员核对以下指纹与服务器设备列表中的指纹，然后确认：",
    ),
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
    "scanner_lost": Text(
        "The scanner is not working. Please check in with the trainer.", "扫码器无法使用。请到培训师处签到。"
    ),
    "no_badge_keys": Text(
        "This station does not know which badges are good yet. Please check in with the trainer.",
        "本机尚未收到工牌信息。请到培训师处签到。",
    ),
    "device_revoked": Text(
        "This station is out of service. Please check in with the trainer.", "本机已停用。请到培训师处签到。"
    ),
}
ANY_TROUBLE: Final = Text(
    "This station has a problem. Please check in with the trainer.", "本机出现故障。请到培训师处签到。"
)
LOST: Final[dict[str, Text]] = {
    "camera_lost": Text("The camera is not working. Please use the scanner.", "摄像头无法使用。请使用扫码器。"),
    "scanner_lost": Text("The scanner is not working. Please use the camera.", "扫码器无法使用。请使用摄像头。"),
}
"""What is missing while the other still works."""
GUIDES: Final[dict[Guide, Text]] = {
    "look_here": Text("Look here, please", "请看镜头"),
    "hold_still": Text("Hold still for a moment", "请保持不动"),
    "closer": Text("Come a little closer", "请靠近一些"),
    "blink": Text("Blink with both eyes", "请眨一下眼睛"),
    "turn_left": Text("Turn your head to your left", "请向左转头"),
    "turn_right": Text("Turn your head to your right", "请向右转头"),
}
FLAWS: Final[dict[Flaw, Text]] = {
    "unreadable": Text("The picture cannot be used", "画面无法使用"),
    "no_face": Text("Step in front of the camera", "请站到镜头前"),
    "two_faces": Text("One person at a time, please", "请一次只站一个人"),
    "other_face": Text("Somebody else has stepped in; it begins again", "换了人，重新开始"),
    "too_small": Text("Come a little closer", "请靠近一些"),
    "blurred": Text("Hold still for a moment", "请保持不动"),
    "turned": Text("Look straight into the camera", "请正视镜头"),
    "dark": Text("It is too dark; turn on a light", "光线太暗，请开灯"),
    "bright": Text("It is too bright; turn away from the light", "光线太亮，请避开强光"),
}
"""What the person who is being enrolled should do."""
ENDS: Final[dict[End, Text]] = {
    "enrolled": Text("The face is enrolled", "人脸已登记"),
    "not_kept": Text("The face could not be kept: this station's storage has failed", "无法保存：本机存储出现故障"),
    "too_slow": Text("There were no three good pictures in time", "未能及时获得三张合格画面"),
    "faces_off": Text("Face recognition is switched off for this station", "本机未启用人脸识别"),
    "not_on_roster": Text("This person is not on the roster", "此人不在名单上"),
    "no_consent": Text("There is no recorded consent to face recognition", "没有人脸识别的同意记录"),
    "no_picture": Text("There was no picture that is good enough", "没有合格的画面"),
    "two_people": Text("The pictures show different people", "画面中不是同一个人"),
    "resembles": Text("This face is enrolled under another name already", "此人脸已登记在他人名下"),
}
ROLES: Final[dict[str, Text]] = {
    "clerk": Text("Clerk", "文员"),
    "reserve_manager": Text("Reserve manager", "储备经理"),
    "trainer": Text("Trainer", "培训师"),
}


def reason(code: str | None) -> Text | None:
    """Look up the sentence of a reason, flag or hint; a code of a newer gateway has none."""
    return next((text for known, text in REASONS.items() if known == code), None)


def filled(key: str, **values: object) -> Text:
    """Put values into a text."""
    told = TEXTS[key]
    return Text(told.en.format(**values), told.zh.format(**values))


def offline(waiting: int) -> Text:
    told, count = TEXTS["offline"], filled("offline_waiting", count=waiting)
    return Text(f"{told.en} {count.en}", f"{told.zh} {count.zh}") if waiting else told


def role(name: str) -> Text:
    """Name a role; one that nobody has translated is said as it is."""
    return ROLES.get(name, Text(name, name))
