"""Every query that seals the trail and reads it back. Entries come in the order of (transaction, id)."""

from datetime import UTC, datetime, timedelta
from typing import Final

import asyncpg

from backend.audit.chain import COLUMNS, Batch, Line, Position, SealedBatch
from backend.infra import db

_LOCK_KEY: Final = 0x61756474  # sealers come one after the other
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_TEXTS: Final = ", ".join(
    {
        "created_at": "(extract(epoch FROM created_at) * 1000000)::bigint::text",
    }.get(name, f"{name}::text")
    for name in COLUMNS
)
_SAID: Final = (
    "number, sealed_at, from_xid, from_id, to_xid, to_id, entries, content_sha256, marks, previous_head, key_id, head,"
    " signature"
)


async def hold() -> None:
    """Let no other sealer in until the transaction ends."""
    await db.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)


async def oldest_running() -> int:
    """A transaction number below which every transaction is over: what they wrote is there, and is all."""
    row = await db.fetch_one("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xid")
    assert row is not None  # noqa: S101 - a function's row
    return int(row["xid"])


async def find_last() -> SealedBatch | None:
    """The batch with the highest number."""
    row = await db.fetch_one(f"SELECT {_SAID} FROM audit_batch ORDER BY number DESC LIMIT 1")
    return None if row is None else _batch(row)


async def find_batch(number: int) -> SealedBatch | None:
    """A batch by its number."""
    row = await db.fetch_one(f"SELECT {_SAID} FROM audit_batch WHERE number = $1", number)
    return None if row is None else _batch(row)


async def list_batches(*, after: int, limit: int) -> list[SealedBatch]:
    """The batches beyond a number, in their order."""
    rows = await db.fetch(
        f"SELECT {_SAID} FROM audit_batch WHERE number > $1 ORDER BY number LIMIT $2", after, limit
    )
    return [_batch(row) for row in rows]


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


async def oldest_unsealed(after: Position) -> datetime | None:
    """When the first of the entries that are not sealed yet was written."""
    row = await db.fetch_one(
        "SELECT created_at FROM audit_entry WHERE (xid, id) > ($1::bigint, $2::bigint) ORDER BY xid, id LIMIT 1",
        after.xid,
        after.id,
    )
    return None if row is None else row["created_at"]


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
