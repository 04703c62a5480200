"""Every query that shows approvals: those that an account has asked for or may decide, and none on the own file."""

from collections.abc import Collection
from dataclasses import dataclass

from backend.approvals.domain import Approval, ApprovalState
from backend.approvals.repository import COLUMNS, add, approval_of, within
from backend.core.viewer import Scope
from backend.infra import db


@dataclass(frozen=True, kw_only=True, slots=True)
class Looker:
    """Who looks: an account, what it may decide by (None where it sees any), and whose member's file is its own."""

    actor: str
    permissions: frozenset[str] | None
    own_member_id: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ApprovalFilter:
    """Which approvals are asked for; a thing by its type and its id together."""

    state: ApprovalState | None = None
    kind: str | None = None
    member_id: int | None = None
    object_type: str | None = None
    object_id: str | None = None


async def list_seen(
    approval_ids: Collection[int], *, scope: Scope, looker: Looker
) -> list[Approval]:
    """Those of these approvals within the scope that the looker sees, in no order."""
    arguments: list[object] = [list(approval_ids)]
    rows = await db.fetch(
        f"""
        SELECT {COLUMNS} FROM approval WHERE id = ANY($1::bigint[]) AND {within(scope, arguments)}
           AND {_concerns(looker, arguments)} AND {_not_own(looker, arguments)}
        """,
        *arguments,
    )
    return [approval_of(row) for row in rows]


async def list_open(
    *,
    object_type: str,
    object_ids: Collection[str],
    kinds: Collection[str],
    scope: Scope,
    looker: Looker,
    limit: int,
) -> list[Approval]:
    """The open ones about these things that `list_seen` would show, and those of `kinds`; the latest first."""
    arguments: list[object] = [limit, object_type, list(object_ids), sorted(kinds)]
    rows = await db.fetch(
        f"""
        SELECT {COLUMNS} FROM approval
         WHERE state IN ('WAITING', 'GRANTED') AND object_type = $2 AND object_id = ANY($3::text[])
           AND {within(scope, arguments)} AND {_not_own(looker, arguments)}
           AND (kind = ANY($4::text[]) OR {_concerns(looker, arguments)})
         ORDER BY id DESC LIMIT $1
        """,
        *arguments,
    )
    return [approval_of(row) for row in rows]


async def list_approvals(
    asked: ApprovalFilter, *, scope: Scope, looker: Looker, after_id: int | None, limit: int
) -> list[Approval]:
    """Those that `list_seen` shows, the latest first, beyond the one of `after_id`."""
    arguments: list[object] = [limit]
    conditions = [
        within(scope, arguments),
        _concerns(looker, arguments),
        _not_own(looker, arguments),
    ]
    for column, value in (
        ("state =", asked.state),
        ("kind =", asked.kind),
        ("member_id =", asked.member_id),
        ("object_type =", asked.object_type),
        ("object_id =", asked.object_id),
        ("id <", after_id),
    ):
        if value is not None:
            conditions.append(f"{column} {add(value, arguments)}")
    rows = await db.fetch(
        f"SELECT {COLUMNS} FROM approval WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT $1",
        *arguments,
    )
    return [approval_of(row) for row in rows]


def _concerns(looker: Looker, arguments: list[object]) -> str:
    """The condition that an account has asked for it, or may decide it."""
    if looker.permissions is None:
        return "true"
    names, actor = add(sorted(looker.permissions), arguments), add(looker.actor, arguments)
    return f"(approve_permission = ANY({names}::text[]) OR maker = {actor}::text)"


def _not_own(looker: Looker, arguments: list[object]) -> str:
    """The condition that it is not about the file of the operator in person."""
    if looker.own_member_id is None:
        return "true"
    return f"member_id IS DISTINCT FROM {add(looker.own_member_id, arguments)}::bigint"
