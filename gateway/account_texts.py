"""What the page of accounts says, in English and in Chinese."""

from attendance.reasons import Language, Text
from gateway import task_texts

TEXTS: dict[str, Text] = {
    "accounts": Text("Accounts", "账号"),
    "lead": Text(
        "An account sees and decides what belongs to its regions; everything else is as if it were not there.",
        "账号只能查看和处理所属地区的内容，其他地区的内容对其不可见。",
    ),
    # roles
    "role": Text("Role", "角色"),
    "role_admin": Text("Admin", "管理员"),
    "role_trainer": Text("Trainer", "培训师"),
    "role_viewer": Text("Viewer", "查看者"),
    "admin_does": Text("Admin: everything, in every region", "管理员：全部权限，所有地区"),
    "trainer_does": Text("Trainer: sees and decides", "培训师：查看并处理"),
    "viewer_does": Text("Viewer: looks, and decides nothing", "查看者：仅查看，不处理"),
    # regions
    "reach": Text("Regions", "地区"),
    "reach_all": Text("All of them", "全部地区"),
    "everywhere": Text("all regions", "全部地区"),
    "reach_some": Text("Only these", "仅限以下地区"),
    # one account
    "you_are": Text("you", "本人"),
    "no_password": Text("no password yet", "尚未设置密码"),
    "closed": Text("closed", "已停用"),
    "since": Text("since {at}", "{at} 起"),
    "closed_at": Text("closed {at}", "{at} 停用"),
    "change": Text("Change", "更改"),
    "change_of": Text("Change {login}", "更改 {login}"),
    "keep": Text("Keep the change", "保存更改"),
    "new_link": Text("New link", "新链接"),
    "new_link_hint": Text(
        "For a password that was forgotten or never chosen; an earlier link is over then.",
        "用于忘记或尚未设置密码的情况；之前的链接将失效。",
    ),
    "close": Text("Close the account", "停用账号"),
    "close_hint": Text(
        "It is signed out at once and can never be used again; what it has done stays.",
        "立即退出登录且不可再用；其操作记录保留。",
    ),
    "sure": Text("Yes, close {login}", "确认停用 {login}"),
    # a new one
    "new": Text("New account", "新建账号"),
    "create_it": Text("Create it and make a link", "创建并生成链接"),
    "create_hint": Text(
        "The password is chosen by its owner, with a link that you pass on.", "密码由本人通过您转交的链接设置。"
    ),
    # the link
    "link_for": Text("A link for {login}", "{login} 的链接"),
    "link_once": Text(
        "Pass it on to its owner only. It works once, within 24 hours, and is shown here this one time.",
        "请只转交给本人。链接 24 小时内有效，仅能使用一次，且只在此显示一次。",
    ),
    # done, and what cannot be done
    "done_changed": Text("Changed. It holds from the next page on.", "已更改，下一次打开页面即生效。"),
    "done_closed": Text("The account is closed.", "账号已停用。"),
    "login_taken": Text(
        "Somebody has this login, or had it: closed accounts keep theirs.", "该账号已被使用；停用的账号仍保留原名。"
    ),
    "last_admin": Text("This is the last admin. Make another one first.", "这是最后一位管理员，请先添加另一位。"),
    "account_closed": Text("This account is closed already.", "该账号已停用。"),
    "no_role": Text("Please choose a role.", "请选择角色。"),
    "no_regions": Text("Please choose at least one region, or all of them.", "请至少选择一个地区，或选择全部地区。"),
    "admin_everywhere": Text(
        "An admin has every region. Choose all, or another role.", "管理员拥有全部地区，请选择全部地区或其他角色。"
    ),
}


def say(key: str, language: Language, **values: object) -> str:
    """Say something in one language; what is not ours is said as the other pages say it."""
    found = TEXTS.get(key)
    return found.told(language).format(**values) if found else task_texts.say(key, language, **values)
