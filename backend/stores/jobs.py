"""Background work of stores: old notes of changes are forgotten."""

from typing import Final

from backend.infra import jobs, telemetry
from backend.stores import directory_keeper

EVERY_NIGHT: Final = "20 22 * * *"  # in UTC: 01:50 in Tehran

_log = telemetry.logger(__name__)


@jobs.schedule(EVERY_NIGHT)
@jobs.job("stores.forget_changes")
async def forget_changes(_payload: jobs.Payload) -> None:
    """Delete the notes that no process asks for any more."""
    _log.info("stores.changes_forgotten", deleted=await directory_keeper.forget_changes())
