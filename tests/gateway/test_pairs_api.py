"""HR keeps programmes, and reads pairs, joint tasks and what was handed in."""

from typing import Any

import pytest

from tests.gateway.api_cast import NIGHT, Hr, acts, refused
from tests.gateway.pair_cast import LOG, handed_in, part_of, task

SALES = {"region": "east", "title": "Sales school", "title_zh": "销售训练营", "rule": "cn-45"}


def test_a_programme_is_entered_changed_and_deleted(hr_on_both: Hr) -> None:
    hr = hr_on_both

    made, again = hr.put("programs/service", **SALES), hr.put("programs/service", **SALES)
    changed = hr.put("programs/service", **SALES | {"region": "west", "rule": "hour-60", "title": "Service"})
    gone = hr.delete("programs/service")

    assert (made.status_code, again.status_code, changed.status_code, gone.status_code) == (201, 200, 200, 204)
    assert made.get_json() == {"id": "service"} | SALES
    assert (changed.get_json()["region"], changed.get_json()["rule"]) == ("west", "hour-60")
    assert [act[1] for act in acts(hr.gateway) if act[2] == "service"] == [
        "program entered", "program changed", "program deleted",
    ]  # fmt: skip
    assert [one["id"] for one in hr.everything("programs", "programs", limit=1)] == ["sales", "west"]


@pytest.mark.parametrize("change", [{"region": "west"}, {"rule": "hour-60"}], ids=["region", "rule"])
def test_a_programme_with_pairs_keeps_what_its_hours_are_counted_in(hr: Hr, change: dict[str, str]) -> None:
    assert refused(hr.put("programs/sales", **SALES | change)) == (409, "in-use")


def test_a_programme_takes_no_rule_of_our_own(hr: Hr) -> None:
    hr.post("rules", **NIGHT, effective_from="2026-01-01")

    answer = hr.put("programs/service", **SALES | {"rule": "night-45"})

    assert refused(answer) == (422, "value-wrong")
    assert "cn-45" in answer.get_json()["detail"]


def test_a_programme_with_pairs_may_be_called_otherwise(hr: Hr) -> None:
    assert hr.put("programs/sales", **SALES | {"title": "Selling"}).get_json()["title"] == "Selling"


@pytest.mark.parametrize("change", [{"region": "moon"}, {"rule": "no-rule"}], ids=["region", "rule"])
def test_a_programme_that_makes_no_sense_is_refused(hr: Hr, change: dict[str, str]) -> None:
    assert refused(hr.put("programs/service", **SALES | change)) == (422, "value-wrong")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["ann-bo", "dora-emil"]),
        ({"region": "east"}, ["ann-bo"]),
        ({"program": "west"}, ["dora-emil"]),
        ({"number": "1002"}, ["ann-bo"]),
        ({"number": "1003"}, []),
        ({"number": "nobody"}, []),
    ],
    ids=["all", "region", "programme", "partner", "single", "nobody"],
)
def test_pairs_and_their_tasks_are_found(hr: Hr, query: dict[str, str], expected: list[str]) -> None:
    pairs = hr.everything("pairs", "pairs", limit=1, **query)
    tasks = hr.everything("tasks", "tasks", limit=1, **query)

    assert [pair["id"] for pair in pairs] == expected
    assert sorted(one["pair"] for one in tasks) == expected


def test_a_pair_is_told_by_numbers(hr: Hr) -> None:
    told = {"id": "ann-bo", "program": "sales", "clerk": "1001", "manager": "1002"}

    assert hr.get("pairs/ann-bo").get_json() == told


def test_a_task_says_where_each_part_stands(hr_on_both: Hr) -> None:
    one = hr_on_both.get("tasks/spring-orders").get_json()

    clerk, manager, joint = one.pop("parts")
    assert one == {
        "id": "spring-orders", "pair": "ann-bo", "program": "sales", "title": "Spring orders",
        "title_zh": "春季订单", "unit": "学时", "completed": False,
    }  # fmt: skip
    assert (clerk["role"], clerk["state"], clerk["hours"]) == ("clerk", "handed_in", "2")
    assert (manager["state"], manager["submission"]) == ("open", None)
    assert manager["evidence"] == ["conversation", "optimisation_plan"]
    assert (joint["due"], joint["until"]) == ("2026-11-24T01:00:00.000Z", "2026-11-25T01:00:00.000Z")
    assert hr_on_both.get(f"submissions/{clerk['submission']}").get_json()["part"] == clerk["id"]


def test_tasks_come_page_by_page(hr_on_both: Hr) -> None:
    with hr_on_both.gateway.ledger.begin() as db:
        for n in range(3):
            task(db, f"task-{n}")

    found = hr_on_both.everything("tasks", "tasks", limit=2, pair="ann-bo")

    assert [one["id"] for one in found] == ["spring-orders", "task-0", "task-1", "task-2"]


def test_a_submission_is_told_with_its_files_and_not_their_bytes(hr: Hr) -> None:
    [one] = hr.get("submissions", task="spring-orders").get_json()["submissions"]

    [file] = one["evidence"]
    assert {name: one[name] for name in ("task", "role", "version", "personnel_number", "state", "decided_by")} == {
        "task": "spring-orders", "role": "clerk", "version": 1, "personnel_number": "1001", "state": "handed_in",
        "decided_by": None,
    }  # fmt: skip
    assert (file["kind"], file["media_type"], file["size"], file["sha256"]) == (
        LOG.kind, "application/pdf", 4096, "a" * 64,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "count"),
    [({}, 3), ({"state": "rejected"}, 1), ({"state": "accepted"}, 0), ({"region": "west"}, 0)],
    ids=["all", "rejected", "accepted", "elsewhere"],
)
def test_submissions_are_found(hr_on_both: Hr, query: dict[str, Any], count: int) -> None:
    hr = hr_on_both
    first = hr.get("submissions").get_json()["submissions"][0]["id"]
    hr.post(f"submissions/{first}/reject", words="again")
    handed_in(hr.gateway, version="b")
    handed_in(hr.gateway, "reserve_manager", "bo")

    found = hr.everything("submissions", "submissions", limit=1, **query)

    assert len(found) == count
    assert [one["handed_in_at"] for one in found] == sorted(one["handed_in_at"] for one in found)


def test_submissions_of_a_part_are_found(hr: Hr) -> None:
    for role, count in (("clerk", 1), ("joint", 0)):
        found = hr.everything("submissions", "submissions", limit=5, part=part_of(hr.gateway, role))
        assert len(found) == count


def test_other_regions_are_as_if_they_were_not_there(hr: Hr) -> None:
    west = Hr(hr.gateway, regions=["west"])
    [submission] = hr.get("submissions").get_json()["submissions"]

    assert [pair["id"] for pair in west.everything("pairs", "pairs", limit=5)] == ["dora-emil"]
    assert west.everything("tasks", "tasks", limit=5, pair="ann-bo") == []
    assert west.everything("submissions", "submissions", limit=5) == []
    for path in ("pairs/ann-bo", "tasks/spring-orders", f"submissions/{submission['id']}"):
        kind, _, _ = path.partition("/")
        assert refused(west.get(path)) == (404, "not-found")
        assert west.get(path).get_json() == west.get(f"{kind}/nothing").get_json()
