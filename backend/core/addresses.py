"""What counts as one address of a client, where requests are counted."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, TypeAlias

IPV6_GROUP_BITS: Final = 64  # what one subscriber is given at the least
# What a subscriber may be given, and whoever asks for a tunnel: networks that are counted as well.
IPV6_WIDER_BITS: Final = (56, 48)
UNKNOWN: Final = "unknown"

Address: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

_WITH_PORT: Final = re.compile(r"\[(?P<v6>[^\]]+)\](:[0-9]{1,5})?|(?P<v4>[0-9.]+):[0-9]{1,5}")


def group(address: str | None) -> str:
    """What counts as one address: an IPv4 address, or an IPv6 network of 64 bits.

    A port is left out, and an IPv4 address that is written as IPv6 is the IPv4 address. What is no address is
    `unknown`, and all of these are one.
    """
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return _network(parsed, IPV6_GROUP_BITS)
    return UNKNOWN if parsed is None else str(parsed)


def exact(address: str | None) -> str | None:
    """The address alone, without port and zone; None for what is no address."""
    parsed = _parsed(address)
    return None if parsed is None else str(parsed)


def wider_groups(address: str | None) -> tuple[str, ...]:
    """The wider networks of an IPv6 address, of IPV6_WIDER_BITS; none of another address."""
    parsed = _parsed(address)
    if not isinstance(parsed, ipaddress.IPv6Address):
        return ()
    return tuple(_network(parsed, bits) for bits in IPV6_WIDER_BITS)


def _parsed(address: str | None) -> Address | None:
    try:
        parsed = ipaddress.ip_address(_without_port(address or "").partition("%")[0])
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _without_port(address: str) -> str:
    """As some proxies write it: `192.0.2.7:5000`, `[2001:db8::1]:443`."""
    found = _WITH_PORT.fullmatch(address)
    return address if found is None else found["v6"] or found["v4"]


def _network(address: ipaddress.IPv6Address, bits: int) -> str:
    return str(ipaddress.ip_network((address.packed, bits), strict=False))
