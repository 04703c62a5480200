"""Keyset pages: the size that a client may ask for, and cursors that fit one question only."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import struct
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, time
from enum import Enum
from typing import Generic, TypeAlias, TypeVar
from uuid import UUID

from backend.core import base64url, errors

MAX_FIRST = 100
MAX_CURSOR_CHARACTERS = 2_048
MAX_KEY_PARTS = 8

T = TypeVar("T")
KeyPart: TypeAlias = int | float | str
Key: TypeAlias = tuple[KeyPart, ...]

_FINGERPRINT_BYTES = 12
_INTEGER, _FLOAT, _TEXT = b"i", b"f", b"s"
_DISTANCE = struct.Struct(">cdcq")


class PageSizeInvalid(errors.BadUserInput):
    """A `first` that is not 1 to the most of the list."""

    texts = errors.sentences(
        fa="در هر صفحه می‌توان ۱ تا {most} مورد خواست.",
        en="A page has 1 to {most} items.",
    )
    hints = errors.sentences(
        fa="شمار موردهای صفحه را کم یا زیاد کنید و ادامه را با صفحهٔ بعد بگیرید.",
        en="Ask for a page within these bounds, and for the rest with the next page.",
    )

    def __init__(self, most: int) -> None:
        super().__init__(field=("first",), most=most)


class InvalidCursor(errors.BadUserInput):
    """A text that is no cursor, or a cursor of a list with other arguments."""

    texts = errors.sentences(
        fa="نشانهٔ ادامهٔ فهرست درست نیست یا از فهرست دیگری است.",
        en="The cursor is not valid, or it comes from a list with other arguments.",
    )
    hints = errors.sentences(
        fa="فهرست را از آغاز بگیرید.",
        en="Start the list from the beginning.",
    )

    def __init__(self) -> None:
        super().__init__(field=("after",))


class UnfitForCursorError(TypeError):
    """A value that no cursor can carry: a mistake in our code, never in a client's request."""


@dataclasses.dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list: its items, the cursor of each, and whether more follow."""

    items: tuple[T, ...]
    cursors: tuple[str, ...]
    has_next: bool


def check_first(first: int, *, most: int = MAX_FIRST) -> int:
    """Return the page size if it is 1 to `most`; raises PageSizeInvalid."""
    if not 1 <= first <= most:
        raise PageSizeInvalid(most=most)
    return first


def fingerprint(**arguments: object) -> str:
    """Return a short text that is equal for equal arguments, whatever their order, on any machine.

    Takes what arguments are made of: None, numbers, texts, enums, dates and times, UUIDs,
    dataclasses, mappings by text, sequences and sets of these; else raises UnfitForCursorError.
    A moment counts as itself in every time zone.
    """
    return _digested(_canonical(arguments).encode())


def prepared(varying: str, **arguments: object) -> Callable[[int], str]:
    """`fingerprint` of these arguments and one more, an integer that each call gives; ten times as quick.

    Raises UnfitForCursorError as that does.
    """
    of = framed(varying, **arguments)
    return lambda value: of(b"%d" % value)


def framed(varying: str, **arguments: object) -> Callable[[bytes], str]:
    """`fingerprint` of these arguments and one more, which each call gives as `canonical` writes it."""
    texts = {name: _canonical(value) for name, value in arguments.items()}
    before = "".join(
        f"{_canonical(name)}:{texts[name]}," for name in sorted(texts) if name < varying
    )
    after = "".join(
        f",{_canonical(name)}:{texts[name]}" for name in sorted(texts) if name > varying
    )
    head, tail = f"{{{before}{_canonical(varying)}:".encode(), f"{after}}}".encode()
    return lambda value: _digested(b"%b%b%b" % (head, value, tail))


def canonical_point(latitude: float, longitude: float) -> bytes:
    """A GeoPoint as a fingerprint sees it, for `framed`."""
    return b'{"GeoPoint":{"latitude":%b,"longitude":%b}}' % (
        repr(latitude).encode(),
        repr(longitude).encode(),
    )


def cursor_head(fingerprint: str) -> bytes:
    """What the payload of every cursor of a list with this fingerprint begins with, for cursors made elsewhere."""
    marker = fingerprint.encode()
    return bytes((len(marker),)) + marker


def encode_cursor(fingerprint: str, key: Key) -> str:
    """Return the cursor of the item with this sort key in the list with this fingerprint.

    Integers are of 64 bits, floats keep every bit, texts are without U+0000 (PostgreSQL has none).
    Raises UnfitForCursorError for other keys and those too long for a cursor.
    """
    if not 1 <= len(key) <= MAX_KEY_PARTS:
        raise UnfitForCursorError(f"a key has 1 to {MAX_KEY_PARTS} parts")
    try:
        if tuple(map(type, key)) == (float, int) and key[0] == key[0]:  # a distance, and no NaN
            packed = _DISTANCE.pack(_FLOAT, key[0], _INTEGER, key[1])
        else:
            packed = b"".join(map(_packed, key))
        payload = cursor_head(fingerprint) + packed
    except (struct.error, UnicodeEncodeError) as error:
        raise UnfitForCursorError("a number or a text of the key is out of range") from error
    cursor = base64url.encode(payload)
    if len(cursor) > MAX_CURSOR_CHARACTERS:
        raise UnfitForCursorError("the key is too long for a cursor")
    return cursor


def decode_cursor(
    text: str, fingerprint: str, *, types: tuple[type[KeyPart], ...] | None = None
) -> Key:
    """Return the sort key in a cursor that `encode_cursor` gave for the same fingerprint.

    Raises InvalidCursor for any other text. A cursor is not signed: with `types`, one that somebody
    has forged with parts of other types is refused too, before it reaches the database.
    """
    if len(text) > MAX_CURSOR_CHARACTERS:
        raise InvalidCursor
    try:
        payload = base64url.decode(text)
        marker, position = _marker(payload)
        key = _unpacked(payload, position)
    except (base64url.Base64UrlError, struct.error, UnicodeDecodeError) as error:
        raise InvalidCursor from error
    if marker != fingerprint.encode():
        raise InvalidCursor
    if types is not None and tuple(map(type, key)) != types:
        raise InvalidCursor
    return key


def _packed(part: KeyPart) -> bytes:
    if isinstance(part, bool):
        raise UnfitForCursorError("a truth value would come back as a number")
    if isinstance(part, int):
        return _INTEGER + struct.pack(">q", part)
    if isinstance(part, float) and not math.isnan(part):  # NaN has no place in an order
        return _FLOAT + struct.pack(">d", part)
    if isinstance(part, str) and "\0" not in part:
        data = part.encode()
        return _TEXT + struct.pack(">H", len(data)) + data
    raise UnfitForCursorError("a part of a key is an integer, a float or a text")


def _marker(payload: bytes) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">B", payload)
    end = 1 + length
    return payload[1:end], end


def _unpacked(payload: bytes, position: int) -> Key:
    """Read the parts of a key; raises InvalidCursor, struct.error and UnicodeDecodeError."""
    parts: list[KeyPart] = []
    while position < len(payload) and len(parts) < MAX_KEY_PARTS:
        part, position = _next_part(payload, position)
        parts.append(part)
    if position != len(payload) or not parts:
        raise InvalidCursor
    return tuple(parts)


def _next_part(payload: bytes, position: int) -> tuple[KeyPart, int]:
    kind, start = payload[position : position + 1], position + 1
    if kind == _INTEGER:
        return int(struct.unpack_from(">q", payload, start)[0]), start + 8
    if kind == _FLOAT:
        number = float(struct.unpack_from(">d", payload, start)[0])
        if math.isnan(number):
            raise InvalidCursor
        return number, start + 8
    if kind != _TEXT:
        raise InvalidCursor
    (length,) = struct.unpack_from(">H", payload, start)
    data = payload[start + 2 : start + 2 + length]
    if len(data) != length or b"\0" in data:
        raise InvalidCursor
    return data.decode(), start + 2 + length


def _digested(canonical: bytes) -> str:
    return base64url.encode(hashlib.sha256(canonical).digest()[:_FINGERPRINT_BYTES])


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    """Return what JSON can write for a value that it cannot write itself."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        moment = value if value.tzinfo is None else value.astimezone(UTC)
        return {"datetime": moment.isoformat()}
    if isinstance(value, date | time | UUID):
        return {type(value).__name__: str(value)}
    if isinstance(value, AbstractSet):
        return {"set": sorted(map(_canonical, value))}
    if isinstance(value, Mapping):
        return dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
        return {type(value).__name__: fields}
    raise UnfitForCursorError(f"{type(value).__name__} has no fingerprint")
