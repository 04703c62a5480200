"""Accounts of those who work for the club or in its stores: what they are, and their limits."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from backend.access.staff_refusals import StaffTextInvalid, UserNameInvalid
from backend.core import text
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM, Scope

if TYPE_CHECKING:
    from uuid import UUID

    from backend.infra.sealing import Sealed

ACCESS_LIFETIME: Final = timedelta(minutes=10)
MAX_SESSIONS: Final = (
    5  # of an operator or cashier; opening one more ends the one unseen for longest
)
MOST_BREAK_GLASS_HOURS: Final = 4  # at once, and in all in any BREAK_GLASS_WINDOW
BREAK_GLASS_WINDOW: Final = timedelta(hours=24)
FIRST_ADMINISTRATORS: Final = 2

MAX_NAME_CHARACTERS: Final = 80
MAX_OFFICE_CHARACTERS: Final = 120
MAX_STORE_DEVICES: Final = 50
MAX_CASHIERS: Final = 200  # of a store

# A browser that names no device of its own; it is not known again by that.
UNNAMED_DEVICE: Final = "console"
LEAST_KNOWN_DEVICE_CHARACTERS: Final = 16  # a shorter id could be guessed

EVERYWHERE: Final = Scope(nation=True)
MAX_ID_DIGITS: Final = 18  # of a bigint, with certainty

_OPERATOR: Final = "operator:"
_USER_NAME: Final = re.compile("[a-z][a-z0-9._-]{2,39}")
BREAK_GLASS: Final = "BreakGlass"  # how the trail names emergencies
BREAKABLE: Final = frozenset(Role) - {Role.ADMINISTRATOR, Role.AUDITOR}


class OperatorState(StrEnum):
    """Where an operator's account stands."""

    REQUESTED = "REQUESTED"  # a colleague has to approve it
    INVITED = "INVITED"  # approved, or reset: the operator has yet to set password and TOTP
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REFUSED = "REFUSED"


class CashierState(StrEnum):
    """Whether a cashier may sign in."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"


class StaffEndReason(StrEnum):
    """Why a session of an operator or cashier ended before its time."""

    SIGNED_OUT = "SIGNED_OUT"
    REVOKED = "REVOKED"
    REUSED = "REUSED"
    REPLACED = "REPLACED"
    CROWDED_OUT = "CROWDED_OUT"
    SUSPENDED = "SUSPENDED"
    RESET = "RESET"
    SECRET_CHANGED = "SECRET_CHANGED"  # noqa: S105 - a reason
    DEVICE_REVOKED = "DEVICE_REVOKED"


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator as colleagues see one; no secret of the account leaves the repository with it.

    The phone is sealed; `operator_phones` shows its ends. Who asked for another one than the account was made with, and
    who granted it, is beside it.
    """

    id: int
    user_name: str
    name: str
    office: str
    state: OperatorState
    roles: frozenset[Role]
    scope: Scope
    created_by: str
    approved_by: str | None
    created_at: datetime
    last_sign_in_at: datetime | None
    phone: Sealed | None = field(default=None, repr=False)
    phone_asked_by: str | None = None
    phone_granted_by: str | None = None

    @property
    def makers(self) -> frozenset[str]:
        """The colleagues who asked for or granted the account, or the number that its invitation went to last."""
        names = (self.created_by, self.approved_by, self.phone_asked_by, self.phone_granted_by)
        return frozenset(each for each in names if each is not None and each != SYSTEM.actor)

    @property
    def actor(self) -> str:
        """How the trail names the operator."""
        return operator_actor(self.id)


@dataclass(frozen=True, slots=True)
class StaffSession:
    """A live session of an operator or cashier, as its holder sees it."""

    id: int
    device_name: str
    created_at: datetime
    last_seen_at: datetime
    is_current: bool


@dataclass(frozen=True, slots=True)
class BreakGlassUse:
    """An emergency: who took which role, why, and for how long."""

    id: int
    operator_id: int
    role: Role
    reason: str
    began_at: datetime
    ends_at: datetime
    ended_at: datetime | None

    @property
    def over_at(self) -> datetime:
        """When it was over, or will be."""
        return self.ends_at if self.ended_at is None else min(self.ended_at, self.ends_at)


@dataclass(frozen=True, slots=True)
class Cashier:
    """Somebody who sells in one store."""

    id: int
    store_id: int
    user_name: str
    name: str
    state: CashierState
    has_initial_password: bool
    created_by: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoreDevice:
    """A terminal of a store; enrolled once, by a code."""

    id: int
    store_id: int
    name: str
    created_at: datetime
    enrolled_at: datetime | None
    revoked_at: datetime | None
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class StaffIssued:
    """What a sign-in or refresh gives to an operator or cashier; the only time that the texts exist."""

    access_token: str = field(repr=False)
    access_token_expires_at: datetime
    refresh_token: str = field(repr=False)
    session_id: UUID


def operator_actor(operator_id: int) -> str:
    """How the trail names an operator."""
    return f"{_OPERATOR}{operator_id}"


def operator_id_of(actor: str) -> int | None:
    """Which operator an actor of the trail is; None where it is none."""
    number = actor.removeprefix(_OPERATOR)
    is_one = actor.startswith(_OPERATOR) and len(number) <= MAX_ID_DIGITS
    return int(number) if is_one and number.isascii() and number.isdecimal() else None


def cashier_actor(cashier_id: int) -> str:
    """How the trail names a cashier."""
    return f"cashier:{cashier_id}"


def normal_user_name(typed: str) -> str:
    """The user name as it is stored: NFKC, small letters, digits of any keyboard. Raises UserNameInvalid."""
    if len(typed) > 2 * MAX_NAME_CHARACTERS:
        raise UserNameInvalid(field=("userName",))
    shown = unicodedata.normalize("NFKC", text.strip_bidi_controls(typed))
    found = text.to_ascii_digits(shown).strip().lower()
    if _USER_NAME.fullmatch(found) is None:
        raise UserNameInvalid(field=("userName",))
    return found


def tried_user_name(typed: str) -> str:
    """The user name that somebody signs in by; one that nobody may have is an unknown one."""
    try:
        return normal_user_name(typed)
    except UserNameInvalid:
        return "-"


def shown_text(typed: str, *, most: int, field: str) -> str:
    """A name or an office without invisible characters. Raises StaffTextInvalid."""
    found = text.clean_name(typed) if len(typed) <= 4 * most else ""
    if not 1 <= len(found) <= most:
        raise StaffTextInvalid(field=(field,), most=most)
    return found
