"""Every query on favourites. Each names the member, so that no row of another is met."""

from collections.abc import Sequence
from datetime import date

from backend.infra import db
from backend.stores import repository
from backend.stores.domain import Store
from backend.stores.repository_conditions import Arguments


async def lock_favourites(*, member_id: int) -> None:
    """Let the transactions that change this member's favourites come one after the other."""
    await db.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('stores.favourites', $1))", member_id
    )


async def list_favourites(
    *, member_id: int, today: date, after: int | None, limit: int
) -> list[tuple[int, Store]]:
    """The member's active favourites, the newest first, each with its key; `after` is the last one seen."""
    arguments = Arguments()
    conditions = [f"f.member_id = {arguments.add(member_id, 'bigint')}", "s.state = 'ACTIVE'"]
    if after is not None:
        conditions.append(f"f.id < {arguments.add(after, 'bigint')}")
    page = (
        "SELECT s.*, f.id AS favourite_id FROM store_favourite f JOIN store s ON s.id = f.store_id"
        f" WHERE {' AND '.join(conditions)} ORDER BY f.id DESC LIMIT {arguments.add(limit, 'int')}"
    )
    sql = repository.select(
        page, arguments, today=today, order="s.favourite_id DESC", extra=", s.favourite_id"
    )
    rows = await db.fetch(sql, *arguments.values)
    return [(row["favourite_id"], repository.store(row)) for row in rows]


async def list_ids(*, member_id: int, store_ids: Sequence[int]) -> frozenset[int]:
    """Which of these places are among the member's favourites."""
    rows = await db.fetch(
        "SELECT store_id FROM store_favourite WHERE member_id = $1 AND store_id = ANY($2::bigint[])",
        member_id,
        list(store_ids),
    )
    return frozenset(row["store_id"] for row in rows)


async def count_active(*, member_id: int) -> int:
    """How many favourites the member has, without those of suspended places, which no list shows."""
    row = await db.fetch_one(
        """
        SELECT count(*) AS count FROM store_favourite f JOIN store s ON s.id = f.store_id
         WHERE f.member_id = $1 AND s.state = 'ACTIVE'
        """,
        member_id,
    )
    return 0 if row is None else int(row["count"])


async def insert_favourite(*, member_id: int, store_id: int) -> None:
    """Put a place among the member's favourites, where it is not yet."""
    await db.execute(
        "INSERT INTO store_favourite (member_id, store_id) VALUES ($1, $2)"
        " ON CONFLICT (member_id, store_id) DO NOTHING",
        member_id,
        store_id,
    )


async def delete_favourite(*, member_id: int, store_id: int) -> None:
    """Take a place from the member's favourites."""
    await db.execute(
        "DELETE FROM store_favourite WHERE member_id = $1 AND store_id = $2", member_id, store_id
    )
