"""Directories of stores for tests: loaded from the connected database, as often as a test says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from backend.infra import db
from backend.stores.directory import Directory
from backend.stores.directory_keeper import Keeper


@dataclass(frozen=True, slots=True)
class Kept:
    """A directory with its keeper and the connection that it asks."""

    directory: Directory
    keeper: Keeper
    connection: db.RawConnection

    async def refresh(self) -> None:
        """Catch up with the database."""
        await self.keeper.refresh(self.connection)


@asynccontextmanager
async def kept(url: str, directory: Directory | None = None) -> AsyncIterator[Kept]:
    """A directory that is loaded, until the block ends; of its own unless one is given."""
    directory = directory or Directory()
    connection = await asyncpg.connect(url)
    try:
        found = Kept(directory, Keeper(directory), connection)
        await found.refresh()
        yield found
    finally:
        connection.terminate()
        await asyncio.sleep(0)
