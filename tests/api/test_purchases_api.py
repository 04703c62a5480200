"""Purchases, credit and instalments: the own ones to the digit, those of others not at all."""

from collections.abc import AsyncIterator, Mapping

import pytest

from backend.core import clock
from backend.core.ids import GlobalId
from tests.support import api as support
from tests.support import member_scene, places
from tests.support.api import Api, codes
from tests.support.member_scene import NOON, Scene

HISTORY = support.operation("PurchaseHistory")
DETAILS = support.operation("PurchaseDetails")
INSTALMENTS = support.operation("Instalments")
FILTERED = "query ($filter: PurchaseFilter) { me { purchases(filter: $filter) { edges { node { id } } } } }"
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"


@pytest.fixture
async def scene(api: Api) -> AsyncIterator[Scene]:
    """The members, on Saturday noon."""
    del api
    with clock.frozen(NOON):
        yield await member_scene.set_up()


async def own(
    api: Api, scene: Scene, document: str, variables: Mapping[str, object] | None = None
) -> dict[str, object]:
    """The data of `me` in a faultless answer."""
    answer = (await api.ask(document, variables, **scene.headers)).json()
    assert "errors" not in answer, answer["errors"]
    me: dict[str, object] = answer["data"]["me"]
    return me


def ids(scene: Scene, *names: str) -> list[str]:
    return [scene.own_id("Purchase", scene.purchases[name]) for name in names]


async def found(api: Api, scene: Scene, matching: Mapping[str, object]) -> list[object]:
    me = (await api.ask(FILTERED, {"filter": matching}, **scene.headers)).json()["data"]["me"]
    return [edge["node"]["id"] for edge in me["purchases"]["edges"]]


async def test_the_history_is_newest_first_with_store_state_and_what_is_paid(
    api: Api, scene: Scene
) -> None:
    answer = await api.ask(HISTORY, {"first": 20}, **scene.headers)

    nodes = [edge["node"] for edge in answer.json()["data"]["me"]["purchases"]["edges"]]
    assert [each["id"] for each in nodes] == ids(
        scene, "awaiting", "declined", "running", "overdue", "closed"
    )
    assert nodes[3] == {
        "id": ids(scene, "overdue")[0],
        "createdAt": "2026-08-13T08:30:00Z",
        "amount": 10_000_000,
        "instalmentCount": 12,
        "state": "CONFIRMED",
        "stateText": "تأیید شده",
        "paidAmount": 837_000 + 833_000,
        "store": {
            "id": places.store_id(scene.stores["hafez"]),
            "name": "پوشاک حافظ",
            "category": {"name": "خواربار"},
        },
    }
    assert nodes[4]["store"]["name"] == "مبل سعدی"  # suspended since


async def test_the_history_comes_in_pages(api: Api, scene: Scene) -> None:
    first = await api.ask(HISTORY, {"first": 3}, **scene.headers)
    page = first.json()["data"]["me"]["purchases"]
    after = page["pageInfo"]["endCursor"]

    second = await api.ask(HISTORY, {"first": 3, "after": after}, **scene.headers)

    assert page["pageInfo"]["hasNextPage"] is True
    rest = second.json()["data"]["me"]["purchases"]
    assert [each["node"]["id"] for each in rest["edges"]] == ids(scene, "overdue", "closed")
    assert rest["pageInfo"]["hasNextPage"] is False
    stranger = await api.ask(HISTORY, {"first": 3, "after": after}, **scene.other_headers)
    assert codes(stranger) == ["BAD_USER_INPUT"]


async def test_the_history_is_narrowed_by_all_that_is_given(api: Api, scene: Scene) -> None:
    store = places.store_id(scene.stores["saadi"])

    assert await found(api, scene, {"storeId": store}) == ids(scene, "declined", "closed")
    assert await found(api, scene, {"storeId": store, "states": ["CLOSED"]}) == ids(scene, "closed")
    assert await found(api, scene, {"from": "1405-08-20", "to": "1405-08-25"}) == ids(
        scene, "declined", "running"
    )
    assert await found(api, scene, {"to": "۱۴۰۴-۱۲-۲۹"}) == ids(scene, "closed")
    everything = await found(api, scene, {})
    assert len(everything) == 5
    assert await found(api, scene, {"states": []}) == everything


@pytest.mark.parametrize(
    "matching",
    [
        {"from": "1405-09-02", "to": "1405-09-01"},
        {"from": "2026-11-21"},
        {"storeId": "1"},
        {"storeId": GlobalId("Purchase", 1, 1).encode()},
    ],
)
async def test_what_is_no_filter_is_refused(
    api: Api, scene: Scene, matching: Mapping[str, object]
) -> None:
    answer = await api.ask(FILTERED, {"filter": matching}, **scene.headers)

    assert codes(answer) == ["BAD_USER_INPUT"]


async def test_a_purchase_is_shown_with_its_instalments(api: Api, scene: Scene) -> None:
    key = ids(scene, "overdue")[0]

    answer = (await api.ask(DETAILS, {"id": key}, **scene.headers)).json()["data"]["purchase"]

    instalments = answer.pop("instalments")
    assert [each["amount"] for each in instalments] == [837_000, *([833_000] * 11)]
    assert [each["dueMonth"] for each in instalments[:3]] == ["1405-06", "1405-07", "1405-08"]
    assert instalments[2] == {
        "id": scene.own_id("Instalment", 9),
        "number": 3,
        "dueMonth": "1405-08",
        "amount": 833_000,
        "paidAmount": 0,
        "state": "OVERDUE",
        "stateText": "معوق",
        "failure": "موجودی حساب کافی نبود.",
    }
    assert answer["confirmedAt"] == "2026-08-13T08:31:00Z"
    assert (answer["amount"], answer["refundedAmount"]) == (10_000_000, 0)


async def test_the_store_of_a_purchase_stays_readable_whole_while_suspended(
    api: Api, scene: Scene
) -> None:
    document = """
        query ($id: ID!) { purchase(id: $id) { instalments { id } store {
          name active openNow openingHours { weekday } offers { id } province { name } isFavourite
        } } }
    """

    answer = await api.ask(document, {"id": ids(scene, "declined")[0]}, **scene.headers)

    purchase = answer.json()["data"]["purchase"]
    assert purchase["instalments"] == []
    store = purchase["store"]
    assert len(store.pop("openingHours")) == 7
    assert store == {
        "name": "مبل سعدی",
        "active": False,
        "openNow": True,
        "offers": [],
        "province": {"name": "فارس"},
        "isFavourite": False,
    }


async def test_another_member_s_purchase_and_none_are_both_null(api: Api, scene: Scene) -> None:
    key = scene.purchases["overdue"]
    for document, field in ((DETAILS, "purchase"), (NODE, "node")):
        for text in (scene.own_id("Purchase", key), scene.disguised_id("Purchase", key)):
            answer = await api.ask(document, {"id": text}, **scene.other_headers)
            assert answer.json() == {"data": {field: None}}
        gone = await api.ask(document, {"id": scene.own_id("Purchase", 404)}, **scene.headers)
        assert gone.json() == {"data": {field: None}}


async def test_what_is_no_id_of_a_purchase_is_refused(api: Api, scene: Scene) -> None:
    key = scene.purchases["overdue"]
    for text in ("", "1", GlobalId("Purchase", key).encode(), places.store_id(1)):
        assert codes(await api.ask(DETAILS, {"id": text}, **scene.headers)) == ["BAD_USER_INPUT"]
    nobodys = GlobalId("Purchase", key).encode()
    assert codes(await api.ask(NODE, {"id": nobodys}, **scene.headers)) == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("document", [DETAILS, NODE])
async def test_without_a_token_there_are_no_purchases(api: Api, document: str) -> None:
    answer = await api.ask(document, {"id": GlobalId("Purchase", 1, 1).encode()})

    assert codes(answer) == ["UNAUTHENTICATED"]


async def test_the_credit_line_has_its_working_in_words(api: Api, scene: Scene) -> None:
    document = "{ me { credit { limit used reserved available monthlyCap explanation } } }"

    answer = await api.ask(document, accept_language="en", **scene.headers)

    assert answer.json()["data"]["me"]["credit"] == {
        "limit": 360_000_000,
        "used": 53_330_000,
        "reserved": 20_000_000,
        "available": 139_464_000,
        "monthlyCap": 26_000_000,
        "explanation": [
            "The limit is 3 times your net pension of 12,000,000 toman: 36,000,000 toman.",
            "You still owe 5,333,000 toman of running purchases; it is taken off the limit.",
            "2,000,000 toman is set aside for purchases that wait for your confirmation.",
            (
                "At most 25 percent of a month's net pension, 3,000,000 toman, may be deducted;"
                " less 400,000 toman of other deductions, 2,600,000 toman is left for instalments."
            ),
            (
                "Beside the instalments of the coming months, that monthly cap has room for a purchase of at most"
                " 13,946,400 toman in 24 instalments."
            ),
            "You can buy for up to 13,946,400 toman now.",
        ],
    }


async def test_what_waits_and_what_comes_next_is_shown(api: Api, scene: Scene) -> None:
    me = await own(
        api,
        scene,
        """{ me {
          purchasesAwaitingMe { id expiresAt stateText }
          nextInstalment { dueMonth amount source { __typename ... on Purchase { id } } }
          nextDeduction { month total count instalments { number source { __typename } } }
        } }""",
    )

    assert me == {
        "purchasesAwaitingMe": [
            {
                "id": ids(scene, "awaiting")[0],
                "expiresAt": "2026-11-21T08:40:00Z",
                "stateText": "در انتظار تأیید شما",
            }
        ],
        "nextInstalment": {
            "dueMonth": "1405-08",
            "amount": 833_000,
            "source": {"__typename": "Purchase", "id": ids(scene, "overdue")[0]},
        },
        "nextDeduction": {
            "month": "1405-08",
            "total": 9_833_000,
            "count": 2,
            "instalments": [
                {"number": 3, "source": {"__typename": "Purchase"}},
                {"number": 3, "source": {"__typename": "LoanApplication"}},
            ],
        },
    }


async def test_who_owes_nothing_has_nothing_next(api: Api, scene: Scene) -> None:
    answer = await api.ask(
        """{ me {
          purchasesAwaitingMe { id } nextInstalment { id } nextDeduction { month }
          purchases { edges { cursor } pageInfo { hasNextPage startCursor } }
          instalments { edges { cursor } } loanApplications { edges { cursor } }
          credit { used available }
        } }""",
        **scene.other_headers,
    )

    assert answer.json()["data"]["me"] == {
        "purchasesAwaitingMe": [],
        "nextInstalment": None,
        "nextDeduction": None,
        "purchases": {"edges": [], "pageInfo": {"hasNextPage": False, "startCursor": None}},
        "instalments": {"edges": []},
        "loanApplications": {"edges": []},
        "credit": {"used": 0, "available": 360_000_000},
    }


async def test_totals_come_for_every_month_of_a_period(api: Api, scene: Scene) -> None:
    me = await own(
        api,
        scene,
        '{ me { purchaseTotals(from: "1405-05", to: "1405-08") { month count amount } } }',
    )

    assert me == {
        "purchaseTotals": [
            {"month": "1405-05", "count": 1, "amount": 10_000_000},
            {"month": "1405-06", "count": 0, "amount": 0},
            {"month": "1405-07", "count": 0, "amount": 0},
            {"month": "1405-08", "count": 1, "amount": 45_000_000},
        ]
    }
    refused = await api.ask(
        '{ me { purchaseTotals(from: "1405-05", to: "1405-04") { month } } }', **scene.headers
    )
    assert codes(refused) == ["BAD_USER_INPUT"]


async def test_instalments_of_a_month_come_with_what_they_pay_off(api: Api, scene: Scene) -> None:
    answer = await api.ask(INSTALMENTS, {"from": "1405-08", "to": "1405-08"}, **scene.headers)

    page = answer.json()["data"]["me"]["instalments"]
    [first, second] = [edge["node"] for edge in page["edges"]]
    assert (first["kind"], first["state"], first["failure"]) == (
        "PRINCIPAL",
        "OVERDUE",
        "موجودی حساب کافی نبود.",
    )
    assert first["source"] == {
        "__typename": "Purchase",
        "id": ids(scene, "overdue")[0],
        "store": {"id": places.store_id(scene.stores["hafez"]), "name": "پوشاک حافظ"},
    }
    assert second["source"] == {
        "__typename": "LoanApplication",
        "id": scene.own_id("LoanApplication", scene.applications["repaying"]),
        "round": {
            "id": GlobalId("LoanRound", scene.rounds["paying"]).encode(),
            "title": "وام ۵۰ میلیون تومانی ۱۴۰۴",
        },
    }


async def test_instalments_come_in_pages_by_state(api: Api, scene: Scene) -> None:
    seen: list[str] = []
    after: str | None = None
    for _ in range(10):
        variables = {"state": "PAID", "first": 3, "after": after}
        answer = await api.ask(INSTALMENTS, variables, **scene.headers)
        page = answer.json()["data"]["me"]["instalments"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    paid = [*range(1, 9), 29, 32]  # six, two, one of the loan, and its fee
    assert sorted(seen) == sorted(scene.own_id("Instalment", key) for key in paid)


async def test_an_instalment_is_a_node_of_its_member_only(api: Api, scene: Scene) -> None:
    key = scene.instalments[0]
    own_id = scene.own_id("Instalment", key)

    answer = await api.ask(NODE, {"id": own_id}, **scene.headers)

    assert answer.json() == {"data": {"node": {"__typename": "Instalment", "id": own_id}}}
    for text in (own_id, scene.disguised_id("Instalment", key)):
        answer = await api.ask(NODE, {"id": text}, **scene.other_headers)
        assert answer.json() == {"data": {"node": None}}
    assert codes(await api.ask(NODE, {"id": own_id})) == ["UNAUTHENTICATED"]
