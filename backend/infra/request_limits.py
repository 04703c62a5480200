"""How many requests a minute are let through: plain values, so that the settings can hold them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """Requests a minute; 0 is no limit.

    Who is signed in counts as that account, whoever else has the same address. Operators put thousands of phones
    behind one address, so those who are not signed in have much room, and a client's limit only keeps one that has gone
    wild from taking everything.
    """

    account: int = 300
    address: int = 6_000
    client: int = 1_200_000
