"""One run of one job: time limit, interruption, retry, and what is logged about it."""

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import orjson
import structlog
from pgqueuer.core.executors import AbstractEntrypointExecutor
from pgqueuer.domain import errors, models

from backend.infra import db, jobs, redaction, telemetry, tracing

SETTLE_SECONDS: Final = 2.0  # how long a cancelled handler may take to clean up
MAX_REASON_CHARACTERS: Final = 300
MAX_LOST_RUNS: Final = 5

_log = telemetry.logger(__name__)
_random = random.SystemRandom()


class JobFailedError(Exception):
    """A run failed. Its text is redacted: pgqueuer keeps it in its log table."""


class JobLostError(Exception):
    """Worker after worker died, or lost the database, while it ran this job."""


class JobTimeoutError(Exception):
    """A run took longer than its `most_seconds`."""


class JobCancelledError(Exception):
    """A handler ended as cancelled though nobody had cancelled it."""


@dataclass
class Executor(AbstractEntrypointExecutor):
    """Calls a job's handler for pgqueuer. `interrupt` ends every run and hands its job back."""

    job: jobs.Job
    interrupt: asyncio.Event

    async def execute(self, job: models.Job, context: models.Context) -> None:
        """Run the handler once.

        Raises: RetryRequested to put the job back into the queue, JobFailedError to have it held.
        Never CancelledError: pgqueuer deletes a cancelled job.
        """
        del context
        attempt = job.attempts + 1
        with (
            telemetry.bind_trace(_trace_of(job)),
            structlog.contextvars.bound_contextvars(job=job.entrypoint, job_id=job.id),
            tracing.job(job.entrypoint),
        ):
            began = time.monotonic()
            try:
                if await _lost_runs(job) > MAX_LOST_RUNS:
                    attempt = self.job.retries + 1  # a job that kills its workers gets no other try
                    raise JobLostError(f"{MAX_LOST_RUNS} runs ended without a trace")  # noqa: TRY301
                is_done = await self._run(job)
            except Exception as error:  # noqa: BLE001 - a handler may fail in any way
                raise self._after_failure(error, attempt=attempt) from None
            if not is_done:
                _log.info("jobs.interrupted", attempt=attempt)
                raise errors.RetryRequested(timedelta(0), "interrupted")
            _log.info("jobs.done", attempt=attempt, seconds=round(time.monotonic() - began, 3))

    async def _run(self, job: models.Job) -> bool:
        """Whether the handler came to its end; False when it was interrupted."""
        if self.interrupt.is_set():
            return False
        handler = asyncio.ensure_future(self.job.handler(orjson.loads(job.payload or b"{}")))
        interrupted = asyncio.create_task(self.interrupt.wait())
        is_interrupted = False
        try:
            await asyncio.wait(
                {handler, interrupted},
                timeout=self.job.most_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
        except asyncio.CancelledError:
            is_interrupted = True
        finally:
            is_interrupted = is_interrupted or interrupted.done()
            interrupted.cancel()
        if not handler.done():
            await _cancel(handler)
            if not is_interrupted:
                raise JobTimeoutError(f"ran longer than {self.job.most_seconds} s")
            if handler.cancelled() or not handler.done() or handler.exception() is not None:
                return False
        if handler.cancelled():
            raise JobCancelledError("cancelled itself")
        handler.result()
        return True

    def _after_failure(self, error: Exception, *, attempt: int) -> Exception:
        reason = redaction.redact_text(f"{type(error).__name__}: {error}")[:MAX_REASON_CHARACTERS]
        if attempt > self.job.retries:
            _log.error("jobs.held", attempt=attempt, exc_info=error)
            return JobFailedError(reason)
        delay = retry_delay(self.job, attempt=attempt)
        _log.warning(
            "jobs.retried",
            attempt=attempt,
            retry_in_seconds=round(delay.total_seconds(), 3),
            exc_info=error,
        )
        return errors.RetryRequested(delay, reason)


async def _lost_runs(job: models.Job) -> int:
    """How many times the job was picked since it last was queued, before this time."""
    row = await db.fetch_one(
        "SELECT count(*) - 1 AS lost FROM pgqueuer_log WHERE job_id = $1 AND status = 'picked'"
        " AND id > (SELECT coalesce(max(id), 0) FROM pgqueuer_log"
        " WHERE job_id = $1 AND status = 'queued')",
        job.id,
    )
    return 0 if row is None else int(row["lost"])


def retry_delay(job: jobs.Job, *, attempt: int) -> timedelta:
    """The wait after a failed attempt: doubling, bounded, shortened at random by up to a fifth."""
    most = min(job.retry_seconds * 2 ** min(attempt - 1, 32), job.retry_most_seconds)
    return timedelta(seconds=most * _random.uniform(0.8, 1.0))


async def _cancel(task: "asyncio.Future[None]") -> None:
    """Cancel and wait, for SETTLE_SECONDS at most; a handler that refuses to end is left behind."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait({task}, timeout=SETTLE_SECONDS)


def _trace_of(job: models.Job) -> str | None:
    trace = (job.headers or {}).get(jobs.TRACE_HEADER)
    return trace if isinstance(trace, str) else None
