"""Approvals and real worker processes: what is granted is done once, whoever is killed meanwhile."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from backend.approvals import reading, service
from backend.approvals.domain import Approval, ApprovalState
from backend.core.viewer import SYSTEM
from backend.infra import db, jobs, sealing
from backend.settings import Settings
from tests.support import approval_worker
from tests.support.approval_worker import ask, operator

ROOT = Path(__file__).parents[2]
HEARTBEAT_SECONDS = "1"
PATIENCE_SECONDS = 100.0

Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture(autouse=True)
async def things(database_url: str, db: None) -> None:
    sealing.configure(Settings().sealer())
    service.set_still_may(approval_worker.still_may)
    connection = await asyncpg.connect(database_url)
    await connection.execute(approval_worker.TABLES)
    await connection.close()


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Iterator[Start]:
    workers: list[subprocess.Popen[bytes]] = []

    def begin() -> "subprocess.Popen[bytes]":
        with (tmp_path / f"{len(workers)}.log").open("wb") as log:
            arguments = ["-m", "tests.support.approval_worker", database_url, HEARTBEAT_SECONDS]
            workers.append(
                subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stderr=log, env=os.environ)
            )
        return workers[-1]

    yield begin
    for worker in workers:
        worker.kill()
        worker.wait()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.05)


async def thing() -> tuple[str, int]:
    row = await db.fetch_one("SELECT colour, painted FROM thing WHERE id = 1")
    assert row is not None
    return row["colour"], row["painted"]


async def state(approval: Approval) -> ApprovalState:
    found = await reading.find_approval(viewer=SYSTEM, approval_id=approval.id)
    assert found is not None
    return found.state


async def painters() -> list[int]:
    rows = await db.fetch("SELECT pid FROM thing_mark WHERE what = 'painted' ORDER BY id")
    return [row["pid"] for row in rows]


async def executions() -> int:
    row = await db.fetch_one("SELECT count(*) FROM audit_entry WHERE action = 'approval.executed'")
    assert row is not None
    return int(row["count"])


async def test_a_worker_killed_in_the_middle_has_done_nothing_and_another_does_it_once(
    start: Start,
) -> None:
    approval = await ask(operator(1), payload={"colour": "green", "gated": True})
    await service.grant(viewer=operator(2), approval_id=approval.id)
    first = start()

    async def is_painting() -> bool:
        return await painters() == [first.pid]

    await until(is_painting)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert (await thing(), await state(approval)) == (("red", 0), ApprovalState.GRANTED)
    await db.execute("INSERT INTO thing_gate VALUES (true)")
    second = start()

    async def is_done() -> bool:
        return await state(approval) is ApprovalState.EXECUTED

    await until(is_done)
    assert await thing() == ("green", 1)
    assert await painters() == [first.pid, second.pid]
    assert await executions() == 1


async def test_two_workers_with_the_same_approval_in_hand_do_it_once(start: Start) -> None:
    approval = await ask(operator(1), payload={"colour": "green", "gated": True})
    await service.grant(viewer=operator(2), approval_id=approval.id)
    for _ in range(5):
        await jobs.enqueue(service.EXECUTE_JOB, {"approval_id": approval.id})
    start(), start()

    async def is_painting() -> bool:
        return len(await painters()) == 1

    async def waits() -> bool:
        row = await db.fetch_one(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock'"
        )
        return row is not None and row["count"] >= 1

    await until(is_painting)
    await until(waits)
    await db.execute("INSERT INTO thing_gate VALUES (true)")

    async def is_empty() -> bool:
        return not await db.fetch("SELECT FROM pgqueuer")

    await until(is_empty)
    assert await state(approval) is ApprovalState.EXECUTED
    assert await thing() == ("green", 1)
    assert len(await painters()) == 1
    assert await executions() == 1


async def test_an_approver_who_is_too_late_by_a_moment_does_not_have_it_done_twice(
    start: Start,
) -> None:
    approval = await ask(operator(1))
    outcomes = await asyncio.gather(
        *(service.grant(viewer=operator(n), approval_id=approval.id) for n in range(2, 8)),
        return_exceptions=True,
    )
    assert len([each for each in outcomes if isinstance(each, Approval)]) == 1
    start()

    async def is_done() -> bool:
        return await state(approval) is ApprovalState.EXECUTED

    await until(is_done)
    assert await thing() == ("green", 1)
