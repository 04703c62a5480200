"""Importing a file of stores: every row is checked by itself, the good ones are saved, a report tells the rest."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from backend.core import errors
from backend.core.errors import BadUserInput, sentences
from backend.core.locale import Locale
from backend.core.viewer import Viewer
from backend.infra import sheet_writing, sheets, telemetry
from backend.organization import service as organization
from backend.stores import (
    draft_cells,
    draft_columns,
    draft_file,
    draft_problems,
    repository,
    saving,
)
from backend.stores.draft_cells import ProvinceEntry, Reference
from backend.stores.draft_file import ParsedRow
from backend.stores.draft_problems import CellProblem

BATCH_ROWS = 500
REPORT_HEADER = ("row", "code", "column", "error_code", "message", "hint")

_SUMMARY = "{rows} ردیف خوانده شد: {created} تازه، {changed} تغییرکرده، {unchanged} بی‌تغییر، {invalid} نادرست."
_DRY_RUN = "آزمایشی بود و چیزی ذخیره نشد."
_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What became of the rows: `rows` is the sum of the next four. A row may have several warnings."""

    rows: int
    created: int
    changed: int
    unchanged: int
    invalid: int
    report_path: Path
    warnings: int = 0


class ReportPathTaken(BadUserInput):
    """The report would be written over the file that is to be imported."""

    code = "REPORT_PATH_TAKEN"
    texts = sentences(
        fa="گزارش نمی‌تواند جای خود پرونده نوشته شود.",
        en="The report cannot be written over the file itself.",
    )
    hints = sentences(fa="نشانی دیگری برای گزارش بدهید.", en="Give another path for the report.")


def _no_progress(_rows: int) -> None:
    """Tell nobody."""


async def import_stores(
    *,
    viewer: Viewer,
    path: Path,
    dry_run: bool,
    report_path: Path | None = None,
    progress: Callable[[int], None] = _no_progress,
) -> ImportOutcome:
    """Save the valid rows of a CSV or XLSX file by their codes, and report the others.

    The whole file is read once before anything is saved: one that is cut off, in another encoding,
    too large, or without the right columns changes nothing. Rows are then saved 500 a transaction,
    so an import that was interrupted is simply run again. A dry run checks the same things, gives
    the same figures and saves nothing. The report stands at `report_path`, by default beside the
    file as `<name>.report.csv`; `progress` hears the number of rows done.

    Raises Unauthenticated, Forbidden, ReportPathTaken, the errors of `sheets.read_rows` and of
    `draft_columns.read_header`.
    """
    viewer.require(saving.MANAGE)
    report_path = report_path or path.with_name(f"{path.stem}.report.csv")
    await asyncio.to_thread(_check_file, path, report_path)
    known = await _reference()
    save = saving.preview_drafts if dry_run else saving.save_drafts
    report = await asyncio.to_thread(_Report, report_path)
    created = changed = unchanged = 0
    try:
        with contextlib.closing(_SeenCodes()) as seen:
            batches = _batches(path, known, seen)
            while (batch := await asyncio.to_thread(next, batches, None)) is not None:
                drafts = [row.draft for _, row in batch if row.draft is not None]
                if drafts:
                    saved = await save(viewer=viewer, drafts=drafts)
                    created += saved.created
                    changed += saved.changed
                    unchanged += saved.unchanged
                await asyncio.to_thread(report.write, batch)
                progress(report.rows)
        outcome = ImportOutcome(
            rows=report.rows,
            created=created,
            changed=changed,
            unchanged=unchanged,
            invalid=report.invalid,
            report_path=report_path,
            warnings=report.warnings,
        )
        await asyncio.to_thread(report.finish, outcome, dry_run=dry_run)
    except BaseException:
        report.abandon()
        raise
    _log.info(
        "stores.imported",
        dry_run=dry_run,
        rows=outcome.rows,
        created=created,
        changed=changed,
        unchanged=unchanged,
        invalid=outcome.invalid,
        warnings=outcome.warnings,
    )
    return outcome


async def _reference() -> Reference:
    return draft_cells.reference(
        categories=await repository.list_categories(),
        provinces=[
            ProvinceEntry(each.code, each.code_before_2020, each.name_fa, each.bounds)
            for each in await organization.list_provinces()
        ],
    )


def _check_file(path: Path, report_path: Path) -> None:
    """Read the whole file once for what would spoil all of it."""
    if report_path.resolve() == path.resolve():
        raise ReportPathTaken
    rows = sheets.read_rows(path)
    draft_columns.read_header(next(rows)[1])
    for _ in rows:
        pass


def _batches(
    path: Path, known: Reference, seen: "_SeenCodes"
) -> Iterator[list[tuple[int, ParsedRow]]]:
    """Yield the rows below the header as they were understood, each with its number."""
    rows = sheets.read_rows(path)
    header = draft_columns.read_header(next(rows)[1])
    while batch := list(islice(rows, BATCH_ROWS)):
        yield [
            (number, _unrepeated(number, draft_file.parse_row(header, cells, known=known), seen))
            for number, cells in batch
        ]


def _unrepeated(number: int, row: ParsedRow, seen: "_SeenCodes") -> ParsedRow:
    if row.code is None:
        return row
    first = seen.first_row(row.code, number)
    if first == number:
        return row
    repeated = CellProblem("code", draft_problems.RepeatedStoreCode(row=first))
    return ParsedRow(row.code, None, (repeated, *row.problems))


class _SeenCodes:
    """In which row each code of the file stands first.

    In SQLite's temporary file, so that a million codes need no more memory than a thousand.
    """

    def __init__(self) -> None:
        self._table = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._table.execute("CREATE TABLE seen (code TEXT PRIMARY KEY, row INTEGER) WITHOUT ROWID")
        self._table.execute("BEGIN")

    def first_row(self, code: str, number: int) -> int:
        """Return the row in which the code was first, this one where it is new."""
        added = self._table.execute(
            "INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING", (code, number)
        )
        if added.rowcount:
            return number
        (first,) = self._table.execute("SELECT row FROM seen WHERE code = ?", (code,)).fetchone()
        return int(first)

    def close(self) -> None:
        self._table.close()


class _Report:
    """The report under way: a line a problem, and the figures at the end."""

    def __init__(self, path: Path) -> None:
        self.rows = 0
        self.invalid = 0
        self.warnings = 0
        self._file = sheet_writing.create(path)
        self._file.write([REPORT_HEADER])

    def write(self, batch: Sequence[tuple[int, ParsedRow]]) -> None:
        for number, row in batch:
            self.rows += 1
            self.invalid += row.draft is None
            self.warnings += sum(problem.is_warning for problem in row.problems)
            self._file.write(_report_line(number, row.code, problem) for problem in row.problems)

    def finish(self, outcome: ImportOutcome, *, dry_run: bool) -> None:
        figures = {
            "rows": outcome.rows,
            "created": outcome.created,
            "changed": outcome.changed,
            "unchanged": outcome.unchanged,
            "invalid": outcome.invalid,
        }
        summary = errors.render(_SUMMARY, figures, Locale.FA)
        self._file.write([("", "", "", "SUMMARY", summary, _DRY_RUN if dry_run else "")])
        self._file.finish()

    def abandon(self) -> None:
        self._file.abandon()


def _report_line(number: int, code: str | None, problem: CellProblem) -> tuple[str, ...]:
    return (
        str(number),
        code or "",
        problem.column,
        problem.code,
        problem.error.message(Locale.FA),
        problem.error.hint(Locale.FA),
    )
