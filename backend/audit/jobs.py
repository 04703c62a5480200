"""Background work of the audit trail: it is sealed, and its tables get their partitions of the coming months."""

from typing import Final

from backend.audit import chaining
from backend.infra import jobs, partitions, telemetry

EVERY_MINUTE: Final = "* * * * *"

_log = telemetry.logger(__name__)

partitions.register("audit_entry", "file_read")


@jobs.schedule(EVERY_MINUTE)
@jobs.job("audit.seal", retries=0)
async def seal(_payload: jobs.Payload) -> None:
    """Seal what is committed since the last time; what fails is tried again a minute later."""
    sealed = await chaining.seal()
    if sealed:
        _log.info("audit.sealed", entries=sealed)
