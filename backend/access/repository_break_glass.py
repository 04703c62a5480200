"""Every query on emergencies."""

from datetime import datetime

import asyncpg

from backend.access.repository_operators import in_scope, scope_arguments
from backend.access.staff import BreakGlassUse
from backend.core.permissions import Role
from backend.core.viewer import Scope
from backend.infra import db

_COLUMNS = "b.id, b.operator_id, b.role, b.reason, b.began_at, b.ends_at, b.ended_at"


async def insert_use(
    *, operator_id: int, role: Role, reason: str, at: datetime, ends_at: datetime
) -> BreakGlassUse:
    """Insert an emergency that begins now."""
    row = await db.fetch_one(
        f"""
        INSERT INTO break_glass AS b (operator_id, role, reason, began_at, ends_at)
        VALUES ($1, $2, $3, $4, $5) RETURNING {_COLUMNS}
        """,
        operator_id,
        role,
        reason,
        at,
        ends_at,
    )
    assert row is not None  # noqa: S101 - an INSERT gives its row
    return _use(row)


async def find_running(operator_id: int, *, at: datetime) -> BreakGlassUse | None:
    """The operator's emergency that runs at a moment."""
    row = await db.fetch_one(
        f"""
        SELECT {_COLUMNS} FROM break_glass b
         WHERE b.operator_id = $1 AND b.ended_at IS NULL AND b.ends_at > $2
         ORDER BY b.ends_at DESC LIMIT 1
        """,
        operator_id,
        at,
    )
    return None if row is None else _use(row)


async def list_since(operator_id: int, *, since: datetime) -> list[BreakGlassUse]:
    """The operator's emergencies that ran at some time after a moment, the first first."""
    rows = await db.fetch(
        f"""
        SELECT {_COLUMNS} FROM break_glass b
         WHERE b.operator_id = $1 AND coalesce(b.ended_at, b.ends_at) > $2 ORDER BY b.began_at
        """,
        operator_id,
        since,
    )
    return [_use(row) for row in rows]


async def find_use(use_id: int) -> BreakGlassUse | None:
    """The emergency of an id."""
    row = await db.fetch_one(f"SELECT {_COLUMNS} FROM break_glass b WHERE b.id = $1", use_id)
    return None if row is None else _use(row)


async def end_use(use_id: int, *, at: datetime) -> None:
    """End an emergency before its time."""
    await db.execute(
        "UPDATE break_glass SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", use_id, at
    )


async def list_uses(*, scope: Scope, before: int | None, limit: int) -> list[BreakGlassUse]:
    """The emergencies of operators who lie in the scope, the newest first."""
    rows = await db.fetch(
        f"""
        SELECT {_COLUMNS} FROM break_glass b JOIN operator o ON o.id = b.operator_id
         WHERE {in_scope(1)} AND ($4::bigint IS NULL OR b.id < $4)
         ORDER BY b.id DESC LIMIT $5
        """,
        *scope_arguments(scope),
        before,
        limit,
    )
    return [_use(row) for row in rows]


def _use(row: asyncpg.Record) -> BreakGlassUse:
    return BreakGlassUse(
        id=row["id"],
        operator_id=row["operator_id"],
        role=Role(row["role"]),
        reason=row["reason"],
        began_at=row["began_at"],
        ends_at=row["ends_at"],
        ended_at=row["ended_at"],
    )
