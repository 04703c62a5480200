"""Who may grant which kind of approval: every role, in every scope, by role and by an emergency."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backend import composition
from backend.access import acting_operators, break_glass, operator_requests
from backend.approvals import reading, telling
from backend.approvals import service as approvals
from backend.approvals.domain import Approval, ApprovalState
from backend.approvals.refusals import GrantInEmergency
from backend.core import clock
from backend.core.errors import Forbidden, NotFound
from backend.core.permissions import ROLES, Permission, Role, conflict
from backend.core.viewer import SYSTEM, Scope, Viewer
from backend.infra import db as database
from backend.infra.sms import port as sms
from backend.members import freezing
from backend.settings import Settings
from backend.stores import iban_change
from tests.support import operators, places
from tests.support import staff as support
from tests.support.access import configure_keys
from tests.support.places import draft

NOW = datetime(2026, 11, 21, 8, 30, 15, tzinfo=UTC)
WHY = "برای آزمون"
FARS = Scope(province_codes=frozenset({"IR-07"}))
TEHRAN = Scope(province_codes=frozenset({"IR-23"}))
NEW_IBAN = "IR830130000000000123456790"
KINDS = {
    "operator": Permission.OPERATORS_APPROVE,
    "iban": Permission.STORES_IBAN_APPROVE,
    "freeze": Permission.MEMBERS_FREEZE_LIFT_APPROVE,
}


@pytest.fixture(autouse=True)
async def at_noon(db: None, cache: None, tmp_path: Path) -> AsyncIterator[None]:
    del db, cache
    configure_keys()
    composition.configure_sms(Settings(data_dir=tmp_path))
    approvals.set_still_may(acting_operators.still_may)
    with clock.frozen(NOW):
        yield
    await sms.close()


async def asked(kind: str) -> Approval:
    """Something in Fars that waits."""
    if kind == "operator":
        target = await support.new_operator(Role.OBSERVER, scope=FARS)
        _, found = await operator_requests.ask_for_reset(
            viewer=await support.viewer_of(await support.new_operator(Role.ADMINISTRATOR)),
            operator_id=target.id,
            reason=WHY,
        )
        return found
    if kind == "iban":
        store_id = (
            await places.save(draft("A", province_code="IR-07", phones=("+989121234567",)))
        )["A"]
        found = await iban_change.ask_iban_change(
            viewer=await support.viewer_of(await support.new_operator(Role.STORE_MANAGER)),
            store_id=store_id,
            iban=NEW_IBAN,
            contract_number="C-1",
            reason=WHY,
        )
        await telling.note(found.id, 0, is_told=True)
        return found
    member_id = await operators.member("علی", "احمدی", state="FROZEN")
    return await freezing.ask_freeze_lift(
        viewer=await support.viewer_of(await support.new_operator(Role.SUPPORT)),
        member_id=member_id,
        reason=WHY,
    )


class TakenBackError(Exception):
    """The grant is undone for the next."""


async def granted_and_undone(viewer: Viewer, approval: Approval) -> None:
    async with database.transaction():
        await approvals.grant(viewer=viewer, approval_id=approval.id)
        raise TakenBackError


async def may_grant(viewer: Viewer, approval: Approval) -> bool:
    try:
        await granted_and_undone(viewer, approval)
    except (Forbidden, NotFound):
        return False
    except TakenBackError:
        return True
    raise AssertionError


async def state_of(approval: Approval) -> ApprovalState:
    found = await reading.find_approval(viewer=SYSTEM, approval_id=approval.id)
    assert found is not None
    return found.state


@pytest.mark.parametrize("kind", KINDS)
async def test_who_has_the_permission_and_sees_the_place_grants_and_nobody_else(kind: str) -> None:
    approval = await asked(kind)
    found, wanted = {}, {}
    for role in Role:
        for name, scope in (("nation", support.NATION), ("inside", FARS), ("outside", TEHRAN)):
            viewer = await support.viewer_of(await support.new_operator(role, scope=scope))
            may = KINDS[kind] in ROLES[role] and scope != TEHRAN
            wanted[role, name] = may
            found[role, name] = await may_grant(viewer, approval)

    assert found == wanted
    assert await state_of(approval) is ApprovalState.WAITING


@pytest.mark.parametrize("kind", KINDS)
async def test_an_emergency_of_any_role_grants_none(kind: str) -> None:
    await support.new_operator(Role.AUDITOR, phone="+989121110001")
    approval = await asked(kind)
    for own in (Role.SUPPORT, Role.ADMINISTRATOR):
        for role in set(Role) - {Role.AUDITOR, Role.ADMINISTRATOR}:
            if conflict({own, role}) or KINDS[kind] in ROLES[own]:
                continue
            colleague = await support.new_operator(own)
            await break_glass.break_glass(
                viewer=await support.viewer_of(colleague), role=role, reason=WHY, hours=1
            )
            viewer = await support.viewer_of(colleague)
            refused = GrantInEmergency if KINDS[kind] in ROLES[role] else (Forbidden, NotFound)
            with pytest.raises(refused):
                await approvals.grant(viewer=viewer, approval_id=approval.id)

    assert await state_of(approval) is ApprovalState.WAITING
