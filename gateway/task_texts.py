"""What the pages of tasks, the inbox and corrections say, in English and in Chinese."""

from datetime import datetime
from zoneinfo import ZoneInfo

from attendance.reasons import Language, Text
from gateway import texts

TEXTS: dict[str, Text] = {
    # navigation
    "nav_day": Text("Day", "今日"),
    "nav_tasks": Text("Joint tasks", "联合任务"),
    "nav_review": Text("To decide", "待确认"),
    "nav_inbox": Text("Inbox", "消息"),
    "nav_archive": Text("Archive", "档案"),
    "nav_reports": Text("Reports", "报表"),
    "nav_imports": Text("Bring in", "导入"),
    "nav_accounts": Text("Accounts", "账号"),
    "nav_devices": Text("Devices", "设备"),
    "nav_badges": Text("Badges", "工牌"),
    "nav_label": Text("Pages", "页面"),
    "skip_to_page": Text("Skip to the page", "跳到正文"),
    "unread": Text("{count} unread", "{count} 条未读"),
    "waiting_count": Text("{count} waiting", "{count} 项待处理"),
    "to_form": Text("Go to the form", "前往表单"),
    "to_home": Text("Back", "返回"),
    # a learner's tasks
    "my_tasks": Text("Your joint tasks", "我的联合任务"),
    "no_tasks": Text("No joint tasks yet", "暂无联合任务"),
    "no_tasks_hint": Text("A task appears here as soon as your trainer gives you one.", "培训师布置后会显示在这里。"),
    "you": Text("You", "我"),
    "both": Text("Together", "双方共同"),
    "each": Text("each", "每人"),
    "with_partner": Text("with {name}", "搭档：{name}"),
    "due": Text("Due", "截止"),
    "hand_in_by": Text("Hand in by {at}", "请在 {at} 前提交"),
    "or_both_lose": Text("{when}. After that both of you lose hours.", "{when}。逾期双方都将失去学时。"),
    "hand_in": Text("Hand in", "提交"),
    "hand_in_part": Text("Hand in: {part}", "提交：{part}"),
    "hand_in_again": Text("Hand in a new version", "提交新版本"),
    "hand_in_now": Text("Hand in early", "提前提交"),
    "hand_in_late": Text("Hand in all the same", "仍然提交"),
    "replaces": Text(
        "Version {version} is with the trainer. A new version takes its place, and its time of hand-in counts.",
        "第 {version} 版正在审核。新版本将替换它，并以新的提交时间为准。",
    ),
    "joint_needs_both": Text(
        "It counts once each of you has finished your own part; either of you can hand it in.",
        "双方各自的部分都完成后才计入；任一方均可提交。",
    ),
    "time_over": Text(
        "The time for this part is over. If there was a good reason, ask the trainer to move the due.",
        "本部分已超过期限。如有正当理由，请联系培训师调整截止时间。",
    ),
    "sent_back": Text("The trainer sent version {version} back", "培训师退回了第 {version} 版"),
    "file_hint": Text(
        "PDF, PNG, JPEG, text, Word or Excel. Up to 10 MiB a file and 5 files together.",
        "支持 PDF、PNG、JPEG、文本、Word、Excel；单个文件不超过 10 MiB，最多 5 个文件。",
    ),
    "versions": Text("What was handed in", "提交记录"),
    "version": Text("Version {number}", "第 {number} 版"),
    "handed_in_at": Text("handed in {at}", "提交于 {at}"),
    "by_name": Text("by {name}", "提交人：{name}"),
    # the state of a part
    "part_open": Text("Open", "待提交"),
    "part_again": Text("To improve", "待修改"),
    "part_overdue": Text("Overdue", "已逾期"),
    "part_handed_in": Text("With the trainer", "审核中"),
    "part_returned": Text("To improve", "待修改"),
    "part_done": Text("Accepted", "已通过"),
    "part_late": Text("Too late", "提交过晚"),
    "part_forfeited": Text("Time is over", "已失效"),
    "part_lost": Text("Lost", "已失去"),
    # kinds of evidence
    "evidence_order_log": Text("Order log", "订单记录"),
    "evidence_optimisation_plan": Text("Optimisation plan", "优化方案"),
    "evidence_conversation": Text("Record of the conversation", "沟通记录"),
    "evidence_joint_report": Text("Joint report", "联合报告"),
    # a trainer's tasks
    "decide_heading": Text("Waiting for your decision", "待审核"),
    "nothing_waits": Text("Nothing waits for a decision", "没有待审核的提交"),
    "nothing_waits_hint": Text("What learners hand in appears here, oldest first.", "学员提交后按时间先后显示在这里。"),
    "running_heading": Text("Running tasks", "进行中的任务"),
    "trainer_told": Text("Time is over", "已失效的任务"),
    "no_running": Text("No running tasks", "没有进行中的任务"),
    "accept": Text("Accept", "通过"),
    "reject": Text("Send back", "退回"),
    "reject_words": Text("What has to be done better", "需要改进的内容"),
    "reject_hint": Text(
        "The learner reads these words and has 24 hours from now.", "学员会看到这段话，从现在起有 24 小时修改。"
    ),
    "in_time": Text("in time", "按时"),
    "late_in_grace": Text("late, within the grace", "逾期，宽限期内"),
    "after_grace": Text("after the grace", "超过宽限期"),
    "move_due": Text("Move the due", "调整截止时间"),
    "new_due": Text("New due ({zone})", "新的截止时间（{zone}）"),
    "reason_label": Text("Reason", "理由"),
    "move": Text("Move", "调整"),
    "all_regions": Text("All regions", "全部地区"),
    # what has been done
    "done_handed_in": Text("Handed in. The trainer has it now.", "已提交，等待培训师审核。"),
    "done_accepted": Text("Accepted.", "已通过。"),
    "done_rejected": Text("Sent back with your words.", "已附意见退回。"),
    "done_moved": Text("The due has been moved.", "截止时间已调整。"),
    "done_decided": Text("Decided. The hours are worked out anew.", "已确认，正在重新计算学时。"),
    "done_read": Text("Marked as read.", "已标为已读。"),
    # the inbox
    "inbox": Text("Inbox", "消息"),
    "no_notices": Text("No messages", "没有消息"),
    "no_notices_hint": Text(
        "When your partner finishes a part, or one of you is late, it is said here.",
        "搭档完成任务，或有一方进度落后时，会在这里通知。",
    ),
    "mark_read": Text("Mark all as read", "全部标为已读"),
    "new": Text("new", "未读"),
    "to_task": Text("Go to the task", "查看任务"),
    # decisions about attendance
    "review": Text("To decide", "待确认"),
    "review_hint": Text(
        "These hours are not credited until somebody decides. Facts stay as they are; a decision stands beside them.",
        "在有人确认之前，这些学时不计入。原始记录不会改变，您的决定将与之并存。",
    ),
    "nothing_to_review": Text("Nothing to decide", "没有待确认事项"),
    "nothing_to_review_hint": Text(
        "A forgotten check-out or an uncertain clock appears here.", "忘记签退或时钟不准的情况会显示在这里。"
    ),
    "correct": Text("Correct the attendance", "更正考勤"),
    "correct_this": Text("Correct", "更正"),
    "kind_add_out": Text("Add a check-out", "补登签退"),
    "kind_add_in": Text("Add a check-in", "补登签到"),
    "kind_void": Text("Take one out", "取消一条记录"),
    "kind_present": Text("Vouch: was present", "证明在场"),
    "kind_nothing": Text("Credit nothing", "不计学时"),
    "at_label": Text("at ({zone})", "时间（{zone}）"),
    "which_label": Text("which", "哪一条"),
    "reason_hint": Text("It is kept with the decision.", "理由将与决定一同保存。"),
    "decide": Text("Decide", "确认"),
    "checks": Text("Presence checks", "在场确认"),
    "check_answered": Text("answered at {at}", "{at} 已回答"),
    "check_missed": Text("no answer", "未回答"),
    "decided_before": Text("Decided before", "以往的决定"),
    "decided_add_in": Text("check-in added at {at}", "补登签到 {at}"),
    "decided_add_out": Text("check-out added at {at}", "补登签退 {at}"),
    "decided_void": Text("taken out: {what}", "已取消：{what}"),
    "decided_present": Text("vouched: was present", "已证明在场"),
    "decided_nothing": Text("nothing credited", "不计学时"),
    "taken_out": Text("taken out", "已取消"),
    "taken_back": Text("taken back", "已撤回"),
    "a_decision": Text("a decision", "一项决定"),
    "an_unknown": Text("a check-in", "一条签到"),
    "open_form": Text("Decide about {name}", "处理：{name}"),
    # what cannot be done
    "staff_only": Text("Only trainers may do this.", "只有培训师可以执行此操作。"),
    "admins_only": Text("Only admins may do this.", "只有管理员可以执行此操作。"),
    "viewers_look": Text("Your account may look, but not decide.", "您的账号只能查看，不能审核。"),
    "form_over": Text("This form was open for too long. Please go back and try again.", "页面已过期，请返回重试。"),
    "status_401": Text("Please sign in first.", "请先登录。"),
    "status_403": Text("You may not do this.", "您无权执行此操作。"),
    "status_404": Text("There is nothing here.", "页面不存在。"),
    "another_pair": Text("This part belongs to another pair.", "这部分任务属于其他搭档。"),
    "partners_part": Text("This part is your partner's; only they can hand it in.", "这部分由您的搭档提交。"),
    "accepted_already": Text("This part has been accepted already.", "这部分已经通过。"),
    "too_many_versions": Text(
        "There are many versions already. Please talk to the trainer.", "提交的版本过多，请联系培训师。"
    ),
    "evidence_missing": Text(
        "A file is missing. Please add every kind that is wanted.", "缺少文件，请提交所需的全部材料。"
    ),
    "evidence_unwanted": Text("This part wants other files.", "这部分不需要该类文件。"),
    "decided_already": Text("Somebody has decided about this version already.", "该版本已有人审核。"),
    "newer_version": Text(
        "A newer version has come in the meantime. Please look at that one.", "已有更新的版本，请查看新版本。"
    ),
    "no_words": Text(
        "Please say what has to be done better; the words go to the learner.", "请说明需要改进的内容，学员会看到。"
    ),
    "no_reason": Text("Please give a reason.", "请填写理由。"),
    "due_before_start": Text(
        "The new due has to be after the time by which the part is to be started.", "新的截止时间须晚于规定的开始时间。"
    ),
    "no_submission": Text("There is no such submission.", "没有这份提交。"),
    "no_part": Text("There is no such part.", "没有这部分任务。"),
    "no_session": Text("There is no such session.", "没有这场培训。"),
    "no_person": Text("There is no such person.", "没有此人。"),
    "not_in_session": Text("This person is not on the roster of this session.", "此人不在本场培训的名单上。"),
    "no_decision": Text("Please choose what is to be done.", "请选择处理方式。"),
    "no_instant": Text("Please say at what time.", "请填写时间。"),
    "wrong_instant": Text("There is no such time on the clock there.", "当地没有这个时间。"),
    "outside_window": Text(
        "The time has to lie within half an hour before and after the session.",
        "时间须在培训开始前半小时至结束后半小时之间。",
    ),
    "in_future": Text("This time has not come yet.", "该时间尚未到来。"),
    "no_check_in": Text("Please say which check-in.", "请选择一条签到。"),
    "wrong_check_in": Text("This check-in is somebody else's.", "这条签到不属于此人。"),
    "void_already": Text("It has been taken out already.", "已经取消。"),
    "upload_too_large": Text("These files are too large together, or too many.", "文件总量过大或数量过多。"),
    "too_many_files": Text("At most 5 files can be handed in together.", "一次最多提交 5 个文件。"),
    "file_empty": Text("This file is empty.", "文件为空。"),
    "file_too_large": Text("A file may have 10 MiB at most.", "单个文件不能超过 10 MiB。"),
    "file_wrong_type": Text(
        "This kind of file is not taken. Please use PDF, PNG, JPEG, text, Word or Excel without macros.",
        "不支持此类文件。请使用 PDF、PNG、JPEG、文本，或不含宏的 Word、Excel。",
    ),
    "file_broken": Text(
        "This file cannot be read. Please save it again and retry.", "文件无法读取，请重新保存后再试。"
    ),
    "file_unpacks_too_large": Text("This file unpacks to far too much.", "文件解压后过大。"),
    "picture_too_large": Text("A picture may have 12 megapixels at most.", "图片不能超过 1200 万像素。"),
    "file_gone": Text("This file has been erased.", "文件已被删除。"),
}

KNOWN = TEXTS.keys()

WEEKDAYS = (
    ("Mon", "周一"),
    ("Tue", "周二"),
    ("Wed", "周三"),
    ("Thu", "周四"),
    ("Fri", "周五"),
    ("Sat", "周六"),
    ("Sun", "周日"),
)


def say(key: str, language: Language, **values: object) -> str:
    """Say something in one language; what is not ours is said as all the pages say it."""
    found = TEXTS.get(key)
    return found.told(language).format(**values) if found else texts.say(key, language, **values)


def moment(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """Write an instant by the clock of a place: `Mon 23 Nov, 18:00`."""
    there = at.astimezone(zone)
    if language == "zh":
        return f"{there.month}月{there.day}日 {WEEKDAYS[there.weekday()][1]} {there:%H:%M}"
    return f"{WEEKDAYS[there.weekday()][0]} {there.day} {texts.MONTHS[there.month - 1][:3]}, {there:%H:%M}"


def from_now(at: datetime, now: datetime, zone: ZoneInfo, language: Language) -> str:
    """Say how far off an instant is, as people say it: `tomorrow at 18:00`, `in 3 days`, `5 hours ago`."""
    minutes = int(abs((at - now).total_seconds())) // 60
    days = (at.astimezone(zone).date() - now.astimezone(zone).date()).days
    if at < now:
        return _ago(minutes, language)
    if minutes < 60:
        return _count(minutes, "minute", "in {}", "{} 分钟后", language)
    clock = f"{at.astimezone(zone):%H:%M}"
    if days == 0:
        return f"today at {clock}" if language == "en" else f"今天 {clock}"
    if days == 1:
        return f"tomorrow at {clock}" if language == "en" else f"明天 {clock}"
    return _count(days, "day", "in {}", "{} 天后", language)


def _ago(minutes: int, language: Language) -> str:
    if minutes < 1:
        return "just now" if language == "en" else "刚刚"
    if minutes < 60:
        return _count(minutes, "minute", "{} ago", "{} 分钟前", language)
    if minutes < 48 * 60:
        return _count(minutes // 60, "hour", "{} ago", "{} 小时前", language)
    return _count(minutes // 1440, "day", "{} ago", "{} 天前", language)


def _count(count: int, unit: str, english: str, chinese: str, language: Language) -> str:
    if language == "zh":
        return chinese.format(count)
    return english.format(f"{count} {unit}{'' if count == 1 else 's'}")
