"""What each kind of import says: one form per kind, for a row of a file and for an item of the API alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from attendance.assurance import METHODS, Method
from attendance.reasons import Text
from gateway import import_fields as read
from gateway.api_keys import Scope
from gateway.fields import Id, Line, NewId
from gateway.import_fields import (
    Amount,
    Break,
    Checks,
    Day,
    End,
    Local,
    Moment,
    Number,
    Percent,
    Phone,
    Read,
    SessionId,
    Times,
    Weekday,
)
from gateway.texts import TEXTS, WEEKDAYS
from ledger.replanning import MOST_BREAKS

KindName = Literal["people", "sessions", "rosters", "pairs", "tasks", "scores", "progress"]
Role = Literal["clerk", "reserve_manager", "trainer"]


class Form(BaseModel):
    """What is left out stays as it is, or is its default where nothing is there yet."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class PersonForm(Form):
    """A learner or trainer, known by the company's own number."""

    number: Number
    name: Line
    role: Role
    region: Id
    language: Literal["en", "zh"] = "en"
    phone: Phone | None = None


class SessionForm(Form):
    """A sitting of a course, or with `weekdays` several of them; times are those of the region's clocks."""

    id: SessionId
    course: Id
    region: Id
    room: Id | None = Field(None, description="null: online.")
    starts: Local
    ends: End = Field(description="A time alone is the first one after the start.")
    breaks: list[Break] = Field(default=[], max_length=MOST_BREAKS)
    trainer: Number | None = Field(None, description="A personnel number.")
    program: Id | None = Field(None, description="Partners of this programme who come together have joint hours of it.")
    methods: list[Method] = Field(
        default=[], max_length=len(METHODS), description="Empty: all of them, or online the session's code alone."
    )
    least_assurance: Method = "paper"
    missing_out: Literal["review", "session_end", "none_needed"] = "review"
    presence_checks: Checks = 0
    cancelled: bool = False
    weekdays: list[Weekday] = Field(
        default=[], max_length=7, description="Makes it recurring: `id` gets the date of each sitting behind it."
    )
    until: Day | None = Field(None, description="The last day of a recurring session.")
    times: Times | None = Field(None, description="How many sittings there are, instead.")


class RosterForm(Form):
    """A learner's place in a session."""

    session: Id
    number: Number
    remove: bool = Field(default=False, description="Takes the learner off the roster.")


class PairForm(Form):
    """A clerk and a reserve manager who learn together."""

    program: Id
    clerk: Number
    manager: Number


class TaskForm(Form):
    """A joint task of one pair, or without `clerk` and `manager` of every pair of the programme."""

    program: Id
    task: NewId = Field(description="A name of your own for the task, the same for every pair; or the id of one.")
    clerk: Number | None = None
    manager: Number | None = None
    title: Line
    title_zh: Line
    due_clerk: Moment
    due_manager: Moment
    due_joint: Moment
    start_clerk: Moment | None = None
    start_manager: Moment | None = None
    hours_clerk: Amount = Decimal(2)
    hours_manager: Amount = Decimal(3)
    hours_joint: Amount = Decimal(1)


class ScoreForm(Form):
    """A learner's points in a test, or how content somebody was."""

    number: Number
    course: Id
    kind: Literal["test", "satisfaction"]
    at: Moment
    points: Amount


class ProgressForm(Form):
    """How far a learner is in the courses of a programme, as a learning system reports it."""

    number: Number
    program: Id
    at: Moment
    percent: Percent


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file: what it is called, how it is read, and two examples of what stands in it."""

    field: str
    en: str
    zh: str
    examples: tuple[str, str] = ("", "")
    read: Read = read.as_is
    also: tuple[str, ...] = ()
    """Other names that people give it."""
    in_chinese: tuple[str, str] | None = None
    """The examples in a Chinese file, if they are others."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return every heading under which it is known."""
        return self.field, self.en, self.zh, *self.also


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of import."""

    name: KindName
    form: type[Form]
    scope: Scope
    columns: tuple[Column, ...]
    by_heading: Mapping[str, Column] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        known = {heading(name): column for column in self.columns for name in column.names}
        object.__setattr__(self, "by_heading", known)

    @property
    def needed(self) -> Sequence[Column]:
        """Return the columns that no file may leave out."""
        return [column for column in self.columns if self.form.model_fields[column.field].is_required()]


def heading(text: str) -> str:
    """Write a heading as it is compared: blanks, lines and capitals make no difference."""
    return "".join(letter for letter in read.plain(text) if letter.isalnum())


def _said(meaning: Mapping[str, Text]) -> Read:
    """Read a code, or the word for it in either language."""
    found = {code: code for code in meaning}
    return read.words(found | {read.plain(word): code for code, text in meaning.items() for word in (text.en, text.zh)})


_ROLES = {role: TEXTS[f"role_{role}"] for role in ("clerk", "reserve_manager", "trainer")}
_METHODS: dict[str, Text] = {method: TEXTS[f"method_{method}"] for method in METHODS}
_MISSING_OUTS = {
    "review": Text("a trainer decides", "人工确认"),
    "session_end": Text("to the end", "计到结束"),
    "none_needed": Text("not needed", "无需签退"),
}
_SCORES = {"test": Text("test", "测试"), "satisfaction": Text("satisfaction", "满意度")}
_LANGUAGES = {"en": Text("English", "英文"), "zh": Text("Chinese", "中文")}
_DAYS = {
    code: Text(english, chinese.replace("星期", "周"))
    for code, (english, chinese) in zip(read.WEEKDAYS, WEEKDAYS, strict=True)
}
WORDS: dict[str, Text] = _ROLES | _METHODS | _MISSING_OUTS | _SCORES | _LANGUAGES | _DAYS
"""What people may write for a code, in either language."""

_ROLE, _METHOD, _MISSING_OUT = _said(_ROLES), _said(_METHODS), _said(_MISSING_OUTS)
_SCORE, _LANGUAGE = _said(_SCORES), _said(_LANGUAGES)
_WEEKDAY = read.words(
    {
        name: code
        for code, (english, chinese) in zip(read.WEEKDAYS, WEEKDAYS, strict=True)
        for name in (code, english.casefold(), chinese, chinese.replace("星期", "周"), chinese.replace("星期", ""))
    }
)

_NUMBER = Column("number", "number", "工号", ("1001", "1002"), also=("personnel number", "employee number", "员工编号"))
_PROGRAM = Column("program", "programme", "项目", ("sales", "sales"), also=("培训项目",))

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="people",
            form=PersonForm,
            scope="people:write",
            columns=(
                _NUMBER,
                Column("name", "name", "姓名", ("Ann Li", "Bo Wang"), in_chinese=("李安", "王博")),
                Column("role", "role", "角色", ("clerk", "reserve manager"), _ROLE, ("身份",), ("文员", "储备经理")),
                Column("region", "region", "地区", ("east", "east"), also=("区域",)),
                Column("language", "language", "语言", ("en", "zh"), _LANGUAGE, (), ("中文", "中文")),
                Column("phone", "phone", "手机", ("138 0013 8000", ""), read.digits, ("mobile", "电话", "手机号")),
            ),
        ),
        Kind(
            name="sessions",
            form=SessionForm,
            scope="plan:write",
            columns=(
                Column("id", "session", "场次", ("order-101", "order-weekly"), also=("session id", "场次编号")),
                Column("course", "course", "课程", ("orders", "orders"), also=("课程编号",)),
                Column("region", "region", "地区", ("east", "east"), also=("区域",)),
                Column("room", "room", "教室", ("room-1", ""), also=("教室编号",)),
                Column(
                    "starts",
                    "starts",
                    "开始",
                    ("2026-11-23 09:00", "2026-11-24 14:00"),
                    read.moment,
                    ("start", "开始时间"),
                ),
                Column("ends", "ends", "结束", ("12:00", "15:30"), read.end, ("end", "结束时间")),
                Column("breaks", "breaks", "休息", ("10:30-10:45", ""), read.listed(read.span), ("休息时间",)),
                Column("trainer", "trainer number", "培训师工号", ("", ""), also=("trainer", "培训师")),
                Column("program", "programme", "项目", ("", ""), also=("培训项目",)),
                Column(
                    "methods",
                    "methods",
                    "签到方式",
                    ("badge; session code", "session code"),
                    read.listed(_METHOD),
                    (),
                    ("工牌；签到码", "签到码"),
                ),
                Column("least_assurance", "least assurance", "最低可信方式", ("", ""), _METHOD),
                Column(
                    "missing_out",
                    "missing check-out",
                    "缺少签退",
                    ("a trainer decides", "to the end"),
                    _MISSING_OUT,
                    (),
                    ("人工确认", "计到结束"),
                ),
                Column("presence_checks", "presence checks", "在场确认次数", ("", "2"), read.whole),
                Column("cancelled", "cancelled", "已取消", ("no", "no"), read.YES, ("canceled",), ("否", "否")),
                Column("weekdays", "weekdays", "星期", ("", "Tue; Thu"), read.listed(_WEEKDAY), (), ("", "周二；周四")),
                Column("until", "until", "截止日期", ("", "2026-12-18"), read.day),
                Column("times", "times", "次数", ("", ""), read.whole),
            ),
        ),
        Kind(
            name="rosters",
            form=RosterForm,
            scope="plan:write",
            columns=(
                Column("session", "session", "场次", ("order-101", "order-101"), also=("session id", "场次编号")),
                _NUMBER,
                Column("remove", "remove", "移除", ("no", "no"), read.YES, ("移出",), ("否", "否")),
            ),
        ),
        Kind(
            name="pairs",
            form=PairForm,
            scope="pairs:write",
            columns=(
                _PROGRAM,
                Column("clerk", "clerk number", "文员工号", ("1001", "1003"), also=("clerk",)),
                Column(
                    "manager",
                    "reserve manager number",
                    "储备经理工号",
                    ("1002", "1004"),
                    also=("manager", "manager number"),
                ),
            ),
        ),
        Kind(
            name="tasks",
            form=TaskForm,
            scope="pairs:write",
            columns=(
                _PROGRAM,
                Column("task", "task", "任务", ("spring-orders", "autumn-orders"), also=("任务编号",)),
                Column("clerk", "clerk number", "文员工号", ("", "1001"), also=("clerk",)),
                Column(
                    "manager",
                    "reserve manager number",
                    "储备经理工号",
                    ("", "1002"),
                    also=("manager", "manager number"),
                ),
                Column("title", "title in English", "英文标题", ("Spring orders", "Autumn orders"), also=("title",)),
                Column("title_zh", "title in Chinese", "中文标题", ("春季订单", "秋季订单"), also=("标题",)),
                Column("start_clerk", "clerk starts by", "文员开始期限", ("2026-11-23 12:00", ""), read.moment),
                Column("due_clerk", "clerk due", "文员截止", ("2026-11-25 18:00", "2026-11-30 18:00"), read.moment),
                Column("hours_clerk", "clerk hours", "文员学时", ("2", ""), read.amount),
                Column(
                    "start_manager",
                    "reserve manager starts by",
                    "储备经理开始期限",
                    ("2026-11-24 12:00", ""),
                    read.moment,
                ),
                Column(
                    "due_manager",
                    "reserve manager due",
                    "储备经理截止",
                    ("2026-11-26 18:00", "2026-12-01 18:00"),
                    read.moment,
                ),
                Column("hours_manager", "reserve manager hours", "储备经理学时", ("3", ""), read.amount),
                Column(
                    "due_joint",
                    "joint report due",
                    "联合报告截止",
                    ("2026-11-27 18:00", "2026-12-02 18:00"),
                    read.moment,
                ),
                Column("hours_joint", "joint hours", "联合学时", ("1", ""), read.amount),
            ),
        ),
        Kind(
            name="scores",
            form=ScoreForm,
            scope="facts:write",
            columns=(
                _NUMBER,
                Column("course", "course", "课程", ("orders", "orders"), also=("课程编号",)),
                Column("kind", "kind", "类型", ("test", "satisfaction"), _SCORE, (), ("测试", "满意度")),
                Column("at", "at", "时间", ("2026-11-20 16:00", "2026-11-20 16:30"), read.moment, ("date and time",)),
                Column("points", "points", "分数", ("87.5", "4.5"), read.amount, ("score", "得分")),
            ),
        ),
        Kind(
            name="progress",
            form=ProgressForm,
            scope="facts:write",
            columns=(
                _NUMBER,
                _PROGRAM,
                Column("at", "at", "时间", ("2026-11-20 16:00", "2026-11-20 16:00"), read.moment, ("date and time",)),
                Column("percent", "percent", "完成百分比", ("80", "45"), read.amount, ("progress", "进度")),
            ),
        ),
    )
}
"""What can be brought in, in the order in which one stands on another."""
