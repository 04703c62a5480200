"""Background work of stores: old notes of changes are forgotten, and stores are told where their money is to go."""

from typing import Final

from backend.approvals import service as approvals
from backend.approvals import telling
from backend.core.permissions import Permission
from backend.infra import jobs, telemetry
from backend.stores import directory_keeper, iban_change, iban_telling, mobiles

EVERY_NIGHT: Final = "20 22 * * *"  # in UTC: 01:50 in Tehran

_log = telemetry.logger(__name__)


@jobs.schedule(EVERY_NIGHT)
@jobs.job("stores.forget_changes")
async def forget_changes(_payload: jobs.Payload) -> None:
    """Delete the notes that no process asks for any more."""
    _log.info("stores.changes_forgotten", deleted=await directory_keeper.forget_changes())


# Patient: nothing is done before it has run for each number, and three days from then the store may object.
@jobs.job(iban_telling.ASKED_JOB, retries=telling.RETRIES)
async def tell_of_iban_change(payload: jobs.Payload) -> None:
    """Tell the number that the payload names."""
    await iban_telling.tell(
        approval_id=int(str(payload["approval_id"])),
        place=int(str(payload["place"])),
        number=str(payload["number"]),
        name=str(payload["name"]),
    )


@jobs.job(iban_telling.DONE_JOB, retries=12)
async def tell_of_changed_iban(payload: jobs.Payload) -> None:
    """Tell the number that the payload names that it is done."""
    await iban_telling.tell_done(
        approval_id=int(str(payload["approval_id"])),
        place=int(str(payload["place"])),
        number=str(payload["number"]),
        name=str(payload["name"]),
    )


@jobs.job(mobiles.TELL_JOB, retries=12)
async def tell_removed_mobile(payload: jobs.Payload) -> None:
    """Tell the number that the payload names that it is no longer the store's."""
    await mobiles.tell(
        number=str(payload["number"]),
        name=str(payload["name"]),
        message_id=str(payload["message_id"]),
    )


approvals.register(
    iban_change.KIND,
    iban_change.change_iban,
    ask_permission=Permission.STORES_IBAN_CHANGE,
    revealed=("iban", "contract_number"),
)
