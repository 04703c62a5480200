"""How many requests of one kind may come in a minute: counted in Valkey for all processes, which is asked rarely.

Most who ask send few requests. So the first ones of everybody pass unasked: a process counts them by the hash of
the key in an array of fixed size, where two keys may share a place, and so be counted exactly a little earlier.
Who sends more gets leases: Valkey counts some requests at once, and the process lets so many through. The next
lease is fetched before the last is used up, and who was refused is refused from memory.

In any span of WINDOW_SECONDS at most `most` pass, and for each process twice a lease: what it let pass unasked,
and what was left of a lease from before. Where Valkey is away each process counts for itself.

| limit | key | lifetime |
|---|---|---|
| of a member, an address (a blind index), a client | allowance:<name>:<key> | the window and a little |
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from backend.core import clock
from backend.core.errors import RateLimited
from backend.infra import cache, cache_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from redis.asyncio import Redis

WINDOW_SECONDS: Final = 60
PARTS: Final = 12  # in which the window slides; the oldest counts whole
MAX_LEASES: Final = (
    10_000  # keys that are counted exactly; beyond, the oldest is dropped and asks anew
)
MOST_UNASKED: Final = 20  # of a key in a window
PLACES: Final = 1 << 18  # of the array: bytes of memory

_LEND: Final = f"""
local now, wanted, most, window = unpack(ARGV)
now, window = tonumber(now), tonumber(window)
local width = math.ceil(window / {PARTS})
local this = math.floor(now / width)
local stored, kept, sum = redis.call('HGETALL', KEYS[1]), {{}}, 0
for i = 1, #stored, 2 do
  local part, count = tonumber(stored[i]), tonumber(stored[i + 1])
  if part < this - {PARTS} then
    redis.call('HDEL', KEYS[1], stored[i])
  else
    kept[#kept + 1] = {{part, count}}
    sum = sum + count
  end
end
local lent = math.min(tonumber(wanted), tonumber(most) - sum)
if lent > 0 then
  redis.call('HINCRBY', KEYS[1], string.format('%d', this), lent)
  redis.call('PEXPIRE', KEYS[1], window + 2 * width)
  return {{lent, 0}}
end
table.sort(kept, function(a, b) return a[1] < b[1] end)
for _, each in ipairs(kept) do
  sum = sum - each[2]
  if sum < tonumber(most) then return {{0, (each[1] + {PARTS} + 1) * width - now}} end
end
return {{0, window}}
"""


@dataclass(slots=True, eq=False)
class _Lease:
    """What a process may still let through of a key until `ends`, or how long it refuses."""

    left: int = 0
    ends: float = 0.0
    refuses_until: float = 0.0
    waiting: int = 0
    fetching: asyncio.Task[None] | None = None
    # While Valkey is away: what was let through in this process's own window.
    alone: int = 0
    alone_until: float = 0.0


@dataclass(slots=True)
class Counters:
    """What happened since the start, for the metrics: refusals, questions to Valkey, leases without it."""

    refused: int = 0
    asked: int = 0
    alone: int = 0


class Allowance:
    """One limit: `most` requests of a key in any span of WINDOW_SECONDS.

    `take` is the steady state and costs a dictionary's look-up. Where it says no, `judge` decides. Both take the
    present moment of `monotonic`.
    """

    def __init__(
        self,
        name: str,
        most: int,
        *,
        name_of: Callable[[int | str], str] = str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name_of` gives a key's name in Valkey, which holds no personal data."""
        self.counters = Counters()
        self.lease_size = max(1, min(most // 10, max(20, most // 1_000)))
        self._name = name
        self._most = most
        self._name_of = name_of
        self._monotonic = monotonic
        self._leases: dict[int | str, _Lease] = {}
        self._low_water = self.lease_size // 4
        self._unasked = min(self.lease_size, MOST_UNASKED)
        self._seen = bytearray(PLACES)
        self._seen_until = 0.0

    def __len__(self) -> int:
        """How many keys are counted exactly."""
        return len(self._leases)

    def take(self, key: int | str, now: float) -> bool:
        """Whether a request may pass at once; else `judge` it."""
        lease = self._leases.get(key)
        if lease is None:
            return self._passes_unasked(key, now)
        if lease.left <= 0 or now >= lease.ends:
            return False
        lease.left -= 1
        if lease.left == self._low_water and lease.fetching is None:
            self._fetch(key, lease)
        return True

    def judge(
        self, key: int | str, now: float
    ) -> RateLimited | Awaitable[RateLimited | None] | None:
        """What becomes of a request that could not `take`: None lets it through."""
        lease = self._leases.get(key)
        if lease is not None and now >= max(lease.ends, lease.refuses_until) and not lease.waiting:
            del self._leases[key]
            if self._passes_unasked(key, now):
                return None
            lease = None
        if lease is None:
            lease = self._keep(key)
        if now < lease.refuses_until:
            return self._refusal(lease, now)
        return self._wait(key, lease)

    def _passes_unasked(self, key: int | str, now: float) -> bool:
        if now >= self._seen_until:
            self._seen = bytearray(PLACES)
            self._seen_until = now + WINDOW_SECONDS
        place = hash(key) & (PLACES - 1)
        seen = self._seen[place]
        if seen >= self._unasked:
            return False
        self._seen[place] = seen + 1
        return True

    def _keep(self, key: int | str) -> _Lease:
        if len(self._leases) >= MAX_LEASES:
            del self._leases[next(iter(self._leases))]
        lease = self._leases[key] = _Lease()
        return lease

    def _refusal(self, lease: _Lease, now: float) -> RateLimited:
        self.counters.refused += 1
        return RateLimited(max(1, math.ceil(lease.refuses_until - now)))

    async def _wait(self, key: int | str, lease: _Lease) -> RateLimited | None:
        """Wait for the next lease, as long as others are faster for the one after it."""
        lease.waiting += 1
        try:
            while True:
                now = self._monotonic()
                if lease.left > 0 and now < lease.ends:
                    lease.left -= 1
                    return None
                if now < lease.refuses_until:
                    return self._refusal(lease, now)
                # Whoever gives up leaves the question to the others.
                await asyncio.shield(lease.fetching or self._fetch(key, lease))
        finally:
            lease.waiting -= 1

    def _fetch(self, key: int | str, lease: _Lease) -> asyncio.Task[None]:
        lease.fetching = asyncio.create_task(self._lend(key, lease))
        return lease.fetching

    async def _lend(self, key: int | str, lease: _Lease) -> None:
        try:
            wanted = self.lease_size + lease.waiting
            try:
                lent, wait_seconds = await self._ask(key, wanted)
            except (cache_server.CacheUnavailable, cache.CacheNotConnected):
                lent, wait_seconds = self._lend_alone(lease, wanted)
            now = self._monotonic()
            if lent > 0:
                lease.left = lent if now >= lease.ends else lease.left + lent
                lease.ends = now + WINDOW_SECONDS
            else:
                lease.refuses_until = now + wait_seconds
        finally:
            lease.fetching = None

    async def _ask(self, key: int | str, wanted: int) -> tuple[int, float]:
        """How many Valkey lends, or in how many seconds it may. Raises as `cache.ask`."""
        self.counters.asked += 1
        name = f"{cache.KEY_PREFIX}allowance:{self._name}:{self._name_of(key)}"
        now_ms = int(clock.now().timestamp() * 1_000)

        def call(redis: Redis) -> Awaitable[object]:
            return redis.eval(_LEND, 1, name, now_ms, wanted, self._most, WINDOW_SECONDS * 1_000)

        lent, wait_ms = cast("tuple[int, int]", await cache.ask(call))
        return lent, wait_ms / 1_000

    def _lend_alone(self, lease: _Lease, wanted: int) -> tuple[int, float]:
        """The same without Valkey, as if this process were the only one."""
        now = self._monotonic()
        self.counters.alone += 1
        if now >= lease.alone_until:
            lease.alone, lease.alone_until = 0, now + WINDOW_SECONDS
        lent = min(wanted, self._most - lease.alone)
        lease.alone += lent
        return lent, lease.alone_until - now
