"""Taking the foreign keys, unique constraints and indexes off tables before much is written, and putting them back.

Primary keys stay: rows come in their order. All within the caller's transaction, so that a crash restores all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from backend.infra import db

_FOREIGN_KEYS = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS make
      FROM pg_constraint
     WHERE contype = 'f' AND conparentid = 0 AND conrelid = ANY($1::text[]::regclass[])
     ORDER BY conrelid, conname
"""
_UNIQUES = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname) AS drop,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname,
                  pg_get_constraintdef(c.oid)) AS make
      FROM pg_constraint c
     WHERE c.contype = 'u' AND c.conparentid = 0 AND c.conrelid = ANY($1::text[]::regclass[])
       AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = c.conindid)
     ORDER BY c.conrelid, c.conname
"""
_INDEXES = """
    SELECT format('DROP INDEX %s', i.indexrelid::regclass) AS drop,
           replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') AS make
      FROM pg_index i
     WHERE i.indrelid = ANY($1::text[]::regclass[])
       AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
     ORDER BY i.indrelid, i.indexrelid::regclass::text
"""
_SEQUENCE = (
    "SELECT setval(pg_get_serial_sequence($1, 'id'), greatest((SELECT max(id) FROM {table}), 1))"
)
# Only for this transaction: room to sort indexes, and no limit of time, whatever the role or the pool has.
_SESSION = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL lock_timeout = 0",
    "SET LOCAL transaction_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SET LOCAL maintenance_work_mem = '512MB'",
    "SET LOCAL work_mem = '64MB'",
    "SET LOCAL synchronous_commit = off",
)
# The driver's own limit, which SET does not lift: an index of 30 million rows may take longer than the pool's.
LONGEST_SECONDS: Final = 12 * 3600.0


@dataclass(frozen=True, slots=True)
class TakenOff:
    """The statements that put everything back, uniques and indexes before the foreign keys."""

    statements: tuple[str, ...]


async def lift_limits(connection: db.RawConnection) -> None:
    """Let nothing cut the transaction's statements, and give them room to sort."""
    for setting in _SESSION:
        await connection.execute(setting)


async def take_off(connection: db.RawConnection, tables: Sequence[str]) -> TakenOff:
    """Drop what slows writing down; give the result to `put_back`."""
    foreign_keys = await _drop(connection, _FOREIGN_KEYS, tables)
    uniques = await _drop(connection, _UNIQUES, tables)
    indexes = await _drop(connection, _INDEXES, tables)
    return TakenOff((*uniques, *indexes, *foreign_keys))


async def put_back(
    connection: db.RawConnection, taken: TakenOff, progress: Callable[[int], None]
) -> None:
    """Make everything again, which checks all rows; `progress` gets how many are made."""
    for done, statement in enumerate(taken.statements, start=1):
        await connection.execute(statement, timeout=LONGEST_SECONDS)
        progress(done)


async def renew_sequences(connection: db.RawConnection, tables: Sequence[str]) -> None:
    """Let the next id follow the highest one."""
    for table in tables:
        await connection.execute(_SEQUENCE.format(table=table).replace("$1", f"'{table}'"))


async def analyze(tables: Sequence[str]) -> None:
    """Tell the planner what the tables hold now."""
    for table in tables:
        await db.execute(f"ANALYZE {table}")


async def database_directory() -> str | None:
    """Where the server says that its files are; None where it does not tell us."""
    row = await db.fetch_one(
        "SELECT current_setting('data_directory', true) AS directory"
        " WHERE pg_has_role('pg_read_all_settings', 'USAGE')"
    )
    return None if row is None else str(row["directory"])


async def _drop(connection: db.RawConnection, query: str, tables: Sequence[str]) -> list[str]:
    found = await connection.fetch(query, list(tables))
    for each in found:
        await connection.execute(each["drop"])
    return [each["make"] for each in found]
