"""Every query on membership files and their staging."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from io import BytesIO

import asyncpg
import orjson

from backend.infra import db
from backend.members.file_chunks import Chunk, Position
from backend.members.file_staging import PROBLEM_COLUMNS, ROW_COLUMNS, StagedChunk


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that was begun; `counts` is empty until it has been compared with the members."""

    id: int
    month: int
    state: str
    counts: dict[str, int]
    next_bucket: int


@dataclass(frozen=True, slots=True)
class Staged:
    """How far the staging of a file is: None as `position` where nothing is staged."""

    position: Position | None
    is_whole: bool
    rows: int
    problems: int
    warnings: int
    passed_over: int


_FILE = "id, month, state, counts, next_bucket"
_CLAIM = "hashtextextended('members.import', 0)"
STATEMENT_SECONDS = 30 * 60
_CLAIM_MS = "2000"  # for the session of a process that was killed just now


@asynccontextmanager
async def claim() -> AsyncIterator[bool]:
    """Whether this process alone imports members, until the end of the block.

    The claim is of a session of its own, and dies with the process. Raises DatabaseUnavailable.
    """
    connection = await db.open_own(lock_timeout=_CLAIM_MS, idle_session_timeout="0")
    try:
        is_ours = await _lock(connection)
        try:
            yield is_ours
        finally:
            if is_ours:
                with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    await connection.execute(f"SELECT pg_advisory_unlock({_CLAIM})")
    finally:
        await connection.close()


async def lift_limits() -> None:
    """Let the current transaction take as long as it needs, and each statement of it half an hour."""
    await db.execute(
        """
        SELECT set_config('idle_in_transaction_session_timeout', '0', true),
               set_config('transaction_timeout', '0', true), set_config('statement_timeout', $1, true)
        """,
        f"{STATEMENT_SECONDS}s",
    )


async def find_file(sha256: bytes) -> StoredFile | None:
    """The file of these bytes, but for one that was abandoned."""
    row = await db.fetch_one(
        f"SELECT {_FILE} FROM membership_file WHERE sha256 = $1 AND state <> 'ABANDONED'", sha256
    )
    return None if row is None else _file(row)


async def find_open_file() -> StoredFile | None:
    """The file whose import has begun and not ended; there is one at the most."""
    row = await db.fetch_one(
        f"SELECT {_FILE} FROM membership_file WHERE state IN ('STAGING', 'UNUSUAL', 'MERGING')"
    )
    return None if row is None else _file(row)


async def find_latest_month() -> int | None:
    """The latest month of which a file was merged."""
    row = await db.fetch_one("SELECT max(month) AS month FROM membership_file WHERE state = 'DONE'")
    return None if row is None else row["month"]


async def insert_file(*, sha256: bytes, month: int) -> StoredFile:
    """Begin a file; UniqueViolationError where one is open, or this one was merged."""
    row = await db.fetch_one(
        f"INSERT INTO membership_file (sha256, month) VALUES ($1, $2) RETURNING {_FILE}",
        sha256,
        month,
    )
    assert row is not None  # noqa: S101 - RETURNING
    return _file(row)


async def lock_file(file_id: int) -> StoredFile | None:
    """The file, locked until the transaction ends."""
    row = await db.fetch_one(
        f"SELECT {_FILE} FROM membership_file WHERE id = $1 FOR UPDATE", file_id
    )
    return None if row is None else _file(row)


async def set_state(file_id: int, state: str) -> None:
    """Go on to a state; the last two are dated."""
    await db.execute(
        """
        UPDATE membership_file SET state = $2::text,
               finished_at = CASE WHEN $2::text IN ('DONE', 'ABANDONED') THEN now() END
         WHERE id = $1
        """,
        file_id,
        state,
    )


async def accept_unusual(file_id: int, actor: str) -> None:
    """Write down who let an unusual file pass."""
    await db.execute(
        "UPDATE membership_file SET unusual_accepted_by = $2 WHERE id = $1", file_id, actor
    )


async def save_counts(file_id: int, counts: dict[str, int]) -> None:
    """Keep what the file changes."""
    await db.execute(
        "UPDATE membership_file SET counts = $2::jsonb WHERE id = $1",
        file_id,
        orjson.dumps(counts).decode(),
    )


async def save_next_bucket(file_id: int, bucket: int) -> None:
    """Keep how far the merge is."""
    await db.execute("UPDATE membership_file SET next_bucket = $2 WHERE id = $1", file_id, bucket)


async def delete_file(file_id: int) -> None:
    """Forget a file."""
    await db.execute("DELETE FROM membership_file WHERE id = $1", file_id)


async def clear_staging() -> None:
    """Empty the staging tables, whichever file they hold."""
    await db.execute("TRUNCATE membership_chunk, membership_row, membership_problem")


async def find_staged(file_id: int) -> Staged:
    """How far the staging of a file is. After a crash of the server nothing is staged."""
    row = await db.fetch_one(
        """
        SELECT count(*) AS chunks, coalesce(bool_or(is_last), false) AS is_whole,
               max(end_byte) AS byte, max(next_row) AS row,
               coalesce(sum(rows), 0)::int AS rows, coalesce(sum(problems), 0)::int AS problems,
               coalesce(sum(warnings), 0)::int AS warnings,
               coalesce(sum(passed_over), 0)::int AS passed_over
          FROM membership_chunk WHERE file_id = $1
        """,
        file_id,
    )
    assert row is not None  # noqa: S101 - an aggregate
    position = Position(row["chunks"], row["byte"], row["row"]) if row["chunks"] else None
    return Staged(
        position,
        row["is_whole"],
        row["rows"],
        row["problems"],
        row["warnings"],
        row["passed_over"],
    )


async def insert_chunk(
    file_id: int, chunk: Chunk, staged: StagedChunk, *, with_problems: bool, with_warnings: bool
) -> bool:
    """Stage a chunk; gives False, and does nothing, where it is staged already."""
    inserted = await db.fetch_one(
        """
        INSERT INTO membership_chunk
            (file_id, number, end_byte, next_row, rows, problems, is_last, warnings, passed_over)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING number
        """,
        file_id,
        chunk.at.chunk,
        chunk.after.byte,
        chunk.after.row,
        staged.rows,
        staged.problems,
        chunk.is_last,
        staged.warnings,
        staged.passed_over,
    )
    if inserted is None:
        return False
    await _copy("membership_row", ROW_COLUMNS, staged.row_lines)
    if with_problems:
        await insert_problems(staged.problem_lines)
    if with_warnings:
        await insert_problems(staged.warning_lines)
    return True


async def insert_problems(lines: bytes) -> None:
    """Stage problems, as lines of COPY's text form."""
    await _copy("membership_problem", PROBLEM_COLUMNS, lines)


async def analyze_staging() -> None:
    """Tell the planner what was staged."""
    await db.execute("ANALYZE membership_row")


async def list_problems(
    file_id: int, *, after: tuple[int, int], limit: int
) -> Sequence[tuple[int, int, str, str, str, str]]:
    """The next problems after a row and a position: row, position, column, code, message, hint."""
    rows = await db.fetch(
        """
        SELECT row_number, position, column_name, error_code, message, hint FROM membership_problem
         WHERE file_id = $1 AND (row_number, position) > ($2, $3)
         ORDER BY row_number, position LIMIT $4
        """,
        file_id,
        *after,
        limit,
    )
    return [tuple(row) for row in rows]


async def _lock(connection: db.RawConnection) -> bool:
    try:
        await connection.execute(f"SELECT pg_advisory_lock({_CLAIM})")
    except asyncpg.LockNotAvailableError:
        return False
    return True


async def _copy(table: str, columns: Sequence[str], lines: bytes) -> None:
    if not lines:
        return
    async with db.acquire() as connection:
        await connection.copy_to_table(table, source=BytesIO(lines), columns=columns)


def _file(row: asyncpg.Record) -> StoredFile:
    return StoredFile(
        id=row["id"],
        month=row["month"],
        state=row["state"],
        counts=orjson.loads(row["counts"]),
        next_bucket=row["next_bucket"],
    )
