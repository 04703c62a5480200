"""Operators in whose name something is done later: may they still, and as whom."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from backend.access import acting_operators, break_glass
from backend.core import clock
from backend.core.permissions import Permission, Role, of_roles
from backend.core.viewer import ReauthenticationNeeded, Scope
from backend.infra import db as database
from tests.support import operators as people
from tests.support import staff as support
from tests.support.access import configure_keys
from tests.support.staff import Colleague

NOW = datetime(2026, 11, 21, 8, 30, 15, tzinfo=UTC)
FARS = Scope(province_codes=frozenset({"IR-07"}))
LIFT = Permission.MEMBERS_FREEZE_LIFT_APPROVE


@pytest.fixture(autouse=True)
async def at_noon(db: None, cache: None) -> AsyncIterator[None]:
    del db, cache
    configure_keys()
    with clock.frozen(NOW):
        yield


def actor(colleague: Colleague) -> str:
    return f"operator:{colleague.id}"


async def may(
    who: str,
    permission: str = LIFT,
    *,
    province: str | None = "IR-07",
    association: int | None = None,
) -> bool:
    return await acting_operators.still_may(
        who, permission, province_code=province, association_id=association
    )


async def test_an_active_operator_may_what_the_roles_say_where_the_scope_lies() -> None:
    sara = actor(await support.new_operator(Role.SUPPORT, scope=FARS))
    everywhere = actor(await support.new_operator(Role.SUPPORT))
    numbers = await people.associations("K1", "K2")
    of_one = actor(
        await support.new_operator(Role.SUPPORT, scope=Scope(association_id=numbers["K1"]))
    )

    assert await may(sara)
    assert not await may(sara, Permission.OPERATORS_APPROVE)
    assert not await may(sara, province="IR-23")
    assert not await may(sara, province=None)
    assert await may(everywhere, province=None)
    assert await acting_operators.still_may(
        sara, LIFT, province_code=None, association_id=None, anywhere=True
    )
    assert await may(of_one, association=numbers["K1"])
    assert not await may(of_one, association=numbers["K2"])


@pytest.mark.parametrize("state", ["SUSPENDED", "INVITED", "REQUESTED", "REFUSED"])
async def test_who_is_not_active_may_nothing(state: str) -> None:
    sara = await support.new_operator(Role.SUPPORT)
    await database.execute("UPDATE operator SET state = $2 WHERE id = $1", sara.id, state)

    assert not await may(actor(sara))
    assert await acting_operators.find_viewer(actor(sara)) is None


async def test_a_role_that_was_taken_away_is_gone_at_once() -> None:
    sara = await support.new_operator(Role.SUPPORT)
    assert await may(actor(sara))

    await database.execute("UPDATE operator SET roles = '{OBSERVER}' WHERE id = $1", sara.id)

    assert not await may(actor(sara))


async def test_an_emergency_counts_while_it_runs_and_never_for_a_job() -> None:
    sara = await support.new_operator(Role.SUPPORT)
    await support.new_operator(Role.AUDITOR, phone="+989121234567")
    await break_glass.break_glass(
        viewer=await support.viewer_of(sara), role=Role.LOAN_OFFICER, reason="برای آزمون", hours=1
    )

    assert await may(actor(sara), Permission.LOANS_APPROVE)
    viewer = await acting_operators.find_viewer(actor(sara))
    assert viewer is not None
    assert (viewer.break_glass, viewer.may(Permission.LOANS_APPROVE)) == (None, False)
    with clock.frozen(NOW + timedelta(hours=1)):
        assert not await may(actor(sara), Permission.LOANS_APPROVE)


async def test_the_viewer_of_a_job_is_the_operator_of_this_moment() -> None:
    member_id = await people.member("رضا", "احمدی", national_code="0012345679")
    reza = await support.new_operator(
        Role.SUPPORT, scope=FARS, created_by="operator:99", national_code="0012345679"
    )

    viewer = await acting_operators.find_viewer(actor(reza))

    assert viewer is not None
    assert (viewer.actor, viewer.created_by, viewer.scope) == (actor(reza), "operator:99", FARS)
    assert (viewer.permissions, viewer.own_member_id) == (of_roles([Role.SUPPORT]), member_id)
    with pytest.raises(ReauthenticationNeeded):
        viewer.require_recent()


@pytest.mark.parametrize(
    "name",
    [
        "operator:",
        "operator:x",
        "operator:-1",
        "operator:٣",
        "operator:" + "9" * 30,
        "cashier:1",
        "",
    ],
)
async def test_who_is_no_operator_may_nothing(name: str) -> None:
    assert not await may(name)
    assert await acting_operators.find_viewer(name) is None


async def test_the_system_may() -> None:
    assert await may("system", province=None)
    assert await acting_operators.find_viewer("system") is None
