"""Favourites over the API: set, listed, told of every store, and nobody else's."""

from collections.abc import AsyncIterator

import httpx
import pytest

from backend.core import clock
from backend.core.ids import GlobalId
from backend.infra import db as database
from backend.stores import domain
from tests.support import api as support
from tests.support import member_scene, places
from tests.support.api import Api, codes
from tests.support.member_scene import NOON, Scene
from tests.support.places import draft

SET = support.operation("StoreFavouriteSet")
LIST = """
    query ($first: Int, $after: String) {
      me {
        favouriteStores(first: $first, after: $after) {
          edges { cursor node { name isFavourite openNow } }
          pageInfo { hasNextPage hasPreviousPage endCursor }
        }
      }
    }
"""
STORES = "query ($first: Int) { stores(first: $first) { edges { node { name isFavourite } } } }"


@pytest.fixture
async def scene(api: Api) -> AsyncIterator[Scene]:
    """The scene of a member, with three more stores."""
    del api
    with clock.frozen(NOON):
        found = await member_scene.set_up()
        await places.save(*(draft(code, name=f"فروشگاه {code}") for code in "abc"))
        yield found


async def put(
    api: Api, code: str, favourite: bool = True, *, language: str = "en", **headers: str
) -> dict[str, object]:
    """The answer of storeFavouriteSet."""
    rows = await database.fetch("SELECT id FROM store WHERE code = $1", code)
    answer = await api.ask(
        SET,
        {"input": {"storeId": places.store_id(rows[0]["id"]), "favourite": favourite}},
        accept_language=language,
        **headers,
    )
    content = answer.json()
    assert "errors" not in content, content
    found: dict[str, object] = content["data"]["storeFavouriteSet"]
    return found


async def listed(api: Api, scene: Scene, **variables: object) -> dict[str, object]:
    answer = await api.ask(LIST, variables, **scene.headers)
    content = answer.json()
    assert "errors" not in content, content
    found: dict[str, object] = content["data"]["me"]["favouriteStores"]
    return found


async def hearts(api: Api, **headers: str) -> dict[str, bool]:
    answer = await api.ask(STORES, {"first": 20}, **headers)
    return {node["name"]: node["isFavourite"] for node in support.nodes(answer, "stores")}  # type: ignore[misc]  # texts and booleans


async def count() -> int:
    return len(await database.fetch("SELECT FROM store_favourite"))


async def test_a_store_is_kept_and_let_go(api: Api, scene: Scene) -> None:
    kept = await put(api, "a", **scene.headers)
    shown = await listed(api, scene)
    gone = await put(api, "a", favourite=False, **scene.headers)

    store = kept["store"]
    assert isinstance(store, dict)
    assert kept == {
        "__typename": "StoreFavouriteChanged",
        "store": {"id": store["id"], "isFavourite": True},
    }
    assert [edge["node"] for edge in shown["edges"]] == [  # type: ignore[attr-defined]  # a list
        {"name": "فروشگاه a", "isFavourite": True, "openNow": True}
    ]
    assert gone == {
        "__typename": "StoreFavouriteChanged",
        "store": {"id": store["id"], "isFavourite": False},
    }
    assert (await listed(api, scene))["edges"] == []


async def test_saying_it_again_answers_alike_and_changes_nothing(api: Api, scene: Scene) -> None:
    answers = [await put(api, "a", **scene.headers) for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert await count() == 1


async def test_favourites_come_page_by_page_the_newest_first(api: Api, scene: Scene) -> None:
    for code in "abc":
        await put(api, code, **scene.headers)

    page = await listed(api, scene, first=2)
    rest = await listed(api, scene, first=2, after=page["pageInfo"]["endCursor"])  # type: ignore[index]  # an object

    assert names(page) == ["فروشگاه c", "فروشگاه b"]
    assert names(rest) == ["فروشگاه a"]
    assert page["pageInfo"]["hasNextPage"] is True  # type: ignore[index]  # an object
    assert rest["pageInfo"]["hasNextPage"] is False  # type: ignore[index]  # an object
    assert rest["pageInfo"]["hasPreviousPage"] is True  # type: ignore[index]  # an object


def names(page: dict[str, object]) -> list[str]:
    edges = page["edges"]
    assert isinstance(edges, list)
    return [edge["node"]["name"] for edge in edges]


async def test_every_list_tells_which_stores_are_favourites(api: Api, scene: Scene) -> None:
    await put(api, "b", **scene.headers)
    expected = {"پوشاک حافظ": False, **{f"فروشگاه {code}": code == "b" for code in "abc"}}

    assert await hearts(api, **scene.headers) == expected
    nobody = dict.fromkeys(expected, False)
    assert await hearts(api, **scene.other_headers) == nobody
    assert await hearts(api) == nobody


async def test_one_statement_tells_it_of_all_stores_of_a_request(api: Api, scene: Scene) -> None:
    with database.count_statements() as without:
        await hearts(api)
    with database.count_statements() as counted:
        await hearts(api, **scene.headers)

    assert counted.count == without.count + 1
    assert sum("store_favourite" in each for each in counted.statements) == 1
    assert not any("store_favourite" in each for each in without.statements)


async def test_a_page_of_favourites_does_not_ask_which_of_them_are(api: Api, scene: Scene) -> None:
    await put(api, "a", **scene.headers)

    with database.count_statements() as counted:
        await listed(api, scene)

    assert sum("store_favourite" in each for each in counted.statements) == 1


async def test_a_suspended_favourite_is_hidden(api: Api, scene: Scene) -> None:
    await put(api, "a", **scene.headers)
    await put(api, "b", **scene.headers)

    await places.suspend("b")

    assert names(await listed(api, scene)) == ["فروشگاه a"]


async def test_a_suspended_store_is_refused_like_one_that_never_was(api: Api, scene: Scene) -> None:
    suspended = await put(api, "saadi", **scene.headers)
    answer = await api.ask(
        SET,
        {"input": {"storeId": places.store_id(999), "favourite": True}},
        accept_language="en",
        **scene.headers,
    )

    assert suspended == answer.json()["data"]["storeFavouriteSet"]
    assert suspended == {
        "__typename": "StoreNotFound",
        "code": "NOT_FOUND",
        "message": "There is no such thing.",
        "hint": "Refresh the list and choose again.",
        "field": ["storeId"],
    }
    assert await count() == 0


@pytest.mark.parametrize("given", ["", "x", GlobalId("StoreCategory", 1).encode()])
async def test_what_is_no_id_of_a_store_is_refused_in_the_result(
    api: Api, scene: Scene, given: str
) -> None:
    answer = await api.ask(SET, {"input": {"storeId": given, "favourite": True}}, **scene.headers)

    refusal = answer.json()["data"]["storeFavouriteSet"]
    assert refusal["__typename"] == "StoreNotFound"
    assert refusal["code"] == "BAD_USER_INPUT"
    assert refusal["message"] == "شناسه درست نیست."
    assert await count() == 0


async def test_the_501st_is_refused_in_the_members_language(
    api: Api, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "MAX_FAVOURITES", 1)
    await put(api, "a", **scene.headers)

    assert await put(api, "b", language="fa", **scene.headers) == {
        "__typename": "FavouritesFull",
        "code": "TOO_MANY_FAVOURITES",
        "message": "بیش از ۱ فروشگاه را نمی‌توان نشان کرد.",
        "hint": "یکی از فروشگاه‌های نشان‌شده را بردارید و دوباره تلاش کنید.",
        "field": None,
    }
    assert names(await listed(api, scene)) == ["فروشگاه a"]


async def test_nobody_without_a_token_sets_a_favourite(api: Api, scene: Scene) -> None:
    answer = await anonymous_set(api, scene)

    assert codes(answer) == ["UNAUTHENTICATED"]
    assert answer.json()["data"] is None
    assert await count() == 0


async def anonymous_set(api: Api, scene: Scene) -> httpx.Response:
    store = places.store_id(scene.stores["hafez"])
    return await api.ask(SET, {"input": {"storeId": store, "favourite": True}})


async def test_a_store_of_an_own_purchase_tells_its_hours_and_its_heart_though_suspended(
    api: Api, scene: Scene
) -> None:
    answer = await api.ask(
        "{ me { purchases { edges { node { store"
        " { name active isFavourite openNow openingHours { opens } } } } } } }",
        **scene.headers,
    )

    content = answer.json()
    assert "errors" not in content, content
    stores = {
        edge["node"]["store"]["name"]: edge["node"]["store"]
        for edge in content["data"]["me"]["purchases"]["edges"]
    }
    assert set(stores) == {"پوشاک حافظ", "مبل سعدی"}
    assert stores["مبل سعدی"] == {
        "name": "مبل سعدی",
        "active": False,
        "isFavourite": False,
        "openNow": True,
        "openingHours": [{"opens": "00:00"}] * 7,
    }
