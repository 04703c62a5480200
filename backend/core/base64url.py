"""Base64url without padding (RFC 4648, section 5), in its one canonical form."""

from __future__ import annotations

import base64
import binascii
import re

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_ALPHABET = re.compile("[A-Za-z0-9_-]*")


class Base64UrlError(ValueError):
    """A text that `encode` never gives: padded, foreign characters, stray bits, a wrong length."""


def encode(data: bytes) -> str:
    """Return the bytes as base64url text without padding."""
    return binascii.b2a_base64(data, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the bytes whose encoding is exactly `text`; raises Base64UrlError.

    Two texts never give the same bytes, so what was signed, cached or compared as text stays one.
    """
    if _ALPHABET.fullmatch(text) is None or len(text) % 4 == 1:
        raise Base64UrlError
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise Base64UrlError
    return data
