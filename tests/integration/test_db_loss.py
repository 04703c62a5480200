"""What a caller sees of a session that is lost under way, and that the pool is whole again afterwards."""

import asyncio
import threading
from collections.abc import AsyncIterator

import asyncpg
import pytest

from backend.infra import db

TERMINATE = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE application_name = 'bashgah' AND datname = current_database()"
)


@pytest.fixture(autouse=True)
async def small_pool(database_url: str) -> AsyncIterator[None]:
    """A pool of one connection: one that is not given back is missed at once."""
    await db.connect(database_url, pool_max=1, statement_timeout_ms=5000)
    yield
    await db.close()


async def terminate(url: str) -> None:
    """End all sessions of the pool, as an administrator or a restart does."""
    connection = await asyncpg.connect(url)
    await connection.execute(TERMINATE)
    await connection.close()


def terminate_unnoticed(url: str) -> None:
    """The same while our event loop stands still: the pool takes its connection for a good one."""
    thread = threading.Thread(target=lambda: asyncio.run(terminate(url)))
    thread.start()
    thread.join()


async def test_a_session_lost_under_a_statement_is_told_as_unavailable(database_url: str) -> None:
    slow = asyncio.create_task(db.fetch("SELECT pg_sleep(60)"))
    connection = await asyncpg.connect(database_url)
    while not await connection.fetch(  # noqa: ASYNC110 - another process changes it
        "SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep%'"
    ):
        await asyncio.sleep(0.01)
    await connection.close()

    await terminate(database_url)

    with pytest.raises(db.DatabaseUnavailable) as refusal:
        await slow
    assert refusal.value.retry_after_seconds == 1
    assert await db.fetch("SELECT 1")


async def test_a_session_lost_between_statements_is_told_as_unavailable(database_url: str) -> None:
    terminate_unnoticed(database_url)

    with pytest.raises(db.DatabaseUnavailable):
        await db.fetch("SELECT 1")

    assert await db.fetch("SELECT 1")


async def test_a_session_lost_in_a_transaction_is_told_as_unavailable(database_url: str) -> None:
    async def lose_it() -> None:
        async with db.transaction():
            await db.fetch("SELECT 1")
            terminate_unnoticed(database_url)
            await db.fetch("SELECT 1")

    with pytest.raises(db.DatabaseUnavailable):
        await lose_it()

    assert await db.fetch("SELECT 1")


async def test_a_transaction_that_can_not_begin_gives_its_connection_back(
    database_url: str,
) -> None:
    terminate_unnoticed(database_url)

    with pytest.raises(db.DatabaseUnavailable):
        async with db.transaction():
            pytest.fail("it began on a lost session")

    async with db.transaction():
        assert await db.fetch("SELECT 1")


async def test_a_transaction_does_not_wait_for_ever_for_a_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(db, "ACQUIRE_SECONDS", 0.05)
    async with db.acquire():
        with pytest.raises(db.DatabaseUnavailable):
            async with db.transaction():
                pytest.fail("there is no second connection")

    async with db.transaction():
        assert await db.fetch("SELECT 1")
