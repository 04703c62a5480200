"""Who may grant what is asked for an operator: only who sees the present scope and the wanted one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from backend.access import acting_operators, operator_requests, operators
from backend.access import jobs as access_jobs
from backend.access.operator_requests import NewOperator
from backend.access.staff import Operator, OperatorState
from backend.approvals import executing
from backend.approvals import service as approvals
from backend.approvals.domain import Approval
from backend.core import clock
from backend.core.errors import NotFound
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM, Scope, Viewer
from backend.infra import db as database
from tests.support import operators as people
from tests.support import staff as support
from tests.support.access import configure_keys

NOW = datetime(2026, 11, 21, 8, 30, 15, tzinfo=UTC)
WHY = "برای آزمون"
NATION = Scope(nation=True)
FARS = Scope(province_codes=frozenset({"IR-07"}))
YAZD = Scope(province_codes=frozenset({"IR-21"}))
BOTH = Scope(province_codes=frozenset({"IR-07", "IR-21"}))
ONE, TWO = "the association K1", "the association K2"  # their ids are not known before


@pytest.fixture(autouse=True)
async def at_noon(db: None, cache: None) -> AsyncIterator[None]:
    del db, cache
    configure_keys()
    assert operator_requests.ROLES in approvals.registered(), access_jobs
    approvals.set_still_may(acting_operators.still_may)
    with clock.frozen(NOW):
        yield


@pytest.fixture
async def numbers() -> dict[str, int]:
    found = await people.associations("K1", "K2")
    return {ONE: found["K1"], TWO: found["K2"]}


def scope_of(named: Scope | str, numbers: dict[str, int]) -> Scope:
    return Scope(association_id=numbers[named]) if isinstance(named, str) else named


async def administrator(scope: Scope) -> Viewer:
    return await support.viewer_of(await support.new_operator(Role.ADMINISTRATOR, scope=scope))


async def operator_now(operator_id: int) -> Operator:
    found = await operators.find_operator(viewer=SYSTEM, operator_id=operator_id)
    assert found is not None
    return found


async def decided(approver: Viewer, approval: Approval, *, is_let: bool) -> None:
    """The approver grants it and it is done, or there is no such approval for the approver and nothing is queued."""
    if is_let:
        await approvals.grant(viewer=approver, approval_id=approval.id)
        await executing.execute(approval.id)
        return
    for decide in (
        approvals.grant(viewer=approver, approval_id=approval.id),
        approvals.refuse(viewer=approver, approval_id=approval.id, reason=WHY),
    ):
        with pytest.raises(NotFound):
            await decide
    row = await database.fetch_one("SELECT state FROM approval WHERE id = $1", approval.id)
    assert row is not None
    assert row["state"] == "WAITING"
    assert await database.fetch("SELECT FROM pgqueuer") == []


@pytest.mark.parametrize(
    ("present", "wanted", "approver", "is_let"),
    [
        (FARS, FARS, FARS, True),  # other roles, and the scope stays
        (FARS, FARS, YAZD, False),
        (FARS, YAZD, FARS, False),  # sees the present one alone
        (FARS, YAZD, YAZD, False),  # sees the wanted one alone
        (FARS, BOTH, FARS, False),
        (FARS, NATION, FARS, False),
        (NATION, FARS, FARS, False),
        (ONE, ONE, ONE, True),
        (ONE, TWO, ONE, False),
        (ONE, FARS, ONE, False),
        (FARS, ONE, FARS, False),
        (FARS, NATION, NATION, True),
        (NATION, ONE, NATION, True),
        (BOTH, YAZD, NATION, True),
    ],
)
async def test_roles_are_granted_by_who_sees_the_present_and_the_wanted_scope(
    present: Scope | str,
    wanted: Scope | str,
    approver: Scope | str,
    is_let: bool,
    numbers: dict[str, int],
) -> None:
    before, after = scope_of(present, numbers), scope_of(wanted, numbers)
    sara = await support.new_operator(Role.SUPPORT, scope=before)
    _, approval = await operator_requests.ask_for_roles(
        viewer=await administrator(NATION),
        operator_id=sara.id,
        roles=frozenset({Role.OBSERVER}),
        scope=after,
        office=None,
        reason=WHY,
    )

    await decided(await administrator(scope_of(approver, numbers)), approval, is_let=is_let)

    found = await operator_now(sara.id)
    if is_let:
        assert (found.roles, found.scope) == (frozenset({Role.OBSERVER}), after)
    else:
        assert (found.roles, found.scope) == (frozenset({Role.SUPPORT}), before)


@pytest.mark.parametrize(
    ("wanted", "approver", "is_let"),
    [
        (FARS, FARS, True),
        (FARS, YAZD, False),
        (BOTH, FARS, False),
        (NATION, FARS, False),
        (ONE, ONE, True),
        (ONE, TWO, False),
        (ONE, FARS, False),
        (BOTH, NATION, True),
        (NATION, NATION, True),
    ],
)
async def test_an_account_is_granted_by_who_sees_its_scope(
    wanted: Scope | str, approver: Scope | str, is_let: bool, numbers: dict[str, int]
) -> None:
    new = NewOperator(
        user_name="sara",
        name="سارا",
        office="شعبهٔ شیراز",
        roles=frozenset({Role.SUPPORT}),
        scope=scope_of(wanted, numbers),
        national_code="0012345679",
        phone="+989121234567",
    )
    operator, approval = await operator_requests.ask_for_operator(
        viewer=await administrator(NATION), new=new, reason=WHY
    )

    await decided(await administrator(scope_of(approver, numbers)), approval, is_let=is_let)

    state = (await operator_now(operator.id)).state
    assert state is (OperatorState.INVITED if is_let else OperatorState.REQUESTED)


@pytest.mark.parametrize(
    ("present", "approver", "is_let"),
    [
        (FARS, FARS, True),
        (FARS, YAZD, False),
        (BOTH, YAZD, False),
        (NATION, FARS, False),
        (ONE, ONE, True),
        (ONE, TWO, False),
        (NATION, NATION, True),
    ],
)
async def test_a_reset_is_granted_by_who_sees_the_scope(
    present: Scope | str, approver: Scope | str, is_let: bool, numbers: dict[str, int]
) -> None:
    sara = await support.new_operator(Role.SUPPORT, scope=scope_of(present, numbers))
    _, approval = await operator_requests.ask_for_reset(
        viewer=await administrator(NATION), operator_id=sara.id, reason=WHY
    )

    await decided(await administrator(scope_of(approver, numbers)), approval, is_let=is_let)

    state = (await operator_now(sara.id)).state
    assert state is (OperatorState.INVITED if is_let else OperatorState.ACTIVE)


@pytest.mark.parametrize("who", ["maker", "granter"])
async def test_who_sees_less_when_it_is_done_has_given_nothing(who: str) -> None:
    sara = await support.new_operator(Role.SUPPORT, scope=FARS)
    people_of = {
        each: await support.new_operator(Role.ADMINISTRATOR) for each in ("maker", "granter")
    }
    viewers = {each: await support.viewer_of(found) for each, found in people_of.items()}
    _, approval = await operator_requests.ask_for_roles(
        viewer=viewers["maker"],
        operator_id=sara.id,
        roles=frozenset({Role.OBSERVER}),
        scope=NATION,
        office=None,
        reason=WHY,
    )
    await approvals.grant(viewer=viewers["granter"], approval_id=approval.id)
    await database.execute(
        "UPDATE operator SET scope_nation = false, scope_province_codes = '{IR-07}' WHERE id = $1",
        people_of[who].id,
    )

    await executing.execute(approval.id)

    found = await operator_now(sara.id)
    assert (found.roles, found.scope) == (frozenset({Role.SUPPORT}), FARS)
    row = await database.fetch_one("SELECT state FROM approval WHERE id = $1", approval.id)
    assert row is not None
    assert row["state"] == {"maker": "FAILED", "granter": "WAITING"}[who]
