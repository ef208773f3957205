"""What the page of devices says, in English and in Chinese."""

from attendance.reasons import Language, Text
from gateway import task_texts

TEXTS: dict[str, Text] = {
    "devices": Text("Devices", "设备"),
    "lead": Text(
        "A kiosk registers with a one-time code. It takes check-ins once you have compared its fingerprint here.",
        "签到终端凭一次性注册码注册，由您核对指纹并确认后才能签到。",
    ),
    "no_devices": Text("No kiosk has registered yet", "尚无已注册的签到终端"),
    "no_devices_hint": Text(
        "Make a code for a room, and type it on the kiosk.", "请为教室生成注册码，并在终端上输入。"
    ),
    # a new one
    "new": Text("Register a kiosk", "注册签到终端"),
    "room": Text("Room", "教室"),
    "choose_room": Text("Choose a room", "请选择教室"),
    "make_code": Text("Make a code", "生成注册码"),
    "code_hint": Text(
        "It is good once, for {minutes} minutes and five tries.", "仅限一次，{minutes} 分钟内有效，最多尝试五次。"
    ),
    "code_for": Text("A code for {room}", "{room} 的注册码"),
    "code_once": Text(
        "It is shown here this one time and is good until {at}, for {minutes} minutes.",
        "仅在此显示一次，{minutes} 分钟内有效，至 {at} 为止。",
    ),
    "type_this": Text("Type this on the kiosk:", "请在终端上输入："),
    "then": Text("It answers with a fingerprint.", "终端会显示指纹。"),
    "look_again": Text("It has registered: show it", "已注册，查看终端"),
    # how it is
    "stage_unconfirmed": Text("To confirm", "待确认"),
    "stage_confirmed": Text("Confirmed", "已确认"),
    "stage_revoked": Text("Revoked", "已吊销"),
    "revoked_at": Text("revoked {at}", "{at} 吊销"),
    "registered_at": Text("registered {at}", "{at} 注册"),
    "heard": Text("Last heard", "最近联系"),
    "never": Text("never", "从未"),
    "waiting": Text("Waiting check-ins", "待发送签到"),
    "of_assigned": Text("of {count} so far", "累计 {count} 条"),
    "unknown": Text("not known yet", "尚不清楚"),
    "letters": Text("Could not be processed", "无法处理"),
    "works": Text("Direction", "方向"),
    "direction_auto": Text("In and out", "签到和签退"),
    "direction_in": Text("In only", "仅签到"),
    "direction_out": Text("Out only", "仅签退"),
    "faces": Text("Recognises faces", "识别人脸"),
    "with_faces": Text("faces too", "含人脸"),
    "share_faces": Text("Shares faces with kiosks of the region", "与本区域终端共享人脸"),
    "with_shared_faces": Text("faces too, shared", "含人脸（共享）"),
    "fingerprint": Text("Fingerprint", "指纹"),
    # confirming
    "begins": Text("The fingerprint that came here begins with {digits} …", "此处收到的指纹以 {digits} 开头…"),
    "type_fingerprint": Text("Fingerprint on the kiosk", "终端上显示的指纹"),
    "type_fingerprint_hint": Text(
        "Type all of it as the kiosk shows it. It is compared here, so that nobody can stand between the two.",
        "请完整输入终端上显示的指纹，系统将进行比对，以防有人从中冒充。",
    ),
    "confirm": Text("Compare and confirm", "比对并确认"),
    "confirm_of": Text("Confirm {name}", "确认 {name}"),
    # what else can be done
    "change": Text("Change", "更改"),
    "change_of": Text("Change {name}", "更改 {name}"),
    "faces_hint": Text(
        "Only of learners who have consented, and only where face recognition is installed.",
        "仅限已同意的学员，且终端须已安装人脸识别。",
    ),
    "share_faces_hint": Text(
        "Encrypted from kiosk to kiosk, and only between kiosks whose staff have compared fingerprints there.",
        "在终端之间加密传送，且仅限工作人员已在终端上核对指纹的终端之间。",
    ),
    "keep": Text("Keep the change", "保存更改"),
    "roll": Text("New broker password", "更换消息密码"),
    "roll_hint": Text(
        "Ends the one it has. It fetches a new one by itself, and its check-ins wait until then.",
        "当前密码立即失效，终端会自动获取新密码，期间签到会保留待发。",
    ),
    "revoke": Text("Revoke", "吊销"),
    "revoke_hint": Text(
        "It is shut out at once and for good: what it still holds is refused. To come back it registers anew.",
        "立即永久停用：其尚未发送的签到将被拒收。如需恢复，须重新注册。",
    ),
    "sure": Text("Yes, revoke {name}", "确认吊销 {name}"),
    # what is missing
    "missing": Text("Missing check-ins", "缺失的签到"),
    "missing_lead": Text(
        "A kiosk that is there sends what is missing within a minute."
        " These have been missing for more than {minutes} minutes.",
        "在线的终端会在一分钟内补发。以下签到缺失已超过 {minutes} 分钟。",
    ),
    "hole": Text("Numbers {first} to {last}", "第 {first} 至 {last} 号"),
    "hole_one": Text("Number {first}", "第 {first} 号"),
    "hole_of": Text("{name}, since {at}", "{name}，自 {at} 起"),
    "may_come": Text(
        "The kiosk may still hold these. Bring it into contact; if it is lost, revoke it first.",
        "终端可能仍保存这些签到，请使其恢复联系；如已丢失，请先吊销。",
    ),
    "give_up": Text("Give them up", "不再等待"),
    "why": Text("Why can they never come?", "为何无法再收到？"),
    "give_up_hint": Text(
        "Everything of this kiosk that is missing up to number {last} is written off, under your name.",
        "该终端第 {last} 号及之前缺失的签到将以您的名义核销。",
    ),
    "write_off": Text("Write off", "核销"),
    # done, and what cannot be done
    "done_confirmed": Text("The fingerprints are the same. The kiosk is confirmed.", "指纹一致，终端已确认。"),
    "done_changed": Text("Changed. The kiosk hears of it within a few minutes.", "已更改，终端将在几分钟内生效。"),
    "done_rolled": Text("Its password is over. It fetches a new one by itself.", "密码已失效，终端会自动获取新密码。"),
    "done_revoked": Text("The device is revoked.", "设备已吊销。"),
    "done_written_off": Text("Written off. Nobody waits for these any more.", "已核销，不再等待这些签到。"),
    "fingerprints_differ": Text(
        "The fingerprints differ. If you typed what the kiosk shows, somebody may stand between it and the gateway:"
        " do not confirm it. Revoke it, and find out on which network it registered.",
        "指纹不一致。如果您输入的正是终端上显示的内容，可能有人从中冒充：请勿确认，应吊销该设备并检查其注册时所用的网络。",
    ),
    "device_revoked": Text("This device has been revoked. It has to register anew.", "该设备已吊销，须重新注册。"),
    "no_room": Text("Please choose a room.", "请选择教室。"),
    "no_direction": Text("Please choose a direction.", "请选择方向。"),
    "reason_missing": Text("Please say why.", "请说明原因。"),
    "no_hole": Text("These are not missing any more. Look again.", "这些签到已不再缺失，请重新查看。"),
    "kiosk_holds_it": Text(
        "The kiosk may still have these and send them. If it is lost, revoke it first.",
        "终端可能仍保存这些签到并会发送。如已丢失，请先吊销。",
    ),
}


def say(key: str, language: Language, **values: object) -> str:
    """Say something in one language; what is not ours is said as the other pages say it."""
    found = TEXTS.get(key)
    return found.told(language).format(**values) if found else task_texts.say(key, language, **values)
