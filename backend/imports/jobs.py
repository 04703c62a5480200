"""Background work of imports: they are run, and what is left of them is deleted."""

from typing import Final, cast

from backend.approvals import service as approvals
from backend.core.permissions import Permission
from backend.imports import approving, domain, running, upkeep
from backend.infra import jobs, telemetry

EVERY_MINUTE: Final = "* * * * *"
EVERY_NIGHT: Final = "30 22 * * *"  # in UTC: 02:00 in Tehran
MOST_SECONDS: Final = (
    3 * 60 * 60.0
)  # three million rows take about ten minutes where nothing else runs

_log = telemetry.logger(__name__)


@jobs.job(
    domain.RUN_JOB,
    retries=8,
    retry_seconds=5.0,
    retry_most_seconds=300.0,
    most_seconds=MOST_SECONDS,
)
async def run(payload: jobs.Payload) -> None:
    """Do the import that the payload names."""
    await running.run(cast("int", payload["import_id"]))


# Patient: another import may be at the staging tables.
@jobs.job(domain.CLEAN_UP_JOB, retries=20)
async def clean_up(payload: jobs.Payload) -> None:
    """Delete what the import that the payload names has left."""
    await upkeep.clean_up(cast("int", payload["import_id"]))


@jobs.schedule(EVERY_MINUTE)
@jobs.job("imports.sweep")
async def sweep(_payload: jobs.Payload) -> None:
    """End what waited too long, and begin what has lost its job."""
    await upkeep.sweep()


@jobs.schedule(EVERY_NIGHT)
@jobs.job("imports.forget_reports")
async def forget_reports(_payload: jobs.Payload) -> None:
    """Delete old reports."""
    _log.info("imports.reports_forgotten", parts=await upkeep.forget_reports())


approvals.register(
    domain.APPROVAL_KIND,
    approving.let_pass,
    ask_permission=Permission.MEMBERS_IMPORT,
    dropped=approving.dropped,
)
