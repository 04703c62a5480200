"""Use cases of operators who import files: begin an upload, start, cancel, and look.

`running` does what is started here, `approving` asks the second person, `uploads` keeps the bytes.
"""

from collections.abc import Collection
from dataclasses import dataclass

from backend.approvals import service as approvals
from backend.approvals.domain import ApprovalState
from backend.core import calendar, clock, paging
from backend.core.errors import Forbidden, NotFound
from backend.core.paging import Page
from backend.core.permissions import Permission
from backend.core.viewer import ActorKind, Viewer
from backend.imports import domain, ending, refusals, repository, uploads
from backend.imports.domain import ENDED, STARTABLE, FileImport, ImportKind, ImportState
from backend.infra import db, jobs
from backend.members.file_refusals import MembershipMonthAhead


@dataclass(frozen=True, slots=True)
class Begun:
    """An import whose file is to be uploaded, and the numbers of the parts that have not arrived."""

    found: FileImport
    missing_parts: tuple[int, ...]


async def begin_members(
    *, viewer: Viewer, file_name: str, size_bytes: int, sha256: str, month: int
) -> Begun:
    """Begin the upload of a membership file (CSV) of a Jalali month (YYYYMM), of the whole nation.

    Raises as `begin_stores`, and MembershipMonthAhead.
    """
    viewer.require(Permission.MEMBERS_IMPORT)
    if not viewer.scope.nation:
        raise Forbidden(Permission.MEMBERS_IMPORT)
    if month > calendar.add_months(calendar.month_of(clock.today()), 1):
        raise MembershipMonthAhead(field=("month",), month=calendar.format_month(month))
    return await _begin(
        viewer,
        ImportKind.MEMBERS,
        file_name=file_name,
        size_bytes=size_bytes,
        sha256=sha256,
        month=month,
    )


async def begin_stores(*, viewer: Viewer, file_name: str, size_bytes: int, sha256: str) -> Begun:
    """Begin the upload of a store file (CSV or XLSX) for the provinces of the viewer's scope.

    `sha256` is of the whole file, in hexadecimal digits. Who begins the same file again goes on with the same upload.
    Raises Unauthenticated, Forbidden, FileImportInvalid, FileImportsTooMany.
    """
    viewer.require(Permission.STORES_MANAGE)
    if not viewer.scope.nation and not viewer.scope.province_codes:
        raise Forbidden(Permission.STORES_MANAGE)
    return await _begin(
        viewer,
        ImportKind.STORES,
        file_name=file_name,
        size_bytes=size_bytes,
        sha256=sha256,
        month=None,
    )


async def start(*, viewer: Viewer, import_id: int, dry_run: bool) -> FileImport:
    """Have an uploaded file imported by a worker, or tried out; only by who has uploaded it.

    What was tried out can be started again. Repeated, it changes nothing and gives the import as it is. Raises
    Unauthenticated, Forbidden, NotFound, FileImportOfAnother, ImportInEmergency, FilePartMissing,
    FileImportStateRefuses, and ReauthenticationNeeded where members would be changed.
    """
    async with db.transaction():
        found = await _locked(viewer, import_id)
        viewer.require(domain.PERMISSION[found.kind])
        if found.actor != viewer.actor:
            raise refusals.FileImportOfAnother(field=("importId",))
        _require_by_role(viewer, found.kind)
        if found.state not in STARTABLE:
            if found.dry_run is dry_run and found.started_at is not None:
                return found  # the answer was lost, and is asked for again
            raise refusals.FileImportStateRefuses(field=("importId",))
        if found.kind is ImportKind.MEMBERS and not dry_run:
            viewer.require_recent()
        if found.expires_at is not None and found.expires_at <= clock.now():
            raise refusals.FileImportStateRefuses(field=("importId",))
        missing = await uploads.missing_parts(import_id)
        if missing:
            raise refusals.FilePartMissing(
                field=("importId",), number=missing[0], count=found.part_count
            )
        started = await repository.queue(import_id, dry_run=dry_run, at=clock.now())
        await ending.record(viewer, "imports.start", started)
        await jobs.enqueue(domain.RUN_JOB, {"import_id": import_id}, dedupe_key=str(import_id))
    return started


async def cancel(*, viewer: Viewer, import_id: int) -> FileImport:
    """Let an import not be done: by who began it, or whoever may import such files there.

    A running one stops at its next step: a store file between two batches, whose saved rows stay, a membership file
    before its merge. Repeated, it changes nothing. Raises Unauthenticated, Forbidden, NotFound, FileImportMerging,
    FileImportStateRefuses.
    """
    try:
        return await _cancel(viewer, import_id)
    except _AskedMeanwhile:
        return await _cancel(viewer, import_id)  # the approval is there now, and is found first


class _AskedMeanwhile(Exception):
    """A run has asked for an approval after it was looked for; the transaction is begun anew."""


async def _cancel(viewer: Viewer, import_id: int) -> FileImport:
    async with db.transaction():
        # Before the import: who decides about it locks the two in this order.
        waiting = await approvals.lock_open(
            kind=domain.APPROVAL_KIND, object_type=domain.OBJECT, object_id=str(import_id)
        )
        found = await _locked(viewer, import_id)
        viewer.require(domain.PERMISSION[found.kind])
        if found.state is ImportState.WAITING_FOR_APPROVAL and waiting is None:
            raise _AskedMeanwhile
        if found.state is ImportState.CANCELLED or (
            found.cancelled_by is not None and found.state not in ENDED
        ):
            return found
        if found.state in ENDED:
            raise refusals.FileImportStateRefuses(field=("importId",))
        if found.is_merging:
            raise refusals.FileImportMerging(field=("importId",))
        if found.state is ImportState.RUNNING:
            asked = await repository.ask_to_stop(import_id, actor=viewer.actor)
            await ending.record(viewer, "imports.cancel", asked)
            return asked
        cancelled = await ending.end(
            found,
            ImportState.CANCELLED,
            viewer=viewer,
            action="imports.cancel",
            cancelled_by=viewer.actor,
        )
        if waiting is not None:
            await approvals.drop(viewer, waiting, ApprovalState.WITHDRAWN, code="CANCELLED")
    return cancelled


async def find_import(*, viewer: Viewer, import_id: int) -> FileImport | None:
    """An import that the viewer would see in the list. Raises Unauthenticated, Forbidden."""
    _kinds(viewer)
    found = await repository.find(import_id)
    return found if found is not None and domain.is_visible(found, viewer) else None


async def readable_ids(*, viewer: Viewer, import_ids: Collection[int]) -> frozenset[int]:
    """Which of these `find_import` would show; none to who works with no imports."""
    found = await repository.list_by_ids(import_ids)
    return frozenset(each.id for each in found if domain.is_visible(each, viewer))


async def list_imports(
    *,
    viewer: Viewer,
    kind: ImportKind | None,
    state: ImportState | None,
    first: int,
    after: str | None,
) -> Page[FileImport]:
    """The imports of the kinds that the viewer works with, within the scope, the latest first; an auditor sees all.

    Raises Unauthenticated, Forbidden, PageSizeInvalid, InvalidCursor.
    """
    kinds = _kinds(viewer)
    paging.check_first(first)
    question = paging.fingerprint(list="file_imports", kind=kind, state=state, scope=viewer.scope)
    key = None if after is None else paging.decode_cursor(after, question, types=(int,))
    found = await repository.list_imports(
        kinds=kinds if kind is None else kinds & {kind},
        scope=viewer.scope,
        state=state,
        after_id=None if key is None else int(key[0]),
        limit=first + 1,
    )
    shown = found[:first]
    return Page(
        items=tuple(shown),
        cursors=tuple(paging.encode_cursor(question, (each.id,)) for each in shown),
        has_next=len(found) > first,
    )


def _kinds(viewer: Viewer) -> frozenset[ImportKind]:
    """The kinds of imports that the viewer may know of. Raises Unauthenticated, Forbidden."""
    found = frozenset(kind for kind in ImportKind if domain.may_see(viewer, kind))
    if not found:
        viewer.require(Permission.STORES_MANAGE)
    return found


def _require_by_role(viewer: Viewer, kind: ImportKind) -> None:
    if viewer.emergency_of(domain.PERMISSION[kind]) is not None:
        raise refusals.ImportInEmergency


async def _begin(
    viewer: Viewer,
    kind: ImportKind,
    *,
    file_name: str,
    size_bytes: int,
    sha256: str,
    month: int | None,
) -> Begun:
    if viewer.kind is not ActorKind.OPERATOR:  # a job asks later what this operator may do
        raise Forbidden(domain.PERMISSION[kind])
    _require_by_role(viewer, kind)
    name = domain.clean_file_name(file_name)
    digest = domain.check_file(kind, file_name=name, size_bytes=size_bytes, sha256=sha256)
    async with db.transaction():
        await repository.hold_operator(viewer.actor)
        open_imports = await repository.list_open(viewer.actor, limit=domain.MAX_OPEN_IMPORTS)
        for each in open_imports:
            is_same = domain.is_same_upload(
                each, kind, size_bytes=size_bytes, sha256=digest, month=month
            )
            if is_same and (each.expires_at is None or clock.now() < each.expires_at):
                return Begun(each, tuple(await uploads.missing_parts(each.id)))
        if len(open_imports) >= domain.MAX_OPEN_IMPORTS:
            raise refusals.FileImportsTooMany(most=domain.MAX_OPEN_IMPORTS)
        begun = await repository.insert(
            kind=kind,
            actor=viewer.actor,
            province_codes=None if viewer.scope.nation else viewer.scope.province_codes,
            file_name=name,
            size_bytes=size_bytes,
            sha256=digest,
            part_bytes=domain.PART_BYTES,
            month=month,
            expires_at=clock.now() + domain.UPLOAD_LIFETIME,
        )
        await ending.record(viewer, "imports.begin", begun)
    return Begun(begun, tuple(range(begun.part_count)))


async def _locked(viewer: Viewer, import_id: int) -> FileImport:
    """The import, locked, where the viewer may know of it. Raises Unauthenticated, Forbidden, NotFound."""
    _kinds(viewer)
    found = await repository.lock(import_id)
    if found is None or not domain.is_visible(found, viewer):
        raise NotFound(field=("importId",))
    return found
