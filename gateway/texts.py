"""What the pages say, in English and in Chinese; reasons have their texts in `attendance.reasons`."""

from datetime import date

from attendance.reasons import TEXTS as REASONS
from attendance.reasons import Language, Text

LANGUAGES: tuple[Language, ...] = ("en", "zh")

TEXTS: dict[str, Text] = {
    "tagline": Text("Attendance for people who learn in pairs", "结对学习的签到与学时"),
    "day": Text("Today", "今日"),
    "skip": Text("Skip to the day", "跳到正文"),
    "live": Text("Live", "实时"),
    "unreached": Text("No connection, trying again", "连接中断，正在重试"),
    "signed_in_as": Text("Signed in as", "当前账号"),
    "sign_out": Text("Sign out", "退出"),
    "previous_day": Text("Previous day", "前一天"),
    "next_day": Text("Next day", "后一天"),
    "to_today": Text("Back to today", "回到今天"),
    "region": Text("Region", "地区"),
    # sign-in and set-up
    "sign_in": Text("Sign in", "登录"),
    "login": Text("Login", "账号"),
    "password": Text("Password", "密码"),
    "password_again": Text("Password, once more", "再次输入密码"),
    "password_hint": Text("12 characters or more; a sentence works well.", "至少 12 个字符，用一句话最好记。"),
    "set_up": Text("Make the first account", "创建首个账号"),
    "set_up_hint": Text(
        "This link works once. The account may do everything; more can be added later.",
        "此链接仅能使用一次。该账号拥有全部权限，之后可以再添加其他账号。",
    ),
    "create": Text("Create and sign in", "创建并登录"),
    "by_link": Text("Sign in as {login}", "以 {login} 登录"),
    "by_link_hint": Text(
        "This link works once. It is used up when you press the button, not before.",
        "此链接仅能使用一次，点击按钮后才会失效。",
    ),
    "choose": Text("Choose your password", "设置密码"),
    "choose_hint": Text(
        "This link is for {login} and works once. Pressing the button uses it up and signs other browsers out.",
        "此链接供 {login} 使用，仅限一次，点击按钮后失效；其他浏览器上的登录将退出。",
    ),
    "choose_do": Text("Keep it and sign in", "保存并登录"),
    "wrong_sign_in": Text("Login or password is wrong.", "账号或密码不正确。"),
    "wait": Text("Too many tries. Please wait {seconds} seconds.", "尝试次数过多，请等待 {seconds} 秒。"),
    "differ": Text("The two passwords are not the same.", "两次输入的密码不一致。"),
    "login_taken": Text("Somebody has this login already.", "该账号已被使用。"),
    "choose_login": Text("A login has 1 to 64 characters.", "账号为 1 到 64 个字符。"),
    "choose_password": Text("A password has 12 characters or more.", "密码至少 12 个字符。"),
    "link_over": Text("This link has been used or is too old", "链接已使用或已过期"),
    "link_over_hint": Text("Sign in with your password, or ask for a new link.", "请使用密码登录，或申请新的链接。"),
    "form_over": Text("This form was open for too long. Please go back and try again.", "页面已过期，请返回重试。"),
    "not_found": Text("There is nothing here", "页面不存在"),
    "failed": Text("That did not work", "操作未成功"),
    "back": Text("Back to the day", "返回今日"),
    # the day
    "in_now": Text("In the room", "在场"),
    "left": Text("Left", "已离开"),
    "late": Text("Late", "迟到"),
    "not_here": Text("Not here", "未到"),
    "refused": Text("Refused", "被拒"),
    "to_review": Text("To decide", "待确认"),
    "hours": Text("Credited", "已计学时"),
    "sessions": Text("Sessions", "培训场次"),
    "no_sessions": Text("No sessions on this day", "当日没有培训"),
    "no_sessions_hint": Text("Sessions appear here as soon as they are in the plan.", "培训计划录入后会显示在这里。"),
    "no_region": Text("No region has been set up yet", "尚未设置地区"),
    "cancelled": Text("Cancelled", "已取消"),
    "phase_before": Text("Not open yet", "尚未开始签到"),
    "phase_open": Text("Check-in open", "签到中"),
    "phase_now": Text("Running", "进行中"),
    "phase_over": Text("Over", "已结束"),
    "show_code": Text("Show the code", "展示签到码"),
    "online": Text("Online", "线上"),
    "here_of": Text("{here} of {all} here", "已到 {here} / {all} 人"),
    "status_expected": Text("Expected", "待到"),
    "status_in": Text("In", "在场"),
    "status_left": Text("Left", "已离开"),
    "status_missing": Text("Not here", "未到"),
    "status_absent": Text("Absent", "缺席"),
    "status_review": Text("To decide", "待确认"),
    "details": Text("Check-ins and reasons", "签到明细与说明"),
    "no_check_ins": Text("No check-in yet", "尚无签到"),
    "arrives": Text("in", "签到"),
    "leaves": Text("out", "签退"),
    "checks_answered": Text(
        "Presence checks answered: {answered} of {asked}", "在场确认：已回答 {answered} / {asked} 次"
    ),
    "presence_of": Text("Presence of {name}", "{name}的在场时间"),
    "attention": Text("To decide", "待确认"),
    "decide_this": Text("Decide", "处理"),
    "correct_this": Text("Correct the attendance", "更正考勤"),
    "joint_tasks": Text("Joint tasks", "联合任务"),
    "archive": Text("Archive", "档案"),
    "accounts": Text("Accounts", "账号"),
    "bring_in": Text("Bring in", "导入"),
    "nothing_to_decide": Text("Nothing to decide", "没有待确认事项"),
    "turned_away": Text("Refused at the door", "门口被拒"),
    "nobody_turned_away": Text("Nobody was refused", "没有被拒的签到"),
    "unknown_person": Text("Unknown person", "未知人员"),
    # devices
    "devices": Text("Devices", "设备"),
    "no_devices": Text("No devices registered", "没有已注册的设备"),
    "seen": Text("seen {ago}", "{ago}在线"),
    "never_seen": Text("never seen", "从未在线"),
    "waiting": Text("{count} waiting to be sent", "{count} 条待发送"),
    "all_sent": Text("all sent", "已全部发送"),
    "device_ok": Text("In contact", "在线"),
    "device_quiet": Text("Silent", "失联"),
    "device_unconfirmed": Text("To confirm", "待确认"),
    "trouble_camera_lost": Text("Camera not working", "摄像头无法使用"),
    "trouble_scanner_lost": Text("Scanner not working", "扫码器无法使用"),
    "trouble_disk_full": Text("Disk full: records nothing", "存储已满：无法记录"),
    "trouble_outbox_failed": Text("Storage failed: records nothing", "存储故障：无法记录"),
    "trouble_numbers_differ": Text("Numbers differ: is there a copy?", "编号不一致：是否有副本？"),
    "trouble_no_badge_keys": Text("Has pulled no roster yet", "尚未收到名单"),
    "trouble_other": Text("Shows a problem on its screen", "屏幕显示故障"),
    "just_now": Text("just now", "刚刚"),
    "minutes_ago": Text("{count} min ago", "{count} 分钟前"),
    "hours_ago": Text("{count} h ago", "{count} 小时前"),
    "days_ago": Text("{count} d ago", "{count} 天前"),
    # people, methods, flags
    "role_clerk": Text("Clerk", "文员"),
    "role_reserve_manager": Text("Reserve manager", "储备经理"),
    "role_trainer": Text("Trainer", "培训师"),
    "method_paper": Text("paper list", "纸质签到"),
    "method_staff": Text("entered by staff", "工作人员登记"),
    "method_static_badge": Text("badge", "工牌"),
    "method_session_code": Text("session code", "签到码"),
    "method_static_badge+staff": Text("badge, seen by staff", "工牌（人工核对）"),
    "method_dynamic_badge": Text("badge in the app", "动态工牌"),
    "method_face": Text("face", "人脸"),
    "method_badge+face": Text("badge and face", "工牌与人脸"),
    "flag_late": Text("late", "迟到"),
    "flag_offline": Text("sent later", "离线补传"),
    "flag_time_uncertain": Text("clock uncertain", "时钟不准"),
    "flag_time_corrected": Text("time corrected", "时间已更正"),
    "flag_shared_phone": Text("shared phone", "共用手机"),
    "unit_hour": Text("h", "小时"),
    # short names of the reasons; the sentence follows from attendance
    "short_not_on_roster": Text("Not on the roster", "不在名单"),
    "short_no_session_now": Text("No session now", "当前无培训"),
    "short_too_early": Text("Too early", "未到签到时间"),
    "short_session_over": Text("Session over", "培训已结束"),
    "short_session_cancelled": Text("Session cancelled", "培训已取消"),
    "short_wrong_room": Text("Wrong room", "教室不符"),
    "short_unknown_badge": Text("Unknown badge", "未知工牌"),
    "short_revoked_badge": Text("Revoked badge", "工牌已作废"),
    "short_expired_code": Text("Expired code", "签到码过期"),
    "short_staff_elsewhere": Text("Staff badge of elsewhere", "工作人员证不适用"),
    "short_method_not_allowed": Text("Method not allowed", "方式不允许"),
    "short_assurance_too_low": Text("Surer proof needed", "需更可靠的确认"),
    "short_no_consent": Text("No consent to faces", "未同意人脸识别"),
}

WEEKDAYS = (
    ("Monday", "星期一"),
    ("Tuesday", "星期二"),
    ("Wednesday", "星期三"),
    ("Thursday", "星期四"),
    ("Friday", "星期五"),
    ("Saturday", "星期六"),
    ("Sunday", "星期日"),
)
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


def say(key: str, language: Language, **values: object) -> str:
    """Say something in one language; what has no text (a new role, say) is said as it is."""
    found = TEXTS.get(key) or Text(_plain(key), _plain(key))
    return (found.en if language == "en" else found.zh).format(**values)


def reason(code: str, language: Language) -> str:
    """Say a reason of the rules as its whole sentence."""
    found = {str(key): text for key, text in REASONS.items()}.get(code) or Text(code, code)
    return found.en if language == "en" else found.zh


def day_name(day: date, language: Language) -> str:
    """Write a date as people say it."""
    english, chinese = WEEKDAYS[day.weekday()]
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日 {chinese}"
    return f"{english}, {day.day} {MONTHS[day.month - 1]} {day.year}"


def _plain(key: str) -> str:
    return key.partition("_")[2].replace("_", " ") or key
