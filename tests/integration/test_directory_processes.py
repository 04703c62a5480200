"""A store's change is seen by every process within a second, whatever it is cut off from."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from backend.core.permissions import Role
from backend.infra import announcements
from backend.infra import cache as shared_cache
from backend.infra import db as database
from backend.stores import managing
from backend.stores.store_forms import StoreForm
from tests.conftest import PATIENCE_MS
from tests.support import cable as cables
from tests.support import places
from tests.support.operators import operator
from tests.support.places import draft
from tests.support.servers import TestValkey

BUSY = 2.0  # what a busy machine may add to a second: three times the promise in all
NOWHERE = "redis://127.0.0.1:1/0"

# Another API process's memory: tells when a place of a name, or a freshness, is first there.
OTHER_PROCESS = """
import asyncio, sys, time
from backend.infra import cache, db
from backend.stores import directory, directory_keeper

def is_there(kind, wanted):
    found = directory.current()
    if kind == "state":
        return found.status().freshness == wanted
    return any(place.entry.store.name == wanted for place in found.places.values())

async def main():
    await db.connect(sys.argv[1], pool_max=2)
    await cache.connect(sys.argv[2])
    async with directory_keeper.keeping(sys.argv[1]):
        print("answer ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            kind, wanted, patience = line.split()
            until = time.monotonic() + float(patience)
            while not is_there(kind, wanted) and time.monotonic() < until:
                await asyncio.sleep(0.005)
            seen = f"{time.time():.6f}" if is_there(kind, wanted) else "never"
            print("answer", seen, flush=True)
    await cache.close()
    await db.close()

asyncio.run(main())
"""


class OtherProcess:
    """A running one."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def answer(self) -> str:
        """Its next answer; other lines are its log."""
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            while line := (await self._process.stdout.readline()).decode():
                if line.startswith("answer "):
                    return line.removeprefix("answer ").strip()
        raise EOFError

    async def seen_at(self, kind: str, wanted: str, *, patience: float = 30) -> float:
        """When it first had a place of a name, or a state."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{kind} {wanted} {patience}\n".encode())
        found = await self.answer()
        assert found != "never", (kind, wanted)
        return float(found)


@asynccontextmanager
async def other_process(database_url: str, cache_url: str) -> AsyncIterator[OtherProcess]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OTHER_PROCESS, database_url, cache_url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    other = OtherProcess(process)
    try:
        assert await other.answer() == "ready"
        yield other
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def rename(code: str, name: str) -> float:
    """Give a store another name, as an operator would; gives when that was committed."""
    await database.execute("UPDATE store SET name = $2 WHERE code = $1", code, name)
    return time.time()


async def test_every_process_sees_a_change_within_a_second_also_without_valkey(
    db: None, cache: None, database_url: str, valkey: TestValkey
) -> None:
    del db, cache
    await places.save(draft("a"))
    async with (
        other_process(database_url, valkey.url) as whole,
        other_process(database_url, NOWHERE) as cut_off,
    ):
        changed_at = await rename("a", "first")
        for process in (whole, cut_off):
            assert await process.seen_at("name", "first") - changed_at < 1 + BUSY

        manager = operator(1, Role.STORE_MANAGER)
        (row,) = await database.fetch("SELECT id, version FROM store WHERE code = 'a'")
        await managing.update_store(
            viewer=manager, store_id=row["id"], version=row["version"], form=StoreForm(name="third")
        )
        changed_at = time.time()
        for process in (whole, cut_off):
            assert await process.seen_at("name", "third") - changed_at < 1 + BUSY

        await places.save(draft("b", name="second"))
        saved_at = time.time()
        for process in (whole, cut_off):
            assert await process.seen_at("name", "second") - saved_at < 1 + BUSY


async def test_cut_off_from_postgresql_it_says_so_at_once_and_catches_up_within_a_second(
    db: None, database_url: str
) -> None:
    del db
    await places.save(draft("a"))
    async with (
        cables.laid(database_url) as cable,
        other_process(cable.url, NOWHERE) as process,
    ):
        await process.seen_at("state", "FRESH")

        cut_at = time.time()
        await cable.cut()
        assert await process.seen_at("state", "STALE") - cut_at < 0.3 + BUSY
        await rename("a", "meanwhile")

        await cable.mend()
        mended_at = time.time()
        assert await process.seen_at("state", "FRESH") - mended_at < 1 + BUSY
        assert await process.seen_at("name", "meanwhile") - mended_at < 1 + BUSY


@asynccontextmanager
async def following(url: str, channel: str) -> AsyncIterator[list[float]]:
    """The times of the refreshes of one who follows a channel."""
    refreshed: list[float] = []

    async def refresh(_connection: database.RawConnection) -> None:
        refreshed.append(time.monotonic())

    task = asyncio.create_task(
        announcements.follow(url, channel, refresh=refresh, lost=lambda _: None)
    )
    try:
        async with asyncio.timeout(60):
            while not refreshed:  # noqa: ASYNC110 - what is tested
                await asyncio.sleep(0.01)
        yield refreshed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def grows(refreshed: list[float], count: int) -> bool:
    """Whether there are soon more refreshes than `count`, which was taken before what brings one."""
    until = time.monotonic() + 60
    while len(refreshed) == count and time.monotonic() < until:  # noqa: ASYNC110 - what is tested
        await asyncio.sleep(0.01)
    return len(refreshed) > count


@pytest.mark.parametrize("way", ["notify", "valkey"])
async def test_each_of_the_two_ways_alone_brings_the_news(
    database_url: str, valkey: TestValkey, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(announcements, "POLL_SECONDS", 3_600)
    if way == "valkey":
        await shared_cache.connect(valkey.url, timeout_ms=PATIENCE_MS)
    connection = await asyncpg.connect(database_url)
    try:
        async with following(database_url, "test_news") as refreshed:
            if way == "notify":  # nobody is connected to Valkey here
                count = len(refreshed)
                await connection.execute("NOTIFY test_news")
                assert await grows(refreshed, count)
            else:
                until = time.monotonic() + 60
                # The first refresh is that of the start, the second may be that of the subscription, which comes late.
                while len(refreshed) < 3 and time.monotonic() < until:
                    await announcements.announce("test_news")
                    await asyncio.sleep(0.05)
                assert len(refreshed) >= 3
    finally:
        await connection.close()
        await shared_cache.close()


async def test_without_any_news_it_asks_by_itself(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcements, "POLL_SECONDS", 0.05)

    async with following(database_url, "test_news") as refreshed:
        assert await grows(refreshed, len(refreshed))
        assert await grows(refreshed, len(refreshed))


class Mistake(Exception):
    pass


@pytest.mark.parametrize(
    "failure",
    [
        Mistake(),
        asyncpg.InternalClientError("got result for unknown protocol state"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.ConnectionDoesNotExistError(),
        TimeoutError(),
        EOFError(),
    ],
    ids=lambda failure: type(failure).__name__,
)
async def test_whatever_fails_is_told_and_tried_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    monkeypatch.setattr(announcements, "MISTAKE_SECONDS", 0.01)
    told: list[BaseException] = []
    refreshed = asyncio.Event()

    async def refresh(_connection: database.RawConnection) -> None:
        if not told:
            raise failure
        refreshed.set()

    task = asyncio.create_task(
        announcements.follow(database_url, "test_news", refresh=refresh, lost=told.append)
    )
    try:
        async with asyncio.timeout(60):
            await refreshed.wait()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert told == [failure]


async def test_what_no_loss_explains_is_not_tried_again_at_once(database_url: str) -> None:
    tries: list[float] = []
    told = asyncio.Event()

    async def refresh(_connection: database.RawConnection) -> None:
        tries.append(time.monotonic())
        raise Mistake

    follow = announcements.follow(
        database_url, "test_news", refresh=refresh, lost=lambda _: told.set()
    )
    task = asyncio.create_task(follow)
    await asyncio.wait_for(told.wait(), timeout=60)
    await asyncio.wait((task,), timeout=4 * announcements.RETRY_SECONDS)

    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(tries) == 1


async def test_the_way_through_valkey_outlives_what_nobody_foresaw(
    valkey: TestValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, asked = shared_cache.client, 0

    def fails_once() -> object:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise Mistake
        return client()

    monkeypatch.setattr(announcements, "RELAY_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(shared_cache, "client", fails_once)
    await shared_cache.connect(valkey.url, timeout_ms=PATIENCE_MS)
    bell = asyncio.Event()
    relay = asyncio.create_task(announcements._relay("test_news", bell))
    try:
        async with asyncio.timeout(60):
            while not bell.is_set():
                await announcements.announce("test_news")
                await asyncio.sleep(0.01)
    finally:
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)
        await shared_cache.close()


async def test_an_announcement_without_valkey_is_no_error() -> None:
    await shared_cache.connect(NOWHERE)
    try:
        await announcements.announce("test_news")
    finally:
        await shared_cache.close()
    await announcements.announce("test_news")
