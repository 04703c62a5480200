"""Members: who they are, what they prefer, and what a membership file may change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from backend.core import text
from backend.core.errors import BadUserInput, sentences
from backend.core.geo import GeoPoint
from backend.core.locale import Locale

SELF = "member.self"  # what every member may: see and change the own data

# Enqueued with `member_ids`, MOST_IDS_A_JOB at most, in the transaction that gave these members another phone
# or recorded their death. The slice above that holds the sessions runs it.
SESSIONS_STALE_JOB: Final = "access.end_stale_sessions"
MOST_IDS_A_JOB: Final = 1_000

# How many thousandths of the active members a file may change so before somebody has to decide. Of pensioners
# about three in a thousand die in a month.
MOST_PER_MILLE: Final = MappingProxyType(
    {"deactivated": 5, "renumbered": 5, "deaths": 10, "unpensioned": 5}
)
MOST_INVALID_PER_MILLE: Final = 20  # of the file's rows

# The columns for which a blind index, and a seal, is made; `seals` adds the row.
NATIONAL_CODE_CONTEXT: Final = "member.national_code"
IBAN_CONTEXT: Final = "member.iban"


class MemberState(StrEnum):
    """INACTIVE: no pension is paid now. FROZEN: by an operator. DECEASED: frozen, survivors decide."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"
    FROZEN = "FROZEN"
    DECEASED = "DECEASED"


class PensionKind(StrEnum):
    """For what a pension is paid."""

    RETIREMENT = "RETIREMENT"
    SURVIVOR = "SURVIVOR"
    DISABILITY = "DISABILITY"


class TextSize(StrEnum):
    """How large the app writes."""

    NORMAL = "NORMAL"
    LARGE = "LARGE"
    HUGE = "HUGE"


class Channel(StrEnum):
    """How a notice reaches a member besides the inbox, where every notice stands."""

    PUSH = "PUSH"
    SMS = "SMS"


# The contract's NoticeCategory; the slice of notices stands above this one.
NOTICE_CATEGORIES: Final = ("PURCHASE", "INSTALMENT", "LOAN", "SECURITY", "SERVICE", "CAMPAIGN")
ALWAYS_HEARD_CATEGORY: Final = "SECURITY"


class ChannelsInvalid(BadUserInput):
    """Channels for something that is no category of notices."""

    code = "CHANNELS_INVALID"
    texts = sentences(
        fa="این دسته از اعلان‌ها را نمی‌شناسیم.", en="This is not a category of notices."
    )
    hints = sentences(
        fa="برنامه را به‌روز کنید و دوباره تلاش کنید.", en="Update the app and try again."
    )


class SecurityNoticesUnheard(BadUserInput):
    """A member wants no push and no SMS about the own security."""

    code = "SECURITY_NOTICES_UNHEARD"
    texts = sentences(
        fa="اعلان‌های امنیتی باید دست‌کم از یک راه برسند.",
        en="Security notices must reach you in at least one way.",
    )
    hints = sentences(
        fa="برای اعلان‌های امنیتی، پیامک یا اعلان گوشی را روشن بگذارید.",
        en="Leave SMS or push on for security notices.",
    )


@dataclass(frozen=True, slots=True)
class Preferences:
    """How the app and the notices are. A category that is not in `channels` uses all channels."""

    locale: Locale = Locale.FA
    text_size: TextSize = TextSize.NORMAL
    channels: Mapping[str, tuple[Channel, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MemberKey:
    """What signing in needs to know of a member."""

    id: int
    province_code: str
    state: MemberState
    phone: str | None


@dataclass(frozen=True, slots=True)
class SealedCode:
    """A national code as it lies in its row, with what opens it there."""

    ciphertext: bytes
    key_id: str
    index: bytes


@dataclass(frozen=True, slots=True)
class Member:
    """A member as the member sees it; the national code is sealed, and nothing but its mask needs it opened.

    `home` is where a search near the member begins: the centre of the city, else of the province's capital.
    """

    id: int
    national_code: SealedCode = field(repr=False)
    first_name: str
    last_name: str
    birth_date: date
    pension_number: str
    pension_kind: PensionKind
    state: MemberState
    province_code: str
    city: str | None
    address: str | None
    home: GeoPoint
    branch_code: str | None
    association_code: str | None
    net_pension_rials: int | None
    other_deductions_rials: int
    phone: str | None
    preferences: Preferences
    credit_policy_version: int


@dataclass(frozen=True, slots=True)
class HeldFile:
    """What an approval on a member's file hangs on."""

    state: MemberState
    state_changed_at: datetime
    phone: str | None
    province_code: str
    association_code: str | None


@dataclass(frozen=True, slots=True)
class FoundMember:
    """A member in an operator's search: as much as tells one person from another."""

    id: int
    national_code: SealedCode = field(repr=False)
    first_name: str
    last_name: str
    pension_number: str
    state: MemberState
    province_code: str
    city: str | None
    phone: str | None


@dataclass(frozen=True, slots=True)
class Reach:
    """A viewer's scope in the words of a member's file.

    `province_codes` are those of the scope, of a nation all; an association's code comes before them.
    """

    is_nation: bool
    province_codes: tuple[str, ...]
    association_code: str | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """What the members are walked through by: the association, or the provinces."""
        return self.province_codes if self.association_code is None else (self.association_code,)


def name_sort_key(first_name: str, last_name: str) -> str:
    """The key by which members are listed: surname first, in the Persian alphabet."""
    return f"{text.persian_sort_key(last_name)} {text.persian_sort_key(first_name)}"


def check_channels(channels: Mapping[str, Sequence[Channel]]) -> dict[str, tuple[Channel, ...]]:
    """The channels by category, each once and in their order.

    Raises ChannelsInvalid or SecurityNoticesUnheard.
    """
    if not channels.keys() <= set(NOTICE_CATEGORIES):
        raise ChannelsInvalid(field=("channels",))
    if not channels.get(ALWAYS_HEARD_CATEGORY, tuple(Channel)):
        raise SecurityNoticesUnheard(field=("channels",))
    return {
        category: tuple(each for each in Channel if each in channels[category])
        for category in NOTICE_CATEGORIES
        if category in channels
    }


def unusual(counts: Mapping[str, int]) -> tuple[str, ...]:
    """What a file does to so many that somebody has to decide: names of `figures`."""
    most = most_usual(counts)
    return tuple(name for name, affected in figures(counts).items() if affected > most[name])


def figures(counts: Mapping[str, int]) -> dict[str, int]:
    """How many a file affects in the ways that somebody may have to decide about.

    `deactivated` are those who vanished and those whose pension stopped; the other names are those of `counts`.
    """
    affected = {**counts, "deactivated": counts["vanished"] + counts["stopped"]}
    return {name: affected[name] for name in (*MOST_PER_MILLE, "invalid")}


def most_usual(counts: Mapping[str, int]) -> dict[str, int]:
    """How many of each of `figures` need no decision: thousandths of the active members, or of the rows."""
    return {
        **{name: counts["active_before"] * most // 1000 for name, most in MOST_PER_MILLE.items()},
        "invalid": counts["rows"] * MOST_INVALID_PER_MILLE // 1000,
    }


def is_within(counts: Mapping[str, int], accepted: Mapping[str, int]) -> bool:
    """Whether a file does no more than what somebody has accepted: none of its `figures` has grown."""
    then = figures(accepted)
    return all(affected <= then[name] for name, affected in figures(counts).items())
