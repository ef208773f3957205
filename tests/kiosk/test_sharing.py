"""Claims about faces that travel between kiosks, with a real gateway between them that may turn hostile."""

import base64
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nacl.public import PrivateKey, PublicKey, SealedBox
from nacl.signing import SigningKey

from gateway import devices
from kiosk.faces import arrivals, trust
from kiosk.faces.engine import Encoding
from kiosk.faces.sharing import AGAIN, BOXES, LARGEST, MOST_PAGES, neighbours
from kiosk.faces.trust import FingerprintsDiffer, NoSuchKiosk, TrustDamaged
from ledger import directory
from ledger.database import Ledger
from ledger.tables import ConsentRow, PersonRow, RosterRow, SessionRow
from protocol import boxes, registration
from protocol.boxes import LIFE, MAX_TEMPLATES, PER_ANSWER, Contents, FaceBox, FaceBoxes
from protocol.signing import to_base64
from tests.gateway.cast import NINE, Gateway, company, consent
from tests.kiosk.share_site import ANN, BO, ENGINE, Door, face, gives, names, posted, traces, waiting
from tests.sqlite import become, image_of, in_memory

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def morning() -> Iterator[tuple[Gateway, bytes]]:
    """Put a gateway together once, with Ann's and Bo's consents; returns its ledger as it is then, too."""
    ledger = in_memory(company)
    with ledger.begin() as db:
        for person in ("ann", "bo"):
            consent(db, person)
    yield Gateway(ledger), image_of(ledger)
    ledger.close()


@pytest.fixture
def gateway(morning: tuple[Gateway, bytes]) -> Gateway:
    """Let it be nine again."""
    gateway, image = morning
    become(gateway.ledger, image)
    gateway.clock.now = NINE
    return gateway


@pytest.fixture
def door(gateway: Gateway, tmp_path: Path) -> Iterator[Callable[..., Door]]:
    """Set kiosks up that may share."""
    with ExitStack() as stack:

        def make(name: str, **wishes: Any) -> Door:
            (tmp_path / name).mkdir()
            return stack.enter_context(closing(Door(gateway, tmp_path / name, **wishes)))

        yield make


@pytest.fixture
def two(door: Callable[..., Door]) -> tuple[Door, Door]:
    """Set two kiosks up that trust each other."""
    front, back = door("front"), door("back", room="room-2")
    front.trusts(back)
    back.trusts(front)
    return front, back


def withdraw(gateway: Gateway, id: str = "yes-ann") -> None:
    """Withdraw a consent, as the people's API does."""
    with gateway.ledger.begin() as db:
        directory.withdraw_consent(db, db.get_one(ConsentRow, id), actor="test", now=gateway.clock.now)


def later(gateway: Gateway, span: timedelta = MINUTE) -> None:
    """Let time pass."""
    gateway.clock.now += span


# From door to door


def test_who_was_enrolled_at_one_door_is_known_at_the_other(gateway: Gateway, two: tuple[Door, Door]) -> None:
    front, back = two
    front.enrol("ann", ANN)

    back.turn()
    front.turn()
    held = waiting(gateway)
    for _ in range(2):
        back.turn()

    assert held == [(front.identity.device, back.identity.device, "ann")]
    assert back.knows(*ANN, *BO) == ["ann"] * 3 + [None] * 3
    np.testing.assert_array_equal(back.gallery.templates()["ann"], np.array(ANN))
    assert back.gallery.consents() == {"ann": "yes-ann"}
    assert waiting(gateway) == []
    # Nobody asks for boxes where none waits.
    assert len(back.wire.said("GET", BOXES)) == 1


def test_a_withdrawn_consent_takes_boxes_at_once_and_faces_at_the_next_contact(
    gateway: Gateway, two: tuple[Door, Door], tmp_path: Path
) -> None:
    front, back = two
    front.enrol("ann", ANN)
    front.turn()
    back.turn()
    newer = face(1, 5)
    front.enrol("ann", newer)
    later(gateway)
    front.turn()
    on_the_way = waiting(gateway)

    withdraw(gateway)
    left = waiting(gateway)
    later(gateway)
    for kiosk in two:
        kiosk.turn()

    assert (len(on_the_way), left) == (1, [])
    assert [kiosk.knows(*ANN, *newer) for kiosk in two] == [[None] * 8] * 2
    assert [kiosk.gallery.people() for kiosk in two] == [frozenset(), frozenset()]
    assert waiting(gateway) == []
    assert traces(tmp_path, as_bytes([*ANN, *newer])) == []


def test_a_face_goes_with_its_consent_whatever_happened_in_between(gateway: Gateway, two: tuple[Door, Door]) -> None:
    front, back = two
    front.enrol("ann", ANN)
    front.enrol("bo", BO)
    front.turn()
    back.turn()

    withdraw(gateway)
    withdraw(gateway, "yes-bo")
    with gateway.ledger.begin() as db:
        # Ann has consented again before any kiosk heard, and Bo is on no roster any more.
        db.add(given_again("ann"))
        db.delete(db.get_one(RosterRow, ("order-101", "bo")))
    later(gateway)
    for kiosk in two:
        kiosk.turn()

    assert [kiosk.gallery.people() for kiosk in two] == [frozenset(), frozenset()]


def given_again(person: str) -> ConsentRow:
    """Make another consent to face recognition."""
    return ConsentRow(
        id="yes-again", person_id=person, purpose="face", version="1", given_at=NINE + MINUTE, withdrawn_at=None
    )


def test_the_gateway_never_holds_a_template(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{_folder(tmp_path / 'gateway') / 'tandem.db'}")
    with ledger.begin() as db:
        company(db)
        consent(db, "ann")
    gateway = Gateway(ledger)
    with ExitStack() as stack:
        stack.callback(ledger.close)
        front, back = (
            stack.enter_context(closing(Door(gateway, _folder(tmp_path / name)))) for name in ("front", "back")
        )
        front.trusts(back)
        back.trusts(front)
        front.enrol("ann", ANN)
        front.turn()
        [box] = posted(gateway)
        while_waiting = traces(tmp_path / "gateway", written(ANN))
        seen = traces(tmp_path / "gateway", [box])
        back.turn()

        assert back.knows(*ANN) == ["ann"] * 3
    assert (while_waiting, traces(tmp_path / "gateway", written(ANN))) == ([], [])
    # The same search finds what is there: the box itself, and a template that somebody had put in plain.
    assert seen
    with closing(sqlite3.connect(tmp_path / "gateway" / "tandem.db", isolation_level=None)) as file:
        file.execute("UPDATE devices SET name = ?", (base64.b64encode(b"x" + ANN[0].tobytes()).decode(),))
    assert traces(tmp_path / "gateway", written(ANN)) == ["tandem.db"]


def as_bytes(templates: list[Encoding]) -> list[bytes]:
    """Return a stretch of each template that nothing else holds."""
    return [template.astype("<f4").tobytes()[:32] for template in templates]


def written(templates: list[Encoding]) -> list[bytes]:
    """Return the ways in which a stretch of these templates may stand in a file."""
    ways = []
    for plain in as_bytes(templates):
        ways += [plain, plain.hex().encode()]
        # Base64 begins anew with every third byte.
        ways += [base64.b64encode(plain[at : at + 24]) for at in range(3)]
    return ways


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_every_template_that_fits_goes_and_no_more(two: tuple[Door, Door]) -> None:
    front, back = two
    front.enrol("ann", face(1, MAX_TEMPLATES + 4))

    front.turn()
    back.turn()

    assert len(back.gallery.templates()["ann"]) == MAX_TEMPLATES


def test_a_new_enrolment_follows_and_an_old_one_is_not_sent_twice(gateway: Gateway, two: tuple[Door, Door]) -> None:
    front, back = two
    front.enrol("ann", ANN)
    for _ in range(2):
        front.turn()
        later(gateway)
    back.turn()
    once = front.sent()

    front.enrol("ann", face(7))
    front.turn()
    back.turn()

    assert (once, front.sent()) == (1, 2)
    assert back.knows(*face(7), *ANN) == ["ann"] * 3 + [None] * 3


def test_who_was_enrolled_here_stays_as_enrolled_here(gateway: Gateway, two: tuple[Door, Door]) -> None:
    front, back = two
    front.enrol("ann", face(7))
    back.enrol("ann", ANN)

    for _ in range(2):
        front.turn()
        back.turn()
        later(gateway)

    assert back.knows(*ANN) == ["ann"] * 3
    assert front.knows(*face(7)) == ["ann"] * 3
    assert waiting(gateway) == []


def test_who_is_enrolled_here_later_is_this_kiosks_own(gateway: Gateway, two: tuple[Door, Door]) -> None:
    front, back = two
    front.enrol("ann", ANN)
    front.turn()
    back.turn()

    back.enrol("ann", face(7))
    later(gateway, AGAIN)
    front.turn()
    back.turn()

    assert back.knows(*face(7)) == ["ann"] * 3
    assert back.sent() == 1


def test_a_face_that_came_is_not_passed_on(gateway: Gateway, two: tuple[Door, Door], door: Callable[..., Door]) -> None:
    front, back = two
    side = door("side")
    side.trusts(back)
    back.trusts(side)
    front.enrol("ann", ANN)
    front.turn()

    back.turn()
    back.restart()
    back.turn()
    side.turn()

    assert back.knows(*ANN) == ["ann"] * 3
    assert (back.sent(), side.gallery.people()) == (0, frozenset())


def test_with_more_faces_than_an_answer_holds_all_come(gateway: Gateway, two: tuple[Door, Door]) -> None:
    front, back = two
    learners = crowd(gateway, 2 * PER_ANSWER + 1)
    for number, learner in enumerate(learners, 100):
        front.enrol(learner, face(number, 1))

    front.turn()
    back.turn()

    assert back.gallery.people() == set(learners)
    assert waiting(gateway) == []


def crowd(gateway: Gateway, count: int) -> list[str]:
    """Enter learners of order-101 who have consented."""
    learners = [f"learner-{number:03}" for number in range(count)]
    with gateway.ledger.begin() as db:
        for id in learners:
            db.add(PersonRow(id=id, region_id="east", number=id, name=id, role="clerk", language="en"))
        db.flush()
        for id in learners:
            db.add(RosterRow(session_id="order-101", person_id=id))
            consent(db, id)
    return learners


# The switch, and who is trusted


@pytest.mark.parametrize("which", ["front", "back"])
@pytest.mark.parametrize("switch", ["faces", "share_faces"])
def test_a_kiosk_that_is_switched_off_neither_gives_nor_keeps(
    gateway: Gateway, two: tuple[Door, Door], which: str, switch: str
) -> None:
    front, back = two
    front.enrol("ann", ANN)
    front.turn()
    back.turn()
    front.enrol("bo", BO)
    off = front if which == "front" else back

    off.set_up(**{switch: False})
    later(gateway)
    front.turn()
    back.turn()

    assert back.gallery.people() == frozenset()
    assert front.sent() == 1


def test_a_kiosk_that_is_switched_off_does_not_even_ask(two: tuple[Door, Door]) -> None:
    front, _ = two
    front.set_up(share_faces=False)
    front.enrol("ann", ANN)
    front.wire.asked.clear()

    front.turn()

    assert [one.url.path for one in front.wire.asked if "face" in one.url.path] == []
    assert neighbours(front.line()).kiosks == ()


def test_who_was_enrolled_under_another_consent_is_not_sent(two: tuple[Door, Door]) -> None:
    front, _ = two
    front.enrol("ann", ANN, consent="withdrawn-since")

    front.turn()

    assert front.sent() == 0


def test_a_kiosk_of_another_region_is_not_named(two: tuple[Door, Door], door: Callable[..., Door]) -> None:
    front, back = two
    west = door("west", room="room-9")

    assert [kiosk.device for kiosk in neighbours(front.line()).kiosks] == [back.identity.device]
    with pytest.raises(NoSuchKiosk, match="--share-faces"):
        front.trusts(west)


def test_without_trust_nothing_leaves(gateway: Gateway, door: Callable[..., Door]) -> None:
    front, back = door("front"), door("back")
    back.trusts(front)
    front.enrol("ann", ANN)

    front.turn()
    back.turn()

    assert (waiting(gateway), front.sent()) == ([], 0)


def test_without_trust_nothing_is_taken_and_it_waits(gateway: Gateway, door: Callable[..., Door]) -> None:
    front, back = door("front"), door("back")
    front.trusts(back)
    front.enrol("ann", ANN)
    front.turn()
    back.turn()
    untrusted = back.gallery.people()

    back.trusts(front)
    back.turn()

    assert (untrusted, back.knows(*ANN)) == (frozenset(), ["ann"] * 3)


def test_a_kiosk_that_is_trusted_no_longer_leaves_nothing_behind(gateway: Gateway, two: tuple[Door, Door]) -> None:
    front, back = two
    front.enrol("ann", ANN)
    back.enrol("bo", BO)
    front.turn()
    back.turn()

    trust.distrust(back.folder, front.identity.device)
    later(gateway)
    back.turn()

    assert back.knows(ANN[0], BO[0]) == [None, "bo"]
    assert trust.trusted(back.folder) == {}


@pytest.mark.parametrize("typed", ["0000-0000-0000-0000-0000-0000", "", "no digits"])
def test_a_fingerprint_that_was_mistyped_is_not_trusted(door: Callable[..., Door], typed: str) -> None:
    front, back = door("front"), door("back")

    with pytest.raises(FingerprintsDiffer):
        trust.trust(front.folder, neighbours(front.line()), back.identity.device, typed)

    assert trust.trusted(front.folder) == {}


def test_a_list_that_cannot_be_read_trusts_nobody_and_says_so(two: tuple[Door, Door]) -> None:
    front, _ = two
    (front.folder / trust.FILE).write_text("{")
    front.enrol("ann", ANN)

    front.turn()

    assert front.sent() == 0
    with pytest.raises(TrustDamaged, match="trust them again"):
        trust.trusted(front.folder)


# Until when


def test_a_face_that_came_ends_with_the_lease(gateway: Gateway, two: tuple[Door, Door]) -> None:
    front, back = two
    front.enrol("ann", ANN)
    front.turn()
    back.turn()

    later(gateway, timedelta(hours=24, seconds=1))

    assert back.knows(*ANN) == [None] * 3
    assert back.gallery.people() == frozenset()


def test_what_was_lost_comes_again_within_hours(gateway: Gateway, two: tuple[Door, Door]) -> None:
    front, back = two
    front.enrol("ann", ANN)
    front.turn()
    back.turn()
    back.gallery.forget("ann")

    later(gateway, AGAIN - MINUTE)
    front.turn()
    before = front.sent()
    later(gateway)
    front.turn()
    back.turn()

    assert (before, front.sent()) == (1, 2)
    assert back.knows(*ANN) == ["ann"] * 3


def test_what_comes_again_unchanged_is_not_written_again(
    gateway: Gateway, two: tuple[Door, Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    front, back = two
    front.enrol("ann", ANN)
    front.turn()
    back.turn()
    monkeypatch.setattr(back.gallery, "enrol", _power_cut)

    later(gateway, AGAIN)
    front.turn()
    back.turn()

    assert (front.sent(), waiting(gateway)) == (2, [])
    assert back.knows(*ANN) == ["ann"] * 3


def test_who_leaves_the_roster_is_forgotten_where_they_were_not_enrolled(
    gateway: Gateway, two: tuple[Door, Door]
) -> None:
    front, back = two
    front.enrol("ann", ANN)
    front.turn()
    back.turn()

    with gateway.ledger.begin() as db:
        db.get_one(SessionRow, "order-101").region_id = "west"
    later(gateway)
    front.turn()
    back.turn()

    assert [kiosk.gallery.people() for kiosk in two] == [{"ann"}, frozenset()]


def test_a_revoked_sender_takes_what_it_sent_along(gateway: Gateway, two: tuple[Door, Door]) -> None:
    front, back = two
    front.enrol("ann", ANN)
    front.turn()
    back.turn()
    front.enrol("bo", BO)
    later(gateway)
    front.turn()

    with gateway.ledger.begin() as db:
        devices.revoke(db, front.identity.device, actor="test", now=gateway.clock.now)
    back.turn()
    front.turn()

    assert back.gallery.people() == frozenset()
    assert front.gallery.people() == frozenset()


def test_a_revoked_recipient_gets_nothing_more(gateway: Gateway, two: tuple[Door, Door]) -> None:
    front, back = two
    front.enrol("ann", ANN)
    front.turn()
    with gateway.ledger.begin() as db:
        devices.revoke(db, back.identity.device, actor="test", now=gateway.clock.now)

    back.turn()
    front.enrol("bo", BO)
    later(gateway)
    front.turn()

    assert back.gallery.people() == frozenset()
    assert front.sent() == 1


def test_a_power_cut_between_note_and_enrolment_loses_and_confuses_nothing(
    gateway: Gateway, two: tuple[Door, Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    front, back = two
    front.enrol("ann", ANN)
    front.turn()
    back.turn()
    front.enrol("ann", face(7))
    later(gateway)
    front.turn()

    with monkeypatch.context() as cut:
        cut.setattr(back.gallery, "enrol", _power_cut)
        back.turn()
    still, held = back.knows(*ANN), waiting(gateway)
    back.restart()
    back.turn()

    assert (still, len(held)) == (["ann"] * 3, 1)
    assert back.knows(*face(7)) == ["ann"] * 3
    assert (waiting(gateway), back.sent()) == ([], 0)


def _power_cut(*_: object, **__: object) -> None:
    raise OSError("the power is gone")


def test_the_file_beside_the_gallery_says_nothing_about_faces(two: tuple[Door, Door]) -> None:
    front, back = two
    front.enrol("ann", ANN)
    front.turn()
    back.turn()

    said = json.loads((back.folder / arrivals.FILE).read_bytes())

    assert [set(entry) for entry in said["arrivals"]] == [{"learner", "sender", "consent", "made_at", "marks"}]
    assert traces(back.folder, written(ANN)) == []


# A gateway that turns hostile: it has its own key, and everything that ever passed through it


@pytest.mark.parametrize("key", ["sealing_key", "signing_key"])
def test_a_gateway_that_swaps_a_key_gets_nothing(two: tuple[Door, Door], key: str) -> None:
    front, back = two
    own = PrivateKey.generate() if key == "sealing_key" else SigningKey.generate()
    front.enrol("ann", ANN)

    names(front, lambda kiosk: {**kiosk, key: registration.public(own)})
    front.turn()

    assert (front.sent(), waiting(front.gateway)) == (0, [])
    with pytest.raises(FingerprintsDiffer, match="tell whoever runs the gateway"):
        front.trusts(back)


def test_a_key_that_is_none_ends_nothing_but_the_sharing(two: tuple[Door, Door]) -> None:
    front, _ = two
    front.enrol("ann", ANN)

    names(front, lambda kiosk: {**kiosk, "sealing_key": "A" * 42 + "B="})
    front.turn()

    assert (front.sent(), front.knows(*ANN)) == (0, ["ann"] * 3)


def test_a_kiosk_that_the_gateway_makes_up_gets_nothing(two: tuple[Door, Door]) -> None:
    front, _ = two
    front.enrol("ann", ANN)

    names(front, lambda kiosk: {**kiosk, "device": "madeup0000000000"})
    front.turn()

    assert front.sent() == 0


def forged(made_by: Door, made_for: Door, **changes: Any) -> bytes:
    """Make a box as a kiosk would, but for what is changed."""
    key = changes.pop("key", made_by.identity.key)
    sealing = changes.pop("sealing", registration.public(made_for.identity.sealing_key))
    numbers = changes.pop("numbers", np.array(ANN).astype("<f4").tobytes())
    inside = Contents(sender=made_by.identity.device, learner="ann", consent="yes-ann", engine=ENGINE)
    inside = inside.model_copy(update=changes.pop("inside", {}))
    plain = inside.line() + b"\n" + numbers
    given: dict[str, Any] = {
        "sender": made_by.identity.device,
        "recipient": made_for.identity.device,
        "learner": "ann",
        "consent": "yes-ann",
        "made_at": NINE,
        "good_until": NINE + LIFE,
        "sealed": to_base64(SealedBox(PublicKey(base64.b64decode(sealing))).encrypt(plain)),
    }
    return boxes.post(FaceBox(**(given | changes)), key)


def test_a_box_that_is_made_by_hand_is_taken_if_nothing_is_wrong_with_it(two: tuple[Door, Door]) -> None:
    front, back = two

    gives(back, forged(front, back))
    back.turn()

    assert back.knows(*ANN) == ["ann"] * 3


NOT_A_NUMBER = np.full((1, 128), np.nan)
INFINITE = np.full((1, 128), np.inf)
HUGE = np.full((1, 128), 3e38)
JUST_TOO_LARGE = np.full((1, 128), LARGEST * 1.001)


def numbers(array: Any) -> bytes:
    return np.asarray(array, "<f4").tobytes()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"key": SigningKey(b"\7" * 32)}, id="forged sender"),
        pytest.param({"sender": "stranger00000000"}, id="a sender that is somebody else"),
        pytest.param(
            {"sender": "stranger00000000", "inside": {"sender": "stranger00000000"}}, id="a sender that is nobody here"
        ),
        pytest.param({"recipient": "stranger00000000"}, id="for somebody else"),
        pytest.param({"sealing": registration.public(PrivateKey(b"\7" * 32))}, id="sealed to somebody else"),
        pytest.param({"inside": {"learner": "bo"}}, id="another learner inside"),
        pytest.param({"inside": {"consent": "yes-bo"}}, id="another consent inside"),
        pytest.param({"inside": {"sender": "stranger00000000"}}, id="another sender inside"),
        pytest.param({"inside": {"engine": "sface"}}, id="another engine"),
        pytest.param({"consent": "yes-bo", "inside": {"consent": "yes-bo"}}, id="a consent that is not theirs"),
        pytest.param({"learner": "stranger", "inside": {"learner": "stranger"}}, id="not on the roster"),
        pytest.param({"good_until": NINE + LIFE + MINUTE}, id="good for more than a day"),
        pytest.param({"made_at": NINE - LIFE, "good_until": NINE}, id="over"),
        pytest.param({"made_at": NINE + 6 * MINUTE}, id="from the future"),
        pytest.param({"numbers": b""}, id="no templates"),
        pytest.param({"numbers": bytes(511)}, id="wrong length"),
        pytest.param({"numbers": bytes(512 * 17)}, id="too many templates"),
        pytest.param({"numbers": numbers(NOT_A_NUMBER)}, id="NaN"),
        pytest.param({"numbers": numbers(INFINITE)}, id="infinite"),
        pytest.param({"numbers": numbers(HUGE)}, id="huge"),
        pytest.param({"numbers": numbers(JUST_TOO_LARGE)}, id="too large"),
    ],
)
def test_a_box_that_is_not_right_is_not_taken(two: tuple[Door, Door], changes: dict[str, Any]) -> None:
    front, back = two
    back.enrol("bo", BO)

    gives(back, forged(front, back, **dict(changes)))
    back.turn()

    assert back.gallery.people() == {"bo"}
    assert back.knows(*BO) == ["bo"] * 3


def test_an_altered_box_is_not_taken(two: tuple[Door, Door]) -> None:
    front, back = two
    box = forged(front, back)

    gives(back, box.replace(b'"ann"', b'"bo"', 1), box[:-20] + b"AAAAAAAAAAAAAAAAAA" + box[-2:], b"", b"\n", b"{}")
    back.turn()

    assert back.gallery.people() == frozenset()


def test_a_box_of_one_kiosk_is_not_taken_from_another(two: tuple[Door, Door], door: Callable[..., Door]) -> None:
    _, back = two
    side = door("side")

    gives(back, forged(side, back))
    back.turn()

    assert back.gallery.people() == frozenset()


def test_a_recorded_box_is_worth_nothing_after_the_withdrawal(gateway: Gateway, two: tuple[Door, Door]) -> None:
    front, back = two
    front.enrol("ann", ANN)
    front.turn()
    recorded = posted(gateway)
    back.turn()
    withdraw(gateway)
    gives(back, *recorded)

    later(gateway)
    back.turn()
    withdrawn = back.gallery.people()
    with gateway.ledger.begin() as db:
        db.add(given_again("ann"))
    back.turn()

    assert (withdrawn, back.gallery.people()) == (frozenset(), frozenset())


@pytest.mark.parametrize("turns", [["new old"], ["old new"], ["new", "old"], ["old", "new"]], ids=" then ".join)
def test_an_older_box_does_not_bring_an_older_face_back(
    gateway: Gateway, two: tuple[Door, Door], turns: list[str]
) -> None:
    front, back = two
    given = {
        "old": forged(front, back),
        "new": forged(front, back, made_at=NINE + MINUTE, numbers=numbers(face(7))),
    }
    later(gateway, 2 * MINUTE)

    for which in turns:
        gives(back, *(given[age] for age in which.split()))
        back.turn()

    assert back.knows(*face(7)) == ["ann"] * 3


def test_an_older_box_does_not_bring_back_who_was_forgotten(gateway: Gateway, two: tuple[Door, Door]) -> None:
    front, back = two
    gives(back, forged(front, back, made_at=NINE + MINUTE))
    later(gateway, 2 * MINUTE)
    back.turn()
    back.gallery.forget("ann")

    gives(back, forged(front, back))
    back.turn()

    assert back.gallery.people() == frozenset()


def test_a_gateway_that_gives_without_end_is_not_listened_to_without_end(
    two: tuple[Door, Door],
) -> None:
    _, back = two
    page = FaceBoxes(boxes=tuple("x" * count for count in range(PER_ANSWER))).line()
    gives(back)
    back.wire.lies["GET /device/v1/face-boxes"] = lambda _: page

    back.turn()

    assert len(back.wire.said("GET", BOXES)) == MOST_PAGES


def test_more_boxes_than_an_answer_may_hold_are_not_read(two: tuple[Door, Door]) -> None:
    front, back = two
    box = forged(front, back).decode()
    page = json.dumps({"boxes": [box] * (PER_ANSWER + 1)}).encode()
    gives(back)
    back.wire.lies["GET /device/v1/face-boxes"] = lambda _: page

    back.turn()

    assert back.gallery.people() == frozenset()
