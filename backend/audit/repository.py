"""Every query on the audit trail."""

from collections.abc import Mapping
from datetime import datetime

import orjson

from backend.audit.domain import Entry, FileRead
from backend.infra import db
from backend.infra.partitions import Place


async def insert_entry(entry: Entry) -> None:
    """Add an entry, in the caller's transaction."""
    await db.execute(
        """
        INSERT INTO audit_entry (created_at, actor_kind, actor, subject_member_id, action, object_type, object_id,
                                 before, after, reason, trace_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::jsonb, $9::text::jsonb, $10, $11)
        """,
        entry.created_at,
        entry.actor_kind.value,
        entry.actor,
        entry.member_id,
        entry.action,
        entry.object_type,
        entry.object_id,
        _json(entry.before),
        _json(entry.after),
        entry.reason,
        entry.trace_id,
    )


async def insert_file_read(
    *,
    created_at: datetime,
    member_id: int,
    reader_role: str,
    reader_office: str,
    actor: str,
    purpose: str,
) -> None:
    """Add a read of a member's file, in the caller's transaction."""
    await db.execute(
        """
        INSERT INTO file_read (created_at, member_id, reader_role, reader_office, actor, purpose)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        created_at,
        member_id,
        reader_role,
        reader_office,
        actor,
        purpose,
    )


async def list_file_reads(*, member_id: int, after: Place | None, limit: int) -> list[FileRead]:
    """The reads of a member's file beyond a place, newest first."""
    arguments: list[object] = [member_id, limit]
    beyond = ""
    if after is not None:
        arguments += [after.created_at, after.id]
        # The first half is what PostgreSQL picks partitions by.
        beyond = "AND created_at <= $3 AND (created_at, id) < ($3, $4)"
    # A limit that the planner can't see: of a small one against few expected rows it would conclude that it may
    # as well sort all of them, and someone has 10,000.
    rows = await db.fetch(
        f"""
        SELECT id, created_at, reader_role, reader_office, purpose FROM file_read
         WHERE member_id = $1 {beyond}
         ORDER BY created_at DESC, id DESC LIMIT (SELECT $2::int)
        """,
        *arguments,
    )
    return [FileRead(**dict(row)) for row in rows]


def _json(value: Mapping[str, object] | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
