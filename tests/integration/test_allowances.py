"""Limits on requests, leased from a real Valkey by several processes' worth of counters."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.core import clock
from backend.core.errors import RateLimited
from backend.infra import allowances, cache_server
from backend.infra import cache as shared_cache
from backend.infra.allowances import MOST_UNASKED, PARTS, WINDOW_SECONDS, Allowance
from backend.infra.embedded import valkey as embedded_valkey
from tests.conftest import PATIENCE_MS
from tests.support import servers

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
MOST = 300
LEASE = 20
KEY = "member:7"


@dataclass
class Time:
    """The clock of the test, for this process and for Valkey alike."""

    seconds: float = 0.0
    _frozen: ExitStack = field(default_factory=ExitStack)

    def __call__(self) -> float:
        return 1_000.0 + self.seconds

    def set(self, seconds: float) -> None:
        self._frozen.close()
        self.seconds = seconds
        self._frozen.enter_context(clock.frozen(NOW + timedelta(seconds=seconds)))

    def end(self) -> None:
        self._frozen.close()


@contextmanager
def stopped() -> Iterator[Time]:
    time = Time()
    time.set(0.0)
    try:
        yield time
    finally:
        time.end()


def allowance(time: Time, most: int = MOST, name: str = "account") -> Allowance:
    return Allowance(name, most, monotonic=time)


async def ask(counted: Allowance, time: Time, key: str = KEY) -> RateLimited | None:
    """What becomes of one request."""
    if counted.take(key, time()):
        return None
    answer = counted.judge(key, time())
    return answer if answer is None or isinstance(answer, RateLimited) else await answer


async def hammer(counted: Allowance, time: Time, times: int, key: str = KEY) -> int:
    """How many of so many requests in a row pass."""
    return sum([await ask(counted, time, key) is None for _ in range(times)])


async def settle(counted: Allowance) -> None:
    """Let leases that are being fetched arrive."""
    fetching = [each.fetching for each in counted._leases.values() if each.fetching]
    await asyncio.gather(*fetching)


@pytest.mark.usefixtures("cache")
class TestWithValkey:
    async def test_who_asks_little_costs_no_round_trip(self) -> None:
        with stopped() as time:
            counted = allowance(time)

            passed = [counted.take(f"member:{number}", time()) for number in range(1_000)]

            assert all(passed)
            assert (counted.counters.asked, len(counted)) == (0, 0)
            assert await shared_cache.client().dbsize() == 0

    async def test_no_more_than_the_limit_and_what_passed_unasked(self) -> None:
        with stopped() as time:
            counted = allowance(time)

            passed = await hammer(counted, time, 1_000)

            assert passed == MOST + MOST_UNASKED
            assert counted.counters.refused == 1_000 - passed
            assert counted.counters.asked <= MOST // LEASE + 2

    async def test_several_processes_share_one_limit(self) -> None:
        with stopped() as time:
            processes = [allowance(time) for _ in range(4)]

            passed = await asyncio.gather(*(hammer(each, time, 500) for each in processes))

            assert MOST <= sum(passed) <= MOST + 4 * MOST_UNASKED

    async def test_many_at_once_wait_for_one_answer(self) -> None:
        with stopped() as time:
            counted = allowance(time)

            answers = await asyncio.gather(*(ask(counted, time) for _ in range(1_000)))

            assert answers.count(None) == MOST + MOST_UNASKED
            assert counted.counters.asked <= 3

    async def test_who_was_refused_is_refused_from_memory_until_the_promised_moment(self) -> None:
        with stopped() as time:
            counted = allowance(time)
            await hammer(counted, time, 400)
            asked = counted.counters.asked

            refused = await ask(counted, time)
            await hammer(counted, time, 1_000)

            assert refused is not None
            wait = refused.retry_after_seconds
            assert WINDOW_SECONDS <= wait <= WINDOW_SECONDS + 2 * WINDOW_SECONDS // PARTS
            assert counted.counters.asked == asked
            time.set(wait - 1)
            assert await ask(counted, time) is not None
            time.set(wait)
            assert await ask(counted, time) is None

    async def test_one_key_s_refusal_is_no_other_s(self) -> None:
        with stopped() as time:
            counted = allowance(time)
            await hammer(counted, time, 400)

            assert await hammer(counted, time, 100, "member:8") == 100

    async def test_a_steady_rate_below_the_limit_passes_for_ever(self) -> None:
        with stopped() as time:
            counted = allowance(time)
            for second in range(5 * WINDOW_SECONDS):
                time.set(second)
                assert await hammer(counted, time, 4) == 4  # 240 a minute
                await settle(counted)

    async def test_a_flood_of_keys_takes_bounded_memory_and_stays_limited(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(allowances, "MAX_LEASES", 40)
        with stopped() as time:
            counted = allowance(time, most=30, name="address")

            passed = dict.fromkeys(range(200), 0)
            for _ in range(60):
                for key in passed:
                    passed[key] += await ask(counted, time, f"address {key}") is None
                    assert len(counted) <= 40

            # Where a lease is dropped, what was left of it is lost to its key.
            assert max(passed.values()) <= 30 + 3  # a lease of 3 passes unasked

    async def test_one_who_gives_up_leaves_the_others_their_answer(self) -> None:
        with stopped() as time:
            counted = allowance(time)
            await hammer(counted, time, MOST_UNASKED)

            first, second = (asyncio.create_task(ask(counted, time)) for _ in range(2))
            await asyncio.sleep(0)
            first.cancel()

            assert await second is None
            with pytest.raises(asyncio.CancelledError):
                await first

    async def test_a_key_in_valkey_goes_away(self) -> None:
        with stopped() as time:
            await hammer(allowance(time), time, 50)

            (name,) = await shared_cache.client().keys()

            assert name == b"bashgah:1:allowance:account:member:7"
            left = await shared_cache.client().pttl(name)
            assert 0 < left <= WINDOW_SECONDS * 1_000 * (PARTS + 2) // PARTS

    async def test_a_valkey_without_memory_begins_anew(self) -> None:
        with stopped() as time:
            counted = allowance(time)
            await hammer(counted, time, 100)

            await shared_cache.client().flushall()

            assert await hammer(counted, time, 1_000) <= MOST + LEASE


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 80), st.integers(0, 1)),
        min_size=1,
        max_size=25,
    )
)
async def test_in_any_minute_no_more_than_the_limit_and_two_leases_a_process(
    cache: None, story: list[tuple[int, int, int]]
) -> None:
    """A story: after so many seconds, so many requests, at one of two processes."""
    del cache
    await shared_cache.client().flushall()
    most, lease = 60, 6
    passed: list[int] = []
    with stopped() as time:
        processes = [allowance(time, most) for _ in range(2)]
        now = 0
        for seconds, requests, number in story:
            now += seconds
            time.set(now)
            passed += [now] * await hammer(processes[number], time, requests)
    for start in set(passed):
        within = sum(start <= moment < start + WINDOW_SECONDS for moment in passed)
        assert within <= most + 2 * (lease + lease)


async def test_without_a_cache_each_process_counts_alone() -> None:
    with stopped() as time:
        counted = allowance(time)

        assert await hammer(counted, time, 1_000) == MOST + MOST_UNASKED
        assert counted.counters.alone > 0
        refused = await ask(counted, time)

        assert refused is not None
        assert refused.retry_after_seconds == WINDOW_SECONDS
        time.set(WINDOW_SECONDS)
        assert await hammer(counted, time, 100) == 100


async def test_a_valkey_that_goes_away_refuses_nobody_and_counts_again_when_it_is_back() -> None:
    with servers.short_folder() as folder, servers.claimed(folder / "data") as place:
        await shared_cache.connect(embedded_valkey.url(place.sockets), timeout_ms=PATIENCE_MS)
        first = embedded_valkey.launch(place, persistent=False)
        second = None
        try:
            embedded_valkey.wait_until_ready(first, place)
            with stopped() as time:
                counted = allowance(time)
                assert await hammer(counted, time, 100) == 100
                assert counted.counters.alone == 0

                first.end(grace_seconds=embedded_valkey.STOP_SECONDS)
                passed = await hammer(counted, time, 1_000)

                assert MOST <= passed <= MOST + 2 * LEASE  # as if this process were the only one
                second = embedded_valkey.launch(place, persistent=False)
                embedded_valkey.wait_until_ready(second, place)
                await until_used_again()
                time.set(2 * WINDOW_SECONDS)
                alone = counted.counters.alone
                assert await hammer(counted, time, 100) == 100
                assert counted.counters.alone == alone
                assert await shared_cache.client().dbsize() == 1
        finally:
            await shared_cache.close()
            for child in (first, second):
                if child is not None:
                    child.end(grace_seconds=embedded_valkey.STOP_SECONDS)


async def until_used_again() -> None:
    """Wait for the breaker's next probe."""
    while True:
        try:
            await shared_cache.ask(lambda redis: redis.ping())
        except cache_server.CacheUnavailable:
            await asyncio.sleep(0.05)
        else:
            return
