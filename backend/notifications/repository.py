"""Every query on notices. All of them name the member, so that a notice of another one is never met."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from backend.infra import db
from backend.infra.partitions import Place
from backend.notifications.domain import Notice, NoticeCategory

_COLUMNS = "id, created_at, category, title, body, deep_link, read_at"
_UNREAD = "member_id = $1 AND read_at IS NULL"


async def insert_notice(
    *,
    created_at: datetime,
    member_id: int,
    category: NoticeCategory,
    title: str,
    body: str,
    deep_link: str | None,
) -> None:
    """Put a notice into a member's inbox, in the caller's transaction."""
    await db.execute(
        """
        INSERT INTO notice (created_at, member_id, category, title, body, deep_link)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        created_at,
        member_id,
        category.value,
        title,
        body,
        deep_link,
    )


async def list_notices(
    *,
    member_id: int,
    unread_only: bool,
    category: NoticeCategory | None,
    after: Place | None,
    limit: int,
) -> list[Notice]:
    """The member's notices beyond a place, newest first."""
    arguments: list[object] = [member_id, limit]
    conditions = [_UNREAD if unread_only else "member_id = $1"]
    if category is not None:
        arguments.append(category.value)
        conditions.append(f"category = ${len(arguments)}")
    if after is not None:
        arguments += [after.created_at, after.id]
        at, last_id = f"${len(arguments) - 1}", f"${len(arguments)}"
        # The first half is what PostgreSQL picks partitions by.
        conditions.append(f"created_at <= {at} AND (created_at, id) < ({at}, {last_id})")
    # A limit that the planner can't see: of a small one against few expected rows it would conclude that it may
    # as well sort all of them, and someone has 10,000.
    rows = await db.fetch(
        f"""
        SELECT {_COLUMNS} FROM notice WHERE {" AND ".join(conditions)}
         ORDER BY created_at DESC, id DESC LIMIT (SELECT $2::int)
        """,
        *arguments,
    )
    return [_notice(row) for row in rows]


async def find_notice(*, member_id: int, notice_id: int) -> Notice | None:
    """The member's notice of this id."""
    row = await db.fetch_one(
        f"SELECT {_COLUMNS} FROM notice WHERE member_id = $1 AND id = $2", member_id, notice_id
    )
    return None if row is None else _notice(row)


async def count_unread(*, member_id: int) -> int:
    """How many notices the member has not read."""
    row = await db.fetch_one(f"SELECT count(*) AS count FROM notice WHERE {_UNREAD}", member_id)
    return 0 if row is None else int(row["count"])


async def lock_inbox(*, member_id: int) -> None:
    """Let the transactions that mark this member's notices come one after the other.

    They touch many rows each, in whatever order their plans have: two at once could end in a deadlock.
    """
    await db.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('notifications.inbox', $1))", member_id
    )


async def mark_read(*, member_id: int, notice_ids: Sequence[int], at: datetime) -> None:
    """Mark these notices, where they are the member's and unread."""
    await db.execute(
        f"UPDATE notice SET read_at = $2 WHERE {_UNREAD} AND id = ANY($3::bigint[])",
        member_id,
        at,
        list(notice_ids),
    )


async def mark_read_before(*, member_id: int, before: datetime, at: datetime) -> None:
    """Mark the member's unread notices that are older than a moment."""
    await db.execute(
        f"UPDATE notice SET read_at = $2 WHERE {_UNREAD} AND created_at < $3",
        member_id,
        at,
        before,
    )


def _notice(row: asyncpg.Record) -> Notice:
    return Notice(**{**row, "category": NoticeCategory(row["category"])})
