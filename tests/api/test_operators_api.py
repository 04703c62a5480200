"""Operators and cashiers over GraphQL, by the console's own documents: what HTTP says of what the slices decide."""

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
from tests.support import access, places, staff
from tests.support.api import Api, codes
from tests.support.member_scene import NOON
from tests.support.staff import DEVICE, PASSWORD, Colleague

OPERATIONS = Path(__file__).resolve().parents[2] / "console" / "operations"
WHO = "{ viewer { person roles } me { id } }"
WHY = "برای آزمون"


@pytest.fixture(autouse=True)
async def at_noon(api: Api, tmp_path: Path) -> AsyncIterator[None]:
    del api
    composition.configure_sms(Settings(data_dir=tmp_path))
    with clock.frozen(NOON):
        yield
    await sms.close()


async def ask(
    api: Api, name: str, variables: Mapping[str, object] | None = None, *, token: object = None
) -> dict[str, object]:
    """The answer of a console's operation, or the codes of its refusal."""
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    document = (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")
    response = await api.ask(document, variables or {}, **headers)
    found = codes(response)
    if found:
        return {"refused": found}
    (answer,) = response.json()["data"].values()
    assert isinstance(answer, dict)
    return answer


async def signed_in(api: Api, colleague: Colleague, **given: object) -> dict[str, object]:
    return await ask(
        api,
        "OperatorSignIn",
        {
            "input": {
                "userName": colleague.user_name,
                "password": PASSWORD,
                "totp": colleague.code(),
                "device": {"id": DEVICE, "name": "Firefox"},
                **given,
            }
        },
    )


async def test_an_operator_signs_in_and_is_known_by_the_token(api: Api) -> None:
    sara = await staff.new_operator(Role.SUPPORT, Role.REGISTRAR)

    found = await signed_in(api, sara)

    assert found["__typename"] == "SignedIn"
    assert found["viewer"] == {"person": f"operator:{sara.id}", "roles": ["REGISTRAR", "SUPPORT"]}
    token = found["accessToken"]
    answer = await api.ask(WHO, authorization=f"Bearer {token}")
    assert answer.json()["data"] == {"viewer": found["viewer"], "me": None}
    account = await ask(api, "OperatorAccount", token=token)
    sessions = account["sessions"]
    assert isinstance(sessions, list)
    assert [(each["deviceName"], each["current"]) for each in sessions] == [("Firefox", True)]
    assert account["recoveryCodesLeft"] == 10
    assert account["reauthenticatedUntil"] == "2026-11-21T08:35:00Z"


async def test_whatever_is_wrong_has_one_answer(api: Api) -> None:
    sara = await staff.new_operator(Role.SUPPORT)
    wrong = [
        await signed_in(api, sara, password="x" * 12),
        await signed_in(api, sara, totp="000000"),
        await signed_in(api, sara, userName="nobody"),
    ]

    assert wrong[0]["code"] == "CREDENTIALS_INVALID"
    assert wrong == [wrong[0]] * 3


async def test_too_many_tries_are_told_when_to_come_again(api: Api) -> None:
    sara = await staff.new_operator(Role.SUPPORT)
    for _ in range(5):
        await signed_in(api, sara, password="x" * 12)

    assert await signed_in(api, sara) == {"refused": ["RATE_LIMITED"]}


async def test_a_session_goes_on_and_ends(api: Api) -> None:
    sara = await staff.new_operator(Role.SUPPORT)
    first = await signed_in(api, sara)
    again = await ask(
        api,
        "StaffSessionRefresh",
        {"input": {"refreshToken": first["refreshToken"], "deviceId": DEVICE}},
    )
    assert again["viewer"] == first["viewer"]

    ended = await ask(api, "StaffSessionEnd", token=again["accessToken"])

    assert ended == {"__typename": "SessionEnded", "sessionId": None}
    for token in (first["accessToken"], again["accessToken"]):
        answer = await api.ask(WHO, authorization=f"Bearer {token}")
        assert codes(answer) == ["UNAUTHENTICATED"]
    lost = await ask(
        api,
        "StaffSessionRefresh",
        {"input": {"refreshToken": again["refreshToken"], "deviceId": DEVICE}},
    )
    assert lost["code"] == "SESSION_INVALID"


async def test_a_session_is_revoked_from_the_list(api: Api) -> None:
    sara = await staff.new_operator(Role.SUPPORT)
    token = (await signed_in(api, sara))["accessToken"]
    account = await ask(api, "OperatorAccount", token=token)
    sessions = account["sessions"]
    assert isinstance(sessions, list)

    gone = await ask(
        api, "StaffSessionRevoke", {"input": {"sessionId": sessions[0]["id"]}}, token=token
    )

    assert gone["__typename"] == "SessionEnded"
    assert await ask(api, "OperatorAccount", token=token) == {"refused": ["UNAUTHENTICATED"]}


async def test_a_member_and_a_stranger_are_no_operators(api: Api) -> None:
    member = await access.signed_in(await access.new_member())

    assert await ask(api, "Operators", token=member.access_token) == {"refused": ["FORBIDDEN"]}
    assert await ask(api, "Operators") == {"refused": ["UNAUTHENTICATED"]}
    assert await ask(api, "OperatorAccount", token=member.access_token) == {
        "refused": ["FORBIDDEN"]
    }


async def test_an_account_is_asked_for_by_an_administrator(api: Api) -> None:
    admin = await staff.new_operator(Role.ADMINISTRATOR)
    token = (await signed_in(api, admin))["accessToken"]
    new = {
        "userName": "Sara",
        "name": "سارا",
        "office": "شعبهٔ شیراز",
        "roles": ["SUPPORT"],
        "scope": {"provinceCodes": ["IR-07"]},
        "nationalCode": "0012345679",
        "phone": "09121234567",
        "reason": WHY,
    }

    asked = await ask(api, "OperatorCreate", {"input": new}, token=token)
    taken = await ask(api, "OperatorCreate", {"input": new}, token=token)
    joined = {**new, "userName": "other", "roles": ["ADMINISTRATOR", "FINANCE_OFFICER"]}
    refused = await ask(api, "OperatorCreate", {"input": joined}, token=token)

    assert asked["__typename"] == "OperatorChangeAsked"
    approval = asked["approval"]
    assert isinstance(approval, dict)
    assert approval["expiresAt"] == "2026-11-28T08:30:00Z"
    assert asked["operator"] == {
        "id": GlobalId("Operator", admin.id + 1).encode(),
        "state": "REQUESTED",
        "stateText": "در انتظار تأیید",
        "roles": ["SUPPORT"],
    }
    assert (taken["code"], taken["field"]) == ("USER_NAME_TAKEN", ["nationalCode"])
    assert refused["code"] == "ROLES_CONFLICT"
    await database.execute(
        "UPDATE staff_session SET reauthenticated_at = reauthenticated_at - interval '5 minutes'"
    )
    late = await ask(api, "OperatorCreate", {"input": new}, token=token)
    assert (late["__typename"], late["code"]) == (
        "ReauthenticationNeeded",
        "REAUTHENTICATION_NEEDED",
    )
    by_password = {"input": {"password": PASSWORD}}
    confirmed = await ask(api, "OperatorReauthenticate", by_password, token=token)
    assert confirmed["code"] == "CREDENTIALS_INVALID"
    by_code = {"input": {"totp": admin.recovery_codes[0]}}
    confirmed = await ask(api, "OperatorReauthenticate", by_code, token=token)
    assert confirmed["done"] is True
    again = await ask(api, "OperatorCreate", {"input": new}, token=token)
    assert again["code"] == "USER_NAME_TAKEN"


async def test_what_is_out_of_scope_is_null(api: Api) -> None:
    there = await staff.new_operator(Role.SUPPORT, scope=Scope(province_codes=frozenset({"IR-23"})))
    local = await staff.new_operator(
        Role.ADMINISTRATOR, scope=Scope(province_codes=frozenset({"IR-07"}))
    )
    token = (await signed_in(api, local))["accessToken"]
    document = (OPERATIONS / "Operator.graphql").read_text(encoding="utf-8")
    variables = {"id": GlobalId("Operator", there.id).encode()}

    answer = await api.ask(document, variables, authorization=f"Bearer {token}")

    assert answer.json() == {"data": {"operator": None}}
    node = await api.ask(
        "query($id: ID!) { node(id: $id) { id } }", variables, authorization=f"Bearer {token}"
    )
    assert node.json() == {"data": {"node": None}}


async def test_an_emergency_is_seen_by_auditors(api: Api) -> None:
    helper = (await signed_in(api, await staff.new_operator(Role.SUPPORT)))["accessToken"]
    watcher = await staff.new_operator(Role.AUDITOR, phone="+989121110001")
    auditor = (await signed_in(api, watcher))["accessToken"]
    given = {"role": "FINANCE_OFFICER", "hours": 4, "reason": WHY}

    begun = await ask(api, "BreakGlass", {"input": given}, token=helper)
    again = await ask(api, "BreakGlass", {"input": given}, token=helper)
    seen = await ask(api, "BreakGlassUses", token=auditor)
    ended = await ask(api, "BreakGlassEnd", token=helper)

    assert begun["__typename"] == "BreakGlassChanged"
    assert again["code"] == "BREAK_GLASS_RUNNING"
    edges = seen["edges"]
    assert isinstance(edges, list)
    assert [each["node"]["reason"] for each in edges] == [WHY]
    assert ended["__typename"] == "BreakGlassChanged"


async def test_a_till_from_the_code_to_the_own_password(api: Api) -> None:
    store = (await places.save(places.draft("S1")))["S1"]
    manager = (await signed_in(api, await staff.new_operator(Role.STORE_MANAGER)))["accessToken"]
    store_id = GlobalId("Store", store).encode()
    code = await ask(
        api,
        "StoreDeviceCodeCreate",
        {"input": {"storeId": store_id, "deviceName": "صندوق ۱"}},
        token=manager,
    )
    enrolled = await ask(
        api, "StoreDeviceEnrol", {"input": {"storeCode": "s1", "code": code["code"]}}
    )
    used = await ask(api, "StoreDeviceEnrol", {"input": {"storeCode": "s1", "code": code["code"]}})
    assert used["code"] == "DEVICE_CODE_INVALID"
    made = await ask(
        api,
        "CashierCreate",
        {"input": {"storeId": store_id, "userName": "ali", "name": "علی"}},
        token=manager,
    )
    device_id = enrolled["deviceId"]

    async def at_the_till(password: object) -> dict[str, object]:
        given = {
            "storeCode": "S1",
            "userName": "ali",
            "password": password,
            "deviceId": device_id,
        }
        return await ask(api, "CashierSignIn", {"input": given})

    found = await at_the_till(made["password"])
    assert found["viewer"] == {"person": "cashier:1", "roles": ["CASHIER"]}
    token = found["accessToken"]
    account = await ask(api, "CashierAccount", token=token)
    assert (account["storeId"], account["permissions"]) == (store_id, ["store.self"])
    changed = await ask(
        api,
        "CashierPasswordChange",
        {"input": {"currentPassword": made["password"], "newPassword": PASSWORD}},
        token=token,
    )
    assert changed["done"] is True
    assert (await at_the_till(made["password"]))["code"] == "CREDENTIALS_INVALID"
    assert (await at_the_till(PASSWORD))["__typename"] == "SignedIn"
    refreshed = await ask(
        api,
        "StaffSessionRefresh",
        {"input": {"refreshToken": found["refreshToken"], "deviceId": device_id}},
    )
    assert refreshed["viewer"] == found["viewer"]
    assert await ask(api, "OperatorAccount", token=token) == {"refused": ["FORBIDDEN"]}
    await database.execute("UPDATE store SET state = 'SUSPENDED'")
    assert await ask(api, "CashierAccount", token=token) == {"refused": ["UNAUTHENTICATED"]}
