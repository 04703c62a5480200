"""What PostgreSQL really does for a statement that is sent, with its real arguments."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

from backend.infra import db

Mode: TypeAlias = Literal["auto", "custom", "generic"]


async def plans_of(
    ask: Callable[[], Awaitable[object]],
    *,
    mark: str,
    plans: Mode = "auto",
    times: int = 1,
) -> list[str]:
    """What EXPLAIN ANALYZE says of the one statement with `mark` in it, as often as `ask` is called.

    `mark` is a regular expression; with `auto` a plan may be generic after five times.
    """
    noted: list[str] = []

    def note(_connection: object, message: object) -> None:
        noted.append(str(message))

    mode = "auto" if plans == "auto" else f"force_{plans}_plan"
    async with db.transaction():
        async with db.acquire() as connection:
            await connection.execute("LOAD 'auto_explain'")
            await connection.execute(
                "SET LOCAL auto_explain.log_min_duration = 0; SET LOCAL auto_explain.log_analyze = on;"
                " SET LOCAL auto_explain.log_buffers = on;"
                f" SET LOCAL client_min_messages = log; SET LOCAL plan_cache_mode = {mode}"
            )
            connection.add_log_listener(note)
        for _ in range(times):
            await ask()
        async with db.acquire() as connection:
            await connection.execute("SET LOCAL auto_explain.log_min_duration = -1")
            await asyncio.sleep(0)  # the loop calls the listener after the answer
            connection.remove_log_listener(note)
    found = [each for each in noted if re.search(mark, each)]
    assert len(found) == times, f"{len(found)} plans of {mark}"
    return found


async def plan_of(
    ask: Callable[[], Awaitable[object]],
    *,
    mark: str,
    plans: Mode = "auto",
) -> str:
    """What EXPLAIN ANALYZE says of the one statement with `mark` in it that `ask` sends."""
    [plan] = await plans_of(ask, mark=mark, plans=plans)
    return plan


def scanned(plan: str) -> int:
    """How many rows the scans of a plan gave or threw away."""
    scans = re.findall(r"Scan .*actual time=\S+ rows=(\d+)", plan)
    return sum(map(int, scans)) + sum(map(int, re.findall(r"Removed by Filter: (\d+)", plan)))
