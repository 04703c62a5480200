"""The job worker's process: connects the database and the cache, and runs jobs until SIGTERM."""

import asyncio
import contextlib
import signal

from backend import composition
from backend import settings as configuration
from backend.access import jobs as access_jobs
from backend.infra import cache, db, job_log, job_worker, telemetry
from backend.infra.sms import port as sms

_log = telemetry.logger(__name__)


async def main(settings: configuration.Settings) -> None:
    """Run jobs until SIGTERM or SIGINT; then finish the running ones within the drain's bound.

    Waits for a database that is not up yet. Logging is set up by the caller.

    Raises: RuntimeError when the job queue's tables are missing, TemplateInvalid where a gateway's
    settings are not complete.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    composition.configure(settings)
    composition.configure_sms(settings)
    job_log.schedule_pruning(keep_days=settings.job_log_days)
    access_jobs.schedule_pruning(keep_days=settings.session_retention_days)
    await _connect(settings, stop=stop)
    try:
        if not stop.is_set():
            await composition.check_rights(settings)
        await cache.connect(settings.cache_url, timeout_ms=settings.cache_timeout_ms)
        async with composition.spans(settings):
            await job_worker.run_worker(
                settings.database_url,
                stop=stop,
                heartbeat_seconds=settings.job_heartbeat_seconds,
                drain_seconds=settings.drain_seconds,
            )
    finally:
        await sms.close()
        await cache.close()
        await db.close()


async def _connect(settings: configuration.Settings, *, stop: asyncio.Event) -> None:
    failures = 0
    while not stop.is_set():
        try:
            await db.connect(
                settings.database_url,
                pool_max=settings.database_pool_max,
                statement_timeout_ms=settings.statement_timeout_ms,
            )
        except job_worker.LOSSES as error:
            failures += 1
            _log.warning("worker.database_missing", reason=type(error).__name__, failures=failures)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), job_worker.back_off_seconds(failures))
        else:
            return
