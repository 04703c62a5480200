"""What the console shows so that an operator can decide: who asked, what waits, what may be done and opened."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend import composition
from backend.audit import service as audit
from backend.core import clock
from backend.core.ids import GlobalId
from backend.core.permissions import Permission, Role
from backend.core.viewer import SYSTEM, ActorKind, Scope, Viewer
from backend.infra import db as database
from backend.infra.sms import port as sms
from backend.settings import Settings
from tests.support import member_scene, places, staff
from tests.support.api import Api, codes
from tests.support.member_scene import NOON, Scene
from tests.support.staff import Colleague

OPERATIONS = Path(__file__).resolve().parents[2] / "console" / "operations"
REASON = "نامهٔ اداره"
FARS = Scope(province_codes=frozenset({"IR-07"}))
TEHRAN = Scope(province_codes=frozenset({"IR-23"}))


@dataclass(frozen=True)
class Somebody:
    """An operator with a token that lasts."""

    colleague: Colleague
    token: str

    @property
    def node_id(self) -> str:
        return GlobalId("Operator", self.colleague.id).encode()


@pytest.fixture
async def scene(api: Api, tmp_path: Path) -> AsyncIterator[Scene]:
    del api
    with clock.frozen(NOON):
        made = await member_scene.set_up()
        await database.execute(
            "UPDATE store SET phones = ARRAY['+989121234567'] WHERE code = 'hafez'"
        )
        composition.configure_sms(Settings(data_dir=tmp_path))
        yield made
    await sms.close()


async def somebody(
    *roles: Role, scope: Scope = staff.NATION, national_code: str | None = None
) -> Somebody:
    colleague = await staff.new_operator(*roles, scope=scope, national_code=national_code)
    signed_in = await staff.sign_in(colleague)
    return Somebody(colleague, signed_in.issued.access_token)


async def ask(
    api: Api, who: Somebody, name: str, variables: Mapping[str, object], language: str = "fa"
) -> Any:
    """The answer of a document of the console, or the codes of its refusal."""
    document = (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")
    response = await api.ask(
        document, variables, authorization=f"Bearer {who.token}", accept_language=language
    )
    refused = codes(response)
    if refused:
        return refused
    (answer,) = response.json()["data"].values()
    return answer


async def changed_phone(api: Api, scene: Scene, who: Somebody) -> str:
    """The id of what is asked: another phone for the member."""
    given = {
        "memberId": GlobalId("Member", scene.member_id).encode(),
        "phone": "09121234568",
        "reason": REASON,
    }
    answer = await ask(api, who, "MemberPhoneChange", {"input": given})
    return str(answer["approval"]["id"])


async def changed_iban(api: Api, scene: Scene, who: Somebody) -> str:
    """The id of what is asked: another account for the store."""
    given = {
        "storeId": places.store_id(scene.stores["hafez"]),
        "iban": "IR430120000000000000000001",
        "reason": REASON,
    }
    answer = await ask(api, who, "StoreIbanChange", {"input": given})
    return str(answer["approval"]["id"])


async def listed(api: Api, who: Somebody, **variables: object) -> list[str]:
    answer = await ask(api, who, "Approvals", variables)
    return [edge["node"]["id"] for edge in answer["edges"]]


async def test_an_approver_sees_in_words_who_asked_for_what_and_can_open_it(
    api: Api, scene: Scene
) -> None:
    keeper = await somebody(Role.STORE_MANAGER)
    approval = await changed_iban(api, scene, keeper)
    finance = await somebody(Role.FINANCE_OFFICER, scope=FARS)

    shown = await ask(api, finance, "Approval", {"id": approval})
    english = await ask(api, finance, "Approval", {"id": approval}, "en")

    assert (shown["stateText"], shown["kindText"], shown["objectTypeText"]) == (
        "در انتظار تأیید",
        "تغییر حساب واریز فروشگاه",
        "فروشگاه",
    )
    assert (english["stateText"], english["kindText"]) == (
        "Waits for a decision",
        "Change of a store's account",
    )
    words = {each["name"]: each["nameText"] for each in shown["changes"]}
    assert words.items() >= {"store": "فروشگاه", "account": "حساب", "mode": "شیوهٔ واریز"}.items()
    assert not [name for name, text in words.items() if name == text]
    assert shown["asker"] == {
        "kind": "OPERATOR",
        "name": "همکار",
        "office": "شعبهٔ یک",
        "roleNames": ["کارشناس فروشگاه‌ها"],
        "userName": None,
        "operatorId": None,
        "isMe": False,
    }
    assert (shown["granter"], shown["closer"]) == (None, None)
    assert shown["objectNodeId"] == places.store_id(scene.stores["hafez"])
    # A finance officer reads the store, and decides about it.
    assert await ask(api, finance, "StoreRecord", {"id": shown["objectNodeId"]}) is not None
    # The store's mobiles are not told yet.
    assert (shown["mayGrant"], shown["mayRefuse"], shown["mayWithdraw"]) == (False, True, False)
    elsewhere = await somebody(Role.FINANCE_OFFICER, scope=TEHRAN)
    assert await ask(api, elsewhere, "Approval", {"id": approval}) is None
    assert await ask(api, elsewhere, "Node", {"id": approval}) is None


async def test_buttons_are_offered_to_whom_the_service_would_let(api: Api, scene: Scene) -> None:
    maker = await somebody(Role.SUPPORT)
    await database.execute("UPDATE member SET state = 'FROZEN' WHERE id = $1", scene.member_id)
    given = {"memberId": GlobalId("Member", scene.member_id).encode(), "reason": REASON}
    lift = await ask(api, maker, "MemberFreezeLift", {"input": given})
    approval = lift["approval"]["id"]
    colleague, auditor = await somebody(Role.SUPPORT), await somebody(Role.AUDITOR)

    async def offered(who: Somebody) -> tuple[bool, bool, bool]:
        shown = await ask(api, who, "Approval", {"id": approval})
        return shown["mayGrant"], shown["mayRefuse"], shown["mayWithdraw"]

    assert await offered(maker) == (False, False, True)
    assert await offered(colleague) == (True, True, False)
    assert await offered(auditor) == (False, False, False)
    own = await ask(api, maker, "Approval", {"id": approval})
    assert own["asker"]["isMe"] is True
    granted = await ask(
        api,
        colleague,
        "ApprovalGrant",
        {"input": {"approvalId": approval, "digest": own["digest"]}},
    )
    assert granted["approval"]["stateText"] == "تأییدشده، در انتظار اجرا"
    assert granted["approval"]["granter"]["isMe"] is True
    assert await offered(colleague) == (False, True, False)
    await ask(api, maker, "ApprovalWithdraw", {"input": {"approvalId": approval}})
    assert await offered(maker) == await offered(colleague) == (False, False, False)


async def test_who_may_read_accounts_is_told_which_one_it_was(api: Api, scene: Scene) -> None:
    keeper = await somebody(Role.STORE_MANAGER)
    approval = await changed_iban(api, scene, keeper)
    auditor, local = await somebody(Role.AUDITOR), await somebody(Role.AUDITOR, scope=FARS)

    found = (await ask(api, auditor, "Approval", {"id": approval}))["asker"]
    from_fars = (await ask(api, local, "Approval", {"id": approval}))["asker"]

    assert found["userName"] == keeper.colleague.user_name
    assert found["operatorId"] == keeper.node_id
    assert (await ask(api, auditor, "Operator", {"id": found["operatorId"]}))[
        "id"
    ] == keeper.node_id
    # Of an account of the nation an auditor of a province sees what everybody does.
    assert (from_fars["name"], from_fars["userName"], from_fars["operatorId"]) == (
        "همکار",
        None,
        None,
    )


async def test_the_open_cases_stand_on_the_pages_of_the_member_and_of_the_store(
    api: Api, scene: Scene
) -> None:
    registrar, keeper = await somebody(Role.REGISTRAR), await somebody(Role.STORE_MANAGER)
    phone = await changed_phone(api, scene, registrar)
    iban = await changed_iban(api, scene, keeper)
    member = {"id": GlobalId("Member", scene.member_id).encode(), "purpose": REASON}
    store = {"id": places.store_id(scene.stores["hafez"])}

    async def waiting(name: str, variables: Mapping[str, object], *roles: Role) -> list[str]:
        answer = await ask(api, await somebody(*roles, scope=FARS), name, variables)
        return [each["id"] for each in answer["openApprovals"]]

    # A colleague who would ask for the same, one who decides, and those who have nothing to do with it.
    assert await waiting("Member", member, Role.REGISTRAR) == [phone]
    assert await waiting("Member", member, Role.SUPPORT) == [phone]
    assert await waiting("Member", member, Role.LOAN_OFFICER) == []
    assert await waiting("StoreRecord", store, Role.STORE_MANAGER) == [iban]
    assert await waiting("StoreRecord", store, Role.FINANCE_OFFICER) == [iban]
    assert await waiting("StoreRecord", store, Role.AUDITOR) == [iban]
    assert await waiting("StoreRecord", store, Role.OBSERVER) == []

    auditor = await somebody(Role.AUDITOR)
    assert await listed(api, auditor) == [iban, phone]
    assert await listed(api, auditor, memberId=member["id"]) == [phone]
    assert await listed(api, auditor, objectId=store["id"]) == [iban]
    assert await listed(api, auditor, objectId=member["id"]) == [phone]
    assert await listed(api, auditor, objectId=store["id"], memberId=member["id"]) == []
    cancel = {"memberId": member["id"], "reason": REASON}
    await ask(api, await somebody(Role.SUPPORT), "MemberPhoneChangeCancel", {"input": cancel})
    assert await waiting("Member", member, Role.REGISTRAR) == []


async def test_an_operator_sees_nothing_that_waits_on_the_own_file(api: Api, scene: Scene) -> None:
    maker = await somebody(Role.REGISTRAR)
    approval = await changed_phone(api, scene, maker)
    other = await somebody(Role.SUPPORT)
    own = await somebody(Role.SUPPORT, national_code=member_scene.NATIONAL_CODE)
    auditor = await somebody(Role.AUDITOR, national_code="0084575948")

    assert await listed(api, other) == await listed(api, auditor) == [approval]
    assert await listed(api, own) == []
    assert await listed(api, own, memberId=GlobalId("Member", scene.member_id).encode()) == []
    assert await ask(api, own, "Approval", {"id": approval}) is None
    assert await ask(api, own, "Node", {"id": approval}) is None


async def test_of_members_and_cashiers_the_trail_says_no_more_than_what_they_are(
    api: Api, scene: Scene
) -> None:
    member = Viewer(ActorKind.MEMBER, f"member:{scene.other_id}", subject=scene.member_id)
    for viewer, action in (
        (member, "session.open"),
        (Viewer(ActorKind.CASHIER, "cashier:7"), "cashier.sign_in"),
        (SYSTEM, "imports.done"),
    ):
        await audit.record(
            viewer=viewer,
            action=action,
            object_type="Session",
            object_id="7",
            member_id=scene.member_id,
        )
    auditor = await somebody(Role.AUDITOR)

    answer = await ask(
        api, auditor, "AuditTrail", {"filter": {"objectType": "Session", "objectId": "7"}}
    )

    entries = [edge["node"] for edge in answer["edges"]]
    assert [each["doneBy"]["name"] for each in entries] == ["سامانه", "صندوق‌دار", "عضو"]
    assert [each["actionText"] for each in entries] == [
        "پایان ورود پرونده",
        "ورود صندوق‌دار",
        "ورود عضو",
    ]
    nobody: dict[str, object] = {
        "office": None,
        "roleNames": [],
        "userName": None,
        "operatorId": None,
        "isMe": False,
    }
    for each in entries:
        assert {name: each["doneBy"][name] for name in nobody} == nobody
    assert entries[2]["doneFor"]["name"] == "عضو"
    assert {each["objectNodeId"] for each in entries} == {None}


async def test_what_an_entry_is_about_can_be_opened_by_who_may(api: Api, scene: Scene) -> None:
    keeper = await somebody(Role.STORE_MANAGER)
    approval = await changed_iban(api, scene, keeper)
    store, gone = scene.stores["hafez"], "999999"
    for object_type, object_id in (
        ("Operator", str(keeper.colleague.id)),
        ("Store", str(store)),
        ("Store", gone),
        ("Member", str(scene.member_id)),
        ("Approval", "1"),
        ("Province", "IR-07"),
    ):
        await audit.record(
            viewer=SYSTEM,
            action="test.objects",
            object_type=object_type,
            object_id=object_id,
            province_code="IR-07",
        )

    async def named(who: Somebody) -> list[str | None]:
        answer = await ask(api, who, "AuditTrail", {"filter": {"action": "test.objects"}})
        return [edge["node"]["objectNodeId"] for edge in answer["edges"]][::-1]

    operator, place = keeper.node_id, places.store_id(store)
    national = await named(await somebody(Role.AUDITOR))
    assert national[:4] == [operator, place, None, None]  # auditors open no member's file
    assert national[5] is None
    assert (await named(await somebody(Role.AUDITOR, scope=FARS)))[:4] == [None, place, None, None]
    assert approval == GlobalId("Approval", 1).encode()
    assert national[4] == approval


async def test_names_and_ids_of_a_page_are_read_at_once(api: Api, scene: Scene) -> None:
    for _ in range(3):
        await changed_iban(api, scene, await somebody(Role.STORE_MANAGER))
        await database.execute(
            "UPDATE approval SET state = 'EXPIRED', closed_by = 'system', closed_at = now(),"
            " payload_sealed = NULL, payload_key_id = NULL WHERE state = 'WAITING'"
        )
    auditor = await somebody(Role.AUDITOR)
    counts = []
    narrowed: Mapping[str, object]
    for first in (1, 3):
        for name, narrowed in (
            ("Approvals", {}),
            ("AuditTrail", {"filter": {"action": "approval.asked"}}),
        ):
            with database.count_statements() as counted:
                answer = await ask(api, auditor, name, {"first": first, **narrowed})
            assert len(answer["edges"]) == first
            counts.append((name, counted.count))

    assert counts[:2] == counts[2:]


async def test_the_own_account_tells_who_one_is_and_which_emergency_runs(
    api: Api, scene: Scene
) -> None:
    del scene
    await staff.new_operator(Role.AUDITOR, phone="+989121234571")  # somebody has to watch
    helper = await somebody(Role.SUPPORT)
    before = await ask(api, helper, "OperatorAccount", {})
    await ask(
        api, helper, "BreakGlass", {"input": {"role": "REGISTRAR", "hours": 2, "reason": REASON}}
    )
    after = await ask(api, helper, "OperatorAccount", {})

    assert before["actor"] == f"operator:{helper.colleague.id}"
    assert (before["breakGlassRole"], before["breakGlassUntil"]) == (None, None)
    assert (after["breakGlassRole"], after["breakGlassUntil"]) == (
        "REGISTRAR",
        "2026-11-21T10:30:00Z",
    )
    assert Permission.LOANS_SUBMIT_FOR in after["permissions"]
    uses = await ask(api, await somebody(Role.AUDITOR), "BreakGlassUses", {})
    (use,) = [edge["node"] for edge in uses["edges"]]
    assert (use["takenBy"]["userName"], use["roleName"]) == (
        helper.colleague.user_name,
        "متصدی ثبت",
    )


async def test_an_edit_form_of_a_store_can_be_filled_and_sent_back(api: Api, scene: Scene) -> None:
    keeper = await somebody(Role.STORE_MANAGER, scope=FARS)
    store = places.store_id(scene.stores["hafez"])
    record = await ask(api, keeper, "StoreRecord", {"id": store})
    categories = await ask(api, keeper, "StoreCategories", {})
    assert record["category"] in categories
    assert record["stateText"] == "فعال"
    other = next(each for each in categories if each != record["category"])

    form = {"id": record["id"], "version": record["version"], "categoryId": other["id"]}
    saved = await ask(api, keeper, "StoreUpdate", {"input": form})

    assert saved["record"]["category"] == other
    form = {"id": record["id"], "version": saved["record"]["version"], "reason": REASON}
    suspended = await ask(api, keeper, "StoreSuspend", {"input": form})
    assert suspended["record"]["stateText"] == "معلق"


async def test_an_association_that_was_listed_can_be_a_scope(api: Api, scene: Scene) -> None:
    del scene
    administrator = await somebody(Role.ADMINISTRATOR)
    target = await somebody(Role.REGISTRAR)
    answer = await ask(api, administrator, "Associations", {"search": "شیراز", "first": 1})
    (edge,) = answer["edges"]
    assert edge["node"]["province"] == {"code": "IR-07", "name": "فارس"}

    given = {
        "operatorId": target.node_id,
        "roles": ["REGISTRAR"],
        "scope": {"associationId": edge["node"]["id"]},
        "reason": REASON,
    }
    asked = await ask(api, administrator, "OperatorRolesSet", {"input": given})

    assert asked["__typename"] == "OperatorChangeAsked", asked
    await database.execute(
        "UPDATE operator SET scope_nation = false, scope_association_id = (SELECT id FROM association"
        " WHERE name = $2) WHERE id = $1",
        target.colleague.id,
        edge["node"]["name"],
    )
    shown = await ask(api, administrator, "Operator", {"id": target.node_id})
    assert shown["scope"]["association"] == {
        "id": edge["node"]["id"],
        "name": edge["node"]["name"],
    }
    assert shown["creator"]["name"] == "سامانه"
