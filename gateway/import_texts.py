"""What imports say, in English and in Chinese: what is wrong with a file, line by line, and what the pages need."""

from collections.abc import Mapping, Sequence
from typing import Any

from attendance.reasons import Language, Text
from gateway import task_texts
from gateway.import_forms import WORDS

KIND_NAMES: dict[str, Text] = {
    "people": Text("People", "人员"),
    "sessions": Text("Sessions", "培训场次"),
    "rosters": Text("Rosters", "场次名单"),
    "pairs": Text("Pairs", "搭档"),
    "tasks": Text("Joint tasks", "联合任务"),
    "scores": Text("Scores", "成绩"),
    "progress": Text("Progress", "学习进度"),
}

ERRORS: dict[str, Text] = {
    # the file
    "empty": Text("The file is empty.", "文件为空。"),
    "no_lines": Text(
        "There is nothing below the headings. Write one line for each of them.", "表头下没有内容，请逐行填写。"
    ),
    "old_excel": Text(
        "This is an old or protected Excel file. Save it as an Excel workbook (.xlsx) without a password, or as CSV.",
        "这是旧版或加密的 Excel 文件，请另存为不加密的 .xlsx 或 CSV。",
    ),
    "wrong_encoding": Text(
        "This is neither UTF-8 nor GB18030 text from this line on. Save it as “CSV UTF-8” or as .xlsx.",
        "从这一行起无法按 UTF-8 或 GB18030 读取，请另存为“CSV UTF-8”或 .xlsx。",
    ),
    "no_workbook": Text(
        "This workbook is broken here. Open it in Excel, save it again as .xlsx or CSV, and retry.",
        "工作簿在此处损坏，请在 Excel 中打开，另存为 .xlsx 或 CSV 后重试。",
    ),
    "unpacks_too_large": Text(
        "This workbook unpacks to far too much. Save only the table, as CSV.",
        "工作簿解压后过大，请只将表格另存为 CSV。",
    ),
    "too_large": Text("A file may have 32 MiB at most. Bring it in in parts.", "文件不能超过 32 MiB，请分批导入。"),
    "too_many_lines": Text(
        "A file may have 200,000 lines at most. Bring it in in parts.", "文件不能超过 20 万行，请分批导入。"
    ),
    "too_many_things": Text(
        "With this line it is more than can be brought in at once. Bring it in in parts.",
        "到这一行为止，数量已超过一次可导入的上限，请分批导入。",
    ),
    "too_many_columns": Text("A line may have 64 columns at most.", "每行不能超过 64 列。"),
    "cell_too_long": Text(
        "A cell in this line is far too long, or a quotation mark is never closed.",
        "该行有单元格过长，或引号没有成对。",
    ),
    "open_quote": Text(
        "A quotation mark in this line is not closed, or stands in the middle of a cell. "
        'Write "" for a quotation mark within quotes.',
        '该行的引号没有成对，或出现在单元格中间。引号内的引号请写成 ""。',
    ),
    "unknown_columns": Text(
        "There is no column {columns}. Use the headings of the sample, or take the column out.",
        "没有“{columns}”这一列，请使用示例文件中的表头，或删除该列。",
    ),
    "column_twice": Text("The column {columns} is there twice. Keep one of them.", "“{columns}”列重复，请只保留一列。"),
    "missing_columns": Text("The column {columns} is missing.", "缺少“{columns}”列。"),
    "fault": Text(
        "The file could not be read, and it is our fault. Nothing has been brought in; please tell your administrator.",
        "系统出错，未能读取文件，也没有导入任何内容，请联系管理员。",
    ),
    # a line
    "missing": Text("This is empty. Fill it in.", "此处为空，请填写。"),
    "no_heading": Text(
        "Column {column} has no heading. Give it one, or empty it.", "{column} 列没有表头，请补上表头或清空该列。"
    ),
    "too_long": Text("This is too long: at most {most} characters.", "内容过长，最多 {most} 个字符。"),
    "too_many_values": Text("There are too many values: at most {most}.", "值过多，最多 {most} 个。"),
    "strange_letter": Text(
        "There is a character in it that cannot be seen. Type it again.", "含有不可见字符，请重新输入。"
    ),
    "excel_error": Text("Excel shows an error here. Mend the formula.", "此处是 Excel 错误值，请修正公式。"),
    "no_choice": Text("Write one of these: {choices}.", "只能填写以下之一：{choices}。"),
    "wrong_yes": Text("Write yes or no.", "请填写“是”或“否”。"),
    "wrong_whole": Text("Write a whole number.", "请填写整数。"),
    "out_of_range": Text("This number is out of range; the limit is {limit}.", "数值超出范围，界限为 {limit}。"),
    "wrong_phone": Text("Write a phone number such as 138 0013 8000.", "请填写电话号码，例如 138 0013 8000。"),
    "wrong_id": Text(
        "Use small letters, digits and hyphens, at most 32 of them, such as order-101.",
        "只能使用小写字母、数字和连字符，最多 32 个，例如 order-101。",
    ),
    "wrong_text": Text("Write it in one line, without blanks before or after it.", "请写成一行，前后不要有空格。"),
    "wrong_local": Text(
        "Write a date and a time such as 2026-11-23 09:00.", "请填写日期和时间，例如 2026-11-23 09:00。"
    ),
    "wrong_moment": Text(
        "Write a date and a time such as 2026-11-23 18:00.", "请填写日期和时间，例如 2026-11-23 18:00。"
    ),
    "wrong_end": Text("Write a time such as 12:00, or a date and a time.", "请填写时间，例如 12:00，或日期和时间。"),
    "wrong_day": Text("Write a date such as 2026-12-18.", "请填写日期，例如 2026-12-18。"),
    "wrong_amount": Text("Write a number such as 87.5.", "请填写数字，例如 87.5。"),
    "wrong_percent": Text("Write a number from 0 to 100.", "请填写 0 到 100 之间的数字。"),
    "wrong_breaks": Text("Write breaks like 10:30-10:45; 11:30-11:40.", "休息时间请写成 10:30-10:45；11:30-11:40。"),
    # what a line refers to
    "said_before": Text("Line {earlier} says this already. Keep one of them.", "与第 {earlier} 行重复，请只保留一行。"),
    "no_region": Text("There is no region with this id.", "没有这个地区。"),
    "other_region": Text("This belongs to a region that you may not change.", "该内容属于您无权更改的地区。"),
    "no_room": Text("There is no room with this id.", "没有这间教室。"),
    "room_elsewhere": Text("This room is in another region.", "该教室属于其他地区。"),
    "no_course": Text("There is no course with this id.", "没有这门课程。"),
    "no_program": Text("There is no programme with this id.", "没有这个培训项目。"),
    "no_session": Text("There is no session with this id.", "没有这场培训。"),
    "no_person": Text("There is nobody with this number. Bring people in first.", "没有此工号的人员，请先导入人员。"),
    "no_learner": Text("This is a trainer; trainers are not on rosters.", "此人是培训师，不能列入名单。"),
    "no_trainer": Text("This person is no trainer.", "此人不是培训师。"),
    "no_clerk": Text("This person is no clerk.", "此人不是文员。"),
    "no_reserve_manager": Text("This person is no reserve manager.", "此人不是储备经理。"),
    "role_of_pair": Text("This person is in a pair, which needs the role as it was.", "此人已有搭档，角色不能更改。"),
    "id_taken": Text("Something else has this id. Choose another one.", "该编号已被使用，请换一个。"),
    "id_too_long": Text(
        "A recurring session's id may have 23 characters; the date comes behind it.",
        "周期场次的编号最多 23 个字符，后面会加上日期。",
    ),
    "skipped_time": Text(
        "Clocks jump over this time when daylight saving begins. Choose another one.",
        "夏令时开始时会跳过这个时间，请换一个时间。",
    ),
    "wrong_times": Text("A session ends after its start, and within 24 hours.", "结束须晚于开始，且不超过 24 小时。"),
    "break_outside": Text("Breaks lie within the session, one after the other.", "休息须在培训时间之内，且互不重叠。"),
    "no_weekdays": Text("A recurring session needs weekdays.", "周期场次请填写星期。"),
    "first_day_missing": Text("The first day is none of these weekdays.", "第一天不在所填的星期之中。"),
    "until_or_times": Text(
        "Say either until when a session recurs or how many times.", "请填写截止日期或次数，二者选一。"
    ),
    "until_before": Text("The last day is before the first.", "截止日期早于第一天。"),
    "too_many_sittings": Text("A recurring session has at most 500 sittings.", "周期场次最多 500 场。"),
    "half_a_pair": Text("Name both partners, or none for all pairs.", "请同时填写两位搭档，或都不填以适用于全部搭档。"),
    "no_pair": Text(
        "These two are no pair of this programme. Bring pairs in first.", "两人不是该项目的搭档，请先导入搭档。"
    ),
    "no_pairs": Text("This programme has no pairs yet. Bring them in first.", "该项目还没有搭档，请先导入搭档。"),
    "too_many_pairs": Text(
        "This programme has more than 20,000 pairs. Write a line for each pair.",
        "该项目的搭档超过 2 万对，请逐对填写。",
    ),
    "starts_after_due": Text("This is not before the part is due.", "开始期限须早于截止时间。"),
    "accepted_already": Text(
        "This part has been accepted; its due and its hours stay.", "这部分已经通过，截止时间和学时不能更改。"
    ),
    "in_future": Text("This has not happened yet.", "该时间尚未到来。"),
    # what cannot be done now
    "no_import": Text("There is no such import.", "没有这次导入。"),
    "not_ready": Text("Only a file that was read without errors can be brought in.", "只有检查无误的文件才能导入。"),
    "too_old": Text(
        "It has waited for more than a day. Please check the file once more.", "已超过一天，请重新检查文件。"
    ),
    "landed_already": Text("It has been brought in already.", "已经导入。"),
    "changed_meanwhile": Text(
        "Things have changed since the file was checked. Please check it once more.",
        "检查之后数据有变动，请重新检查文件。",
    ),
    "full": Text("Too many files wait to be read. Please try again in a minute.", "等待读取的文件过多，请稍后再试。"),
    "no_file": Text("Please choose a file.", "请选择文件。"),
    "no_kind": Text("Please say what is in it.", "请选择导入内容。"),
}

TEXTS: dict[str, Text] = {
    "imports": Text("Bring in", "导入"),
    "lead": Text(
        "A file is checked first. You then see what it would change, and nothing is brought in before you say so.",
        "文件会先经过检查并显示将有哪些变化，由您确认后才会导入。",
    ),
    # choosing
    "what": Text("What is in the file?", "导入内容"),
    "about_people": Text("learners and trainers, by personnel number", "学员与培训师，以工号识别"),
    "about_sessions": Text("single and weekly sessions, with breaks and rooms", "单次或每周的培训，含休息与教室"),
    "about_rosters": Text("who takes part in which session", "每场培训的参加人员"),
    "about_pairs": Text("a clerk and a reserve manager who learn together", "结对学习的文员与储备经理"),
    "about_tasks": Text("for one pair, or for all of a programme", "面向一对搭档或整个项目"),
    "about_scores": Text("points of tests, and how content people were", "测试成绩与满意度"),
    "about_progress": Text("how far learners are, from a learning system", "来自学习系统的完成进度"),
    "sample": Text("Sample", "示例"),
    "sample_of": Text("Sample for {kind} as {format}", "{kind}示例（{format}）"),
    "file": Text("File", "文件"),
    "file_hint": Text(
        "Excel (.xlsx) or CSV in UTF-8 or GB18030, up to 32 MiB and 200,000 lines. Headings in English or Chinese.",
        "Excel（.xlsx）或 UTF-8、GB18030 编码的 CSV，不超过 32 MiB、20 万行，表头中英文均可。",
    ),
    "check": Text("Check the file", "检查文件"),
    # the list
    "latest": Text("Latest", "最近的导入"),
    "none_yet": Text("Nothing has been brought in yet", "还没有导入过"),
    "state_reading": Text("Being read", "读取中"),
    "state_lost": Text("Broken off", "已中断"),
    "state_wrong": Text("Has errors", "有错误"),
    "state_ready": Text("Waits for you", "待导入"),
    "state_landed": Text("Brought in", "已导入"),
    "state_dropped": Text("Dropped", "已放弃"),
    "by_console": Text("command line", "命令行"),
    "by_key": Text("API key", "API 密钥"),
    # one
    "reading_heading": Text("Reading the file", "正在读取文件"),
    "reading_hint": Text("You may leave this page; the file is read all the same.", "可以离开此页，读取会继续进行。"),
    "read_so_far": Text("{count} read so far", "已读取 {count} 条"),
    "look_again": Text("Look again", "刷新"),
    "lost_heading": Text("Reading was broken off", "读取已中断"),
    "lost_hint": Text(
        "Tandem was restarted in between. Nothing has been brought in; drop this and choose the file again.",
        "系统在读取时重新启动，没有导入任何内容。请放弃本次导入并重新选择文件。",
    ),
    "wrong_heading": Text("{count} to correct", "需要修改 {count} 处"),
    "wrong_hint": Text(
        "Nothing has been brought in. Correct the file and check it again.", "没有导入任何内容，请修改文件后重新检查。"
    ),
    "first_errors": Text("These are the first {count}.", "以下是前 {count} 处。"),
    "otherwise": Text(
        "The other lines would add {added} and change {changed}.",
        "其余各行将新增 {added} 条，更新 {changed} 条。",
    ),
    "line": Text("Line", "行"),
    "column": Text("Column", "列"),
    "to_do": Text("What to do", "处理办法"),
    "whole_file": Text("file", "文件"),
    "ready_heading": Text("No errors", "检查无误"),
    "ready_hint": Text(
        "Nothing has been changed yet. The file waits for a day, and is then forgotten.",
        "目前尚未作任何更改。超过一天未导入将自动清除。",
    ),
    "nothing_to_do": Text("Everything in it is so already.", "文件内容与现有数据一致。"),
    "landed_heading": Text("Brought in", "已导入"),
    "dropped_heading": Text("Dropped", "已放弃"),
    "dropped_hint": Text("Nothing of it has been brought in.", "没有导入任何内容。"),
    "added": Text("Added", "新增"),
    "changed": Text("Changed", "更新"),
    "removed": Text("Taken off", "移除"),
    "unchanged": Text("As before", "不变"),
    "added_is": Text("to add", "将新增"),
    "changed_is": Text("to change", "将更新"),
    "removed_is": Text("to take off", "将移除"),
    "unchanged_is": Text("as before", "不变"),
    "land": Text("Bring {count} in", "导入 {count} 条"),
    "drop": Text("Drop it", "放弃"),
    "another": Text("Another file", "导入其他文件"),
    "again": Text("Choose the corrected file", "选择修改后的文件"),
    "all_imports": Text("All imports", "导入记录"),
}


def say(key: str, language: Language, **values: object) -> str:
    """Say something in one language; what is not ours is said as the other pages say it."""
    found = TEXTS.get(key) or ERRORS.get(key)
    return found.told(language).format(**values) if found else task_texts.say(key, language, **values)


def kind(name: str, language: Language) -> str:
    """Name a kind of import."""
    return KIND_NAMES[name].told(language)


def error(code: str, about: Mapping[str, Any], language: Language) -> str:
    """Say what is wrong and what to do."""
    told = {name: _listed(value, language) if name == "choices" else value for name, value in about.items()}
    return ERRORS[code].told(language).format(**told)


def _listed(choices: Sequence[str], language: Language) -> str:
    words = [WORDS[choice].told(language) if choice in WORDS else choice for choice in choices]
    return ("、" if language == "zh" else ", ").join(words)
