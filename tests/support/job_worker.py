"""A worker process with jobs that leave marks: `python -m tests.support.job_worker URL HEARTBEAT DRAIN [CRON]`.

Its log lines are JSON on standard error.
"""

import asyncio
import os
import signal
import sys

from backend.infra import db, job_worker, jobs, telemetry

TABLES = """
CREATE TABLE job_marks (
    id bigserial PRIMARY KEY, key text, what text, pid int, trace text, at timestamptz DEFAULT now()
);
CREATE TABLE job_gates (key text PRIMARY KEY);
"""


async def mark(key: object, what: str) -> None:
    await db.execute(
        "INSERT INTO job_marks (key, what, pid, trace) VALUES ($1, $2, $3, $4)",
        str(key),
        what,
        os.getpid(),
        telemetry.trace_id(),
    )


@jobs.job("test.record")
async def record(payload: jobs.Payload) -> None:
    await mark(payload["key"], "ran")


@jobs.job("test.gated", retry_seconds=0.1)
async def gated(payload: jobs.Payload) -> None:
    """Lasts until the row `key` stands in job_gates."""
    await mark(payload["key"], "began")
    while not await db.fetch("SELECT FROM job_gates WHERE key = $1", payload["key"]):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    await mark(payload["key"], "ended")


@jobs.job("test.failing", retries=2, retry_seconds=0.1)
async def failing(payload: jobs.Payload) -> None:
    await mark(payload["key"], "ran")
    raise LookupError("no member with phone 09121234567")


@jobs.job("test.overlong", retries=0, most_seconds=0.1)
async def overlong(payload: jobs.Payload) -> None:
    await mark(payload["key"], "began")
    await asyncio.Event().wait()


@jobs.job("test.self_cancelling", retries=0)
async def self_cancelling(payload: jobs.Payload) -> None:
    await mark(payload["key"], "ran")
    raise asyncio.CancelledError


@jobs.job("test.tick")
async def tick(_payload: jobs.Payload) -> None:
    await mark("tick", "ran")


async def main(url: str, heartbeat: str, drain: str, cron: str | None = None) -> None:
    telemetry.configure_logging(level="INFO", json=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    if cron is not None:
        jobs.schedule(cron)(tick)
    await db.connect(url, pool_max=4)
    try:
        await job_worker.run_worker(
            url, stop=stop, heartbeat_seconds=float(heartbeat), drain_seconds=float(drain)
        )
    finally:
        await db.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
