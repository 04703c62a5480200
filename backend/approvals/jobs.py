"""Background work of approvals: what is granted is done, what nobody decided is closed."""

from typing import Final, cast

from backend.approvals import executing, service
from backend.infra import jobs

EVERY_MINUTE: Final = "* * * * *"


@jobs.job(service.EXECUTE_JOB, retries=8, retry_seconds=2.0, retry_most_seconds=60.0)
async def execute(payload: jobs.Payload) -> None:
    """Do the granted approval that the payload names."""
    await executing.execute(cast("int", payload["approval_id"]))


@jobs.schedule(EVERY_MINUTE)
@jobs.job("approvals.sweep")
async def sweep(_payload: jobs.Payload) -> None:
    """Close what nobody decided in time, and begin what has cooled."""
    await executing.sweep()
