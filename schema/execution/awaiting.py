"""What parts wait for, and how it is let go of: nothing goes on for a request that has been given up."""

import asyncio
import inspect
from collections.abc import Awaitable, Coroutine, Generator, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True, eq=False)
class Begun:
    """A coroutine to be awaited, and what was asked for it already: `cancel` lets go of both."""

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
    """The results of all, side by side. Where one fails, the others are cancelled and have ended when it is told."""
    tasks = [asyncio.ensure_future(each) for each in awaitables]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def abandon(awaitables: Iterable[Awaitable[object]]) -> None:
    """Let go of what was begun and is not awaited yet."""
    for each in awaitables:
        if inspect.iscoroutine(each):
            each.close()
        elif isinstance(each, Begun | asyncio.Future):
            each.cancel()
