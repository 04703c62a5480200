"""What operators do to members, stores and provinces over GraphQL, by the console's own documents."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from backend import composition
from backend.core import clock
from backend.core.ids import GlobalId
from backend.core.permissions import Role
from backend.core.viewer import Scope
from backend.infra import db as database
from backend.infra.sms import port as sms
from backend.settings import Settings
from tests.support import member_scene, places, staff
from tests.support.api import Api, codes
from tests.support.member_scene import NOON, Scene

OPERATIONS = Path(__file__).resolve().parents[2] / "console" / "operations"
REASON = "نامهٔ اداره"
FARS = Scope(province_codes=frozenset({"IR-07"}))
TEHRAN = Scope(province_codes=frozenset({"IR-23"}))


@pytest.fixture
async def scene(api: Api, tmp_path: Path) -> AsyncIterator[Scene]:
    del api
    with clock.frozen(NOON):
        made = await member_scene.set_up()
        composition.configure_sms(Settings(data_dir=tmp_path))
        yield made
    await sms.close()


async def ask(
    api: Api,
    name: str,
    variables: Mapping[str, object],
    *roles: Role,
    scope: Scope = staff.NATION,
    token: str | None = None,
) -> dict[str, object]:
    """What one of the console's operations answers to an operator of these roles, or to a bearer."""
    bearer = token
    if bearer is None:
        signed_in = await staff.sign_in(await staff.new_operator(*roles, scope=scope))
        bearer = signed_in.issued.access_token
    document = (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")
    response = await api.ask(document, variables, authorization=f"Bearer {bearer}")
    found = codes(response)
    if found:
        return {"refused": found}
    data = response.json()["data"]
    assert isinstance(data, dict)
    (answer,) = data.values()
    return {"answer": answer}


def act(**given: object) -> dict[str, object]:
    return {"input": given}


async def test_a_member_is_found_and_the_file_read_and_the_member_sees_it(
    api: Api, scene: Scene
) -> None:
    await database.execute("UPDATE member SET name_sort_key = 'KKK' WHERE id = $1", scene.member_id)
    found = await ask(api, "Members", {"search": member_scene.PHONE}, Role.SUPPORT)
    assert found["answer"] == {
        "edges": [
            {
                "node": {
                    "id": GlobalId("Member", scene.member_id).encode(),
                    "firstName": "مریم",
                    "lastName": "احمدی",
                    "nationalCodeMasked": "******5679",
                    "pensionNumber": "10000001",
                    "state": "ACTIVE",
                    "stateText": "فعال",
                    "city": "شیراز",
                    "phoneMasked": "+98917***4567",
                    "province": {"code": "IR-07", "name": "فارس"},
                }
            }
        ],
        "pageInfo": {
            "hasNextPage": False,
            "endCursor": found["answer"]["pageInfo"]["endCursor"],  # type: ignore[index]
        },
    }

    wanted = {"id": GlobalId("Member", scene.member_id).encode(), "purpose": REASON}
    read = await ask(api, "Member", wanted, Role.SUPPORT, scope=FARS)
    assert isinstance(read["answer"], dict)
    assert read["answer"]["phone"] == member_scene.PHONE
    assert read["answer"]["association"]["name"] == "کانون بازنشستگان شیراز"
    log = await api.ask(
        "{ me { accessLog(first: 1) { edges { node { readerRole readerOffice purpose } } } } }",
        None,
        **scene.headers,
    )
    assert log.json()["data"]["me"]["accessLog"]["edges"] == [
        {"node": {"readerRole": "پشتیبان", "readerOffice": "شعبهٔ یک", "purpose": REASON}}
    ]
    assert await ask(api, "Member", wanted, Role.SUPPORT, scope=TEHRAN) == {"answer": None}


async def test_who_reads_a_file_sees_what_was_done_to_it_page_by_page(
    api: Api, scene: Scene
) -> None:
    member = GlobalId("Member", scene.member_id).encode()
    other = GlobalId("Member", scene.other_id).encode()
    for whose, phone in ((member, "09121234568"), (other, "09121234569")):
        await ask(
            api, "MemberPhoneChange", act(memberId=whose, phone=phone, reason=REASON), Role.SUPPORT
        )
    await ask(
        api, "MemberPhoneChangeCancel", act(memberId=member, reason="عضو نخواست"), Role.SUPPORT
    )

    wanted: dict[str, object] = {"id": member, "purpose": REASON, "first": 1}
    seen = []
    for _ in range(2):
        read = await ask(api, "Member", wanted, Role.SUPPORT, scope=FARS)
        trail = read["answer"]["trail"]  # type: ignore[index]
        (edge,) = trail["edges"]
        seen.append((edge["node"]["action"], edge["node"]["reason"]))
        wanted["after"] = trail["pageInfo"]["endCursor"]
    assert seen == [("approval.refused", "عضو نخواست"), ("approval.asked", REASON)]
    assert "9121234568" not in str(read)


async def test_a_member_s_own_token_opens_nothing_of_this(api: Api, scene: Scene) -> None:
    token = scene.headers["authorization"].removeprefix("Bearer ")
    member = GlobalId("Member", scene.member_id).encode()
    store = places.store_id(scene.stores["hafez"])
    asked: list[tuple[str, Mapping[str, object]]] = [
        ("Members", {"search": "احمدی"}),
        ("Member", {"id": member, "purpose": REASON}),
        ("StoreRecords", {}),
        ("StoreRecord", {"id": store}),
        ("StoreSettlement", {"id": store}),
        ("StoreUpdate", act(id=store, version=1, name="x")),
        ("StoreSuspend", act(id=store, version=1, reason=REASON)),
        ("StoreResume", act(id=store, version=1, reason=REASON)),
        ("StoreIbanChange", act(storeId=store, iban=member_scene.IBAN, reason=REASON)),
        ("ProvinceOpenSet", act(provinceCode="IR-07", members=True, reason=REASON)),
        ("MemberFreezeLift", act(memberId=member, reason=REASON)),
        ("MemberPhoneChange", act(memberId=member, phone="09121234568", reason=REASON)),
        ("MemberPhoneChangeCancel", act(memberId=member, reason=REASON)),
    ]
    before = await database.fetch("SELECT t::text FROM store t")

    for name, variables in asked:
        assert await ask(api, name, variables, token=token) == {"refused": ["FORBIDDEN"]}, name

    assert await database.fetch("SELECT t::text FROM store t") == before
    assert await database.fetch("SELECT FROM approval") == []


async def test_a_store_is_added_changed_suspended_and_resumed(api: Api, scene: Scene) -> None:
    del scene
    given = {
        "code": "op-1",
        "name": "کفش ملی",
        "categoryId": places.category_id("grocery"),
        "provinceCode": "IR-07",
        "city": "شیراز",
        "address": "خیابان زند",
        "location": {"latitude": 29.61, "longitude": 52.53},
        "openingHours": [{"weekday": "SATURDAY", "opens": "09:00", "closes": "13:00"}],
        "phones": ["09121234567"],
        "terms": {"minMonths": 3, "maxMonths": 12, "minAmount": 5000000, "maxAmount": 900000000},
        "offers": [{"title": "تخفیف", "body": "ده درصد", "validFrom": "1405-09-01"}],
    }
    made = await ask(api, "StoreCreate", act(**given), Role.STORE_MANAGER, scope=FARS)
    assert isinstance(made["answer"], dict), made
    record = made["answer"]["record"]
    assert (record["code"], record["version"], record["phones"]) == ("OP-1", 1, ["+989121234567"])
    store = record["id"]

    async def shown() -> object:
        response = await api.ask(
            "query ($id: ID!) { store(id: $id) { name terms { maxMonths } offers { title } } }",
            {"id": store},
        )
        return response.json()["data"]["store"]

    assert await shown() == {
        "name": "کفش ملی",
        "terms": {"maxMonths": 12},
        "offers": [],  # it begins tomorrow
    }
    changed = await ask(
        api, "StoreUpdate", act(id=store, version=1, name="کفش وین", terms=None), Role.STORE_MANAGER
    )
    assert isinstance(changed["answer"], dict)
    assert changed["answer"]["record"]["version"] == 2
    assert await shown() == {"name": "کفش وین", "terms": None, "offers": []}
    stale = await ask(
        api, "StoreSuspend", act(id=store, version=1, reason=REASON), Role.STORE_MANAGER
    )
    assert isinstance(stale["answer"], dict)
    assert (stale["answer"]["__typename"], stale["answer"]["code"]) == (
        "StoreChangedMeanwhile",
        "STORE_CHANGED_MEANWHILE",
    )
    await ask(api, "StoreSuspend", act(id=store, version=2, reason=REASON), Role.STORE_MANAGER)
    assert await shown() is None
    seen = await ask(api, "StoreRecord", {"id": store}, Role.OBSERVER)
    assert isinstance(seen["answer"], dict)
    assert seen["answer"]["state"] == "SUSPENDED"
    await ask(api, "StoreResume", act(id=store, version=3, reason=REASON), Role.STORE_MANAGER)
    assert await shown() == {"name": "کفش وین", "terms": None, "offers": []}


async def test_what_is_wrong_with_a_store_is_told_field_by_field(api: Api, scene: Scene) -> None:
    store = places.store_id(scene.stores["hafez"])

    refused = await ask(
        api,
        "StoreUpdate",
        act(id=store, version=1, phones=["12"], categoryId=GlobalId("StoreCategory", 99).encode()),
        Role.STORE_MANAGER,
    )

    answer = refused["answer"]
    assert isinstance(answer, dict)
    assert (answer["__typename"], answer["code"]) == ("StoreInvalid", "STORE_INVALID")
    assert [each["field"] for each in answer["problems"]] == [["categoryId"], ["phones"]]


async def test_what_needs_a_second_person_answers_with_what_was_asked(
    api: Api, scene: Scene
) -> None:
    member = GlobalId("Member", scene.member_id).encode()
    await database.execute("UPDATE member SET state = 'FROZEN' WHERE id = $1", scene.member_id)
    await database.execute("UPDATE store SET phones = ARRAY['+989121234567'] WHERE code = 'hafez'")
    store = places.store_id(scene.stores["hafez"])
    cases = [
        ("MemberFreezeLift", act(memberId=member, reason=REASON), Role.SUPPORT, None),
        (
            "MemberPhoneChange",
            act(memberId=member, phone="۰۹۱۲۱۲۳۴۵۶۸", reason=REASON),
            Role.SUPPORT,
            "2026-11-24T08:30:00Z",
        ),
        (
            "StoreIbanChange",
            act(storeId=store, iban=member_scene.IBAN, reason=REASON),
            Role.STORE_MANAGER,
            "2026-11-24T08:30:00Z",
        ),
    ]

    for name, variables, role, not_before in cases:
        found = (await ask(api, name, variables, role))["answer"]
        assert isinstance(found, dict), name
        assert (found["__typename"], found["approval"]["notBefore"]) == (
            "ApprovalAsked",
            not_before,
        ), name
        again = (await ask(api, name, variables, role))["answer"]
        assert isinstance(again, dict)
        assert (again["__typename"], again["code"]) == ("ActRefused", "APPROVAL_ALREADY_ASKED")

    stopped = await ask(
        api, "MemberPhoneChangeCancel", act(memberId=member, reason=REASON), Role.SUPPORT
    )
    assert isinstance(stopped["answer"], dict)
    assert stopped["answer"]["__typename"] == "PhoneChangeCancelled"
    assert stopped["answer"]["approval"]["state"] == "REFUSED"


async def test_a_province_is_opened_for_everybody_to_see(api: Api, scene: Scene) -> None:
    del scene
    found = await ask(
        api,
        "ProvinceOpenSet",
        act(provinceCode="IR-07", members=True, reason=REASON),
        Role.ADMINISTRATOR,
    )

    assert found["answer"] == {
        "__typename": "ProvinceOpenChanged",
        "province": {"code": "IR-07", "name": "فارس", "open": True},
        "openForMembers": True,
        "openForStores": False,
    }
    response = await api.ask("{ provinces { code open } }")
    assert {"code": "IR-07", "open": True} in response.json()["data"]["provinces"]
    refused = await ask(
        api,
        "ProvinceOpenSet",
        act(provinceCode="IR-99", members=True, reason=REASON),
        Role.ADMINISTRATOR,
    )
    assert isinstance(refused["answer"], dict)
    assert refused["answer"]["__typename"] == "ActRefused"


async def test_a_search_for_members_never_stands_in_a_url(api: Api, scene: Scene) -> None:
    del scene
    signed_in = await staff.sign_in(await staff.new_operator(Role.SUPPORT))
    document = (OPERATIONS / "Members.graphql").read_text(encoding="utf-8")

    response = await api.client.get(
        "/graphql",
        params={"query": document, "variables": '{"search": "0012345679"}'},
        headers={"authorization": f"Bearer {signed_in.issued.access_token}"},
    )

    assert codes(response) == ["BAD_REQUEST"]
    assert await database.fetch("SELECT FROM audit_entry WHERE action = 'members.search'") == []


async def test_the_own_file_is_refused_to_an_operator(api: Api, scene: Scene) -> None:
    colleague = await staff.new_operator(Role.SUPPORT, national_code=member_scene.NATIONAL_CODE)
    signed_in = await staff.sign_in(colleague)
    token = signed_in.issued.access_token
    member = GlobalId("Member", scene.member_id).encode()

    read = await ask(api, "Member", {"id": member, "purpose": REASON}, token=token)
    changed = await ask(api, "MemberFreezeLift", act(memberId=member, reason=REASON), token=token)

    assert read == {"refused": ["FORBIDDEN"]}
    assert isinstance(changed["answer"], dict)
    assert (changed["answer"]["__typename"], changed["answer"]["code"]) == (
        "ActRefused",
        "OWN_FILE",
    )
    assert await database.fetch("SELECT FROM file_read WHERE purpose = $1", REASON) == []
