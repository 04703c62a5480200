"""What `me` gives by one shared statement is what graphql-core gives: every field, page, filter and language."""

from datetime import timedelta

import orjson
import pytest

from backend.core.errors import Forbidden, Unauthenticated
from backend.core.ids import GlobalId
from backend.core.locale import Locale
from backend.core.paging import InvalidCursor, PageSizeInvalid
from backend.core.viewer import ANONYMOUS, ActorKind, Viewer
from backend.infra import db as database
from schema.execution.plan import Refused, Tier
from tests.support import api, compiled, debts, member_scene
from tests.support.member_scene import NOON, Scene

ODD = "نیم‌فاصلهٔ \"او\" \\ 'هم'\t\n\r\x01\x7f😀 </script> \u2028 {} %s $1"

PURCHASE = """id amount instalmentCount state stateText createdAt expiresAt confirmedAt refundedAmount paidAmount
  __typename store { __typename id kind name address city phones active
    category { id label: name __typename } location { latitude longitude __typename }
    terms { minMonths maxMonths minAmount maxAmount __typename } }"""
INSTALMENT = "id kind number dueMonth amount paidAmount state stateText failure __typename"
NOTICE = "id category title body deepLink createdAt readAt __typename"
PAGE = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor __typename } __typename"
FILE = """__typename id firstName lastName pensionNumber pensionKind state stateText city address netPension phone"""
EVERYTHING = f"""query Everything($first: Int, $after: String) {{ me {{ {FILE}
  credit {{ limit used reserved available monthlyCap explanation __typename }}
  again: credit {{ limit }}
  nextInstalment {{ {INSTALMENT} }}
  unreadNoticeCount
  purchasesAwaitingMe {{ {PURCHASE} }}
  purchases(first: $first, after: $after) {{ {PAGE} edges {{ node {{ {PURCHASE} }} cursor __typename }} }}
  notices {{ edges {{ cursor node {{ {NOTICE} }} }} {PAGE} }}
  instalments {{ edges {{ cursor node {{ {INSTALMENT} }} }} {PAGE} }}
}} }}"""

SELECTIONS = [
    "purchases(filter: {states: [CLOSED, DECLINED]}) { edges { node { state } } }",
    "purchases(filter: {states: []}) { edges { node { state } } }",
    'purchases(filter: {from: "1405-08-01", to: "1405-08-30"}) { edges { node { id } } }',
    "purchases(filter: {}) { edges { node { id } } }",
    "purchases(first: null, after: null, filter: null) { edges { node { id } } }",
    "notices(unreadOnly: true) { edges { node { id } } }",
    "notices(unreadOnly: null, category: CAMPAIGN) { edges { node { id category } } }",
    "notices(unreadOnly: true, category: PURCHASE, first: 1) { pageInfo { hasNextPage endCursor } }",
    "instalments(state: OVERDUE) { edges { node { id failure } } }",
    "instalments(state: PAID, first: 2) { edges { node { id } } pageInfo { endCursor } }",
    'instalments(from: "1405-08", to: "1405-09") { edges { node { dueMonth } } }',
    "a: purchases(first: 1) { edges { node { id } } } b: purchases(first: 2) { edges { node { id } } }",
    "purchases { __typename }",
    "purchases { pageInfo { hasPreviousPage } }",
    "purchases { pageInfo { hasNextPage } }",
    "notices { edges { __typename } }",
    "unreadNoticeCount",
    "stateText id",
]
MIXED = [
    "firstName nationalCodeMasked lastName unreadNoticeCount",
    "province { code } id purchases { edges { node { id store { id isFavourite } } } } credit { available }",
    "purchases(first: 2) { edges { node { id instalments { id } } } } notices { edges { node { id } } }",
    "preferences { locale } unreadNoticeCount nextDeduction { month } nextInstalment { source { __typename } }",
]


@pytest.fixture
async def scene(db: None, cache: None) -> Scene:
    """The scene, with texts that JSON and SQL have to escape, and all states that there are."""
    del db, cache
    found = await member_scene.set_up()
    await database.execute("UPDATE store SET name = $1, address = $2", ODD, f"{ODD}{ODD}")
    await database.execute(
        "UPDATE store SET latitude = 30, longitude = 52.000000000000004, phones = $1 WHERE code = 'saadi'",
        ["+982166001122", ODD],
    )
    await database.execute("UPDATE store_category SET name_fa = $1, name_en = 'It''s'", ODD)
    await database.execute("UPDATE notice SET title = $1, body = $2 WHERE id % 2 = 0", ODD, ODD * 3)
    for number, state in enumerate(
        ("SETTLING", "EXPIRED", "CANCELLED", "DISPUTED", "REFUNDED", "DECLINED")
    ):
        await debts.purchase(
            found.member_id,
            found.stores["hafez"],
            state=state,
            at=NOON - timedelta(hours=number, microseconds=(0, 1, 120_000)[number % 3]),
            refunded_rials=500 if state == "REFUNDED" else 0,
        )
    await database.execute(
        "UPDATE instalment SET state = 'SUSPENDED', failure = 'ZZ99' WHERE id ="
        " (SELECT max(id) FROM instalment WHERE member_id = $1)",
        found.member_id,
    )
    # Another one, of whom nothing must be seen.
    await debts.purchase(found.other_id, found.stores["hafez"], at=NOON)
    return found


@pytest.mark.parametrize("locale", list(Locale))
async def test_every_field_is_as_by_graphql_core(scene: Scene, locale: Locale) -> None:
    data = await compiled.both(EVERYTHING, scene.viewer, {"first": 100}, locale=locale)

    me = data["me"]
    assert isinstance(me, dict)
    assert len(me["purchases"]["edges"]) == 11
    assert {each["node"]["state"] for each in me["purchases"]["edges"]} >= {"REFUNDED", "DISPUTED"}
    assert me["purchases"]["edges"][0]["node"]["store"]["name"] == ODD
    assert [each["amount"] for each in me["purchasesAwaitingMe"]] == [20_000_000]
    assert me["nextInstalment"] is not None
    assert me["credit"]["reserved"] == 20_000_000


async def test_everything_is_one_statement(scene: Scene) -> None:
    operation = compiled.operation(EVERYTHING)
    assert operation.tier is Tier.READ_VIEW

    with database.count_statements() as counter:
        await compiled.answer(operation, scene.viewer, {"first": 3})

    assert counter.count == 1


@pytest.mark.parametrize("name", ["PurchaseHistory", "Inbox", "Home"])
async def test_the_apps_own_operations(scene: Scene, name: str) -> None:
    document = api.operation(name)
    variables = {"at": {"latitude": 29.6, "longitude": 52.5}} if name == "Home" else {"first": 3}

    await compiled.both(document, scene.viewer, variables)

    notes = compiled.operation(document).notes
    assert any(note.path == "me" and note.tier is Tier.READ_VIEW for note in notes)


async def test_a_member_without_anything(scene: Scene) -> None:
    await database.execute(
        "UPDATE member SET city = NULL, address = NULL, net_pension_rials = NULL, phone = NULL,"
        " state = 'FROZEN' WHERE id = $1",
        empty := await debts.member(),
    )
    del scene

    data = await compiled.both(EVERYTHING, debts.viewer_of(empty), {"first": 5})

    me = data["me"]
    assert isinstance(me, dict)
    assert me["purchases"] == {
        "pageInfo": {
            "hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None,
            "__typename": "PageInfo",
        },
        "__typename": "PurchaseConnection",
        "edges": [],
    }  # fmt: skip
    assert me["nextInstalment"] is None
    assert me["city"] is None


@pytest.mark.parametrize(
    ("field", "arguments", "count"),
    [
        ("purchases", "", 11),
        ("purchases", ', filter: {from: "1404-01-01"}', 11),
        ("notices", "", 4),
        ("instalments", ', to: "1405-09"', 18),
    ],
)
async def test_pages_follow_each_other_as_by_graphql_core(
    scene: Scene, field: str, arguments: str, count: int
) -> None:
    """Page by page to the end, at every size around that of the list."""
    document = f"""query Page($first: Int, $after: String) {{ me {{
      {field}(first: $first, after: $after{arguments})
      {{ edges {{ cursor node {{ id }} }} {PAGE} }} }} }}"""
    operation = compiled.operation(document)
    for first in (1, 3, count - 1, count, count + 1):
        after, seen, is_more = None, 0, True
        while is_more:
            variables = {"first": first, "after": after}
            data = await compiled.reference(document, scene.viewer, variables)
            got = await compiled.answer(operation, scene.viewer, variables)
            assert orjson.loads(got) == {"data": data}
            page = orjson.loads(got)["data"]["me"][field]
            seen += len(page["edges"])
            is_more, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
        assert seen == count


async def test_arguments_and_selections(scene: Scene) -> None:
    for selection in SELECTIONS:
        await compiled.both(f"{{ me {{ {selection} }} }}", scene.viewer)


async def test_of_one_store(scene: Scene) -> None:
    store = GlobalId("Store", scene.stores["saadi"]).encode()
    document = (
        "query Of($id: ID!) { me { purchases(filter: {storeId: $id}) { edges { node { id } } } } }"
    )

    data = await compiled.both(document, scene.viewer, {"id": store})

    assert len(data["me"]["purchases"]["edges"]) == 2  # type: ignore[index]  # of JSON


async def test_what_sql_can_not_write_is_merged_in_order(scene: Scene) -> None:
    for selection in MIXED:
        await compiled.both(f"{{ me {{ {selection} }} }}", scene.viewer)


async def test_loan_rounds(scene: Scene) -> None:
    fields = """id title state stateText amount months graceMonths feeTotal opensAt closesAt selection budget
      listSha256 seedSource __typename"""
    for locale in Locale:
        data = await compiled.both(f"{{ loanRounds {{ {fields} }} }}", scene.viewer, locale=locale)
        assert len(data["loanRounds"]) == 3  # type: ignore[arg-type]  # of JSON
        await compiled.both(
            f"{{ loanRounds(state: OPEN) {{ {fields} }} }}", scene.viewer, locale=locale
        )
    data = await compiled.both("{ loanRounds(state: DRAFT) { id } }", scene.viewer)
    assert data == {"loanRounds": []}
    await compiled.both("{ loanRounds { id myQuota } }", scene.viewer)


@pytest.mark.parametrize(
    ("viewer", "error"),
    [
        (ANONYMOUS, Unauthenticated),
        (Viewer(ActorKind.MEMBER, "member:1", 1), Forbidden),
    ],
)
async def test_without_the_right_nothing_is_asked(
    scene: Scene, viewer: Viewer, error: type[Exception]
) -> None:
    del scene
    for document in (EVERYTHING, "{ loanRounds { id } }"):
        with database.count_statements() as counter, pytest.raises(error):
            await compiled.answer(compiled.operation(document), viewer, {"first": 1})
        assert counter.count == 0


async def test_bad_arguments_are_left_to_graphql_core(scene: Scene) -> None:
    operation = compiled.operation(api.operation("PurchaseHistory"))
    page = await compiled.answer(operation, scene.viewer, {"first": 1})
    cursor = orjson.loads(page)["data"]["me"]["purchases"]["pageInfo"]["endCursor"]

    with pytest.raises(PageSizeInvalid):
        await compiled.answer(operation, scene.viewer, {"first": 0})
    with pytest.raises(PageSizeInvalid):
        await compiled.answer(operation, scene.viewer, {"first": 101})
    with pytest.raises(InvalidCursor):
        await compiled.answer(operation, scene.viewer, {"after": "x"})
    with pytest.raises(InvalidCursor):  # a cursor of somebody else's list
        await compiled.answer(operation, scene.other, {"after": cursor})
    with pytest.raises(Refused):
        await compiled.answer(operation, scene.viewer, {"first": "3"})


async def test_a_value_that_nobody_knows_is_refused(scene: Scene) -> None:
    """As a newer version of the program may write: graphql-core says what it says then."""
    await database.execute("ALTER TABLE purchase DROP CONSTRAINT purchase_state")
    await database.execute(
        "UPDATE purchase SET state = 'NEW' WHERE id = $1", scene.purchases["declined"]
    )
    operation = compiled.operation(api.operation("PurchaseHistory"))

    with pytest.raises(Refused):
        await compiled.answer(operation, scene.viewer, {"first": 20})
    assert await compiled.answer(operation, scene.other, {"first": 20})


async def test_own_writes_are_seen_at_once(scene: Scene) -> None:
    operation = compiled.operation("{ me { unreadNoticeCount } }")
    assert (
        await compiled.answer(operation, scene.viewer) == b'{"data":{"me":{"unreadNoticeCount":2}}}'
    )

    async with database.transaction():
        await database.execute(
            "UPDATE notice SET read_at = now() WHERE id = $1", scene.notices["purchase"]
        )

    assert (
        await compiled.answer(operation, scene.viewer) == b'{"data":{"me":{"unreadNoticeCount":1}}}'
    )


async def test_a_member_without_a_file_is_refused(scene: Scene) -> None:
    del scene
    for selection in ("firstName", "credit { limit }", "state unreadNoticeCount"):
        with pytest.raises(Refused):
            await compiled.answer(
                compiled.operation(f"{{ me {{ {selection} }} }}"), debts.viewer_of(99_999)
            )
