"""Background work of the audit trail: it is sealed, and its tables get their partitions of the coming months."""

from typing import Final

from backend.audit import chaining, chaining_reads
from backend.infra import jobs, partitions, telemetry

EVERY_MINUTE: Final = "* * * * *"
EVERY_FIVE_MINUTES: Final = "*/5 * * * *"

_log = telemetry.logger(__name__)

partitions.register("audit_entry", "file_read")


@jobs.schedule(EVERY_MINUTE)
@jobs.job("audit.seal", retries=0)
async def seal(_payload: jobs.Payload) -> None:
    """Seal what is committed since the last time; what fails is tried again a minute later."""
    sealed = await chaining.seal()
    if sealed:
        _log.info("audit.sealed", entries=sealed)


# Each time that somebody has read, it is an entry of the trail: not every minute.
@jobs.schedule(EVERY_FIVE_MINUTES)
@jobs.job("audit.seal_reads", retries=0)
async def seal_reads(_payload: jobs.Payload) -> None:
    """Seal the reads of members' files since the last time; what fails is tried again five minutes later."""
    sealed = await chaining_reads.seal_reads()
    if sealed:
        _log.info("audit.reads_sealed", reads=sealed)
