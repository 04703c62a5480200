"""The club code: a QR payload that changes every minute, made and proved by the member's own secret."""

import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from backend.core import base64url

CLUB_CODE_SECONDS: Final = 60
CLUB_SECRET_BYTES: Final = 20
_CLUB_CODE_VERSION = 1
_CLUB_CODE_HEAD = struct.Struct(">BQI")  # version, member, time step
_CLUB_CODE_TAG_BYTES = 16
_CLUB_CODE_CHARACTERS = 39
_MAX_MEMBER_ID = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ClubCode:
    """What a member's QR code holds, and until when it is to be shown."""

    payload: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ClubCodeParts:
    """A payload taken apart; nothing of it is proved before `is_genuine`."""

    member_id: int
    step: int
    tag: bytes


def club_code(member_id: int, secret: bytes, at: datetime) -> ClubCode:
    """The code of the minute that `at` is in."""
    step = _step(at)
    head = _CLUB_CODE_HEAD.pack(_CLUB_CODE_VERSION, member_id, step)
    return ClubCode(
        payload=base64url.encode(head + _tag(secret, head)),
        expires_at=datetime.fromtimestamp((step + 1) * CLUB_CODE_SECONDS, UTC),
    )


def read_club_code(payload: str) -> ClubCodeParts | None:
    """What a payload says; None where it is no club code at all."""
    if len(payload) != _CLUB_CODE_CHARACTERS:
        return None
    try:
        raw = base64url.decode(payload)
    except base64url.Base64UrlError:
        return None
    version, member_id, step = _CLUB_CODE_HEAD.unpack_from(raw)
    if version != _CLUB_CODE_VERSION or member_id > _MAX_MEMBER_ID:
        return None
    return ClubCodeParts(member_id, step, raw[_CLUB_CODE_HEAD.size :])


def is_genuine(parts: ClubCodeParts, secret: bytes, at: datetime) -> bool:
    """Whether the member's own secret made the code, in the minute of `at` or the one before."""
    head = _CLUB_CODE_HEAD.pack(_CLUB_CODE_VERSION, parts.member_id, parts.step)
    is_right = hmac.compare_digest(parts.tag, _tag(secret, head))
    return is_right and 0 <= _step(at) - parts.step <= 1


def _step(at: datetime) -> int:
    return int(at.timestamp()) // CLUB_CODE_SECONDS


def _tag(secret: bytes, head: bytes) -> bytes:
    return hmac.new(secret, b"club_code" + head, hashlib.sha256).digest()[:_CLUB_CODE_TAG_BYTES]
