"""Limits on a real Valkey: never more than allowed in any span, and the promised wait is enough."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.access import limits
from backend.access.limits import Charge
from backend.core import clock
from backend.core.errors import RateLimited, Unavailable
from backend.infra import cache as shared_cache
from tests.support.servers import TestValkey

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
PATIENT_TIMEOUT_MS = 20_000
HOUR = 3_600
FIVE = Charge("five", 5, HOUR)


@pytest.fixture
async def counters(valkey: TestValkey, cache: None) -> AsyncIterator[None]:
    del cache
    await shared_cache.connect(valkey.url, timeout_ms=PATIENT_TIMEOUT_MS)
    yield
    await shared_cache.close()


async def take(*charges: Charge, at: datetime = NOW) -> int:
    """0 where it was let through, else the seconds to wait."""
    with clock.frozen(at):
        try:
            await limits.take(charges)
        except RateLimited as refused:
            return refused.retry_after_seconds
    return 0


@pytest.mark.usefixtures("counters")
class TestOneLimit:
    async def test_five_an_hour_and_the_sixth_waits(self) -> None:
        assert [await take(FIVE) for _ in range(5)] == [0] * 5
        wait = await take(FIVE)
        assert HOUR <= wait <= HOUR + HOUR // limits.BUCKETS
        assert await take(FIVE, at=NOW + timedelta(seconds=wait - 1)) == 1
        assert await take(FIVE, at=NOW + timedelta(seconds=wait)) == 0

    async def test_what_is_refused_is_not_counted(self) -> None:
        for _ in range(5):
            await take(FIVE)
        wait = await take(FIVE)
        for _ in range(20):
            assert await take(FIVE) == wait

    async def test_what_came_at_other_times_is_let_go_at_other_times(self) -> None:
        for minutes in (0, 10, 20, 30, 40):
            assert await take(FIVE, at=NOW + timedelta(minutes=minutes)) == 0
        wait = await take(FIVE, at=NOW + timedelta(minutes=50))
        assert 10 * 60 <= wait <= 10 * 60 + HOUR // limits.BUCKETS
        later = NOW + timedelta(minutes=50, seconds=wait)
        assert await take(FIVE, at=later) == 0
        assert await take(FIVE, at=later) > 0

    async def test_nothing_is_let_through_where_nothing_is_allowed(self) -> None:
        assert await take(Charge("none", 0, HOUR)) == HOUR

    async def test_what_is_only_looked_at_is_not_counted(self) -> None:
        for _ in range(20):
            assert await take(FIVE.looked_at()) == 0
        for _ in range(5):
            await take(FIVE)
        assert await take(FIVE.looked_at()) > 0

    async def test_its_key_goes_away(self) -> None:
        await take(FIVE)
        left = await shared_cache.client().pttl(FIVE.key)
        assert HOUR * 1_000 < left <= (HOUR + 2 * HOUR // limits.BUCKETS) * 1_000

    async def test_of_a_crowd_just_so_many_come_through(self) -> None:
        waits = await asyncio.gather(*(take(FIVE) for _ in range(40)))
        assert sorted(waits)[:6] == [0] * 5 + [max(waits)]
        assert waits.count(0) == 5


@pytest.mark.usefixtures("counters")
class TestSeveralLimits:
    async def test_all_are_counted_or_none(self) -> None:
        one = Charge("one", 1, 60)
        assert await take(FIVE, one) == 0
        for _ in range(10):
            assert await take(FIVE, one) > 0
        assert [await take(FIVE) for _ in range(4)] == [0] * 4
        assert await take(FIVE) > 0

    async def test_the_longest_wait_is_told(self) -> None:
        minute, day = Charge("minute", 1, 60), Charge("day", 1, 86_400)
        await take(minute, day)
        assert await take(minute, day) >= 86_400


async def test_without_a_cache_nobody_comes_through() -> None:
    await shared_cache.close()
    with pytest.raises(Unavailable):
        await limits.take([FIVE])


async def test_with_a_cache_that_is_away_nobody_comes_through() -> None:
    await shared_cache.connect("unix:///nowhere/at/all")
    with pytest.raises(Unavailable):
        await limits.take([FIVE])
    await shared_cache.close()


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    most=st.integers(1, 6),
    seconds=st.sampled_from([1, 7, 60, HOUR]),
    pauses=st.lists(st.floats(0, 0.6), min_size=10, max_size=60),
    offset_ms=st.integers(0, 10**9),
)
def test_never_more_in_any_span_and_the_wait_is_enough(
    valkey: TestValkey, most: int, seconds: int, pauses: list[float], offset_ms: int
) -> None:
    limit = Charge("any", most, seconds)

    async def play() -> None:
        await shared_cache.connect(valkey.url, timeout_ms=PATIENT_TIMEOUT_MS)
        await shared_cache.client().flushall()
        at = NOW + timedelta(milliseconds=offset_ms)
        taken: list[datetime] = []
        wait = 0
        for pause in pauses:
            at += timedelta(milliseconds=int(pause * seconds * 1_000))
            wait = await take(limit, at=at)
            recent = [each for each in taken if each > at - timedelta(seconds=seconds)]
            if wait == 0:
                taken.append(at)
                assert len(recent) < most
            else:
                span = seconds * (1 + 1 / limits.BUCKETS) + 1
                assert len([each for each in taken if at - each < timedelta(seconds=span)]) >= most
        if wait:
            assert await take(limit, at=at + timedelta(seconds=wait)) == 0
        await shared_cache.close()

    asyncio.run(play())
