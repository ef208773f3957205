"""The show for people: addresses to open, the day as it goes in English and Chinese, and the reckoning at its end."""

import signal
import socket
import unicodedata
from pathlib import Path
from typing import Any

from rich.table import Table

from attendance.reasons import TEXTS
from kiosk.answers import Answer
from tandem.broker import free_port
from tandem.console import screen, until_stopped
from tandem.demo import reckoning, show
from tandem.demo.company import TRAINER
from tandem.demo.day import Call, Deed, Event, Part, Scene
from tandem.demo.show import Stage

MARKS = {"green": "[green]✔[/]", "amber": "[yellow]✔[/]", "red": "[red]✘[/]", "ask_badge": "[cyan]?[/]"}
OTHERS: dict[type[Part], str] = {Event: "[yellow]⚡[/]", Call: "[green]☏[/]", Deed: "[blue]✎[/]", Scene: " "}
COUNTS = {
    "check_ins": "check-ins recorded 签到",
    "refused": "refused, with a reason 拒绝",
    "duplicates": "scanned twice, counted once 重复",
    "to_review": "to review 待复核",
    "offline_recovered": "recorded offline and recovered 断网补传",
    "phone": "by phone 手机签到",
    "lags": "partners who lagged 搭档滞后",
    "hour_records": "hour records 学时记录",
    "reversals": "corrected 更正",
    "pulled": "pulled by HR 人事系统已拉取",
    "delivered": "delivered to the archive 已送达档案",
    "lost": "lost 丢失",
    "different": "different from the rules 与规则不符",
    "unexpected": "other than the script 与脚本不符",
    "seconds": "seconds 用时（秒）",
}


def run(folder: Path, *, broker: str, pace: float, port: int, screen_port: int) -> None:
    """Play the day with pauses, then stay up until somebody stops it."""
    screen.print("Setting the stage: broker, gateway, kiosk … 正在准备……", style="dim")
    opened = show.open_show(folder, broker=broker, port=_free(port), screen_port=_free(screen_port))
    with until_stopped(), opened as stage:
        _show_addresses(stage)
        played = show.play(stage, pace=pace, watcher=_tell)
        result = show.reckon(stage, played, reckoning.pull(stage.machine.url, stage.key))
        screen.print(_table(result))
        screen.print("The day is over; everything stays up. Ctrl-C ends it. 一天结束，服务继续运行，按 Ctrl-C 退出。")
        signal.pause()


def in_words(result: dict[str, Any]) -> str:
    """Say the reckoning as lines of text."""
    width = max(_columns(words) for words in COUNTS.values())
    return "\n".join(
        f"{words}{' ' * (width - _columns(words))}  {_said(result[name])}"
        for name, words in COUNTS.items()
        if name in result
    )


def _show_addresses(stage: Stage) -> None:
    link = stage.machine.acts["sign-in link"](login=TRAINER)["url"]
    screen.rule("Open these in a browser 请用浏览器打开")
    for words, value in (
        ("The kiosk's screen 签到屏", stage.door.screen.url),
        ("The trainer's day, opens once 培训师页面（链接仅可打开一次）", link),
        ("  later: sign in with 之后登录", f"{TRAINER} / {stage.company.password}"),
        ("The HR API 人事接口", f"{stage.machine.url}/api/"),
        ("  its key 密钥", stage.key),
    ):
        # On a line of its own and never wrapped, so that it can be copied.
        screen.print(f"{words}\n    [bold cyan]{value}[/]", highlight=False, soft_wrap=True)
    screen.rule()


def _tell(part: Part, answer: Answer | None) -> None:
    mark = MARKS.get(answer.kind, " ") if answer else OTHERS[type(part)]
    screen.print(f"[dim]{part.at[:5]}[/]  {mark}  {part.told} {part.told_zh}", highlight=False, soft_wrap=True)
    if answer and answer.code:
        why = TEXTS[answer.code]
        said = f"{why.en.partition('. ')[0].rstrip('.')}. {why.zh.partition('。')[0]}。"
        screen.print(f"          [dim]{said}[/]", highlight=False, soft_wrap=True)


def _table(result: dict[str, Any]) -> Table:
    table = Table("the day 当日", "", title="What the door said, held against what HR has 门口所示与人事系统核对")
    for name, words in COUNTS.items():
        if name in result:
            table.add_row(words, _said(result[name]))
    return table


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{code} {count}" for code, count in value.items())
    return str(value or 0) if not isinstance(value, list) else ("; ".join(value) or "none 无")


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _free(port: int) -> int:
    """Keep the wanted port, or find another one when somebody has it."""
    with socket.socket() as probe:
        return port if probe.connect_ex(("127.0.0.1", port)) else free_port("127.0.0.1")
