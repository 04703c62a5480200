"""One store by its id, by `store` and by `node`, with all that the public may know of it, and no more."""

from datetime import UTC, date, datetime, timedelta

import pytest
from graphql import GraphQLObjectType, get_named_type

from backend.core import base64url, calendar, clock
from backend.core.calendar import Weekday
from backend.core.ids import GlobalId
from backend.infra import db as database
from backend.infra import sealing
from backend.settings import Settings
from backend.stores.domain import PlaceKind, Settlement, SettlementMode, StoreState
from backend.stores.opening import OpeningException, OpeningSchedule
from schema import root
from tests.support import places
from tests.support.api import Api, codes
from tests.support.places import AZADI, draft

WHOLE = """
query ($id: ID!) {
  store(id: $id) {
    __typename id kind name address city phones active openNow openStateChangesAt
    category { id name } province { code name center { latitude longitude } open } location { latitude longitude }
    terms { minMonths maxMonths minAmount maxAmount }
    openingHours { weekday opens closes }
    openingExceptions { date periods { opens closes } }
    offers { id title body validUntil }
  }
}
"""
NODE = "query ($id: ID!) { node(id: $id) { __typename id ... on Store { name } } }"
STORE = "query ($id: ID!) { store(id: $id) { id name } }"
SATURDAY_NOON = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


async def test_a_store_shows_all_that_the_public_may_know(api: Api) -> None:
    hours = places.exceptional(
        places.weekly((Weekday.SATURDAY, 540, 780), (Weekday.THURSDAY, 1200, 1560)),
        date(2026, 11, 22),
        (600, 1440),
    )
    keys = await places.save(
        draft(
            "s",
            name="فروشگاه رفاه‌گستر",
            category_code="appliances",
            schedule=hours,
            phones=("+982166001122", "+989121234567"),
            offers=(
                places.offer("همیشه", date(2026, 1, 1), None, body="بی‌پایان"),
                places.offer("این هفته", date(2026, 11, 20), date(2026, 11, 27)),
                places.offer("گذشته", date(2026, 1, 1), date(2026, 11, 20)),
                places.offer("آینده", date(2026, 11, 22), None),
            ),
        )
    )

    with clock.frozen(SATURDAY_NOON):
        answer = (await api.ask(WHOLE, {"id": places.store_id(keys["s"])})).json()

    offers = answer["data"]["store"].pop("offers")
    province = answer["data"]["store"].pop("province")
    assert answer == {
        "data": {
            "store": {
                "__typename": "Store",
                "id": places.store_id(keys["s"]),
                "kind": "STORE",
                "name": "فروشگاه رفاه‌گستر",
                "address": "خیابان آزادی، پلاک ۱۲",
                "city": "تهران",
                "phones": ["+982166001122", "+989121234567"],
                "active": True,
                "openNow": True,
                "openStateChangesAt": "2026-11-21T09:30:00Z",
                "category": {"id": places.category_id("appliances"), "name": "لوازم‌خانگی"},
                "location": {"latitude": AZADI.latitude, "longitude": AZADI.longitude},
                "terms": {
                    "minMonths": 3,
                    "maxMonths": 24,
                    "minAmount": 5_000_000,
                    "maxAmount": 900_000_000,
                },
                "openingHours": [
                    {"weekday": "SATURDAY", "opens": "09:00", "closes": "13:00"},
                    {"weekday": "THURSDAY", "opens": "20:00", "closes": "02:00"},
                ],
                "openingExceptions": [
                    {"date": "1405-09-01", "periods": [{"opens": "10:00", "closes": "24:00"}]}
                ],
            }
        }
    }
    assert (province["code"], province["name"], province["open"]) == ("IR-23", "تهران", False)
    assert [(each["title"], each["body"], each["validUntil"]) for each in offers] == [
        ("این هفته", "بدون سود", "1405-09-06"),
        ("همیشه", "بی‌پایان", None),
    ]
    assert len({each["id"] for each in offers}) == 2


async def test_what_sells_nothing_and_never_opens_is_shown_too(api: Api) -> None:
    keys = await places.save(
        draft(
            "c",
            kind=PlaceKind.BRANCH,
            category_code="health",
            terms=None,
            phones=(),
            schedule=places.NEVER,
        )
    )

    found = (await api.ask(WHOLE, {"id": places.store_id(keys["c"])})).json()["data"]["store"]

    assert found["kind"] == "BRANCH"
    assert (found["terms"], found["phones"], found["openingHours"]) == (None, [], [])
    assert (found["openNow"], found["openStateChangesAt"], found["offers"]) == (False, None, [])


async def test_exceptional_days_are_shown_from_today_on(api: Api) -> None:
    today = clock.today()
    days = [today - timedelta(days=1), today, today + timedelta(days=1)]
    schedule = OpeningSchedule((), tuple(OpeningException(day, ()) for day in days))
    keys = await places.save(draft("s", schedule=schedule))

    answer = await api.ask(
        "query ($id: ID!) { store(id: $id) { openingExceptions { date } } }",
        {"id": places.store_id(keys["s"])},
    )

    assert answer.json()["data"]["store"]["openingExceptions"] == [
        {"date": calendar.format_jalali_date(day)} for day in days[1:]
    ]


async def test_names_come_in_the_language_of_the_client(api: Api) -> None:
    keys = await places.save(draft("s"))

    answer = await api.ask(
        "query ($id: ID!) { store(id: $id) { category { name } province { name } } }",
        {"id": places.store_id(keys["s"])},
        accept_language="en-GB, fa;q=0.5",
    )

    assert answer.json()["data"]["store"] == {
        "category": {"name": "Groceries"},
        "province": {"name": "Tehran"},
    }


async def test_a_node_is_the_store_of_its_id(api: Api) -> None:
    keys = await places.save(draft("s"))
    key = places.store_id(keys["s"])

    assert (await api.ask(NODE, {"id": key})).json() == {
        "data": {"node": {"__typename": "Store", "id": key, "name": "فروشگاه s"}}
    }


@pytest.mark.parametrize("document", [NODE, STORE])
async def test_an_unknown_and_a_suspended_store_are_both_null(api: Api, document: str) -> None:
    keys = await places.save(draft("gone", state=StoreState.SUSPENDED))
    field = "node" if document is NODE else "store"

    for key in (keys["gone"], 999_999, 2**63 - 1):
        answer = await api.ask(document, {"id": places.store_id(key)})
        assert answer.json() == {"data": {field: None}}


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "1",
        "Store:1",
        "ﷺ",
        "\u0000",
        "A" * 10_000,
        base64url.encode(b"Store:1") + "=",
        base64url.encode(b"Store:01"),
        base64url.encode(b"Store:0"),
        base64url.encode(b"Store:-1"),
        base64url.encode(b"Store:1 "),
        base64url.encode(b"Store:1:1:1"),
        base64url.encode(b"Store:9223372036854775808"),
        GlobalId("Purchase", 1).encode(),
        GlobalId("StoreCategory", 1).encode(),
        GlobalId("Settlement", 1, 2).encode(),
    ],
)
@pytest.mark.parametrize("document", [NODE, STORE])
async def test_what_is_no_id_of_a_store_is_refused(bare: Api, document: str, garbage: str) -> None:
    answer = await bare.ask(document, {"id": garbage})

    assert codes(answer) == ["BAD_USER_INPUT"]
    assert answer.json()["errors"][0]["message"] == "شناسه درست نیست."


async def test_the_id_of_a_member_s_thing_is_no_id_of_a_store(api: Api) -> None:
    keys = await places.save(draft("s"))
    disguised = GlobalId("Store", keys["s"], 7).encode()

    assert codes(await api.ask(STORE, {"id": disguised})) == ["BAD_USER_INPUT"]
    assert codes(await api.ask(NODE, {"id": disguised})) == ["BAD_USER_INPUT"]


async def test_categories_come_in_their_order(api: Api) -> None:
    await places.save_categories()
    await database.execute("UPDATE store_category SET sort_order = 10 - sort_order")

    answer = await api.ask("{ storeCategories { id name } }", accept_language="en")

    assert [each["name"] for each in answer.json()["data"]["storeCategories"]] == [
        "Health care",
        "Home appliances",
        "Groceries",
    ]


def test_nothing_of_a_settlement_can_be_reached_from_a_store() -> None:
    """Operators have types of their own for it."""
    schema = root.build()._schema
    waiting, seen, names = (
        ["Store", "StoreConnection", "NearbyStoreConnection"],
        set[str](),
        set[str](),
    )
    while waiting:
        found = schema.get_type(waiting.pop())
        if isinstance(found, GraphQLObjectType) and found.name not in seen:
            seen.add(found.name)
            names |= {found.name, *found.fields}
            waiting += [get_named_type(each.type).name for each in found.fields.values()]
    named = " ".join(sorted(names)).lower()

    assert "opennow" in named
    for word in ("iban", "contract", "settle", "sealed", "version", "searchdocument", "operator"):
        assert word not in named


async def test_nothing_of_a_settlement_is_in_an_answer(api: Api) -> None:
    sealing.configure(Settings().sealer())
    iban = "IR130130000000000123456789"
    keys = await places.save(
        draft("s", settlement=Settlement(iban, "قرارداد-۷۷", SettlementMode.AT_ONCE))
    )

    answer = await api.ask(WHOLE, {"id": places.store_id(keys["s"])})

    assert "errors" not in answer.json()
    assert iban not in answer.text
    assert "۷۷" not in answer.text
