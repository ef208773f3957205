"""Claims about `tandem kiosk identify`, `enrol` and `calibrate`, with a real gateway and the real engine."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from gateway import devices
from kiosk.faces.gallery import FILE, Gallery, Match
from kiosk.identity import Identity
from kiosk.picture import read_picture
from kiosk.registration import register
from ledger.tables import ConsentRow
from tandem.cli import app
from tests.chromium import served
from tests.gateway.cast import Gateway, code, company, consent, session
from tests.kiosk.portraits import ASTRONAUT, HOPPER, brightened, scaled
from tests.sqlite import in_memory


def tandem(*words: object) -> Result:
    return CliRunner().invoke(app, ["kiosk", *map(str, words)])


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each of the two public-domain people, with two pictures each."""
    folder = tmp_path_factory.mktemp("people")
    for name, path in (("astronaut", ASTRONAUT), ("hopper", HOPPER)):
        (folder / name).mkdir()
        shutil.copy(path, folder / name)
        cv2.imwrite(str(folder / name / "z.png"), brightened(read_picture(path)))
    return folder


# Without a kiosk


def test_pictures_are_identified_one_line_of_json_each(people: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "who.jpg"), scaled(read_picture(HOPPER)))
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((300, 300, 3), 90, np.uint8))
    images = [tmp_path / "who.jpg", tmp_path / "wall.png", tmp_path / "gone.jpg"]

    result = tandem("identify", "--gallery", people, "--data", tmp_path, *images)

    assert result.exit_code == 0
    match, wall, gone = map(json.loads, result.stdout.splitlines())
    assert (match["best"], match["verdict"]) == ("hopper", "match")
    assert match["distance"] + 0.05 < match["second"]
    assert wall == {
        "image": str(images[1]), "best": None, "distance": None, "second": None, "verdict": "no_face",
    }  # fmt: skip
    assert "cannot be read" in gone["error"]


def test_the_settings_of_the_kiosk_decide(people: Path, tmp_path: Path) -> None:
    (tmp_path / "kiosk.toml").write_text("threshold = 0.01\n")
    cv2.imwrite(str(tmp_path / "who.jpg"), scaled(read_picture(HOPPER)))

    result = tandem("identify", "--gallery", people, "--data", tmp_path, HOPPER, tmp_path / "who.jpg")

    assert [json.loads(line)["verdict"] for line in result.stdout.splitlines()] == ["match", "ask_badge"]


def test_a_file_whose_name_is_no_text_is_answered(people: Path, tmp_path: Path) -> None:
    image = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((300, 300, 3), 90, np.uint8))
    (tmp_path / "wall.png").rename(image)

    result = tandem("identify", "--gallery", people, "--data", tmp_path, image)

    assert (json.loads(result.stdout)["image"], result.exit_code) == (image, 0)


def test_an_empty_gallery_is_told_and_answered(tmp_path: Path) -> None:
    result = tandem("identify", "--gallery", tmp_path, "--data", tmp_path, HOPPER)

    assert json.loads(result.stdout)["verdict"] == "ask_badge"
    assert "has no folders in it: nobody is known" in " ".join(result.stderr.split())


def test_a_gallery_that_is_not_there_stops_the_command(tmp_path: Path) -> None:
    result = tandem("identify", "--gallery", tmp_path / "gone", "--data", tmp_path, HOPPER)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "is no folder" in result.stderr


def test_two_people_are_too_few_to_calibrate_and_that_is_said(people: Path, tmp_path: Path) -> None:
    page = tmp_path / "calibration.html"

    result = tandem("calibrate", people, "--data", tmp_path, "--page", page, "--size", 20, "--wanted", 0.01)

    told = json.loads(result.stdout)
    assert (told["people"], told["impostor_pairs"], told["genuine_pairs"]) == (2, 4, 2)
    assert told["proposal"]["verdict"] == "too_few_pairs"
    assert told["points"][-1]["fmr"] == {"errors": 0, "n": 4, "low": 0.0, "high": 0.75, "rate": 0.0}
    assert told["look_alikes"] == []
    assert "hopper" not in page.read_text()


# At a kiosk


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway with a session of Ann and Bo now, and Ann's consent."""
    ledger = in_memory(company)
    gateway = Gateway(ledger)
    gateway.clock.now = datetime.now(UTC)
    with ledger.begin() as db:
        session(db, "now-101", people=("ann", "bo"), starts_at=gateway.clock.now)
        consent(db, "ann")
    yield gateway
    ledger.close()


@pytest.fixture
def data(gateway: Gateway, tmp_path: Path) -> Iterator[Path]:
    """The data folder of a kiosk that the gateway has confirmed, with faces switched on."""
    folder = tmp_path / "kiosk"
    with served(gateway.app) as address:
        identity = register(address, code(gateway), name="door", data_dir=folder)
        with gateway.ledger.begin() as db:
            devices.confirm(db, identity.device, identity.fingerprint, actor="test", now=gateway.clock.now)
            devices.set_up(db, identity.device, actor="test", now=gateway.clock.now, faces=True)
        yield folder


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with one picture, for Ann's number."""
    (tmp_path / "pictures").mkdir()
    shutil.copy(HOPPER, tmp_path / "pictures" / "1001.jpg")
    return tmp_path / "pictures"


def gallery_of(data: Path) -> Gallery:
    return Gallery(data / FILE, Identity.load(data).gallery_key)


@pytest.mark.enable_socket
def test_who_has_consented_is_enrolled_and_the_others_are_told(data: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    shutil.copytree(ASTRONAUT.parent, pictures / "1001", ignore=lambda _, names: {*names} - {"astronaut.png"})
    (pictures / "1001" / "broken.jpg").write_bytes(b"no picture")
    shutil.copy(HOPPER, pictures / "1002.jpg")
    shutil.copy(HOPPER, pictures / "9999.jpg")

    result = tandem("enrol", pictures, "--data", data)

    assert result.exit_code == 1
    told = " ".join(result.stdout.split())
    assert "1001: enrolled, good pictures: 1" in told
    assert "broken.jpg is not a JPEG, PNG or BMP picture" in told
    assert "1002: not enrolled: nobody with this number" in told
    assert "9999: not enrolled: nobody with this number" in told
    assert told.endswith("1 of 3 enrolled")
    with closing(gallery_of(data)) as gallery:
        assert gallery.consents() == {"ann": "yes-ann"}


@pytest.mark.enable_socket
def test_a_double_wants_anyway(gateway: Gateway, data: Path, pictures: Path) -> None:
    with gateway.ledger.begin() as db:
        consent(db, "bo")
    shutil.copy(HOPPER, pictures / "1002.jpg")

    refused = tandem("enrol", pictures, "--data", data, "--json")
    kept = tandem("enrol", pictures, "--data", data, "--json", "--anyway")

    first, second = map(json.loads, refused.stdout.splitlines())
    assert (first["enrolled"], second["enrolled"], second["reason"]) == (True, False, "resembles")
    assert second["alike"] == [{"person": "1001", "distance": 0.0}]
    assert (refused.exit_code, kept.exit_code) == (1, 0)
    with closing(gallery_of(data)) as gallery:
        assert [pair.learner_ids for pair in gallery.look_alikes()] == [("ann", "bo")]


@pytest.mark.enable_socket
def test_a_disk_that_fails_is_told_in_one_sentence(data: Path, pictures: Path) -> None:
    with closing(gallery_of(data)) as gallery:
        gallery._db.execute(
            "CREATE TRIGGER full BEFORE INSERT ON templates BEGIN SELECT RAISE(FAIL, 'the disk is full'); END"
        )

    result = tandem("enrol", pictures, "--data", data)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "gallery.db cannot be written: the disk is full" in " ".join(result.stderr.split())


@pytest.mark.enable_socket
def test_a_withdrawn_consent_is_none(gateway: Gateway, data: Path, pictures: Path) -> None:
    with gateway.ledger.begin() as db:
        db.get_one(ConsentRow, "yes-ann").withdrawn_at = gateway.clock.now

    result = tandem("enrol", pictures, "--data", data, "--json")

    assert {json.loads(line)["reason"] for line in result.stdout.splitlines()} == {"not_on_roster"}


@pytest.mark.enable_socket
def test_a_station_that_runs_knows_who_is_enrolled_beside_it(data: Path, pictures: Path) -> None:
    with closing(gallery_of(data)) as station:
        assert station.people() == frozenset()

        tandem("enrol", pictures, "--data", data)

        [template] = station.templates()["ann"]
        assert isinstance(station.match(template, frozenset({"ann"})), Match)


@pytest.mark.enable_socket
def test_what_is_enrolled_here_can_be_calibrated(data: Path, tmp_path: Path) -> None:
    with closing(gallery_of(data)) as gallery:
        chance = np.random.default_rng(1)
        for number in range(30):
            middle = chance.normal(0, 0.07, 128)
            frames = [(middle + chance.normal(0, 0.01, 128)).astype(np.float32) for _ in range(3)]
            gallery.enrol(f"p{number}", frames, consent="consent-1")

    told = json.loads(tandem("calibrate", "--data", data, "--json", "--size", 5, "--wanted", 0.05).stdout)

    assert (told["people"], told["impostor_pairs"], told["genuine_pairs"]) == (30, 3915, 90)
    assert (told["proposal"]["verdict"], told["proposal"]["threshold"]) == ("enough", 0.45)
    assert any("within seconds" in note for note in told["notes"])


def test_a_kiosk_that_is_not_registered_cannot_enrol(pictures: Path, tmp_path: Path) -> None:
    result = tandem("enrol", pictures, "--data", tmp_path / "kiosk")

    assert result.exit_code == 2
    assert "tandem kiosk register" in result.stderr
