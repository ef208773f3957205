"""The columns that several reports share."""

from attendance.reasons import Text
from attendance.report_table import Cell, Column

ROLE_WORDS: dict[Cell, Text] = {
    "clerk": Text("Clerk", "文员"),
    "reserve_manager": Text("Reserve manager", "储备经理"),
    "other": Text("Other", "其他"),
    "all": Text("All", "合计"),
}
YES_OR_NO: dict[Cell, Text] = {True: Text("Yes", "是"), False: Text("No", "否")}

LEARNER = Column("learner_id", Text("Learner", "学员"))
ROLE = Column("role", Text("Role", "角色"), ROLE_WORDS)
SESSION = Column("session_id", Text("Session", "场次"))
COURSE = Column("course_id", Text("Course", "课程"))
DATE = Column("local_date", Text("Date", "日期"))
ON_ROSTER = Column("on_roster", Text("On the roster", "名单人数"))
SIGNED_IN = Column("signed_in", Text("Signed in", "签到人数"))
SESSIONS = Column("sessions", Text("Sessions", "应到场次"))
ATTENDED = Column("attended", Text("Attended", "实到场次"))
ATTENDANCE = Column("attendance", Text("Attendance %", "出勤率 %"))
HOURS = Column("hours", Text("Hours", "学时"))
UNIT = Column("unit", Text("Unit", "单位"))
MET = Column("met", Text("Target met", "达标"), YES_OR_NO)
