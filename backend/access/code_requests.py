"""A request for a code: who asks from which device, for what, and how it lies in Valkey; its refusals."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import orjson

from backend.access.domain import DeviceGiven, DevicePlatform
from backend.core import errors
from backend.core.locale import Locale

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

CODE_DIGITS: Final = 6

_RETRIEVER_HASH: Final = re.compile("[A-Za-z0-9+/]{11}")


class Purpose(StrEnum):
    """What a code is good for, and nothing else."""

    SIGN_IN = "SIGN_IN"


class CodeInvalid(errors.DomainError):
    """The code is wrong, late, used, tried too often, or of another request or device.

    One class without data: whatever told these apart would tell a member from a stranger.
    """

    code = "CODE_INVALID"
    texts = errors.sentences(
        fa="کد درست نیست یا زمان آن گذشته است.",
        en="The code is wrong, or its time has passed.",
    )
    hints = errors.sentences(
        fa="آخرین کدی را که پیامک شد وارد کنید یا کد تازه بخواهید.",
        en="Enter the code of the last message, or ask for a new one.",
    )


class TurnTaken(Exception):
    """Another run of the job sends the message at this moment: look again later."""


class RetrieverHashInvalid(errors.BadUserInput):
    """An app's hash for the SMS retriever is not its eleven characters."""

    texts = errors.sentences(
        fa="نشانهٔ برنامه برای خواندن پیامک درست نیست.",
        en="The app's hash for the SMS retriever is not valid.",
    )
    hints = errors.sentences(
        fa="برنامه را به‌روز کنید و دوباره تلاش کنید.",
        en="Update the app and try again.",
    )


class CodeMalformed(errors.BadUserInput):
    """What was typed is not six digits."""

    texts = errors.sentences(
        fa="کد پیامکی شش رقم دارد.",
        en="The code of the message has six digits.",
    )
    hints = errors.sentences(
        fa="هر شش رقم را وارد کنید.",
        en="Enter all six digits.",
    )


@dataclass(frozen=True, slots=True)
class Given:
    """Who asks for a code, and from where; numbers are normalized.

    Raises RetrieverHashInvalid: the hash is written into a text message.
    """

    national_code: str = field(repr=False)
    phone: str = field(repr=False)
    device: DeviceGiven
    locale: Locale = Locale.FA
    retriever_hash: str | None = None

    def __post_init__(self) -> None:
        given = self.retriever_hash
        if given is not None and _RETRIEVER_HASH.fullmatch(given) is None:
            raise RetrieverHashInvalid(field=("device", "smsRetrieverHash"))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, new or kept, asked for the `asked`-th time. `is_due`: a code is to be sent for it now."""

    request_id: UUID
    resend_at: datetime
    expires_at: datetime
    asked: int
    is_due: bool


@dataclass(frozen=True, slots=True)
class Pending:
    """A request whose code was asked for the `asked`-th time and is not sent yet."""

    request_id: UUID
    given: Given
    purpose: Purpose
    asked: int
    asked_at: datetime
    salt: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Claimed:
    """Whose code was right, and what they had given; the seed is random and lives as long as the request."""

    member_id: int
    given: Given
    seed: bytes = field(repr=False)


def identity(given: Given) -> tuple[str, str, str]:
    """By what a device is known to ask again, for the same person and phone."""
    return given.national_code, given.phone, given.device.id


def packed(given: Given) -> str:
    """All that was given, as a text to be sealed."""
    return orjson.dumps(
        [
            *(given.national_code, given.phone, given.locale, given.retriever_hash),
            *(given.device.id, given.device.shown_name, given.device.platform),
        ]
    ).decode()


def unpacked(text: str) -> Given:
    """What `packed` wrote."""
    national_code, phone, locale, retriever_hash, device_id, name, platform = orjson.loads(text)
    device = DeviceGiven(device_id, name, DevicePlatform(platform))
    return Given(national_code, phone, device, Locale(locale), retriever_hash)
