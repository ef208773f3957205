"""Kiosks on other machines: TLS, who is put out, and the files for a mosquitto that the admin runs."""

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from amqtt.adapters import StreamReaderAdapter
from amqtt.broker import Broker
from nacl.public import PrivateKey
from paho.mqtt.enums import MQTTProtocolVersion
from pydantic import SecretStr
from typer.testing import CliRunner

from gateway import devices
from gateway.devices import check_password, password_hash
from gateway.reception import BrokerAddress, Reception
from gateway.settings import GatewaySettings
from kiosk.broker import Disconnected, PahoConnection
from ledger.tables import DeviceRow
from protocol import topics
from protocol.registration import BrokerAccount, open_account, public
from tandem import broker_files, certificates
from tandem.broker import EmbeddedBroker, Mosquitto, Outward, free_port
from tandem.broker_files import NoSuchBroker
from tandem.cli import app
from tandem.embedded import GATEWAY, GATEWAYS, MOST_BYTES, StrictBroker
from tandem.up import Machine, outside
from tests.cast import DEVICE, GATEWAY_KEY, NINE, company, settle_in
from tests.fleet import until
from tests.gateway.wired import receiving
from tests.tandem.acl_matrix import Party, accounts, device

pytestmark = pytest.mark.enable_socket
ANN, BO = device(0), device(1)
HANDED_OUT = Path(__file__).parents[2] / "firmware-config" / "mosquitto"
MQTT = MQTTProtocolVersion.MQTTv311
SEALING = PrivateKey(b"\4" * 32)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificate:
    return certificates.make(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@contextmanager
def running(
    kind: str, folder: Path, known: dict[str, str], outward: Outward | None = None
) -> Iterator[EmbeddedBroker | Mosquitto]:
    made = (
        EmbeddedBroker(lambda: known, outward=outward)
        if kind == "embedded"
        else Mosquitto(lambda: known, folder, outward=outward)
    )
    made.start()
    try:
        yield made
    finally:
        made.stop()


def account(port: int, ca: str, *, host: str = "127.0.0.1") -> BrokerAccount:
    return BrokerAccount(host=host, port=port, tls=True, username=ANN, password=ANN, ca=ca)


def outward(certificate: certificates.Certificate) -> Outward:
    return Outward(host="127.0.0.1", port=free_port("127.0.0.1"), cert=certificate.cert, key=certificate.key)


@pytest.fixture(params=["embedded", "mosquitto"])
def kind(request: pytest.FixtureRequest, program: Callable[[str], str]) -> str:
    if request.param == "mosquitto":
        program("mosquitto")
    return str(request.param)


# TLS


def test_a_kiosk_speaks_over_tls_with_a_broker_whose_authority_it_was_told(
    kind: str, tmp_path: Path, certificate: certificates.Certificate
) -> None:
    door, own = outward(certificate), topics.topic("site000000000001", ANN, "receipt")
    with running(kind, tmp_path, accounts(2), door) as broker:
        kiosk = PahoConnection(account(door.port, certificate.authority.read_text()), [own])
        gateway = Party(broker, GATEWAY, MQTT)
        gateway.subscribe([topics.EVERY_UP])

        kiosk.publish(topics.topic("site000000000001", ANN, "up"), b"hello")
        kiosk.wait(0.1)
        heard = until(lambda: bool(kiosk.wait(0.05) or gateway.got), 5)
        gateway.publish([own], b"here")
        answered = until(lambda: any(message.payload == b"here" for message in kiosk.wait(0.05)), 5)
        kiosk.close()
        gateway.close()

    assert (heard, answered) == (True, True)


# Paho leaves the socket of a broken handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ca": ""}, "CERTIFICATE_VERIFY_FAILED"),
        ({"host": "localhost"}, "Hostname mismatch"),
        ({"ca": "x"}, "authority"),
    ],
    ids=["an authority that nobody told of", "another name", "an authority that is none"],
)
def test_a_kiosk_does_not_speak_with_a_broker_that_it_cannot_verify(
    change: dict[str, str], said: str, tmp_path: Path, certificate: certificates.Certificate
) -> None:
    door = outward(certificate)
    told = account(door.port, certificate.authority.read_text()).model_copy(update=change)

    with running("embedded", tmp_path, accounts(2), door), pytest.raises(Disconnected, match=said):
        PahoConnection(told, [topics.topic("site000000000001", ANN, "receipt")])


def test_on_the_outward_door_nobody_speaks_without_tls(
    kind: str, tmp_path: Path, certificate: certificates.Certificate
) -> None:
    door = outward(certificate)
    told = account(door.port, "").model_copy(update={"tls": False})

    with running(kind, tmp_path, accounts(2), door), pytest.raises(Disconnected):
        PahoConnection(told, [topics.topic("site000000000001", ANN, "receipt")])


def test_the_authority_stays_and_the_certificate_follows_the_name(tmp_path: Path) -> None:
    first = certificates.make(tmp_path, "127.0.0.1")
    authority = first.authority.read_bytes()

    second = certificates.make(tmp_path, "tandem.example")

    said = subprocess.run(
        ["openssl", "verify", "-CAfile", second.authority, "-verify_hostname", "tandem.example", second.cert],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert second.authority.read_bytes() == authority
    assert [oct(path.stat().st_mode & 0o777) for path in (second.key, tmp_path / "ca.key")] == ["0o600"] * 2


def test_up_tells_its_devices_of_the_outward_door_and_its_authority(tmp_path: Path) -> None:
    read = GatewaySettings(
        data=tmp_path, port=0, broker_listen="127.0.0.1", broker_port=free_port("127.0.0.1"), broker_host="localhost"
    )
    machine = Machine(read, lambda: datetime.now(UTC))
    with machine.ledger.begin() as db:
        settle_in(db)
    with machine.ledger.begin() as db:
        row = db.get_one(DeviceRow, DEVICE)
        row.sealing_key = public(SEALING)
        sealed = devices.standing(db, row, machine.settings).account
    told = open_account(sealed or "", SEALING)

    machine.start()
    try:
        PahoConnection(told, [topics.topic(machine.keys.site, DEVICE, "receipt")]).close()
    finally:
        machine.stop()

    assert (told.host, told.port, told.tls) == ("localhost", read.broker_port, True)
    assert ssl.create_default_context(cadata=told.ca).cert_store_stats()["x509_ca"] == 1


def test_the_gateway_reaches_a_broker_elsewhere_over_tls(
    kind: str, tmp_path: Path, certificate: certificates.Certificate
) -> None:
    door, ledger = outward(certificate), company()
    read = GatewaySettings(data=tmp_path, broker_ca=certificate.authority, broker_password=SecretStr(GATEWAY))
    with running(kind, tmp_path, accounts(1), door):
        address = outside(f"mqtts://{GATEWAY}@127.0.0.1:{door.port}", read)
        reception = Reception(ledger, GATEWAY_KEY, address, lambda: NINE)
        reception.start()
        reached = reception.subscribed.wait(10)
        reception.stop()
    ledger.close()

    assert reached


# Who is put out


def test_who_loses_the_account_is_put_out_and_the_others_stay(kind: str, tmp_path: Path) -> None:
    known = accounts(2)
    with running(kind, tmp_path, known) as broker:
        ann, bo = Party(broker, ANN, MQTT), Party(broker, BO, MQTT)

        known.pop(ANN)
        broker.refresh()
        gone = until(lambda: ann.gone, 5)
        again = Party(broker, ANN, MQTT)
        refused = until(lambda: again.gone, 5)
        stays = not bo.gone
        for party in (ann, bo, again):
            party.close()

    assert (gone, refused, stays) == (True, True, True)


def test_who_gets_another_password_is_put_out(kind: str, tmp_path: Path) -> None:
    known = accounts(2)
    with running(kind, tmp_path, known) as broker:
        ann = Party(broker, ANN, MQTT)

        known[ANN] = password_hash("new", salt=b"123456789012")
        broker.refresh()
        gone = until(lambda: ann.gone, 5)
        ann.close()

    assert gone


def test_one_connection_of_an_account_ends_the_other(kind: str, tmp_path: Path) -> None:
    with running(kind, tmp_path, accounts(2)) as broker:
        first = Party(broker, ANN, MQTT)

        second = Party(broker, ANN, MQTT)
        gone = until(lambda: first.gone, 5)
        stays = not second.gone
        for party in (first, second):
            party.close()

    assert (gone, stays) == (True, True)


class Trusting(StrictBroker):
    """The sabotaged twin: amqtt as it is, which looks at the password last."""

    _initialize_client_session = Broker._initialize_client_session


@pytest.mark.parametrize("kind", ["strict", "amqtt as it is"])
@pytest.mark.parametrize("clean", [True, False], ids=["clean", "not clean"])
def test_without_the_password_nobody_touches_the_connection_of_another(
    kind: str, clean: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind != "strict":
        monkeypatch.setattr("tandem.broker.StrictBroker", Trusting)
    own = topics.topic("site000000000001", ANN, "receipt")
    broker = EmbeddedBroker(lambda: accounts(2))
    broker.start()
    ann, gateway = Party(broker, ANN, MQTT), Party(broker, GATEWAY, MQTT)
    ann.subscribe([own])

    thief = Party(broker, ANN, MQTT, password="wrong", clean=clean)
    refused = until(lambda: thief.gone, 5)
    gateway.publish([own], b"for Ann")
    is_whole = until(lambda: ann.gone or bool(ann.got), 5 if kind == "strict" else 0.3) and not ann.gone
    for party in (ann, gateway, thief):
        party.close()
    broker.stop()

    assert (refused, is_whole) == (True, kind == "strict")


def test_garbage_takes_no_place_at_the_embedded_broker_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tandem.broker.MOST_CONNECTIONS", 2)
    monkeypatch.setattr("tandem.embedded.PATIENCE", 0.2)
    broker = EmbeddedBroker(lambda: accounts(2))
    broker.start()

    # Three of each, one after the other: had one of a kind kept its place, the next two would have to wait for it.
    garbage = [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x10\xff\xff\xff\x7f", b"\x10\x02\x00\xff"]
    lines = [socket.create_connection((broker.host, broker.port)) for _ in range(3 * len(garbage))]
    for line, junk in zip(lines, sorted(3 * garbage), strict=True):
        line.sendall(junk)
    ann = Party(broker, ANN, MQTT)
    stays = not ann.gone
    for line in lines:
        line.close()
    ann.close()
    broker.stop()

    assert stays


def string(text: str) -> bytes:
    return len(text).to_bytes(2, "big") + text.encode()


def hello(name: str) -> bytes:
    """Make the CONNECT of an account whose password is its name."""
    body = string("MQTT") + b"\4\xc2\0\x3c" + 3 * string(name)
    return b"\x10" + bytes([len(body)]) + body


@pytest.mark.parametrize("greeting", [b"", hello(ANN)], ids=["a stranger", "a device"])
@pytest.mark.parametrize(
    "garbage",
    [b"\x30\x81\x80\x04", b"\x10\xff\xff\xff\x7f", b"\x30\xff\xff\xff\xff", b"\x10\x04\0\xffMQ", b"\x30\x04\0\xff/a"],
    ids=["a byte too many", "256 MB", "a length without end", "past its end", "a topic past its end"],
)
def test_the_embedded_broker_hangs_up_on_what_is_too_large_or_past_its_end(greeting: bytes, garbage: bytes) -> None:
    broker = EmbeddedBroker(lambda: accounts(2))
    broker.start()

    with socket.create_connection((broker.host, broker.port), timeout=5) as line:
        line.sendall(greeting + garbage)
        said = all_of(line)
    broker.stop()

    assert said == (b"\x20\x02\0\0" if greeting else b"")


def all_of(line: socket.socket) -> bytes:
    """Read until the other end hangs up; raises TimeoutError if it does not."""
    said = b""
    with suppress(ConnectionResetError):
        while more := line.recv(1000):
            said += more
    return said


@pytest.mark.parametrize("kind", ["embedded", "mosquitto", "amqtt as it is"])
def test_a_message_may_be_as_large_as_an_envelope_and_not_larger_than_a_packet(
    kind: str, tmp_path: Path, program: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "mosquitto":
        program("mosquitto")
    if kind == "amqtt as it is":
        monkeypatch.setattr("tandem.embedded.PacketReader", StreamReaderAdapter)
    up = topics.topic("site000000000001", ANN, "up")
    with running("mosquitto" if kind == "mosquitto" else "embedded", tmp_path, accounts(2)) as broker:
        gateway, ann = Party(broker, GATEWAY, MQTT), Party(broker, ANN, MQTT)
        gateway.subscribe([topics.EVERY_UP])

        for size in (MOST_BYTES - 100, MOST_BYTES + 100):
            ann.publish([up], bytes(size))
        # Who sent too much may be gone before what was sent well has come through.
        heard = until(lambda: len(gateway.got) == (1 if ann.gone else 2), 30)
        sizes = [len(payload) for _, payload in gateway.got]
        for party in (gateway, ann):
            party.close()

    assert heard
    assert sizes == ([MOST_BYTES - 100, MOST_BYTES + 100] if kind == "amqtt as it is" else [MOST_BYTES - 100])


class Forgetful(StrictBroker):
    """The sabotaged twin: amqtt as it is, which forgets what it has acknowledged when its sender leaves."""

    _client_message_loop = Broker._client_message_loop
    _handle_disconnect = Broker._handle_disconnect


@pytest.mark.parametrize("way", ["close", "vanish"])
@pytest.mark.parametrize("kind", ["strict", "amqtt as it is"])
def test_what_somebody_sends_just_before_leaving_is_handed_on_in_order(
    kind: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind != "strict":
        monkeypatch.setattr("tandem.broker.StrictBroker", Forgetful)
    sent = [(topics.topic("site000000000001", ANN, "up"), b"%d" % number) for number in range(300)]
    broker = EmbeddedBroker(lambda: accounts(2))
    broker.start()
    gateway, ann = Party(broker, GATEWAY, MQTT), Party(broker, ANN, MQTT)
    gateway.subscribe([topics.EVERY_UP])

    ann.publish_all(sent)
    getattr(ann, way)()
    is_whole = until(lambda: len(gateway.got) == len(sent), 5 if kind == "strict" else 0.5)
    gateway.close()
    broker.stop()

    assert is_whole == (kind == "strict")
    assert gateway.got == (sent if is_whole else gateway.got)


def test_one_address_takes_no_more_than_its_share_of_the_outward_door(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certificate: certificates.Certificate
) -> None:
    monkeypatch.setattr("tandem.embedded.OF_ONE_ADDRESS", 2)
    door, trust = outward(certificate), ssl.create_default_context(cafile=certificate.authority)
    told = account(door.port, certificate.authority.read_text())
    own = [topics.topic("site000000000001", ANN, "receipt")]
    with running("embedded", tmp_path, accounts(2), door) as broker, ExitStack() as stack:
        lines = [socket.create_connection((door.host, door.port), timeout=5) for _ in range(2)]
        for line in lines:
            stack.enter_context(trust.wrap_socket(line, server_hostname=door.host))

        with pytest.raises(Disconnected):
            PahoConnection(told, own)
        inside = Party(broker, GATEWAY, MQTT)
        reaches_the_inward_door = not inside.gone
        inside.close()
        stack.close()
        again = until(lambda: connects(told, own), 5)

    assert (reaches_the_inward_door, again) == (True, True)


def connects(told: BrokerAccount, own: list[str]) -> bool:
    with suppress(Disconnected):
        PahoConnection(told, own).close()
        return True
    return False


# The files for a mosquitto of the admin's


@contextmanager
def as_handed_out(folder: Path, program: str, certificate: certificates.Certificate) -> Iterator[tuple[int, Path]]:
    """Start mosquitto with our file, changed where it says so as an admin does; give its port and PID file."""
    port, pid_file = free_port("127.0.0.1"), folder / "mosquitto.pid"
    text = (HANDED_OUT / "mosquitto.conf").read_text()
    for ours, theirs in {
        "listener 8883": f"listener {port} 127.0.0.1",
        "/etc/mosquitto/certs/broker.pem": str(certificate.cert),
        "/etc/mosquitto/certs/broker.key": str(certificate.key),
        "/etc/mosquitto/tandem": str(folder),
        "/var/lib/mosquitto/": f"{folder}/",
        "/run/mosquitto/mosquitto.pid": str(pid_file),
    }.items():
        assert ours in text
        text = text.replace(ours, theirs)
    if os.geteuid() == 0:
        text += "user root\n"
    (folder / "mosquitto.conf").write_text(text)
    child = subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")], stderr=subprocess.DEVNULL)
    try:
        assert until(pid_file.exists, 5)
        assert until(lambda: answers(port), 5)
        yield port, pid_file
    finally:
        child.terminate()
        child.wait(10)


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def test_a_mosquitto_with_our_files_lets_in_who_is_in_the_ledger_and_puts_out_whom_it_revokes(
    tmp_path: Path, program: Callable[[str], str], certificate: certificates.Certificate
) -> None:
    known, authority = accounts(2), certificate.authority.read_text()
    broker_files.bring_up_to_date(tmp_path, lambda: known, None)
    own = [topics.topic("site000000000001", ANN, "receipt")]
    with as_handed_out(tmp_path, program("mosquitto"), certificate) as (port, pid_file):
        ann = PahoConnection(account(port, authority), own)

        known.pop(ANN)
        changed = broker_files.bring_up_to_date(tmp_path, lambda: known, pid_file)
        with pytest.raises(Disconnected):
            until(lambda: bool(ann.wait(0.1)), 5)
        with pytest.raises(Disconnected):
            PahoConnection(account(port, authority), own)
        ann.close()

    assert changed


@contextmanager
def two_receptions(
    folder: Path, program: str, certificate: certificates.Certificate, names: Sequence[str]
) -> Iterator[tuple[list[Reception], PahoConnection]]:
    """Run two receptions and a kiosk's connection on a mosquitto with our files."""
    authority, ledger = certificate.authority.read_text(), company(f"sqlite:///{folder / 'ledger.sqlite'}")
    broker_files.bring_up_to_date(folder, lambda: accounts(2), None)
    with ExitStack() as stack:
        stack.callback(ledger.close)
        port, _ = stack.enter_context(as_handed_out(folder, program, certificate))
        receptions = [stack.enter_context(receiving(ledger, there(port, name, authority))) for name in names]
        ann = PahoConnection(account(port, authority), [topics.topic("site000000000001", ANN, "receipt")])
        stack.callback(ann.close)
        yield receptions, ann


def test_on_a_mosquitto_with_our_files_two_receptions_with_an_account_each_share_the_work(
    tmp_path: Path, program: Callable[[str], str], certificate: certificates.Certificate
) -> None:
    with two_receptions(tmp_path, program("mosquitto"), certificate, GATEWAYS[:2]) as (receptions, ann):
        for number in range(20):
            ann.publish(topics.topic("site000000000001", ANN, "up"), b"%d" % number)
        ann.wait(0.1)

        is_all = until(lambda: sum(each.standing().messages for each in receptions) >= 20, 10)
        after = [each.standing() for each in receptions]

    assert is_all
    assert sum(each.messages for each in after) == 20
    assert min(each.messages for each in after) > 0
    assert [each.generation for each in after] == [1, 1]


def test_on_a_mosquitto_with_our_files_two_receptions_with_one_account_put_each_other_out(
    tmp_path: Path, program: Callable[[str], str], certificate: certificates.Certificate
) -> None:
    with two_receptions(tmp_path, program("mosquitto"), certificate, [GATEWAY, GATEWAY]) as (receptions, _):
        assert until(lambda: not all(each.standing().connected for each in receptions), 10)


def there(port: int, name: str, authority: str) -> BrokerAddress:
    return BrokerAddress(host="127.0.0.1", port=port, username=name, password=name, tls=True, ca=authority)


def test_the_files_are_for_mosquittos_group_and_change_only_with_the_accounts(tmp_path: Path) -> None:
    changed = [broker_files.bring_up_to_date(tmp_path, lambda: accounts(2), None) for _ in range(2)]

    assert changed == [True, False]
    assert {oct((tmp_path / name).stat().st_mode & 0o777) for name in ("passwords", "acl")} == {"0o640"}


def test_a_number_that_is_another_programs_by_now_is_not_signalled_and_the_debt_stands(tmp_path: Path) -> None:
    pid_file = tmp_path / "mosquitto.pid"
    pid_file.write_text(str(os.getpid()))

    for _ in range(2):
        with pytest.raises(NoSuchBroker, match="which is"):
            broker_files.bring_up_to_date(tmp_path, lambda: accounts(2), pid_file)

    # The second run had nothing to write, and wanted to tell of the first one's all the same.
    assert (tmp_path / broker_files.UNREAD).exists()


def test_the_command_writes_the_gateways_account_and_keeps_its_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = company(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    with ledger.begin() as db:
        db.get_one(DeviceRow, DEVICE).broker_hash = "$7$101$x$y"
    ledger.close()
    monkeypatch.setenv("TANDEM_GATEWAY_BROKER_PASSWORD", "the gateway's own")
    folder = tmp_path / "broker"
    words = ["gateway", "broker-files", "--data", str(tmp_path), "--folder", str(folder), "--json"]

    answers = [json.loads(CliRunner().invoke(app, words).stdout)["changed"] for _ in range(2)]

    lines = dict(line.split(":", 1) for line in (folder / "passwords").read_text().splitlines())
    assert answers == [True, False]
    assert lines.keys() == {*GATEWAYS, DEVICE}
    assert all(check_password(lines[name], "the gateway's own") for name in GATEWAYS)


def test_without_a_password_for_the_gateway_nothing_is_written(tmp_path: Path) -> None:
    company(f"sqlite:///{tmp_path / 'ledger.sqlite'}").close()
    folder = tmp_path / "broker"

    done = CliRunner().invoke(app, ["gateway", "broker-files", "--data", str(tmp_path), "--folder", str(folder)])

    assert done.exit_code == 2
    assert "TANDEM_GATEWAY_BROKER_PASSWORD" in done.stderr
    assert not folder.exists()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(GatewaySettings(data=tmp_path / "gateway", port=0), lambda: datetime.now(UTC))
    with made.ledger.begin() as db:
        settle_in(db)
        db.get_one(DeviceRow, DEVICE).broker_hash = "$7$101$x$y"
    made.start()
    yield made
    made.stop()


def test_the_command_goes_on_writing_what_changes_until_it_is_ended(machine: Machine, tmp_path: Path) -> None:
    folder, tandem = tmp_path / "broker", Path(sys.executable).with_name("tandem")
    words = ["gateway", "broker-files", "--data", str(machine.settings.data), "--folder", str(folder), "--every", "0.1"]
    child = subprocess.Popen(
        [tandem, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"TANDEM_GATEWAY_BROKER_PASSWORD": "the gateway's own"},
    )  # fmt: skip

    with child:
        try:
            was_in = until(lambda: DEVICE in written(folder), 20)
            machine.acts["device revoke"](device=DEVICE)
            is_out = until(lambda: DEVICE not in written(folder), 20)
            goes_on = child.poll() is None
        finally:
            child.terminate()
        said = child.communicate(timeout=20)[1]

    assert (was_in, is_out, goes_on) == (True, True, True)
    assert (child.returncode, said) == (0, "")


def written(folder: Path) -> str:
    with suppress(FileNotFoundError):
        return (folder / "passwords").read_text()
    return ""


def test_systemd_reads_the_unit(tmp_path: Path, program: Callable[[str], str]) -> None:
    unit = tmp_path / "tandem-broker-files.service"
    text = (HANDED_OUT / unit.name).read_text()
    # It wants the program to be there.
    unit.write_text(text.replace("/opt/tandem/bin/tandem", str(Path(sys.executable).with_name("tandem"))))

    said = subprocess.run([program("systemd-analyze"), "verify", unit], capture_output=True, text=True, check=False)

    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
