"""Who asks, and the own file: all of it to the member, nothing of it to anybody else."""

from collections.abc import AsyncIterator

import pytest

from backend.core import clock
from backend.core.ids import GlobalId
from backend.infra import db as database
from backend.members import service as members
from backend.members.domain import Channel, TextSize
from tests.support import api as support
from tests.support import member_scene
from tests.support.api import Api, codes
from tests.support.member_scene import NOON, Scene

NODE = "query ($id: ID!) { node(id: $id) { __typename id ... on Member { firstName } } }"
UPDATE = support.operation("MemberPreferencesUpdate")


@pytest.fixture
async def scene(api: Api) -> AsyncIterator[Scene]:
    """The members, on Saturday noon."""
    del api
    with clock.frozen(NOON):
        yield await member_scene.set_up()


async def test_a_member_sees_the_own_file(api: Api, scene: Scene) -> None:
    answer = (await api.ask(support.operation("MyProfile"), **scene.headers)).json()

    assert "errors" not in answer
    assert answer["data"]["viewer"] == {"person": "member:1", "roles": ["MEMBER"]}
    me = answer["data"]["me"]
    code = await members.club_code(viewer=scene.viewer)
    assert me.pop("clubCode") == {"payload": code.payload, "expiresAt": "2026-11-21T08:31:00Z"}
    assert len(me.pop("credit").pop("explanation")) == 6
    everything = ["PUSH", "SMS"]
    assert me == {
        "id": GlobalId("Member", scene.member_id).encode(),
        "firstName": "مریم",
        "lastName": "احمدی",
        "nationalCodeMasked": "******5679",
        "pensionNumber": "10000001",
        "pensionKind": "RETIREMENT",
        "state": "ACTIVE",
        "stateText": "فعال",
        "province": {"code": "IR-07", "name": "فارس"},
        "city": "شیراز",
        "address": "خیابان زند، پلاک ۷",
        "branch": {"id": GlobalId("Branch", 1).encode(), "name": "شعبهٔ زند"},
        "association": {
            "id": GlobalId("Association", 1).encode(),
            "name": "کانون بازنشستگان شیراز",
        },
        "netPension": 120_000_000,
        "phone": member_scene.PHONE,
        "preferences": {
            "locale": "FA",
            "textSize": "NORMAL",
            "channels": [
                {"category": each, "channels": everything}
                for each in ("PURCHASE", "INSTALMENT", "LOAN", "SECURITY", "SERVICE", "CAMPAIGN")
            ],
        },
    }


async def test_branch_and_association_are_read_once_however_often_they_are_asked_for(
    api: Api, scene: Scene
) -> None:
    document = """{ me {
        a: branch { name } b: branch { name } c: association { name } d: association { id name }
    } viewer { member { branch { name } association { name } } } }"""

    with database.count_statements() as counted:
        answer = await api.ask(document, **scene.headers)

    me = answer.json()["data"]["me"]
    assert {me["a"]["name"], me["b"]["name"]} == {"شعبهٔ زند"}
    assert {me["c"]["name"], me["d"]["name"]} == {"کانون بازنشستگان شیراز"}
    assert counted.count == 3, counted.statements  # the file, the branch, the association


async def test_the_whole_national_code_is_nowhere(api: Api, scene: Scene) -> None:
    answer = await api.ask(support.operation("MyProfile"), **scene.headers)

    assert member_scene.NATIONAL_CODE not in answer.text
    assert member_scene.IBAN not in answer.text


async def test_words_are_in_the_language_of_the_client(api: Api, scene: Scene) -> None:
    answer = await api.ask(
        "{ me { stateText province { name } } }", accept_language="en", **scene.headers
    )

    assert answer.json() == {"data": {"me": {"stateText": "Active", "province": {"name": "Fars"}}}}


async def test_the_viewer_s_member_is_the_member_acted_for(api: Api, scene: Scene) -> None:
    answer = await api.ask("{ viewer { member { id } } me { id } }", **scene.other_headers)

    own = {"id": GlobalId("Member", scene.other_id).encode()}
    assert answer.json() == {"data": {"viewer": {"member": own}, "me": own}}


async def test_without_a_token_there_is_no_viewer_and_no_member(bare: Api) -> None:
    answer = await bare.ask("{ viewer { person } }")
    assert answer.json() == {"data": {"viewer": None}}

    answer = await bare.ask("{ me { id } }")
    assert answer.json()["data"] == {"me": None}
    assert codes(answer) == ["UNAUTHENTICATED"]


async def test_the_own_file_is_a_node_and_that_of_others_does_not_exist(
    api: Api, scene: Scene
) -> None:
    own = GlobalId("Member", scene.member_id).encode()

    answer = await api.ask(NODE, {"id": own}, **scene.headers)

    assert answer.json() == {
        "data": {"node": {"__typename": "Member", "id": own, "firstName": "مریم"}}
    }
    for stranger in (scene.other_id, 404):
        answer = await api.ask(NODE, {"id": GlobalId("Member", stranger).encode()}, **scene.headers)
        assert answer.json() == {"data": {"node": None}}
    assert codes(await api.ask(NODE, {"id": own})) == ["UNAUTHENTICATED"]
    disguised = GlobalId("Member", scene.other_id, scene.member_id).encode()
    assert codes(await api.ask(NODE, {"id": disguised}, **scene.headers)) == ["BAD_USER_INPUT"]


async def test_preferences_change_where_they_are_given(api: Api, scene: Scene) -> None:
    first = await api.ask(
        UPDATE,
        {
            "input": {
                "locale": "EN",
                "channels": [
                    {"category": "CAMPAIGN", "channels": []},
                    {"category": "LOAN", "channels": ["SMS"]},
                ],
            }
        },
        **scene.headers,
    )
    second = await api.ask(UPDATE, {"input": {"textSize": "HUGE"}}, **scene.headers)

    assert "errors" not in first.json()
    answer = second.json()["data"]["memberPreferencesUpdate"]
    assert answer["__typename"] == "MemberPreferencesUpdated"
    preferences = answer["member"]["preferences"]
    assert (preferences["locale"], preferences["textSize"]) == ("EN", "HUGE")
    chosen = {each["category"]: each["channels"] for each in preferences["channels"]}
    assert (chosen["CAMPAIGN"], chosen["LOAN"], chosen["SECURITY"]) == (
        [],
        ["SMS"],
        ["PUSH", "SMS"],
    )
    stored = (await members.get_member(viewer=scene.viewer)).preferences
    assert stored.text_size is TextSize.HUGE
    assert stored.channels == {"LOAN": (Channel.SMS,), "CAMPAIGN": ()}


async def test_the_answer_to_a_change_shows_what_is_stored_in_the_same_request(
    api: Api, scene: Scene
) -> None:
    answer = await api.ask(
        """
        mutation {
          a: memberPreferencesUpdate(input: {textSize: HUGE}) { ...size }
          b: memberPreferencesUpdate(input: {textSize: LARGE}) { ...size }
        }
        fragment size on MemberPreferencesUpdated { member { preferences { textSize } } }
        """,
        **scene.headers,
    )

    sizes = {
        name: each["member"]["preferences"]["textSize"]
        for name, each in answer.json()["data"].items()
    }
    assert sizes == {"a": "HUGE", "b": "LARGE"}


async def test_security_can_not_be_silenced(api: Api, scene: Scene) -> None:
    answer = await api.ask(
        UPDATE,
        {
            "input": {
                "textSize": "HUGE",
                "channels": [{"category": "SECURITY", "channels": []}],
            }
        },
        accept_language="en",
        **scene.headers,
    )

    assert answer.json() == {
        "data": {
            "memberPreferencesUpdate": {
                "__typename": "SecurityNoticesUnheard",
                "code": "SECURITY_NOTICES_UNHEARD",
                "message": "Security notices must reach you in at least one way.",
                "hint": "Leave SMS or push on for security notices.",
                "field": ["channels"],
            }
        }
    }
    stored = (await members.get_member(viewer=scene.viewer)).preferences
    assert (stored.text_size, stored.channels) == (TextSize.NORMAL, {})


async def test_only_the_own_preferences_change(api: Api, scene: Scene) -> None:
    await api.ask(UPDATE, {"input": {"locale": "EN"}}, **scene.other_headers)
    refused = await api.ask(UPDATE, {"input": {"locale": "EN"}})

    assert codes(refused) == ["UNAUTHENTICATED"]
    rows = await database.fetch("SELECT id, locale FROM member ORDER BY id")
    assert [tuple(row) for row in rows] == [(scene.member_id, "fa"), (scene.other_id, "en")]


async def test_who_has_read_the_file_is_told_to_its_member_only(api: Api, scene: Scene) -> None:
    document = """query ($first: Int, $after: String) { me { accessLog(first: $first, after: $after) {
        edges { node { readAt readerRole readerOffice purpose } } pageInfo { hasNextPage endCursor }
    } } }"""

    first = (await api.ask(document, {"first": 1}, **scene.headers)).json()["data"]["me"]

    [edge] = first["accessLog"]["edges"]
    assert edge["node"] == {
        "readAt": "2026-11-19T08:30:00Z",
        "readerRole": "کارشناس پاسخ‌گویی",
        "readerOffice": "شعبهٔ زند",
        "purpose": "پاسخ به تماس عضو",
    }
    after = first["accessLog"]["pageInfo"]["endCursor"]
    second = await api.ask(document, {"first": 1, "after": after}, **scene.headers)
    [edge] = second.json()["data"]["me"]["accessLog"]["edges"]
    assert edge["node"]["purpose"] == "بررسی اعتراض به قسط"
    other = await api.ask(document, {"first": 1}, **scene.other_headers)
    assert other.json()["data"]["me"]["accessLog"]["edges"] == []
    assert "operator:7" not in second.text
