"""Before anything is measured: who asks what, servers that agree, plans that walk indexes, scripts for pgbench."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backend import settings
from backend.infra import cache, db, tokens
from backend.infra.embedded.servers import Servers
from benchmarks import documents, equality, floor, members, plans, screens, statements, wrk
from benchmarks.members import Caller
from benchmarks.refusals import Refused
from benchmarks.screens import Asked, Screen
from benchmarks.variants import Server, Variant

WITHOUT_READS = frozenset({Variant.PGBENCH, Variant.PGBENCH_16})


@dataclass(slots=True)
class Prepared:
    """Files for the load generators, by variant and screen, and how each screen is asked for."""

    folder: Path
    callers: Sequence[Caller]
    rows: dict[str, list[tuple[object, ...]]]
    document_ids: dict[str, str | None] = field(default_factory=dict)
    answer_bytes: dict[str, int] = field(default_factory=dict)

    @property
    def answers(self) -> Path:
        """Where the constant answers stand."""
        return self.folder / "answers"

    def requests(self, variant: Variant, screen: Screen) -> Path:
        """The list of requests of wrk, or the script of pgbench."""
        if variant in WITHOUT_READS:
            return self.folder / f"{screen.name}-{variant.at_once}.sql"
        return self.folder / f"{screen.name}-{'ours' if variant.is_ours else 'plain'}.requests"


def prepare(running: Servers, asked: Sequence[Screen]) -> Prepared:
    """Draw the callers, work out every statement's arguments, check the plans, write pgbench's scripts."""
    found = settings.load(database_url=running.database_url, cache_url=running.cache_url)
    tokens.configure(found.key_ring())
    folder = running.place.data_dir / "bench"
    (folder / "answers").mkdir(parents=True, exist_ok=True)
    with asyncio.Runner() as runner:
        callers = runner.run(members.draw(running.database_url))
        reading = [screen for screen in asked if screen.columns]
        rows = runner.run(_rows(found, reading, callers))
        for screen in reading:
            runner.run(plans.check(running.database_url, screen))
            runner.run(equality.check_batches(running.database_url, screen, rows[screen.name]))
    prepared = Prepared(folder, callers, rows)
    for screen in reading:
        for variant in WITHOUT_READS:
            script = statements.pgbench(screen, rows[screen.name], at_once=variant.at_once)
            prepared.requests(variant, screen).write_text(script, encoding="utf-8")
    return prepared


def agree(prepared: Prepared, asked: Sequence[Screen], servers: Sequence[Server]) -> None:
    """Let all servers that read answer the same, and keep a typical answer of each screen. Raises Refused."""
    if not servers:
        raise Refused("Constant bytes need (a), (b) or (c) to learn from how many they are.")
    ours = next((server for server in servers if server.variant.is_ours), None)
    for screen in asked:
        known = None if ours is None else documents.find_id(ours, screen, prepared.callers[0])
        prepared.document_ids[screen.name] = known
        bodies = {
            is_ours: _requests(screen, prepared.callers, document_id=known, is_ours=is_ours)
            for is_ours in (True, False)
        }
        for variant in (Variant.OURS, Variant.FLOOR):
            wrk.write_requests(prepared.requests(variant, screen), bodies[variant.is_ours])
        answers = equality.check_servers(
            screen, servers, {server: bodies[server.variant.is_ours] for server in servers}
        )
        typical = sorted(answers, key=len)[len(answers) // 2]
        (prepared.answers / f"{screen.name}.json").write_bytes(typical)
        prepared.answer_bytes[screen.name] = len(typical)


async def _rows(
    found: settings.Settings, reading: Sequence[Screen], callers: Sequence[Caller]
) -> dict[str, list[tuple[object, ...]]]:
    await db.connect(found.database_url)
    await cache.connect(found.cache_url, timeout_ms=found.cache_timeout_ms)
    try:
        today = await floor.this_minute()
    finally:
        await cache.close()
        await db.close()
    return {
        screen.name: [
            screen.arguments(Asked(caller.member_id, caller.at, today)) for caller in callers
        ]
        for screen in reading
    }


def _requests(
    screen: Screen, callers: Sequence[Caller], *, document_id: str | None, is_ours: bool
) -> list[tuple[str, bytes]]:
    """What each caller posts; a plain server gets the variables alone."""
    return [
        (
            caller.token,
            screens.body(screen, caller.at, document_id=document_id)
            if is_ours
            else screens.plain_body(screen, caller.at),
        )
        for caller in callers
    ]
