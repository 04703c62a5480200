"""How often codes may be asked for, and wrong ones tried: counted in Valkey, for everybody alike.

A limit lets `most` through in any span of `seconds`. The span slides in BUCKETS parts, of which the
oldest counts whole, so that a little less may be let through and never more. What is refused is not
counted. All limits of one request are judged and counted by one script, or none.

| limit | key (the name is a blind index) | lifetime |
|---|---|---|
| of a phone, a national code, an address | limit:<what>:<span>:<blind index> | its span and a little |
| of the whole system | limit:system:<what> | the same |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from backend.core import addresses, clock, errors
from backend.infra import cache, cache_server, sealing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from redis.asyncio import Redis

BUCKETS: Final = 24
# One hash tag, so that a cluster keeps them together and a script may use several.
PREFIX: Final = cache.KEY_PREFIX + "{sign-in}:"

WIDER_TIMES: Final = 4

T = TypeVar("T")

_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400

# Functions for the scripts of this module and of `codes`.
FUNCTIONS: Final = f"""
local BUCKETS = {BUCKETS}
local function width_of(window) return math.ceil(window / BUCKETS) end
-- Milliseconds until the limit lets another through: 0 for now.
local function wait_for(key, now, most, window)
  local width = width_of(window)
  local oldest = math.floor(now / width) - BUCKETS
  local stored, kept, sum = redis.call('HGETALL', key), {{}}, 0
  for i = 1, #stored, 2 do
    local bucket, count = tonumber(stored[i]), tonumber(stored[i + 1])
    if bucket < oldest then
      redis.call('HDEL', key, stored[i])
    else
      kept[#kept + 1] = {{bucket, count}}
      sum = sum + count
    end
  end
  if sum < most then return 0 end
  table.sort(kept, function(a, b) return a[1] < b[1] end)
  for _, each in ipairs(kept) do
    sum = sum - each[2]
    if sum < most then return (each[1] + BUCKETS + 1) * width - now end
  end
  return window
end
local function count(key, now, window)
  local width = width_of(window)
  redis.call('HINCRBY', key, string.format('%d', math.floor(now / width)), 1)
  redis.call('PEXPIRE', key, window + 2 * width)
end
-- Take back one that was counted at a moment.
local function uncount(key, moment, window)
  local bucket = string.format('%d', math.floor(moment / width_of(window)))
  if tonumber(redis.call('HGET', key, bucket) or 0) > 0 then redis.call('HINCRBY', key, bucket, -1) end
end
-- Of the limits of KEYS from `first` on, whose most, window and "is it counted" stand in ARGV from
-- `at` on: how long the slowest wants to wait, 0 where all let it through.
local function longest_wait(now, first, at)
  local longest = 0
  for i = first, #KEYS do
    local argument = at + 3 * (i - first)
    local wait = wait_for(KEYS[i], now, tonumber(ARGV[argument]), tonumber(ARGV[argument + 1]))
    longest = math.max(longest, wait)
  end
  return longest
end
local function count_all(now, first, at)
  for i = first, #KEYS do
    local argument = at + 3 * (i - first)
    if ARGV[argument + 2] == '1' then count(KEYS[i], now, tonumber(ARGV[argument + 1])) end
  end
end
-- Count and return 0 where all let it through, else the wait.
local function charge(now, first, at)
  local wait = longest_wait(now, first, at)
  if wait == 0 then count_all(now, first, at) end
  return wait
end
"""
_TAKE: Final = FUNCTIONS + "return charge(tonumber(ARGV[1]), 1, 2)"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLimits:
    """Every limit of the sign-in.

    Addresses have much room: a mobile operator puts thousands of members behind one. An IPv6 address is
    a /64; its /56 may do WIDER_TIMES as much in all, and its /48 as many times as much as that. Requests
    are counted for the work they make, texts for what they cost.
    """

    phone_codes_per_hour: int = 5
    phone_codes_per_day: int = 10
    national_code_codes_per_hour: int = 5
    national_code_codes_per_day: int = 10
    national_code_failures_per_day: int = 10
    address_codes_per_hour: int = 300
    address_failures_per_hour: int = 300
    system_requests_per_minute: int = 6_000
    system_texts_per_minute: int = 1_200
    system_texts_per_day: int = 100_000

    def of_request(
        self, *, phone: str, national_code: str, address: str | None
    ) -> tuple[Charge, ...]:
        """What asking for a code is charged; failures and texts are looked at only."""
        of_phone, of_person = blind("phone", phone), blind("national_code", national_code)
        return (
            Charge(f"phone:hour:{of_phone}", self.phone_codes_per_hour, _HOUR),
            Charge(f"phone:day:{of_phone}", self.phone_codes_per_day, _DAY),
            Charge(f"person:hour:{of_person}", self.national_code_codes_per_hour, _HOUR),
            Charge(f"person:day:{of_person}", self.national_code_codes_per_day, _DAY),
            *of_address("address:hour", address, self.address_codes_per_hour),
            Charge("system:requests", self.system_requests_per_minute, _MINUTE),
            self.of_failures(of_person).looked_at(),
            *(charge.looked_at() for charge in self.of_text()),
        )

    def of_failures(self, person: str) -> Charge:
        """The wrong codes of a national code, named by its blind index."""
        return Charge(f"failures:{person}", self.national_code_failures_per_day, _DAY)

    def of_address_failures(self, address: str | None) -> tuple[Charge, ...]:
        """The wrong codes from an address, and from the networks that it belongs to."""
        return of_address("address-failures", address, self.address_failures_per_hour)

    def of_text(self) -> tuple[Charge, ...]:
        """What a text message is charged just before it is sent."""
        return (
            Charge("system:texts:minute", self.system_texts_per_minute, _MINUTE),
            Charge("system:texts:day", self.system_texts_per_day, _DAY),
        )


@dataclass(frozen=True, slots=True)
class Charge:
    """One limit that one request is held to."""

    name: str
    most: int
    seconds: int
    is_counted: bool = True

    @property
    def key(self) -> str:
        """Its key in Valkey."""
        return f"{PREFIX}limit:{self.name}"

    @property
    def arguments(self) -> tuple[str, str, str]:
        """Its three arguments to `charge`."""
        return str(self.most), str(self.seconds * 1_000), "1" if self.is_counted else "0"

    def looked_at(self) -> Charge:
        """The same limit, which refuses as before and counts nothing."""
        return Charge(self.name, self.most, self.seconds, is_counted=False)


class _Configured:
    limits = SignInLimits()


def configure(limits: SignInLimits) -> None:
    """Set the limits of this process; the composition root does this once."""
    _Configured.limits = limits


def current() -> SignInLimits:
    """The limits of this process."""
    return _Configured.limits


async def take(charges: Sequence[Charge]) -> None:
    """Count one against each of the charges, or against none.

    Raises RateLimited, and CacheUnavailable where nobody can count.
    """
    arguments = [str(now_ms()), *(each for charge in charges for each in charge.arguments)]
    wait_ms = await run(_TAKE, [charge.key for charge in charges], arguments)
    refuse_after(wait_ms)


def refuse_after(wait_ms: object) -> None:
    """Raise RateLimited where a script wants a wait of some milliseconds."""
    milliseconds = int(str(wait_ms))
    if milliseconds > 0:
        raise errors.RateLimited(retry_after_seconds=-(-milliseconds // 1_000))


async def run(script: str, keys: Sequence[str], arguments: Sequence[str | bytes]) -> object:
    """What a script returns. Raises CacheUnavailable."""

    def call(redis: Redis) -> Awaitable[object]:
        return redis.eval(script, len(keys), *keys, *arguments)

    return await ask(call)


async def ask(call: Callable[[Redis], Awaitable[T]]) -> T:
    """What `call` gets from Valkey. Raises CacheUnavailable, also where there is none at all."""
    try:
        return await cache.ask(call)
    except cache.CacheNotConnected as error:
        raise cache_server.CacheUnavailable(cache_server.RETRY_AFTER_SECONDS) from error


def now_ms() -> int:
    """The present moment in milliseconds since 1970."""
    return int(clock.now().timestamp() * 1_000)


def blind(what: str, text: str) -> str:
    """A name for a personal value in a key of Valkey."""
    return sealing.current().blind_index(text, context=f"access.{what}").hex()[:32]


def of_address(what: str, address: str | None, most: int) -> tuple[Charge, ...]:
    """The hourly limits of an address, and of the networks that it belongs to."""
    groups = (addresses.group(address), *addresses.wider_groups(address))
    return tuple(
        Charge(f"{what}:{blind('address', group)}", most * WIDER_TIMES**number, _HOUR)
        for number, group in enumerate(groups)
    )
