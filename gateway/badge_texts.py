"""What the page of badges says, in English and in Chinese."""

from attendance.reasons import Language, Text
from gateway import task_texts

TEXTS: dict[str, Text] = {
    "badges": Text("Badges", "工牌"),
    "badges_lead": Text(
        "A PDF for A4 paper, ten badges a page, to print at full size and cut along the marks. "
        "Whoever has a good badge gets that one again.",
        "生成 A4 纸 PDF，每页十张，请按原尺寸打印并沿裁切线裁开。已有有效工牌的人员将重印同一张。",
    ),
    "whose": Text("Whose badges", "打印对象"),
    "of_people": Text("These people", "指定人员"),
    "of_people_hint": Text("Personnel numbers, one a line", "工号，每行一个"),
    "of_session": Text("Everybody on the roster of this session", "本场培训的全部学员"),
    "of_session_hint": Text("As its page shows it, such as order-101", "以培训页面显示的编号为准，例如 order-101"),
    "of_region": Text("Everybody of this region", "本地区的全部人员"),
    "organisation": Text("Line above the name", "姓名上方的文字"),
    "organisation_hint": Text("Without one it is the region's name.", "留空则使用地区名称。"),
    "kind": Text("Kind", "类型"),
    "learners_badges": Text("Badges to check in with", "签到工牌"),
    "staff_badges": Text("Staff badges, for trainers only", "工作人员证（仅限培训师）"),
    "staff_badges_hint": Text(
        "With a staff badge, a trainer checks others in at a kiosk by name. It is to be kept like a key.",
        "培训师可凭工作人员证在签到机上为他人签到，请像钥匙一样保管。",
    ),
    "print": Text("Make the PDF", "生成 PDF"),
    # what cannot be done
    "whose_badges": Text(
        "Please fill in one of the three: people, a session or a region.", "请填写人员、场次、地区三项之一。"
    ),
    "no_such_person": Text("There is nobody with one of these numbers. Please check them.", "有工号不存在，请核对。"),
    "no_such_session": Text("There is no such session.", "没有这场培训。"),
    "no_such_region": Text("There is no such region.", "没有这个地区。"),
    "nobody_there": Text("There is nobody there.", "没有符合条件的人员。"),
    "no_trainer": Text("Only trainers have staff badges.", "只有培训师可以持有工作人员证。"),
    "too_many_badges": Text(
        "These are too many for this page. Please print by session, or with the command `tandem gateway badge sheet`.",
        "数量超出本页面上限。请按场次打印，或使用命令 `tandem gateway badge sheet`。",
    ),
}


def say(key: str, language: Language, **values: object) -> str:
    """Say something in one language; what is not ours is said as the other pages say it."""
    found = TEXTS.get(key)
    return found.told(language).format(**values) if found else task_texts.say(key, language, **values)
