"""Small types of a member's profile: preferences, the club code, and states in words."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

import strawberry

from backend.core.errors import sentences
from backend.core.locale import Locale
from backend.members import club_codes, domain
from backend.members.domain import Channel, MemberState, PensionKind, TextSize
from backend.notifications.domain import NoticeCategory
from schema import (
    enums,
    notifications,  # noqa: F401 - describes NoticeCategory before it is used here
)

enums.describe(
    MemberState,
    "How a member's file stands.",
    ACTIVE="A pension is paid, and everything is open.",
    INACTIVE="No pension is paid now: no new debts.",
    FROZEN="Closed by an operator.",
    DECEASED="The member has died; survivors decide.",
)
enums.describe(
    PensionKind,
    "For what a pension is paid.",
    RETIREMENT="For the own years of work.",
    SURVIVOR="To the family of somebody who has died.",
    DISABILITY="For an inability to work.",
)
enums.describe(
    TextSize,
    "How large the app writes.",
    NORMAL="As the device does.",
    LARGE="Larger than the device.",
    HUGE="As large as the app can.",
)
enums.describe(
    Channel,
    "How a notice comes besides the inbox, where each one stands.",
    PUSH="A message of the app on the device.",
    SMS="A text message.",
)
enums.describe(Locale, "A language.", FA="Persian.", EN="English.")

STATE_TEXTS: Final[Mapping[MemberState, Mapping[Locale, str]]] = MappingProxyType(
    {
        MemberState.ACTIVE: sentences(fa="فعال", en="Active"),
        MemberState.INACTIVE: sentences(
            fa="غیرفعال: پرداخت حقوق شما اکنون فعال نیست",
            en="Inactive: no pension is paid to you now",
        ),
        MemberState.FROZEN: sentences(fa="مسدود", en="Frozen"),
        MemberState.DECEASED: sentences(fa="درگذشته", en="Deceased"),
    }
)


@strawberry.type(description="How notices of one category come.")
class CategoryChannels:
    """The channels of a category."""

    category: NoticeCategory = strawberry.field(description="The category.")
    channels: list[Channel] = strawberry.field(
        description="The ways besides the inbox; none for the inbox alone."
    )


@strawberry.input(description="How notices of one category are to come.")
class CategoryChannelsInput:
    """The channels of a category, as a client sends them."""

    category: NoticeCategory = strawberry.field(description="The category.")
    channels: list[Channel] = strawberry.field(
        description="The ways besides the inbox; none for the inbox alone."
    )


@strawberry.type(description="How a member likes the app and its notices.")
class MemberPreferences:
    """Preferences."""

    locale: Locale = strawberry.field(description="The language of SMS and notices.")
    text_size: TextSize = strawberry.field(description="How large the app writes.")
    channels: list[CategoryChannels] = strawberry.field(
        description="How notices come, for every category."
    )


@strawberry.type(
    description="What the member's QR code holds at the counter; it changes each minute."
)
class ClubCode:
    """A club code."""

    payload: str = strawberry.field(description="The text of the QR code.")
    expires_at: datetime = strawberry.field(
        description="When to ask for the next one; this one is taken for a minute longer."
    )


def preferences(value: domain.Preferences) -> MemberPreferences:
    """The GraphQL form of preferences: a category that was never chosen comes by all channels."""
    return MemberPreferences(
        locale=value.locale,
        text_size=value.text_size,
        channels=[
            CategoryChannels(
                category=category, channels=list(value.channels.get(category, tuple(Channel)))
            )
            for category in NoticeCategory
        ],
    )


def club_code(value: club_codes.ClubCode) -> ClubCode:
    """The GraphQL form of a club code."""
    return ClubCode(payload=value.payload, expires_at=value.expires_at)
