"""What the page of reports says, in English and in Chinese; headings and words in tables come with the reports."""

from collections.abc import Mapping

from attendance.reasons import Language, Text
from gateway import task_texts
from ledger.reports import Name

TITLES: Mapping[Name, Text] = {
    "sign_in_rate": Text("Sign-in rate", "签到率"),
    "completion": Text("Completion by course", "课程完成情况"),
    "program_completion": Text("Completion by programme", "项目完成情况"),
    "make_up": Text("Make-up training", "补课名单"),
    "not_reached": Text("Not reached", "未参训学员"),
    "weekly_progress": Text("Weekly progress", "每周进度"),
    "partners": Text("Partners side by side", "搭档进度对比"),
    "joint_participation": Text("Joint participation", "联合参与率"),
    "joint_tasks": Text("Joint tasks", "联合任务"),
    "conversations": Text("Conversations recorded", "沟通记录数"),
}
ABOUT: Mapping[Name, Text] = {
    "sign_in_rate": Text(
        "How many of each roster have signed in, by session and role.", "各场次、各角色名单中已签到的人数。"
    ),
    "completion": Text(
        "How many learners have hours of all their sessions of a course; missed ones that were made up are counted "
        "beside.",
        "按课程统计已取得全部场次学时的学员；缺席后已补课的另行列出。",
    ),
    "program_completion": Text(
        "How many learners have hours of all their joint sessions of a programme.",
        "按培训项目统计已取得全部联合场次学时的学员。",
    ),
    "make_up": Text(
        "Who has missed a session, stayed too short, or failed a test, and when it could be made up.",
        "缺席、出勤不足或考试未通过的学员，以及可补课的场次。",
    ),
    "not_reached": Text(
        "Who was on a roster and has not signed in to any session.", "列入名单但未签到任何场次的学员。"
    ),
    "weekly_progress": Text(
        "What each learner did in each week: sessions, hours, joint tasks, tests.",
        "每名学员每周的场次、学时、联合任务和考试。",
    ),
    "partners": Text("Both partners of a pair beside each other.", "结对双方的进度并列对比。"),
    "joint_participation": Text(
        "How many joint sessions both partners attended together.", "结对双方共同出席的联合场次。"
    ),
    "joint_tasks": Text(
        "How many joint tasks came off, and how many joint reports were accepted at first.",
        "到期联合任务的完成率，以及联合报告的首次通过率。",
    ),
    "conversations": Text("How many recorded conversations each learner has handed in.", "每名学员提交的沟通记录数。"),
}
TEXTS: dict[str, Text] = {
    "reports": Text("Reports", "报表"),
    "which_report": Text("Report", "报表"),
    "month": Text("Month", "月份"),
    "from": Text("From", "起"),
    "to": Text("To", "止"),
    "course": Text("Course", "课程"),
    "all_courses": Text("All courses", "全部课程"),
    "show": Text("Show", "查看"),
    "total": Text("In all", "合计"),
    "nothing": Text("Nothing in this period", "该时段暂无数据"),
    "nothing_hint": Text("Choose other days, another region or another course.", "请选择其他日期、地区或课程。"),
    "more_rows": Text(
        "Here are the first {shown} of {count} lines; the files hold them all.",
        "此处显示前 {shown} 行，共 {count} 行；完整内容见下载文件。",
    ),
    "lines": Text("{count} lines", "{count} 行"),
    "hours_in": Text("Hours are in {unit}.", "学时单位：{unit}。"),
    "target_is": Text("The target is {target} %.", "目标：{target} %。"),
    "wrong_days": Text("These days make no sense; the last comes after the first.", "日期有误：止日不能早于起日。"),
    "too_many_days": Text("Ask for a year at most.", "最多查询一年。"),
    "too_much": Text(
        "That is too much for one report; ask for fewer days or one region.", "数据过多，请缩短时段或选择一个地区。"
    ),
    "unit_hour": Text("hours", "小时"),
}


def say(key: str, language: Language, **values: object) -> str:
    """Say something in one language; what is not ours is said as the pages of tasks say it."""
    found = TEXTS.get(key)
    return found.told(language).format(**values) if found else task_texts.say(key, language, **values)
