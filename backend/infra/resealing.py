"""Sealing anew, by the current key, what former keys have sealed in a column of a table."""

from dataclasses import dataclass
from typing import Final

from backend.infra import db, sealing, telemetry
from backend.infra.sealing import SealBroken, Sealed, Sealer

ROWS_AT_ONCE: Final = 500  # locked for a fraction of a second

_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A value that lies in `<name>_sealed` beside `<name>_key_id`, in a table with the primary key `id`.

    `context` is what it is sealed for, as an SQL expression on the table `t`. All of it is the program's own text.
    `rows_at_once` is for large values: all of a transaction's are in memory.
    """

    table: str
    name: str
    context: str
    rows_at_once: int | None = None

    @property
    def most_rows(self) -> int:
        """How many rows a transaction takes."""
        return self.rows_at_once or ROWS_AT_ONCE


@dataclass(frozen=True, slots=True)
class Renewed:
    """How many values were sealed anew, and how many have a seal that does not open and stayed as they were."""

    renewed: int = 0
    broken: int = 0

    def __add__(self, other: "Renewed") -> "Renewed":
        return Renewed(self.renewed + other.renewed, self.broken + other.broken)


async def renew(column: SealedColumn) -> Renewed:
    """Seal a column's values by the current key, some rows a transaction, while others work with them.

    Interrupted, it goes on when it is called again. What does not open is left, and logged by table and id.
    """
    sealer, after, total = sealing.current(), -1, Renewed()
    while True:
        async with db.transaction():
            rows = await _lock_outdated(column, current=sealer.current_key_id, after=after)
            made = {
                row_id: new
                for row_id, sealed, context in rows
                if (new := _resealed(column, row_id, sealed, context, sealer)) is not None
            }
            await _save(column, made)
        total += Renewed(len(made), len(rows) - len(made))
        if len(rows) < column.most_rows:
            return total
        after = rows[-1][0]


def _resealed(
    column: SealedColumn, row_id: int, sealed: Sealed, context: str, sealer: Sealer
) -> Sealed | None:
    try:
        return sealer.seal_bytes(sealer.unseal_bytes(sealed, context=context), context=context)
    except SealBroken:
        _log.exception("seal_broken", table=column.table, column=column.name, row_id=row_id)
        return None


async def _lock_outdated(
    column: SealedColumn, *, current: str, after: int
) -> list[tuple[int, Sealed, str]]:
    rows = await db.fetch(
        f"""
        SELECT t.id, t.{column.name}_sealed AS sealed, t.{column.name}_key_id AS key_id,
               {column.context} AS context
          FROM {column.table} t
         WHERE t.id > $1 AND t.{column.name}_key_id <> $2
         ORDER BY t.id LIMIT $3 FOR UPDATE OF t
        """,  # noqa: S608 - of the program's own words
        after,
        current,
        column.most_rows,
    )
    return [
        (row["id"], Sealed(bytes(row["sealed"]), row["key_id"]), row["context"]) for row in rows
    ]


async def _save(column: SealedColumn, made: dict[int, Sealed]) -> None:
    await db.execute(
        f"""
        UPDATE {column.table} t SET {column.name}_sealed = s.sealed, {column.name}_key_id = s.key_id
          FROM unnest($1::bigint[], $2::bytea[], $3::text[]) AS s (id, sealed, key_id)
         WHERE t.id = s.id
        """,  # noqa: S608
        list(made),
        [each.ciphertext for each in made.values()],
        [each.key_id for each in made.values()],
    )
