"""What is handed out for devices and brokers is what the programs themselves use."""

import tomllib
from pathlib import Path

from kiosk import settings
from kiosk.settings import KioskSettings
from tandem.broker import LISTENER, TLS
from tandem.broker_files import ACL, SETTINGS

HERE = Path(__file__).parent.parent / "firmware-config"
OF_THIS_MACHINE = (
    "listener", "certfile", "keyfile", "password_file", "acl_file", "persistence_location", "pid_file",
)  # fmt: skip


def directives(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pairs = [line.split(" ", 1) for line in lines]
    return {name: value for name, value in pairs if name not in OF_THIS_MACHINE}


def test_the_kiosks_file_holds_every_setting_with_its_default(tmp_path: Path) -> None:
    text = (HERE / "kiosk" / "kiosk.toml").read_text()
    (tmp_path / "kiosk.toml").write_text(text)

    defaults = KioskSettings(data=tmp_path / "nothing")

    assert set(tomllib.loads(text)) == set(KioskSettings.model_fields) - {"data"}
    assert settings.read(data=tmp_path).model_dump(exclude={"data"}) == defaults.model_dump(exclude={"data"})


def test_the_brokers_access_list_is_the_one_that_tandem_writes() -> None:
    assert (HERE / "mosquitto" / "acl").read_text() == ACL


def test_the_brokers_settings_are_the_ones_that_tandem_writes() -> None:
    assert directives((HERE / "mosquitto" / "mosquitto.conf").read_text()) == directives(LISTENER + TLS + SETTINGS)
