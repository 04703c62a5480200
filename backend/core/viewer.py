"""Who asks: every use case takes a viewer first and asks it for permission."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from backend.core import errors


class ActorKind(StrEnum):
    """The kinds of actor that a request or a job can have."""

    ANONYMOUS = "ANONYMOUS"
    MEMBER = "MEMBER"
    OPERATOR = "OPERATOR"
    CASHIER = "CASHIER"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of the country that a viewer sees; what lies outside does not exist for them.

    The whole nation, or some provinces (by ISO code), or one association; the default is nothing.
    """

    nation: bool = False
    province_codes: frozenset[str] = frozenset()
    association_id: int | None = None


@dataclass(frozen=True, slots=True)
class Viewer:
    """The actor of a use case, with what the actor may do and see.

    `actor` names the account in the audit trail and holds no personal data. `subject` is the member
    acted for: a member's own id, or that of the member whom a representative stands in for.
    """

    kind: ActorKind
    actor: str
    subject: int | None = None
    permissions: frozenset[str] = frozenset()
    scope: Scope = Scope()

    def may(self, permission: str) -> bool:
        """Tell whether the viewer has a permission; the system has them all."""
        return self.kind is ActorKind.SYSTEM or permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise Unauthenticated or Forbidden where the viewer lacks a permission."""
        if self.may(permission):
            return
        if self.kind is ActorKind.ANONYMOUS:
            raise errors.Unauthenticated
        raise errors.Forbidden(permission)


ANONYMOUS: Final = Viewer(ActorKind.ANONYMOUS, actor="anonymous")
# The command line and the jobs.
SYSTEM: Final = Viewer(ActorKind.SYSTEM, actor="system", scope=Scope(nation=True))
