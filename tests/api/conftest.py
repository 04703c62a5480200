"""The application in process, on this test's own database and an empty cache."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from backend.infra import db as database
from migrations.rights import APP_ROLE
from tests.support import api as support
from tests.support.api import Api

DEBTS = (
    *("plan", "instalment", "purchase"),
    *("loan_round", "loan_quota", "loan_application", "loan_application_event"),
)


@pytest.fixture
async def db(app_url: str, database_url: str) -> AsyncIterator[None]:
    """`backend.infra.db` as the API has it: with the rights of its role, and VACUUM, which tests of searches need.

    Debts, which the code only reads, may be written: by the tests, to have some.
    """
    owner = await asyncpg.connect(database_url)
    await owner.execute(f"GRANT MAINTAIN ON ALL TABLES IN SCHEMA public TO {APP_ROLE}")
    await owner.execute(f"GRANT INSERT, UPDATE, DELETE ON {', '.join(DEBTS)} TO {APP_ROLE}")
    await owner.close()
    await database.connect(app_url)
    try:
        yield
    finally:
        await database.close()


@pytest.fixture
async def api(db: None, cache: None) -> AsyncIterator[Api]:
    """A client of the application with the settings of development."""
    del db, cache
    async with support.serving() as client:
        yield client


@pytest.fixture
async def bare() -> AsyncIterator[Api]:
    """A client of the application without database and cache: for what is refused before they are asked."""
    async with support.serving() as client:
        yield client
