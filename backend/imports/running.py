"""A run of an import, in a worker: the file is put together, imported with its operator's rights, and reported on.

A worker that dies leaves the import RUNNING and its job to another, which takes it up as a run of its own; what the
first one still writes is refused by its number. Both importers go on with the same file from where they were.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Final

from backend.access import acting_operators
from backend.audit import service as audit
from backend.core import clock
from backend.core.errors import DomainError, Unavailable
from backend.core.viewer import SYSTEM, Viewer
from backend.imports import (
    approving,
    domain,
    ending,
    refusals,
    repository,
    repository_runs,
    uploads,
    work_folders,
)
from backend.imports.domain import FileImport, ImportKind, ImportState, ReportKind
from backend.imports.watching import RunReplaced, RunUnwanted, Watch, watched
from backend.infra import db, telemetry
from backend.members import domain as members
from backend.members import file_reports
from backend.members import importing as member_importing
from backend.members.file_cells import PENSION_NUMBER_PATTERN
from backend.members.file_refusals import MembershipImportRunning, MembershipStagingLost
from backend.members.importing import MembershipOutcome, Turns
from backend.stores import importing as store_importing
from backend.stores.importing import StoreImportStopped

_ADVICE: Final = "همکار دیگری باید در میز کار، ورود این پرونده را تأیید کند."
_SUFFIXES: Final = frozenset({".csv", ".xlsx"})
_NOT_COUNTED_ONCE: Final = MappingProxyType(
    dict.fromkeys(("stopped", "deaths", "unpensioned", "unknown_units", "passed_over"), 0)
)  # of a file that was imported before they were
_READ_BYTES: Final = 4 * 1024 * 1024

_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run; `membership` is that of a membership file."""

    counts: Mapping[str, int]
    unusual: tuple[str, ...] = ()
    membership: MembershipOutcome | None = None


class _Again(Exception):
    """The run could not go on, and the next one can."""


class _Settings:
    prepare_worker: Callable[[], None] | None = None
    pension_number_pattern: str = PENSION_NUMBER_PATTERN


def configure(*, prepare_worker: Callable[[], None], pension_number_pattern: str) -> None:
    """Set how a fresh process of a membership import gets its sealer, and what a pension number looks like."""
    _Settings.prepare_worker = prepare_worker
    _Settings.pension_number_pattern = pension_number_pattern


async def run(import_id: int) -> None:
    """Take up an import and bring it to where it has to wait, or to its end. Once more, it changes nothing.

    Where another of its kind runs it is left for later. Raises what is to be tried again.
    """
    taken = await repository_runs.begin_run(import_id)
    if taken is None:
        return
    try:
        await _try(taken)
    except RunReplaced:
        _log.warning("imports.run_replaced", import_id=import_id, run=taken.run)
    except RunUnwanted:
        await _end(taken, ImportState.CANCELLED, "imports.cancelled")
    except MembershipImportRunning:  # from the command line; the sweep tries again
        await repository_runs.put_back(import_id, taken.run)
    except db.StatementTimedOut:  # perhaps it always does: this run counts
        raise
    except Unavailable:
        await repository_runs.take_back_attempt(import_id, taken.run)
        raise
    except DomainError as error:
        await _end(taken, ImportState.FAILED, "imports.failed", error=error)


async def _try(taken: FileImport) -> None:
    """Do the work; what nobody expected is raised while there are tries left. Raises FileImportGivenUp after them."""
    if taken.attempts > domain.MAX_ATTEMPTS:  # the workers before died of it
        raise refusals.FileImportGivenUp
    try:
        await _work(taken)
    except (RunReplaced, RunUnwanted):
        raise
    except MembershipStagingLost as error:  # the next try stages anew
        raise _Again from error
    except DomainError:
        raise
    except Exception as error:
        if taken.attempts < domain.MAX_ATTEMPTS:
            raise
        _log.exception("imports.given_up", import_id=taken.id)
        raise refusals.FileImportGivenUp from error


async def _work(taken: FileImport) -> None:
    if taken.cancelled_by is not None and not taken.is_merging:
        raise RunUnwanted
    viewer = await _viewer(taken)
    with audit.acting_for(taken.actor) if viewer is SYSTEM else nullcontext():
        async with _folder() as folder, watched(taken) as watch:
            path = folder / f"file{_suffix(taken)}"
            await uploads.write_to(taken.id, path)
            watch.rows_expected = await asyncio.to_thread(_expected_rows, taken, path)
            importer = _import_members if taken.kind is ImportKind.MEMBERS else _import_stores
            outcome = await importer(viewer, taken, path, watch)
        await _finish(viewer, taken, outcome)


async def _viewer(taken: FileImport) -> Viewer:
    """Who the import is done as: its operator, with the rights of this moment.

    What is merged in part has to be completed, also where the operator is gone: the system does it then.
    Raises ImporterRightsGone.
    """
    found = await acting_operators.find_viewer(taken.actor)
    is_there = found is not None and found.scope.includes(taken.scope)
    if found is not None and is_there and found.may(domain.PERMISSION[taken.kind]):
        return replace(found, scope=taken.scope)  # what the operator got since was not meant
    if taken.is_merging:
        return SYSTEM
    raise refusals.ImporterRightsGone


async def _import_members(viewer: Viewer, taken: FileImport, path: Path, watch: Watch) -> Outcome:
    assert _Settings.prepare_worker is not None  # noqa: S101 - the composition root has set it

    async def keep(report_path: Path) -> None:
        await _keep_reports(taken, report_path)

    found = await member_importing.import_members(
        viewer=viewer,
        path=path,
        prepare_worker=_Settings.prepare_worker,
        month=taken.month,
        dry_run=taken.dry_run,
        accepted_by=taken.accepted_by,
        accepted_counts=None if taken.accepted_by is None else taken.counts,
        pension_number_pattern=_Settings.pension_number_pattern,
        progress=watch.tell,
        turns=Turns(before_merge=watch.let_merge, keep_report=keep, advice=_ADVICE),
    )
    counts = {**_NOT_COUNTED_ONCE, **found.counts}
    if found.was_imported_before and not taken.is_merging:
        return Outcome({**counts, domain.REPEATED: 1}, (), found)
    return Outcome(counts, members.unusual(counts), found)


async def _import_stores(viewer: Viewer, taken: FileImport, path: Path, watch: Watch) -> Outcome:
    try:
        found = await store_importing.import_stores(
            viewer=viewer,
            path=path,
            dry_run=taken.dry_run,
            progress=watch.tell,
            keep_going=watch.keep_going,
        )
    except StoreImportStopped as error:
        raise RunUnwanted from error
    await _keep_reports(taken, found.report_path)
    return Outcome(
        {
            "rows": found.rows,
            "created": found.created,
            "changed": found.changed,
            "unchanged": found.unchanged,
            "invalid": found.invalid,
            "warnings": found.warnings,
        }
    )


async def _keep_reports(taken: FileImport, report_path: Path) -> None:
    await uploads.save_report(taken.id, ReportKind.REPORT, report_path)
    vanished = file_reports.vanished_path(report_path)
    if await asyncio.to_thread(vanished.exists):
        await uploads.save_report(taken.id, ReportKind.VANISHED, vanished)


async def _finish(viewer: Viewer, taken: FileImport, outcome: Outcome) -> None:
    """Bring the import to where the outcome puts it, in one transaction. Raises RunReplaced, RunUnwanted."""
    async with db.transaction():
        found = await _held(taken)
        is_unwanted = found.cancelled_by is not None and not found.is_merging
        needs_decision = outcome.membership is not None and outcome.membership.needs_decision
        if is_unwanted and (found.dry_run or needs_decision):
            raise RunUnwanted
        if found.dry_run:
            checked = await repository.save_checked(
                found.id,
                counts=outcome.counts,
                unusual=outcome.unusual,
                expires_at=clock.now() + domain.UPLOAD_LIFETIME,
            )
            await ending.record(viewer, "imports.checked", checked)
            await ending.begin_next(found)
        elif needs_decision and outcome.membership is not None:
            waiting = await approving.ask(viewer, found, outcome.membership)
            await ending.record(viewer, "imports.waiting", waiting)
            await ending.begin_next(found)
        else:
            await ending.end(
                found,
                ImportState.DONE,
                viewer=viewer,
                action="imports.done",
                counts=outcome.counts,
                unusual=outcome.unusual,
            )


async def _end(
    taken: FileImport, state: ImportState, action: str, *, error: DomainError | None = None
) -> None:
    """End the run's import, unless another run has taken its place."""
    async with db.transaction():
        try:
            found = await _held(taken)
        except RunReplaced:
            return
        await ending.end(found, state, viewer=SYSTEM, action=action, error=error)


async def _held(taken: FileImport) -> FileImport:
    """The run's import, locked. Raises RunReplaced."""
    found = await repository.lock(taken.id)
    if found is None or found.run != taken.run or found.state is not ImportState.RUNNING:
        raise RunReplaced
    return found


@asynccontextmanager
async def _folder() -> AsyncIterator[Path]:
    made = work_folders.work_folder()
    folder = await asyncio.to_thread(made.__enter__)
    try:
        yield folder
    finally:
        await asyncio.to_thread(made.__exit__, None, None, None)


def _suffix(taken: FileImport) -> str:
    suffix = PurePath(taken.file_name).suffix.lower()
    return suffix if suffix in _SUFFIXES else ".csv"


def _expected_rows(taken: FileImport, path: Path) -> int | None:
    """How many rows the importer will tell of, by the line breaks of the file; None for a workbook."""
    if _suffix(taken) != ".csv":
        return None
    with path.open("rb") as file:
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(_READ_BYTES), b""))
    rows = max(lines - 1, 0)
    merges = taken.kind is ImportKind.MEMBERS and not taken.dry_run
    return 2 * rows if merges else rows
