"""storeClusters: every store of the bounds counted once, whatever the zoom."""

import random
from collections.abc import Mapping

import httpx
import pytest

from backend.core.geo import GeoPoint
from backend.stores.domain import PlaceKind, StoreState
from tests.support import places
from tests.support.api import Api, codes
from tests.support.places import AZADI, draft

CLUSTERS = """
query ($bounds: GeoBoundsInput!, $zoom: Int!, $filter: StoreFilter) {
  storeClusters(bounds: $bounds, zoom: $zoom, filter: $filter) {
    location { latitude longitude } count bounds { south west north east } store { id name }
  }
}
"""
TEHRAN: Mapping[str, float] = {"south": 35.5, "west": 51.0, "north": 35.9, "east": 51.7}


async def clusters(
    api: Api, bounds: Mapping[str, object] = TEHRAN, zoom: int = 12, **variables: object
) -> httpx.Response:
    return await api.ask(CLUSTERS, {"bounds": bounds, "zoom": zoom, **variables})


@pytest.mark.parametrize("zoom", [0, 5, 10, 13, 17, 22])
async def test_the_counts_add_up_and_single_stores_are_shown(api: Api, zoom: int) -> None:
    drawn = random.Random(zoom)
    points = [GeoPoint(drawn.uniform(35.3, 36.0), drawn.uniform(50.8, 51.8)) for _ in range(120)]
    keys = await places.save(*(draft(f"s{n}", at=point) for n, point in enumerate(points)))
    inside = {
        places.store_id(keys[f"s{n}"]): point
        for n, point in enumerate(points)
        if 35.5 <= point.latitude <= 35.9 and 51.0 <= point.longitude <= 51.7
    }

    found = (await clusters(api, zoom=zoom)).json()["data"]["storeClusters"]

    assert sum(each["count"] for each in found) == len(inside)
    for each in found:
        assert (each["store"] is not None) == (each["count"] == 1)
        if each["store"] is not None:
            point = inside.pop(each["store"]["id"])
            assert (each["bounds"]["south"], each["bounds"]["east"]) == (
                point.latitude,
                point.longitude,
            )
            assert abs(each["location"]["latitude"] - point.latitude) < 1e-6
    if zoom == 0:
        assert len(found) <= 4
    if zoom == 22:
        assert len(found) > 30


async def test_the_edges_of_the_bounds_are_inside(api: Api) -> None:
    corners = [GeoPoint(35.5, 51.0), GeoPoint(35.9, 51.7), GeoPoint(35.5, 51.7)]
    await places.save(*(draft(f"s{n}", at=point) for n, point in enumerate(corners)))

    found = (await clusters(api)).json()["data"]["storeClusters"]

    assert sum(each["count"] for each in found) == 3


async def test_poles_and_the_antimeridian_are_counted(api: Api) -> None:
    corners = [GeoPoint(90, 180), GeoPoint(-90, -180), GeoPoint(90, -180), GeoPoint(0, 180)]
    await places.save(*(draft(f"s{n}", at=point) for n, point in enumerate(corners)))
    world = {"south": -90, "west": -180, "north": 90, "east": 180}

    for zoom in (0, 22):
        found = (await clusters(api, world, zoom)).json()["data"]["storeClusters"]
        assert sum(each["count"] for each in found) == 4


async def test_only_what_meets_the_filter_is_counted(api: Api) -> None:
    await places.save(
        draft("a"),
        draft("b", category_code="health"),
        draft("c", kind=PlaceKind.CLINIC),
        draft("d", state=StoreState.SUSPENDED),
        draft("e", schedule=places.NEVER),
    )

    async def count(**matching: object) -> int:
        found = (await clusters(api, filter=matching)).json()["data"]["storeClusters"]
        return sum(each["count"] for each in found)

    assert await count() == 3
    assert await count(categoryIds=[places.category_id("health")]) == 1
    assert await count(kind="CLINIC") == 1
    assert await count(openNow=False) == 1
    assert codes(await clusters(api, filter={"withinMyCredit": True})) == ["UNAUTHENTICATED"]


async def test_bounds_of_a_point_hold_what_stands_there(api: Api) -> None:
    await places.save(draft("a"), draft("b"))
    point = {
        "south": AZADI.latitude,
        "north": AZADI.latitude,
        "west": AZADI.longitude,
        "east": AZADI.longitude,
    }

    found = (await clusters(api, point, 22)).json()["data"]["storeClusters"]

    assert [each["count"] for each in found] == [2]


@pytest.mark.parametrize("zoom", [-1, 23, 2**31 - 1])
async def test_a_zoom_that_no_map_has_is_refused(bare: Api, zoom: int) -> None:
    assert codes(await clusters(bare, zoom=zoom)) == ["BAD_USER_INPUT"]


@pytest.mark.parametrize(
    "changed",
    [
        {"south": 35.91},
        {"west": 51.71},
        {"north": 90.1},
        {"south": -90.1},
        {"west": -180.1},
        {"east": 180.1},
    ],
)
async def test_bounds_that_are_none_are_refused(bare: Api, changed: Mapping[str, float]) -> None:
    assert codes(await clusters(bare, {**TEHRAN, **changed})) == ["BAD_USER_INPUT"]
