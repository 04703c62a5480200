"""Background work of access."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final, cast
from uuid import UUID

from backend.access import sign_in, upkeep
from backend.infra import jobs, telemetry
from backend.members.domain import SESSIONS_STALE_JOB

if TYPE_CHECKING:
    from collections.abc import Sequence

EVERY_NIGHT: Final = "10 22 * * *"  # in UTC: 01:40 in Tehran

_log = telemetry.logger(__name__)


# Quick retries for as long as a code may be late, two minutes: after that a run does nothing.
@jobs.job(
    sign_in.SEND_JOB, retries=10, retry_seconds=2.0, retry_most_seconds=15.0, most_seconds=60.0
)
async def send_sign_in_code(payload: jobs.Payload) -> None:
    """Send the code of the request that the payload names."""
    await sign_in.send_code(request_id=UUID(str(payload["request_id"])))


# Patient: who has a member's former phone stays signed in as long as this has not run.
@jobs.job(SESSIONS_STALE_JOB, retries=12)
async def end_stale_sessions(payload: jobs.Payload) -> None:
    """End what the members that the payload names had opened by another phone, or before their death."""
    member_ids = cast("Sequence[int]", payload["member_ids"])
    ended = await upkeep.end_stale_sessions(member_ids)
    _log.info("access.stale_sessions_ended", members=len(member_ids), sessions=ended)


def schedule_pruning(*, keep_days: int) -> None:
    """Register `access.prune_sessions`, every night; call it once, before the worker starts."""

    @jobs.schedule(EVERY_NIGHT)
    @jobs.job("access.prune_sessions")
    async def prune_sessions(_payload: jobs.Payload) -> None:
        deleted = await upkeep.prune_sessions(keep=timedelta(days=keep_days))
        _log.info("access.sessions_pruned", deleted=deleted)
