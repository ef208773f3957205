"""What the archive's pages say, in English and in Chinese."""

from datetime import date
from decimal import Decimal

from attendance.reasons import Language, Text
from gateway import task_texts, texts

TEXTS: dict[str, Text] = {
    "archive": Text("Training archive", "培训档案"),
    "archive_lead": Text(
        "What the learner archive holds, as HR sees it. A correction takes the old hours back and enters new ones.",
        "学习档案中的记录，与人力资源部门看到的一致。更正时先冲销原记录，再登记新记录。",
    ),
    "my_archive": Text("Your training archive", "我的培训档案"),
    # the list
    "search": Text("Name or number", "姓名或工号"),
    "search_do": Text("Search", "搜索"),
    "search_none": Text("Nobody by this name or number has anything in the archive", "档案中没有符合条件的人员"),
    "search_all": Text("Show everybody", "显示全部"),
    "nobody": Text("Nothing has arrived in the archive yet", "档案中暂无记录"),
    "nobody_hint": Text(
        "Hours appear here within seconds after they have been settled.", "学时结算后数秒内会显示在这里。"
    ),
    "person": Text("Learner", "学员"),
    "in_month": Text("In {month}", "{month}"),
    "in_all": Text("In all", "累计"),
    "last_entry": Text("Last entry", "最近记录"),
    "more_people": Text("More", "更多"),
    "first_people": Text("Back to the first", "返回第一页"),
    # the month
    "months": Text("Months", "月份"),
    "print": Text("Print", "打印"),
    "totals": Text("Totals of the month", "本月合计"),
    "training_hours": Text("Training hours", "培训学时"),
    "joint_hours": Text("Joint hours", "联合学时"),
    "joint_share": Text("Joint share", "联合占比"),
    "bonus": Text("Bonus", "奖励"),
    "year_to_date": Text("{year} so far", "{year} 年累计"),
    "target": Text("target {percent} %", "目标 {percent} %"),
    "target_met": Text("Target met", "已达标"),
    "target_missed": Text("Below target", "未达标"),
    "completion": Text("{completed} of {due} joint tasks", "联合任务 {completed}/{due}"),
    "share_label": Text("Joint share {share} %, target {target} %", "联合占比 {share} %，目标 {target} %"),
    "month_now": Text(
        "Counted now; hours that are still being settled can change it.", "按目前数据计算，尚未结算的学时可能使其变化。"
    ),
    "nothing_yet": Text("Nothing in the archive for {month}", "{month}暂无记录"),
    "nothing_hint": Text(
        "Hours appear here after the session has ended and has been settled.", "培训结束并完成结算后会显示在这里。"
    ),
    "only_yours": Text(
        "Your account is for some regions: only their hours are listed and summed up here.",
        "您的账号仅限部分地区：此处只列出并合计这些地区的学时。",
    ),
    "on_the_way": Text("{count} more on the way to the archive", "还有 {count} 条记录正在送达档案"),
    # an entry
    "trainer": Text("Trainer", "培训师"),
    "online_place": Text("Online", "线上"),
    "is_task": Text("Joint task", "联合任务"),
    "is_bonus": Text("Bonus", "奖励"),
    "part_joint": Text("joint part", "共同部分"),
    "part_own": Text("own part", "个人部分"),
    "is_corrected": Text("Corrected", "已更正"),
    "is_taken_back": Text("Taken back", "已冲销"),
    "booked_in": Text("Booked in {month}", "计入 {month}"),
    "history": Text("How it came to this", "更正记录"),
    "was": Text("Entered {at}", "登记于 {at}"),
    "taken_back_at": Text("taken back {at}", "冲销于 {at}"),
    "stands": Text("stands", "有效"),
    "state_queued": Text("queued", "待发送"),
    "state_sent": Text("sent, no answer yet", "已发送，待答复"),
    "state_accepted": Text("accepted", "已接收"),
    "state_refused": Text("refused", "被拒"),
    "state_reversed": Text("taken back there too", "已同步冲销"),
    "printed_at": Text("Printed {at} from Tandem", "{at} 由 Tandem 打印"),
    "unit_hour": Text("h", "小时"),
}


def say(key: str, language: Language, **values: object) -> str:
    """Say something in one language; what is not ours is said as the pages of tasks and the day say it."""
    found = TEXTS.get(key)
    return found.told(language).format(**values) if found else task_texts.say(key, language, **values)


def month_name(month: str, language: Language) -> str:
    """Write a month (YYYY-MM) as people say it."""
    year, number = month.split("-")
    return f"{year} 年 {int(number)} 月" if language == "zh" else f"{texts.MONTHS[int(number) - 1]} {year}"


def short_month(month: str, language: Language) -> str:
    """Write a month for a narrow place."""
    year, number = month.split("-")
    return f"{year}年{int(number)}月" if language == "zh" else f"{texts.MONTHS[int(number) - 1][:3]} {year}"


def short_day(day: date, language: Language) -> tuple[str, str]:
    """Write a date as a number to look at and a weekday under it."""
    english, chinese = texts.WEEKDAYS[day.weekday()]
    return str(day.day), chinese.replace("星期", "周") if language == "zh" else english[:3]


def amount(number: Decimal) -> str:
    """Write hours without needless zeros, but with one place: 3.5, 4.0, 0.25."""
    plain = f"{number.normalize():f}"
    return plain if "." in plain else f"{plain}.0"
