"""The home screen in one request, stores near the member's city, and stores within the member's credit."""

from collections.abc import AsyncIterator, Mapping

import httpx
import pytest

from backend.core import clock
from backend.core.geo import GeoPoint
from backend.core.ids import GlobalId
from backend.infra import cache as shared_cache
from backend.infra import db as database
from backend.purchases import service as purchases
from backend.stores import directory
from backend.stores.directory import Directory
from backend.stores.domain import InstalmentTerms
from schema.execution.policy import Execution
from tests.support import api as support
from tests.support import debts, directories, member_scene, places
from tests.support.api import Api, codes, unlimited
from tests.support.member_scene import NOON, SHIRAZ, Headers, Scene, bearer
from tests.support.places import AZADI, draft

HOME = support.operation("Home")
NEARBY = support.operation("NearbyStores")
SEARCH = support.operation("StoreSearch")
# Three pensions would leave 286,670,000; of the cap of 26,000,000 Azar takes 15,166,000, and 5,000,000 wait.
LEFT_RIALS = 24 * (26_000_000 - 15_166_000 - 5_000_000 - 23_000)
AT: Mapping[str, object] = {"latitude": 29.60, "longitude": 52.54}


@pytest.fixture
async def stores_in_memory(
    scene: Scene, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """The stores of the scene are loaded, and do not grow old while a test runs."""
    del scene
    monkeypatch.setattr(directory, "FRESH_SECONDS", 3_600)
    monkeypatch.setattr(directory, "_this_process", Directory())
    async with directories.kept(database_url, directory.current()):
        yield


@pytest.fixture
async def scene(api: Api) -> AsyncIterator[Scene]:
    """The scene of a member of Shiraz."""
    del api
    with clock.frozen(NOON):
        yield await member_scene.set_up()


async def home(api: Api, headers: Headers, **variables: object) -> httpx.Response:
    answer = await api.ask(HOME, variables, **headers)
    assert "errors" not in answer.json(), answer.json()
    return answer


async def test_home_is_the_whole_first_screen(api: Api, scene: Scene) -> None:
    found = (await home(api, scene.headers, at=AT)).json()["data"]

    me = found["me"]
    assert (me["firstName"], me["lastName"]) == ("مریم", "احمدی")
    assert me["unreadNoticeCount"] == 2
    assert [edge["node"]["id"] for edge in me["purchases"]["edges"]] == [
        scene.own_id("Purchase", scene.purchases[name])
        for name in ("awaiting", "declined", "running")
    ]
    assert [edge["node"]["store"]["name"] for edge in me["purchases"]["edges"]] == [
        "پوشاک حافظ",
        "مبل سعدی",
        "پوشاک حافظ",
    ]
    assert [edge["node"]["name"] for edge in found["nearbyStores"]["edges"]] == ["پوشاک حافظ"]
    assert [each["id"] for each in found["loanRounds"]] == [
        GlobalId("LoanRound", scene.rounds["open"]).encode()
    ]


@pytest.mark.parametrize("executor", [Execution.TRUSTED, Execution.REFERENCE])
@pytest.mark.parametrize("place", [{"at": AT}, {}], ids=["at", "without at"])
@pytest.mark.parametrize("city", ["شیراز", "Shiraz", "ناکجا", None])
async def test_home_takes_six_statements_with_a_cold_cache_wherever_the_member_lives(
    scene: Scene, executor: Execution, place: Mapping[str, object], city: str | None
) -> None:
    """Also where the stores are not in memory, which is found out before anything is read."""
    await database.execute("UPDATE member SET city = $2 WHERE id = $1", scene.member_id, city)
    await shared_cache.client().flushall()

    async with support.serving(unlimited(executor=executor, cost_report=False)) as api:
        with database.count_statements() as counted:
            await home(api, scene.headers, **place)

    assert counted.count <= 6, counted.statements


@pytest.mark.parametrize(
    ("place", "statements"), [({"at": AT}, 3), ({}, 4)], ids=["at", "without at"]
)
async def test_home_takes_three_statements_with_the_stores_in_memory(
    scene: Scene, stores_in_memory: None, place: Mapping[str, object], statements: int
) -> None:
    """What is the member's, the rounds, and a suspended store of a purchase; without a place, the member's home too."""
    del stores_in_memory
    await shared_cache.client().flushall()

    async with support.serving(unlimited(executor="trusted", cost_report=False)) as api:
        with database.count_statements() as counted:
            answer = await home(api, scene.headers, **place)

    assert counted.count == statements, counted.statements
    assert support.names(answer, "nearbyStores") == ["پوشاک حافظ"]


async def test_near_by_stores_without_a_place_take_one_statement_more(
    api: Api, scene: Scene
) -> None:
    question = "query ($at: GeoPointInput) { nearbyStores(at: $at) { edges { node { id } } } }"
    await shared_cache.client().flushall()

    with database.count_statements() as with_place:
        await api.ask(question, {"at": AT}, **scene.headers)
    with database.count_statements() as without:
        await api.ask(question, {}, **scene.headers)

    assert (with_place.count, without.count) == (1, 2)


async def test_home_fits_in_eight_kilobytes(api: Api, scene: Scene) -> None:
    await places.save(
        *(
            draft(f"n{n}", name=f"فروشگاه زنجیره‌ای رفاه گسترش پایدار {n}", at=SHIRAZ)
            for n in range(9)
        )
    )

    answer = await home(api, scene.headers, at=AT)

    assert len(answer.json()["data"]["nearbyStores"]["edges"]) == 5
    assert len(answer.content) <= 8_000


async def test_home_is_of_who_asks(api: Api, scene: Scene) -> None:
    me = (await home(api, scene.other_headers, at=AT)).json()["data"]["me"]

    assert me["firstName"] == "رضا"
    assert me["nextInstalment"] is None
    assert me["purchases"]["edges"] == []
    assert me["unreadNoticeCount"] == 0


async def origin(api: Api, member_id: int) -> object:
    answer = await api.ask(
        "{ nearbyStores(radiusMeters: 1) { originUsed { latitude longitude } } }",
        **bearer(member_id),
    )
    content = answer.json()
    assert "errors" not in content, content
    return content["data"]["nearbyStores"]["originUsed"]


async def test_without_a_place_the_members_city_is_searched_around(api: Api, scene: Scene) -> None:
    expected = await center("IR-07", "شیراز")

    assert await origin(api, scene.member_id) == expected


async def test_a_member_without_a_city_is_searched_around_the_capital(
    api: Api, scene: Scene
) -> None:
    for city in (None, "شهری که نیست"):
        await database.execute(
            "UPDATE member SET city = $2, province_code = 'IR-10' WHERE id = $1",
            scene.member_id,
            city,
        )
        rows = await database.fetch(
            "SELECT capital_latitude AS latitude, capital_longitude AS longitude FROM province"
            " WHERE code = 'IR-10'"
        )
        assert await origin(api, scene.member_id) == dict(rows[0])


async def center(province_code: str, city: str) -> dict[str, float]:
    rows = await database.fetch(
        "SELECT latitude, longitude FROM city WHERE province_code = $1 AND name_fa = $2",
        province_code,
        city,
    )
    return dict(rows[0])


async def test_a_given_place_goes_before_the_members_city(api: Api, scene: Scene) -> None:
    found = (await home(api, scene.headers, at=AT)).json()["data"]["nearbyStores"]

    assert found["originUsed"] == AT


async def test_pages_around_the_city_follow_each_other(api: Api, scene: Scene) -> None:
    await places.save(*(draft(f"n{n}", at=GeoPoint(29.6 + n / 1000, 52.54)) for n in range(3)))
    seen: list[object] = []
    after = None
    for _ in range(4):
        answer = await api.ask(
            NEARBY, {"first": 1, "after": after, "radiusMeters": 50_000}, **scene.headers
        )
        seen += support.names(answer, "nearbyStores")
        after = answer.json()["data"]["nearbyStores"]["pageInfo"]["endCursor"]

    assert len(set(seen)) == 4
    assert answer.json()["data"]["nearbyStores"]["pageInfo"]["hasNextPage"] is False


@pytest.fixture
async def credit(scene: Scene) -> int:
    """What the member has left, with stores whose least amounts lie around it."""
    line = await purchases.credit_line(viewer=scene.viewer)
    least = line.available_rials
    assert least == LEFT_RIALS
    await places.save(
        draft("exact", name="به‌اندازه", terms=InstalmentTerms(1, 12, least, 900_000_000)),
        draft("more", name="بیشتر", terms=InstalmentTerms(1, 12, least + 1, 900_000_000)),
        draft("none", name="بی‌شرط", terms=None),
    )
    return least


async def within(api: Api, headers: Headers, wanted: bool | None) -> list[object]:
    answer = await api.ask(SEARCH, {"filter": {"withinMyCredit": wanted}}, **headers)
    return support.names(answer, "stores")


async def test_the_stores_within_the_credit_are_those_whose_least_amount_it_covers(
    api: Api, scene: Scene, credit: int
) -> None:
    del credit
    assert await within(api, scene.headers, wanted=True) == ["به‌اندازه", "پوشاک حافظ"]
    assert await within(api, scene.headers, wanted=False) == ["بیشتر", "بی‌شرط"]
    assert len(await within(api, scene.headers, wanted=None)) == 4


async def test_near_by_stores_and_clusters_know_the_credit_too(
    api: Api, scene: Scene, credit: int
) -> None:
    del credit
    matching = {"withinMyCredit": True}
    near = await api.ask(NEARBY, {"at": places_at(AZADI), "filter": matching}, **scene.headers)
    clusters = await api.ask(
        support.operation("StoreClusters"),
        {
            "bounds": {"south": 25.0, "west": 44.0, "north": 40.0, "east": 63.0},
            "zoom": 0,
            "filter": matching,
        },
        **scene.headers,
    )

    assert support.names(near, "nearbyStores") == ["به‌اندازه"]
    assert sum(each["count"] for each in clusters.json()["data"]["storeClusters"]) == 2


def places_at(point: GeoPoint) -> dict[str, float]:
    return {"latitude": point.latitude, "longitude": point.longitude}


async def test_a_credit_that_changes_while_paging_does_not_end_the_list(
    api: Api, scene: Scene, credit: int
) -> None:
    del credit
    question = {"first": 1, "filter": {"withinMyCredit": True}}
    page = await api.ask(SEARCH, question, **scene.headers)
    await debts.purchase(scene.member_id, scene.stores["hafez"], amount_rials=1_000_000)

    rest = await api.ask(
        SEARCH,
        {**question, "after": page.json()["data"]["stores"]["pageInfo"]["endCursor"]},
        **scene.headers,
    )

    assert support.names(page, "stores") == ["به‌اندازه"]
    assert support.names(rest, "stores") == ["پوشاک حافظ"]


async def test_the_credit_that_narrows_lists_is_read_once_a_request(
    api: Api, scene: Scene, credit: int
) -> None:
    del credit
    with database.count_statements() as counted:
        answer = await api.ask(
            "{ me { credit { available } }"
            " a: stores(filter: {withinMyCredit: true}) { edges { node { name } } }"
            " b: stores(filter: {withinMyCredit: false}) { edges { node { name } } } }",
            **scene.headers,
        )

    assert "errors" not in answer.json()
    # The file, the balance, and two lists; compiled, the credit that is shown comes by one of its own.
    expected = 4 if support.EXECUTOR is Execution.REFERENCE else 5
    assert counted.count == expected, counted.statements


async def test_nobody_without_a_token_has_a_credit(api: Api, scene: Scene) -> None:
    del scene
    answer = await api.ask(SEARCH, {"filter": {"withinMyCredit": True}})

    assert codes(answer) == ["UNAUTHENTICATED"]


async def test_home_is_for_members(api: Api, scene: Scene) -> None:
    del scene
    answer = await api.ask(HOME, {"at": AT})

    assert set(codes(answer)) == {"UNAUTHENTICATED"}
    assert answer.json()["data"] is None
