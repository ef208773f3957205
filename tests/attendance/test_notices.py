"""Notices: who is told about a lag, and what, in both languages."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from attendance.lag import LAG_KINDS, Lag, LagKind
from attendance.notices import Notice, filled, notices, when
from attendance.progress import Completion
from attendance.reasons import Text
from tests.attendance.couple import DUE, ENTRY, HOUR, OPTIMISATION, REPORT, REPORT_DUE, TASK, ZONE, at

NOW = at("19:00")
HALF = Completion(done=3, of=6, missing=(Text("Prices", "价格"), Text("Stock", "库存")))


def lag(kind: str, **other: Any) -> Lag:
    told: dict[str, Any] = {"kind": kind, "part": OPTIMISATION.id, "who": "bo", "since": DUE, **other}
    return Lag(pair="ann-bo", task="task-1", **told)


def told(about: Lag, now: datetime = NOW) -> dict[str, Text]:
    names = {"ann": "Ann", "bo": "Bo"}
    return {
        notice.to: notice.named(one=names[notice.one], partner=names[notice.partner])
        for notice in notices(about, TASK, now=now, zone=ZONE)
    }


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        pytest.param(
            lag("ready"),
            {
                "bo": Text(
                    "Your partner has finished order entry; please finish optimisation to prepare the joint task.",
                    "您的搭档已完成“订单录入”，请完成“方案优化”，为联合任务做好准备。",
                )
            },
            id="ready",
        ),
        pytest.param(
            lag("not_started"),
            {
                "ann": Text("Bo has not started optimisation yet, please wait.", "Bo尚未开始“方案优化”，请稍候。"),
                "bo": Text(
                    "Please start optimisation: your partner is under way, and there is time until 18:00 today.",
                    "请开始“方案优化”：您的搭档已经开始，截止时间为今天 18:00。",
                ),
            },
            id="not_started",
        ),
        pytest.param(
            lag("behind", completion=HALF),
            {
                "ann": Text(
                    "Bo is behind in the course for optimisation; please adjust your time and help.",
                    "Bo在“方案优化”的课程中进度落后，请调整时间并给予帮助。",
                ),
                "bo": Text(
                    "You have done 3 of 6 of the course for optimisation (missing: Prices, Stock). Please catch up.",
                    "“方案优化”的课程您已完成 3/6（尚缺：价格、库存）。请尽快补上。",
                ),
            },
            id="behind",
        ),
        pytest.param(
            lag("overdue", until=DUE + 24 * HOUR),
            {
                "ann": Text(
                    "Bo is past due with optimisation. There is time until 18:00 tomorrow, or both lose hours. "
                    "Please wait.",
                    "Bo的“方案优化”已逾期，须在明天 18:00 之前提交，否则双方都将失去学时。请稍候。",
                ),
                "bo": Text(
                    "optimisation is past due. Please hand it in: there is time until 18:00 tomorrow, "
                    "or both lose hours.",
                    "“方案优化”已逾期。请在明天 18:00 之前提交，否则双方都将失去学时。",
                ),
            },
            id="overdue",
        ),
        pytest.param(
            lag("overdue", part="report", who=None, since=REPORT_DUE, until=REPORT_DUE + 24 * HOUR),
            {
                who: Text(
                    "the joint report is past due. Please hand it in together: there is time until "
                    "18:00 on 6 November, or both lose hours.",
                    "“联合报告”已逾期。请共同在11月6日 18:00 之前提交，否则双方都将失去学时。",
                )
                for who in ("ann", "bo")
            },
            id="overdue, the joint part",
        ),
        pytest.param(
            lag("overdue", until=DUE + 24 * HOUR, both_lose=False),
            {
                "ann": Text(
                    "Bo is past due with optimisation. There is time until 18:00 tomorrow, or its hours are lost. "
                    "Please wait.",
                    "Bo的“方案优化”已逾期，须在明天 18:00 之前提交，否则该部分不计学时。请稍候。",
                ),
                "bo": Text(
                    "optimisation is past due. Please hand it in: there is time until 18:00 tomorrow, "
                    "or its hours are lost.",
                    "“方案优化”已逾期。请在明天 18:00 之前提交，否则该部分不计学时。",
                ),
            },
            id="overdue, when only one can lose",
        ),
        pytest.param(
            lag("forfeited"),
            {
                "ann": Text(
                    "Bo did not hand in optimisation in time: its hours are lost, and those of the joint part for "
                    "both. Your own part is not affected.",
                    "Bo未按时提交“方案优化”：该部分不计学时，双方的联合部分也不计学时。您自己的部分不受影响。",
                ),
                "bo": Text(
                    "The time for optimisation is over: its hours are lost, and those of the joint part for both. "
                    "Your trainer has been told.",
                    "“方案优化”的提交时间已过：该部分不计学时，双方的联合部分也不计学时。已通知培训师。",
                ),
                "trainer": Text(
                    "Order 101: optimisation by Bo was not handed in in time: its hours are lost, and those of the "
                    "joint part for both. If there was a good reason, move its due date.",
                    "“订单 101”：Bo未按时提交“方案优化”：该部分不计学时，双方的联合部分也不计学时。"
                    "如有正当理由，请调整截止时间。",
                ),
            },
            id="forfeited",
        ),
        pytest.param(
            lag("forfeited", part="report", who=None),
            {
                **{
                    who: Text(
                        "The time for the joint report is over: its hours are lost for both. Your own parts are not "
                        "affected. Your trainer has been told.",
                        "“联合报告”的提交时间已过：双方均不计该部分学时。双方各自的部分不受影响。已通知培训师。",
                    )
                    for who in ("ann", "bo")
                },
                "trainer": Text(
                    "Order 101: the joint report by Ann and Bo was not handed in in time: its hours are lost for both. "
                    "If there was a good reason, move its due date.",
                    "“订单 101”：Ann与Bo未按时提交“联合报告”：双方均不计该部分学时。如有正当理由，请调整截止时间。",
                ),
            },
            id="forfeited, the joint part",
        ),
        pytest.param(
            lag("cleared", was="overdue"),
            {
                "ann": Text("The delay of Bo with optimisation is over.", "Bo在“方案优化”上的延误已解除。"),
                "bo": Text(
                    "The delay with optimisation is over; your partner has been told.",
                    "“方案优化”的延误已解除，已通知您的搭档。",
                ),
            },
            id="cleared",
        ),
        pytest.param(
            lag("cleared", was="overdue", part="report", who=None),
            {
                who: Text("The delay with the joint report is over.", "“联合报告”的延误已解除。")
                for who in ("ann", "bo")
            },
            id="cleared, the joint part",
        ),
        pytest.param(
            lag("cleared", was="forfeited"),
            {
                who: Text(
                    "optimisation counts again; what was lost can still be earned.",
                    "“方案优化”恢复有效，仍可获得学时。",
                )
                for who in ("ann", "bo")
            },
            id="cleared, after a forfeit",
        ),
    ],
)
def test_a_lag_is_told(about: Lag, expected: dict[str, Text]) -> None:
    assert told(about) == expected


WHO_IS_TOLD: dict[LagKind, set[str]] = {
    "ready": {"bo"},
    "not_started": {"ann", "bo"},
    "behind": {"ann", "bo"},
    "overdue": {"ann", "bo"},
    "forfeited": {"ann", "bo", "trainer"},
    "cleared": {"ann", "bo"},
}


@pytest.mark.parametrize("kind", LAG_KINDS)
def test_every_kind_is_told_to_whom_it_concerns(kind: LagKind) -> None:
    about = lag(kind, until=DUE + 24 * HOUR, completion=HALF, was="overdue" if kind == "cleared" else None)

    texts = told(about)

    assert texts.keys() == WHO_IS_TOLD[kind]
    assert all("{" not in text.en + text.zh for text in texts.values())


@pytest.mark.parametrize(
    ("now", "english", "chinese"),
    [
        pytest.param(at("23:59", 1), "18:00 tomorrow", "明天 18:00", id="the day before"),
        pytest.param(at("00:00"), "18:00 today", "今天 18:00", id="the same day"),
        pytest.param(at("01:00", 3), "18:00 yesterday", "昨天 18:00", id="the day after"),
        pytest.param(at("23:00", 4), "18:00 on 2 November", "11月2日 18:00", id="another day"),
        pytest.param(
            at("23:00").replace(year=2025), "18:00 on 2 November 2026", "2026年11月2日 18:00", id="another year"
        ),
    ],
)
def test_an_instant_is_told_as_people_say_it(now: datetime, english: str, chinese: str) -> None:
    assert when(DUE, now=now, zone=ZONE) == Text(english, chinese)


def test_today_is_a_matter_of_the_zone() -> None:
    midnight = at("00:30", 3)

    assert when(midnight, now=DUE, zone=ZONE).en == "00:30 tomorrow"
    assert when(midnight, now=DUE, zone="Europe/Berlin").en == "17:30 today"


def test_nothing_missing_is_not_told() -> None:
    assert "(" not in told(lag("behind", completion=replace(HALF, missing=())))["bo"].en


def test_a_notice_keeps_names_out_until_it_is_shown() -> None:
    [to_bo, to_ann] = notices(lag("cleared", was="overdue"), TASK, now=NOW, zone=ZONE)

    assert to_ann.text.en == "The delay of {one} with optimisation is over."
    assert (to_ann.one, to_ann.partner, to_bo.to) == ("bo", "ann", "bo")


def test_braces_in_a_title_or_name_mean_nothing() -> None:
    odd = replace(OPTIMISATION, title=Text("{one} {0}", "{one} {0}"))
    task = replace(TASK, parts=(ENTRY, odd, REPORT))
    [_, to_ann] = notices(lag("not_started"), task, now=NOW, zone=ZONE)

    assert filled(Text("{one}", "{one}"), one="{partner}", partner="x").en == "{partner}"
    assert "{0}" in to_ann.named(one="Bo", partner="Ann").en


def test_every_state_and_person_has_its_own_key() -> None:
    about: list[Notice] = [
        notice
        for state in (
            lag("overdue", until=DUE + 24 * HOUR),
            lag("overdue", until=DUE + 25 * HOUR),
            lag("cleared", was="overdue", until=DUE + 24 * HOUR),
            lag("cleared", was="ready"),
            lag("ready"),
            lag("ready", who="ann", part="entry"),
            lag("forfeited"),
        )
        for notice in notices(state, TASK, now=NOW, zone=ZONE)
    ]

    assert len({notice.key for notice in about}) == len(about)
    assert [notice.key for notice in notices(lag("ready"), TASK, now=NOW + HOUR, zone=ZONE)] == [
        notice.key for notice in about if notice.kind == "ready" and notice.to == "bo"
    ]
