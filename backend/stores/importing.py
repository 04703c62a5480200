"""Importing a file of stores: every row is checked by itself, the good ones are saved, a report tells the rest."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, TypeAlias

from backend.core import errors
from backend.core.errors import BadUserInput, DomainError, sentences
from backend.core.locale import Locale
from backend.core.viewer import Viewer
from backend.infra import sheet_writing, sheets, telemetry
from backend.stores import draft_columns, draft_file, draft_problems, reference, saving
from backend.stores.draft_cells import Reference
from backend.stores.draft_file import ParsedRow
from backend.stores.draft_problems import CellProblem
from backend.stores.saving import SaveOutcome

BATCH_ROWS = 500
ACT: Final = "stores.import"  # of each place that a file makes or changes, in the trail
REPORT_HEADER = ("row", "code", "column", "error_code", "message", "hint")

_SUMMARY = "{rows} ردیف خوانده شد: {created} تازه، {changed} تغییرکرده، {unchanged} بی‌تغییر، {invalid} نادرست."
_DRY_RUN = "آزمایشی بود و چیزی ذخیره نشد."
_log = telemetry.logger(__name__)

_Batch: TypeAlias = list[tuple[int, ParsedRow]]


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


class StoreImportStopped(DomainError):
    """Whoever runs the import no longer wants it; the batches before are saved, and no report was written."""

    code = "STORE_IMPORT_STOPPED"
    texts = sentences(
        fa="ورود پرونده پس از {rows} ردیف متوقف شد؛ آنچه تا آنجا ذخیره شد می‌ماند.",
        en="The import was stopped after {rows} rows; what was saved until then stays.",
    )
    hints = sentences(
        fa="برای ادامه، همان پرونده را دوباره وارد کنید.",
        en="To go on, import the same file again.",
    )


def _no_progress(_rows: int) -> None:
    """Tell nobody."""


async def import_stores(
    *,
    viewer: Viewer,
    path: Path,
    dry_run: bool,
    report_path: Path | None = None,
    progress: Callable[[int], None] = _no_progress,
    keep_going: Callable[[], Awaitable[bool]] | None = None,
) -> ImportOutcome:
    """Save the valid rows of a CSV or XLSX file by their codes, and report the others.

    The whole file is read once before anything is saved: one that is cut off, in another encoding,
    too large, or without the right columns changes nothing. Rows are then saved 500 a transaction,
    so an import that was interrupted is simply run again. A dry run checks the same things, gives
    the same figures and saves nothing. The report stands at `report_path`, by default beside the
    file as `<name>.report.csv`; `progress` hears the number of rows done. Each place that is made or changed has an
    entry in the trail.

    What lies outside the viewer's scope is refused as what does not exist. No file changes how a place is paid,
    and only the system's a first settlement: such a row is saved without it, with a warning. `keep_going` is
    asked before each batch.

    Raises Unauthenticated, Forbidden, ReportPathTaken, StoreImportStopped, the errors of `sheets.read_rows`
    and of `draft_columns.read_header`.
    """
    viewer.require(saving.MANAGE)
    report_path = report_path or path.with_name(f"{path.stem}.report.csv")
    await asyncio.to_thread(_check_file, path, report_path)
    report = await asyncio.to_thread(_Report, report_path)
    try:
        saved = await _save_rows(
            viewer, path, report, dry_run=dry_run, progress=progress, keep_going=keep_going
        )
        outcome = ImportOutcome(
            rows=report.rows,
            created=saved.created,
            changed=saved.changed,
            unchanged=saved.unchanged,
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
        created=outcome.created,
        changed=outcome.changed,
        unchanged=outcome.unchanged,
        invalid=outcome.invalid,
        warnings=outcome.warnings,
    )
    return outcome


async def _save_rows(
    viewer: Viewer,
    path: Path,
    report: "_Report",
    *,
    dry_run: bool,
    progress: Callable[[int], None],
    keep_going: Callable[[], Awaitable[bool]] | None,
) -> SaveOutcome:
    """Save the file batch by batch, and tell the report of each row; gives the figures of all of them."""
    known = await reference.within(viewer.scope)
    save = saving.preview_drafts if dry_run else partial(saving.save_drafts, recorded_as=ACT)
    total = SaveOutcome(0, 0, 0)
    with contextlib.closing(_SeenCodes()) as seen:
        batches = _batches(path, known, seen)
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            await _check_wanted(keep_going, report.rows)
            drafts = [row.draft for _, row in batch if row.draft is not None]
            if drafts:
                saved = await save(viewer=viewer, drafts=drafts)
                batch = _with_what_became(batch, saved)
                total = SaveOutcome(
                    total.created + saved.created,
                    total.changed + saved.changed,
                    total.unchanged + saved.unchanged,
                )
            await asyncio.to_thread(report.write, batch)
            progress(report.rows)
    return total


async def _check_wanted(keep_going: Callable[[], Awaitable[bool]] | None, rows: int) -> None:
    if keep_going is not None and not await keep_going():
        raise StoreImportStopped(rows=rows)


def _with_what_became(batch: _Batch, saved: SaveOutcome) -> _Batch:
    """The rows of a batch with what only their saving could tell of them."""

    def told(row: ParsedRow) -> ParsedRow:
        if row.draft is None or row.code is None:
            return row
        if row.code in saved.refused:
            unusable = CellProblem("code", draft_problems.StoreCodeUnusable())
            return ParsedRow(row.code, None, (unusable,))
        if row.code in saved.settlements_left:
            left = CellProblem(
                "settlement_iban", draft_problems.IbanNeedsApproval(), is_warning=True
            )
            return replace(row, problems=(*row.problems, left))
        return row

    return [(number, told(row)) for number, row in batch]


def _check_file(path: Path, report_path: Path) -> None:
    """Read the whole file once for what would spoil all of it."""
    if report_path.resolve() == path.resolve():
        raise ReportPathTaken
    rows = sheets.read_rows(path)
    draft_columns.read_header(next(rows)[1])
    for _ in rows:
        pass


def _batches(path: Path, known: Reference, seen: "_SeenCodes") -> Iterator[_Batch]:
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
