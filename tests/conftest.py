"""Real servers for every test that asks: one PostgreSQL and one Valkey a test process, a fresh database a test."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator

import pytest

from backend.access import acting_operators
from backend.approvals import service as approvals
from backend.infra import cache as shared_cache
from backend.infra import db as database
from backend.infra import migrations
from tests.support import servers as test_servers
from tests.support.servers import TestPostgres, TestServers, TestValkey

PATIENCE_MS = 10_000


def pytest_collection_finish() -> None:
    """What was imported stays: no collection of garbage looks through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def what_was_left_open_is_told_here() -> Iterator[None]:
    """A module that forgets a socket or a coroutine fails itself, by its last test, and not one that comes after it.

    Such a warning comes when garbage is collected, which is usually in the longest test of all.
    """
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def who_still_may_is_asked_of_access() -> None:
    """As in the product, whatever the test before has set."""
    approvals.set_still_may(acting_operators.still_may)


@pytest.fixture(scope="session")
def servers() -> Iterator[TestServers]:
    """PostgreSQL and Valkey of this process."""
    with test_servers.without_libpq_environment(), test_servers.running() as started:
        yield started


@pytest.fixture(scope="session")
def postgres(servers: TestServers) -> TestPostgres:
    """PostgreSQL: `url(database)`, `create`, `drop`."""
    return servers.postgres


@pytest.fixture(scope="session")
def valkey(servers: TestServers) -> TestValkey:
    """Valkey: `url`. Shared by all tests of the process; `cache` flushes it."""
    return servers.valkey


@pytest.fixture(scope="session")
def migrated_template(postgres: TestPostgres) -> str:
    """Name of a database with all migrations and no data."""
    name = postgres.create("migrated")
    asyncio.run(migrations.migrate(postgres.url(name)))
    return name


@pytest.fixture
def database_url(postgres: TestPostgres, migrated_template: str) -> Iterator[str]:
    """A migrated, empty database of this test's own."""
    name = postgres.create(template=migrated_template)
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def app_url(postgres: TestPostgres, database_url: str) -> str:
    """This test's own database as the role that the API runs as; `database_url` is the owner's."""
    return postgres.app_url(database_url.partition("@/")[2].partition("?")[0])


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[None]:
    """`backend.infra.db`, connected to this test's own database."""
    await database.connect(database_url)
    try:
        yield
    finally:
        await database.close()


@pytest.fixture
async def cache(valkey: TestValkey) -> AsyncIterator[None]:
    """`backend.infra.cache`, connected to an empty Valkey; patient, because the test machine may be busy."""
    await shared_cache.connect(valkey.url, timeout_ms=PATIENCE_MS)
    try:
        await shared_cache.client().flushall()
        yield
    finally:
        await shared_cache.close()
