"""Every query that seals the trail and reads it back. Entries and reads come in the order of (transaction, id)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from backend.audit import read_seals
from backend.audit.chain import COLUMNS, Batch, Line, Position, SealedBatch
from backend.audit.read_seals import ReadLine, ReadSeal
from backend.infra import db

# What asks the database: the process's own pool, or a connection of somebody who looks from outside.
Fetch = Callable[..., Awaitable[Sequence[asyncpg.Record]]]

_LOCK_KEY: Final = 0x61756474  # sealers come one after the other
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def _as_texts(columns: Sequence[str]) -> str:
    microseconds = "(extract(epoch FROM created_at) * 1000000)::bigint::text"
    return ", ".join(microseconds if name == "created_at" else f"{name}::text" for name in columns)


_TEXTS: Final = _as_texts(COLUMNS)
_READ_TEXTS: Final = _as_texts(read_seals.COLUMNS)
_SAID: Final = (
    "number, sealed_at, from_xid, from_id, to_xid, to_id, entries, content_sha256, marks, previous_head, key_id, head,"
    " signature"
)


@dataclass(frozen=True, slots=True)
class Running:
    """Transaction numbers: below `oldest` all are over, from `next_one` on none has begun."""

    oldest: int
    next_one: int


@dataclass(frozen=True, slots=True)
class SignedHead:
    """What a row of batches says of its head; it has the id that the database gave it."""

    row_id: int
    head: bytes
    signature: bytes


async def hold() -> None:
    """Let no other sealer in until the transaction ends."""
    await db.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)


async def running() -> Running:
    """What runs now: no entry that was there before can be of `next_one` or later."""
    row = await db.fetch_one(
        "SELECT pg_snapshot_xmin(s)::text::bigint AS oldest, pg_snapshot_xmax(s)::text::bigint AS next_one"
        " FROM pg_current_snapshot() s"
    )
    assert row is not None  # noqa: S101 - a function's row
    return Running(int(row["oldest"]), int(row["next_one"]))


async def oldest_running() -> int:
    """A transaction number below which every transaction is over: what they wrote is there, and is all."""
    row = await db.fetch_one("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xid")
    assert row is not None  # noqa: S101 - a function's row
    return int(row["xid"])


async def list_batches(*, after: tuple[int, int], limit: int) -> list[tuple[int, SealedBatch]]:
    """The rows of batches beyond a place (number, row's id), by that order, each with its row's id."""
    rows = await db.fetch(
        f"""
        SELECT id, {_SAID} FROM audit_batch WHERE (number, id) > ($1::bigint, $2::bigint)
         ORDER BY number, id LIMIT $3
        """,
        *after,
        limit,
    )
    return [(row["id"], _batch(row)) for row in rows]


async def list_heads(
    key_id: str, *, limit: int, after: int | None = None, before: int = 2**63 - 1, fetch: Fetch
) -> list[SignedHead]:
    """The rows that say to be signed by a key: the first after a row's id, else the last before one."""
    order = "DESC" if after is None else "ASC"
    rows = await fetch(
        f"""
        SELECT id, head, signature FROM audit_batch
         WHERE key_id = $1 AND id > $2 AND id < $3 ORDER BY id {order} LIMIT $4
        """,
        key_id,
        -(2**63) if after is None else after,
        before,
        limit,
    )
    return [SignedHead(*row) for row in rows]


async def get_batch(row_id: int, *, fetch: Fetch) -> SealedBatch:
    """The batch of a row's id."""
    [row] = await fetch(f"SELECT {_SAID} FROM audit_batch WHERE id = $1", row_id)
    return _batch(row)


async def count_batches(*, after: int = -(2**63), fetch: Fetch) -> int:
    """How many rows of batches have a higher id."""
    [row] = await fetch("SELECT count(*) AS many FROM audit_batch WHERE id > $1", after)
    return int(row["many"])


async def list_other_keys(
    known: Sequence[str], *, after: int, limit: int, fetch: Fetch
) -> list[str]:
    """The keys, but for the known ones, by which rows with a higher id say to be signed."""
    rows = await fetch(
        """
        SELECT DISTINCT key_id FROM audit_batch
         WHERE id > $1 AND NOT key_id = ANY($2::text[]) ORDER BY key_id LIMIT $3
        """,
        after,
        list(known),
        limit,
    )
    return [row["key_id"] for row in rows]


async def oldest_unsealed_read(after: Position) -> datetime | None:
    """When the earliest of the reads of members' files after a place says that it was."""
    row = await db.fetch_one(
        "SELECT min(created_at) AS at FROM file_read WHERE (xid, id) > ($1::bigint, $2::bigint)",
        after.xid,
        after.id,
    )
    return None if row is None else row["at"]


async def oldest_unsealed(after: Position, *, fetch: Fetch) -> datetime | None:
    """When the earliest of the entries after a place says that it was written."""
    [row] = await fetch(
        "SELECT min(created_at) AS at FROM audit_entry WHERE (xid, id) > ($1::bigint, $2::bigint)",
        after.xid,
        after.id,
    )
    at: datetime | None = row["at"]
    return at


async def list_lines(*, after: Position, until: Position, limit: int) -> list[Line]:
    """The entries after a place, up to another one."""
    rows = await db.fetch(
        f"""
        SELECT {_TEXTS} FROM audit_entry e
         WHERE (e.xid, e.id) > ($1::bigint, $2::bigint) AND (e.xid, e.id) <= ($3::bigint, $4::bigint)
         ORDER BY e.xid, e.id LIMIT $5::int
        """,
        after.xid,
        after.id,
        until.xid,
        until.id,
        limit,
    )
    return [_line(row) for row in rows]


async def insert_batch(batch: Batch, *, head: bytes, signature: bytes) -> None:
    """Add a batch, in the caller's transaction."""
    await db.execute(
        f"INSERT INTO audit_batch ({_SAID}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        batch.number,
        batch.sealed_at,
        batch.begins.xid,
        batch.begins.id,
        batch.ends.xid,
        batch.ends.id,
        batch.entries,
        batch.content_sha256,
        batch.marks,
        batch.previous_head,
        batch.key_id,
        head,
        signature,
    )


async def list_read_seals_before(
    before: Position | None, *, limit: int
) -> list[tuple[Position, ReadSeal | None]]:
    """Entries that say they seal reads, the latest first by what the database numbers; None for what is no seal."""
    rows = await db.fetch(
        """
        SELECT xid, id, after::text AS after FROM audit_entry
         WHERE action = $1 AND ($2::bigint IS NULL OR (xid, id) < ($2, $3::bigint))
         ORDER BY xid DESC, id DESC LIMIT $4
        """,
        read_seals.ACTION,
        None if before is None else before.xid,
        None if before is None else before.id,
        limit,
    )
    return [(Position(row["xid"], row["id"]), read_seals.parsed(row["after"])) for row in rows]


async def list_read_lines(*, after: Position, until: Position, limit: int) -> list[ReadLine]:
    """The reads of members' files after a place, up to another one."""
    rows = await db.fetch(
        f"""
        SELECT {_READ_TEXTS} FROM file_read r
         WHERE (r.xid, r.id) > ($1::bigint, $2::bigint) AND (r.xid, r.id) <= ($3::bigint, $4::bigint)
         ORDER BY r.xid, r.id LIMIT $5::int
        """,
        after.xid,
        after.id,
        until.xid,
        until.id,
        limit,
    )
    return [ReadLine(Position(int(row["xid"]), int(row["id"])), tuple(row)) for row in rows]


async def count_reads(*, after: Position) -> int:
    """How many reads of members' files there are after a place."""
    row = await db.fetch_one(
        "SELECT count(*) AS many FROM file_read WHERE (xid, id) > ($1::bigint, $2::bigint)",
        after.xid,
        after.id,
    )
    assert row is not None  # noqa: S101 - an aggregate
    return int(row["many"])


def _line(row: asyncpg.Record) -> Line:
    texts: tuple[str | None, ...] = tuple(row)
    entry_id, xid, microseconds = (int(text or 0) for text in texts[:3])
    return Line(Position(xid, entry_id), _EPOCH + microseconds * _MICROSECOND, texts)


def _batch(row: asyncpg.Record) -> SealedBatch:
    batch = Batch(
        number=row["number"],
        sealed_at=row["sealed_at"],
        begins=Position(row["from_xid"], row["from_id"]),
        ends=Position(row["to_xid"], row["to_id"]),
        entries=row["entries"],
        content_sha256=row["content_sha256"],
        marks=row["marks"],
        previous_head=row["previous_head"],
        key_id=row["key_id"],
    )
    return SealedBatch(batch, row["head"], row["signature"])
