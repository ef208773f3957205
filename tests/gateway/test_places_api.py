"""Regions, rooms and courses are kept by HR under ids of its own."""

from typing import Any

import pytest
import sqlalchemy as sa

from gateway.problem import KINDS
from ledger import feed, keeping
from ledger.account_tables import AuditRow
from ledger.refusals import TooLate
from ledger.settlement import settle
from ledger.tables import CourseRow, DirtyDayRow, RegionRow
from tests.gateway.api_cast import Hr, acts, refused

NORTH = {"name": "North", "zone": "Asia/Tokyo", "rule": "cn-45"}
ROOM = {"region": "east", "name": "Room 7"}
COURSE = {"title": "Packing", "title_zh": "包装", "rule": "hour-60", "pass_mark": "60"}


@pytest.mark.parametrize(
    ("path", "body"),
    [("regions/north", NORTH), ("rooms/room-7", ROOM), ("courses/packing", COURSE)],
    ids=["region", "room", "course"],
)
def test_what_is_entered_can_be_read_changed_and_deleted(hr_on_both: Hr, path: str, body: dict[str, Any]) -> None:
    hr, (noun, id) = hr_on_both, path.split("/")
    first_text = next(iter(set(body) & {"name", "title"}))

    made = hr.put(path, **body)
    again = hr.put(path, **body)
    changed = hr.put(path, **body | {first_text: "Another"})
    read, listed = hr.get(path).get_json(), hr.everything(noun, noun, limit=2)
    gone = hr.delete(path)

    assert (made.status_code, again.status_code, changed.status_code) == (201, 200, 200)
    assert made.get_json() == again.get_json() == {"id": id} | body
    assert read == changed.get_json() == {"id": id} | body | {first_text: "Another"}
    assert [thing["id"] for thing in listed] == sorted(thing["id"] for thing in listed)
    assert read in listed
    assert (gone.status_code, gone.data, "Content-Type" in gone.headers) == (204, b"", False)
    assert refused(hr.get(path)) == (404, "not-found")
    assert refused(hr.delete(path)) == (404, "not-found")
    one = noun.removesuffix("s")
    assert [act for act in acts(hr.gateway) if act[2] == id] == [
        (f"key:{hr.id}", f"{one} {done}", id) for done in ("entered", "changed", "deleted")
    ]


def test_the_audit_keeps_what_was_but_no_free_text(hr: Hr) -> None:
    hr.put("courses/order-entry", title="Orders by Ann Li", title_zh="订单", rule="hour-60")

    with hr.gateway.ledger.read() as db:
        details = db.scalars(sa.select(AuditRow.details).where(AuditRow.act == "course changed")).one()

    assert details == {"changed": ["rule", "title", "title_zh"], "before": {"rule": None}}


@pytest.mark.parametrize(
    ("path", "users"),
    [
        ("regions/east", "people, programs, rooms, sessions"),
        ("rooms/room-1", "sessions"),
        ("courses/order-entry", "scores, sessions"),
        ("programs/sales", "pairs, progress"),
    ],
)
def test_what_is_in_use_stays(hr: Hr, path: str, users: str) -> None:
    answer = hr.delete(path)

    assert refused(answer) == (409, "in-use")
    assert users in answer.get_json()["detail"]
    assert hr.get(path).status_code == 200


def test_a_region_with_hours_stays_although_nobody_is_left_in_it(hr: Hr) -> None:
    hr.put("regions/north", **NORTH)
    hr.post("rule-uses", rule="cn-45", region="north", effective_from="2027-01-01")

    answer = hr.delete("regions/north")

    assert refused(answer) == (409, "in-use")
    assert "rule uses" in answer.get_json()["detail"]


def test_what_is_referred_to_at_the_same_moment_stays(hr_on_both: Hr, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody has referred to it when we look, and somebody has when we delete.
    monkeypatch.setattr(keeping, "uses", lambda db, row, id: set())

    answer = hr_on_both.delete("courses/order-entry")

    assert refused(answer) == (409, "in-use")
    assert hr_on_both.get("courses/order-entry").status_code == 200


def test_of_two_who_enter_the_same_at_once_the_second_changes_it(hr_on_both: Hr) -> None:
    ledger, now = hr_on_both.gateway.ledger, hr_on_both.gateway.clock.now
    values = {"title": "Packing", "title_zh": "包装", "rule": None, "pass_mark": None}

    with ledger.begin() as db:
        first = keeping.put(db, CourseRow, "packing", values, actor="test", now=now)
    with ledger.begin() as db:
        second = keeping.put(db, CourseRow, "packing", values | {"title": "Boxes"}, actor="test", now=now)

    assert (first.new, second.new, dict(second.before)) == (True, False, {"title": "Packing"})


# What makes no sense


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"zone": "Asia/Nowhere"}, id="no zone"),
        pytest.param({"zone": "../etc/passwd"}, id="no zone but a file"),
        pytest.param({"rule": "no-rule"}, id="no rule"),
    ],
)
def test_a_region_that_makes_no_sense_is_not_entered(hr: Hr, change: dict[str, str]) -> None:
    answer = hr.put("regions/north", **NORTH | change)

    assert refused(answer) == (422, "value-wrong")
    assert next(iter(change.values())) in answer.get_json()["detail"]
    assert refused(hr.get("regions/north")) == (404, "not-found")


def test_a_region_keeps_the_clock_that_its_days_are_of(hr: Hr) -> None:
    hr.put("regions/north", **NORTH)

    of_east = hr.put("regions/east", name="East", zone="Asia/Tokyo", rule="cn-45")
    of_north = hr.put("regions/north", **NORTH | {"zone": "Asia/Seoul"})

    assert refused(of_east) == (409, "in-use")
    assert of_north.get_json()["zone"] == "Asia/Seoul"


def test_a_room_in_use_stays_in_its_region(hr: Hr) -> None:
    in_use = hr.put("rooms/room-1", region="west", name="Room 1")
    unused = hr.put("rooms/room-2", region="west", name="Room 2")

    assert refused(in_use) == (409, "in-use")
    assert unused.get_json()["region"] == "west"


@pytest.mark.parametrize("id", ["Room-7", "room_7", "r" * 33, "r%00m", "räum"])
def test_an_id_that_is_none_is_refused(hr: Hr, id: str) -> None:
    assert refused(hr.put(f"rooms/{id}", **ROOM)) == (422, "parameter-wrong")


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"title": ""}, id="empty"),
        pytest.param({"title": " Packing"}, id="blank around"),
        pytest.param({"title": "Pack\u0000ing"}, id="NUL"),
        pytest.param({"title": "P" * 201}, id="too long"),
        pytest.param({"title": 7}, id="a number"),
        pytest.param({"title": None}, id="null"),
        pytest.param({"pass_mark": 60}, id="a mark as number"),
        pytest.param({"pass_mark": "6e1"}, id="an exponent"),
        pytest.param({"pass_mark": "NaN"}, id="not a number"),
        pytest.param({"pass_mark": "-1"}, id="a negative mark"),
        pytest.param({"colour": "red"}, id="an unknown field"),
    ],
)
def test_a_course_of_the_wrong_form_is_refused(hr: Hr, wrong: dict[str, Any]) -> None:
    answer = hr.put("courses/packing", **COURSE | wrong)

    assert refused(answer) == (422, "parameter-wrong")
    assert [entry["parameter"] for entry in answer.get_json()["errors"]] == list(wrong)


# What it means for hours


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("courses/order-entry", {"title": "Order entry", "title_zh": "订单录入", "rule": "hour-60"}),
        ("regions/east", {"name": "East", "zone": "Asia/Shanghai", "rule": "hour-60"}),
    ],
    ids=["course", "region"],
)
def test_another_rule_has_hours_settled_again(hr_on_both: Hr, path: str, body: dict[str, Any]) -> None:
    hr_on_both.put(path, **body)

    with hr_on_both.gateway.ledger.begin() as db:
        waiting = db.scalars(sa.select(DirtyDayRow.person_id).order_by(DirtyDayRow.person_id)).all()
        settle(db, now=hr_on_both.gateway.clock.now)
    assert waiting == ["ann", "bo"]
    [credited] = [record for record in _effective(hr_on_both) if record["person"] == "ann"]
    assert (credited["credit"], credited["rule"]) == ("2.75", "hour-60@1")


def _effective(hr: Hr) -> list[Any]:
    with hr.gateway.ledger.begin() as db:
        feed.number(db)
    records = hr.get("hour-records").get_json()["records"]
    gone = {record["reverses"] for record in records}
    return [record for record in records if record["kind"] == "credit" and record["id"] not in gone]


def test_another_name_has_nothing_settled_again(hr: Hr) -> None:
    hr.put("courses/order-entry", title="Orders", title_zh="订单")
    hr.put("regions/east", name="The East", zone="Asia/Shanghai", rule="cn-45")

    with hr.gateway.ledger.read() as db:
        assert db.scalars(sa.select(DirtyDayRow)).all() == []


# Regions of a key


def test_a_key_sees_only_its_regions(hr: Hr) -> None:
    west = Hr(hr.gateway, regions=["west"])

    assert [region["id"] for region in west.everything("regions", "regions", limit=1)] == ["west"]
    assert [room["id"] for room in west.everything("rooms", "rooms", limit=1)] == ["room-9"]
    assert west.get("rooms", region="east").get_json() == {"rooms": [], "next_after": None}
    for path in ("regions/east", "rooms/room-1", "programs/sales"):
        missing = west.get(path.replace("east", "moon").replace("room-1", "room-0").replace("sales", "moon"))
        assert west.get(path).get_json() == missing.get_json()
        assert refused(missing) == (404, "not-found")


def test_a_key_changes_only_what_is_of_its_regions(hr: Hr) -> None:
    west = Hr(hr.gateway, regions=["west"])
    before = acts(hr.gateway)

    assert refused(west.put("rooms/room-1", region="west", name="Mine")) == (404, "not-found")
    assert refused(west.put("rooms/room-8", region="east", name="Mine")) == (422, "value-wrong")
    assert refused(west.delete("rooms/room-1")) == (404, "not-found")
    assert refused(west.put("programs/sales", region="west", title="M", title_zh="M", rule="cn-45")) == (
        404,
        "not-found",
    )
    assert refused(west.delete("programs/sales")) == (404, "not-found")
    assert acts(hr.gateway) == before
    assert west.put("rooms/room-8", region="west", name="Mine").status_code == 201


@pytest.mark.parametrize(
    ("path", "body"),
    [("regions/west", NORTH), ("regions/north", NORTH), ("courses/order-entry", COURSE), ("courses/packing", COURSE)],
)
def test_what_is_the_whole_companys_takes_a_key_for_all_regions(hr: Hr, path: str, body: dict[str, str]) -> None:
    west = Hr(hr.gateway, regions=["west"])

    assert refused(west.put(path, **body)) == (403, "key-bound")
    assert refused(west.delete(path)) == (403, "key-bound")


def test_every_kind_of_refusal_has_a_status_and_a_title() -> None:
    assert all(400 <= status < 500 and title for status, title in KINDS.values())


def test_a_row_that_goes_while_it_is_put_is_told(hr: Hr, monkeypatch: pytest.MonkeyPatch) -> None:
    # It was there when it was to be inserted, and is not when it is to be changed.
    monkeypatch.setattr(keeping, "insert_or_nothing", lambda *_: set())

    with hr.gateway.ledger.begin() as db, pytest.raises(TooLate, match="just been deleted"):
        keeping.put(db, RegionRow, "north", NORTH, actor="test", now=hr.gateway.clock.now)
