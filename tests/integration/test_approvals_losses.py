"""Approvals whose maker or granter is suspended, or loses the permission, before they are done."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from backend.approvals import disowning, domain, executing, service
from backend.approvals.domain import Approval, ApprovalMistakeError, ApprovalState
from backend.approvals.refusals import ApprovalClosed
from backend.core import clock
from backend.core.viewer import SYSTEM, Viewer
from backend.infra import db as database
from tests.support import approval_scene
from tests.support.approval_scene import (
    APPROVER,
    MAKER,
    OTHER,
    found,
    granted,
    queued,
    thing,
    trail,
)
from tests.support.approval_worker import APPROVE, ASK, ask

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
async def things(database_url: str, db: None) -> AsyncIterator[None]:
    await approval_scene.set_up(database_url)
    with clock.frozen(NOW):
        yield


async def lose(viewer: Viewer, permission: str) -> None:
    """Take a permission from an account, without a look at what it has asked for or granted."""
    await database.execute("INSERT INTO thing_lost VALUES ($1, $2)", viewer.actor, permission)


async def test_what_was_granted_by_who_may_not_any_more_waits_for_somebody_else() -> None:
    approval = await ask(MAKER)
    await granted(approval)
    await lose(APPROVER, APPROVE)

    await executing.execute(approval.id)

    waits = await found(approval)
    assert (waits.state, waits.granted_by, waits.runs) == (ApprovalState.WAITING, None, 0)
    assert await thing() == ("red", 0)
    assert (await trail())[-1] == ("approval.reopened", "system", "operator:1")
    row = await database.fetch_one("SELECT reason FROM audit_entry ORDER BY id DESC LIMIT 1")
    assert row is not None
    assert row["reason"] == domain.GRANTER_RIGHTS_CHANGED

    await granted(waits, OTHER)
    await executing.execute(approval.id)
    assert await thing() == ("green", 1)


async def test_what_was_asked_by_who_may_not_any_more_is_withdrawn_whoever_granted_it() -> None:
    approval = await ask(MAKER)
    await granted(approval)
    await lose(MAKER, ASK)
    await lose(APPROVER, APPROVE)

    await executing.execute(approval.id)

    gone = await found(approval)
    assert (gone.state, gone.outcome_code) == (ApprovalState.WITHDRAWN, "MAKER_RIGHTS_CHANGED")
    assert (await thing(), await queued()) == (("red", 0), [{"approval_id": approval.id}])
    assert (await trail())[-1] == ("approval.withdrawn", "system", "operator:1")
    marks = await database.fetch("SELECT what FROM thing_mark")
    assert [row["what"] for row in marks] == [f"{approval.id} WITHDRAWN"]


async def test_other_losses_of_maker_and_granter_undo_nothing() -> None:
    approval = await ask(MAKER)
    await granted(approval)
    await lose(MAKER, APPROVE)
    await lose(APPROVER, ASK)

    await executing.execute(approval.id)

    assert await thing() == ("green", 1)


async def test_a_suspension_beside_the_grant_is_seen_when_it_is_done() -> None:
    """The grant has begun when the suspension looks for what to take back, and commits after it."""
    approval = await ask(MAKER)
    is_granted, is_suspended = asyncio.Event(), asyncio.Event()

    async def grant() -> None:
        async with database.transaction():
            await granted(approval)
            is_granted.set()
            await is_suspended.wait()

    async def suspend() -> None:
        await is_granted.wait()
        async with database.transaction():
            await lose(APPROVER, APPROVE)
            await disowning.disown(viewer=SYSTEM, actor=APPROVER.actor)  # sees no grant yet
        is_suspended.set()

    async with asyncio.timeout(30):
        await asyncio.gather(grant(), suspend())
    assert (await found(approval)).state is ApprovalState.GRANTED
    await executing.execute(approval.id)

    assert (await found(approval)).state is ApprovalState.WAITING
    assert await thing() == ("red", 0)


async def test_what_was_asked_beside_a_suspension_is_withdrawn_when_it_is_granted() -> None:
    is_asked, is_suspended = asyncio.Event(), asyncio.Event()

    async def ask_slowly() -> Approval:
        async with database.transaction():
            approval = await ask(MAKER)
            is_asked.set()
            await is_suspended.wait()
        return approval

    async def suspend() -> None:
        await is_asked.wait()
        async with database.transaction():
            await lose(MAKER, ASK)
            await disowning.disown(viewer=SYSTEM, actor=MAKER.actor)  # sees no question yet
        is_suspended.set()

    async with asyncio.timeout(30):
        approval, _ = await asyncio.gather(ask_slowly(), suspend())
    await granted(approval)
    await executing.execute(approval.id)

    assert (await found(approval)).state is ApprovalState.WITHDRAWN
    assert await thing() == ("red", 0)


async def test_a_suspension_waits_for_what_is_being_done() -> None:
    approval = await ask(MAKER, payload={"colour": "green", "gated": True})
    await granted(approval)
    doing = asyncio.create_task(executing.execute(approval.id))
    async with asyncio.timeout(30):
        while not await database.fetch("SELECT FROM thing_mark"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    async def suspend() -> None:
        async with database.transaction():
            await lose(MAKER, ASK)
            await disowning.disown(viewer=SYSTEM, actor=MAKER.actor)

    suspending = asyncio.create_task(suspend())
    await database.execute("INSERT INTO thing_gate VALUES (true)")
    async with asyncio.timeout(30):
        await asyncio.gather(doing, suspending)

    assert (await found(approval)).state is ApprovalState.EXECUTED
    assert await thing() == ("green", 1)


async def test_who_refuses_while_it_is_done_is_too_late() -> None:
    approval = await ask(MAKER, payload={"colour": "green", "gated": True})
    await granted(approval)
    doing = asyncio.create_task(executing.execute(approval.id))
    async with asyncio.timeout(30):
        while not await database.fetch("SELECT FROM thing_mark"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    refusing = asyncio.create_task(
        service.refuse(viewer=OTHER, approval_id=approval.id, reason="نه")
    )
    withdrawing = asyncio.create_task(service.withdraw(viewer=MAKER, approval_id=approval.id))
    await database.execute("INSERT INTO thing_gate VALUES (true)")
    async with asyncio.timeout(30):
        outcomes = await asyncio.gather(doing, refusing, withdrawing, return_exceptions=True)

    assert [type(each) for each in outcomes] == [type(None), ApprovalClosed, ApprovalClosed]
    assert (await found(approval)).state is ApprovalState.EXECUTED
    assert await thing() == ("green", 1)


async def test_a_process_that_can_t_tell_who_may_still_what_does_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    approval = await ask(MAKER)
    await granted(approval)
    monkeypatch.setattr(service._Configured, "still_may", None)

    for _ in range(domain.MAX_RUNS + 2):
        with pytest.raises(ApprovalMistakeError):
            await executing.execute(approval.id)

    waits = await found(approval)
    assert (waits.state, waits.runs) == (ApprovalState.GRANTED, 0)
    assert await thing() == ("red", 0)


async def test_what_was_reopened_is_not_granted_by_the_answer_that_was_lost() -> None:
    """The granter's screen is older than the loss of rights: nothing tells it that its grant still holds."""
    approval = await ask(MAKER)
    await granted(approval)
    await lose(APPROVER, APPROVE)
    await executing.execute(approval.id)

    with clock.frozen(NOW + timedelta(days=8)), pytest.raises(ApprovalClosed):
        await granted(approval)
    assert (await found(approval)).state is ApprovalState.WAITING
