"""Addresses that somebody outside may name and our server may talk to: never one of the own network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

type Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

_LONGEST = 1000
_TUNNELS = tuple(map(ipaddress.ip_network, ("2002::/16", "64:ff9b::/96", "64:ff9b:1::/48")))
"""Addresses of IPv6 that lead to one of IPv4, perhaps of the own network."""


class NotPublic(Exception):
    """The address leads, or may lead, into the own network; the text says which part is wrong."""


def require_https(url: str) -> str:
    """The host of an address that a stranger gave; what its name leads to is not looked up.

    Raises NotPublic.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        host.encode("idna")  # a name that is none cannot be looked up either
    except ValueError as error:
        raise NotPublic("no address") from error
    if len(url) > _LONGEST or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise NotPublic("no address")
    if parts.scheme != "https" or port not in (None, 443) or parts.username is not None or not host:
        raise NotPublic("not https, or with a port or a password")
    if _is_literal(host):
        _require_public(ipaddress.ip_address(host))
    elif "." not in host.strip("."):
        raise NotPublic("a name of the own network")
    return host


def resolve(host: str, port: int = 443) -> str:
    """The address to connect to, and no other, so that the name cannot lead elsewhere a moment later.

    Raises NotPublic when any of its addresses is of the own network, OSError when there is none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]).partition("%")[0] for each in found]
    for address in addresses:
        _require_public(ipaddress.ip_address(address))
    return _first(addresses)


def _first(addresses: Sequence[str]) -> str:
    """IPv4 where there is one: more servers have a way out by it."""
    return next((address for address in addresses if ":" not in address), addresses[0])


def _require_public(ip: Ip) -> None:
    inner = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    real = inner or ip
    if not real.is_global or real.is_multicast or any(real in tunnel for tunnel in _TUNNELS):
        raise NotPublic("an address of the own network")


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
