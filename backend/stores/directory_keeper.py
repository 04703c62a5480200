"""Keeps the directory of this process as the database is: loaded at the start, every change within a second.

What changed is asked for (`repository_directory.look`), and only that is read again. In doubt, everything is: at the
start, after a long silence, where the server is another one, and where the census of the places does not agree.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from backend.core import clock
from backend.infra import announcements, db, health, telemetry
from backend.organization import service as organization
from backend.stores import directory, repository_directory
from backend.stores.directory import Directory, Freshness
from backend.stores.opening import LOOKAHEAD_DAYS
from backend.stores.repository_directory import Seen

CHANNEL: Final = "store_change"  # the triggers notify it
FIRST_LOAD_SECONDS: Final = 2.0
CENSUS_SECONDS: Final = 60.0
KEPT_DAYS: Final = 1  # the notes of changes; a silence of half of that is a doubt

_MOST_SILENT_SECONDS: Final = KEPT_DAYS * 86_400 / 2
_DAY: Final = timedelta(days=1)
_log = telemetry.logger(__name__)


@contextlib.asynccontextmanager
async def keeping(url: str) -> AsyncIterator[None]:
    """Keep the directory while the block runs: the lifespan of an API process.

    Waits for the first load; where the database is slow or away it goes on without, and lists ask SQL.
    """
    keeper = Keeper()
    loading = asyncio.create_task(keeper.loaded.wait())
    following = asyncio.create_task(
        announcements.follow(url, CHANNEL, refresh=keeper.refresh, lost=keeper.lose)
    )
    following.add_done_callback(keeper.end)
    try:
        await asyncio.wait(
            (loading, following),
            timeout=FIRST_LOAD_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        yield
    finally:
        loading.cancel()
        following.cancel()
        await asyncio.gather(loading, following, return_exceptions=True)


async def announce() -> None:
    """Tell every process that places have changed; after the commit. Those who miss it find out by asking."""
    await announcements.announce(CHANNEL)


async def forget_changes() -> int:
    """Delete the notes of changes that are too old for anybody; gives how many."""
    return await repository_directory.forget_changes(days=KEPT_DAYS)


async def check() -> None:
    """For /readyz: raises NotWell where the stores in memory may miss a change, and lists are answered by SQL."""
    status = directory.current().status()
    if status.freshness is Freshness.STALE:
        raise health.NotWell(
            f"{status.freshness} since {status.since.isoformat(timespec='seconds')}"
        )


@dataclass(slots=True)
class Keeper:
    """What the keeper of a process has seen so far."""

    directory: Directory = field(default_factory=directory.current)
    loaded: asyncio.Event = field(default_factory=asyncio.Event)
    _seen: Seen | None = None
    _seen_at: float = float("-inf")  # by the monotonic clock
    _counted_at: float = float("-inf")

    async def refresh(self, connection: db.RawConnection) -> None:
        """Make the directory what the database is at this moment, or later."""
        asked_at = time.monotonic()
        if asked_at - self._seen_at > _MOST_SILENT_SECONDS:
            self._seen = None
        await self._catch_up(connection)
        if asked_at - self._counted_at > CENSUS_SECONDS:
            await self._count(connection)
            self._counted_at = asked_at
        today = clock.today()
        first, last = today - 2 * _DAY, today + (LOOKAHEAD_DAYS + 3) * _DAY
        holidays = await organization.read_holidays(connection, first, last)
        self.directory.know_holidays(holidays, first, last)
        self.directory.asked_at = asked_at
        if self.directory.freshness is not Freshness.FRESH:
            self.directory.become(Freshness.FRESH)
            _log.info("stores.directory_fresh", places=len(self.directory.places))
        self.loaded.set()

    def lose(self, error: BaseException) -> None:
        """Say at once that changes may be missed from now on."""
        if self.directory.freshness is Freshness.FRESH:
            self.directory.become(Freshness.STALE)
            _log.warning("stores.directory_stale", error=type(error).__name__)

    def end(self, following: "asyncio.Task[None]") -> None:
        """Nobody follows the changes any more."""
        self.directory.become(Freshness.STALE)
        if not following.cancelled() and (error := following.exception()) is not None:
            _log.error("stores.directory_abandoned", exc_info=error)

    async def _catch_up(self, connection: db.RawConnection) -> None:
        looked_at = time.monotonic()
        found = await repository_directory.look(connection, self._seen)
        if found.changed is None:
            await self._load(connection)
        else:
            await self._load_some(connection, found.changed)
        # Only now: where loading fails, the same changes are asked for again.
        self._seen, self._seen_at = found.seen, looked_at

    async def _load(self, connection: db.RawConnection) -> None:
        active: set[int] = set()
        async for entries in repository_directory.list_all(connection):
            self.directory.save(entries)
            active.update(entry.store.id for entry in entries)
        self.directory.drop(self.directory.places.keys() - active)

    async def _load_some(self, connection: db.RawConnection, ids: tuple[int, ...]) -> None:
        active: set[int] = set()
        async for entries in repository_directory.list_some(connection, ids):
            self.directory.save(entries)
            active.update(entry.store.id for entry in entries)
        self.directory.drop(set(ids) - active)

    async def _count(self, connection: db.RawConnection) -> None:
        """Load everything anew where the places here are not those there: a trigger was off, or we are wrong."""
        if await self._agrees(connection):
            return
        await self._catch_up(connection)  # something may have changed between
        if not await self._agrees(connection):
            _log.error("stores.directory_disagrees", places=len(self.directory.places))
            await self._load(connection)

    async def _agrees(self, connection: db.RawConnection) -> bool:
        entries = [place.entry for place in self.directory.places.values()]
        here = len(entries), sum(entry.written_by for entry in entries)
        return here == await repository_directory.census(connection)
