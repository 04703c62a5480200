"""Approvals of which others must be told: none is granted before it is known who was, nor done for a while after."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from backend.approvals import domain, executing, service, telling
from backend.approvals.domain import Approval, ApprovalMistakeError, ApprovalState
from backend.approvals.notice import MustTell, NoticePending, TellRule
from backend.approvals.refusals import ApprovalNotAsShown
from backend.core import clock
from backend.infra import db as database
from backend.infra.sms import port as sms
from tests.support import approval_scene, choosy_gateway
from tests.support.approval_scene import APPROVER, MAKER, found, queued, thing, trail
from tests.support.approval_worker import ask

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
COOLING = 72 * HOUR
FIRST, SECOND = "+989121234567", "+989121234568"


@pytest.fixture(autouse=True)
async def things(database_url: str, db: None) -> AsyncIterator[None]:
    await approval_scene.set_up(database_url)
    with clock.frozen(NOW):
        yield
    await sms.close()


async def asked(count: int = 2, rule: TellRule = TellRule.REACHED) -> Approval:
    return await ask(MAKER, must_tell=MustTell(count=count, cooling=COOLING, rule=rule))


async def grant(approval: Approval) -> Approval:
    """Grant it as it is shown now."""
    shown = (await found(approval)).shown_digest
    return await service.grant(viewer=APPROVER, approval_id=approval.id, digest=shown)


async def tell(approval: Approval, place: int, number: str | None) -> None:
    await telling.tell(
        approval_id=approval.id, place=place, to=number, text="خبر", message_id=f"told-{place}"
    )


async def test_where_nobody_was_told_yet_nobody_grants_and_nothing_is_done() -> None:
    approval = await asked()
    await telling.note(approval.id, 0, is_told=True)

    with pytest.raises(NoticePending):
        await grant(approval)
    with clock.frozen(NOW + 73 * HOUR), pytest.raises(NoticePending):
        await grant(approval)

    assert await queued() == []
    assert await thing() == ("red", 0)
    assert (await found(approval)).state is ApprovalState.WAITING


async def test_it_cools_from_when_the_last_was_told() -> None:
    approval = await asked()
    await telling.note(approval.id, 0, is_told=True)
    with clock.frozen(NOW + 5 * HOUR):
        await telling.note(approval.id, 1, is_told=True)
        granted = await grant(approval)
    assert granted.begins_at == NOW + 5 * HOUR + COOLING

    for hours, wanted in ((76, ("red", 0)), (77, ("green", 1))):
        with clock.frozen(NOW + hours * HOUR):
            await executing.sweep()
            assert await queued() == ([{"approval_id": approval.id}] if hours == 77 else [])
            await executing.execute(approval.id)
        assert await thing() == wanted


async def test_who_was_not_told_is_part_of_what_is_granted() -> None:
    approval = await asked()
    before = (await found(approval)).shown_digest
    await telling.note(approval.id, 0, is_told=True)
    await telling.note(approval.id, 1, is_told=False)

    for shown in (before, approval.digest):
        with pytest.raises(ApprovalNotAsShown):
            await service.grant(viewer=APPROVER, approval_id=approval.id, digest=shown)

    assert (await grant(approval)).state is ApprovalState.GRANTED


async def test_where_one_has_to_know_and_none_does_it_fails_and_says_what_to_do() -> None:
    approval = await asked()
    await telling.note(approval.id, 0, is_told=False)
    assert (await found(approval)).is_open
    await telling.note(approval.id, 1, is_told=False)

    failed = await found(approval)
    assert (failed.state, failed.outcome_code) == (ApprovalState.FAILED, "NOBODY_TOLD")
    assert failed.outcome_text is not None
    assert "۷۲ ساعت پس از آن دوباره درخواست دهید" in failed.outcome_text
    assert [action for action, _, _ in await trail()] == [
        "approval.asked",
        "approval.not_told",
        "approval.not_told",
        "approval.failed",
    ]
    marks = await database.fetch("SELECT what FROM thing_mark")
    assert [row["what"] for row in marks] == [f"{approval.id} FAILED"]


@pytest.mark.parametrize("count", [0, 1])
async def test_where_trying_is_enough_it_waits_from_the_asking(count: int) -> None:
    approval = await asked(count, TellRule.TRIED)
    with clock.frozen(NOW + 7 * HOUR):
        if count:
            await telling.note(approval.id, 0, is_told=False)
        granted = await grant(approval)

    assert granted.begins_at == NOW + COOLING
    with clock.frozen(NOW + COOLING - timedelta(seconds=1)):
        await executing.execute(approval.id)
        assert await thing() == ("red", 0)
    with clock.frozen(NOW + COOLING):
        await executing.execute(approval.id)
    assert await thing() == ("green", 1)


async def test_what_is_noted_stays_and_is_of_those_alone_who_must_be_told() -> None:
    approval = await asked()
    await telling.note(approval.id, 0, is_told=False)
    await telling.note(approval.id, 0, is_told=True)
    with pytest.raises(ApprovalMistakeError):
        await telling.note(approval.id, 2, is_told=True)
    nobody = await ask(MAKER, object_id="2")
    with pytest.raises(ApprovalMistakeError):
        await telling.note(nobody.id, 0, is_told=True)

    seen = await found(approval)
    assert (seen.told_places, seen.untold_places, seen.notice_known_at) == ((), (0,), None)


async def test_one_bad_number_keeps_no_other_from_knowing() -> None:
    approval = await asked()
    gateway = choosy_gateway.configure(lost={FIRST})

    with pytest.raises(sms.SmsUncertain):
        await tell(approval, 0, FIRST)
    await tell(approval, 1, SECOND)
    await tell(approval, 1, SECOND)

    assert gateway.sent == [SECOND]
    assert (await found(approval)).is_notice_pending
    with clock.frozen(NOW + telling.TRIED_FOR):
        await tell(approval, 0, FIRST)
    seen = await found(approval)
    assert (seen.told_places, seen.untold_places) == ((1,), (0,))


async def test_who_is_refused_for_good_or_gone_could_not_be_told() -> None:
    approval = await asked()
    choosy_gateway.configure(refused={FIRST})

    await tell(approval, 0, FIRST)
    await tell(approval, 1, None)

    assert (await found(approval)).untold_places == (0, 1)
    assert (await found(approval)).outcome_code == "NOBODY_TOLD"


@pytest.mark.parametrize(
    "change",
    [
        "state = 'GRANTED', granted_by = 'operator:2', granted_at = now()",  # before it is known
        "told_places = '{}'",
        "told_places = '{0,1}', untold_places = '{1}'",
        "tell_rule = 'TRIED'",
        "cooling_seconds = 0",
        "notice_known_at = now(), ready_at = now()",
    ],
)
async def test_the_database_lets_nobody_pass_the_notice_by(change: str) -> None:
    approval = await asked()
    await telling.note(approval.id, 0, is_told=True)

    with pytest.raises((asyncpg.CheckViolationError, asyncpg.RestrictViolationError)):
        await database.execute(f"UPDATE approval SET {change} WHERE id = $1", approval.id)


@pytest.mark.parametrize("move", ["moved_to = 'IR-23'", "moved_into = 6"])
async def test_what_moves_while_it_waits_is_not_done(move: str) -> None:
    """Who granted it saw it where it lay then."""
    approval = await ask(MAKER, province_code="IR-07", association_id=5)
    await database.execute(f"UPDATE thing SET {move} WHERE id = 1")
    await grant(approval)

    await executing.execute(approval.id)

    assert (await found(approval)).state is ApprovalState.VOID
    assert await thing() == ("red", 0)


@pytest.mark.parametrize("move", ["moved_to = 'IR-23'", "moved_into = 6"])
async def test_what_moves_while_it_cools_is_not_done(move: str) -> None:
    approval = await ask(MAKER, province_code="IR-07", association_id=5, not_before=NOW + COOLING)
    await grant(approval)
    await database.execute(f"UPDATE thing SET {move} WHERE id = 1")

    with clock.frozen(NOW + COOLING):
        await executing.execute(approval.id)

    assert (await found(approval)).state is ApprovalState.VOID
    assert await thing() == ("red", 0)


async def test_what_was_asked_before_there_were_notices_keeps_its_digest() -> None:
    approval = await ask(MAKER)

    assert approval.shown_digest == approval.digest == domain.digest_of(approval)
    assert (await grant(approval)).state is ApprovalState.GRANTED
