"""The queries of what happens to sessions without anybody asking: which are stale, and which are forgotten."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from backend.access.repository_devices import WITHOUT_PUSH
from backend.infra import db

_MEMBER_KEY = "hashtextextended('access.openings', {0})"


async def hold_openings(member_id: int) -> None:
    """Keep the member's other openings, and `wait_for_openings`, waiting until the transaction ends."""
    await db.execute(f"SELECT pg_advisory_xact_lock({_MEMBER_KEY.format('$1')})", member_id)


async def wait_for_openings(member_ids: Sequence[int]) -> None:
    """Wait for the sign-ins of these members that are under way, and let none begin in this transaction."""
    await db.execute(
        f"""
        SELECT pg_advisory_xact_lock({_MEMBER_KEY.format("id")})
          FROM (SELECT DISTINCT unnest($1::bigint[]) AS id ORDER BY 1) members
        """,
        list(member_ids),
    )


async def list_stale(phone_indexes: Mapping[int, bytes | None]) -> dict[int, list[UUID]]:
    """By member, the live sessions that another phone opened; under None all of the member's are meant."""
    rows = await db.fetch(
        """
        SELECT s.member_id, s.public_id
          FROM unnest($1::bigint[], $2::bytea[]) AS m (id, phone_index)
          JOIN session s ON s.member_id = m.id AND s.ended_at IS NULL
           AND (m.phone_index IS NULL OR s.phone_index IS DISTINCT FROM m.phone_index)
         ORDER BY s.member_id, s.id
        """,
        list(phone_indexes),
        list(phone_indexes.values()),
    )
    stale: dict[int, list[UUID]] = {}
    for row in rows:
        stale.setdefault(row["member_id"], []).append(row["public_id"])
    return stale


async def silence_expired(*, before: datetime, limit: int) -> int:
    """Reach no device by push any more whose sessions have all ended or expired; gives how many."""
    tag = await db.execute(
        f"""
        UPDATE device SET {WITHOUT_PUSH} WHERE id = ANY(ARRAY(
            SELECT DISTINCT d.id FROM session e
              JOIN device d ON d.member_id = e.member_id AND d.device_id = e.device_id
             WHERE e.ended_at IS NULL AND e.expires_at <= $1 AND d.push_provider <> 'NONE'
               AND NOT EXISTS (
                   SELECT FROM session s
                    WHERE s.member_id = d.member_id AND s.device_id = d.device_id
                      AND s.ended_at IS NULL AND s.expires_at > $1)
             ORDER BY d.id LIMIT $2))
        """,
        before,
        limit,
    )
    return int(tag.rsplit(" ", 1)[-1])


async def delete_ended(*, before: datetime, limit: int) -> int:
    """Delete sessions that ended before a moment, the oldest first; gives how many."""
    return await _delete("ended_at < $1", order="ended_at", before=before, limit=limit)


async def delete_expired(*, before: datetime, limit: int) -> int:
    """Delete sessions that expired before a moment and were never ended, the oldest first; gives how many."""
    return await _delete(
        "ended_at IS NULL AND expires_at < $1", order="expires_at", before=before, limit=limit
    )


async def _delete(condition: str, *, order: str, before: datetime, limit: int) -> int:
    tag = await db.execute(
        f"""
        DELETE FROM session WHERE id = ANY(ARRAY(
            SELECT id FROM session WHERE {condition} ORDER BY {order} LIMIT $2 FOR UPDATE SKIP LOCKED
        ))
        """,
        before,
        limit,
    )
    return int(tag.rsplit(" ", 1)[-1])
