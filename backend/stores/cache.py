"""What of the stores is cached: key, lifetime, and what purges it.

| key | lifetime | holds | purged by |
|---|---|---|---|
| stores:categories | 60 s | all categories | a change of one |
"""

from dataclasses import asdict

import orjson

from backend.infra import cache
from backend.stores import repository
from backend.stores.domain import StoreCategory

CATEGORIES_KEY = "stores:categories"
LIFETIME_SECONDS = 60


async def list_categories() -> tuple[StoreCategory, ...]:
    """All categories in their order of display."""
    stored = await cache.get_or_load(
        CATEGORIES_KEY, ttl_seconds=LIFETIME_SECONDS, load=_load_categories
    )
    return tuple(StoreCategory(**fields) for fields in orjson.loads(stored))


async def purge_categories() -> None:
    """After the commit of a change to the categories."""
    await cache.purge(CATEGORIES_KEY)


async def _load_categories() -> bytes:
    return orjson.dumps([asdict(category) for category in await repository.list_categories()])
