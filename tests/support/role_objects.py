"""What is asked about on the walk through all roles."""

import uuid
from collections.abc import Mapping
from datetime import timedelta

from backend.access import break_glass, enrolment, phone_change, store_staff
from backend.access import repository_operator_secrets as secrets_repository
from backend.access import repository_operators as operators_repository
from backend.access import repository_store_staff as till_repository
from backend.access.staff import OperatorState
from backend.approvals import reading, telling
from backend.approvals import service as approvals
from backend.audit import service as audit
from backend.core import clock, origin
from backend.core.ids import GlobalId
from backend.core.origin import Origin
from backend.core.permissions import Permission, Role
from backend.core.viewer import SYSTEM, Scope
from backend.infra import db
from backend.members import freezing
from tests.support import member_scene, operators, places, role_askers, staff
from tests.support.member_scene import IBAN, NOON, Scene
from tests.support.role_askers import ASSOCIATION, INSIDE, Asker
from tests.support.staff import PASSWORD

CODE, PHONE = "A-07-1", "+989121234599"
LAST_NAME, FROZEN, MOVING = "احمدی", "یخ‌زده", "جابه‌جا"
WHY = "نامهٔ اداره"
Given = dict[str, str | int]


async def made(
    scene: Scene, askers: Mapping[str, Asker], units: Mapping[str, int]
) -> tuple[Given, list[str]]:
    """What stands for `<…>` in a document, and what no answer to an outsider may hold."""
    target = await staff.new_operator(
        Role.OBSERVER, scope=Scope(province_codes=frozenset({"IR-07"})), user_name="target"
    )
    await secrets_repository.save_signed_in(target.id, at=NOON)
    resting = await staff.new_operator(
        Role.OBSERVER, scope=Scope(province_codes=frozenset({"IR-07"})), user_name="resting"
    )
    await operators_repository.save_state(resting.id, OperatorState.SUSPENDED)
    helper = await staff.new_operator(
        Role.SUPPORT, scope=Scope(province_codes=frozenset({"IR-07"})), user_name="helper"
    )
    await staff.new_operator(Role.AUDITOR, user_name="watcher", phone="+989121234599")
    helping = await staff.viewer_of(helper)
    await break_glass.break_glass(viewer=helping, role=Role.REGISTRAR, reason=WHY, hours=1)
    await break_glass.end_break_glass(viewer=await staff.viewer_of(helper))
    await _invited("invited.one")
    begun = await _invited("invited.two", begin=True)
    frozen, moving = await _member(FROZEN, "77000011"), await _member(MOVING, "77000012")
    await db.execute("UPDATE member SET state = 'FROZEN' WHERE id = $1", frozen)
    asked = await phone_change.ask_phone_change(
        viewer=await role_askers.viewer_of(askers[Role.REGISTRAR]),
        member_id=moving,
        phone="09121234588",
        reason=WHY,
    )
    await telling.note(asked.id, 0, is_told=True)
    shown = await reading.find_approval(viewer=SYSTEM, approval_id=asked.id)
    assert shown is not None
    await _closed_approval(askers)
    origin.bind(Origin(staff.ADDRESS, uuid.UUID(int=1)))
    await audit.record(
        viewer=SYSTEM,
        action="test.everything",
        object_type="Member",
        object_id=str(scene.member_id),
        member_id=scene.member_id,
        before={"state": "FROZEN"},
        after={"state": "ACTIVE"},
        reason=WHY,
        on_behalf_of="operator:1",
        province_code="IR-07",
        association_id=units[ASSOCIATION],
    )
    keeper = await role_askers.viewer_of(askers[Role.STORE_MANAGER])
    code = await store_staff.give_device_code(
        viewer=keeper, store_id=scene.stores["hafez"], name="صندوق ۲"
    )
    revoked = await store_staff.give_device_code(
        viewer=keeper, store_id=scene.stores["hafez"], name="صندوق ۳"
    )
    await till_repository.revoke_device(revoked.device.id, at=clock.now())
    given: Given = {
        "version": await _version("hafez"),
        "closed_version": await _version("closed"),
        "store": places.store_id(scene.stores["hafez"]),
        "closed_store": places.store_id(scene.stores["closed"]),
        "category": places.category_id("grocery"),
        "member": GlobalId("Member", scene.member_id).encode(),
        "frozen": GlobalId("Member", frozen).encode(),
        "moving": GlobalId("Member", moving).encode(),
        "purchase": scene.own_id("Purchase", scene.purchases["running"]),
        "instalment": scene.own_id("Instalment", scene.instalments[0]),
        "application": scene.own_id("LoanApplication", scene.applications["repaying"]),
        "notice": scene.own_id("Notice", scene.notices["loan"]),
        "round": GlobalId("LoanRound", scene.rounds["past"]).encode(),
        "approval": GlobalId("Approval", asked.id).encode(),
        "digest": shown.shown_digest,
        "target": GlobalId("Operator", target.id).encode(),
        "resting": GlobalId("Operator", resting.id).encode(),
        "password": PASSWORD,
        "target_totp": target.code(),
        "device_code": code.code,
        "invitation": "ABCD-EFGH-JKMN",
        "begun_totp": begun,
        "national_code": member_scene.NATIONAL_CODE,
        "phone": member_scene.PHONE,
        "iban": IBAN,
        "reason": WHY,
    }
    secrets = [
        LAST_NAME,
        FROZEN,
        MOVING,
        "10000001",
        member_scene.PHONE,
        IBAN,
        IBAN[-4:] + '"',
        "پلاک ۷",
        shown.shown_digest,
        "صندوق",
        "helper",
        "target",
    ]
    return given, secrets


async def _version(code: str) -> int:
    row = await db.fetch_one("SELECT version FROM store WHERE code = $1", code)
    assert row is not None
    return int(row["version"])


async def _member(last_name: str, pension_number: str) -> int:
    return await operators.member(
        "علی", last_name, pension_number=pension_number, phone=PHONE, association_code=CODE
    )


async def _invited(user_name: str, *, begin: bool = False) -> str:
    """An account that waits for its owner; where it is begun, the one-time password that would confirm it."""
    colleague = await staff.new_operator(Role.OBSERVER, user_name=user_name)
    await operators_repository.save_state(colleague.id, OperatorState.INVITED)
    await secrets_repository.save_invitation(
        colleague.id,
        digest=enrolment.digest("ABCD-EFGH-JKMN"),
        expires_at=NOON + timedelta(hours=1),
    )
    return colleague.code() if begin else ""


async def _closed_approval(askers: Mapping[str, Asker]) -> None:
    """One that was granted and then refused: it has all that an approval can have."""
    member_id = await _member("بسته", "77000013")
    maker = await role_askers.viewer_of(askers[f"{Role.SUPPORT} of {INSIDE}"])
    asked = await approvals.ask(
        viewer=maker,
        kind=freezing.KIND,
        object_type="Member",
        object_id=str(member_id),
        member_id=member_id,
        payload={},
        before={"state": "FROZEN"},
        after={"state": "ACTIVE"},
        money_effect_rials=-1,
        reason=WHY,
        approve_permission=Permission.MEMBERS_FREEZE_LIFT_APPROVE,
        fingerprint="none",
        province_code="IR-07",
        association_id=None,
        expires_in=timedelta(days=1),
        not_before=NOON + timedelta(days=2),
    )
    approver = await role_askers.viewer_of(askers[Role.SUPPORT])
    await approvals.grant(viewer=approver, approval_id=asked.id)
    await approvals.refuse(viewer=approver, approval_id=asked.id, reason=WHY)
