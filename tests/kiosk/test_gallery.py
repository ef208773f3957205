"""Claims about the faces that a kiosk knows."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from kiosk.faces.engine import Encoding
from kiosk.faces.gallery import LEASE, LITTLE, Gallery, GalleryLocked, Match, Nobody, Unsure
from kiosk.faces.line_up import ROWS, lined_up
from tests.kiosk.cast import NINE, Hands

HOUR = timedelta(hours=1)
KEY = bytes(range(32))
EVERYONE = frozenset({"ann", "bo", "cy"})


def at(x: float, y: float = 0.0) -> Encoding:
    """Make an encoding at a place where distances can be told by eye."""
    encoding = np.zeros(128, np.float32)
    encoding[:2] = x, y
    return encoding


@pytest.fixture
def gallery() -> Gallery:
    gallery = Gallery(None, KEY)
    gallery.enrol("ann", [at(0.0), at(0.1)], consent="consent-1")
    gallery.enrol("bo", [at(1.0)], consent="consent-2")
    return gallery


def test_the_nearest_person_within_the_threshold_is_matched(gallery: Gallery) -> None:
    answer = gallery.match(at(0.2), EVERYONE)

    assert isinstance(answer, Match)
    assert answer.learner_id == "ann"
    assert answer.distance == pytest.approx(0.1, abs=1e-6)


def test_somebody_far_from_everyone_is_nobody(gallery: Gallery) -> None:
    answer = gallery.match(at(0.5, 2.0), EVERYONE)

    assert isinstance(answer, Nobody)
    assert answer.distance == pytest.approx(np.hypot(0.4, 2.0), abs=1e-6)


def test_a_face_between_two_people_is_unsure(gallery: Gallery) -> None:
    gallery.enrol("cy", [at(0.6)], consent="consent-3")

    answer = gallery.match(at(0.36), EVERYONE)

    assert isinstance(answer, Unsure)
    assert answer.learner_ids == ("cy", "ann")
    assert answer.distances == pytest.approx((0.24, 0.26), abs=1e-6)


def test_the_margin_is_to_the_next_person_not_to_the_next_template(gallery: Gallery) -> None:
    gallery.enrol("ann", [at(0.0), at(0.01), at(0.02)], consent="consent-1")

    assert isinstance(gallery.match(at(0.01), EVERYONE), Match)


def test_the_only_person_needs_no_margin(gallery: Gallery) -> None:
    assert isinstance(gallery.match(at(0.5), {"ann"}), Match)


@pytest.mark.parametrize(
    "threshold, expected", [(0.25, Match), (0.2499, Nobody)], ids=["at the threshold", "just past it"]
)
def test_the_threshold_is_inclusive(gallery: Gallery, threshold: float, expected: type) -> None:
    assert isinstance(gallery.match(at(1.25), EVERYONE, threshold=threshold), expected)


def test_people_who_are_not_asked_for_are_not_matched(gallery: Gallery) -> None:
    assert isinstance(gallery.match(at(0.0), {"bo"}), Nobody)


@pytest.mark.parametrize("among", [(), {"cy"}, EVERYONE], ids=["nobody", "a stranger", "everyone"])
def test_an_empty_gallery_knows_nobody(among: frozenset[str]) -> None:
    assert Gallery(None, KEY).match(at(0.0), among) == Nobody()


def test_a_forgotten_person_is_not_matched_any_more(gallery: Gallery) -> None:
    assert isinstance(gallery.match(at(0.0), EVERYONE), Match)

    gallery.forget("ann")
    gallery.forget("nobody-we-know")

    assert isinstance(gallery.match(at(0.0), EVERYONE), Nobody)
    assert gallery.people() == {"bo"}


def test_enrolling_again_replaces_the_templates(gallery: Gallery) -> None:
    gallery.enrol("ann", [at(5.0)], consent="consent-4")

    assert isinstance(gallery.match(at(0.0), EVERYONE), Nobody)
    assert isinstance(gallery.match(at(5.0), EVERYONE), Match)


@pytest.mark.parametrize("consent", ["", "  "])
def test_nobody_is_enrolled_without_consent(gallery: Gallery, consent: str) -> None:
    with pytest.raises(ValueError, match="without a recorded consent"):
        gallery.enrol("cy", [at(3.0)], consent=consent)

    assert "cy" not in gallery.people()


@pytest.mark.parametrize(
    "encodings",
    [[], [np.zeros(127, np.float32)], [np.full(128, np.nan, np.float32)]],
    ids=["none", "too short", "not a number"],
)
def test_a_template_that_is_none_is_refused(gallery: Gallery, encodings: list[Encoding]) -> None:
    with pytest.raises(ValueError, match="template"):
        gallery.enrol("cy", encodings, consent="consent-3")


def test_one_among_ten_thousand_is_found() -> None:
    chance = np.random.default_rng(1)
    crowd = chance.normal(0, 0.1, (10_000, 128)).astype(np.float32)
    gallery = Gallery(None, KEY)
    for number, encoding in enumerate(crowd):
        gallery.enrol(f"p{number}", [encoding], consent="c")

    answer = gallery.match(crowd[4321] + 0.01, gallery.people())

    assert isinstance(answer, Match)
    assert answer.learner_id == "p4321"


# Look-alikes


def test_look_alikes_are_asked_for_a_badge_however_sure_the_face_is() -> None:
    gallery = Gallery(None, KEY)
    gallery.enrol("ann", [at(0.0)], consent="consent-1")
    gallery.enrol("cy", [at(0.48)], consent="consent-3")

    answer = gallery.match(at(-0.1), EVERYONE)

    assert isinstance(answer, Unsure)
    assert answer.learner_ids == ("ann", "cy")
    assert answer.distances == pytest.approx((0.1, 0.58), abs=1e-6)


def test_somebody_is_no_look_alike_of_who_is_not_expected() -> None:
    gallery = Gallery(None, KEY)
    gallery.enrol("ann", [at(0.0)], consent="consent-1")
    gallery.enrol("cy", [at(0.48)], consent="consent-3")

    assert isinstance(gallery.match(at(-0.1), frozenset({"ann", "bo"})), Match)


@pytest.mark.parametrize(
    "apart, expected", [(0.49, Unsure), (0.51, Match)], ids=["within threshold and margin", "beyond"]
)
def test_look_alikes_are_within_threshold_and_margin(apart: float, expected: type) -> None:
    gallery = Gallery(None, KEY)
    gallery.enrol("ann", [at(0.0)], consent="consent-1")
    gallery.enrol("cy", [at(apart)], consent="consent-3")

    assert isinstance(gallery.match(at(-0.3), EVERYONE), expected)


def test_the_templates_of_one_person_are_no_look_alikes(gallery: Gallery) -> None:
    assert gallery.look_alikes() == []


def test_staff_sees_who_looks_alike_the_most_alike_first(gallery: Gallery) -> None:
    gallery.enrol("cy", [at(0.3)], consent="consent-3")
    gallery.enrol("di", [at(0.9)], consent="consent-4")

    pairs = gallery.look_alikes()

    assert [pair.learner_ids for pair in pairs] == [("bo", "di"), ("ann", "cy")]
    assert [pair.distance for pair in pairs] == pytest.approx([0.1, 0.2], abs=1e-6)
    assert gallery.look_alikes({"ann", "bo", "cy"}, threshold=0.1) == []


def test_look_alikes_are_found_as_one_by_one_also_past_a_block() -> None:
    chance = np.random.default_rng(2)
    crowd = {f"p{n:03}": chance.normal(0, 0.04, (1 + n % 3, 128)).astype(np.float32) for n in range(140)}

    line_up = lined_up(crowd)

    assert len(line_up.block) > ROWS
    distances = np.minimum.reduceat(line_up.neighbours.distances, line_up.starts)
    for person, (name, own) in enumerate(sorted(crowd.items())):
        rest = {other: np.linalg.norm(own[:, None] - block, axis=2).min() for other, block in crowd.items()}
        rest.pop(name)
        nearest = min(rest, key=lambda other: rest[other])
        assert distances[person] == pytest.approx(rest[nearest], abs=0.001)
        assert line_up.look_alike_of(person, rest[nearest] + 0.001) == sorted(crowd).index(nearest)
        assert line_up.look_alike_of(person, rest[nearest] - 0.001) is None


def test_two_look_alikes_among_thousands_are_found() -> None:
    chance = np.random.default_rng(1)
    crowd = dict(enumerate(chance.normal(0, 0.1, (3000, 1, 128)).astype(np.float32)))
    crowd[2999] = crowd[17] + np.float32(0.001)

    pairs = lined_up({f"p{n:04}": block for n, block in crowd.items()}).look_alikes(0.5)

    assert [pair.learner_ids for pair in pairs] == [("p0017", "p2999")]


def test_were_everybody_alike_each_is_told_with_one_other() -> None:
    line_up = lined_up({f"p{n:03}": np.zeros((1, 128), np.float32) for n in range(300)})

    pairs = line_up.look_alikes(0.5)

    assert len(pairs) <= 300
    assert {one for pair in pairs for one in pair.learner_ids} == set(line_up.people)


@pytest.mark.parametrize("people", [[], ["ann"]], ids=["nobody", "one"])
def test_there_are_no_look_alikes_of_so_few(people: list[str]) -> None:
    gallery = Gallery(None, KEY)
    for learner_id in people:
        gallery.enrol(learner_id, [at(0.0)], consent="consent-1")

    assert gallery.look_alikes() == []
    assert gallery.like("cy", [at(5.0)], within=0.5) == []


def test_a_new_face_is_compared_with_everybody_elses(gallery: Gallery) -> None:
    [like] = gallery.like("cy", [at(0.3), at(5.0)], within=0.5)

    assert like.learner_ids == ("cy", "ann")
    assert like.distance == pytest.approx(0.2, abs=1e-6)
    assert gallery.like("ann", [at(0.3)], within=0.5) == []


# One to one


@pytest.mark.parametrize(
    "learner_id, x, expected",
    [("ann", 0.2, Match), ("ann", 1.0, Nobody), ("bo", 1.0, Match), ("cy", 0.0, Nobody)],
    ids=["her face", "another's face", "his face", "not enrolled"],
)
def test_a_badges_owner_is_compared_with_nobody_else(
    gallery: Gallery, learner_id: str, x: float, expected: type
) -> None:
    assert isinstance(gallery.verify(learner_id, at(x)), expected)


def test_a_look_alike_with_the_right_badge_is_let_in() -> None:
    gallery = Gallery(None, KEY)
    gallery.enrol("ann", [at(0.0)], consent="consent-1")
    gallery.enrol("cy", [at(0.1)], consent="consent-3")

    assert isinstance(gallery.verify("ann", at(0.05)), Match)


@pytest.mark.parametrize("wrong", [np.nan, np.inf], ids=["not a number", "infinite"])
def test_an_encoding_that_is_no_number_is_nobody(gallery: Gallery, wrong: float) -> None:
    strange = np.full(128, wrong, np.float32)

    assert gallery.match(strange, EVERYONE) == Nobody()
    assert gallery.verify("ann", strange) == Nobody()


def test_templates_of_another_engine_match_nobody(tmp_path: Path) -> None:
    with closing(Gallery(tmp_path / "gallery.db", KEY)) as gallery:
        gallery.enrol("ann", [at(0.0)], consent="consent-1")

    with closing(Gallery(tmp_path / "gallery.db", KEY, engine="sface")) as other:
        assert other.people() == {"ann"}
        assert other.templates() == {}
        assert other.match(at(0.0), EVERYONE) == Nobody()
        assert other.verify("ann", at(0.0)) == Nobody()


# The lease


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def leased(tmp_path: Path, clock: Hands) -> Iterator[Gallery]:
    with closing(Gallery(tmp_path / "gallery.db", KEY, now=clock)) as gallery:
        gallery.enrol("ann-the-clerk", [at(0.0)], consent="consent-1")
        yield gallery


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_without_a_word_from_the_gateway_everybody_is_forgotten(leased: Gallery, clock: Hands, tmp_path: Path) -> None:
    clock.now = NINE + LEASE
    assert isinstance(leased.match(at(0.0), {"ann-the-clerk"}), Match)

    clock.now += timedelta(seconds=1)

    assert leased.match(at(0.0), {"ann-the-clerk"}) == Nobody()
    assert leased.people() == frozenset()
    assert b"ann-the-clerk" not in on_disk(tmp_path)


def test_a_word_from_the_gateway_renews_the_lease(leased: Gallery, clock: Hands, tmp_path: Path) -> None:
    leased.renew(NINE + 2 * LEASE)
    leased.close()
    clock.now = NINE + 2 * LEASE

    with closing(Gallery(tmp_path / "gallery.db", KEY, now=clock)) as again:
        assert again.people() == {"ann-the-clerk"}


def test_a_kiosk_that_was_off_for_too_long_begins_without_faces(leased: Gallery, clock: Hands, tmp_path: Path) -> None:
    leased.close()
    clock.now = NINE + LEASE + HOUR

    with closing(Gallery(tmp_path / "gallery.db", KEY, now=clock)) as again:
        assert again.people() == frozenset()
    assert b"ann-the-clerk" not in on_disk(tmp_path)


def test_a_word_that_comes_too_late_brings_nobody_back(leased: Gallery, clock: Hands) -> None:
    clock.now = NINE + LEASE + HOUR

    leased.renew(clock.now + LEASE)

    assert leased.people() == frozenset()


def test_a_lease_from_a_clock_that_was_ahead_is_shortened(leased: Gallery, clock: Hands) -> None:
    leased.renew(NINE + timedelta(days=4000))
    leased.renew(NINE + LEASE)
    clock.now = NINE + LEASE + HOUR

    assert leased.people() == frozenset()


def test_asking_every_minute_does_not_write_every_minute(leased: Gallery) -> None:
    before = leased._db.total_changes

    leased.renew(NINE + LEASE + LITTLE / 2)

    assert leased._db.total_changes == before


def test_a_gallery_of_before_leases_gets_one(tmp_path: Path, clock: Hands) -> None:
    with closing(Gallery(tmp_path / "gallery.db", KEY)) as old:
        old.enrol("ann", [at(0.0)], consent="consent-1")
    with closing(Gallery(tmp_path / "gallery.db", KEY, now=clock)) as gallery:
        assert gallery.people() == {"ann"}
        clock.now = NINE + LEASE + HOUR

        assert gallery.people() == frozenset()


def test_who_is_enrolled_after_the_end_of_a_lease_has_a_new_one(leased: Gallery, clock: Hands) -> None:
    clock.now = NINE + LEASE + HOUR
    leased.enrol("bo", [at(1.0)], consent="consent-2")

    clock.now += LEASE

    assert leased.people() == {"bo"}


# Two programs


@pytest.fixture
def beside(leased: Gallery, tmp_path: Path, clock: Hands) -> Iterator[Gallery]:
    """Open the file a second time, as `tandem kiosk enrol` does beside a running station."""
    with closing(Gallery(tmp_path / "gallery.db", KEY, now=clock)) as gallery:
        yield gallery


def test_a_running_station_notices_who_is_enrolled_beside_it(leased: Gallery, beside: Gallery) -> None:
    among = frozenset({"ann-the-clerk", "bo"})
    assert isinstance(leased.match(at(1.0), among), Nobody)

    beside.enrol("bo", [at(1.0)], consent="consent-2")

    assert leased.people() == among
    assert isinstance(leased.match(at(1.0), among), Match)


def test_a_running_station_notices_who_is_forgotten_beside_it(leased: Gallery, beside: Gallery) -> None:
    beside.forget("ann-the-clerk")

    assert leased.match(at(0.0), {"ann-the-clerk"}) == Nobody()


def test_a_running_station_notices_new_templates_of_the_same_person(leased: Gallery, beside: Gallery) -> None:
    beside.enrol("ann-the-clerk", [at(5.0)], consent="consent-2")

    assert isinstance(leased.match(at(5.0), {"ann-the-clerk"}), Match)
    assert leased.consents() == {"ann-the-clerk": "consent-2"}


def test_a_lease_renewed_by_one_holds_for_the_other(leased: Gallery, beside: Gallery, clock: Hands) -> None:
    beside.renew(NINE + 2 * LEASE)
    clock.now = NINE + LEASE + HOUR

    assert leased.people() == {"ann-the-clerk"}


def test_both_may_enrol_and_nobody_is_lost(leased: Gallery, beside: Gallery) -> None:
    for number in range(10):
        leased.enrol(f"here-{number}", [at(number)], consent="consent-1")
        beside.enrol(f"beside-{number}", [at(-number)], consent="consent-1")

    assert leased.people() == beside.people()
    assert len(leased.people()) == 21


@pytest.fixture
def forgotten_in_memory(leased: Gallery, tmp_path: Path) -> Gallery:
    """Forget Ann while somebody else holds the file, so that she cannot be deleted from it."""
    leased._db.execute("PRAGMA busy_timeout=0")
    with closing(sqlite3.connect(tmp_path / "gallery.db", isolation_level=None)) as blocking:
        blocking.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError):
            leased.forget("ann-the-clerk")
        assert leased.match(at(0.0), {"ann-the-clerk"}) == Nobody()
    return leased


def test_who_is_forgotten_while_the_disk_fails_is_forgotten_there_as_soon_as_it_works(
    forgotten_in_memory: Gallery, tmp_path: Path
) -> None:
    assert b"ann-the-clerk" in on_disk(tmp_path)

    assert forgotten_in_memory.people() == frozenset()

    assert b"ann-the-clerk" not in on_disk(tmp_path)


def test_who_is_still_on_a_disk_that_failed_does_not_come_back_with_what_others_enrol(
    forgotten_in_memory: Gallery, beside: Gallery, tmp_path: Path
) -> None:
    beside.enrol("bo", [at(1.0)], consent="consent-2")

    assert forgotten_in_memory.people() == {"bo"}
    assert b"ann-the-clerk" not in on_disk(tmp_path)


def test_a_row_that_was_put_into_a_running_gallery_lets_nobody_in(
    leased: Gallery, beside: Gallery, caplog: pytest.LogCaptureFixture
) -> None:
    beside._db.execute("INSERT INTO templates SELECT 'bo', sealed FROM templates")

    assert leased.people() == {"ann-the-clerk"}
    assert "gallery.db failed" in caplog.text


def test_who_another_program_enrols_under_a_new_lease_is_not_forgotten_with_the_old_one(
    leased: Gallery, beside: Gallery, clock: Hands
) -> None:
    clock.now = NINE + LEASE + HOUR
    beside.enrol("bo", [at(1.0)], consent="consent-2")
    # As if it had happened between the look at the lease and the deletion.
    leased._catch_up()
    leased._until = NINE + LEASE
    leased._forget_everybody()
    beside.renew(clock.now + 2 * LEASE)

    assert leased.people() == {"bo"}


@pytest.mark.parametrize("until", ["soon", ""], ids=["a word", "nothing"])
def test_a_lease_that_is_no_time_opens_nothing(tmp_path: Path, clock: Hands, leased: Gallery, until: str) -> None:
    leased._db.execute("UPDATE lease SET until = ?", (until,))
    leased.close()

    with pytest.raises(GalleryLocked):
        Gallery(tmp_path / "gallery.db", KEY, now=clock)


def test_nothing_of_a_forgotten_person_stays_lined_up(gallery: Gallery) -> None:
    gallery.match(at(0.0), EVERYONE)

    gallery.forget("ann")

    assert gallery._line_up.people == ()


def test_a_disk_that_fails_is_told_once(leased: Gallery, caplog: pytest.LogCaptureFixture) -> None:
    leased._db.close()

    for _ in range(5):
        assert isinstance(leased.match(at(0.0), {"ann-the-clerk"}), Match)

    assert caplog.text.count("gallery.db failed") == 1


def test_matching_goes_on_while_others_are_enrolled_and_forgotten(leased: Gallery) -> None:
    among = frozenset({"ann-the-clerk", *(f"p{number}" for number in range(40))})
    answers: list[object] = []

    def enrol() -> None:
        for number in range(40):
            leased.enrol(f"p{number}", [at(5.0 + number)], consent="consent-1")
            leased.forget(f"p{number - 3}")

    staff = Thread(target=enrol)
    staff.start()
    while staff.is_alive():
        answers.append(type(leased.match(at(0.0), among)))
    staff.join()

    assert set(answers) == {Match}
    assert leased.people() == {"ann-the-clerk", "p37", "p38", "p39"}


# The disk


def test_only_its_owner_may_read_the_file(leased: Gallery, tmp_path: Path) -> None:
    assert (tmp_path / "gallery.db").stat().st_mode & 0o077 == 0


def test_templates_survive_a_restart(tmp_path: Path) -> None:
    first = Gallery(tmp_path / "gallery.db", KEY)
    first.enrol("ann", [at(0.0), at(0.1)], consent="consent-1")
    first.close()

    again = Gallery(tmp_path / "gallery.db", KEY)

    assert isinstance(again.match(at(0.1), EVERYONE), Match)
    again.close()


def test_the_disk_holds_no_template_in_the_clear(tmp_path: Path) -> None:
    face = np.random.default_rng(1).normal(0, 0.1, 128).astype(np.float32)
    gallery = Gallery(tmp_path / "gallery.db", KEY)
    gallery.enrol("ann", [face], consent="consent-1")
    gallery.close()

    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())

    assert b"ann" in stored
    assert face[:4].tobytes() not in stored
    assert b"consent-1" not in stored


def test_nothing_of_a_forgotten_person_stays_on_the_disk(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "gallery.db", KEY)
    gallery.enrol("ann-the-clerk", [at(0.0)], consent="consent-1")
    gallery.forget("ann-the-clerk")
    gallery.close()

    assert b"ann-the-clerk" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "gallery.db", KEY)
    gallery.enrol("ann", [at(0.0)], consent="consent-1")
    gallery.close()

    with pytest.raises(GalleryLocked, match="enrol again"):
        Gallery(tmp_path / "gallery.db", bytes(32))


def test_a_face_cannot_be_lent_to_another_id(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "gallery.db", KEY)
    gallery.enrol("ann", [at(0.0)], consent="consent-1")
    gallery._db.execute("UPDATE templates SET learner_id = 'bo'")
    gallery.close()

    with pytest.raises(GalleryLocked):
        Gallery(tmp_path / "gallery.db", KEY)


def test_a_file_that_is_no_gallery_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "gallery.db").write_bytes(b"this is not a database, it is a sentence." * 50)

    with pytest.raises(GalleryLocked):
        Gallery(tmp_path / "gallery.db", KEY)
