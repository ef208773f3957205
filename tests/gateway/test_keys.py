"""Key files: made once, kept from others, and never replaced without a word."""

from pathlib import Path

import pytest

from gateway import keys
from gateway.keys import KeyDamaged, KeyExposed


def test_keys_are_made_once(tmp_path: Path) -> None:
    first, second = keys.load(tmp_path), keys.load(tmp_path)

    assert bytes(first.gateway) == bytes(second.gateway)
    assert first.cursor == second.cursor
    assert first.badge_keys == second.badge_keys
    assert first.site == second.site


def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    keys.load(tmp_path / "keys")

    files = sorted((tmp_path / "keys").iterdir())
    assert [path.name for path in files] == ["badge-1.key", "cursor.key", "gateway.key", "session.key"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["gateway.key", "cursor.key", "badge-1.key", "session.key"])
def test_a_file_that_others_can_read_is_refused_by_name(tmp_path: Path, name: str) -> None:
    keys.load(tmp_path)
    (tmp_path / name).chmod(0o644)

    with pytest.raises(KeyExposed, match=name):
        keys.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a key", b"AAAA"], ids=["empty", "text", "short"])
def test_a_damaged_file_is_not_replaced(tmp_path: Path, content: bytes) -> None:
    keys.load(tmp_path)
    (tmp_path / "gateway.key").write_bytes(content)

    with pytest.raises(KeyDamaged, match=r"gateway\.key"):
        keys.load(tmp_path)

    assert (tmp_path / "gateway.key").read_bytes() == content


def test_a_second_badge_key_issues_and_the_first_still_verifies(tmp_path: Path) -> None:
    keys.load(tmp_path)
    second = tmp_path / "badge-2.key"
    second.write_bytes((tmp_path / "cursor.key").read_bytes())
    second.chmod(0o600)

    found = keys.load(tmp_path)

    assert found.badge_id == 2
    assert list(found.badge_keys) == [1, 2]


def test_a_site_is_named_as_topics_want_it() -> None:
    assert len(keys.make().site) == 16
