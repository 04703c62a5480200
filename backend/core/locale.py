"""The two languages of the product, and how a request chooses one of them."""

from __future__ import annotations

import re
from enum import StrEnum

MAX_ACCEPT_LANGUAGE_CHARACTERS = 1_000

_ELEMENT = re.compile(
    r"""
    (?P<range> \* | [A-Za-z]{1,8} (?: - [A-Za-z0-9]{1,8} )* )
    (?: [ \t]* ; [ \t]* [qQ]= (?P<quality> 0 (?: \. [0-9]{0,3} )? | 1 (?: \. 0{0,3} )? ) )?
    """,
    re.VERBOSE,
)


class Locale(StrEnum):
    """A language that the product speaks; Persian is the first and the default."""

    FA = "fa"
    EN = "en"


def negotiate(accept_language: str | None) -> Locale:
    """Choose the language for an `Accept-Language` header (RFC 9110, section 12.5.4).

    A range matches by its primary subtag, so `fa-IR` asks for Persian; `*` stands for each language
    that no other range names. The highest weight wins, then the earlier place in the header. A
    header that is absent, malformed, too long or accepts neither language gives Persian.
    """
    weights = _weights(accept_language or "")
    wildcard = weights.get("*", 0)
    chosen, best = Locale.FA, 0
    named = [locale for name in weights for locale in Locale if locale == name]
    for locale in [*named, *Locale]:
        weight = weights.get(locale, wildcard)
        if weight > best:
            chosen, best = locale, weight
    return chosen


def _weights(header: str) -> dict[str, int]:
    """Return the weight of each primary subtag in thousandths, in order of first appearance."""
    if len(header) > MAX_ACCEPT_LANGUAGE_CHARACTERS:
        return {}
    weights: dict[str, int] = {}
    for element in header.split(","):
        stripped = element.strip(" \t")
        if not stripped:  # RFC 9110, section 5.6.1: empty list elements are to be ignored
            continue
        match = _ELEMENT.fullmatch(stripped)
        if match is None:
            return {}
        primary = match["range"].split("-")[0].lower()
        weight = _thousandths(match["quality"] or "1")
        weights[primary] = max(weight, weights.get(primary, 0))
    return weights


def _thousandths(quality: str) -> int:
    whole, _, fraction = quality.partition(".")
    return int(whole) * 1_000 + int(fraction.ljust(3, "0"))
