"""How often secrets of operators and cashiers may be tried: counted in Valkey, growing delays that end.

A try is counted before the secret is looked at, and taken back where it was right: any number of tries at once
count for what they are. The numbers are `StaffPolicy`'s; in brackets, what they are where nobody sets them.

| budget | who shares it | lets through |
|---|---|---|
| guesses:<account>:<source> | tries at one account from one source | [5], then one after [15 s], 30 s, … [15 min] |
| guesses:address:<network> | tries of unknown sources from one network | [100] an hour; wider ones more |
| guesses:factors:<account> | tries of unknown sources that had one factor right, or both | [30] an hour |

A *source* is a device that the account has signed in on of late, or a network that it has signed in from, or the
recovery code that was given, or else the network that asks. A day without a try forgets the delays. Names of accounts
and networks are blind indexes, and unknown accounts are counted as known ones are.

**Nobody is locked out by a stranger.** No budget of an account is used up by who knows its name alone: the first two
are of the network that asks, and hold nobody elsewhere up. The third is charged once password and one-time password
were looked at, and only where one of them was right; who has neither learns nothing from any number of tries, for both
have to be right at once. Who has one of them has [30] tries an hour at the other, from however many networks: three of
a million one-time passwords fit, so that is 1 in 11,000 an hour. Beyond, also what is right is refused, in the same
words as what is wrong, so that the refusal tells nobody that one factor was right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, cast

from backend.access import limits, staff_policy
from backend.access.limits import Charge
from backend.core import addresses

if TYPE_CHECKING:
    from collections.abc import Sequence

FORGOTTEN_AFTER_SECONDS: Final = 24 * 3_600
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


_CHARGE: Final = limits.FUNCTIONS + "return charge(tonumber(ARGV[1]), 1, 2)"


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
    policy = staff_policy.current()
    charges: tuple[Charge, ...] = ()
    if not is_known:  # what others use up at the same address keeps no known source out
        charges = limits.of_address("guesses:address", address, policy.address_tries_per_hour)
    found = Try(
        key=f"{limits.PREFIX}guesses:{_who(account)}:{limits.blind('guesses.source', source)}",
        charges=charges,
        at_ms=limits.now_ms(),
    )
    wait_ms = await limits.run(
        _BEGIN,
        [found.key, *(charge.key for charge in charges)],
        [
            *(str(found.at_ms), str(policy.free_tries), str(policy.first_delay_seconds * 1_000)),
            *(str(policy.longest_delay_seconds * 1_000), str(FORGOTTEN_AFTER_SECONDS * 1_000)),
            *_arguments(charges),
        ],
    )
    limits.refuse_after(int(float(cast("int", wait_ms))))
    return found


async def has_room(tried: Try, *, account: str, has_factor: bool) -> Try | None:
    """Charge a try of an unknown source that has a factor right to its account; None where the budget is used up.

    Asked of every such try, so that it takes alike long; without a factor nothing is charged, and the answer does not
    matter. To be asked before anything of what was right is told. Raises CacheUnavailable.
    """
    charge = _of_factors(account)
    if not has_factor:
        charge = charge.looked_at()
    wait_ms = await limits.run(_CHARGE, [charge.key], [str(tried.at_ms), *_arguments([charge])])
    if int(str(wait_ms)) > 0:
        return None
    return replace(tried, charges=(*tried.charges, charge)) if has_factor else tried


async def was_right(tried: Try) -> None:
    """Take the try back, and forget the delays of its source. Raises CacheUnavailable."""
    await limits.run(
        _TAKE_BACK,
        [tried.key, *(charge.key for charge in tried.charges)],
        [str(tried.at_ms), *_arguments(tried.charges)],
    )


async def forgive(*, account: str) -> None:
    """Forget what strangers have used up at an account: a colleague has asked for it. Raises CacheUnavailable."""
    await limits.run("return redis.call('DEL', KEYS[1])", [_of_factors(account).key], [])


def network(address: str | None) -> str:
    """The source of a try that nothing more is known of."""
    return f"network|{addresses.group(address)}"


def _of_factors(account: str) -> Charge:
    most = staff_policy.current().stranger_tries_per_hour
    return Charge(f"guesses:factors:{_who(account)}", most, _HOUR)


def _who(account: str) -> str:
    return limits.blind("guesses.account", account)


def _arguments(charges: Sequence[Charge]) -> list[str]:
    return [each for charge in charges for each in charge.arguments]
