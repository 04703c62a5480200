"""The shared cache (Valkey or Redis): it makes us faster, and when it is sick it only slows us.

Every call ends within one time-out; after failures in a row a breaker skips the cache for a while.
A miss puts a lease (a random token) at the key before it loads; the loaded value replaces the lease
only while the lease still stands. A purge deletes whatever stands at the key, so that no load which
began before it can store its stale answer afterwards, in this process or another.

A purge that the server did not confirm is owed: this process reads nothing from the cache until the
debt is paid. What bounds staleness in other processes meanwhile is the lifetime of the entry.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass, replace
from itertools import count, islice
from typing import TYPE_CHECKING, TypeVar, cast

from backend.infra import cache_server, telemetry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio import Redis

TIMEOUT_MS = 50
KEY_PREFIX = "bashgah:1:"  # the number changes when the form of what is stored does
LEASE_SECONDS = 10  # a load that takes longer is answered but not stored
MAX_VALUE_BYTES = 1_048_576  # larger values are answered but not stored
MAX_OWED_PURGES = 10_000
PURGE_BATCH = 500

_VALUE, _LEASE = b"V", b"L"  # the first byte at a key says what stands there
_REPLACE_LEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""

T = TypeVar("T")
_log = telemetry.logger(__name__)


class CacheNotConnected(RuntimeError):
    """The cache is used before `connect` (or without an address), where it cannot be left out."""


@dataclass(slots=True)
class _State:
    cache: _Cache | None = None


@dataclass(slots=True, eq=False)
class _Flight:
    """One load that is under way, and what became of it meanwhile."""

    task: asyncio.Task[bytes] | None = None
    waiters: int = 0
    purged: bool = False


_state = _State()


async def connect(url: str | None, *, timeout_ms: int = TIMEOUT_MS) -> None:
    """Use the server at `url` (redis://, rediss://, unix://); None leaves the cache out.

    Returns at once even when the server is away: it is first spoken to by the first call.
    """
    await close()
    if url is not None:
        _state.cache = _Cache(cache_server.Server(url, timeout_seconds=timeout_ms / 1_000))


async def close() -> None:
    """Cancel the loads under way and close every connection; `connect` may follow."""
    cache, _state.cache = _state.cache, None
    if cache is not None:
        await cache.close()


def client() -> Redis:
    """Return the client itself, for what is more than a cache; it has time-outs but no breaker.

    Raises CacheNotConnected.
    """
    return _connected().server.redis


async def ask(call: Callable[[Redis], Awaitable[T]]) -> T:
    """Return what `call` gets from the client, within one time-out and guarded by the breaker.

    For what cannot do without the server (limits, sign-in). Raises CacheNotConnected, and
    cache_server.CacheUnavailable, also when the server answers with an error.
    """
    return await _connected().server.ask(call)


async def ping() -> None:
    """Return when the server answers; raise what it, the network or the time-out raised.

    Past the breaker, so that a readiness check shows the server and not our view of it.
    """
    await _connected().server.ping()


async def find_eviction_policy() -> str | None:
    """By which rule the server drops keys when its memory is full; None where it drops none.

    Raises as `ask` does.
    """
    return cache_server.eviction_policy(await ask(lambda redis: redis.info("memory")))


async def get_or_load(key: str, *, ttl_seconds: int, load: Callable[[], Awaitable[bytes]]) -> bytes:
    """Return the bytes stored at `key`, else what `load` gives, stored for `ttl_seconds`.

    Concurrent misses in this process load once, in a task of its own: call it outside a
    transaction. All of them get the error of a load that fails; one that is cancelled does not
    disturb the others. Raises only what `load` raises.
    """
    cache = _state.cache
    return await (load() if cache is None else cache.get_or_load(key, ttl_seconds, load))


async def purge(*keys: str) -> None:
    """Delete what stands at the keys, and keep loads that began earlier from storing. Never raises.

    To be called after the commit of what made the entries stale.
    """
    if _state.cache is not None:
        await _state.cache.purge(keys)


def counters() -> cache_server.Counters:
    """Return a copy of the counts since `connect`; all zero when there is no cache."""
    cache = _state.cache
    return cache_server.Counters() if cache is None else replace(cache.server.counters)


def _connected() -> _Cache:
    if _state.cache is None:
        raise CacheNotConnected
    return _state.cache


class _Cache:
    def __init__(self, server: cache_server.Server) -> None:
        self.server = server
        self._flights: dict[str, _Flight] = {}
        self._tasks: set[asyncio.Task[bytes]] = set()
        self._owed: dict[str, int] = {}  # name → number of the purge that owes it
        self._purges = count()

    async def close(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.server.close()

    async def get_or_load(
        self, key: str, ttl_seconds: int, load: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        if key not in self._flights:
            found = await self._read(key)
            if found is not None:
                return found
        flight = self._flights.get(key) or self._take_off(key, ttl_seconds, load)
        flight.waiters += 1
        try:
            return await asyncio.shield(cast("asyncio.Task[bytes]", flight.task))
        finally:
            flight.waiters -= 1

    async def _read(self, key: str) -> bytes | None:
        try:
            await self._pay()
            found = cast(
                "bytes | None", await self.server.ask(lambda redis: redis.get(KEY_PREFIX + key))
            )
        except cache_server.CacheUnavailable:
            return None
        if found is None or not found.startswith(_VALUE):
            self.server.counters.misses += 1
            return None
        self.server.counters.hits += 1
        return found[1:]

    def _take_off(
        self, key: str, ttl_seconds: int, load: Callable[[], Awaitable[bytes]]
    ) -> _Flight:
        flight = self._flights[key] = _Flight()

        def land(task: asyncio.Task[bytes]) -> None:
            self._tasks.discard(task)
            error = None if task.cancelled() else task.exception()
            if error is not None and not flight.waiters:
                _log.warning("cache.load_failed_unheard", error=type(error).__name__)

        flight.task = asyncio.create_task(self._fly(flight, key, ttl_seconds, load))
        self._tasks.add(flight.task)
        flight.task.add_done_callback(land)
        return flight

    async def _fly(
        self, flight: _Flight, key: str, ttl_seconds: int, load: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        try:
            return await self._load(flight, key, ttl_seconds, load)
        finally:
            # Here and not in a callback of the task, which comes a turn of the loop later: who
            # joins a task that is done never waits, and in a loop would keep the callback away.
            if self._flights.get(key) is flight:
                del self._flights[key]

    async def _load(
        self, flight: _Flight, key: str, ttl_seconds: int, load: Callable[[], Awaitable[bytes]]
    ) -> bytes:
        lease = _LEASE + os.urandom(16)
        stands = await self._lease(key, lease)
        if stands is not None and stands.startswith(_VALUE) and not flight.purged:
            return stands[1:]  # another process was faster
        try:
            value = await load()
        except Exception:
            if stands is None:
                await self._swap(key, lease, b"", ttl_seconds)
            raise
        if stands is None:
            storable = not flight.purged and len(value) <= MAX_VALUE_BYTES
            await self._swap(key, lease, _VALUE + value if storable else b"", ttl_seconds)
        return value

    async def _lease(self, key: str, lease: bytes) -> bytes | None:
        """Put the lease at a free key; return what stands there instead, None if it was free."""
        if self._owed:
            return _LEASE  # what stands there may be stale; not ours: nothing will be stored
        try:
            stands = await self.server.ask(
                lambda redis: redis.set(
                    KEY_PREFIX + key, lease, nx=True, get=True, ex=LEASE_SECONDS
                )
            )
        except cache_server.CacheUnavailable:
            return _LEASE  # as above
        return cast("bytes | None", stands)

    async def _swap(self, key: str, lease: bytes, value: bytes, ttl_seconds: int) -> None:
        """Put the value where our lease still stands; the empty value takes the lease away."""
        # A failure is counted, and the lease ends by itself.
        with contextlib.suppress(cache_server.CacheUnavailable):
            await self.server.ask(
                lambda redis: redis.eval(  # 150 bytes of text: cheaper than a second round trip
                    _REPLACE_LEASE, 1, KEY_PREFIX + key, lease, value, ttl_seconds
                )
            )

    async def purge(self, keys: tuple[str, ...]) -> None:
        number = next(self._purges)
        unconfirmed = {KEY_PREFIX + key: number for key in keys}
        self._detach(keys)
        try:
            while unconfirmed:
                names = tuple(islice(unconfirmed, PURGE_BATCH))
                await self._delete(names)
                for name in names:
                    del unconfirmed[name]
        except cache_server.CacheUnavailable:
            _log.warning("cache.purge_owed", count=len(unconfirmed))
        finally:
            # Again: a load that began while the purge was under way may have read the old entry.
            self._detach(keys)
            self._owe(unconfirmed)

    def _owe(self, unconfirmed: dict[str, int]) -> None:
        self._owed.update(unconfirmed)
        excess = len(self._owed) - MAX_OWED_PURGES
        if excess > 0:
            for name in tuple(islice(self._owed, excess)):
                del self._owed[name]
            _log.error("cache.purges_forgotten", count=excess)

    def _detach(self, keys: tuple[str, ...]) -> None:
        for key in keys:
            flight = self._flights.pop(key, None)
            if flight is not None:
                flight.purged = True

    async def _pay(self) -> None:
        """Delete what is owed. Raises CacheUnavailable when the server does not confirm all."""
        while self._owed:
            batch = dict(islice(self._owed.items(), PURGE_BATCH))
            await self._delete(tuple(batch))
            for name, number in batch.items():
                if self._owed.get(name) == number:  # else it is owed anew, by a later purge
                    del self._owed[name]

    async def _delete(self, names: tuple[str, ...]) -> None:
        await self.server.ask(lambda redis: redis.unlink(*names))
