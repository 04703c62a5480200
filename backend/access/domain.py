"""Sessions and devices: what they are, their limits, and the refusals of this slice."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from backend.core import errors, text
from backend.core.locale import Locale

if TYPE_CHECKING:
    from uuid import UUID

SESSION_LIFETIME: Final = timedelta(days=90)  # absolute: no refresh prolongs it
ACCESS_LIFETIME: Final = timedelta(minutes=10)
MAX_SESSIONS: Final = 20  # of a member; opening one more ends the one unseen for longest
MAX_DEVICES: Final = 20  # of a member; registering one more forgets the one unseen for longest
MAX_DEVICE_ID_CHARACTERS: Final = 128
MAX_DEVICE_NAME_CHARACTERS: Final = 80
MAX_PUSH_TOKEN_CHARACTERS: Final = 4_096
MAX_APP_VERSION_CHARACTERS: Final = 32

_DEVICE_ID = re.compile(f"[!-~]{{1,{MAX_DEVICE_ID_CHARACTERS}}}")
_APP_VERSION = re.compile(f"[0-9A-Za-z.+_-]{{1,{MAX_APP_VERSION_CHARACTERS}}}")
_PUSH_TOKEN = re.compile(f"[!-~]{{1,{MAX_PUSH_TOKEN_CHARACTERS}}}")


class DevicePlatform(StrEnum):
    """What an app runs on."""

    ANDROID = "ANDROID"
    IOS = "IOS"
    WEB = "WEB"


class PushProvider(StrEnum):
    """Who carries messages to a device; NONE where nobody does."""

    FCM = "FCM"
    APNS = "APNS"
    HMS = "HMS"
    NONE = "NONE"


class EndReason(StrEnum):
    """Why a session ended before its 90 days."""

    SIGNED_OUT = "SIGNED_OUT"
    REVOKED = "REVOKED"  # by the member, from the list of sessions
    REUSED = "REUSED"  # an old token came again, or came from another device
    REPLACED = "REPLACED"  # the member signed in again on the device
    CROWDED_OUT = "CROWDED_OUT"  # the member opened more than MAX_SESSIONS
    PHONE_CHANGED = "PHONE_CHANGED"
    FILE_CLOSED = "FILE_CLOSED"  # the member is recorded as deceased


class SessionInvalid(errors.DomainError):
    """The refresh token is none of ours, or its session has ended; the two are never told apart."""

    code = "SESSION_INVALID"
    texts = errors.sentences(
        fa="این نشست دیگر معتبر نیست.",
        en="This session is no longer valid.",
    )
    hints = errors.sentences(
        fa="دوباره با کد پیامکی وارد شوید.",
        en="Sign in again with a code by SMS.",
    )


class SessionExpired(errors.DomainError):
    """The session has reached its absolute life of 90 days."""

    code = "SESSION_EXPIRED"
    texts = errors.sentences(
        fa="مدت این نشست به پایان رسیده است.",
        en="This session has reached the end of its time.",
    )
    hints = errors.sentences(
        fa="دوباره با کد پیامکی وارد شوید.",
        en="Sign in again with a code by SMS.",
    )


class RefreshKeyMismatch(errors.DomainError):
    """The token was used with another idempotency key before; nothing changes."""

    code = "REFRESH_KEY_MISMATCH"
    texts = errors.sentences(
        fa="این درخواست تمدید پیش‌تر با کلید دیگری فرستاده شده است.",
        en="This refresh was sent with another idempotency key before.",
    )
    hints = errors.sentences(
        fa="همان کلید درخواست نخست را بفرستید، یا اگر در دست نیست دوباره وارد شوید.",
        en="Send the key of the first request again, or sign in again where it is lost.",
    )


class DeviceInvalid(errors.BadUserInput):
    """A device's id, push token or app version is not of the form asked for."""

    texts = errors.sentences(
        fa="مشخصات دستگاه درست نیست.",
        en="The data of the device are not valid.",
    )
    hints = errors.sentences(
        fa="برنامه را به‌روز کنید و دوباره تلاش کنید.",
        en="Update the app and try again.",
    )


class ProvinceNotOpen(errors.DomainError):
    """The club has not begun in the member's province; told to the member alone, after a right code."""

    code = "PROVINCE_NOT_OPEN"
    texts = errors.sentences(
        fa="باشگاه هنوز در استان {province_fa} آغاز نشده است.",
        en="The club has not begun in the province of {province_en} yet.",
    )
    hints = errors.sentences(
        fa="آغاز کار در استان شما با پیامک خبر داده می‌شود.",
        en="You will get a message when it begins there.",
    )

    def __init__(self, *, province_fa: str, province_en: str) -> None:
        super().__init__(province_fa=province_fa, province_en=province_en)

    def province_name(self, locale: Locale) -> str:
        """The province's name in the viewer's language."""
        return str(self.data["province_fa" if locale is Locale.FA else "province_en"])


class MemberFileClosed(errors.DomainError):
    """The member is recorded as deceased; told to who holds the phone, after a right code."""

    code = "MEMBER_FILE_CLOSED"
    texts = errors.sentences(
        fa="ورود با این پرونده ممکن نیست.",
        en="Nobody can sign in with this file.",
    )
    hints = errors.sentences(
        fa="با کارت ملی به شعبه یا کانون خود مراجعه کنید.",
        en="Go to your branch or association with the national card.",
    )


@dataclass(frozen=True, slots=True)
class DeviceGiven:
    """What an app tells of its device as it signs in.

    The name is shown in the member's list of sessions. Raises DeviceInvalid for an id that is
    empty, too long, or not of printable ASCII characters.
    """

    id: str
    name: str
    platform: DevicePlatform

    def __post_init__(self) -> None:
        check_device_id(self.id, field=("device", "id"))

    @property
    def shown_name(self) -> str:
        """The name without invisible characters, cut to what is stored."""
        return text.clean_name(self.name)[:MAX_DEVICE_NAME_CHARACTERS]


@dataclass(frozen=True, slots=True)
class DeviceRegistration:
    """What an app registers to be reached by push messages. Raises DeviceInvalid.

    Without a push token the device is known and not reached.
    """

    device_id: str
    platform: DevicePlatform
    push_provider: PushProvider
    push_token: str | None
    app_version: str
    locale: Locale

    def __post_init__(self) -> None:
        check_device_id(self.device_id, field=("deviceId",))
        if _APP_VERSION.fullmatch(self.app_version) is None:
            raise DeviceInvalid(field=("appVersion",))
        if self.push_token is not None and _PUSH_TOKEN.fullmatch(self.push_token) is None:
            raise DeviceInvalid(field=("pushToken",))
        if (self.push_token is None) != (self.push_provider is PushProvider.NONE):
            raise DeviceInvalid(field=("pushProvider",))


@dataclass(frozen=True, slots=True)
class Device:
    """A device of a member; its push token never leaves the repository."""

    id: int
    member_id: int
    device_id: str
    name: str
    platform: DevicePlatform
    push_provider: PushProvider
    app_version: str | None
    locale: Locale | None
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its member sees it; `is_current` is the one that asks."""

    id: int
    member_id: int
    device_name: str
    platform: DevicePlatform
    created_at: datetime
    last_seen_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class Issued:
    """What a sign-in or a refresh gives to the app; the only time that the texts exist."""

    access_token: str = field(repr=False)
    access_token_expires_at: datetime
    refresh_token: str = field(repr=False)
    session_id: UUID
    member_id: int


def check_device_id(device_id: str, *, field: tuple[str, ...]) -> None:
    """Raise DeviceInvalid for an id that is empty, too long, or not of printable ASCII."""
    if _DEVICE_ID.fullmatch(device_id) is None:
        raise DeviceInvalid(field=field)
