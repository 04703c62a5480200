"""The inbox over the API: its pages, what is unread, and marking it as read."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest

from backend.core import clock
from backend.core.ids import GlobalId
from backend.infra import db as database
from backend.notifications.domain import MAX_MARKED
from tests.support import api as support
from tests.support import member_scene
from tests.support.api import Api, codes
from tests.support.member_scene import NOON, Scene

INBOX = support.operation("Inbox")
MARK = support.operation("NoticesMarkRead")
PART = """
    query ($first: Int, $after: String, $unreadOnly: Boolean, $category: NoticeCategory) {
      me {
        notices(first: $first, after: $after, unreadOnly: $unreadOnly, category: $category) {
          edges { node { title } }
          pageInfo { hasNextPage hasPreviousPage endCursor }
        }
      }
    }
"""
NODE = "query ($id: ID!) { node(id: $id) { id ... on Notice { title } } }"
NEWEST_FIRST = ["خرید تازه", "ثبت‌نام وام آغاز شد", "قسط آبان کسر نشد", "هفتهٔ بازنشستگان"]


@pytest.fixture
async def scene(api: Api) -> AsyncIterator[Scene]:
    """The scene of a member, who has four notices, of which two are unread."""
    del api
    with clock.frozen(NOON):
        yield await member_scene.set_up()


async def part(
    api: Api, scene: Scene, variables: Mapping[str, object]
) -> tuple[list[str], dict[str, object]]:
    """The titles of a page and its place."""
    answer = await api.ask(PART, variables, **scene.headers)
    content = answer.json()
    assert "errors" not in content, content
    page = content["data"]["me"]["notices"]
    return [edge["node"]["title"] for edge in page["edges"]], page["pageInfo"]


async def mark(api: Api, given: dict[str, object], **headers: str) -> dict[str, object]:
    answer = await api.ask(MARK, {"input": given}, accept_language="en", **headers)
    content = answer.json()
    assert "errors" not in content, content
    found: dict[str, object] = content["data"]["noticesMarkRead"]
    return found


async def unread(api: Api, **headers: str) -> int:
    answer = await api.ask("{ me { unreadNoticeCount } }", None, **headers)
    found: int = answer.json()["data"]["me"]["unreadNoticeCount"]
    return found


async def test_the_inbox_shows_everything_of_a_notice(api: Api, scene: Scene) -> None:
    answer = await api.ask(INBOX, {"first": 1}, **scene.headers)

    inbox = answer.json()["data"]["me"]
    assert inbox["unreadNoticeCount"] == 2
    assert inbox["notices"]["pageInfo"]["hasNextPage"] is True
    assert [edge["node"] for edge in inbox["notices"]["edges"]] == [
        {
            "id": scene.own_id("Notice", scene.notices["purchase"]),
            "category": "PURCHASE",
            "title": "خرید تازه",
            "body": "پوشاک حافظ، منتظر تأیید",
            "deepLink": "/purchases",
            "createdAt": "2026-11-21T08:25:00Z",
            "readAt": None,
        }
    ]


async def test_the_inbox_takes_two_statements(api: Api, scene: Scene) -> None:
    with database.count_statements() as counted:
        answer = await api.ask(INBOX, {"first": 20}, **scene.headers)

    assert len(answer.json()["data"]["me"]["notices"]["edges"]) == 4
    assert counted.count <= 2, counted.statements


async def test_twenty_notices_fit_in_twelve_kilobytes(api: Api, scene: Scene) -> None:
    await database.execute(
        "INSERT INTO notice (created_at, member_id, category, title, body, deep_link)"
        " SELECT $2, $1, 'SERVICE', repeat('پیام ', 8), repeat('متن ', 40), '/purchases'"
        " FROM generate_series(1, 20)",
        scene.member_id,
        NOON,
    )

    answer = await api.ask(INBOX, {"first": 20}, **scene.headers)

    assert len(answer.json()["data"]["me"]["notices"]["edges"]) == 20
    assert len(answer.content) <= 12_000


async def test_notices_come_page_by_page_the_newest_first(api: Api, scene: Scene) -> None:
    first, place = await part(api, scene, {"first": 3})
    rest, end = await part(api, scene, {"first": 3, "after": place["endCursor"]})

    assert first + rest == NEWEST_FIRST
    assert (place["hasNextPage"], place["hasPreviousPage"]) == (True, False)
    assert (end["hasNextPage"], end["hasPreviousPage"]) == (False, True)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"unreadOnly": True}, NEWEST_FIRST[:2]),
        ({"category": "LOAN"}, NEWEST_FIRST[1:2]),
        ({"category": "INSTALMENT", "unreadOnly": True}, []),
        ({"unreadOnly": None, "category": None}, NEWEST_FIRST),
    ],
)
async def test_a_part_of_the_inbox(
    api: Api, scene: Scene, variables: dict[str, object], expected: list[str]
) -> None:
    assert (await part(api, scene, variables))[0] == expected


async def test_a_cursor_of_another_part_is_refused(api: Api, scene: Scene) -> None:
    _, place = await part(api, scene, {"first": 1})

    answer = await api.ask(
        PART, {"first": 1, "after": place["endCursor"], "unreadOnly": True}, **scene.headers
    )

    assert codes(answer) == ["BAD_USER_INPUT"]


async def test_some_notices_are_marked_and_the_rest_is_told(api: Api, scene: Scene) -> None:
    key = scene.own_id("Notice", scene.notices["loan"])

    answers = [await mark(api, {"ids": [key]}, **scene.headers) for _ in range(2)]

    assert answers == [{"__typename": "NoticesMarked", "unreadNoticeCount": 1}] * 2
    assert (await part(api, scene, {"unreadOnly": True}))[0] == ["خرید تازه"]
    rows = await database.fetch("SELECT read_at FROM notice WHERE id = $1", scene.notices["loan"])
    assert rows[0]["read_at"] == NOON


async def test_all_before_a_moment_are_marked(api: Api, scene: Scene) -> None:
    before = (NOON - timedelta(days=1)).isoformat()

    assert await mark(api, {"before": before}, **scene.headers) == {
        "__typename": "NoticesMarked",
        "unreadNoticeCount": 1,
    }
    assert await unread(api, **scene.headers) == 1
    assert (await part(api, scene, {"unreadOnly": True}))[0] == ["خرید تازه"]


@pytest.mark.parametrize(
    "given", [{}, {"ids": None, "before": None}, {"ids": [], "before": NOON.isoformat()}]
)
async def test_neither_or_both_choices_are_refused(
    api: Api, scene: Scene, given: dict[str, object]
) -> None:
    refusal = await mark(api, given, **scene.headers)

    assert refusal == {
        "__typename": "NoticesChoiceInvalid",
        "code": "BAD_USER_INPUT",
        "message": "Name either the notices, or the time before which all are read.",
        "hint": "Send just one of the two.",
        "field": None,
    }
    assert await unread(api, **scene.headers) == 2


async def test_no_more_than_a_hundred_are_named_at_once(api: Api, scene: Scene) -> None:
    key = scene.own_id("Notice", scene.notices["loan"])

    refusal = await mark(api, {"ids": [key] * (MAX_MARKED + 1)}, **scene.headers)

    assert refusal["__typename"] == "NoticesChoiceInvalid"
    assert refusal["field"] == ["ids"]
    assert await unread(api, **scene.headers) == 2


@pytest.mark.parametrize(
    "given", ["", "x", GlobalId("Store", 1).encode(), GlobalId("Notice", 1).encode()]
)
async def test_what_is_no_id_of_a_notice_is_refused_and_nothing_marked(
    api: Api, scene: Scene, given: str
) -> None:
    own = scene.own_id("Notice", scene.notices["loan"])

    refusal = await mark(api, {"ids": [own, given]}, **scene.headers)

    assert refusal["__typename"] == "NoticesChoiceInvalid"
    assert refusal["message"] == "The id is not valid."
    assert await unread(api, **scene.headers) == 2


async def test_nobody_marks_the_notices_of_another(api: Api, scene: Scene) -> None:
    key = scene.notices["loan"]
    for given in (scene.own_id("Notice", key), scene.disguised_id("Notice", key)):
        assert await mark(api, {"ids": [given]}, **scene.other_headers) == {
            "__typename": "NoticesMarked",
            "unreadNoticeCount": 0,
        }
    await mark(api, {"before": NOON.isoformat()}, **scene.other_headers)

    assert await unread(api, **scene.headers) == 2


async def test_nobody_without_a_token_marks_anything(api: Api, scene: Scene) -> None:
    key = scene.own_id("Notice", scene.notices["loan"])

    answer = await api.ask(MARK, {"input": {"ids": [key]}})

    assert codes(answer) == ["UNAUTHENTICATED"]
    assert await unread(api, **scene.headers) == 2


async def test_a_notice_is_a_node_for_its_member_alone(api: Api, scene: Scene) -> None:
    key = scene.notices["loan"]
    own, disguised = scene.own_id("Notice", key), scene.disguised_id("Notice", key)

    mine = await api.ask(NODE, {"id": own}, **scene.headers)
    theirs = [await api.ask(NODE, {"id": each}, **scene.other_headers) for each in (own, disguised)]

    assert mine.json() == {"data": {"node": {"id": own, "title": "ثبت‌نام وام آغاز شد"}}}
    assert [each.json() for each in theirs] == [{"data": {"node": None}}] * 2


async def test_without_a_token_there_are_no_notices(api: Api, scene: Scene) -> None:
    answer = await api.ask(NODE, {"id": scene.own_id("Notice", scene.notices["loan"])})

    assert codes(answer) == ["UNAUTHENTICATED"]


async def test_an_id_of_a_notice_without_its_member_is_none(api: Api, scene: Scene) -> None:
    nobodys = GlobalId("Notice", scene.notices["loan"]).encode()

    assert codes(await api.ask(NODE, {"id": nobodys}, **scene.headers)) == ["BAD_USER_INPUT"]
