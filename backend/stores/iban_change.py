"""Changing where a store's money goes: asked by one, granted by another, three days after the store was told.

Each mobile of the store is told by a job of its own, and one of them at least has to know: else nobody could object.
"""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from backend.approvals import service as approvals
from backend.approvals.domain import Approval, Execution
from backend.approvals.notice import MustTell, TellRule
from backend.audit import service as audit
from backend.core import clock, identifiers, text
from backend.core.errors import BadUserInput, DomainError, NotFound, sentences
from backend.core.permissions import Permission
from backend.core.viewer import Scope, Viewer
from backend.infra import db
from backend.stores import (
    iban_telling,
    managing,
    mobiles,
    repository_managing,
    repository_parts,
    settlement_seals,
)
from backend.stores.domain import Settlement, SettlementMode, StoreRecord
from backend.stores.draft_file import MAX_CONTRACT_NUMBER_CHARACTERS

KIND: Final = "stores.iban_change"
COOLING: Final = timedelta(hours=72)
WAIT: Final = timedelta(days=14)  # for the second person


@dataclass(frozen=True, slots=True)
class ShownSettlement:
    """How a store is paid, as an operator is shown it."""

    iban_masked: str
    mode: SettlementMode
    contract_number: str | None


class StoreUnreachable(DomainError):
    """The store has no mobile number that could be told of the change."""

    code = "STORE_UNREACHABLE"
    texts = sentences(
        fa="این فروشگاه شمارهٔ همراهی ندارد که از تغییر شبا باخبر شود.",
        en="The store has no mobile number to be told of the change of its IBAN.",
    )
    hints = sentences(
        fa="نخست شمارهٔ همراه فروشگاه را ثبت کنید.", en="Record the store's mobile number first."
    )


class IbanUnchanged(DomainError):
    """The store is paid to this account already."""

    code = "IBAN_UNCHANGED"
    texts = sentences(
        fa="تسویهٔ این فروشگاه هم‌اکنون با همین شبا است.",
        en="The store is paid to this account already.",
    )
    hints = sentences(fa="چیزی برای تغییر نیست.", en="There is nothing to change.")


class ContractNumberInvalid(BadUserInput):
    """No contract number that could be written down."""

    texts = sentences(
        fa="شمارهٔ قرارداد باید ۱ تا {most} نویسه باشد.",
        en="A contract number has 1 to {most} characters.",
    )
    hints = sentences(
        fa="شماره را همان‌طور که در قرارداد آمده بنویسید.",
        en="Write the number as the contract has it.",
    )


async def ask_iban_change(
    *,
    viewer: Viewer,
    store_id: int,
    iban: str,
    reason: str,
    mode: SettlementMode | None = None,
    contract_number: str | None = None,
) -> Approval:
    """Ask that a store be paid to another account, or by another contract; its mobiles are told at once, and nothing is
    done for 72 hours from then.

    `mode` and `contract_number` of None keep the present ones; a store without settlement gets AS_COLLECTED. Raises
    Unauthenticated, Forbidden, ReauthenticationNeeded, NotFound, InvalidIban, ContractNumberInvalid, IbanUnchanged,
    StoreUnreachable, StoreMobilesTooNew, ApprovalAlreadyAsked, ReasonInvalid.
    """
    viewer.require(Permission.STORES_IBAN_CHANGE)
    viewer.require_recent()
    iban = _iban(iban)
    contract_number = None if contract_number is None else _contract_number(contract_number)
    async with db.transaction():
        stored = await repository_managing.lock_record(
            store_id, scope=viewer.scope, with_settlement=True
        )
        if stored is None:
            raise NotFound(field=("storeId",))
        present = stored.draft.settlement
        wanted = _wanted(present, iban=iban, contract_number=contract_number, mode=mode)
        if wanted == present:
            raise IbanUnchanged(field=("iban",))
        numbers = mobiles.of(stored.draft.phones)
        if not numbers:
            raise StoreUnreachable(field=("storeId",))
        await _check_settled(store_id)
        approval = await approvals.ask(
            viewer=viewer,
            kind=KIND,
            object_type=managing.OBJECT,
            object_id=str(store_id),
            member_id=None,
            payload={
                "iban": wanted.iban,
                "contract_number": wanted.contract_number,
                "mode": wanted.mode.value,
            },
            before=_shown(stored, present),
            after=_shown(stored, wanted),
            money_effect_rials=None,
            reason=reason,
            approve_permission=Permission.STORES_IBAN_APPROVE,
            fingerprint=_fingerprint(stored),
            province_code=stored.draft.province_code,
            expires_in=WAIT,
            not_before=None,
            must_tell=MustTell(count=len(numbers), cooling=COOLING, rule=TellRule.REACHED),
        )
        await iban_telling.enqueue(iban_telling.ASKED_JOB, approval.id, stored)
    return approval


async def find_settlement(*, viewer: Viewer, store_id: int) -> ShownSettlement | None:
    """How a place in the viewer's scope is paid; None where nothing is agreed. Raises Unauthenticated, Forbidden."""
    viewer.require(Permission.STORES_IBAN_READ)
    stored = await repository_managing.find_record(
        store_id, scope=viewer.scope, with_settlement=True
    )
    if stored is None or stored.draft.settlement is None:
        return None
    settlement = stored.draft.settlement
    return ShownSettlement(
        identifiers.mask_iban(settlement.iban), settlement.mode, settlement.contract_number
    )


async def change_iban(execution: Execution) -> None:
    """Write the account that was granted; the executor of KIND."""
    store_id = int(execution.approval.object_id)
    stored = await repository_managing.lock_record(
        store_id, scope=Scope(nation=True), with_settlement=True
    )
    execution.require_unchanged(
        None if stored is None else _fingerprint(stored),
        province_code=None if stored is None else stored.draft.province_code,
        association_id=None,  # a store belongs to none
    )
    assert stored is not None  # noqa: S101 - else its state would differ
    present = stored.draft.settlement
    contract_number = execution.payload["contract_number"]
    wanted = Settlement(
        iban=str(execution.payload["iban"]),
        contract_number=None if contract_number is None else str(contract_number),
        mode=SettlementMode(str(execution.payload["mode"])),
    )
    await repository_parts.save_settlements({store_id: (stored.draft.code, wanted)})
    await audit.record(
        viewer=execution.viewer,
        action=KIND,
        object_type=managing.OBJECT,
        object_id=str(store_id),
        before=_shown(stored, present),
        after=_shown(stored, wanted),
        reason=execution.approval.reason,
        province_code=stored.draft.province_code,
    )
    await iban_telling.enqueue(iban_telling.DONE_JOB, execution.approval.id, stored)


async def _check_settled(store_id: int) -> None:
    """Who can write the store's number can else be the only one whom the notice reaches. Raises StoreMobilesTooNew."""
    changed_at = await repository_managing.find_mobiles_changed_at(store_id)
    if changed_at is not None and clock.now() < changed_at + mobiles.SETTLING:
        raise mobiles.StoreMobilesTooNew(field=("storeId",))


def _iban(typed: str) -> str:
    try:
        return identifiers.normalize_iban(typed)
    except identifiers.InvalidIban as error:
        raise identifiers.InvalidIban(field=("iban",)) from error


def _contract_number(typed: str) -> str:
    found = text.clean_name(typed) if len(typed) <= 4 * MAX_CONTRACT_NUMBER_CHARACTERS else ""
    if not 1 <= len(found) <= MAX_CONTRACT_NUMBER_CHARACTERS:
        raise ContractNumberInvalid(field=("contractNumber",), most=MAX_CONTRACT_NUMBER_CHARACTERS)
    return found


def _wanted(
    present: Settlement | None,
    *,
    iban: str,
    contract_number: str | None,
    mode: SettlementMode | None,
) -> Settlement:
    if present is None:
        return Settlement(iban, contract_number, mode or SettlementMode.AS_COLLECTED)
    return Settlement(iban, contract_number or present.contract_number, mode or present.mode)


def _fingerprint(stored: StoreRecord) -> str:
    """Of how a store is paid, whose it is and who was told: a store renamed or with another phone is looked at anew."""
    settlement = stored.draft.settlement
    parts = [
        str(stored.id),
        stored.draft.code,
        stored.draft.name,
        "" if settlement is None else settlement_seals.iban_index(settlement.iban).hex(),
        "" if settlement is None else settlement.mode.value,
        "" if settlement is None else settlement.contract_number or "",
        *sorted(stored.draft.phones),
    ]
    return sha256("\n".join(parts).encode()).hexdigest()


def _shown(stored: StoreRecord, settlement: Settlement | None) -> dict[str, object]:
    """What the approver and the trail are shown: the end of the account, not the account; the contract's number is no
    secret.
    """
    return {
        "store": stored.draft.name,
        "account": None if settlement is None else identifiers.mask_iban(settlement.iban),
        "contract_number": None if settlement is None else settlement.contract_number,
        "mode": None if settlement is None else settlement.mode.value,
    }
