"""Who asks: every use case takes a viewer first and asks it for permission."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from backend.core import clock, errors

if TYPE_CHECKING:
    from datetime import datetime

    from backend.core.permissions import Role

REAUTHENTICATED_FOR: Final = timedelta(minutes=5)


class ActorKind(StrEnum):
    """The kinds of actor that a request or a job can have."""

    ANONYMOUS = "ANONYMOUS"
    MEMBER = "MEMBER"
    OPERATOR = "OPERATOR"
    CASHIER = "CASHIER"
    SYSTEM = "SYSTEM"


class ReauthenticationNeeded(errors.DomainError):
    """The act moves money or gives rights, and the operator did not say again who they are of late."""

    code = "REAUTHENTICATION_NEEDED"
    texts = errors.sentences(
        fa="برای این کار باید دوباره هویت خود را تأیید کنید.",
        en="For this you must confirm again who you are.",
    )
    hints = errors.sentences(
        fa="با رمز یک‌بارمصرف یا کد بازیابی تأیید کنید و تا پنج دقیقه پس از آن دوباره تلاش کنید.",
        en="Confirm with a one-time password or a recovery code, and try again within five minutes.",
    )


class OwnFile(errors.DomainError):
    """An operator acts on the own member's file; nobody does."""

    code = "OWN_FILE"
    texts = errors.sentences(
        fa="هیچ‌کس نمی‌تواند روی پروندهٔ خودش کاری انجام دهد.",
        en="Nobody may act on their own file.",
    )
    hints = errors.sentences(
        fa="این کار را به همکار دیگری بسپارید.",
        en="Ask a colleague to do this.",
    )


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of the country that a viewer sees; what lies outside does not exist for them.

    The whole nation, or some provinces (by ISO code), or one association; the default is nothing. Queries take it
    and narrow what they find by it; `covers` is for what was found by other ways.
    """

    nation: bool = False
    province_codes: frozenset[str] = frozenset()
    association_id: int | None = None

    def covers(self, *, province_code: str | None, association_id: int | None = None) -> bool:
        """Whether something of this province and association lies within."""
        if self.nation:
            return True
        if self.association_id is not None:
            return association_id == self.association_id
        return province_code in self.province_codes

    @property
    def one_place(self) -> tuple[str | None, int | None]:
        """The province, or else the association, that is all of it; both None where it is more, or nothing."""
        if self.nation:
            return None, None
        if self.association_id is not None:
            return None, self.association_id
        return (next(iter(self.province_codes)) if len(self.province_codes) == 1 else None), None

    def includes(self, other: Scope) -> bool:
        """Whether all that the other sees is seen by this one; an association's province is not known here."""
        if self.nation:
            return True
        if other.nation:
            return False
        if other.association_id is not None:
            return self.association_id == other.association_id
        return self.association_id is None and other.province_codes <= self.province_codes


@dataclass(frozen=True, slots=True)
class BreakGlass:
    """A role that an operator has taken for an emergency, and why.

    `permissions` are those that the operator has by nothing else; they are among the viewer's until `ends_at`.
    """

    id: int
    role: Role
    permissions: frozenset[str]
    ends_at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The actor of a use case, with what the actor may do and see.

    `actor` names the account in the audit trail ("operator:7", "cashier:9") and holds no personal data. `subject`
    is the member acted for: a member's own id, or that of the member whom a representative stands in for.

    Of operators: `created_by` is the actor who asked for the account, `makers` are all who asked for it, granted it, or
    did so with the number that its invitation went to; `own_member_id` the operator's own file, `office`
    where the operator works, `reauthenticated_at` when this session last said again who it is. Of cashiers:
    `store_id` is the one store that they act in.
    """

    kind: ActorKind
    actor: str
    subject: int | None = None
    permissions: frozenset[str] = frozenset()
    scope: Scope = Scope()
    created_by: str | None = None
    makers: frozenset[str] = frozenset()
    own_member_id: int | None = None
    roles: frozenset[Role] = frozenset()
    office: str = ""
    reauthenticated_at: datetime | None = None
    break_glass: BreakGlass | None = None
    store_id: int | None = None

    def may(self, permission: str) -> bool:
        """Tell whether the viewer has a permission; the system has them all."""
        return self.kind is ActorKind.SYSTEM or permission in self.permissions

    def emergency_of(self, permission: str) -> BreakGlass | None:
        """The emergency by which alone the viewer has a permission; None where it is by role, or not at all."""
        broken = self.break_glass
        return broken if broken is not None and permission in broken.permissions else None

    def require(self, permission: str) -> None:
        """Raise Unauthenticated or Forbidden where the viewer lacks a permission."""
        if self.may(permission):
            return
        if self.kind is ActorKind.ANONYMOUS:
            raise errors.Unauthenticated
        raise errors.Forbidden(permission)

    def require_recent(self) -> None:
        """Raise ReauthenticationNeeded where an operator did not say who they are in the last five minutes."""
        if self.kind is ActorKind.SYSTEM:
            return
        at = self.reauthenticated_at
        if at is None or clock.now() - at >= REAUTHENTICATED_FOR:
            raise ReauthenticationNeeded

    def require_not_own_file(self, member_id: int | None) -> None:
        """Raise OwnFile where that member is the operator in person."""
        if member_id is not None and member_id == self.own_member_id:
            raise OwnFile


ANONYMOUS: Final = Viewer(ActorKind.ANONYMOUS, actor="anonymous")
# The command line and the jobs.
SYSTEM: Final = Viewer(ActorKind.SYSTEM, actor="system", scope=Scope(nation=True))
