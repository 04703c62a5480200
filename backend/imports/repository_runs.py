"""Every query of a run on its import: what another run has taken over, it writes no more."""

from typing import Final

import asyncpg

from backend.imports.domain import FileImport
from backend.imports.repository import COLUMNS, found_of
from backend.infra import db

_OURS: Final = "id = $1 AND run = $2 AND state = 'RUNNING'"


async def begin_run(import_id: int) -> FileImport | None:
    """Take up a queued import, or one whose worker is gone, as a run of its own number; None where it has to wait.

    One of a kind runs at a time.
    """
    try:
        async with db.transaction():  # a savepoint, where there is one around
            row = await db.fetch_one(
                f"""
                UPDATE file_import f SET state = 'RUNNING', run = run + 1, attempts = attempts + 1
                 WHERE id = $1 AND (state = 'RUNNING' OR state = 'QUEUED' AND NOT EXISTS (
                       SELECT FROM file_import o WHERE o.kind = f.kind AND o.state = 'RUNNING'))
                RETURNING {COLUMNS}
                """,
                import_id,
            )
    except asyncpg.UniqueViolationError:
        return None
    return None if row is None else found_of(row)


async def put_back(import_id: int, run: int) -> None:
    """A run that could not begin its work waits again, and does not count."""
    await db.execute(
        f"UPDATE file_import SET state = 'QUEUED', attempts = greatest(attempts - 1, 0) WHERE {_OURS}",
        import_id,
        run,
    )


async def take_back_attempt(import_id: int, run: int) -> None:
    """A run that ended because something was away does not count."""
    await db.execute(
        f"UPDATE file_import SET attempts = greatest(attempts - 1, 0) WHERE {_OURS}", import_id, run
    )


async def save_progress(
    import_id: int, run: int, *, rows_done: int, rows_expected: int | None
) -> bool | None:
    """Keep how far a run is; gives whether somebody wants it to stop, None where another run has taken its place."""
    row = await db.fetch_one(
        f"""
        UPDATE file_import SET rows_done = $3, rows_expected = $4 WHERE {_OURS}
        RETURNING cancelled_by IS NOT NULL AND NOT is_merging AS is_unwanted
        """,
        import_id,
        run,
        rows_done,
        rows_expected,
    )
    return None if row is None else bool(row["is_unwanted"])


async def begin_merge(import_id: int, run: int) -> bool | None:
    """From here on the run can't be stopped; False where somebody wants it to, None where another has its place."""
    row = await db.fetch_one(
        f"""
        UPDATE file_import SET is_merging = is_merging OR cancelled_by IS NULL WHERE {_OURS} RETURNING is_merging
        """,
        import_id,
        run,
    )
    return None if row is None else bool(row["is_merging"])
