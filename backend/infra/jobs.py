"""Background work: the registry of handlers, and the queue in PostgreSQL (pgqueuer's tables).

A job is enqueued in the caller's transaction and exists if that transaction commits. It runs **at
least once**: a worker that dies, or loses the database, leaves its jobs to another one. So a
handler is idempotent, and never blocks the event loop, on which its claim's heartbeat depends.
`backend.infra.job_worker` runs what is enqueued here.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

import orjson
from croniter import croniter
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence import qb
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.domain.types import Channel

from backend.infra import db, telemetry

if TYPE_CHECKING:
    import asyncpg

Json: TypeAlias = "str | int | float | bool | Sequence[Json] | Mapping[str, Json] | None"
Payload: TypeAlias = "Mapping[str, Json]"
Handler: TypeAlias = Callable[[Payload], Awaitable[None]]

MAX_PAYLOAD_BYTES: Final = 64 * 1024
TRACE_HEADER: Final = "trace_id"

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")

# Every name is spelled out: pgqueuer would otherwise take it from the environment, even from
# variables with names as plain as CHANNEL or FUNCTION.
SETTINGS: Final = DBSettings(
    prefix="",
    db_schema=None,
    channel=Channel("ch_pgqueuer"),
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
    durability=Durability.durable,
    widen_id=True,
)

_environment = qb.QueryBuilderEnvironment(SETTINGS)
_queue_builder = qb.QueryQueueBuilder(SETTINGS)
_schedule_builder = qb.QuerySchedulerBuilder(SETTINGS)


class JobMistakeError(Exception):
    """A job is declared or enqueued wrongly: a mistake of the program, not of a user."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A registered job. Attempt n + 1 follows n after `retry_seconds` · 2ⁿ⁻¹, `retry_most_seconds`
    at most; after `retries` of them the job is held as failed.
    """

    name: str
    handler: Handler
    retries: int
    retry_seconds: float
    retry_most_seconds: float
    most_seconds: float


_jobs: dict[str, Job] = {}
_schedules: dict[str, str] = {}


def job(
    name: str,
    *,
    retries: int = 5,
    retry_seconds: float = 2.0,
    retry_most_seconds: float = 600.0,
    most_seconds: float = 600.0,
) -> Callable[[Handler], Handler]:
    """Register the async handler of `name` ("slice.what_it_does"); it is called with the payload.

    A run that lasts longer than `most_seconds` is cancelled and counts as failed.
    """

    def register(handler: Handler) -> Handler:
        if not _NAME.fullmatch(name) or name in _jobs:
            raise JobMistakeError(f"{name!r} is no dotted name, or is registered already")
        _jobs[name] = Job(
            name=name,
            handler=handler,
            retries=retries,
            retry_seconds=retry_seconds,
            retry_most_seconds=retry_most_seconds,
            most_seconds=most_seconds,
        )
        return handler

    return register


def schedule(cron: str) -> Callable[[Handler], Handler]:
    """Enqueue the job below, with an empty payload, whenever `cron` (in UTC) is due.

    Once for all workers. A firing is left out while the job of the last one waits or runs; firings
    missed while no worker was up are made up for by one.
    """

    def register(handler: Handler) -> Handler:
        names = [name for name, known in _jobs.items() if known.handler is handler]
        if not names or not croniter.is_valid(cron):
            raise JobMistakeError(
                f"{cron!r} is no cron line, or @job does not stand below @schedule"
            )
        _schedules[names[-1]] = cron
        return handler

    return register


def registered() -> Mapping[str, Job]:
    """Every job by its name; complete once the slices' `jobs` modules are imported."""
    return _jobs


def schedules() -> Mapping[str, str]:
    """The cron line of each scheduled job."""
    return _schedules


async def enqueue(
    name: str,
    payload: Payload,
    *,
    run_after: timedelta | None = None,
    dedupe_key: str | None = None,
) -> int | None:
    """Enqueue a job in the current transaction; gives its id.

    Gives None when a job of that name and `dedupe_key` is waiting or running. One that is running
    may have read its data already: leave the key away where new data must be seen. A key taken by
    an open transaction is waited for.

    Raises: JobMistakeError for a name that is not dotted, or a payload over MAX_PAYLOAD_BYTES.
    """
    body = _body(name, payload)
    trace = telemetry.trace_id()
    async with db.acquire() as connection:
        (job_id,) = await queries(connection).enqueue(
            name,
            body,
            execute_after=run_after,
            dedupe_key=None if dedupe_key is None else f"{name}:{dedupe_key}",
            headers=None if trace is None else {TRACE_HEADER: trace},
            on_conflict="skip",
        )
    return job_id


async def enqueue_many(name: str, payloads: Sequence[Payload]) -> None:
    """Enqueue a job for each payload in the current transaction, by one statement.

    Raises: JobMistakeError as `enqueue` does.
    """
    if not payloads:
        return
    bodies: list[bytes | None] = [_body(name, payload) for payload in payloads]
    trace = telemetry.trace_id()
    headers = None if trace is None else {TRACE_HEADER: trace}
    async with db.acquire() as connection:
        await queries(connection).enqueue(
            [name] * len(bodies), bodies, [0] * len(bodies), headers=[headers] * len(bodies)
        )


def _body(name: str, payload: Payload) -> bytes:
    body = orjson.dumps(payload)
    if not _NAME.fullmatch(name) or len(body) > MAX_PAYLOAD_BYTES:
        raise JobMistakeError(f"{name!r} is no dotted name, or its payload is too large")
    return body


async def install(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Create the queue's tables, or bring them up to this version of pgqueuer.

    Call it outside a transaction: new values of an enum can't be used in the one that adds them.
    """
    queue = queries(connection)
    if await queue.schema_is_installed():
        await queue.apply_upgrade()
        return
    async with connection.transaction():
        await queue.install()


async def is_installed(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """Whether the queue's tables are there and up to date."""
    queue = queries(connection)
    return await queue.schema_is_installed() and not (await queue.plan_upgrade()).statements


def queries(connection: "asyncpg.Connection[asyncpg.Record]") -> Queries:
    """pgqueuer's statements on this connection, with the names of `SETTINGS`."""
    return Queries(AsyncpgDriver(connection), _environment, _queue_builder, _schedule_builder)
