"""A cache that is full: it refuses, and so nobody signs in; it forgets no limit."""

from collections.abc import AsyncIterator

import pytest
from redis.exceptions import OutOfMemoryError

from backend import composition
from backend.access import limits
from backend.access.limits import Charge
from backend.core.errors import RateLimited, Unavailable
from backend.infra import cache as shared_cache
from backend.settings import Settings
from tests.support.api import production_settings
from tests.support.eviction import evicting
from tests.support.servers import TestValkey

ONE = Charge("one", 1, 3_600)
PATIENT_TIMEOUT_MS = 20_000


@pytest.fixture(autouse=True)
async def store(valkey: TestValkey, cache: None) -> AsyncIterator[None]:
    del cache
    await shared_cache.connect(valkey.url, timeout_ms=PATIENT_TIMEOUT_MS)
    yield
    await shared_cache.close()


async def flood() -> None:
    for number in range(3_000):
        await shared_cache.client().set(f"flood:{number}", b"x" * 1_000, ex=100)


async def test_a_full_one_forgets_no_limit_and_lets_nobody_in() -> None:
    await limits.take((ONE,))
    redis = shared_cache.client()
    used = (await redis.info("memory"))["used_memory"]
    await redis.config_set("maxmemory", used + 200_000)
    try:
        with pytest.raises(OutOfMemoryError):
            await flood()
        with pytest.raises(Unavailable):
            await limits.take((Charge("two", 1, 3_600),))
    finally:
        await redis.config_set("maxmemory", 0)
    with pytest.raises(RateLimited):
        await limits.take((ONE,))


async def test_production_starts_with_none_that_forgets(valkey: TestValkey) -> None:
    await composition.check_cache(production_settings())
    with evicting(valkey):
        await composition.check_cache(Settings())
        with pytest.raises(composition.CacheForgets, match="volatile-lru"):
            await composition.check_cache(production_settings())


@pytest.mark.parametrize("url", [None, "unix:///nowhere/at/all"])
async def test_one_that_is_away_keeps_nobody_from_starting(url: str | None) -> None:
    await shared_cache.connect(url)
    await composition.check_cache(production_settings())
