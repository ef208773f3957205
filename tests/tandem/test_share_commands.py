"""Claims about `tandem kiosk share`, with a real gateway: nobody is trusted whose digits were not read and typed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway import devices
from kiosk.faces.trust import trusted
from kiosk.identity import Identity
from kiosk.registration import register
from tandem.cli import app
from tests.chromium import served
from tests.gateway.cast import Gateway, code, company
from tests.sqlite import in_memory

pytestmark = pytest.mark.enable_socket


def share(*words: object) -> Result:
    return CliRunner().invoke(app, ["kiosk", "share", *map(str, words)])


@pytest.fixture
def doors(tmp_path: Path) -> Iterator[tuple[Identity, Identity]]:
    """Two kiosks that may share, in the folders front and back."""
    gateway = Gateway(in_memory(company))
    gateway.clock.now = datetime.now(UTC)
    with served(gateway.app) as address:
        yield _registered(gateway, address, tmp_path / "front"), _registered(gateway, address, tmp_path / "back")
    gateway.ledger.close()


def _registered(gateway: Gateway, address: str, folder: Path) -> Identity:
    identity = register(address, code(gateway), name=folder.name, data_dir=folder)
    with gateway.ledger.begin() as db:
        now = gateway.clock.now
        devices.confirm(db, identity.device, identity.fingerprint, actor="test", now=now)
        devices.set_up(db, identity.device, faces=True, share_faces=True, actor="test", now=now)
    return identity


def test_staff_reads_the_digits_at_one_kiosk_and_types_them_at_the_other(
    doors: tuple[Identity, Identity], tmp_path: Path
) -> None:
    front, back = doors
    shown = json.loads(share("list", "--data", tmp_path / "back", "--json").stdout)
    digits = next(one["fingerprint"] for one in shown if one["kiosk"] == back.device)

    before = json.loads(share("list", "--data", tmp_path / "front", "--json").stdout)
    done = share("trust", back.device, digits.upper().replace("-", " "), "--data", tmp_path / "front")
    after = json.loads(share("list", "--data", tmp_path / "front", "--json").stdout)

    assert done.exit_code == 0
    assert f"tandem kiosk share trust {front.device} " in done.stdout
    assert [one["trusted"] for one in (before[1], after[1])] == ["no", "yes"]
    assert digits not in str(before)
    assert trusted(tmp_path / "front") == {back.device: digits}


def test_other_digits_are_refused_with_what_to_do(doors: tuple[Identity, Identity], tmp_path: Path) -> None:
    _, back = doors

    refused = share("trust", back.device, "0123-4567-89ab-cdef-0123-4567", "--data", tmp_path / "front")
    unknown = share("trust", "nobody", "0123", "--data", tmp_path / "front")

    assert (refused.exit_code, unknown.exit_code) == (2, 2)
    assert "type what `tandem kiosk share list` shows there" in refused.stderr
    assert "--share-faces" in unknown.stderr
    assert trusted(tmp_path / "front") == {}


def test_who_was_trusted_can_be_trusted_no_longer(doors: tuple[Identity, Identity], tmp_path: Path) -> None:
    _, back = doors
    shown = json.loads(share("list", "--data", tmp_path / "back", "--json").stdout)
    share("trust", back.device, shown[0]["fingerprint"], "--data", tmp_path / "front")

    mistyped = share("distrust", f"{back.device}0", "--data", tmp_path / "front")
    still = trusted(tmp_path / "front")
    done = share("distrust", back.device, "--data", tmp_path / "front")

    assert (mistyped.exit_code, done.exit_code) == (2, 0)
    assert f"no kiosk {back.device}0 is trusted here" in mistyped.stderr
    assert set(still) == {back.device}
    assert trusted(tmp_path / "front") == {}
