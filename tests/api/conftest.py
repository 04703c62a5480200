"""The application in process, on this test's own database and an empty cache."""

from collections.abc import AsyncIterator

import pytest

from tests.support import api as support
from tests.support.api import Api


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
