"""What a member changes by one API process is there at once in every other one, whatever both have cached."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import pytest

from backend.core import clock
from tests.support import api as support
from tests.support import member_scene, other_process, places
from tests.support.api import Api
from tests.support.member_scene import NOON, Scene
from tests.support.other_process import OtherProcess
from tests.support.servers import TestValkey


@dataclass(frozen=True)
class Change:
    """A mutation with what is sent, and a question whose answer it changes from one to another."""

    operation: str
    given: Callable[[Scene], Mapping[str, object]]
    question: str
    before: object
    after: object

    def __str__(self) -> str:
        return self.operation


HAFEZ = places.store_id(1)
CHANGES = [
    Change(
        "NoticesMarkRead",
        lambda scene: {"ids": [scene.own_id("Notice", scene.notices["purchase"])]},
        "{ me { unreadNoticeCount notices(unreadOnly: true) { edges { node { title } } } } }",
        {
            "me": {
                "unreadNoticeCount": 2,
                "notices": {
                    "edges": [
                        {"node": {"title": "خرید تازه"}},
                        {"node": {"title": "ثبت‌نام وام آغاز شد"}},
                    ]
                },
            }
        },
        {
            "me": {
                "unreadNoticeCount": 1,
                "notices": {"edges": [{"node": {"title": "ثبت‌نام وام آغاز شد"}}]},
            }
        },
    ),
    Change(
        "StoreFavouriteSet",
        lambda _: {"storeId": HAFEZ, "favourite": True},
        f'{{ store(id: "{HAFEZ}") {{ isFavourite }} me {{ favouriteStores {{ edges {{ node {{ id }} }} }} }} }}',
        {"store": {"isFavourite": False}, "me": {"favouriteStores": {"edges": []}}},
        {
            "store": {"isFavourite": True},
            "me": {"favouriteStores": {"edges": [{"node": {"id": HAFEZ}}]}},
        },
    ),
    Change(
        "MemberPreferencesUpdate",
        lambda _: {"textSize": "HUGE", "locale": "EN"},
        "{ me { firstName preferences { textSize locale } } viewer { member { preferences { textSize } } } }",
        {
            "me": {"firstName": "مریم", "preferences": {"textSize": "NORMAL", "locale": "FA"}},
            "viewer": {"member": {"preferences": {"textSize": "NORMAL"}}},
        },
        {
            "me": {"firstName": "مریم", "preferences": {"textSize": "HUGE", "locale": "EN"}},
            "viewer": {"member": {"preferences": {"textSize": "HUGE"}}},
        },
    ),
]


@pytest.fixture
async def scene(api: Api) -> AsyncIterator[Scene]:
    """The scene of a member, at noon; its first store is the favourite to be."""
    del api
    with clock.frozen(NOON):
        scene = await member_scene.set_up()
        assert scene.stores["hafez"] == 1
        yield scene


@pytest.fixture
async def other(scene: Scene, database_url: str, valkey: TestValkey) -> AsyncIterator[OtherProcess]:
    """A second process of ours."""
    del scene  # what it holds is written before
    async with other_process.running(database_url, valkey.url) as process:
        yield process


async def data(
    api: Api, document: str, variables: Mapping[str, object] | None = None, **headers: str
) -> object:
    content = (await api.ask(document, variables, **headers)).json()
    assert "errors" not in content, content
    return content["data"]


@pytest.mark.parametrize("change", CHANGES, ids=str)
async def test_an_own_write_is_read_at_once_in_every_process(
    api: Api, scene: Scene, other: OtherProcess, change: Change
) -> None:
    async def read() -> list[object]:
        here = await data(api, change.question, **scene.headers)
        return [here, await other.ask(change.question, **scene.headers)]

    assert await read() == [change.before, change.before]
    assert await read() == [change.before, change.before]

    given = {"input": change.given(scene)}
    await other.ask(support.operation(change.operation), given, **scene.headers)

    assert await read() == [change.after, change.after]
