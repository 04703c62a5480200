"""Every query on the imports, and what is forgotten of their bytes; the others on these are in `repository_uploads`."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, cast

import asyncpg
import orjson

from backend.core.viewer import Scope
from backend.imports.domain import FileImport, ImportKind, ImportState
from backend.infra import db

COLUMNS: Final = (
    "id, kind, state, actor, province_codes, file_name, size_bytes, sha256, part_bytes, month, dry_run, run, attempts,"
    " is_merging, cancelled_by, rows_done, rows_expected, counts, unusual, error_code, error_text, error_hint,"
    " approval_id, accepted_by, created_at, started_at, ended_at, expires_at"
)


async def insert(
    *,
    kind: ImportKind,
    actor: str,
    province_codes: Collection[str] | None,
    file_name: str,
    size_bytes: int,
    sha256: bytes,
    part_bytes: int,
    month: int | None,
    expires_at: datetime,
) -> FileImport:
    """Begin an import, whose file is to be uploaded."""
    row = await db.fetch_one(
        f"""
        INSERT INTO file_import (kind, state, actor, province_codes, file_name, size_bytes, sha256, part_bytes, month,
                                 expires_at)
        VALUES ($1, 'UPLOADING', $2, $3, $4, $5, $6, $7, $8, $9) RETURNING {COLUMNS}
        """,
        kind.value,
        actor,
        None if province_codes is None else sorted(province_codes),
        file_name,
        size_bytes,
        sha256,
        part_bytes,
        month,
        expires_at,
    )
    return found_of(row)


async def hold_operator(actor: str) -> None:
    """Let the operator begin one import at a time, until the transaction ends."""
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"imports:{actor}")


async def list_open(actor: str, *, limit: int) -> list[FileImport]:
    """The imports of an operator that are not ended, the oldest first."""
    rows = await db.fetch(
        f"SELECT {COLUMNS} FROM file_import WHERE actor = $1 AND ended_at IS NULL ORDER BY id LIMIT $2",
        actor,
        limit,
    )
    return [found_of(row) for row in rows]


async def find(import_id: int) -> FileImport | None:
    """An import; who may know of it is for the caller to see (`domain.is_visible`)."""
    row = await db.fetch_one(f"SELECT {COLUMNS} FROM file_import WHERE id = $1", import_id)
    return None if row is None else found_of(row)


async def list_by_ids(import_ids: Collection[int]) -> list[FileImport]:
    """These imports, in no order; who may know of them is for the caller to see."""
    rows = await db.fetch(
        f"SELECT {COLUMNS} FROM file_import WHERE id = ANY($1::bigint[])", list(import_ids)
    )
    return [found_of(row) for row in rows]


async def lock(import_id: int) -> FileImport | None:
    """An import, locked until the transaction ends."""
    row = await db.fetch_one(
        f"SELECT {COLUMNS} FROM file_import WHERE id = $1 FOR UPDATE", import_id
    )
    return None if row is None else found_of(row)


async def list_imports(
    *,
    kinds: Collection[ImportKind],
    scope: Scope,
    state: ImportState | None,
    after_id: int | None,
    limit: int,
) -> list[FileImport]:
    """Imports of these kinds whose own scope lies within this one, the latest first."""
    provinces = [] if scope.association_id is not None else sorted(scope.province_codes)
    rows = await db.fetch(
        f"""
        SELECT {COLUMNS} FROM file_import
         WHERE kind = ANY($1::text[]) AND ($2::bool OR province_codes <@ $3::text[])
           AND ($4::text IS NULL OR state = $4::text) AND ($5::bigint IS NULL OR id < $5::bigint)
         ORDER BY id DESC LIMIT $6
        """,
        [each.value for each in kinds],
        scope.nation,
        provinces,
        state,
        after_id,
        limit,
    )
    return [found_of(row) for row in rows]


async def queue(import_id: int, *, dry_run: bool, at: datetime) -> FileImport:
    """An import that the transaction has locked waits for a worker."""
    row = await db.fetch_one(
        f"""
        UPDATE file_import SET state = 'QUEUED', dry_run = $2, attempts = 0, started_at = $3, expires_at = NULL,
               rows_done = 0, rows_expected = NULL, counts = '{{}}', unusual = '{{}}'
         WHERE id = $1 RETURNING {COLUMNS}
        """,
        import_id,
        dry_run,
        at,
    )
    return found_of(row)


async def accept(import_id: int, *, accepted_by: str) -> FileImport:
    """An import that the transaction has locked, and somebody let pass, waits for a worker."""
    row = await db.fetch_one(
        f"""
        UPDATE file_import SET state = 'QUEUED', attempts = 0, accepted_by = $2, rows_done = 0, rows_expected = NULL
         WHERE id = $1 RETURNING {COLUMNS}
        """,
        import_id,
        accepted_by,
    )
    return found_of(row)


async def ask_to_stop(import_id: int, *, actor: str) -> FileImport:
    """Somebody wants a running import to stop; it looks from time to time."""
    row = await db.fetch_one(
        f"UPDATE file_import SET cancelled_by = $2 WHERE id = $1 RETURNING {COLUMNS}",
        import_id,
        actor,
    )
    return found_of(row)


async def end(
    import_id: int,
    state: ImportState,
    *,
    at: datetime,
    counts: Mapping[str, int] | None = None,
    unusual: Collection[str] = (),
    error: tuple[str, str, str] | None = None,
    cancelled_by: str | None = None,
) -> FileImport:
    """An import that the transaction has locked comes to an end for good; `error` is code, text and hint."""
    row = await db.fetch_one(
        f"""
        UPDATE file_import
           SET state = $2, ended_at = $3, expires_at = NULL, counts = coalesce($4::jsonb, counts),
               unusual = CASE WHEN $4::jsonb IS NULL THEN unusual ELSE $5::text[] END,
               error_code = $6, error_text = $7, error_hint = $8, cancelled_by = coalesce($9, cancelled_by)
         WHERE id = $1 RETURNING {COLUMNS}
        """,
        import_id,
        state.value,
        at,
        _json(counts),
        list(unusual),
        *(error or (None, None, None)),
        cancelled_by,
    )
    return found_of(row)


async def save_checked(
    import_id: int, *, counts: Mapping[str, int], unusual: Collection[str], expires_at: datetime
) -> FileImport:
    """A dry run has come to its end: the same upload can be started again."""
    row = await db.fetch_one(
        f"""
        UPDATE file_import SET state = 'CHECKED', counts = $2::jsonb, unusual = $3::text[], expires_at = $4
         WHERE id = $1 RETURNING {COLUMNS}
        """,
        import_id,
        _json(counts),
        list(unusual),
        expires_at,
    )
    return found_of(row)


async def save_waiting(
    import_id: int, *, approval_id: int, counts: Mapping[str, int], unusual: Collection[str]
) -> FileImport:
    """An import that the transaction has locked waits for a second person."""
    row = await db.fetch_one(
        f"""
        UPDATE file_import SET state = 'WAITING_FOR_APPROVAL', approval_id = $2, accepted_by = NULL,
               counts = $3::jsonb, unusual = $4::text[]
         WHERE id = $1 RETURNING {COLUMNS}
        """,
        import_id,
        approval_id,
        _json(counts),
        list(unusual),
    )
    return found_of(row)


async def find_next_queued(kind: ImportKind) -> int | None:
    """The import of a kind that waits for longest."""
    row = await db.fetch_one(
        "SELECT id FROM file_import WHERE state = 'QUEUED' AND kind = $1 ORDER BY started_at, id LIMIT 1",
        kind.value,
    )
    return None if row is None else int(row["id"])


async def list_runnable(*, limit: int) -> list[int]:
    """Imports that wait for a worker, or should have one."""
    rows = await db.fetch(
        "SELECT id FROM file_import WHERE state IN ('QUEUED', 'RUNNING') ORDER BY id LIMIT $1",
        limit,
    )
    return [row["id"] for row in rows]


async def list_expired(*, at: datetime, limit: int) -> list[int]:
    """Imports for whose operator was waited long enough."""
    rows = await db.fetch(
        """
        SELECT id FROM file_import WHERE state IN ('UPLOADING', 'CHECKED') AND expires_at <= $1 ORDER BY id LIMIT $2
        """,
        at,
        limit,
    )
    return [row["id"] for row in rows]


async def delete_parts(import_id: int, *, limit: int) -> int:
    """Forget some of what was uploaded; gives how many parts."""
    tag = await db.execute(
        """
        DELETE FROM file_import_part WHERE id IN (
               SELECT id FROM file_import_part WHERE file_import_id = $1 ORDER BY number LIMIT $2)
        """,
        import_id,
        limit,
    )
    return int(tag.removeprefix("DELETE "))


async def delete_reports(made_before: datetime, *, limit: int) -> int:
    """Forget some of the reports of before a moment; gives how many parts."""
    tag = await db.execute(
        """
        DELETE FROM file_import_report_part WHERE id IN (
               SELECT id FROM file_import_report_part WHERE created_at < $1 ORDER BY created_at LIMIT $2)
        """,
        made_before,
        limit,
    )
    return int(tag.removeprefix("DELETE "))


def _json(counts: Mapping[str, int] | None) -> str | None:
    return None if counts is None else orjson.dumps(dict(counts)).decode()


def found_of(row: asyncpg.Record | None) -> FileImport:
    """The import of a row that is there."""
    assert row is not None  # noqa: S101 - RETURNING, of a row that the caller has locked
    values = dict(row)
    values["kind"], values["state"] = ImportKind(values["kind"]), ImportState(values["state"])
    codes = values["province_codes"]
    values["province_codes"] = None if codes is None else tuple(codes)
    values["unusual"] = tuple(values["unusual"])
    values["counts"] = cast("dict[str, int]", orjson.loads(values["counts"]))
    return FileImport(**values)
