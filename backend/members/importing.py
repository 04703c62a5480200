"""Importing the monthly membership file: staged in chunks, compared, then merged in steps.

`docs/membership-file.md` tells it to those who run it. Each step is one transaction and leaves a
mark, so that the same file, started again after a kill -9, goes on where it was.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from backend.audit import service as audit
from backend.core import calendar, clock
from backend.core.viewer import Viewer
from backend.infra import db, jobs, telemetry
from backend.infra.sheet_problems import CellProblem
from backend.members import (
    domain,
    file_chunks,
    file_problems,
    file_reports,
    file_rows,
    file_staging,
    repository_merge,
    staging,
)
from backend.members import repository_files as repository
from backend.members.file_cells import PENSION_NUMBER_PATTERN
from backend.members.file_refusals import (
    MembershipImportUnderway,
    MembershipMonthDiffers,
    MembershipMonthPassed,
    MembershipStagingLost,
)
from backend.members.repository_files import StoredFile
from backend.members.repository_merge import ALL_BUCKETS
from backend.members.staging import StagingRun

MANAGE = "members.manage"
UNUSUAL_PER_MILLE = 5  # more than 0.5 % vanished, or with another phone, wait for a decision
MERGE_ROWS = 50_000  # about so many in one transaction, so that members never wait long

_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class MembershipOutcome:
    """What became of the rows, and of the members who are not among them.

    `rows` is the sum of the next four. `deceased` and `phone_changed` are among created and changed, `deactivated` are
    those who vanished, `unknown_units` the cells that name no branch or association. Where `needs_decision` is true,
    nothing was merged.
    """

    month: int
    rows: int
    created: int
    changed: int
    unchanged: int
    invalid: int
    deactivated: int
    deceased: int
    phone_changed: int
    active_before: int
    unknown_units: int
    needs_decision: bool = False
    was_imported_before: bool = False
    report_path: Path | None = None


def _no_progress(_rows: int) -> None:
    """Tell nobody."""


async def import_members(
    *,
    viewer: Viewer,
    path: Path,
    prepare_worker: Callable[[], None],
    month: int | None = None,
    dry_run: bool = False,
    accept_unusual: bool = False,
    report_path: Path | None = None,
    pension_number_pattern: str = PENSION_NUMBER_PATTERN,
    progress: Callable[[int], None] = _no_progress,
) -> MembershipOutcome:
    """Make the members what a membership file (CSV) says, and report the rows that are not valid.

    Valid rows create and change members by national code. Active members who are in no row, valid or
    not, become INACTIVE; who is marked deceased becomes DECEASED. Where more than 0.5 % of the active
    members would vanish or get another phone, nothing is merged before somebody repeats the call with
    `accept_unusual`. A file that was merged before changes nothing. A dry run merges nothing.

    `prepare_worker` sets up sealing in a worker process. The month is by default the present one.
    The report stands at `report_path`, by default beside the file as `<name>.report.csv`. `progress`
    hears a count that goes to twice the number of rows: each is checked, then merged.

    Raises Unauthenticated, Forbidden, the errors of `file_refusals`, of `file_rows.read_header` and of
    `file_chunks`, and SheetNotUtf8 or SheetBroken where the file cannot be read to its end.
    """
    viewer.require(MANAGE)
    began = perf_counter()
    report_path = report_path or path.with_name(f"{path.stem}.report.csv")
    start = await asyncio.to_thread(file_chunks.read_start, path)
    header = file_rows.read_header(start.cells)
    await asyncio.to_thread(file_reports.check_path, report_path, path)
    run = StagingRun(path, start, header, prepare_worker, pension_number_pattern, progress)
    file = await _begin(await asyncio.to_thread(file_chunks.sha256, path), month)
    if file.state == "DONE":
        return _outcome(file, was_imported_before=True)
    await staging.stage(run, file)
    file = await _compare(viewer, file, dry_run=dry_run, accept_unusual=accept_unusual)
    needs_decision = _is_unusual(file.counts) if dry_run else file.state == "UNUSUAL"
    if not dry_run and not needs_decision:
        await _merge(file, progress)
    outcome = _outcome(file, needs_decision=needs_decision, report_path=report_path)
    await file_reports.write(
        report_path, file.id, file.counts, dry_run=dry_run, needs_decision=needs_decision
    )
    if dry_run:
        await staging.forget(file)
    elif not needs_decision:
        await _finish(viewer, file)
    _log.info(
        "members.imported",
        dry_run=dry_run,
        needs_decision=needs_decision,
        seconds=round(perf_counter() - began, 1),
        **file.counts,
    )
    return outcome


async def _begin(sha256: bytes, month: int | None) -> StoredFile:
    """The file's row: the one of an earlier run, or a new one, for which an undecided file yields."""
    async with db.transaction():
        await repository.lock_files()
        known = await repository.find_file(sha256)
        if known is not None:
            if month not in (None, known.month):
                raise MembershipMonthDiffers(month=calendar.format_month(known.month))
            return known
        month = month or calendar.month_of(clock.today())
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


async def _compare(
    viewer: Viewer, file: StoredFile, *, dry_run: bool, accept_unusual: bool
) -> StoredFile:
    """Refuse what only the whole file shows, count what it changes, and decide whether to go on."""
    async with db.transaction():
        held = await staging.hold(file)
        staged = await repository.find_staged(file.id)
        if not staged.is_whole:
            raise MembershipStagingLost
        counts = held.counts
        if held.state != "UNUSUAL":
            await repository.analyze_staging()
            await _refuse(file.id)
        if held.state == "STAGING":
            counts = await repository_merge.count_changes(file.id)
            counts["unknown_units"] = staged.warnings
            await repository.save_counts(file.id, counts)
        if not dry_run and held.state != "MERGING":
            may_pass = accept_unusual and counts["rows"] > counts["invalid"]
            if _is_unusual(counts) and may_pass:
                await repository.accept_unusual(file.id, viewer.actor)
                await audit.record(
                    viewer=viewer,
                    action="members.import.accept_unusual",
                    object_type="MembershipFile",
                    object_id=str(file.id),
                    after=counts,
                )
            is_stopped = _is_unusual(counts) and not may_pass
            await repository.set_state(file.id, "UNUSUAL" if is_stopped else "MERGING")
    return await _stored(file)


async def _refuse(file_id: int) -> None:
    """Refuse rows that contradict earlier ones or the members; once refused, they stay so."""
    limit = staging.MAX_PROBLEMS_KEPT
    problems: list[tuple[int, CellProblem]] = []
    for number, first in await repository_merge.refuse_repeated(
        file_id, "national_code_index", limit=limit
    ):
        error = file_problems.RepeatedNationalCode(row=first)
        problems.append((number, CellProblem("national_code", error)))
    for number, first in await repository_merge.refuse_repeated(
        file_id, "pension_number", limit=limit
    ):
        repeated = file_problems.RepeatedPensionNumber(row=first)
        problems.append((number, CellProblem("pension_number", repeated)))
    for number in await repository_merge.refuse_taken_pension_numbers(file_id, limit=limit):
        taken = file_problems.PensionNumberTaken()
        problems.append((number, CellProblem("pension_number", taken)))
    lines = [file_staging.problem_line(file_id, number, 0, each) for number, each in problems]
    await repository.insert_problems("".join(lines).encode())


async def _merge(file: StoredFile, progress: Callable[[int], None]) -> None:
    """Merge what is not merged yet, some buckets a transaction."""
    rows = file.counts["rows"]
    step = min(ALL_BUCKETS, max(1, MERGE_ROWS * ALL_BUCKETS // max(rows, 1)))
    bucket = file.next_bucket
    while bucket < ALL_BUCKETS:
        beyond = min(bucket + step, ALL_BUCKETS)
        async with db.transaction():
            held = await staging.hold(file)
            if held.next_bucket != bucket:
                raise staging.underway(file)
            # Without the staged rows everybody would seem to have vanished.
            if not (await repository.find_staged(file.id)).is_whole:
                raise MembershipStagingLost
            await _schedule_ends(await repository_merge.merge_buckets(file.id, bucket, beyond))
            await repository.save_next_bucket(file.id, beyond)
        bucket = beyond
        progress(rows + rows * bucket // ALL_BUCKETS)


async def _schedule_ends(member_ids: Sequence[int]) -> None:
    """Have the sessions looked at of members with another phone, and of the dead; in the merge's transaction."""
    for first in range(0, len(member_ids), domain.MOST_IDS_A_JOB):
        batch = member_ids[first : first + domain.MOST_IDS_A_JOB]
        await jobs.enqueue(domain.SESSIONS_STALE_JOB, {"member_ids": batch})


async def _finish(viewer: Viewer, file: StoredFile) -> None:
    async with db.transaction():
        await staging.hold(file)
        await repository.clear_staging()
        await repository.set_state(file.id, "DONE")
        await audit.record(
            viewer=viewer,
            action="members.import",
            object_type="MembershipFile",
            object_id=str(file.id),
            after={"month": file.month, **file.counts},
        )


async def _stored(file: StoredFile) -> StoredFile:
    async with db.transaction():
        return await staging.hold(file)


def _is_unusual(counts: Mapping[str, int]) -> bool:
    return any(
        domain.is_unusual(
            affected=counts[name], of=counts["active_before"], most_per_mille=UNUSUAL_PER_MILLE
        )
        for name in ("vanished", "renumbered")
    )


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
        deceased=counts["deceased"],
        phone_changed=counts["renumbered"],
        active_before=counts["active_before"],
        unknown_units=counts.get("unknown_units", 0),  # a file of before they were counted
        needs_decision=needs_decision,
        was_imported_before=was_imported_before,
        report_path=report_path,
    )
