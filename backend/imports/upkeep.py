"""What is left of imports: bytes that nobody needs any more, uploads that nobody started, jobs that were lost."""

from typing import Final

from backend.core import clock
from backend.core.viewer import SYSTEM
from backend.imports import domain, ending, repository
from backend.imports.domain import ENDED, STARTABLE, ImportKind, ImportState
from backend.infra import db, jobs
from backend.members import importing as member_importing

SWEPT_A_RUN: Final = 500
DELETED_AT_ONCE: Final = 16  # parts: 64 MiB, which take a fraction of a second


async def clean_up(import_id: int) -> None:
    """Delete the bytes of an import that has ended, and what is staged of a file that was not merged.

    Raises MembershipImportRunning where that has to wait.
    """
    found = await repository.find(import_id)
    if found is None or found.state not in ENDED:
        return
    while await repository.delete_parts(import_id, limit=DELETED_AT_ONCE):
        pass
    if found.kind is ImportKind.MEMBERS and found.state is not ImportState.DONE:
        await member_importing.abandon(viewer=SYSTEM, sha256=found.sha256)


async def sweep() -> None:
    """End what waited too long for its operator, and enqueue what has lost its job."""
    at = clock.now()
    for import_id in await repository.list_expired(at=at, limit=SWEPT_A_RUN):
        async with db.transaction():
            found = await repository.lock(import_id)
            if found is None or found.state not in STARTABLE:
                continue
            if found.expires_at is not None and found.expires_at <= at:
                await ending.end(
                    found, ImportState.EXPIRED, viewer=SYSTEM, action="imports.expired"
                )
    for import_id in await repository.list_runnable(limit=SWEPT_A_RUN):
        await jobs.enqueue(domain.RUN_JOB, {"import_id": import_id}, dedupe_key=str(import_id))


async def forget_reports() -> int:
    """Delete the reports whose time is over; gives how many parts of them that were."""
    made_before, total = clock.now() - domain.REPORT_LIFETIME, 0
    while deleted := await repository.delete_reports(made_before, limit=DELETED_AT_ONCE):
        total += deleted
    return total
