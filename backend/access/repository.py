"""Every query on sessions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from backend.access.domain import (
    MAX_SESSIONS,
    DevicePlatform,
    EndReason,
    Session,
)
from backend.access.families import Family, Generation
from backend.access.repository_devices import WITHOUT_PUSH
from backend.infra import db

_FAMILY = """
    id, public_id, member_id, device_id, device_name, expires_at, ended_at, generation, digests, made_at
"""


async def insert_session(
    *,
    public_id: UUID,
    member_id: int,
    device_id: str,
    device_name: str,
    platform: DevicePlatform,
    first_digest: bytes,
    phone_index: bytes,
    request_id: UUID,
    at: datetime,
    expires_at: datetime,
) -> int:
    """Insert a session with its first refresh token; gives its id."""
    row = await db.fetch_one(
        """
        INSERT INTO session (public_id, member_id, device_id, device_name, platform, created_at,
                             last_seen_at, expires_at, generation, digests, made_at, phone_index, request_id)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7, 0, ARRAY[$8::bytea], ARRAY[$6::timestamptz], $9, $10)
        RETURNING id
        """,
        public_id,
        member_id,
        device_id,
        device_name,
        platform,
        at,
        expires_at,
        first_digest,
        phone_index,
        request_id,
    )
    assert row is not None  # noqa: S101 - an INSERT gives its row
    number: int = row["id"]
    return number


async def lock_family(public_id: UUID) -> Family | None:
    """The session of that public id, locked until the transaction ends."""
    row = await db.fetch_one(
        f"SELECT {_FAMILY} FROM session WHERE public_id = $1 FOR UPDATE", public_id
    )
    return None if row is None else _family(row)


async def lock_opened(request_id: UUID, *, member_id: int) -> Family | None:
    """The member's session that this request for a code opened, locked until the transaction ends."""
    row = await db.fetch_one(
        f"SELECT {_FAMILY} FROM session WHERE request_id = $1 AND member_id = $2 FOR UPDATE",
        request_id,
        member_id,
    )
    return None if row is None else _family(row)


async def save_rotation(family_id: int, *, generations: Sequence[Generation], at: datetime) -> None:
    """Store the tokens that are kept after a rotation; the newest has the next number."""
    await db.execute(
        """
        UPDATE session SET generation = generation + 1, digests = $2::bytea[],
               made_at = $3::timestamptz[], last_seen_at = greatest(last_seen_at, $4)
         WHERE id = $1
        """,
        family_id,
        [each.digest for each in generations],
        [each.made_at for each in generations],
        at,
    )


async def save_seen(family_id: int, *, at: datetime) -> None:
    """Remember that the session was used at that moment, to the minute: repetitions write little."""
    await db.execute(
        "UPDATE session SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2::timestamptz - interval '1 minute'",
        family_id,
        at,
    )


async def find_public_id(*, member_id: int, session_key: int) -> UUID | None:
    """The public id of a member's session, live or ended."""
    row = await db.fetch_one(
        "SELECT public_id FROM session WHERE id = $1 AND member_id = $2", session_key, member_id
    )
    return None if row is None else row["public_id"]


async def list_sessions(
    *, member_id: int, at: datetime, current: UUID | None
) -> tuple[Session, ...]:
    """The live sessions of a member, the one last seen first; at most MAX_SESSIONS."""
    rows = await db.fetch(
        """
        SELECT id, member_id, device_name, platform, created_at, last_seen_at,
               coalesce(public_id = $3, false) AS is_current
          FROM session WHERE member_id = $1 AND ended_at IS NULL AND expires_at > $2
         ORDER BY last_seen_at DESC, id DESC LIMIT $4
        """,
        member_id,
        at,
        current,
        MAX_SESSIONS,
    )
    return tuple(
        Session(**{**row, "platform": DevicePlatform(row["platform"])})  # a record is a mapping
        for row in map(dict, rows)
    )


async def lock_device_id(*, member_id: int, public_id: UUID, at: datetime) -> str | None:
    """The device of a member's live session, which cannot end until the transaction does."""
    row = await db.fetch_one(
        """
        SELECT device_id FROM session
         WHERE public_id = $1 AND member_id = $2 AND ended_at IS NULL AND expires_at > $3
           FOR SHARE
        """,
        public_id,
        member_id,
        at,
    )
    return None if row is None else row["device_id"]


async def list_outlived(
    *, member_id: int, device_id: str, but: UUID, at: datetime
) -> tuple[list[UUID], list[UUID]]:
    """The live sessions of a member that one just opened on a device replaces there, and those it crowds out.

    Crowded out are those beyond MAX_SESSIONS of what is not replaced, unseen for longest.
    """
    rows = await db.fetch(
        """
        SELECT public_id, is_replaced FROM (
            SELECT id, public_id, is_replaced,
                   row_number() OVER (PARTITION BY is_replaced ORDER BY last_seen_at DESC, id DESC) AS place
              FROM session, LATERAL (SELECT device_id = $2 AND public_id <> $3 AS is_replaced) r
             WHERE member_id = $1 AND ended_at IS NULL AND expires_at > $4) live
         WHERE is_replaced OR place > $5
         ORDER BY id
        """,
        member_id,
        device_id,
        but,
        at,
        MAX_SESSIONS,
    )
    replaced = [row["public_id"] for row in rows if row["is_replaced"]]
    return replaced, [row["public_id"] for row in rows if not row["is_replaced"]]


async def list_live(*, member_id: int) -> list[UUID]:
    """All sessions of a member that have not ended."""
    rows = await db.fetch(
        "SELECT public_id FROM session WHERE member_id = $1 AND ended_at IS NULL ORDER BY id",
        member_id,
    )
    return [row["public_id"] for row in rows]


async def end_sessions(
    public_ids: Sequence[UUID], *, member_id: int, reason: EndReason
) -> list[UUID]:
    """End those of a member's sessions that are live; push then reaches only devices with a live session.

    Gives the ones ended. `ended_at` is the database's own time: all processes look for news by it. Rows are
    locked in one order everywhere: sessions by id, then devices by id.
    """
    rows = await db.fetch(
        f"""
        WITH locked AS MATERIALIZED (
            SELECT id FROM session
             WHERE public_id = ANY($1::uuid[]) AND member_id = $2 AND ended_at IS NULL
             ORDER BY id FOR UPDATE
        ), ended AS (
            UPDATE session s SET ended_at = clock_timestamp(), end_reason = $3
              FROM locked WHERE s.id = locked.id
            RETURNING s.public_id
        ), silent AS MATERIALIZED (
            SELECT d.id FROM device d
             WHERE d.member_id = $2 AND d.push_provider <> 'NONE' AND EXISTS (SELECT FROM ended)
               AND NOT EXISTS (
                   SELECT FROM session s
                    WHERE s.member_id = $2 AND s.device_id = d.device_id AND s.ended_at IS NULL
                      AND s.expires_at > statement_timestamp()
                      AND s.public_id NOT IN (SELECT public_id FROM ended))
             ORDER BY d.id FOR UPDATE
        ), silenced AS (
            UPDATE device d SET {WITHOUT_PUSH} FROM silent WHERE d.id = silent.id
        )
        SELECT public_id FROM ended ORDER BY public_id
        """,
        list(public_ids),
        member_id,
        reason,
    )
    return [row["public_id"] for row in rows]


async def list_ended(since: datetime | None, *, window: timedelta) -> tuple[list[UUID], datetime]:
    """Sessions ended since that moment (by default: within the window), and the database's present.

    Only those that were used within the window before: the others have no access token that lives.
    """
    rows = await db.fetch(
        """
        SELECT s.public_id, n.at
          FROM (SELECT statement_timestamp() AS at) n
          LEFT JOIN session s ON s.ended_at >= coalesce($1, n.at - $2::interval)
           AND s.last_seen_at >= s.ended_at - $2::interval
        """,
        since,
        window,
    )
    return [row["public_id"] for row in rows if row["public_id"] is not None], rows[0]["at"]


def _family(row: asyncpg.Record) -> Family:
    return Family(
        id=row["id"],
        public_id=row["public_id"],
        owner_id=row["member_id"],
        device_id=row["device_id"],
        device_name=row["device_name"],
        expires_at=row["expires_at"],
        has_ended=row["ended_at"] is not None,
        newest=row["generation"],
        generations=tuple(
            Generation(digest, made_at)
            for digest, made_at in zip(row["digests"], row["made_at"], strict=True)
        ),
    )
