"""What parts wait for, and how it is let go of: nothing goes on for a request that has been given up."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from dataclasses import dataclass
from types import CoroutineType
from typing import Any


@dataclass(slots=True, eq=False)
class Begun:
    """What was asked for already: awaited once, it gives what `finish` makes of the answer.

    `finish` may give a coroutine of it. `cancel` lets go of what was asked for, before anybody waited.
    """

    asked: "asyncio.Future[Any]"
    finish: Callable[[Any], object]

    def __await__(self) -> Generator[Any, Any, object]:
        """Wait for the answer."""
        found = self.finish((yield from self.asked))
        if type(found) is CoroutineType:
            found = yield from found.__await__()
        return found

    def cancel(self) -> None:
        """Give up."""
        self.asked.cancel()


@dataclass(slots=True, eq=False)
class Working:
    """A coroutine that has more to begin, beside what was asked for already: `cancel` lets go of both."""

    coroutine: Coroutine[Any, Any, object]
    asked: "asyncio.Future[Any]"

    def __await__(self) -> Generator[Any, Any, object]:
        """Wait for the coroutine."""
        return self.coroutine.__await__()

    def cancel(self) -> None:
        """Give up, before anybody waited."""
        self.coroutine.close()
        self.asked.cancel()


async def together(*awaitables: Awaitable[object]) -> list[object]:
    """The results of all, side by side. Where one fails, the others are cancelled and have ended when it is told.

    What is merely waited for needs no task of its own.
    """
    waited = [each.asked if isinstance(each, Begun) else None for each in awaitables]
    if None not in waited:
        return await _one_by_one(awaitables)
    tasks = [
        asyncio.ensure_future(each) if asked is None else asked
        for each, asked in zip(awaitables, waited, strict=True)
    ]
    try:
        await asyncio.gather(*tasks)
        return [
            task.result() if asked is None else await each
            for each, asked, task in zip(awaitables, waited, tasks, strict=True)
        ]
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def abandon(awaitables: Iterable[Awaitable[object]]) -> None:
    """Let go of what was begun and is not awaited yet."""
    for each in awaitables:
        if inspect.iscoroutine(each):
            each.close()
        elif isinstance(each, Begun | Working | asyncio.Future):
            each.cancel()


async def _one_by_one(begun: Iterable[Awaitable[object]]) -> list[object]:
    try:
        return [await each for each in begun]
    except BaseException:
        abandon(begun)
        raise
