"""Importing the monthly membership file: staged in chunks, compared, then merged in steps.

`docs/membership-file.md` tells it to those who run it. Each step is one transaction and leaves a
mark, so that the same file, started again after a kill -9, goes on where it was.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from backend.core import calendar, clock, text
from backend.core.permissions import Permission
from backend.core.viewer import Viewer
from backend.infra import db, telemetry
from backend.members import (
    deciding,
    domain,
    file_chunks,
    file_reports,
    file_rows,
    merging,
    staging,
)
from backend.members import repository_files as repository
from backend.members.deciding import Acceptance
from backend.members.file_cells import PENSION_NUMBER_PATTERN
from backend.members.file_refusals import (
    MembershipAcceptorInvalid,
    MembershipImportRunning,
    MembershipImportUnderway,
    MembershipMonthAhead,
    MembershipMonthDiffers,
    MembershipMonthPassed,
)
from backend.members.repository_files import StoredFile
from backend.members.staging import StagingRun

MAX_ACCEPTOR_CHARACTERS = 80

_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class MembershipOutcome:
    """What became of the rows, and of the members who are not among them.

    `rows` is the sum of the next four. `deactivated` are those who vanished, `stopped` those whom their row makes
    inactive. `deceased` counts the deaths in refused rows as well. `unknown_units` are cells that name no branch or
    association, `passed_over` phones, IBANs and cities that are not valid. `unusual` names what is too much of, as
    `domain.unusual` does; where `needs_decision` is true, nothing was merged. `counts` are the figures as the file
    keeps them, for `domain.figures`.
    """

    month: int
    rows: int
    created: int
    changed: int
    unchanged: int
    invalid: int
    deactivated: int
    stopped: int
    deceased: int
    phone_changed: int
    active_before: int
    unknown_units: int
    passed_over: int
    unusual: tuple[str, ...]
    counts: Mapping[str, int]
    needs_decision: bool = False
    was_imported_before: bool = False
    report_path: Path | None = None


def _no_progress(_rows: int) -> None:
    """Tell nobody."""


async def _nothing() -> None:
    """Let the file pass."""


async def _no_keeping(_report_path: Path) -> None:
    """Leave the report where it stands."""


@dataclass(frozen=True, slots=True)
class Turns:
    """What is done at an import's turning points for who runs it.

    `before_merge` is called in the transaction that lets the file pass, once more where a merge goes on, and may stop
    it by an error of its own; a dry run has no such moment. `keep_report` is called when the report stands, before
    the import is done for good. `advice` tells readers of the report how to let an unusual file pass.
    """

    before_merge: Callable[[], Awaitable[None]] = _nothing
    keep_report: Callable[[Path], Awaitable[None]] = _no_keeping
    advice: str = file_reports.COMMAND_ADVICE


_UNATTENDED = Turns()


async def import_members(
    *,
    viewer: Viewer,
    path: Path,
    prepare_worker: Callable[[], None],
    month: int | None = None,
    dry_run: bool = False,
    accepted_by: str | None = None,
    accepted_counts: Mapping[str, int] | None = None,
    report_path: Path | None = None,
    pension_number_pattern: str = PENSION_NUMBER_PATTERN,
    progress: Callable[[int], None] = _no_progress,
    turns: Turns = _UNATTENDED,
) -> MembershipOutcome:
    """Make the members what a membership file (CSV) says, and report the rows that are not valid.

    Valid rows create and change members by national code. Active members who are in no row, valid or
    not, become INACTIVE; who is marked deceased, in whatever row, becomes DECEASED. Where the file does
    more than `domain.MOST_PER_MILLE` allows, nothing is merged before somebody repeats the call with
    `accepted_by`, a name that is kept; with `accepted_counts`, the counts of an earlier outcome, only where the file
    still does no more than those say. A file that was merged before changes nothing.

    A dry run is one transaction that is undone: nothing is changed, an undecided file included.
    One import, or dry run, goes at a time; the claim on it dies with the process.

    `prepare_worker` sets up sealing in a worker process. The month is by default the present one.
    The report stands at `report_path`, by default beside the file as `<name>.report.csv`. `progress`
    hears a count that goes to twice the number of rows: each is checked, then merged.

    Raises Unauthenticated, Forbidden, the errors of `file_refusals`, of `file_rows.read_header` and of
    `file_chunks`, and SheetNotUtf8 or SheetBroken where the file cannot be read to its end.
    """
    viewer.require(Permission.MEMBERS_IMPORT)
    acceptance = (
        None if accepted_by is None else Acceptance(_acceptor(accepted_by), accepted_counts)
    )
    report_path = report_path or path.with_name(f"{path.stem}.report.csv")
    seen = await asyncio.to_thread(file_chunks.stat, path)
    start = await asyncio.to_thread(file_chunks.read_start, path)
    header = file_rows.read_header(start.cells)
    await asyncio.to_thread(file_reports.check_path, report_path, path)
    run = StagingRun(path, seen, start, header, prepare_worker, pension_number_pattern, progress)
    with db.patience(repository.STATEMENT_SECONDS):
        async with repository.claim() as is_alone:
            if not is_alone:
                raise MembershipImportRunning
            if not dry_run:
                return await _import(viewer, run, month, report_path, turns, acceptance=acceptance)
            async with _undone():
                outcome = await _import(
                    viewer,
                    run,
                    month,
                    report_path,
                    replace(_UNATTENDED, advice=turns.advice),
                    dry_run=True,
                )
            if outcome.report_path is not None:
                await turns.keep_report(outcome.report_path)
            return outcome


async def abandon(*, viewer: Viewer, sha256: bytes) -> None:
    """Forget what is staged of a file that nobody will let pass; one that is merged, even in part, stays.

    Raises Unauthenticated, Forbidden, and MembershipImportRunning, after which it is to be called again.
    """
    viewer.require(Permission.MEMBERS_IMPORT)
    async with repository.claim() as is_alone:
        if not is_alone:
            raise MembershipImportRunning
        async with db.transaction():
            file = await repository.find_file(sha256)
            if file is not None and file.state in ("STAGING", "UNUSUAL"):
                await staging.hold(file)
                await repository.clear_staging()
                await repository.set_state(file.id, "ABANDONED")


async def _import(
    viewer: Viewer,
    run: StagingRun,
    month: int | None,
    report_path: Path,
    turns: Turns,
    *,
    acceptance: Acceptance | None = None,
    dry_run: bool = False,
) -> MembershipOutcome:
    """All of an import; a dry run leaves out the merge."""
    began = perf_counter()
    file = await _begin(await asyncio.to_thread(file_chunks.sha256, run.path), month)
    if file.state == "DONE":
        return _outcome(file, was_imported_before=True)
    await staging.stage(run, file)
    file = await deciding.compare(
        viewer, file, acceptance=acceptance, before_merge=turns.before_merge
    )
    needs_decision = file.state == "UNUSUAL"
    if not dry_run and not needs_decision:
        await merging.merge(file, run.progress)
    async with db.transaction():
        await repository.lift_limits()
        advice = turns.advice if needs_decision else None
        await file_reports.write(report_path, file, dry_run=dry_run, advice=advice)
    if not dry_run:
        await turns.keep_report(report_path)
        if not needs_decision:
            await merging.finish(viewer, file)
    _log.info(
        "members.imported",
        dry_run=dry_run,
        needs_decision=needs_decision,
        seconds=round(perf_counter() - began, 1),
        **file.counts,
    )
    return _outcome(file, needs_decision=needs_decision, report_path=report_path)


class _Undo(Exception):
    """Ends a transaction whose changes nobody wants."""


@asynccontextmanager
async def _undone() -> AsyncIterator[None]:
    """Run the block in one transaction, and undo it; the staging tables are for nobody else meanwhile."""
    try:
        async with db.transaction():
            await repository.lift_limits()
            yield
            raise _Undo  # noqa: TRY301 - the transaction ends by it
    except _Undo:
        pass


def _acceptor(name: str) -> str:
    cleaned = text.clean_name(name)
    if not 1 <= len(cleaned) <= MAX_ACCEPTOR_CHARACTERS:
        raise MembershipAcceptorInvalid(most=MAX_ACCEPTOR_CHARACTERS)
    return cleaned


async def _begin(sha256: bytes, month: int | None) -> StoredFile:
    """The file's row: the one of an earlier run, or a new one, for which an undecided file yields."""
    async with db.transaction():
        known = await repository.find_file(sha256)
        if known is not None:
            if month not in (None, known.month):
                raise MembershipMonthDiffers(month=calendar.format_month(known.month))
            return known
        present = calendar.month_of(clock.today())
        month = month or present
        if month > calendar.add_months(present, 1):
            raise MembershipMonthAhead(month=calendar.format_month(month))
        latest = await repository.find_latest_month()
        if latest is not None and month < latest:
            raise MembershipMonthPassed(month=calendar.format_month(latest))
        other = await repository.find_open_file()
        if other is not None:
            if other.state == "MERGING":
                raise MembershipImportUnderway(month=calendar.format_month(other.month))
            await repository.set_state(other.id, "ABANDONED")
        await repository.clear_staging()
        return await repository.insert_file(sha256=sha256, month=month)


def _outcome(
    file: StoredFile,
    *,
    needs_decision: bool = False,
    was_imported_before: bool = False,
    report_path: Path | None = None,
) -> MembershipOutcome:
    counts = file.counts
    return MembershipOutcome(
        month=file.month,
        rows=counts["rows"],
        created=counts["created"],
        changed=counts["changed"],
        unchanged=counts["unchanged"],
        invalid=counts["invalid"],
        deactivated=counts["vanished"],
        stopped=counts.get("stopped", 0),  # this and others: a file of before they were counted
        deceased=counts["deceased"],
        phone_changed=counts["renumbered"],
        active_before=counts["active_before"],
        unknown_units=counts.get("unknown_units", 0),
        passed_over=counts.get("passed_over", 0),
        unusual=domain.unusual(counts) if needs_decision else (),
        counts=counts,
        needs_decision=needs_decision,
        was_imported_before=was_imported_before,
        report_path=report_path,
    )
