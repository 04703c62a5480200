"""What of the organization is cached: key, lifetime, and what purges it.

| key | lifetime | holds | purged by |
|---|---|---|---|
| organization:provinces:2 | 60 s | all provinces | opening or closing a province |
| organization:holiday-overrides | 60 s | declared holidays | a change of one |
"""

from dataclasses import asdict
from datetime import date

import orjson

from backend.core.geo import GeoBounds, GeoPoint
from backend.infra import cache
from backend.organization import repository
from backend.organization.domain import Province

PROVINCES_KEY = "organization:provinces:2"  # the number changes with the form of what is stored
HOLIDAY_OVERRIDES_KEY = "organization:holiday-overrides"
LIFETIME_SECONDS = 60


async def list_provinces() -> tuple[Province, ...]:
    """All provinces in their order."""
    stored = await cache.get_or_load(
        PROVINCES_KEY, ttl_seconds=LIFETIME_SECONDS, load=_load_provinces
    )
    return tuple(
        Province(
            **{
                **fields,
                "center": GeoPoint(**fields["center"]),
                "bounds": GeoBounds(**fields["bounds"]),
            }
        )
        for fields in orjson.loads(stored)
    )


async def holiday_overrides() -> dict[date, bool]:
    """The days on which the government changed the calendar."""
    stored = await cache.get_or_load(
        HOLIDAY_OVERRIDES_KEY, ttl_seconds=LIFETIME_SECONDS, load=_load_holiday_overrides
    )
    return {date.fromisoformat(day): value for day, value in orjson.loads(stored).items()}


async def purge_provinces() -> None:
    """After the commit of a change to a province."""
    await cache.purge(PROVINCES_KEY)


async def purge_holiday_overrides() -> None:
    """After the commit of a change to the declared holidays."""
    await cache.purge(HOLIDAY_OVERRIDES_KEY)


async def _load_provinces() -> bytes:
    return orjson.dumps([asdict(province) for province in await repository.list_provinces()])


async def _load_holiday_overrides() -> bytes:
    overrides = await repository.list_holiday_overrides()
    return orjson.dumps({day.isoformat(): value for day, value in overrides.items()})
