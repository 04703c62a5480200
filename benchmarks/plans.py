"""The hand-written statements are a fair floor only while they walk indexes: their plans are looked at."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import asyncpg
import orjson

from benchmarks import statements
from benchmarks.refusals import Refused
from benchmarks.screens import Screen

# A table of so many rows is read by an index, or the floor is no floor.
MANY_ROWS: Final = 5_000

Plan = Mapping[str, Any]  # PostgreSQL's own JSON


async def check(url: str, screen: Screen) -> None:
    """Look at the plan that a prepared statement keeps. Raises Refused where it reads a large table whole."""
    connection = await asyncpg.connect(url, server_settings=statements.SESSION)
    try:
        large = await connection.fetch(
            "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND reltuples > $1", MANY_ROWS
        )
        await connection.execute(f"PREPARE floor AS {statements.prepared(screen)}")
        unknown = ", ".join("NULL" for _ in screen.columns)
        explained = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE floor ({unknown})")
    finally:
        await connection.close()
    whole = {row["relname"] for row in large} & {
        node["Relation Name"]
        for node in _nodes(orjson.loads(explained)[0]["Plan"])
        if node["Node Type"] == "Seq Scan"
    }
    if whole:
        raise Refused(f"The statement of {screen.name} reads whole tables: {', '.join(whole)}.")


def _nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from _nodes(each)
