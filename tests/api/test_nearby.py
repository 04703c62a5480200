"""nearbyStores: the exact order by distance, its filters, and pages that stay right while stores change."""

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime

import httpx
import pytest

from backend.core import clock, geo
from backend.core.calendar import Weekday
from backend.core.geo import GeoPoint
from backend.stores.domain import PlaceKind, StoreDraft, StoreState
from tests.support import places
from tests.support.api import Api, codes, names
from tests.support.places import AZADI, draft

NEARBY = """
query ($at: GeoPointInput, $radiusMeters: Int, $filter: StoreFilter, $first: Int, $after: String) {
  nearbyStores(at: $at, radiusMeters: $radiusMeters, filter: $filter, first: $first, after: $after) {
    edges { cursor distanceMeters node { id name } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    originUsed { latitude longitude }
  }
}
"""
NOON = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)  # a Saturday, 12:00 in Tehran


def north_of(origin: GeoPoint, meters: float) -> GeoPoint:
    """The point this far north, exact to a micrometre."""
    degrees = meters / geo.EARTH_RADIUS_METERS * 180 / 3.141592653589793
    return GeoPoint(origin.latitude + degrees, origin.longitude)


def at(point: GeoPoint) -> dict[str, float]:
    return {"latitude": point.latitude, "longitude": point.longitude}


async def near(api: Api, point: GeoPoint = AZADI, **variables: object) -> httpx.Response:
    return await api.ask(NEARBY, {"at": at(point), **variables})


async def walk(api: Api, *, first: int) -> list[str]:
    """The names on all pages, in order."""
    found: list[str] = []
    after = None
    while True:
        page = (await near(api, after=after, first=first)).json()["data"]["nearbyStores"]
        found += [edge["node"]["name"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


@pytest.mark.parametrize("seed", range(4))
async def test_the_order_and_the_distances_are_those_of_the_haversine_formula(
    api: Api, seed: int
) -> None:
    drawn = random.Random(seed)
    spread = (0.002, 0.05, 0.5, 0.5)[seed]  # degrees: one street, a city, a province
    points = [
        GeoPoint(
            AZADI.latitude + drawn.uniform(-spread, spread),
            AZADI.longitude + drawn.uniform(-spread, spread),
        )
        for _ in range(60)
    ]
    points += drawn.choices(points, k=20)  # several stores under one roof
    keys = await places.save(*(draft(f"s{n}", at=point) for n, point in enumerate(points)))
    radius = (150, 4_000, 30_000, 100_000)[seed]
    expected = sorted(
        (geo.distance_meters(AZADI, point), keys[f"s{n}"], f"فروشگاه s{n}")
        for n, point in enumerate(points)
        if geo.distance_meters(AZADI, point) <= radius
    )

    answer = await near(api, radiusMeters=radius, first=100)

    assert 0 < len(expected) <= 80
    edges = answer.json()["data"]["nearbyStores"]["edges"]
    assert [edge["node"]["name"] for edge in edges] == [name for _, _, name in expected]
    assert [edge["distanceMeters"] for edge in edges] == [
        round(distance) for distance, _, _ in expected
    ]


async def test_stores_at_one_point_come_in_the_order_of_their_keys(api: Api) -> None:
    keys = await places.save(*(draft(f"s{n}", at=AZADI) for n in range(30)))

    answer = await near(api, first=100)

    in_order = sorted(keys, key=keys.__getitem__)
    assert names(answer, "nearbyStores") == [f"فروشگاه {code}" for code in in_order]
    assert {edge["distanceMeters"] for edge in answer.json()["data"]["nearbyStores"]["edges"]} == {
        0
    }


async def test_the_radius_ends_on_its_edge(api: Api) -> None:
    await places.save(
        draft("inside", at=north_of(AZADI, 999.999)),
        draft("outside", at=north_of(AZADI, 1_000.001)),
    )

    assert names(await near(api, radiusMeters=1_000), "nearbyStores") == ["فروشگاه inside"]


async def test_a_store_at_the_very_point_is_found_within_one_metre(api: Api) -> None:
    await places.save(draft("here", at=AZADI))

    assert names(await near(api, radiusMeters=1), "nearbyStores") == ["فروشگاه here"]


async def test_the_antimeridian_and_the_poles_are_ordinary_places(api: Api) -> None:
    east, pole = GeoPoint(0.0, 179.999), GeoPoint(89.9995, 120.0)
    await places.save(draft("east", at=east), draft("pole", at=pole))

    assert names(await near(api, GeoPoint(0.0, -179.999)), "nearbyStores") == ["فروشگاه east"]
    assert names(await near(api, GeoPoint(89.9995, -60.0)), "nearbyStores") == ["فروشگاه pole"]


async def test_the_answer_says_which_point_was_searched_around(api: Api) -> None:
    answer = await near(api)

    assert answer.json()["data"]["nearbyStores"] == {
        "edges": [],
        "pageInfo": {
            "hasNextPage": False,
            "hasPreviousPage": False,
            "startCursor": None,
            "endCursor": None,
        },
        "originUsed": at(AZADI),
    }


FILTERS: list[tuple[Mapping[str, object] | None, list[str]]] = [
    (None, ["plain", "closed", "offers", "Fars", "appliances"]),
    ({}, ["plain", "closed", "offers", "Fars", "appliances"]),
    ({"categoryIds": [places.category_id("appliances")]}, ["appliances"]),
    (
        {"categoryIds": [places.category_id("appliances"), places.category_id("grocery")]},
        ["plain", "closed", "offers", "Fars", "appliances"],
    ),
    ({"categoryIds": [places.category_id("health")]}, []),
    ({"categoryIds": []}, []),
    ({"provinceCode": "IR-07"}, ["Fars"]),
    ({"openNow": True}, ["plain", "offers", "Fars", "appliances"]),
    ({"openNow": False}, ["closed"]),
    ({"hasOffers": True}, ["offers"]),
    ({"hasOffers": False}, ["plain", "closed", "Fars", "appliances"]),
    ({"kind": "CLINIC"}, ["clinic"]),
    ({"kind": "BRANCH"}, []),
    ({"openNow": True, "hasOffers": True, "provinceCode": "IR-23"}, ["offers"]),
    ({"openNow": False, "provinceCode": "IR-07"}, []),
]


@pytest.mark.parametrize(("matching", "expected"), FILTERS)
async def test_a_filter_leaves_what_meets_all_its_conditions(
    api: Api, matching: Mapping[str, object] | None, expected: list[str]
) -> None:
    closed = places.weekly((Weekday.SATURDAY, 0, 12 * 60))  # until noon sharp
    today = date(2026, 11, 21)
    await places.save(
        draft("1", name="plain", at=north_of(AZADI, 1)),
        draft("2", name="closed", at=north_of(AZADI, 2), schedule=closed),
        draft(
            "3", name="offers", at=north_of(AZADI, 3), offers=(places.offer("نو", today, today),)
        ),
        draft("4", name="Fars", at=north_of(AZADI, 4), province_code="IR-07"),
        draft("5", name="appliances", at=north_of(AZADI, 5), category_code="appliances"),
        draft("6", name="clinic", at=north_of(AZADI, 6), kind=PlaceKind.CLINIC, terms=None),
        draft("7", name="suspended", at=AZADI, state=StoreState.SUSPENDED),
    )

    with clock.frozen(NOON):
        assert names(await near(api, filter=matching), "nearbyStores") == expected


async def test_an_offer_counts_from_its_first_day_to_its_last_in_tehran(api: Api) -> None:
    days = places.offer("نو", date(2026, 11, 21), date(2026, 11, 22))
    await places.save(draft("s", offers=(days,)))
    # Midnight in Tehran is 20:30 UTC of the day before.
    moments = {
        datetime(2026, 11, 20, 20, 29, 59, tzinfo=UTC): 0,
        datetime(2026, 11, 20, 20, 30, tzinfo=UTC): 1,
        datetime(2026, 11, 22, 20, 29, 59, tzinfo=UTC): 1,
        datetime(2026, 11, 22, 20, 30, tzinfo=UTC): 0,
    }

    for moment, expected in moments.items():
        with clock.frozen(moment):
            found = await near(api, filter={"hasOffers": True})
            assert len(names(found, "nearbyStores")) == expected, moment


async def test_pages_hold_every_store_once_and_in_order(api: Api) -> None:
    # Threes at one point: pages of four end in the middle of ties.
    drafts = [draft(f"s{n}", at=north_of(AZADI, n // 3 * 40)) for n in range(50)]
    await places.save(*drafts)

    whole = names(await near(api, first=100), "nearbyStores")

    assert len(set(whole)) == 50
    for first in (1, 4, 49, 50, 51):
        assert await walk(api, first=first) == whole


async def test_pages_stay_right_while_stores_come_move_and_go(api: Api) -> None:
    drawn = random.Random(7)
    untouched = [draft(f"u{n}", at=north_of(AZADI, drawn.uniform(0, 3_000))) for n in range(40)]
    restless = [draft(f"r{n}", at=north_of(AZADI, drawn.uniform(0, 3_000))) for n in range(40)]
    await places.save(*untouched, *restless)
    found: list[str] = []
    after = None
    for step in range(1_000):
        page = (await near(api, first=5, after=after)).json()["data"]["nearbyStores"]
        found += [edge["node"]["name"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        await disturb(drawn, restless, step)

    expected = sorted(untouched, key=lambda each: geo.distance_meters(AZADI, each.location))
    assert [name for name in found if " u" in name] == [each.name for each in expected]


async def disturb(drawn: random.Random, restless: list[StoreDraft], step: int) -> None:
    moved, gone = drawn.sample(restless, 2)
    await places.move(moved.code, north_of(AZADI, drawn.uniform(0, 3_000)))
    await places.suspend(gone.code)
    await places.save(draft(f"new{step}", at=north_of(AZADI, drawn.uniform(0, 3_000))))


@pytest.mark.parametrize(
    "changed",
    [
        {"radiusMeters": 4_000},
        {"at": {"latitude": 35.7, "longitude": 51.338}},
        {"filter": {"openNow": True}},
        {"filter": {"kind": "CLINIC"}},
        {"filter": {"provinceCode": "IR-23"}},
    ],
)
async def test_a_cursor_is_refused_with_other_arguments(
    api: Api, changed: dict[str, object]
) -> None:
    await places.save(*(draft(f"s{n}") for n in range(3)))
    page = (await near(api, first=1)).json()["data"]["nearbyStores"]["pageInfo"]

    assert codes(
        await api.ask(NEARBY, {"at": at(AZADI), "after": page["endCursor"], **changed})
    ) == ["BAD_USER_INPUT"]


async def test_a_cursor_fits_another_page_size(api: Api) -> None:
    await places.save(*(draft(f"s{n}") for n in range(5)))
    page = (await near(api, first=2)).json()["data"]["nearbyStores"]["pageInfo"]

    rest = await near(api, first=100, after=page["endCursor"])

    assert len(names(rest, "nearbyStores")) == 3
    assert rest.json()["data"]["nearbyStores"]["pageInfo"]["hasPreviousPage"] is True


@pytest.mark.parametrize("forged", ["", "x", "!!!", "AAAA", "a" * 3_000, "ﷺ", "MQ=="])
async def test_a_forged_cursor_is_refused(bare: Api, forged: str) -> None:
    assert codes(await near(bare, after=forged)) == ["BAD_USER_INPUT"]


async def test_a_cursor_of_another_list_is_refused(api: Api) -> None:
    await places.save(*(draft(f"s{n}") for n in range(3)))
    listed = await api.ask("{ stores(first: 1) { pageInfo { endCursor } } }")
    cursor = listed.json()["data"]["stores"]["pageInfo"]["endCursor"]

    assert codes(await near(api, after=cursor)) == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("first", [0, 101, -1, 2_147_483_647, -2_147_483_648])
async def test_a_page_has_one_to_a_hundred_stores(bare: Api, first: int) -> None:
    answer = await near(bare, first=first)

    assert codes(answer) == ["BAD_USER_INPUT"]
    assert answer.json()["errors"][0]["message"] == "در هر صفحه می‌توان ۱ تا ۱۰۰ مورد خواست."


@pytest.mark.parametrize("radius", [0, -1, 100_001, 2_147_483_647])
async def test_the_radius_has_bounds(bare: Api, radius: int) -> None:
    answer = await near(bare, radiusMeters=radius)

    assert codes(answer) == ["BAD_USER_INPUT"]
    assert answer.json()["errors"][0]["extensions"]["field"] == ["radiusMeters"]


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [("90.000001", "0"), ("-90.1", "0"), ("0", "180.000001"), ("0", "-181"), ("1e400", "0")],
)
async def test_a_point_off_the_globe_is_refused(bare: Api, latitude: str, longitude: str) -> None:
    document = f"{{ nearbyStores(at: {{latitude: {latitude}, longitude: {longitude}}}) {{ edges {{ cursor }} }} }}"

    assert set(codes(await bare.ask(document))) <= {"BAD_USER_INPUT", "BAD_REQUEST"}
    assert codes(await bare.ask(document))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", '"35"', "true"])
async def test_a_variable_that_is_no_finite_number_is_refused(bare: Api, number: str) -> None:
    body = f"""{{"query": "query ($at: GeoPointInput) {{ nearbyStores(at: $at) {{ edges {{ cursor }} }} }}",
                 "variables": {{"at": {{"latitude": {number}, "longitude": 51}}}}}}"""

    answer = await bare.post(body.encode())

    assert answer.status_code == 400
    assert codes(answer) == ["BAD_REQUEST"]


async def test_without_a_point_and_without_a_member_there_is_nothing_to_search_around(
    bare: Api,
) -> None:
    answer = await bare.ask(NEARBY, {})

    assert codes(answer) == ["BAD_USER_INPUT"]
    assert answer.json()["errors"][0]["extensions"]["field"] == ["at"]


@pytest.mark.parametrize("within", [True, False])
async def test_within_my_credit_needs_somebody_signed_in(bare: Api, within: bool) -> None:
    answer = await near(bare, filter={"withinMyCredit": within})

    assert codes(answer) == ["UNAUTHENTICATED"]


@pytest.mark.parametrize(
    "matching",
    [
        {"provinceCode": "IR-31"},
        {"provinceCode": "Fars"},
        {"provinceCode": "IR-07\n"},
        {"provinceCode": "IR-۰۷"},
        {"categoryIds": ["grocery"]},
        {"categoryIds": [places.store_id(1)]},
        {"categoryIds": [places.category_id("grocery")] * 51},
    ],
)
async def test_a_filter_that_names_what_cannot_be_is_refused(
    bare: Api, matching: Mapping[str, object]
) -> None:
    assert codes(await near(bare, filter=matching)) == ["BAD_USER_INPUT"]


async def test_arguments_of_null_count_as_left_out(api: Api) -> None:
    """Clients that write every variable send null for what the user did not choose."""
    await places.save(draft("near"))
    chosen: dict[str, object] = dict.fromkeys(
        ("categoryIds", "provinceCode", "openNow", "hasOffers", "kind")
    )

    answer = await near(api, filter=chosen, after=None, first=None, radiusMeters=None)

    assert names(answer, "nearbyStores") == ["فروشگاه near"]
