"""The job queue against a real PostgreSQL, with real worker processes."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from backend.infra import db, job_log, job_run, job_worker, jobs, telemetry
from tests.support import job_worker as worker_jobs
from tests.support.own_postgres import OwnPostgres
from tests.support.servers import TestValkey

ROOT = Path(__file__).parents[2]
HEARTBEAT_SECONDS = 1.0
PROMISE_SECONDS = 1.5 * HEARTBEAT_SECONDS
BUSY_SECONDS = 10.0  # what a busy machine may add to it
PATIENCE_SECONDS = 90.0
RUN_WORKER = """
import asyncio
from backend import settings, worker
from backend.infra import telemetry
telemetry.configure_logging(level="INFO", json=True)
asyncio.run(worker.main(settings.Settings()))
"""


@dataclass
class Worker:
    process: subprocess.Popen[bytes]
    log: Path

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def events(self) -> list[object]:
        return [line["event"] for line in self.lines()]


StartWorker = Callable[..., Awaitable[Worker]]


@pytest.fixture
async def queue_url(database_url: str) -> AsyncIterator[str]:
    """A migrated database with the tables of the test's jobs, and `db` connected to it."""
    await prepare(database_url)
    await db.connect(database_url, pool_max=4)
    yield database_url
    await db.close()


@pytest.fixture
def start_worker(queue_url: str, tmp_path: Path) -> Iterator[StartWorker]:
    workers: list[Worker] = []

    async def start(
        *, heartbeat: float = HEARTBEAT_SECONDS, drain: float = 10.0, cron: str | None = None
    ) -> Worker:
        log = tmp_path / f"{len(workers)}.log"
        arguments = [queue_url, str(heartbeat), str(drain), *([cron] if cron else [])]
        workers.append(spawn(["-m", "tests.support.job_worker", *arguments], log))
        await until(lambda: is_connected(workers[-1]))
        return workers[-1]

    yield start
    for worker in workers:
        worker.process.kill()
        worker.process.wait()


async def prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    await jobs.install(connection)
    await connection.execute(worker_jobs.TABLES)
    await connection.close()


def spawn(arguments: list[str], log: Path, **environment: str) -> Worker:
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, stderr=stream, env={**os.environ, **environment}
        )
    return Worker(process, log)


async def is_connected(worker: Worker) -> bool:
    return "jobs.connected" in worker.events()


async def until(
    condition: Callable[[], Awaitable[bool]], *, seconds: float = PATIENCE_SECONDS
) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.05)


async def marks(key: str, what: str | None = None) -> list[asyncpg.Record]:
    return await db.fetch(
        "SELECT * FROM job_marks WHERE key = $1 AND what = coalesce($2, what) ORDER BY id",
        key,
        what,
    )


async def has_marks(key: str, what: str, count: int = 1) -> bool:
    return len(await marks(key, what)) >= count


async def queued_names() -> list[str]:
    return [row["entrypoint"] for row in await db.fetch("SELECT entrypoint FROM pgqueuer")]


async def status_of(job_id: int | None) -> str | None:
    row = await db.fetch_one("SELECT status::text FROM pgqueuer WHERE id = $1", job_id)
    return None if row is None else row["status"]


async def is_gone(job_id: int | None) -> bool:
    return await status_of(job_id) is None


async def is_held(job_id: int | None) -> bool:
    return await status_of(job_id) == "failed"


async def open_gate(key: str) -> None:
    await db.execute("INSERT INTO job_gates VALUES ($1)", key)


class UnwantedError(Exception):
    pass


async def test_a_rolled_back_enqueue_leaves_nothing(queue_url: str) -> None:
    async def fail_after_enqueueing() -> None:
        async with db.transaction():
            await jobs.enqueue("test.record", {"key": "never"})
            raise UnwantedError

    with pytest.raises(UnwantedError):
        await fail_after_enqueueing()
    assert await queued_names() == []
    assert await db.fetch("SELECT FROM pgqueuer_log") == []


async def test_a_committed_job_runs_once_and_leaves_the_queue(start_worker: StartWorker) -> None:
    async with db.transaction():
        job_id = await jobs.enqueue("test.record", {"key": "a"})
    await start_worker()
    await until(lambda: is_gone(job_id))
    assert len(await marks("a")) == 1


async def test_a_job_enqueued_while_the_worker_waits_is_run_without_a_poll(
    start_worker: StartWorker,
) -> None:
    await start_worker()
    await jobs.enqueue("test.record", {"key": "a"})
    await until(lambda: has_marks("a", "ran"))


async def test_a_job_runs_under_the_trace_of_the_request_that_enqueued_it(
    start_worker: StartWorker,
) -> None:
    trace = "0123456789abcdef0123456789abcdef"
    with telemetry.bind_trace(trace):
        job_id = await jobs.enqueue("test.record", {"key": "a", "phone": "09121234567"})
    worker = await start_worker()
    await until(lambda: is_gone(job_id))
    assert [mark["trace"] for mark in await marks("a")] == [trace]
    (line,) = [line for line in worker.lines() if line["event"] == "jobs.done"]
    assert (line["job"], line["job_id"], line["trace_id"]) == ("test.record", job_id, trace)
    assert "0912" not in worker.log.read_text()


async def test_a_second_job_of_the_same_key_is_not_enqueued(queue_url: str) -> None:
    first = await jobs.enqueue("test.record", {"key": "a"}, dedupe_key="a")
    second = await jobs.enqueue("test.record", {"key": "b"}, dedupe_key="a")
    other_name = await jobs.enqueue("test.gated", {"key": "a"}, dedupe_key="a")
    assert first is not None
    assert second is None
    assert other_name is not None
    assert sorted(await queued_names()) == ["test.gated", "test.record"]


async def test_a_key_is_free_again_when_its_job_is_done(start_worker: StartWorker) -> None:
    first = await jobs.enqueue("test.record", {"key": "a"}, dedupe_key="a")
    await start_worker()
    await until(lambda: is_gone(first))
    assert await jobs.enqueue("test.record", {"key": "a"}, dedupe_key="a") is not None


async def test_a_deferred_job_waits_for_its_time(start_worker: StartWorker) -> None:
    later = await jobs.enqueue("test.record", {"key": "later"}, run_after=timedelta(hours=1))
    now = await jobs.enqueue("test.record", {"key": "now"})
    await start_worker()
    await until(lambda: is_gone(now))
    assert await status_of(later) == "queued"
    assert await marks("later") == []


@pytest.mark.parametrize(
    ("name", "payload"), [("undotted", {}), ("test.record", {"text": "x" * jobs.MAX_PAYLOAD_BYTES})]
)
async def test_a_wrong_name_or_a_huge_payload_is_refused(
    queue_url: str, name: str, payload: dict[str, jobs.Json]
) -> None:
    with pytest.raises(jobs.JobMistakeError):
        await jobs.enqueue(name, payload)
    assert await queued_names() == []


async def test_a_failing_job_is_retried_and_then_held(start_worker: StartWorker) -> None:
    job_id = await jobs.enqueue("test.failing", {"key": "a"})
    worker = await start_worker()
    await until(lambda: is_held(job_id))
    assert len(await marks("a")) == 3
    events = [event for event in worker.events() if event in {"jobs.retried", "jobs.held"}]
    assert events == ["jobs.retried", "jobs.retried", "jobs.held"]
    kept = await db.fetch("SELECT traceback::text FROM pgqueuer_log WHERE traceback IS NOT NULL")
    assert len(kept) == 3
    assert all("LookupError: no member with phone [redacted]" in row[0] for row in kept)
    assert "09121234567" not in worker.log.read_text() + "".join(row[0] for row in kept)


@pytest.mark.parametrize("name", ["test.overlong", "test.self_cancelling"])
async def test_a_run_that_never_ends_or_cancels_itself_is_held_and_not_deleted(
    start_worker: StartWorker, name: str
) -> None:
    job_id = await jobs.enqueue(name, {"key": "a"})
    await start_worker()
    await until(lambda: is_held(job_id))
    assert len(await marks("a")) == 1


async def test_a_job_whose_workers_die_again_and_again_is_held(start_worker: StartWorker) -> None:
    job_id = await jobs.enqueue("test.record", {"key": "a"})
    await db.execute(
        "INSERT INTO pgqueuer_log (job_id, status, priority, entrypoint)"
        " SELECT $1, 'picked', 0, 'test.record' FROM generate_series(0, $2)",
        job_id,
        job_run.MAX_LOST_RUNS,
    )
    await start_worker()
    await until(lambda: is_held(job_id))
    assert await marks("a") == []


async def test_the_job_of_a_killed_worker_is_taken_up_by_another(start_worker: StartWorker) -> None:
    job_id = await jobs.enqueue("test.gated", {"key": "a"})
    victim = await start_worker()
    await until(lambda: has_marks("a", "began"))
    heir = await start_worker()
    victim.process.kill()
    await until(lambda: has_marks("a", "began", 2), seconds=3 * PROMISE_SECONDS + BUSY_SECONDS)
    await open_gate("a")
    await until(lambda: is_gone(job_id))
    assert [mark["pid"] for mark in await marks("a", "began")] == [
        victim.process.pid,
        heir.process.pid,
    ]
    assert [mark["pid"] for mark in await marks("a", "ended")] == [heir.process.pid]


async def test_a_long_live_job_is_not_taken_twice(start_worker: StartWorker) -> None:
    heartbeat = 3.0  # late by less than that, on the busiest machine
    job_id = await jobs.enqueue("test.gated", {"key": "a"})
    await start_worker(heartbeat=heartbeat)
    await until(lambda: has_marks("a", "began"))
    await start_worker(heartbeat=heartbeat)

    async def is_older_than_the_promise() -> bool:
        age = timedelta(seconds=3 * heartbeat)
        return bool(await db.fetch("SELECT FROM job_marks WHERE at < now() - $1::interval", age))

    await until(is_older_than_the_promise)
    await open_gate("a")
    await until(lambda: is_gone(job_id))
    assert len(await marks("a", "began")) == 1
    assert len(await marks("a", "ended")) == 1
    # Not even by its own worker, which a claim without heartbeats would be.
    assert len(await db.fetch("SELECT FROM pgqueuer_log WHERE status = 'picked'")) == 1


async def test_sigterm_lets_the_running_job_finish_and_takes_no_other(
    start_worker: StartWorker,
) -> None:
    running = await jobs.enqueue("test.gated", {"key": "a"})
    worker = await start_worker()
    await until(lambda: has_marks("a", "began"))
    worker.process.terminate()

    async def is_draining() -> bool:
        return "jobs.draining" in worker.events()

    await until(is_draining)
    waiting = await jobs.enqueue("test.record", {"key": "b"})
    await open_gate("a")
    assert await asyncio.to_thread(worker.process.wait, PATIENCE_SECONDS) == 0
    assert await status_of(running) is None
    assert len(await marks("a", "ended")) == 1
    assert await status_of(waiting) == "queued"
    assert await marks("b") == []
    assert worker.events()[-1] == "jobs.stopped"


async def test_a_job_that_outlasts_the_drain_goes_back_into_the_queue(
    start_worker: StartWorker,
) -> None:
    job_id = await jobs.enqueue("test.gated", {"key": "a"})
    worker = await start_worker(drain=0.2)
    await until(lambda: has_marks("a", "began"))
    worker.process.terminate()
    assert await asyncio.to_thread(worker.process.wait, PATIENCE_SECONDS) == 0
    assert await status_of(job_id) == "queued"
    assert await marks("a", "ended") == []


async def test_a_schedule_fires_once_for_all_workers(start_worker: StartWorker) -> None:
    every_two_seconds = "* * * * * */2"
    for _ in range(3):
        await start_worker(cron=every_two_seconds)
    await until(lambda: has_marks("tick", "ran", 4))
    times = [mark["at"] for mark in await marks("tick")]
    # Three periods lie between the first and the fourth; one is left for a slow machine.
    assert times[3] - times[0] > timedelta(seconds=4)


async def test_the_worker_survives_a_restart_of_postgresql(tmp_path: Path) -> None:
    postgres = OwnPostgres()
    workers: list[Worker] = []
    try:
        postgres.start()
        await prepare(postgres.url())
        await db.connect(postgres.url(), pool_max=2)
        worker = spawn(
            ["-m", "tests.support.job_worker", postgres.url(), "1", "10"], tmp_path / "log"
        )
        workers.append(worker)
        await jobs.enqueue("test.record", {"key": "before"})
        await jobs.enqueue("test.gated", {"key": "during"})
        await until(lambda: has_marks("before", "ran"))
        await until(lambda: has_marks("during", "began"))
        await db.close()
        await asyncio.to_thread(postgres.stop)

        async def noticed() -> bool:
            return worker.events().count("jobs.database_lost") >= 2

        await until(noticed)
        await asyncio.to_thread(postgres.start)
        await db.connect(postgres.url(), pool_max=2)
        await open_gate("during")
        await jobs.enqueue("test.record", {"key": "after"})
        await until(lambda: has_marks("after", "ran"))
        await until(lambda: has_marks("during", "ended"))
        assert worker.process.poll() is None
        assert worker.events().count("jobs.connected") == 2
    finally:
        await db.close()
        for worker in workers:
            worker.process.kill()
            worker.process.wait()
        postgres.remove()


async def test_pruning_deletes_only_old_rows_in_batches(queue_url: str) -> None:
    await db.execute(
        "INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint)"
        " SELECT now() - interval '1 day' * age, age, 'successful', 0, 'test.record'"
        " FROM generate_series(1, 30) AS age"
    )
    await db.execute(
        "INSERT INTO pgqueuer_statistics (created, count, priority, status, entrypoint)"
        " SELECT now() - interval '1 day' * age, 1, 0, 'successful', 'test.record'"
        " FROM generate_series(1, 30) AS age"
    )
    with db.count_statements() as statements:
        deleted = await job_log.prune(keep=timedelta(days=14, hours=1), batch_size=5)
    assert deleted == 2 * 16
    assert statements.count == 2 * 4
    kept = await db.fetch("SELECT job_id FROM pgqueuer_log ORDER BY job_id")
    assert [row["job_id"] for row in kept] == list(range(1, 15))
    assert len(await db.fetch("SELECT FROM pgqueuer_statistics")) == 14


async def test_the_worker_of_the_product_prunes_the_log_on_a_schedule_and_ends_on_sigterm(
    queue_url: str, valkey: TestValkey, tmp_path: Path
) -> None:
    await db.execute(
        "INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint)"
        " VALUES (now() - interval '1 year', 1000, 'successful', 0, 'test.record')"
    )
    await jobs.enqueue("queue.prune_log", {})
    worker = spawn(
        ["-c", RUN_WORKER],
        tmp_path / "log",
        BASHGAH_DATABASE_URL=queue_url,
        BASHGAH_CACHE_URL=valkey.url,
    )

    async def is_pruned() -> bool:
        return await db.fetch("SELECT FROM pgqueuer_log WHERE job_id = 1000") == []

    try:
        await until(is_pruned)
        planned = await db.fetch("SELECT entrypoint, expression FROM pgqueuer_schedules")
        assert sorted(tuple(row) for row in planned) == [
            ("access.prune_sessions", "10 22 * * *"),
            ("approvals.sweep", "* * * * *"),
            ("audit.seal", "* * * * *"),
            ("audit.seal_reads", "*/5 * * * *"),
            ("imports.forget_reports", "30 22 * * *"),
            ("imports.sweep", "* * * * *"),
            ("partitions.extend", "40 23 * * *"),
            ("queue.prune_log", "*/10 * * * *"),
            ("stores.forget_changes", "20 22 * * *"),
        ]
        worker.process.terminate()
        assert await asyncio.to_thread(worker.process.wait, PATIENCE_SECONDS) == 0
    finally:
        worker.process.kill()
        worker.process.wait()


async def test_the_worker_of_the_product_waits_for_a_database_that_is_not_up_yet(
    valkey: TestValkey, tmp_path: Path
) -> None:
    postgres = OwnPostgres()
    postgres.start()
    await prepare(postgres.url())
    await asyncio.to_thread(postgres.stop)
    worker = spawn(
        ["-c", RUN_WORKER],
        tmp_path / "log",
        BASHGAH_DATABASE_URL=postgres.url(),
        BASHGAH_CACHE_URL=valkey.url,
    )

    async def waits() -> bool:
        return worker.events().count("worker.database_missing") >= 2

    try:
        await until(waits)
        await asyncio.to_thread(postgres.start)
        await until(lambda: is_connected(worker))
        worker.process.terminate()
        assert await asyncio.to_thread(worker.process.wait, PATIENCE_SECONDS) == 0
    finally:
        worker.process.kill()
        worker.process.wait()
        postgres.remove()


async def test_jobs_of_an_unknown_name_are_told(queue_url: str) -> None:
    await jobs.enqueue("test.nobody_knows", {})
    await jobs.enqueue("test.record", {"key": "a"})
    assert await job_log.unclaimed() == {}
    await db.execute("UPDATE pgqueuer SET created = now() - interval '1 hour'")
    assert await job_log.unclaimed() == {"test.nobody_knows": 1}


async def test_installing_again_changes_nothing(queue_url: str) -> None:
    async with db.acquire() as connection:
        assert await jobs.is_installed(connection)
        await jobs.install(connection)
        assert await jobs.is_installed(connection)


def test_a_name_has_one_handler() -> None:
    with pytest.raises(jobs.JobMistakeError):
        jobs.job("test.record")(worker_jobs.gated)
    assert jobs.registered()["test.record"].handler is worker_jobs.record


@pytest.mark.parametrize("cron", ["every day", "61 * * * *"])
def test_a_schedule_needs_a_valid_cron_line(cron: str) -> None:
    with pytest.raises(jobs.JobMistakeError):
        jobs.schedule(cron)(worker_jobs.record)
    assert "test.record" not in jobs.schedules()


def test_a_schedule_needs_a_job() -> None:
    async def unregistered(_payload: jobs.Payload) -> None: ...

    with pytest.raises(jobs.JobMistakeError):
        jobs.schedule("* * * * *")(unregistered)


def test_the_wait_for_postgresql_doubles_up_to_a_bound() -> None:
    for losses, most in [(1, 0.25), (2, 0.5), (5, 4.0), (50, 15.0)]:
        assert 0.5 * most <= job_worker.back_off_seconds(losses) <= most


def test_retries_wait_twice_as_long_each_time_up_to_a_bound() -> None:
    job = jobs.registered()["test.record"]
    for attempt, most in [(1, 2.0), (2, 4.0), (5, 32.0), (30, 600.0)]:
        delay = job_run.retry_delay(job, attempt=attempt).total_seconds()
        assert 0.8 * most <= delay <= most
