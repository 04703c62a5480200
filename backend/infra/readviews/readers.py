"""The connections that read views are read on: outside the pool, opened when first needed, given up when in doubt."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from backend.infra import db
from backend.infra.readviews.statements import Statement

CLOSE_SECONDS: Final = 2.0  # for a polite end of a connection

_FAILURES: Final = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


@dataclass(slots=True, eq=False)
class Reader:
    """A connection that is opened at its first use, and again when it was lost."""

    connection: "db.RawConnection | None" = None
    since: float = 0.0  # when its last statement began, by the event loop's clock

    async def fetch(
        self, statement: Statement, arguments: Sequence[tuple[object, ...]]
    ) -> list[asyncpg.Record]:
        """The rows for these arguments. Raises DatabaseUnavailable, StatementTimedOut, asyncpg.PostgresError."""
        if self.connection is None or self.connection.is_closed():
            self.connection = await db.open_own(plan_cache_mode="force_generic_plan")
        columns = zip(*arguments, strict=True)
        try:
            return await self.connection.fetch(statement.sql, *map(list, columns))
        except BaseException as error:
            known = db.failure(error, self.connection)
            if known is error:
                raise
            if isinstance(known, db.DatabaseUnavailable):
                self.terminate()  # else the next one may wait for the same silence
            raise known from error

    def terminate(self) -> None:
        """Give the connection up without a word to the server."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.terminate()

    async def close(self) -> None:
        """Close the connection, politely where the server answers in time. Never raises."""
        if self.connection is not None:
            with contextlib.suppress(*_FAILURES):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self.connection.close()
        self.terminate()
