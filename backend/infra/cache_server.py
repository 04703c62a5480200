"""The connection to Valkey or Redis: bounded calls, one time-out each, guarded by a breaker."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig

from backend.core import errors
from backend.infra import breaker, telemetry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

MAX_CALLS = 32  # calls in flight from one process; more wait, within their time-out
MAX_CONNECTIONS = 64  # the rest is for those who use the client itself
RETRY_AFTER_SECONDS = 1

T = TypeVar("T")
_log = telemetry.logger(__name__)


NO_EVICTION = "noeviction"


def eviction_policy(memory: Mapping[str, object]) -> str | None:
    """By which rule a server drops keys when its memory is full, of its INFO memory; None where it drops none.

    A server that drops keys forgets how often codes were asked for and tried: a gate that can be opened.
    """
    policy = str(memory.get("maxmemory_policy", NO_EVICTION))
    return None if policy == NO_EVICTION else policy


class CacheUnavailable(errors.Unavailable):
    """The cache did not answer in time, refused, or is being left alone for a while."""


@dataclass(slots=True)
class Counters:
    """What happened since the start, for the metrics.

    Reads that hit or missed, calls that failed, calls skipped because the breaker
    was open or too many others were before them.
    """

    hits: int = 0
    misses: int = 0
    errors: int = 0
    skipped: int = 0


class Server:
    """One server; `redis` is its client, with time-outs but without the guard of `ask`."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        """Connect nowhere yet. Raises ValueError for an address that is none."""
        self.counters = Counters()
        self._timeout_seconds = timeout_seconds
        # Not the blocking pool: its release waits for a lock, and a call cancelled there by the
        # time-out would lose its connection for ever. The gate bounds the calls instead.
        pool: ConnectionPool = ConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,  # a round trip less for each connection
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
        )
        self.redis = Redis.from_pool(pool)
        self._gate = asyncio.Semaphore(MAX_CALLS)
        self._breaker = breaker.Breaker()

    async def close(self) -> None:
        """Close every connection."""
        await self.redis.aclose()

    async def ping(self) -> None:
        """Return when the server answers; raise what it, the network or the time-out raised."""
        async with asyncio.timeout(self._timeout_seconds):
            await self.redis.ping()

    async def ask(self, call: Callable[[Redis], Awaitable[T]]) -> T:
        """Return what `call` gets, within one time-out. Raises CacheUnavailable."""
        permit = self._breaker.enter()
        if permit is None:
            self.counters.skipped += 1
            raise CacheUnavailable(RETRY_AFTER_SECONDS)
        has_begun = False
        try:
            async with asyncio.timeout(self._timeout_seconds), self._gate:
                has_begun = True
                answer = await call(self.redis)
        except ResponseError as error:  # it is well and says no (out of memory, read-only)
            self._succeeded(permit)
            self.counters.errors += 1
            _log.warning("cache.refused", error=type(error).__name__)
            raise CacheUnavailable(RETRY_AFTER_SECONDS) from error
        except (RedisError, OSError, TimeoutError) as error:
            if has_begun:
                self._failed(permit, error)
            else:  # our own crowd was before us, which says nothing about the server
                self._breaker.abandoned(permit)
                self.counters.skipped += 1
            raise CacheUnavailable(RETRY_AFTER_SECONDS) from error
        except BaseException:
            self._breaker.abandoned(permit)
            raise
        self._succeeded(permit)
        return answer

    def _failed(self, permit: int, error: Exception) -> None:
        self.counters.errors += 1
        before = self._breaker.state
        self._breaker.failed(permit)
        if before is breaker.State.CLOSED and self._breaker.state is breaker.State.OPEN:
            _log.warning("cache.left_alone", error=type(error).__name__)

    def _succeeded(self, permit: int) -> None:
        before = self._breaker.state
        self._breaker.succeeded(permit)
        if before is not self._breaker.state:
            _log.info("cache.used_again")
