"""Global ids of the schema's nodes, and trace ids."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from backend.core import base64url, errors

MAX_GLOBAL_ID_CHARACTERS = 128
MAX_KEY = 2**63 - 1

_TYPE_NAME = re.compile("[A-Z][A-Za-z0-9]{0,39}")
_PAYLOAD = re.compile(b"([A-Za-z0-9]{1,40}):(?:([0-9]{1,19}):)?([0-9]{1,19})")


class InvalidGlobalId(errors.BadUserInput):
    """A text that is no global id of this schema, or names another type than the one asked for."""

    texts = errors.sentences(
        fa="شناسه درست نیست.",
        en="The id is not valid.",
    )
    hints = errors.sentences(
        fa="شناسه را همان‌گونه که از سامانه گرفته‌اید بفرستید.",
        en="Send the id exactly as the service gave it.",
    )


@dataclass(frozen=True, slots=True)
class GlobalId:
    """The identity of a node: its GraphQL type, its key and, for a member's data, the member's id.

    The member stands in it so that a row is found by (member_id, id), also in a database that is
    spread by member. Keys are 1 to 2⁶³-1; anything else raises InvalidGlobalId.
    """

    type_name: str
    key: int
    member_id: int | None = None

    def __post_init__(self) -> None:
        numbers = (self.key,) if self.member_id is None else (self.key, self.member_id)
        if _TYPE_NAME.fullmatch(self.type_name) is None:
            raise InvalidGlobalId
        if not all(1 <= number <= MAX_KEY for number in numbers):
            raise InvalidGlobalId

    def encode(self) -> str:
        """Return the opaque text that clients see: base64url, at most 128 characters."""
        member = "" if self.member_id is None else f"{self.member_id:d}:"
        return base64url.encode(f"{self.type_name}:{member}{self.key:d}".encode())


def decode(text: str, *, expected: str | None = None) -> GlobalId:
    """Return the id that `encode` wrote as `text`, of the type `expected` where that is given.

    Raises InvalidGlobalId, also for other spellings of an id, so that two texts are never one node.
    """
    if len(text) > MAX_GLOBAL_ID_CHARACTERS:
        raise InvalidGlobalId
    try:
        match = _PAYLOAD.fullmatch(base64url.decode(text))
    except base64url.Base64UrlError as error:
        raise InvalidGlobalId from error
    if match is None:
        raise InvalidGlobalId
    type_name, member_id, key = match.groups()
    found = GlobalId(type_name.decode(), int(key), None if member_id is None else int(member_id))
    if found.encode() != text or expected not in (None, found.type_name):
        raise InvalidGlobalId
    return found


def new_trace_id() -> str:
    """Return a new random trace id of W3C Trace Context: 32 hexadecimal digits."""
    return secrets.token_hex(16)
