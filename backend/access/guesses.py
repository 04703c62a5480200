"""How often secrets of operators and cashiers may be tried: counted in Valkey, growing delays that end.

A try is counted before the secret is looked at, and taken back where it was right: any number of tries at once
count for what they are.

| budget | who shares it | lets through |
|---|---|---|
| guesses:<account>:<source> | tries at one account from one source | 5, then one after 15 s, 30 s, … 15 min |
| guesses:strangers:<account> | tries at one account from all sources it does not know | 30 an hour |
| guesses:address:<network> | tries of unknown sources at all accounts from one network | 100 an hour; wider ones more |

A *source* is a device that the account has signed in on of late, or a network that it has signed in from, or the
recovery code that was given, or else the network that asks. Strangers use up the second and the third budget, which
a known source is not held to: whoever has the own device, the usual place or a recovery code is not locked out by
anybody. A day without a try forgets the delays. Names of accounts and networks are blind indexes, and unknown
accounts are counted as known ones are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from backend.access import limits
from backend.access.limits import Charge

if TYPE_CHECKING:
    from collections.abc import Sequence

FREE_TRIES: Final = 5
FIRST_DELAY_SECONDS: Final = 15
LONGEST_DELAY_SECONDS: Final = 15 * 60
FORGOTTEN_AFTER_SECONDS: Final = 24 * 3_600
STRANGERS_PER_HOUR: Final = 30
ADDRESS_PER_HOUR: Final = 100
_HOUR: Final = 3_600

_BEGIN: Final = (
    limits.FUNCTIONS
    + """
local now, free, first, longest, life = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]),
  tonumber(ARGV[4]), tonumber(ARGV[5])
local known = redis.call('HMGET', KEYS[1], 'tries', 'until')
local wait = math.max(tonumber(known[2] or 0) - now, longest_wait(now, 2, 6), 0)
if wait > 0 then return wait end
count_all(now, 2, 6)
local tries = redis.call('HINCRBY', KEYS[1], 'tries', 1)
if tries >= free then
  local delay = math.min(first * 2 ^ math.min(tries - free, 30), longest)
  redis.call('HSET', KEYS[1], 'until', string.format('%d', now + delay))
end
redis.call('PEXPIRE', KEYS[1], life)
return 0
"""
)
_TAKE_BACK: Final = (
    limits.FUNCTIONS
    + """
redis.call('DEL', KEYS[1])
for i = 2, #KEYS do uncount(KEYS[i], tonumber(ARGV[1]), tonumber(ARGV[3 * (i - 2) + 3])) end
return 0
"""
)


@dataclass(frozen=True, slots=True)
class Try:
    """A try that was counted."""

    key: str
    charges: tuple[Charge, ...]
    at_ms: int


async def begin(*, account: str, source: str, is_known: bool, address: str | None) -> Try:
    """Count a try at an account. Raises RateLimited, and CacheUnavailable where nobody can count.

    `account` names kind and account, such as `operator|maryam`; `source` the device, network or recovery code.
    """
    who = limits.blind("guesses.account", account)
    charges: tuple[Charge, ...] = ()
    if not is_known:  # what others use up at the same address keeps no known source out
        charges = (
            Charge(f"guesses:strangers:{who}", STRANGERS_PER_HOUR, _HOUR),
            *limits.of_address("guesses:address", address, ADDRESS_PER_HOUR),
        )
    found = Try(
        key=f"{limits.PREFIX}guesses:{who}:{limits.blind('guesses.source', source)}",
        charges=charges,
        at_ms=limits.now_ms(),
    )
    wait_ms = await limits.run(
        _BEGIN,
        [found.key, *(charge.key for charge in charges)],
        [
            *(str(found.at_ms), str(FREE_TRIES), str(FIRST_DELAY_SECONDS * 1_000)),
            *(str(LONGEST_DELAY_SECONDS * 1_000), str(FORGOTTEN_AFTER_SECONDS * 1_000)),
            *_arguments(charges),
        ],
    )
    limits.refuse_after(int(float(cast("int", wait_ms))))
    return found


async def was_right(tried: Try) -> None:
    """Take the try back, and forget the delays of its source. Raises CacheUnavailable."""
    await limits.run(
        _TAKE_BACK,
        [tried.key, *(charge.key for charge in tried.charges)],
        [str(tried.at_ms), *_arguments(tried.charges)],
    )


async def forgive(*, account: str) -> None:
    """Forget what strangers have used up at an account: a colleague has asked for it. Raises CacheUnavailable."""
    who = limits.blind("guesses.account", account)
    charge = Charge(f"guesses:strangers:{who}", STRANGERS_PER_HOUR, _HOUR)
    await limits.run("return redis.call('DEL', KEYS[1])", [charge.key], [])


def _arguments(charges: Sequence[Charge]) -> list[str]:
    return [each for charge in charges for each in charge.arguments]
