"""Every query on the sessions of operators and cashiers; who bears one now is in `repository_bearers`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from backend.access.families import Family, Generation
from backend.access.staff import MAX_SESSIONS, StaffEndReason, StaffSession
from backend.infra import db
from backend.infra.tokens import Bearer

# The column that names the holder of a session.
HOLDERS = {Bearer.OPERATOR: "operator_id", Bearer.CASHIER: "cashier_id"}


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that is to be: whose, on what, from where, and how long."""

    public_id: UUID
    bearer: Bearer
    holder_id: int
    device_id: str
    device_name: str
    address_index: bytes | None
    first_digest: bytes
    at: datetime
    expires_at: datetime
    reauthenticated_at: datetime | None = None
    store_device_id: int | None = None


@dataclass(frozen=True, slots=True)
class StaffFamily:
    """A session's tokens, and what its life depends on."""

    family: Family
    bearer: Bearer
    last_seen_at: datetime


async def insert_session(opened: Opened) -> None:
    """Insert a session with its first refresh token."""
    await db.execute(
        f"""
        INSERT INTO staff_session (public_id, {HOLDERS[opened.bearer]}, store_device_id, device_id, device_name,
                                   address_index, created_at, last_seen_at, expires_at, reauthenticated_at,
                                   generation, digests, made_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, 0, ARRAY[$10::bytea], ARRAY[$7::timestamptz])
        """,
        opened.public_id,
        opened.holder_id,
        opened.store_device_id,
        opened.device_id,
        opened.device_name,
        opened.address_index,
        opened.at,
        opened.expires_at,
        opened.reauthenticated_at,
        opened.first_digest,
    )


async def lock_family(public_id: UUID) -> StaffFamily | None:
    """The session of that public id, locked until the transaction ends."""
    row = await db.fetch_one(
        """
        SELECT id, public_id, operator_id, cashier_id, device_id, device_name, expires_at, ended_at, generation,
               digests, made_at, last_seen_at
          FROM staff_session WHERE public_id = $1 FOR UPDATE
        """,
        public_id,
    )
    if row is None:
        return None
    is_operator = row["operator_id"] is not None
    return StaffFamily(
        family=_family(row),
        bearer=Bearer.OPERATOR if is_operator else Bearer.CASHIER,
        last_seen_at=row["last_seen_at"],
    )


async def save_rotation(family_id: int, *, generations: Sequence[Generation], at: datetime) -> None:
    """Store the tokens that are kept after a rotation; the newest has the next number."""
    await db.execute(
        """
        UPDATE staff_session SET generation = generation + 1, digests = $2::bytea[],
               made_at = $3::timestamptz[], last_seen_at = greatest(last_seen_at, $4)
         WHERE id = $1
        """,
        family_id,
        [each.digest for each in generations],
        [each.made_at for each in generations],
        at,
    )


async def save_seen(public_id: UUID, *, at: datetime) -> None:
    """Remember that a session was used at that moment."""
    await db.execute(
        "UPDATE staff_session SET last_seen_at = greatest(last_seen_at, $2) WHERE public_id = $1",
        public_id,
        at,
    )


async def save_reauthenticated(public_id: UUID, *, at: datetime) -> None:
    """Remember that the session's holder has just said again who it is."""
    await db.execute(
        "UPDATE staff_session SET reauthenticated_at = $2, last_seen_at = greatest(last_seen_at, $2)"
        " WHERE public_id = $1 AND ended_at IS NULL",
        public_id,
        at,
    )


async def list_sessions(
    *, bearer: Bearer, holder_id: int, at: datetime, current: UUID | None
) -> tuple[StaffSession, ...]:
    """The live sessions of an operator or cashier, the one last seen first; at most MAX_SESSIONS."""
    rows = await db.fetch(
        f"""
        SELECT id, device_name, created_at, last_seen_at, coalesce(public_id = $3, false) AS is_current
          FROM staff_session WHERE {HOLDERS[bearer]} = $1 AND ended_at IS NULL AND expires_at > $2
         ORDER BY last_seen_at DESC, id DESC LIMIT $4
        """,
        holder_id,
        at,
        current,
        MAX_SESSIONS,
    )
    return tuple(StaffSession(**dict(row)) for row in rows)


async def find_public_id(*, bearer: Bearer, holder_id: int, session_key: int) -> UUID | None:
    """The public id of a holder's session, live or ended."""
    row = await db.fetch_one(
        f"SELECT public_id FROM staff_session WHERE id = $1 AND {HOLDERS[bearer]} = $2",
        session_key,
        holder_id,
    )
    return None if row is None else row["public_id"]


async def list_live(*, bearer: Bearer, holder_id: int) -> list[UUID]:
    """All sessions of a holder that have not ended, the one unseen for longest first."""
    rows = await db.fetch(
        f"""
        SELECT public_id FROM staff_session
         WHERE {HOLDERS[bearer]} = $1 AND ended_at IS NULL ORDER BY last_seen_at, id
        """,
        holder_id,
    )
    return [row["public_id"] for row in rows]


async def list_live_on_device(store_device_id: int) -> list[tuple[UUID, int]]:
    """The sessions on a store's device that have not ended, each with its cashier."""
    rows = await db.fetch(
        "SELECT public_id, cashier_id FROM staff_session"
        " WHERE store_device_id = $1 AND ended_at IS NULL ORDER BY id",
        store_device_id,
    )
    return [(row["public_id"], row["cashier_id"]) for row in rows]


async def end_sessions(public_ids: Sequence[UUID], *, reason: StaffEndReason) -> list[UUID]:
    """End those that are live; gives the ones ended."""
    rows = await db.fetch(
        """
        WITH locked AS MATERIALIZED (
            SELECT id FROM staff_session WHERE public_id = ANY($1::uuid[]) AND ended_at IS NULL
             ORDER BY id FOR UPDATE)
        UPDATE staff_session s SET ended_at = clock_timestamp(), end_reason = $2
          FROM locked WHERE s.id = locked.id RETURNING s.public_id
        """,
        list(public_ids),
        reason,
    )
    return sorted(row["public_id"] for row in rows)


async def delete_expired(*, before: datetime, limit: int) -> int:
    """Delete sessions that expired before a moment, the oldest first; gives how many."""
    tag = await db.execute(
        """
        DELETE FROM staff_session WHERE id = ANY(ARRAY(
            SELECT id FROM staff_session WHERE expires_at < $1
             ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))
        """,
        before,
        limit,
    )
    return int(tag.rsplit(" ", 1)[-1])


def _family(row: asyncpg.Record) -> Family:
    return Family(
        id=row["id"],
        public_id=row["public_id"],
        owner_id=row["operator_id"] or row["cashier_id"],
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
