"""The first part of an import: a membership file is brought into the staging tables, chunk by chunk."""

import asyncio
import os
from collections.abc import Callable
from contextlib import aclosing, closing
from dataclasses import dataclass
from pathlib import Path

from backend.core import calendar, text
from backend.infra import db, sheets
from backend.members import file_cells, file_chunks
from backend.members import repository_files as repository
from backend.members.file_chunks import FileStart
from backend.members.file_refusals import MembershipFileChanged, MembershipImportUnderway
from backend.members.file_rows import Provinces
from backend.members.file_staging import Fault, Reading
from backend.members.file_workers import staging_workers
from backend.members.repository_files import Staged, StoredFile
from backend.organization import service as organization

MAX_PROBLEMS_KEPT = 200_000  # of rows by themselves; beyond them a chunk's are counted only
MAX_WARNINGS_KEPT = 50_000  # so that a new branch whose code nobody knows crowds out no problem


@dataclass(frozen=True, slots=True)
class StagingRun:
    """How one run reads the file, and whom it tells; `seen` is the file before its digest was taken."""

    path: Path
    seen: os.stat_result
    start: FileStart
    header: tuple[str, ...]
    prepare_worker: Callable[[], None]
    pension_number_pattern: str
    progress: Callable[[int], None]


async def stage(run: StagingRun, file: StoredFile) -> None:
    """Stage the rest of the file; one that cannot be read to its end is forgotten.

    Raises SheetNotUtf8, SheetBroken, MembershipFileTooLarge, MembershipFileCutOff, MembershipFileChanged,
    MembershipImportUnderway.
    """
    staged = await repository.find_staged(file.id)
    if staged.is_whole:
        run.progress(staged.rows)
        return
    try:
        await _stage_rest(run, file, staged)
    except (
        sheets.SheetNotUtf8,
        sheets.SheetBroken,
        file_chunks.MembershipFileTooLarge,
        file_chunks.MembershipFileCutOff,
        MembershipFileChanged,
    ):
        await _forget(file)
        raise


async def hold(file: StoredFile) -> StoredFile:
    """Lock the file in this transaction, which may take long; another process may have ended it, or given it up.

    Raises MembershipImportUnderway.
    """
    await repository.lift_limits()
    held = await repository.lock_file(file.id)
    if held is None or held.state in ("DONE", "ABANDONED"):
        raise underway(file)
    return held


async def _forget(file: StoredFile) -> None:
    """Leave nothing of a file, unless some of it is merged."""
    async with db.transaction():
        held = await hold(file)
        if held.state != "MERGING":
            await repository.clear_staging()
            await repository.delete_file(file.id)


def underway(file: StoredFile) -> MembershipImportUnderway:
    """Another process is at this file."""
    return MembershipImportUnderway(month=calendar.format_month(file.month))


async def _stage_rest(run: StagingRun, file: StoredFile, staged: Staged) -> None:
    reading = Reading(
        file_id=file.id,
        header=run.header,
        delimiter=run.start.delimiter,
        provinces=await _provinces(),
        units=await organization.list_unit_codes(),
        pension_number_pattern=run.pension_number_pattern,
    )
    rows, problems, warnings = staged.rows, staged.problems, staged.warnings
    with closing(
        file_chunks.read_chunks(run.path, staged.position or run.start.position)
    ) as chunks:
        async with (
            staging_workers(reading, prepare=run.prepare_worker) as workers,
            aclosing(workers.stage(chunks)) as ready,
        ):
            async for chunk, made in ready:
                if isinstance(made, Fault):
                    raise _refusal(made, chunk.at.row)
                async with db.transaction():
                    await hold(file)
                    is_new = await repository.insert_chunk(
                        file.id,
                        chunk,
                        made,
                        with_problems=problems < MAX_PROBLEMS_KEPT,
                        with_warnings=warnings < MAX_WARNINGS_KEPT,
                    )
                    if not is_new:
                        raise underway(file)
                rows, problems = rows + made.rows, problems + made.problems
                warnings += made.warnings
                run.progress(rows)
    after = await asyncio.to_thread(run.path.stat)
    if any(
        getattr(run.seen, each) != getattr(after, each)
        for each in ("st_dev", "st_ino", "st_size", "st_mtime_ns")
    ):
        raise MembershipFileChanged


async def _provinces() -> Provinces:
    found = await organization.list_provinces()
    names = {text.fold_compact(each.name_fa): each.code for each in found}
    return Provinces(
        codes=names | {file_cells.province_key(each.code): each.code for each in found},
        codes_before_2020=names
        | {file_cells.province_key(each.code_before_2020): each.code for each in found},
    )


def _refusal(fault: Fault, row: int) -> sheets.SheetNotUtf8 | sheets.SheetBroken:
    return sheets.SheetNotUtf8() if fault is Fault.NOT_UTF8 else sheets.SheetBroken(row=row - 1)
