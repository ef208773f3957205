"""What the phone's pages and the session's code page say, in English and in Chinese.

What went wrong has two texts: `…` says what happened and `…_do` what to do now.
"""

from attendance.reasons import Language, Text

TEXTS: dict[str, Text] = {
    # signing in
    "sign_in": Text("Sign in", "登录"),
    "sign_in_to_confirm": Text("Sign in to check in", "登录后签到"),
    "number": Text("Personnel number", "工号"),
    "pin": Text("PIN", "PIN 码"),
    "pin_hint": Text(
        "6 to 12 digits. If you have none, ask your trainer.", "6 至 12 位数字。如果没有，请向培训师领取。"
    ),
    "go_on": Text("Continue", "继续"),
    "sign_out": Text("Sign out", "退出登录"),
    "my_tasks": Text("My tasks", "我的任务"),
    "my_inbox": Text("My inbox", "我的消息"),
    "not_you": Text("Not you? Sign out", "不是您？退出登录"),
    "wrong_pin": Text("Number or PIN is wrong.", "工号或 PIN 码不正确。"),
    "wrong_pin_do": Text("Please check both and try again.", "请核对后重试。"),
    "too_many_tries": Text("Too many wrong tries.", "错误次数过多。"),
    "too_many_tries_do": Text(
        "Please try again in {minutes} min. If your session is on, your trainer can enter you.",
        "请在 {minutes} 分钟后重试。如果培训正在进行，培训师可以为您登记。",
    ),
    "signed_in": Text("You are signed in", "您已登录"),
    "signed_in_do": Text(
        "To check in, scan the code that your trainer shows, or type it.", "签到时，请扫描或输入培训师展示的签到码。"
    ),
    "time_is_kept": Text(
        "Your time is kept: {at}, the moment you scanned the code. There is no hurry: finish by {until}.",
        "您的时间已保留：{at}，即扫码的时刻。不用着急，请在 {until} 前完成。",
    ),
    # confirming
    "confirm_in": Text("Check in", "签到"),
    "confirm_out": Text("Check out", "签退"),
    "confirm_ask": Text("Are you arriving or leaving?", "您是到场还是离开？"),
    "button_in": Text("Check me in", "确认签到"),
    "button_out": Text("Check me out", "确认签退"),
    "button_arrive": Text("I am arriving", "我到了"),
    "button_leave": Text("I am leaving", "我要离开"),
    "button_tell": Text("Enter that I was here", "登记我到过场"),
    "recorded_as": Text("Recorded time", "记录时间"),
    "when_scanned": Text("when scanned", "扫码时刻"),
    "in_since": Text("You have been in since {at}.", "您自 {at} 起已在场。"),
    "would_be_refused": Text("This will not count", "这次签到不会计入"),
    "would_be_refused_do": Text(
        "You can still have it entered: your trainer sees it and decides.", "您仍可以登记，培训师会看到并处理。"
    ),
    "online": Text("Online", "线上"),
    "session": Text("Session", "培训场次"),
    "you": Text("You", "您"),
    "partner": Text("Your partner", "您的搭档"),
    "partner_in": Text("in since {at}", "{at} 起在场"),
    "partner_left": Text("left at {at}", "{at} 已离开"),
    "partner_expected": Text("not here yet", "尚未到场"),
    # the badge on the phone
    "phone_badge": Text("My badge", "我的工牌"),
    "phone_badge_show": Text("Show my badge", "出示我的工牌"),
    "phone_badge_code": Text("QR code of your badge", "您的工牌二维码"),
    "phone_badge_do": Text(
        "Hold the screen up to the check-in station, with the brightness turned up.",
        "请调高屏幕亮度，对准签到机的摄像头。",
    ),
    "phone_badge_hint": Text(
        "The code changes by itself and is good for {seconds} seconds. Do not send pictures of it to anybody.",
        "二维码自动更换，{seconds} 秒内有效。请勿截图或转发给他人。",
    ),
    "phone_badge_lost": Text(
        "No connection: this code is too old. Wait for the network, or show your printed badge.",
        "网络已断开，二维码已过期。请等待网络恢复，或出示纸质工牌。",
    ),
    "back": Text("Back", "返回"),
    # the receipt
    "done_in": Text("You are checked in", "签到成功"),
    "done_out": Text("You are checked out", "签退成功"),
    "done_refused": Text("Entered, but it does not count", "已登记，但不计入"),
    "receipt": Text("Receipt code", "回执码"),
    "receipt_hint": Text("Keep this code or a picture of it, in case somebody asks.", "请记下或截图保存，以备查询。"),
    "shared_phone": Text(
        "Somebody else has checked in from this phone or network today. Your check-in counts; your trainer may ask.",
        "今天有其他人通过这部手机或网络签到。您的签到有效，培训师可能会向您核实。",
    ),
    "leave_hint": Text("When you leave, scan the code once more.", "离开时请再次扫码签退。"),
    # whether somebody is still there
    "will_be_asked": Text(
        "During this session you will be asked {count} times whether you are still there. "
        "Keep this page open, and answer within {minutes} minutes.",
        "培训期间系统会询问您 {count} 次是否在场。请保持本页面打开，并在 {minutes} 分钟内回答。",
    ),
    "will_be_asked_once": Text(
        "During this session you will be asked once whether you are still there. "
        "Keep this page open, and answer within {minutes} minutes.",
        "培训期间系统会询问您一次是否在场。请保持本页面打开，并在 {minutes} 分钟内回答。",
    ),
    "no_script": Text(
        "Your browser shows it only when you load the page again: please do so every minute.",
        "您的浏览器只有在刷新页面后才会显示询问，请每分钟刷新一次。",
    ),
    "still_there": Text("Are you still there?", "您还在场吗？"),
    "answer_by": Text("Please answer by {at}.", "请在 {at} 前回答。"),
    "time_left": Text("Time left", "剩余时间"),
    "still_here": Text("Yes, I am here", "我在场"),
    "answered": Text("Thank you, your answer is recorded.", "谢谢，已记录您的回答。"),
    "answer_failed": Text("That was not sent. Please press again.", "发送失败，请再按一次。"),
    "cannot_ask": Text(
        "No connection: this page cannot show whether you are asked something. Trying again.",
        "连接中断，本页面暂时无法显示询问，正在重试。",
    ),
    "check_over": Text("The time to answer is over", "回答时间已过"),
    "check_over_do": Text(
        "Please tell your trainer that you are here; the trainer can enter it.", "请告诉培训师您在场，培训师可以登记。"
    ),
    "no_check": Text("You are not asked anything here", "没有对您的询问"),
    "no_check_do": Text("Go on to your page and keep it open.", "请返回您的页面并保持打开。"),
    "signed_out": Text("You are not signed in any more", "您已退出登录"),
    "signed_out_do": Text("Go on, sign in again, and answer there.", "请继续并重新登录，然后回答。"),
    # the typed code
    "type_code": Text("Type the session code", "输入签到码"),
    "type_code_hint": Text(
        "8 letters and digits, beside the QR code on your trainer's screen. It changes every minute.",
        "8 位字母和数字，显示在培训师屏幕的二维码旁，每分钟更换。",
    ),
    "code": Text("Session code", "签到码"),
    "scan_instead": Text("You can also open your camera and scan the QR code.", "您也可以打开相机扫描二维码。"),
    "type_instead": Text("Type the code instead", "改为输入签到码"),
    # what can go wrong
    "expired": Text("This code has changed since", "签到码已更换"),
    "expired_do": Text(
        "Codes change every few seconds, so one that was passed on does not work. Scan the code on the screen now.",
        "签到码每几秒更换一次，转发的码无效。请扫描屏幕上当前的签到码。",
    ),
    "altered": Text("This is not one of our codes", "无法识别此签到码"),
    "altered_do": Text(
        "It may have been cut off or changed. Scan the code on your trainer's screen.",
        "它可能不完整或被改动。请扫描培训师屏幕上的签到码。",
    ),
    "typed_wrong": Text("This code is not good now.", "签到码不正确。"),
    "typed_wrong_do": Text("Look at the screen again: it may have changed.", "请再看一眼屏幕，签到码可能已更换。"),
    "ticket_over": Text("That took more than ten minutes", "已超过十分钟"),
    "ticket_over_do": Text(
        "Nothing was entered. Scan the code on the screen again; if the session is over, talk to your trainer.",
        "没有登记任何记录。请重新扫码；如果培训已结束，请联系培训师。",
    ),
    "ticket_unknown": Text("There is no such check-in", "没有这次签到"),
    "ticket_unknown_do": Text("Scan the code on your trainer's screen.", "请扫描培训师屏幕上的签到码。"),
    "other_browser": Text("This check-in belongs to another browser", "这次签到属于另一个浏览器"),
    "other_browser_do": Text(
        "Scan the code yourself with this one. If you did, allow cookies for this page and scan again.",
        "请用当前浏览器亲自扫码。如果您已扫过，请允许本页使用 Cookie 后重新扫码。",
    ),
    "other_person": Text("Somebody else has checked in with this scan", "这次扫码已被他人用于签到"),
    "other_person_do": Text("Scan the code again for yourself.", "请您本人重新扫码。"),
    "form_over": Text("This page was open for too long", "页面已过期"),
    "form_over_do": Text("Go back, load it again and send it once more.", "请返回并刷新页面后重新提交。"),
    "not_found": Text("There is nothing here", "页面不存在"),
    "not_found_do": Text("Scan the code on your trainer's screen.", "请扫描培训师屏幕上的签到码。"),
    "failed": Text("That did not work", "操作未成功"),
    "failed_do": Text(
        "Please try again. If it stays like this, tell your trainer.", "请重试。如仍然失败，请告诉培训师。"
    ),
    "no_session_now": Text("There is no such session", "没有这场培训"),
    "session_cancelled": Text("This session has been cancelled", "本场培训已取消"),
    "too_early": Text("Check-in is not open yet", "签到尚未开始"),
    "session_over": Text("This session is over", "本场培训已经结束"),
    # the page with the code
    "session_code": Text("Session code", "签到码"),
    "scan_here": Text("Scan to check in", "扫码签到"),
    "scan_here_out": Text("Scan to check out", "扫码签退"),
    "or_type": Text("or type at {place}", "或在 {place} 输入"),
    "qr_of": Text("QR code to check in to {title}", "{title}签到二维码"),
    "next_code": Text("New code in {seconds} s", "{seconds} 秒后更换"),
    "count_in": Text("In", "在场"),
    "count_late": Text("Late", "迟到"),
    "count_missing": Text("Not here", "未到"),
    "count_left": Text("Left", "已离开"),
    "of_all": Text("of {all}", "/ {all} 人"),
    "check_now": Text("Presence check: please answer on your phone", "在场确认：请在手机上回答"),
    "check_where": Text("on the page you checked in with, or at {place}", "在签到后的页面，或打开 {place}"),
    "opens_at": Text("Check-in opens at {at}", "{at} 开始签到"),
    "closed_at": Text("Check-in closed at {at}", "签到已于 {at} 结束"),
    "is_cancelled": Text("This session has been cancelled", "本场培训已取消"),
    "no_codes": Text("This session does not take codes", "本场培训不接受签到码"),
    "to_day": Text("Back to the day", "返回今日"),
    "unreached": Text(
        "No connection. The code may be too old; trying again.", "连接中断，签到码可能已失效，正在重试。"
    ),
    "may_not": Text("Only trainers and admins may show a code", "只有培训师和管理员可以展示签到码"),
    "may_not_do": Text("Ask a trainer or an admin to open this page.", "请让培训师或管理员打开此页面。"),
}


def tell(key: str, language: Language, **values: object) -> str:
    """Say something in one language."""
    found = TEXTS[key]
    return (found.en if language == "en" else found.zh).format(**values)
