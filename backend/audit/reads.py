"""Keeps reads of members' files: those of the same moment by one statement and one commit.

Nothing is kept for later: who reads waits until the read is kept, and is refused where it can't be.
"""

import asyncio
from contextvars import Context
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

from backend.audit import repository
from backend.audit.domain import NewFileRead

MOST_AT_ONCE: Final = 500


@dataclass(slots=True)
class _Keeper:
    """The reads that wait, and the task that writes them, of one event loop."""

    waiting: list[tuple[NewFileRead, "asyncio.Future[None]"]] = field(default_factory=list)
    task: "asyncio.Task[None] | None" = None


_keepers: WeakKeyDictionary[asyncio.AbstractEventLoop, _Keeper] = WeakKeyDictionary()


async def keep(read: NewFileRead) -> None:
    """Write a read, with others that come meanwhile; outside a transaction. Raises what the statement raised."""
    loop = asyncio.get_running_loop()
    keeper = _keepers.setdefault(loop, _Keeper())
    kept: asyncio.Future[None] = loop.create_future()
    keeper.waiting.append((read, kept))
    if keeper.task is None or keeper.task.done():
        # In a context of its own: it writes for others as well.
        keeper.task = loop.create_task(_write(keeper), context=Context())
    await kept


async def _write(keeper: _Keeper) -> None:
    while keeper.waiting:
        taken, keeper.waiting = keeper.waiting[:MOST_AT_ONCE], keeper.waiting[MOST_AT_ONCE:]
        try:
            await repository.insert_file_reads([read for read, _ in taken])
        except Exception as error:  # noqa: BLE001 - each who waits is told
            for _, kept in taken:
                if not kept.done():
                    kept.set_exception(error)
        else:
            for _, kept in taken:
                if not kept.done():
                    kept.set_result(None)
