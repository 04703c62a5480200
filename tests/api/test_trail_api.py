"""Approvals and the trail over GraphQL, by the console's own documents: who sees, decides and is refused."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from backend.approvals import executing
from backend.approvals.domain import Approval
from backend.core import clock, permissions
from backend.core.ids import GlobalId
from backend.core.permissions import Permission, Role
from backend.core.viewer import Scope
from backend.infra import db as database
from migrations.rights import APP_ROLE
from tests.support import approval_worker, staff
from tests.support.api import Api, codes
from tests.support.approval_worker import REFUSE, operator
from tests.support.member_scene import NOON
from tests.support.operators import associations, let_everybody_act
from tests.support.staff import Colleague

OPERATIONS = Path(__file__).resolve().parents[2] / "console" / "operations"
FARS = Scope(province_codes=frozenset({"IR-07"}))
TEHRAN = Scope(province_codes=frozenset({"IR-23"}))
MAKER = operator(900)
APPROVERS = {
    role for role in Role if Permission.STORES_IBAN_APPROVE in permissions.of_roles([role])
}
AUDITORS = {role for role in Role if Permission.AUDIT_READ in permissions.of_roles([role])}
READERS = {role for role in Role if Permission.APPROVALS_READ in permissions.of_roles([role])}


@pytest.fixture(autouse=True)
async def moment(api: Api, database_url: str) -> AsyncIterator[None]:
    """Noon, and the things that the tests' own kinds change."""
    del api
    connection = await asyncpg.connect(database_url)
    await connection.execute(approval_worker.TABLES)
    await connection.execute(f"GRANT ALL ON thing TO {APP_ROLE}")
    await connection.close()
    let_everybody_act()
    with clock.frozen(NOON):
        yield


async def asked(**changed: object) -> Approval:
    """A question about the IBAN of a store in Fars."""
    arguments: dict[str, object] = {
        "kind": REFUSE,  # registered in the tests; what it does is of no concern here
        "approve_permission": Permission.STORES_IBAN_APPROVE,
        "province_code": "IR-07",
        "object_type": "Store",
    }
    return await approval_worker.ask(MAKER, **(arguments | changed))


async def association() -> Scope:
    """The scope of an association of Fars."""
    return Scope(association_id=(await associations("K1"))["K1"])


async def bearer(colleague: Colleague) -> str:
    signed_in = await staff.sign_in(colleague)
    return signed_in.issued.access_token


async def token(*roles: Role, scope: Scope = staff.NATION) -> str:
    return await bearer(await staff.new_operator(*roles, scope=scope))


async def ask(
    api: Api, name: str, variables: Mapping[str, object], authorization: str | None
) -> object:
    """The answer's one field, or the codes of its refusal."""
    document = (OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8")
    headers = {} if authorization is None else {"authorization": f"Bearer {authorization}"}
    response = await api.ask(document, variables, accept_language="en", **headers)
    refused = codes(response)
    if refused:
        return refused
    (answer,) = response.json()["data"].values()
    return answer


def named(approval: Approval) -> str:
    return GlobalId("Approval", approval.id).encode()


def grant(approval: Approval, **changed: object) -> dict[str, object]:
    return {"input": {"approvalId": named(approval), "digest": approval.digest} | changed}


async def shown(api: Api, authorization: str | None, **variables: object) -> object:
    answer = await ask(api, "Approvals", variables, authorization)
    if not isinstance(answer, dict):
        return answer
    return [edge["node"]["id"] for edge in answer["edges"]]


async def everything() -> list[object]:
    """All that a refusal may not change."""
    return [
        tuple(row)
        for table in ("approval", "pgqueuer", "audit_entry")
        for row in await database.fetch(f"SELECT t::text FROM {table} t ORDER BY 1")
    ]


@pytest.mark.parametrize("role", list(Role))
async def test_every_role_sees_and_decides_what_is_its_own(api: Api, role: Role) -> None:
    approval = await asked()
    authorization = await token(role)
    before = await everything()

    seen = await shown(api, authorization)
    answer = await ask(api, "ApprovalGrant", grant(approval), authorization)

    if role in APPROVERS:
        assert seen == [named(approval)]
        assert isinstance(answer, dict)
        assert answer["approval"]["state"] == "GRANTED"
        return
    assert await everything() == before
    if role in AUDITORS:
        assert (seen, answer) == ([named(approval)], ["FORBIDDEN"])
    elif role in READERS:
        assert seen == []
        assert isinstance(answer, dict)
        assert answer["code"] == "NOT_FOUND"
    else:
        assert (seen, answer) == (["FORBIDDEN"], ["FORBIDDEN"])


@pytest.mark.parametrize("scope", [FARS, TEHRAN, None])
@pytest.mark.parametrize("name", ["ApprovalGrant", "ApprovalRefuse"])
async def test_what_lies_outside_the_scope_is_not_there(
    api: Api, scope: Scope | None, name: str
) -> None:
    approval = await asked()
    authorization = await token(Role.FINANCE_OFFICER, scope=scope or await association())
    given = {"approvalId": named(approval)}
    given |= {"digest": approval.digest} if name == "ApprovalGrant" else {"reason": "نه"}
    before = await everything()

    seen = await shown(api, authorization)
    answer = await ask(api, name, {"input": given}, authorization)

    assert isinstance(answer, dict)
    if scope is FARS:
        assert (seen, "approval" in answer) == ([named(approval)], True)
    else:
        assert (seen, answer["code"]) == ([], "NOT_FOUND")
        assert await everything() == before


async def test_nobody_without_a_token_and_no_member_or_stranger_s_id(api: Api) -> None:
    approval = await asked()
    authorization = await token(Role.FINANCE_OFFICER)
    before = await everything()

    for name, given in (
        ("ApprovalGrant", grant(approval)),
        ("ApprovalRefuse", {"input": {"approvalId": named(approval), "reason": "x"}}),
        ("ApprovalWithdraw", {"input": {"approvalId": named(approval)}}),
        ("Approvals", {}),
        ("AuditTrail", {}),
    ):
        assert await ask(api, name, given, None) == ["UNAUTHENTICATED"]
    wrong = grant(approval, approvalId=GlobalId("Store", 1).encode())
    answer = await ask(api, "ApprovalGrant", wrong, authorization)
    assert isinstance(answer, dict)
    assert answer["code"] == "BAD_USER_INPUT"
    assert await everything() == before


async def test_money_needs_a_recent_confirmation_and_what_was_shown(api: Api) -> None:
    approval = await asked(money_effect_rials=-5_000)
    colleague = await staff.new_operator(Role.FINANCE_OFFICER)
    authorization = await bearer(colleague)

    with clock.frozen(NOON + timedelta(minutes=6)):
        before = await everything()
        late = await ask(api, "ApprovalGrant", grant(approval), authorization)
        assert await everything() == before
    assert isinstance(late, dict)
    assert late["code"] == "REAUTHENTICATION_NEEDED"
    other = await ask(api, "ApprovalGrant", grant(approval, digest="0" * 64), authorization)
    assert isinstance(other, dict)
    assert (other["code"], other["field"]) == ("BAD_USER_INPUT", ["digest"])
    answer = await ask(api, "ApprovalGrant", grant(approval), authorization)
    assert isinstance(answer, dict)
    assert answer["approval"]["granter"]["isMe"] is True


async def test_an_approval_tells_all_that_is_decided_on_and_what_became_of_it(api: Api) -> None:
    approval = await asked(
        money_effect_rials=-5_000, member_id=7, not_before=NOON + timedelta(hours=72)
    )
    authorization = await token(Role.FINANCE_OFFICER)
    await ask(api, "ApprovalGrant", grant(approval), authorization)
    let_everybody_act()
    with clock.frozen(NOON + timedelta(hours=72)):
        await executing.execute(approval.id)

    answer = await ask(
        api, "Approvals", {"state": "FAILED", "kind": REFUSE}, await token(Role.AUDITOR)
    )

    assert isinstance(answer, dict)
    [edge] = answer["edges"]
    row = await database.fetch_one(
        "SELECT id, user_name FROM operator WHERE office <> '' ORDER BY id"
    )
    assert row is not None
    nobody: dict[str, object] = {
        "office": None,
        "roleNames": [],
        "userName": None,
        "operatorId": None,
        "isMe": False,
    }
    granter = {
        "kind": "OPERATOR",
        "name": "همکار",
        "office": "شعبهٔ یک",
        "roleNames": ["Finance officer"],
        "userName": row["user_name"],
        "operatorId": GlobalId("Operator", row["id"]).encode(),
        "isMe": False,
    }
    assert edge["node"] == {
        "id": named(approval),
        "state": "FAILED",
        "stateText": "Failed",
        "kind": REFUSE,
        "kindText": REFUSE,
        "objectType": "Store",
        "objectTypeText": "Store",
        "objectId": "1",
        "objectNodeId": None,
        "memberId": GlobalId("Member", 7).encode(),
        "provinceCode": "IR-07",
        "changes": [
            {"name": "colour", "nameText": "colour", "before": '"red"', "after": '"green"'}
        ],
        "moneyEffectRials": -5000,
        "reason": "رنگ کهنه است",
        "asker": {"kind": "OPERATOR", "name": "Colleague", **nobody},
        "askedAt": "2026-11-21T08:30:00Z",
        "expiresAt": "2026-11-28T08:30:00Z",
        "notBefore": "2026-11-24T08:30:00Z",
        "permission": "stores.iban_approve",
        "digest": approval.digest,
        "noticeText": None,
        "noticeKnownAt": None,
        "granter": granter,
        "grantedAt": "2026-11-21T08:30:00Z",
        "closer": {"kind": "SYSTEM", "name": "System", **nobody},
        "closedAt": "2026-11-24T08:30:00Z",
        "outcomeCode": "TEST_TOO_DARK",
        "outcomeText": "خیلی تیره است.",
        "mayGrant": False,
        "mayRefuse": False,
        "mayWithdraw": False,
    }


async def test_who_asked_withdraws_and_nobody_else(api: Api) -> None:
    colleague = await staff.new_operator(Role.FINANCE_OFFICER)
    authorization = await bearer(colleague)
    approval = await approval_worker.ask(
        operator(colleague.id), kind=REFUSE, approve_permission=Permission.STORES_IBAN_APPROVE
    )
    given = {"input": {"approvalId": named(approval), "reason": "اشتباه بود"}}

    assert await shown(api, authorization) == [named(approval)]
    own = await ask(api, "ApprovalGrant", grant(approval), authorization)
    assert isinstance(own, dict)
    assert own["code"] == "APPROVER_NOT_INDEPENDENT"
    stranger = await ask(api, "ApprovalWithdraw", given, await token(Role.FINANCE_OFFICER))
    assert isinstance(stranger, dict)
    assert stranger["code"] == "NOT_FOUND"
    answer = await ask(api, "ApprovalWithdraw", given, authorization)
    assert isinstance(answer, dict)
    assert answer["approval"]["state"] == "WITHDRAWN"


async def test_an_approval_is_a_node_for_who_would_see_it_in_the_list(api: Api) -> None:
    approval = await asked()
    document = f'{{ node(id: "{named(approval)}") {{ ... on Approval {{ digest }} }} }}'
    found = []
    for roles, scope in (
        ([Role.FINANCE_OFFICER], staff.NATION),
        ([Role.FINANCE_OFFICER], TEHRAN),
        ([Role.SUPPORT], staff.NATION),
    ):
        response = await api.ask(
            document, authorization=f"Bearer {await token(*roles, scope=scope)}"
        )
        found.append(response.json()["data"]["node"])

    assert found == [{"digest": approval.digest}, None, None]


async def test_the_trail_is_for_auditors_with_all_that_it_says(api: Api) -> None:
    approval = await asked(member_id=7)
    colleague = await staff.new_operator(Role.FINANCE_OFFICER)
    authorization = await bearer(colleague)
    await ask(api, "ApprovalGrant", grant(approval), authorization)
    asked_for = {"filter": {"objectType": "Approval", "objectId": str(approval.id)}}
    for role in set(Role) - AUDITORS:
        assert await ask(api, "AuditTrail", asked_for, await token(role)) == ["FORBIDDEN"]

    answer = await ask(api, "AuditTrail", asked_for, await token(Role.AUDITOR))

    assert isinstance(answer, dict)
    granted, question = [edge["node"] for edge in answer["edges"]]
    row = await database.fetch_one("SELECT public_id FROM staff_session ORDER BY id LIMIT 1")
    assert (granted["action"], granted["actor"]) == ("approval.granted", f"operator:{colleague.id}")
    assert granted["memberId"] == GlobalId("Member", 7).encode()
    assert granted["address"] == "127.0.0.1"
    assert row is not None
    assert granted["sessionId"] == str(row["public_id"])
    state = {"name": "state", "nameText": "State", "before": None, "after": '"GRANTED"'}
    assert state in granted["changes"]
    assert (question["action"], question["reason"]) == ("approval.asked", "رنگ کهنه است")
    assert (question["address"], question["sessionId"]) == (None, None)
    wrong = {"filter": {"objectId": "7"}}
    assert await ask(api, "AuditTrail", wrong, await token(Role.AUDITOR)) == ["BAD_USER_INPUT"]


async def test_a_scoped_auditor_sees_the_scope_s_entries(api: Api) -> None:
    await asked()
    await asked(object_id="2", province_code="IR-23")
    await asked(object_id="3", province_code=None)

    async def count(scope: Scope) -> int:
        answer = await ask(
            api,
            "AuditTrail",
            {"filter": {"action": "approval.asked"}},
            await token(Role.AUDITOR, scope=scope),
        )
        assert isinstance(answer, dict)
        return len(answer["edges"])

    assert [await count(scope) for scope in (staff.NATION, FARS, TEHRAN)] == [3, 1, 1]
    assert await count(await association()) == 0
