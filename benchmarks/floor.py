"""The floor (c): bare ASGI, the same token check as ours, one hand-written statement a request, no GraphQL.

`python -m benchmarks.floor PORT`, with the settings of `bashgah serve`; a screen is POST /<its name>.
"""

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

import asyncpg
import orjson

from backend import composition, settings
from backend.access import revocation
from backend.access import service as access
from backend.core import calendar, clock
from backend.core.geo import GeoPoint
from backend.infra import cache, db
from backend.organization import service as organization
from backend.settings import Settings
from benchmarks import available, plain, statements
from benchmarks.plain import Receive, Scope, Send
from benchmarks.screens import SCREENS, Asked, Screen, Today

if TYPE_CHECKING:
    from asyncpg.prepared_stmt import PreparedStatement

TYPENAME = b'{"data":{"__typename":"Query"}}'
_DAY = timedelta(days=1)
_NOWHERE = GeoPoint(0.0, 0.0)

Prepared: TypeAlias = "Mapping[str, PreparedStatement[asyncpg.Record]]"


async def this_minute() -> Today:
    """This minute by Tehran's clock, and whether it is a public holiday."""
    local = clock.now().astimezone(clock.TEHRAN)
    day = local.date()
    holidays = await organization.holidays_between(day - _DAY, day)
    return Today(
        day=day,
        weekday=int(calendar.weekday_of(day)),
        minute=local.hour * 60 + local.minute,
        is_holiday=day in holidays,
        was_holiday=day - _DAY in holidays,
    )


@dataclass(slots=True)
class Floor:
    """The ASGI application."""

    settings: Settings
    # Last in, first out: the connections that are used have warm caches.
    free: "asyncio.LifoQueue[Prepared]" = field(default_factory=asyncio.LifoQueue)
    opened: list["asyncpg.Connection[asyncpg.Record]"] = field(default_factory=list)
    now: Today | None = None
    minute: int = 0

    async def start(self) -> None:
        """Open the connections and prepare every statement on each."""
        for _ in range(self.settings.database_pool_max):
            connection = await asyncpg.connect(
                self.settings.database_url,
                server_settings=statements.SESSION,
            )
            self.opened.append(connection)
            self.free.put_nowait(
                {
                    f"/{screen.name}": await connection.prepare(statements.prepared(screen))
                    for screen in SCREENS.values()
                    if screen.columns
                }
            )

    async def stop(self) -> None:
        """Close the connections."""
        for connection in self.opened:
            await connection.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] == "GET":
            await plain.answer(send, b"ready")
            return
        asked = orjson.loads(await plain.body(receive))
        bearer = await access.identity_of_token(_token(scope))
        screen = SCREENS[scope["path"][1:]]
        if not screen.columns or bearer.viewer.subject is None:
            await plain.answer(send, TYPENAME)
            return
        await plain.answer(send, await self._read(screen, bearer.viewer.subject, asked))

    async def _read(self, screen: Screen, member_id: int, asked: Mapping[str, object]) -> bytes:
        at = _point(asked.get("variables"))
        today = await self._today()
        arguments = screen.arguments(Asked(member_id, at, today))
        prepared = await self.free.get()
        try:
            answer: str = await prepared[f"/{screen.name}"].fetchval(*arguments)
        finally:
            self.free.put_nowait(prepared)
        if screen.name == "Home":
            answer = available.fill_in(answer, today.day)
        return answer.encode()

    async def _today(self) -> Today:
        minute = int(time.time()) // 60
        if self.now is None or minute != self.minute:
            self.now, self.minute = await this_minute(), minute
        return self.now


def _token(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"authorization":
            return str(value[7:], "ascii")
    return ""


def _point(variables: object) -> GeoPoint:
    given = variables.get("at") if isinstance(variables, dict) else None
    return _NOWHERE if given is None else GeoPoint(given["latitude"], given["longitude"])


async def _serve(port: int) -> None:
    found = settings.load()
    composition.configure(found)
    await db.connect(found.database_url, pool_max=2)
    await cache.connect(found.cache_url, timeout_ms=found.cache_timeout_ms)
    floor = Floor(found)
    await floor.start()
    try:
        async with revocation.watching():
            await plain.serve(floor, port=port)
    finally:
        await floor.stop()
        await cache.close()
        await db.close()


if __name__ == "__main__":
    plain.run(_serve(int(sys.argv[1])))
