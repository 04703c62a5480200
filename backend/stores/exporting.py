"""Exporting all stores to a file that an import reads back without a difference."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from backend.core.viewer import Viewer
from backend.infra import db, sheet_writing, telemetry
from backend.stores import draft_columns, draft_file, repository_drafts, saving
from backend.stores.domain import PlaceKind

READ_SETTLEMENT = "stores.settlement.read"
PAGE_ROWS = 500

_log = telemetry.logger(__name__)


async def export_stores(
    *,
    viewer: Viewer,
    path: Path,
    with_settlement: bool = False,
    kinds: Sequence[PlaceKind] | None = None,
) -> int:
    """Write the places in the order of their codes as CSV or XLSX; gives their number.

    All rows are of one moment: call it outside any transaction. The settlement columns are empty
    unless asked for; offers are not in the file. It is readable by its owner alone, and what stood
    at `path` stays until the new file is whole.

    Raises Unauthenticated, Forbidden, SheetKindUnknown, SheetMissing, SheetTooLarge.
    """
    viewer.require(saving.MANAGE)
    if with_settlement:
        viewer.require(READ_SETTLEMENT)
    file = await asyncio.to_thread(sheet_writing.create, path)
    try:
        await asyncio.to_thread(file.write, [draft_columns.HEADER])
        count = await _write_all(file, with_settlement=with_settlement, kinds=kinds)
        await asyncio.to_thread(file.finish)
    except BaseException:
        file.abandon()
        raise
    _log.info("stores.exported", rows=count, with_settlement=with_settlement, actor=viewer.actor)
    return count


async def _write_all(
    file: sheet_writing.RowWriter, *, with_settlement: bool, kinds: Sequence[PlaceKind] | None
) -> int:
    count, last_code = 0, ""
    async with db.transaction():
        await db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        while page := await repository_drafts.list_drafts_after(
            last_code, kinds=kinds, limit=PAGE_ROWS, with_settlement=with_settlement
        ):
            await asyncio.to_thread(file.write, [draft_file.format_row(draft) for draft in page])
            count, last_code = count + len(page), page[-1].code
    return count
