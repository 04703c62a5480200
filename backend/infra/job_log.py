"""Keeps the queue's log small, and tells about jobs that nobody will run."""

from datetime import timedelta
from typing import Final

from backend.infra import db, jobs, telemetry

EVERY_TEN_MINUTES: Final = "*/10 * * * *"
MAX_BATCHES: Final = 200  # a run: what is left waits for the next one
UNCLAIMED_AFTER: Final = timedelta(minutes=10)  # longer than a deployment's mixed versions

_TABLES: Final = ("pgqueuer_log", "pgqueuer_statistics")

_log = telemetry.logger(__name__)


def schedule_pruning(*, keep_days: int) -> None:
    """Register `queue.prune_log`, every ten minutes; call it once, before the worker starts."""

    @jobs.schedule(EVERY_TEN_MINUTES)
    @jobs.job("queue.prune_log", retries=0)
    async def prune_log(_payload: jobs.Payload) -> None:
        deleted = await prune(keep=timedelta(days=keep_days))
        _log.info("jobs.log_pruned", deleted=deleted)
        for name, count in (await unclaimed()).items():
            _log.warning("jobs.unclaimed", name=name, count=count)


async def prune(*, keep: timedelta, batch_size: int = 5000) -> int:
    """Delete the log's and the statistics' rows older than `keep`; gives how many.

    Each batch is a statement and a transaction of its own, so that no lock is held for long.
    """
    return sum([await _prune_table(table, keep=keep, batch_size=batch_size) for table in _TABLES])


async def unclaimed() -> dict[str, int]:
    """How many waiting jobs have a name that this worker does not know, by name."""
    rows = await db.fetch(
        "SELECT entrypoint, count(*) AS count FROM pgqueuer WHERE status = 'queued'"
        " AND created < now() - $1::interval AND NOT entrypoint = ANY($2::text[])"
        " GROUP BY entrypoint ORDER BY entrypoint LIMIT 100",
        UNCLAIMED_AFTER,
        list(jobs.registered()),
    )
    return {row["entrypoint"]: row["count"] for row in rows}


async def _prune_table(table: str, *, keep: timedelta, batch_size: int) -> int:
    total = 0
    for _ in range(MAX_BATCHES):
        tag = await db.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table}"  # noqa: S608 - our own names
            " WHERE created < now() - $1::interval ORDER BY id LIMIT $2)",
            keep,
            batch_size,
        )
        deleted = int(tag.rsplit(" ", 1)[-1])
        total += deleted
        if deleted < batch_size:
            break
    return total
