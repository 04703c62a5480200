"""Loan rounds for every member, applications for their own."""

from collections.abc import AsyncIterator

import pytest

from backend.core import clock
from backend.core.ids import GlobalId
from tests.support import api as support
from tests.support import member_scene
from tests.support.api import Api, codes
from tests.support.member_scene import NOON, Scene

ROUNDS = support.operation("LoanRounds")
MINE = support.operation("MyLoans")
ROUND = "query ($id: ID!) { loanRound(id: $id) { id title } }"
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"


@pytest.fixture
async def scene(api: Api) -> AsyncIterator[Scene]:
    """The members, on Saturday noon."""
    del api
    with clock.frozen(NOON):
        yield await member_scene.set_up()


def round_id(scene: Scene, name: str) -> str:
    return GlobalId("LoanRound", scene.rounds[name]).encode()


async def test_rounds_are_told_with_the_quota_of_the_member_s_association(
    api: Api, scene: Scene
) -> None:
    answer = await api.ask(ROUNDS, {"state": "OPEN"}, **scene.headers)

    assert answer.json() == {
        "data": {
            "loanRounds": [
                {
                    "id": round_id(scene, "open"),
                    "title": "وام ۵۰ میلیون تومانی ۱۴۰۵",
                    "state": "OPEN",
                    "stateText": "ثبت‌نام باز است",
                    "amount": 500_000_000,
                    "months": 24,
                    "graceMonths": 0,
                    "feeTotal": 30_000_000,
                    "opensAt": "2026-11-18T08:30:00Z",
                    "closesAt": "2026-11-28T08:30:00Z",
                    "selection": "LOTTERY",
                    "budget": 5_000_000_000_000,
                    "myQuota": 40,
                    "listSha256": None,
                    "seedSource": None,
                }
            ]
        }
    }


async def test_all_rounds_but_drafts_come_the_latest_first(api: Api, scene: Scene) -> None:
    answer = await api.ask(ROUNDS, **scene.headers)

    rounds = answer.json()["data"]["loanRounds"]
    assert [each["id"] for each in rounds] == [
        round_id(scene, name) for name in ("open", "paying", "past")
    ]
    assert [each["myQuota"] for each in rounds] == [40, None, None]
    drafts = await api.ask(ROUNDS, {"state": "DRAFT"}, **scene.headers)
    assert drafts.json() == {"data": {"loanRounds": []}}


async def test_a_round_is_found_by_its_id_unless_it_is_a_draft(api: Api, scene: Scene) -> None:
    key = round_id(scene, "paying")

    assert (await api.ask(ROUND, {"id": key}, **scene.other_headers)).json() == {
        "data": {"loanRound": {"id": key, "title": "وام ۵۰ میلیون تومانی ۱۴۰۴"}}
    }
    assert (await api.ask(NODE, {"id": key}, **scene.other_headers)).json() == {
        "data": {"node": {"__typename": "LoanRound", "id": key}}
    }
    for gone in (round_id(scene, "draft"), GlobalId("LoanRound", 404).encode()):
        assert (await api.ask(ROUND, {"id": gone}, **scene.headers)).json() == {
            "data": {"loanRound": None}
        }
        assert (await api.ask(NODE, {"id": gone}, **scene.headers)).json() == {
            "data": {"node": None}
        }


async def test_an_application_is_told_with_its_steps_reasons_and_instalments(
    api: Api, scene: Scene
) -> None:
    answer = await api.ask(MINE, accept_language="en", **scene.headers)

    edges = answer.json()["data"]["me"]["loanApplications"]["edges"]
    repaying, refused = [edge["node"] for edge in edges]
    assert refused == {
        "id": scene.own_id("LoanApplication", scene.applications["not_selected"]),
        "publicId": "5f0c1d52-7a55-4d57-9f9b-0d9a4a1f0001",
        "round": {"id": round_id(scene, "past"), "title": "وام ضروری ۱۴۰۳"},
        "state": "NOT_SELECTED",
        "stateText": "You were not chosen in this round",
        "amount": 500_000_000,
        "submittedAt": "2024-12-22T08:30:00Z",
        "submittedBy": "member",
        "submittedByText": "Yourself",
        "quota": 40,
        "rank": 57,
        "lastSelectedRank": 40,
        "reasons": [
            "Your association's quota was filled before your rank.",
            "You had a similar loan in the past three years.",
        ],
        "timeline": [
            {
                "at": "2024-12-22T08:30:00Z",
                "state": "SUBMITTED",
                "stateText": "Submitted",
                "note": None,
            },
            {
                "at": "2025-01-10T08:30:00Z",
                "state": "NOT_SELECTED",
                "stateText": "You were not chosen in this round",
                "note": "رتبهٔ شما ۵۷ بود.",
            },
        ],
        "instalments": [],
    }
    assert [
        (each["kind"], each["number"], each["dueMonth"], each["amount"], each["state"])
        for each in repaying["instalments"]
    ] == [
        ("FEE", 1, "1405-06", 2_000_000, "PAID"),
        ("PRINCIPAL", 2, "1405-07", 12_000_000, "PAID"),
        ("PRINCIPAL", 3, "1405-08", 9_000_000, "PLANNED"),
        ("PRINCIPAL", 4, "1405-09", 9_000_000, "PLANNED"),
    ]


async def test_applications_come_in_pages(api: Api, scene: Scene) -> None:
    first = await api.ask(MINE, {"first": 1}, **scene.headers)
    page = first.json()["data"]["me"]["loanApplications"]

    second = await api.ask(
        MINE, {"first": 1, "after": page["pageInfo"]["endCursor"]}, **scene.headers
    )

    assert page["pageInfo"]["hasNextPage"] is True
    [edge] = second.json()["data"]["me"]["loanApplications"]["edges"]
    assert edge["node"]["state"] == "NOT_SELECTED"
    assert codes(await api.ask(MINE, {"first": 101}, **scene.headers)) == ["BAD_USER_INPUT"]


async def test_an_application_is_a_node_of_its_member_only(api: Api, scene: Scene) -> None:
    key = scene.applications["repaying"]
    own = scene.own_id("LoanApplication", key)

    assert (await api.ask(NODE, {"id": own}, **scene.headers)).json() == {
        "data": {"node": {"__typename": "LoanApplication", "id": own}}
    }
    for text in (own, scene.disguised_id("LoanApplication", key)):
        assert (await api.ask(NODE, {"id": text}, **scene.other_headers)).json() == {
            "data": {"node": None}
        }


async def test_without_a_token_there_are_no_rounds(bare: Api) -> None:
    key = GlobalId("LoanRound", 1).encode()
    for document, variables in ((ROUNDS, {}), (ROUND, {"id": key}), (NODE, {"id": key})):
        assert codes(await bare.ask(document, variables)) == ["UNAUTHENTICATED"]
