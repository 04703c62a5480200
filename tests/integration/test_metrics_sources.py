"""What Prometheus is told of the real queue, pool and statements."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from backend.infra import db
from backend.infra.metrics_sources import JobSource, ServerSource


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    found = registry.get_sample_value(name, labels)
    assert found is not None
    return found


@pytest.mark.usefixtures("db")
class TestSources:
    async def test_jobs_by_name_and_status_with_the_age_of_the_oldest(self) -> None:
        await db.execute(
            "INSERT INTO pgqueuer (priority, created, updated, heartbeat, execute_after, status, entrypoint)"
            " SELECT 0, now() - age, now(), now(), now(), 'queued', 'access.send_code'"
            " FROM unnest(ARRAY[interval '1 hour', interval '1 minute']) AS age"
        )
        source, registry = JobSource(), CollectorRegistry()
        registry.register(source)
        assert registry.get_sample_value("bashgah_jobs") is None

        await source.look()

        labels = {"job": "access.send_code", "status": "queued"}
        assert value(registry, "bashgah_jobs", **labels) == 2.0
        assert 3_600 <= value(registry, "bashgah_jobs_oldest_seconds", **labels) < 3_700

    async def test_connections_in_use_and_statements(self) -> None:
        registry = CollectorRegistry()
        registry.register(ServerSource())
        before = value(registry, "bashgah_database_statements_total")

        async with db.acquire() as connection:
            await connection.fetch("SELECT 1")
            in_use = value(registry, "bashgah_database_connections", state="in_use")

        assert in_use == 1.0
        assert value(registry, "bashgah_database_connections", state="in_use") == 0.0
        assert value(registry, "bashgah_database_connections_max") == 10.0
        assert value(registry, "bashgah_database_statements_total") == before + 1

    async def test_a_use_that_finds_every_connection_busy_is_counted(self) -> None:
        before = db.pool().waits
        free, all_held = asyncio.Event(), asyncio.Barrier(11)

        async def hold() -> None:
            async with db.acquire():
                await all_held.wait()
                await free.wait()

        holders = [asyncio.create_task(hold()) for _ in range(10)]
        await all_held.wait()
        waiting = asyncio.create_task(db.fetch("SELECT 1"))
        await asyncio.sleep(0)
        assert db.pool().waits == before + 1
        free.set()
        await asyncio.gather(waiting, *holders)

        assert db.pool().waits == before + 1
