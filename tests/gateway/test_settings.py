"""Settings: from arguments, environment and file, and a wrong one is named."""

from pathlib import Path
from typing import Any

import pytest

from gateway.settings import SettingsError, read


def test_an_argument_goes_before_the_environment_and_that_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gateway.toml").write_text('port = 1\nbroker_port = 2\nzone = "Asia/Shanghai"\n')
    monkeypatch.setenv("TANDEM_GATEWAY_PORT", "3")
    monkeypatch.setenv("TANDEM_GATEWAY_BROKER_PORT", "4")

    settings = read(data=tmp_path, port=5, broker_port=None)

    assert (settings.port, settings.broker_port, settings.zone) == (5, 4, "Asia/Shanghai")


def test_the_environment_may_say_where_the_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gateway.toml").write_text("port = 81\n")
    monkeypatch.setenv("TANDEM_GATEWAY_DATA", str(tmp_path))

    assert read().port == 81


def test_the_ledger_is_in_the_data_folder_unless_said_otherwise(tmp_path: Path) -> None:
    assert read(data=tmp_path).database_url == f"sqlite:///{tmp_path}/ledger.sqlite"
    assert read(data=tmp_path, database="postgresql+psycopg://db/t").database_url == "postgresql+psycopg://db/t"


@pytest.mark.parametrize(
    "given, named",
    [
        pytest.param({"port": 70000}, "port", id="port"),
        pytest.param({"broker_port": "mqtt"}, "broker_port", id="broker port"),
        pytest.param({"zone": "Mars/Olympus"}, "zone", id="zone"),
        pytest.param({"public_url": "tandem.example"}, "public_url", id="address"),
        pytest.param({"cert": "c.pem"}, "cert and key", id="half a certificate"),
        pytest.param({"broker_cert": __file__}, "broker_cert and broker_key", id="half of the broker's certificate"),
        pytest.param({"broker_host": "a,DNS:b"}, "broker_host", id="more than a name"),
        pytest.param({"broker_listen": "0.0.0.0"}, "broker_host", id="everywhere, under no name"),
        pytest.param({"broker_listen": "10.0.0.1", "broker_port": 0}, "broker_port", id="a port that changes"),
        pytest.param({"broker_ca": "no-such.pem"}, "broker_ca", id="an authority that is not there"),
        pytest.param({"colour": "red"}, "colour", id="unknown"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, given: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        read(data=tmp_path, **given)


@pytest.mark.parametrize("text", [b"port: 80\n", b"\xff\xfe="], ids=["not TOML", "not text"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "gateway.toml").write_bytes(text)

    with pytest.raises(SettingsError, match=r"gateway\.toml"):
        read(data=tmp_path)


def test_an_unknown_line_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text("prot = 80\n")

    with pytest.raises(SettingsError, match="prot"):
        read(data=tmp_path)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::"])
def test_other_machines_are_only_let_in_over_tls(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="cert and key, or behind_proxy"):
        read(data=tmp_path, host=host)

    assert read(data=tmp_path, host=host, behind_proxy=True).secure
    assert read(data=tmp_path, host=host, cert="c.pem", key="k.pem").secure


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_needs_no_tls(tmp_path: Path, host: str) -> None:
    assert not read(data=tmp_path, host=host).secure


@pytest.mark.parametrize(
    ("given", "port"),
    [({}, 1883), ({"broker_tls": True}, 8883), ({"broker_listen": "10.0.0.1"}, 8883), ({"broker_port": 7}, 7)],
    ids=["plain", "over TLS", "for other machines", "as said"],
)
def test_the_brokers_port_is_the_usual_one_of_its_kind(tmp_path: Path, given: dict[str, Any], port: int) -> None:
    assert read(data=tmp_path, **given).broker_port == port
