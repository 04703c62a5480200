"""Emergencies: how long in all, told to whom, and what is asked for and never granted by one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend import composition
from backend.access import acting_operators, break_glass, operators
from backend.access.emergency_rules import BreakGlassSpent, NobodyWatches
from backend.approvals import executing, reading
from backend.approvals import service as approvals
from backend.approvals.domain import Approval, ApprovalState
from backend.approvals.refusals import GrantInEmergency
from backend.core import clock
from backend.core.errors import Forbidden
from backend.core.locale import Locale
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM, Viewer
from backend.infra import db as database
from backend.infra.sms import port as sms
from backend.settings import Settings
from backend.stores import iban_change
from backend.stores.domain import Settlement, SettlementMode
from tests.support import places, signing_in
from tests.support import staff as support
from tests.support.access import configure_keys
from tests.support.places import draft
from tests.support.staff import Colleague

NOW = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)  # noon in Tehran
HOUR = timedelta(hours=1)
WHY = "سرپرست مرخصی است"
PHONE, STORE_PHONE = "+989121110001", "+989121234567"
OLD, NEW = "IR130130000000000123456789", "IR830130000000000123456790"


@pytest.fixture(autouse=True)
async def at_noon(db: None, cache: None, tmp_path: Path) -> AsyncIterator[None]:
    del db, cache
    configure_keys()
    composition.configure_sms(Settings(data_dir=tmp_path))
    approvals.set_still_may(acting_operators.still_may)
    with clock.frozen(NOW):
        yield
    await sms.close()


@pytest.fixture
async def auditor() -> Colleague:
    return await support.new_operator(Role.AUDITOR, user_name="auditor", phone=PHONE)


async def begin(viewer: Viewer, *, hours: int = 4, role: Role = Role.REGISTRAR) -> None:
    await break_glass.break_glass(viewer=viewer, role=role, reason=WHY, hours=hours)


async def uses() -> int:
    return len(await database.fetch("SELECT FROM break_glass"))


async def waiting_jobs() -> int:
    return len(await database.fetch("SELECT FROM pgqueuer"))


async def test_six_in_a_row_are_no_day(auditor: Colleague) -> None:
    del auditor
    helper = await support.new_operator(Role.SUPPORT)
    await begin(await support.viewer_of(helper))

    for hours_later in (4, 8, 12, 16, 19):
        with clock.frozen(NOW + hours_later * HOUR):
            viewer = await support.viewer_of(helper)
            with pytest.raises(BreakGlassSpent) as refused:
                await begin(viewer)
            assert "ساعت ۱۲:۰۰" in refused.value.hint(Locale.FA)
    assert await uses() == 1
    with clock.frozen(NOW + 24 * HOUR):  # the 24 hours that end with it hold four
        await begin(await support.viewer_of(helper))


async def test_what_is_left_of_the_four_hours_may_be_taken_and_an_end_gives_time_back(
    auditor: Colleague,
) -> None:
    del auditor
    helper = await support.new_operator(Role.SUPPORT)
    await begin(await support.viewer_of(helper), hours=3)
    with clock.frozen(NOW + HOUR):
        await break_glass.end_break_glass(viewer=await support.viewer_of(helper))
        await begin(await support.viewer_of(helper), hours=3)
    with clock.frozen(NOW + 4 * HOUR):
        with pytest.raises(BreakGlassSpent) as refused:
            await begin(await support.viewer_of(helper), hours=1)
        assert "12:00" in refused.value.hint(Locale.EN)
    with clock.frozen(NOW + 24 * HOUR):
        await begin(await support.viewer_of(helper), hours=1)


@pytest.mark.parametrize("auditors", ["none", "phoneless", "suspended"])
async def test_none_begins_where_nobody_would_be_told(auditors: str) -> None:
    if auditors == "phoneless":
        await support.new_operator(Role.AUDITOR)
    if auditors == "suspended":
        gone = await support.new_operator(Role.AUDITOR, phone=PHONE)
        await database.execute("UPDATE operator SET state = 'SUSPENDED' WHERE id = $1", gone.id)
    helper = await support.viewer_of(await support.new_operator(Role.SUPPORT))
    jobs = await waiting_jobs()

    with pytest.raises(NobodyWatches):
        await begin(helper)

    assert (await uses(), await waiting_jobs()) == (0, jobs)


async def test_who_was_an_auditor_when_it_began_is_told_though_suspended_since(
    auditor: Colleague, tmp_path: Path
) -> None:
    admin = await support.viewer_of(await support.new_operator(Role.ADMINISTRATOR))

    await begin(admin, role=Role.SUPPORT)
    await operators.suspend(viewer=admin, operator_id=auditor.id, reason=WHY)
    await signing_in.run_jobs()

    told = [each["text"] for each in signing_in.messages(tmp_path) if each["to"] == PHONE]
    assert len(told) == 1
    assert "دسترسی اضطراری" in told[0]


async def test_two_of_the_support_alone_move_no_stores_money(auditor: Colleague) -> None:
    """The attack: one is a store manager by an emergency and asks, the other a finance officer and grants."""
    del auditor
    store_id = (
        await places.save(
            draft(
                "A",
                phones=(STORE_PHONE,),
                settlement=Settlement(OLD, "C-1", SettlementMode.AT_ONCE),
            )
        )
    )["A"]
    asker, granter = [await support.new_operator(Role.SUPPORT) for _ in range(2)]
    await begin(await support.viewer_of(asker), role=Role.STORE_MANAGER)
    asked = await iban_change.ask_iban_change(
        viewer=await support.viewer_of(asker),
        store_id=store_id,
        iban=NEW,
        contract_number=None,
        reason="نامهٔ فروشگاه",
    )
    await begin(await support.viewer_of(granter), role=Role.FINANCE_OFFICER)
    await signing_in.run_jobs()

    shown = await seen(asked)
    assert shown.after["asked_in_emergency"] == WHY
    second = await support.viewer_of(granter)
    assert not reading.choice_of(second, shown, at=NOW).may_grant
    with pytest.raises(GrantInEmergency):
        await approvals.grant(viewer=second, approval_id=asked.id)
    assert (await seen(asked)).state is ApprovalState.WAITING
    trail = await database.fetch(
        "SELECT after::jsonb -> 'change' ->> 'asked_in_emergency' AS why FROM audit_entry"
        " WHERE action = 'approval.asked'"
    )
    assert [row["why"] for row in trail] == [WHY]

    # A finance officer by role may; three days later the asker's emergency is long over, and it is taken back.
    officer = await support.viewer_of(await support.new_operator(Role.FINANCE_OFFICER))
    await approvals.grant(viewer=officer, approval_id=asked.id)
    with clock.frozen(NOW + 73 * HOUR):
        await executing.execute(asked.id)
    assert (await seen(asked)).state is ApprovalState.WITHDRAWN
    found = await iban_change.find_settlement(viewer=SYSTEM, store_id=store_id)
    assert found is not None
    assert found.iban_masked.endswith(OLD[-4:])


async def test_who_was_suspended_since_the_request_began_takes_no_role(auditor: Colleague) -> None:
    del auditor
    helper = await support.new_operator(Role.SUPPORT)
    already_read = await support.viewer_of(helper)
    admin = await support.viewer_of(await support.new_operator(Role.ADMINISTRATOR))

    await operators.suspend(viewer=admin, operator_id=helper.id, reason=WHY)

    with pytest.raises(Forbidden):
        await begin(already_read)
    assert await uses() == 0


@pytest.mark.parametrize("is_suspended_first", [True, False])
async def test_what_is_asked_beside_a_suspension_is_refused_or_taken_back(
    auditor: Colleague, *, is_suspended_first: bool
) -> None:
    """Whichever takes the account first: nothing that the suspended one asked for waits."""
    del auditor
    store_id = (await places.save(draft("A", phones=(STORE_PHONE,))))["A"]
    maker = await support.new_operator(Role.STORE_MANAGER)
    already_read = await support.viewer_of(maker)
    admin = await support.viewer_of(await support.new_operator(Role.ADMINISTRATOR))

    async def ask() -> Approval:
        return await iban_change.ask_iban_change(
            viewer=already_read, store_id=store_id, iban=NEW, contract_number="C-1", reason=WHY
        )

    async def suspend() -> None:
        await operators.suspend(viewer=admin, operator_id=maker.id, reason=WHY)

    first, second = (suspend, ask) if is_suspended_first else (ask, suspend)
    has_begun = asyncio.Event()

    async def wait_and_do() -> None:
        await has_begun.wait()
        await second()

    later = asyncio.create_task(wait_and_do())  # outside of the transaction of the first
    async with database.transaction():
        await first()
        has_begun.set()
        await waits_for_a_lock()
    tried = (await asyncio.gather(later, return_exceptions=True))[0]

    states = [row["state"] for row in await database.fetch("SELECT state FROM approval")]
    assert isinstance(tried, Forbidden) is is_suspended_first
    assert states == ([] if is_suspended_first else ["WITHDRAWN"])


async def waits_for_a_lock() -> None:
    """Until another transaction waits for this one."""
    for _ in range(2_000):
        rows = await database.fetch("SELECT FROM pg_locks WHERE NOT granted")
        if rows:
            return
        await asyncio.sleep(0)
    raise AssertionError("nobody waits")


async def seen(approval: Approval) -> Approval:
    found = await reading.find_approval(viewer=SYSTEM, approval_id=approval.id)
    assert found is not None
    return found
