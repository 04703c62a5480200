"""What an approval hides is shown whole to who may decide it, each time with an entry in the trail."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backend.approvals import revealing, service
from backend.approvals.domain import Approval, ApproverNotIndependent
from backend.approvals.refusals import ApprovalClosed
from backend.core import clock
from backend.core.errors import DomainError, Forbidden, NotFound, Unauthenticated
from backend.core.permissions import Permission
from backend.core.viewer import ANONYMOUS, SYSTEM, OwnFile, ReauthenticationNeeded, Scope, Viewer
from backend.infra import db as database
from tests.support import approval_scene
from tests.support.approval_scene import APPROVER, MAKER, granted, trail
from tests.support.approval_worker import APPROVE, ask, operator

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
READ = frozenset({Permission.APPROVALS_READ})
TEHRAN = Scope(province_codes=frozenset({"IR-23"}))


@pytest.fixture(autouse=True)
async def things(database_url: str, db: None) -> AsyncIterator[None]:
    await approval_scene.set_up(database_url)
    with clock.frozen(NOW):
        yield


async def reveal(approval: Approval, viewer: Viewer = APPROVER) -> tuple[tuple[str, str], ...]:
    return await revealing.reveal(viewer=viewer, approval_id=approval.id)


async def test_who_decides_sees_what_the_kind_lets_be_seen_and_it_is_recorded() -> None:
    approval = await ask(MAKER, payload={"colour": "green", "shade": None, "secret": "s3cret"})

    assert await reveal(approval) == (("colour", "green"),)
    await granted(approval)
    assert await reveal(approval) == (("colour", "green"),)

    assert await trail() == [
        ("approval.asked", "operator:1", None),
        ("approval.revealed", "operator:2", None),
        ("approval.granted", "operator:2", None),
        ("approval.revealed", "operator:2", None),
    ]
    rows = await database.fetch("SELECT t::text AS row FROM audit_entry t")
    assert not [row for row in rows if "s3cret" in row["row"]]


async def test_whoever_may_not_decide_sees_nothing_and_leaves_no_entry() -> None:
    approval = await ask(MAKER, province_code="IR-07", member_id=7, money_effect_rials=0)
    recent = replace(APPROVER, reauthenticated_at=NOW)
    refusals: list[tuple[type[DomainError], Viewer]] = [
        (Unauthenticated, ANONYMOUS),
        (Forbidden, SYSTEM),
        (ApproverNotIndependent, replace(MAKER, reauthenticated_at=NOW)),
        (ApproverNotIndependent, replace(recent, created_by="operator:1")),
        (NotFound, replace(recent, scope=TEHRAN)),
        (NotFound, operator(2, permissions=READ, reauthenticated_at=NOW)),
        (Forbidden, operator(2, permissions=READ | {Permission.AUDIT_READ})),
        (Forbidden, operator(2, permissions=frozenset({APPROVE}))),
        (OwnFile, replace(recent, own_member_id=7)),
        (ReauthenticationNeeded, APPROVER),
        (ReauthenticationNeeded, replace(recent, reauthenticated_at=NOW - timedelta(minutes=6))),
    ]

    for error, viewer in refusals:
        with pytest.raises(error):
            await reveal(approval, viewer)

    assert [action for action, _, _ in await trail()] == ["approval.asked"]
    assert await reveal(approval, recent) == (("colour", "green"),)


async def test_what_is_closed_has_nothing_to_show() -> None:
    approval = await ask(MAKER)
    await service.withdraw(viewer=MAKER, approval_id=approval.id)

    with pytest.raises(ApprovalClosed):
        await reveal(approval)
