"""How an import comes to its end: the one way, whoever ends it, with its record and with what is left to clean up."""

from collections.abc import Collection, Mapping

from backend.audit import service as audit
from backend.core import clock
from backend.core.errors import DomainError
from backend.core.locale import Locale
from backend.core.viewer import SYSTEM, Viewer
from backend.imports import domain, repository
from backend.imports.domain import FileImport, ImportState
from backend.infra import jobs, redaction
from backend.members import domain as members

MAX_TEXT_CHARACTERS = 500


async def end(
    found: FileImport,
    state: ImportState,
    *,
    viewer: Viewer,
    action: str,
    counts: Mapping[str, int] | None = None,
    unusual: Collection[str] = (),
    error: DomainError | None = None,
    error_text: str | None = None,
    cancelled_by: str | None = None,
) -> FileImport:
    """End an import that the caller's transaction has locked, and let the next of its kind begin.

    `error_text` is said in place of the error's own.
    """
    ended = await repository.end(
        found.id,
        state,
        at=clock.now(),
        counts=counts,
        unusual=unusual,
        error=None if error is None else _texts(error, error_text),
        cancelled_by=cancelled_by,
    )
    await record(viewer, action, ended)
    await jobs.enqueue(domain.CLEAN_UP_JOB, {"import_id": found.id})
    await begin_next(found)
    return ended


async def begin_next(found: FileImport) -> None:
    """Let a worker take up the next import of the kind; in the transaction in which this one stops running."""
    following = await repository.find_next_queued(found.kind)
    if following is not None and following != found.id:
        await jobs.enqueue(domain.RUN_JOB, {"import_id": following}, dedupe_key=str(following))


async def record(viewer: Viewer, action: str, found: FileImport) -> None:
    """Write a step of an import into the trail, in the caller's transaction."""
    provinces = found.province_codes or ()
    is_of_members = "vanished" in found.counts
    figures = members.figures(found.counts) if is_of_members else dict(found.counts)
    await audit.record(
        viewer=viewer,
        action=action,
        object_type=domain.OBJECT,
        object_id=str(found.id),
        after={
            "kind": found.kind.value,
            "state": found.state.value,
            "size_bytes": found.size_bytes,
            "month": found.month,
            "dry_run": found.dry_run,
            "provinces": None if found.province_codes is None else list(found.province_codes),
            "rows": found.counts.get("rows"),
            "figures": figures,
            "unusual": list(found.unusual),
            "error": found.error_code,
            "approval_id": found.approval_id,
            "accepted_by": found.accepted_by,
        },
        on_behalf_of=None if viewer is not SYSTEM else found.cancelled_by or found.actor,
        province_code=provinces[0] if len(provinces) == 1 else None,
    )


def _texts(error: DomainError, text: str | None) -> tuple[str, str, str]:
    shown = redaction.redact_text(text or error.message(Locale.FA))
    return error.code, shown[:MAX_TEXT_CHARACTERS], error.hint(Locale.FA)[:MAX_TEXT_CHARACTERS]
