"""Guards the way out: an address in the settings must not turn us into a door to the inside of the network.

* Forbidden     the address is not one that we call
"""

import socket
from collections.abc import Callable, Collection, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx2

Resolve = Callable[[str, int], Sequence[str]]
LOOPBACK = ("127.0.0.1", "::1", "localhost")
NAT64 = IPv6Network("64:ff9b::/96")


class Forbidden(Exception):
    """This address is not one that we call: give an https address outside, or name the host in allow_hosts."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Ask for the addresses of a host; raises OSError."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def check_url(url: httpx2.URL, allowed: Collection[str]) -> None:
    """Raise Forbidden unless it is https, or http to this machine or to a host that is allowed by name."""
    if url.scheme not in ("http", "https") or not url.host:
        raise Forbidden(f"{url} is not an http or https address")
    if url.userinfo:
        raise Forbidden("a name or password in the address would end in logs; use the key")
    if url.scheme == "http" and not _is_named(url.host, allowed):
        raise Forbidden(f"{url.host} is called over https only; to allow http, name the host in allow_hosts")


def checked_addresses(url: httpx2.URL, allowed: Collection[str], *, resolve: Resolve) -> Sequence[str]:
    """Return the addresses that the host of a URL may be called at; raises Forbidden, or OSError without any.

    Whoever connects has to use these: a second look-up could answer otherwise.
    """
    found = resolve(url.host, url.port or (443 if url.scheme == "https" else 80))
    if not found:
        raise OSError(f"{url.host} has no address")
    if not _is_named(url.host, allowed) and not all(is_public(address) for address in found):
        raise Forbidden(f"{url.host} leads into a private network; to allow it, name the host in allow_hosts")
    return found


def is_public(address: str) -> bool:
    """Say whether an address lies outside, looking through IPv6 forms that carry an IPv4 one."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and (inner := _carried(ip)):
        ip = inner
    return ip.is_global and not ip.is_multicast


def _carried(ip: IPv6Address) -> IPv4Address | None:
    if ip in NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


def _is_named(host: str, allowed: Collection[str]) -> bool:
    return host in LOOPBACK or host in allowed
