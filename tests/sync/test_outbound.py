"""The way out leads outside, or to where the settings say by name."""

from collections.abc import Sequence

import httpx2
import pytest

from sync.archive import Misconfigured, Unavailable
from sync.outbound import Forbidden, check_url, checked_addresses, is_public
from sync.rest import RestArchive
from tests.sync.cast import EVENING


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("10.0.0.7", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.7", False),
        ("::ffff:93.184.215.14", True),
        ("64:ff9b::a00:7", False),
        ("64:ff9b::5db8:d70e", True),
        ("2002:a00:7::1", False),
        ("not an address", False),
    ],
)
def test_which_addresses_lie_outside(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://hr.example/records", id="no TLS"),
        pytest.param("ftp://hr.example/records", id="another scheme"),
        pytest.param("https:///records", id="no host"),
        pytest.param("https://user:secret@hr.example/records", id="a password in the address"),
        pytest.param("file:///etc/passwd", id="a file"),
    ],
)
def test_an_address_that_we_do_not_call_is_refused_when_sync_starts(url: str) -> None:
    with pytest.raises(Misconfigured):
        RestArchive("hr", url, "key", clock=lambda: EVENING)


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        pytest.param("https://hr.example/records", (), id="https"),
        pytest.param("http://localhost:8000/records", (), id="this machine"),
        pytest.param("http://127.0.0.1/records", (), id="this machine by number"),
        pytest.param("http://hr.internal/records", ("hr.internal",), id="named"),
    ],
)
def test_an_address_that_we_call(url: str, allowed: Sequence[str]) -> None:
    check_url(httpx2.URL(url), allowed)


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(["10.0.0.7"], id="inside"),
        pytest.param(["93.184.215.14", "127.0.0.1"], id="one outside, one inside"),
        pytest.param(["169.254.169.254"], id="metadata"),
    ],
)
def test_a_name_that_leads_inside_is_not_called_unless_it_is_allowed(found: list[str]) -> None:
    url = httpx2.URL("https://hr.example/records")

    with pytest.raises(Forbidden, match="allow_hosts"):
        checked_addresses(url, (), resolve=lambda *_: found)
    assert checked_addresses(url, ("hr.example",), resolve=lambda *_: found) == found


def test_a_push_to_a_name_that_leads_inside_is_a_matter_for_a_person() -> None:
    there = RestArchive("hr", "https://hr.example/", "key", clock=lambda: EVENING, resolve=lambda *_: ["10.0.0.7"])

    with pytest.raises(Misconfigured, match="private network"):
        there.push([])


def test_a_name_that_nobody_knows_is_unavailable() -> None:
    def nobody(host: str, port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    there = RestArchive("hr", "https://hr.example/", "key", clock=lambda: EVENING, resolve=nobody)

    with pytest.raises(Unavailable, match="cannot be found"):
        there.push([])
