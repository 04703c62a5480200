"""Approvals of real accounts: who is suspended beside a grant, and administrators who see provinces only."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from backend import composition
from backend.access import operator_requests, operators
from backend.access.staff import OperatorState
from backend.approvals import executing, reading
from backend.approvals import service as approvals
from backend.approvals.domain import Approval, ApprovalState, ApproverNotIndependent
from backend.core import clock
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM, Scope, Viewer
from backend.infra import db as database
from backend.settings import Settings
from tests.support import staff

NOW = datetime(2026, 11, 21, 8, 30, 15, tzinfo=UTC)
WHY = "برای آزمون"
TWO_PROVINCES = Scope(province_codes=frozenset({"IR-07", "IR-23"}))


@pytest.fixture(autouse=True)
async def at_noon(db: None, cache: None) -> AsyncIterator[None]:
    del db, cache
    composition.configure(Settings())  # which says who may still do what
    with clock.frozen(NOW):
        yield


async def administrator(scope: Scope = staff.NATION) -> tuple[int, Viewer]:
    colleague = await staff.new_operator(Role.ADMINISTRATOR, scope=scope)
    return colleague.id, await staff.viewer_of(colleague)


async def reset_asked(maker: Viewer, scope: Scope = staff.NATION) -> Approval:
    """A reset of an account of the scope, which `maker` asks for."""
    target = await staff.new_operator(Role.SUPPORT, scope=scope)
    _, asked = await operator_requests.ask_for_reset(
        viewer=maker, operator_id=target.id, reason=WHY
    )
    return asked


async def state_of(approval: Approval) -> ApprovalState:
    found = await reading.find_approval(viewer=SYSTEM, approval_id=approval.id)
    assert found is not None
    return found.state


async def target_state(approval: Approval) -> OperatorState:
    found = await operators.find_operator(viewer=SYSTEM, operator_id=int(approval.object_id))
    assert found is not None
    return found.state


async def test_who_is_suspended_beside_the_grant_has_nothing_done() -> None:
    """The suspension looks for what to take back before the grant is committed."""
    _, maker = await administrator()
    granter_id, granter = await administrator()
    _, third = await administrator()
    approval = await reset_asked(maker)
    is_granted, is_suspended = asyncio.Event(), asyncio.Event()

    async def grant() -> None:
        async with database.transaction():
            await approvals.grant(viewer=granter, approval_id=approval.id)
            is_granted.set()
            await is_suspended.wait()

    async def suspend() -> None:
        await is_granted.wait()
        await operators.suspend(viewer=third, operator_id=granter_id, reason=WHY)
        is_suspended.set()

    async with asyncio.timeout(30):
        await asyncio.gather(grant(), suspend())
    assert await state_of(approval) is ApprovalState.GRANTED

    await executing.execute(approval.id)

    assert await state_of(approval) is ApprovalState.WAITING
    assert await target_state(approval) is OperatorState.ACTIVE
    await approvals.grant(viewer=third, approval_id=approval.id)
    await executing.execute(approval.id)
    assert await target_state(approval) is OperatorState.INVITED


async def test_what_lies_in_no_single_province_may_be_asked_for_by_who_sees_its_provinces() -> None:
    _, maker = await administrator(TWO_PROVINCES)
    _, granter = await administrator()
    asked = await reset_asked(maker, TWO_PROVINCES)
    assert asked.province_code is None

    await approvals.grant(viewer=granter, approval_id=asked.id)
    await executing.execute(asked.id)

    assert await state_of(asked) is ApprovalState.EXECUTED
    assert await target_state(asked) is OperatorState.INVITED


async def test_an_administrator_grants_no_rights_to_the_own_account() -> None:
    _, maker = await administrator()
    own_id, own = await administrator(TWO_PROVINCES)
    found = await operators.find_operator(viewer=SYSTEM, operator_id=own_id)
    assert found is not None
    _, asked = await operator_requests.ask_for_roles(
        viewer=maker,
        operator_id=own_id,
        roles=frozenset({Role.ADMINISTRATOR}),
        scope=Scope(province_codes=frozenset({"IR-07"})),
        office=None,
        reason=WHY,
    )
    national = Viewer(
        own.kind,
        own.actor,
        permissions=own.permissions,
        scope=staff.NATION,
        reauthenticated_at=NOW,
    )

    with pytest.raises(ApproverNotIndependent):
        await approvals.grant(viewer=national, approval_id=asked.id)

    assert await state_of(asked) is ApprovalState.WAITING
    assert await operators.find_operator(viewer=SYSTEM, operator_id=own_id) == found
