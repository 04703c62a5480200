"""Runs the jobs of `backend.infra.jobs`: one connection, renewed with back-off when it is lost.

pgqueuer's loop ends when PostgreSQL goes away, and deletes a job whose task is cancelled. Here
every loss starts a fresh session, and an interrupted job goes back into the queue instead.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import asyncpg
from pgqueuer.core.executors import EntrypointExecutorParameters
from pgqueuer.core.qm import QueueManager
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.domain import errors, models

from backend.infra import db, db_connection, job_run, jobs, telemetry

BATCH_SIZE: Final = 10
CONNECT_SECONDS: Final = 5.0
STATEMENT_SECONDS: Final = 10.0
FIRST_DELAY_SECONDS: Final = 0.25
MOST_DELAY_SECONDS: Final = 15.0
STEADY_SECONDS: Final = 30.0  # a session that lasted this long starts the back-off anew
SETTLE_SECONDS: Final = 5.0  # how long interrupted jobs may take to be handed back

# What going away, restarting or being out of reach looks like. Anything else is a defect and ends
# the worker, as do missing tables (RuntimeError): migrate first.
LOSSES: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    db.DatabaseUnavailable,
    errors.PgqException,
)

_log = telemetry.logger(__name__)
_random = random.SystemRandom()


class DatabaseLostError(OSError):
    """The session's connection was closed by the other side."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How a worker works; a dead one's jobs are taken up within 1.5 `heartbeat_seconds`."""

    heartbeat_seconds: float
    drain_seconds: float
    concurrency: int


async def run_worker(
    url: str,
    *,
    stop: asyncio.Event,
    heartbeat_seconds: float = 30.0,
    drain_seconds: float = 20.0,
    concurrency: int = 2 * BATCH_SIZE,
) -> None:
    """Run jobs until `stop` is set; then take no new one, and give running ones `drain_seconds`.

    What still runs after that is cancelled and goes back into the queue. `concurrency` is at least
    2 · BATCH_SIZE. The connection listens, so it must not pass a pooler in transaction mode.

    Raises: RuntimeError when the queue's tables are missing.
    """
    pace = Pace(
        heartbeat_seconds=heartbeat_seconds, drain_seconds=drain_seconds, concurrency=concurrency
    )
    losses = 0
    while not stop.is_set():
        began = time.monotonic()
        try:
            async with _connection(url) as connection:
                _log.info("jobs.connected", losses=losses)
                await _run_session(connection, stop=stop, pace=pace)
        except LOSSES as error:
            losses = 1 if time.monotonic() - began > STEADY_SECONDS else losses + 1
            delay = back_off_seconds(losses)
            _log.warning(
                "jobs.database_lost",
                reason=type(error).__name__,
                losses=losses,
                retry_in_seconds=round(delay, 2),
            )
            await _wait(stop, seconds=delay)
    _log.info("jobs.stopped")


def back_off_seconds(losses: int) -> float:
    """The wait before the next connection: doubling, bounded, and between half and all of it."""
    most: float = min(FIRST_DELAY_SECONDS * 2 ** min(losses - 1, 16), MOST_DELAY_SECONDS)
    return most * _random.uniform(0.5, 1.0)


@contextlib.asynccontextmanager
async def _connection(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(
        url,
        timeout=CONNECT_SECONDS,
        command_timeout=STATEMENT_SECONDS,
        server_settings={"application_name": "bashgah-worker", **db_connection.SESSION_SETTINGS},
    )
    try:
        yield connection
    finally:
        with contextlib.suppress(*LOSSES):
            await connection.close(timeout=CONNECT_SECONDS)


async def _run_session(
    connection: "asyncpg.Connection[asyncpg.Record]", *, stop: asyncio.Event, pace: Pace
) -> None:
    """Run jobs on this connection until `stop`, or raise what ended the session."""
    lost, interrupt = asyncio.Event(), asyncio.Event()
    connection.add_termination_listener(lambda _connection: lost.set())
    queue, schedulers = _managers(connection, interrupt=interrupt)
    running = {
        asyncio.create_task(
            queue.run(
                # Jobs of dead workers are found by polling only.
                dequeue_timeout=timedelta(seconds=pace.heartbeat_seconds / 2),
                batch_size=BATCH_SIZE,
                max_concurrent_tasks=pace.concurrency,
                shutdown_on_listener_failure=True,
                heartbeat_timeout=timedelta(seconds=pace.heartbeat_seconds),
                # The statistics would rewrite every row of the log; nothing reads them.
                log_aggregation_interval=timedelta(0),
            )
        ),
        *(asyncio.create_task(scheduler.run()) for scheduler in schedulers),
    }
    was_lost = asyncio.create_task(lost.wait())
    watched = {was_lost, asyncio.create_task(stop.wait())}
    try:
        await asyncio.wait(running | watched, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if stop.is_set():
            _log.info("jobs.draining", running=len(queue.job_context))
        queue.shutdown.set()
        for scheduler in schedulers:
            scheduler.shutdown.set()
        # Without the database a claim can't be renewed, so its job is given up at once.
        await _wait_for_all(running, unless=was_lost, seconds=pace.drain_seconds)
        interrupt.set()
        await asyncio.wait(running, timeout=SETTLE_SECONDS)
        for task in running | watched:
            task.cancel()
        outcomes = await asyncio.gather(*running, *watched, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    if lost.is_set() and not stop.is_set():
        raise DatabaseLostError


def _managers(
    connection: "asyncpg.Connection[asyncpg.Record]", *, interrupt: asyncio.Event
) -> tuple[QueueManager, list[SchedulerManager]]:
    queries = jobs.queries(connection)
    queue = QueueManager(queries, jobs.SETTINGS.channel)
    for job in jobs.registered().values():
        parameters = EntrypointExecutorParameters(
            concurrency_limit=0, func=_never_called, on_failure="hold"
        )
        queue.register_executor(job.name, job_run.Executor(parameters, job, interrupt))
    if not jobs.schedules():
        return queue, []
    scheduler = SchedulerManager(queries)
    for name, cron in jobs.schedules().items():
        scheduler.schedule(name, cron)(_enqueue_scheduled)
    return queue, [scheduler]


async def _enqueue_scheduled(schedule: models.Schedule) -> None:
    await jobs.enqueue(schedule.entrypoint, {}, dedupe_key="schedule")


async def _never_called(_job: models.Job) -> None:
    """pgqueuer wants a function in its parameters; `job_run.Executor` calls the handler itself."""


async def _wait_for_all(
    tasks: set[asyncio.Task[None]], *, unless: "asyncio.Task[bool]", seconds: float
) -> None:
    everything = asyncio.create_task(asyncio.wait(tasks))
    await asyncio.wait({everything, unless}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    everything.cancel()


async def _wait(event: asyncio.Event, *, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
