"""A store's account is changed by two people, three days later, and the store knows from the first moment."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend import composition
from backend.approvals import executing, reading, revealing, telling
from backend.approvals import service as approvals
from backend.approvals.domain import Approval, ApprovalState, ApproverNotIndependent
from backend.approvals.notice import NoticePending
from backend.approvals.refusals import ApprovalAlreadyAsked, ApprovalClosed
from backend.core import clock
from backend.core.errors import DomainError, Forbidden, NotFound
from backend.core.identifiers import InvalidIban
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM, ReauthenticationNeeded, Scope, Viewer
from backend.infra import db as database
from backend.infra.sms import port as sms
from backend.settings import Settings
from backend.stores import iban_change, managing, repository_parts
from backend.stores.domain import Settlement, SettlementMode
from backend.stores.iban_change import ContractNumberInvalid, IbanUnchanged, StoreUnreachable
from backend.stores.managing import StoreChangedMeanwhile
from backend.stores.mobiles import StoreMobilesTooNew
from backend.stores.store_forms import StoreForm
from tests.support import access, choosy_gateway, operators, places, signing_in
from tests.support.operators import operator, trail
from tests.support.places import draft

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
OLD = "IR130130000000000123456789"
NEW = "IR830130000000000123456790"


@pytest.fixture(autouse=True)
async def scene(db: None, cache: None, tmp_path: Path) -> AsyncIterator[None]:
    del db, cache
    access.configure_keys()
    operators.let_everybody_act()
    composition.configure_sms(Settings(data_dir=tmp_path))
    with clock.frozen(NOW):
        yield
    await sms.close()


async def store(*phones: str, settlement: bool = True) -> int:
    kept = Settlement(OLD, "C-1", SettlementMode.AT_ONCE) if settlement else None
    ids = await places.save(
        draft("A", name="پوشاک حافظ", phones=phones or ("+989121234567",), settlement=kept)
    )
    return ids["A"]


def manager(scope: Scope = operators.NATION) -> Viewer:
    return operator(1, Role.STORE_MANAGER, scope=scope)


def officer(number: int = 2, created_by: str = "system") -> Viewer:
    return operator(number, Role.FINANCE_OFFICER, created_by=created_by)


async def ask(
    store_id: int,
    viewer: Viewer | None = None,
    iban: str = NEW,
    contract_number: str | None = None,
) -> Approval:
    return await iban_change.ask_iban_change(
        viewer=viewer or manager(),
        store_id=store_id,
        iban=iban,
        contract_number=contract_number,
        reason="نامهٔ فروشگاه",
    )


async def seen(approval: Approval) -> Approval:
    found = await reading.find_approval(viewer=SYSTEM, approval_id=approval.id)
    assert found is not None
    return found


async def grant(approval: Approval, viewer: Viewer | None = None) -> None:
    shown = (await seen(approval)).shown_digest
    await approvals.grant(viewer=viewer or officer(), approval_id=approval.id, digest=shown)


async def grant_and_run(approval: Approval, *, at: datetime) -> ApprovalState:
    """Tell the store, let somebody grant it, and do it at that moment."""
    await signing_in.run_jobs()
    with clock.frozen(at):
        await grant(approval)
        await executing.execute(approval.id)
    return (await seen(approval)).state


async def account(store_id: int) -> tuple[str, SettlementMode] | None:
    found = await iban_change.find_settlement(viewer=manager(), store_id=store_id)
    return None if found is None else (found.iban_masked[-4:], found.mode)


async def test_it_is_done_after_72_hours_once_somebody_else_has_granted_it(tmp_path: Path) -> None:
    store_id = await store("+982166001122", "+989121234567", "+989121234568")

    approval = await ask(store_id)
    await signing_in.run_jobs()

    texts = signing_in.messages(tmp_path)
    assert [each["to"] for each in texts] == ["+989121234567", "+989121234568"]
    assert "پوشاک حافظ" in texts[0]["text"]
    assert "6790" not in texts[0]["text"]
    assert (await seen(approval)).begins_at == NOW + 72 * HOUR
    with clock.frozen(NOW + HOUR):
        await grant(approval)
    for hours, wanted in ((71, "6789"), (72, "6790")):
        with clock.frozen(NOW + hours * HOUR):
            await executing.execute(approval.id)
        assert await account(store_id) == (wanted, SettlementMode.AT_ONCE)
    await signing_in.run_jobs()
    assert len(signing_in.messages(tmp_path)) == 4
    (entry,) = await trail("stores.iban_change")
    assert (entry["actor"], entry["on_behalf_of"]) == ("system", "operator:1")
    rows = await database.fetch(
        "SELECT t::text AS row FROM audit_entry t UNION ALL SELECT t::text FROM approval t"
    )
    assert not [row for row in rows if NEW in row["row"] or OLD in row["row"]]


async def test_the_contract_stays_and_a_first_account_is_paid_as_collected() -> None:
    store_id = await store(settlement=False)

    assert await grant_and_run(await ask(store_id), at=NOW + 72 * HOUR) is ApprovalState.EXECUTED
    assert await account(store_id) == ("6790", SettlementMode.AS_COLLECTED)


async def test_a_change_in_between_voids_what_was_granted() -> None:
    store_id = await store()
    approval = await ask(store_id)
    await managing.update_store(
        viewer=manager(), store_id=store_id, version=1, form=StoreForm(name="فروشگاه دیگر")
    )

    assert await grant_and_run(approval, at=NOW + 72 * HOUR) is ApprovalState.VOID
    assert await account(store_id) == ("6789", SettlementMode.AT_ONCE)


async def test_where_no_worker_has_told_the_store_nobody_grants_and_nothing_is_done() -> None:
    store_id = await store()
    approval = await ask(store_id)

    with clock.frozen(NOW + 73 * HOUR):
        with pytest.raises(NoticePending):
            await grant(approval)
        await executing.execute(approval.id)

    assert await account(store_id) == ("6789", SettlementMode.AT_ONCE)


async def test_a_mobile_that_can_not_be_reached_keeps_no_other_from_knowing() -> None:
    store_id = await store("+989121234567", "+989121234568")
    approval = await ask(store_id)
    gateway = choosy_gateway.configure(lost={"+989121234567"})

    assert await choosy_gateway.try_jobs() == 1
    assert gateway.sent == ["+989121234568"]
    with pytest.raises(NoticePending):
        await grant(approval)
    with clock.frozen(NOW + telling.TRIED_FOR):
        assert await choosy_gateway.try_jobs() == 0
        await grant(approval)
    known = NOW + telling.TRIED_FOR
    for at, wanted in ((known + 72 * HOUR - HOUR, "6789"), (known + 72 * HOUR, "6790")):
        with clock.frozen(at):
            await executing.execute(approval.id)
        assert await account(store_id) == (wanted, SettlementMode.AT_ONCE)
    assert await choosy_gateway.try_jobs() == 1  # of what is done, both are told as well
    assert gateway.sent == ["+989121234568"] * 2


async def test_where_no_mobile_is_to_be_told_nothing_is_done_and_it_says_what_to_do() -> None:
    store_id = await store("+989121234567", "+989121234568")
    approval = await ask(store_id)
    choosy_gateway.configure(refused={"+989121234567", "+989121234568"})

    assert await choosy_gateway.try_jobs() == 0

    failed = await seen(approval)
    assert (failed.state, failed.outcome_code) == (ApprovalState.FAILED, "NOBODY_TOLD")
    with clock.frozen(NOW + 73 * HOUR), pytest.raises(ApprovalClosed):
        await grant(approval)
    assert await account(store_id) == ("6789", SettlementMode.AT_ONCE)
    assert len(await trail("approval.not_told")) == 2


@pytest.mark.parametrize("is_granted_before", [True, False])
async def test_a_store_that_moves_to_another_province_keeps_its_account(
    *, is_granted_before: bool
) -> None:
    """Who granted it saw the former province, and nothing of the one where the store is now."""
    fars = Scope(province_codes=frozenset({"IR-07"}))
    ids = await places.save(
        draft(
            "A",
            name="پوشاک حافظ",
            phones=("+989121234567",),
            province_code="IR-07",
            settlement=Settlement(OLD, "C-1", SettlementMode.AT_ONCE),
        )
    )
    approval = await ask(ids["A"], manager(fars))
    await signing_in.run_jobs()
    local = operator(2, Role.FINANCE_OFFICER, scope=fars)
    if is_granted_before:
        await grant(approval, local)
    await database.execute("UPDATE store SET province_code = 'IR-23'")
    if not is_granted_before:
        await grant(approval, local)

    with clock.frozen(NOW + 72 * HOUR):
        await executing.execute(approval.id)

    assert (await seen(approval)).state is ApprovalState.VOID
    assert await account(ids["A"]) == ("6789", SettlementMode.AT_ONCE)


async def test_the_contract_number_is_changed_by_two_as_the_account_is() -> None:
    store_id = await store()
    approval = await ask(store_id, iban=OLD, contract_number=" ۱۴۰۵/۱۲-ب ")

    assert approval.before["contract_number"] == "C-1"
    assert approval.after["contract_number"] == "۱۴۰۵/۱۲-ب"
    assert await grant_and_run(approval, at=NOW + 72 * HOUR) is ApprovalState.EXECUTED
    found = await iban_change.find_settlement(viewer=manager(), store_id=store_id)
    assert found is not None
    assert (found.contract_number, found.iban_masked[-4:], found.mode) == (
        "۱۴۰۵/۱۲-ب",
        "6789",
        SettlementMode.AT_ONCE,
    )


async def test_another_contract_in_between_voids_what_was_granted() -> None:
    store_id = await store()
    approval = await ask(store_id)
    other = Settlement(OLD, "C-2", SettlementMode.AT_ONCE)
    await repository_parts.save_settlements({store_id: ("A", other)})

    assert await grant_and_run(approval, at=NOW + 72 * HOUR) is ApprovalState.VOID


async def test_who_decides_may_compare_the_whole_account_with_the_store_s_letter() -> None:
    store_id = await store()
    approval = await ask(store_id)

    shown = await revealing.reveal(viewer=officer(), approval_id=approval.id)

    assert shown == (("iban", NEW), ("contract_number", "C-1"))
    assert len(await trail("approval.revealed")) == 1


async def change_phones(store_id: int, *phones: str) -> None:
    stored = await managing.find_record(viewer=manager(), store_id=store_id)
    assert stored is not None
    await managing.update_store(
        viewer=manager(), store_id=store_id, version=stored.version, form=StoreForm(phones=phones)
    )


async def test_a_change_of_the_phones_in_between_voids_it_and_tells_who_was_removed(
    tmp_path: Path,
) -> None:
    store_id = await store("+982166001122", "+989121234567", "+989121234568")
    approval = await ask(store_id)
    await change_phones(store_id, "021 66001122", "0912 123 4568", "0912 000 0000")
    await signing_in.run_jobs()

    about_removal = [
        each["to"] for each in signing_in.messages(tmp_path) if "دیگر شماره" in each["text"]
    ]
    assert about_removal == ["+989121234567"]
    assert await grant_and_run(approval, at=NOW + 72 * HOUR) is ApprovalState.VOID
    assert await account(store_id) == ("6789", SettlementMode.AT_ONCE)


async def test_a_mobile_of_the_last_72_hours_is_no_voice_of_the_store(tmp_path: Path) -> None:
    store_id = await store("+989121234567")
    await change_phones(store_id, "0912 000 0000")
    for minutes in (0, 72 * 60 - 1):
        with clock.frozen(NOW + timedelta(minutes=minutes)), pytest.raises(StoreMobilesTooNew):
            await ask(store_id, manager())
    assert await database.fetch("SELECT FROM approval") == []

    with clock.frozen(NOW + 72 * HOUR):
        await ask(store_id, manager())


async def test_another_landline_or_order_keeps_the_account_changeable(tmp_path: Path) -> None:
    store_id = await store("+982166001122", "+989121234567", "+989121234568")
    await change_phones(store_id, "0912 123 4568", "0912 123 4567", "021 66001133")
    await signing_in.run_jobs()

    assert signing_in.messages(tmp_path) == []
    await ask(store_id)


async def test_a_removal_that_is_taken_back_tells_nobody(tmp_path: Path) -> None:
    store_id = await store("+989121234567")
    with pytest.raises(StoreChangedMeanwhile):
        await managing.update_store(
            viewer=manager(), store_id=store_id, version=9, form=StoreForm(phones=("09120000000",))
        )

    assert await signing_in.run_jobs() == 0
    assert signing_in.messages(tmp_path) == []


async def test_nobody_decides_what_they_asked_or_for_who_made_their_account() -> None:
    store_id = await store()
    approval = await ask(store_id)

    for viewer in (
        operator(1, Role.STORE_MANAGER, Role.FINANCE_OFFICER),
        officer(2, created_by="operator:1"),
        officer(9_001),
    ):
        with pytest.raises(ApproverNotIndependent):
            await approvals.grant(viewer=viewer, approval_id=approval.id, digest=approval.digest)
    with pytest.raises(DomainError):
        await approvals.grant(
            viewer=operator(3, Role.STORE_MANAGER), approval_id=approval.id, digest=approval.digest
        )


async def test_what_is_refused_asks_nobody_and_tells_nobody(tmp_path: Path) -> None:
    store_id = await store()
    stale = operator(1, Role.STORE_MANAGER)
    with clock.frozen(NOW + 6 * timedelta(minutes=1)), pytest.raises(ReauthenticationNeeded):
        await ask(store_id, stale)
    refusals: list[tuple[type[DomainError], Viewer, str]] = [
        (Forbidden, officer(), NEW),
        (Forbidden, operator(3, Role.ADMINISTRATOR), NEW),
        (NotFound, manager(Scope(province_codes=frozenset({"IR-07"}))), NEW),
        (NotFound, manager(Scope(association_id=1)), NEW),
        (IbanUnchanged, manager(), OLD),
        (InvalidIban, manager(), NEW[:-1] + "1"),
    ]
    for error, viewer, iban in refusals:
        with pytest.raises(error):
            await ask(store_id, viewer, iban)
    for contract_number in ("", " \u200c ", "9" * 61):
        with pytest.raises(ContractNumberInvalid):
            await ask(store_id, contract_number=contract_number)
    with pytest.raises(IbanUnchanged):
        await ask(store_id, iban=OLD, contract_number=" C-1 ")

    await database.execute("UPDATE store SET phones = ARRAY['+982166001122']")
    with pytest.raises(StoreUnreachable):
        await ask(store_id)

    assert await signing_in.run_jobs() == 0
    assert signing_in.messages(tmp_path) == []
    assert await database.fetch("SELECT FROM approval") == []
    assert await account(store_id) == ("6789", SettlementMode.AT_ONCE)


async def test_it_is_asked_for_once_at_a_time() -> None:
    store_id = await store()
    await ask(store_id)

    with pytest.raises(ApprovalAlreadyAsked):
        await ask(store_id)


async def test_the_account_is_shown_to_those_alone_who_pay_or_keep_it() -> None:
    store_id = await store()

    shown = await iban_change.find_settlement(viewer=manager(), store_id=store_id)
    assert shown is not None
    assert shown.iban_masked == "IR" + "*" * 20 + "6789"
    for viewer in (operator(3, Role.OBSERVER), operator(3, Role.SUPPORT)):
        with pytest.raises(Forbidden):
            await iban_change.find_settlement(viewer=viewer, store_id=store_id)
    elsewhere = manager(Scope(province_codes=frozenset({"IR-07"})))
    assert await iban_change.find_settlement(viewer=elsewhere, store_id=store_id) is None
