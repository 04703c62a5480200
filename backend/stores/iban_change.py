"""Changing where a store's money goes: asked by one, granted by another, three days later, and told to the store."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from backend.approvals import service as approvals
from backend.approvals.domain import Approval, Execution
from backend.audit import service as audit
from backend.core import clock, errors, identifiers
from backend.core.errors import DomainError, NotFound, sentences
from backend.core.locale import Locale
from backend.core.permissions import Permission
from backend.core.viewer import Scope, Viewer
from backend.infra import db, jobs
from backend.infra.sms import port as sms
from backend.stores import (
    managing,
    mobiles,
    repository_managing,
    repository_parts,
    settlement_seals,
)
from backend.stores.domain import Settlement, SettlementMode, StoreRecord

KIND: Final = "stores.iban_change"
TELL_JOB: Final = "stores.tell_of_iban_change"
COOLING: Final = timedelta(hours=72)
WAIT: Final = timedelta(days=14)  # for the second person

_ASKED = "asked"
_DONE = "done"
_TEXTS = {
    _ASKED: sentences(
        fa="باشگاه بازنشستگان: برای فروشگاه «{name}» تغییر شبای تسویه درخواست شده و تا ۷۲ ساعت انجام نمی‌شود."
        " اگر شما نخواسته‌اید، همین امروز با پشتیبانی باشگاه تماس بگیرید.",
        en="Retirees' club: a change of the settlement IBAN of “{name}” was asked for. It is not done for 72 hours."
        " If you did not want it, call the club's support today.",
    ),
    _DONE: sentences(
        fa="باشگاه بازنشستگان: شبای تسویهٔ فروشگاه «{name}» تغییر کرد."
        " اگر شما نخواسته‌اید، با پشتیبانی باشگاه تماس بگیرید.",
        en="Retirees' club: the settlement IBAN of “{name}” was changed."
        " If you did not want it, call the club's support.",
    ),
}


@dataclass(frozen=True, slots=True)
class ShownSettlement:
    """How a store is paid, as an operator is shown it."""

    iban_masked: str
    mode: SettlementMode


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


async def ask_iban_change(
    *,
    viewer: Viewer,
    store_id: int,
    iban: str,
    reason: str,
    mode: SettlementMode | None = None,
) -> Approval:
    """Ask that a store be paid to another account; its mobiles are told at once, and nothing is done for 72 hours.

    `mode` of None keeps the present one; a store without settlement gets AS_COLLECTED. Raises Unauthenticated,
    Forbidden, ReauthenticationNeeded, NotFound, InvalidIban, IbanUnchanged, StoreUnreachable, StoreMobilesTooNew,
    ApprovalAlreadyAsked, ReasonInvalid.
    """
    viewer.require(Permission.STORES_IBAN_CHANGE)
    viewer.require_recent()
    wanted = _iban(iban)
    async with db.transaction():
        stored = await repository_managing.lock_record(
            store_id, scope=viewer.scope, with_settlement=True
        )
        if stored is None:
            raise NotFound(field=("storeId",))
        present = stored.draft.settlement
        if present is not None and present.iban == wanted and mode in (None, present.mode):
            raise IbanUnchanged(field=("iban",))
        if not mobiles.of(stored.draft.phones):
            raise StoreUnreachable(field=("storeId",))
        await _check_settled(store_id)
        chosen = mode or (SettlementMode.AS_COLLECTED if present is None else present.mode)
        approval = await approvals.ask(
            viewer=viewer,
            kind=KIND,
            object_type=managing.OBJECT,
            object_id=str(store_id),
            member_id=None,
            payload={"iban": wanted, "mode": chosen.value},
            before=_shown(stored, present),
            after=_shown(stored, Settlement(wanted, None, chosen)),
            money_effect_rials=None,
            reason=reason,
            approve_permission=Permission.STORES_IBAN_APPROVE,
            fingerprint=_fingerprint(stored),
            province_code=stored.draft.province_code,
            expires_in=WAIT,
            not_before=clock.now() + COOLING,
        )
        await _tell(approval, _ASKED)
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
    return ShownSettlement(identifiers.mask_iban(settlement.iban), settlement.mode)


async def change_iban(execution: Execution) -> None:
    """Write the account that was granted; the executor of KIND."""
    store_id = int(execution.approval.object_id)
    stored = await repository_managing.lock_record(
        store_id, scope=Scope(nation=True), with_settlement=True
    )
    execution.require_unchanged(None if stored is None else _fingerprint(stored))
    assert stored is not None  # noqa: S101 - else its state would differ
    present = stored.draft.settlement
    wanted = Settlement(
        iban=str(execution.payload["iban"]),
        contract_number=None if present is None else present.contract_number,
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
    await _tell(execution.approval, _DONE)


async def tell(*, store_id: int, approval_id: int, step: str) -> None:
    """Tell the store's mobiles of a change that is asked for or done; for the job. May run again.

    A number that the gateway refuses is passed over: the others have to know. Raises SmsNotSent and SmsUncertain.
    """
    stored = await repository_managing.find_record(store_id, scope=Scope(nation=True))
    if stored is None:
        return
    words = errors.render(_TEXTS[step][Locale.FA], {"name": stored.draft.name}, Locale.FA)
    for place, number in enumerate(mobiles.of(stored.draft.phones)):
        try:
            await sms.sender().send(
                to=number, text=words, message_id=f"iban-{approval_id}-{step}-{place}"
            )
        except sms.SmsRefused:
            continue


async def _tell(approval: Approval, step: str) -> None:
    await jobs.enqueue(
        TELL_JOB,
        {"store_id": int(approval.object_id), "approval_id": approval.id, "step": step},
    )


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


def _fingerprint(stored: StoreRecord) -> str:
    """Of how a store is paid, whose it is and who was told: a store renamed or with another phone is looked at anew."""
    settlement = stored.draft.settlement
    parts = [
        str(stored.id),
        stored.draft.code,
        stored.draft.name,
        "" if settlement is None else settlement_seals.iban_index(settlement.iban).hex(),
        "" if settlement is None else settlement.mode.value,
        *sorted(stored.draft.phones),
    ]
    return sha256("\n".join(parts).encode()).hexdigest()


def _shown(stored: StoreRecord, settlement: Settlement | None) -> dict[str, object]:
    """What the approver and the trail are shown: the end of the account, not the account."""
    return {
        "store": stored.draft.name,
        "account": None if settlement is None else identifiers.mask_iban(settlement.iban),
        "mode": None if settlement is None else settlement.mode.value,
    }
