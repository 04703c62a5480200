"""The last part of an import: a staged file is merged into the members, in steps that leave a mark each."""

from collections.abc import Callable, Sequence

from backend.audit import service as audit
from backend.core.viewer import Viewer
from backend.infra import db, jobs
from backend.members import domain, repository_merge, staging
from backend.members import repository_files as repository
from backend.members.file_refusals import MembershipStagingLost
from backend.members.repository_files import StoredFile
from backend.members.repository_merge import ALL_BUCKETS

MERGE_ROWS = 50_000  # about so many in one transaction, so that members never wait long


async def merge(file: StoredFile, progress: Callable[[int], None]) -> None:
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


async def finish(viewer: Viewer, file: StoredFile) -> None:
    """Forget the staging of a file that is merged, and record it."""
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


async def _schedule_ends(member_ids: Sequence[int]) -> None:
    """Have the sessions looked at of members with another phone, and of the dead; in the merge's transaction."""
    for first in range(0, len(member_ids), domain.MOST_IDS_A_JOB):
        batch = member_ids[first : first + domain.MOST_IDS_A_JOB]
        await jobs.enqueue(domain.SESSIONS_STALE_JOB, {"member_ids": batch})
