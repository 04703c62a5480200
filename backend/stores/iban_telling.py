"""Telling the mobiles of a store of a change of its account, when it is asked for and when it is done."""

from typing import Final

from backend.approvals import telling
from backend.core import errors
from backend.core.errors import sentences
from backend.core.locale import Locale
from backend.infra import jobs, telemetry
from backend.infra.sms import port as sms
from backend.stores import mobiles
from backend.stores.domain import StoreRecord

ASKED_JOB: Final = "stores.tell_of_iban_change"
DONE_JOB: Final = "stores.tell_of_changed_iban"

_ASKED = sentences(
    fa="باشگاه بازنشستگان: برای فروشگاه «{name}» تغییر شبای تسویه درخواست شده و تا ۷۲ ساعت انجام نمی‌شود."
    " اگر شما نخواسته‌اید، همین امروز با پشتیبانی باشگاه تماس بگیرید.",
    en="Retirees' club: a change of the settlement IBAN of “{name}” was asked for. It is not done for 72 hours."
    " If you did not want it, call the club's support today.",
)
_DONE = sentences(
    fa="باشگاه بازنشستگان: شبای تسویهٔ فروشگاه «{name}» تغییر کرد."
    " اگر شما نخواسته‌اید، با پشتیبانی باشگاه تماس بگیرید.",
    en="Retirees' club: the settlement IBAN of “{name}” was changed."
    " If you did not want it, call the club's support.",
)

_log = telemetry.logger(__name__)


async def enqueue(job: str, approval_id: int, stored: StoreRecord) -> None:
    """Have each mobile of a store told by a job of its own: one that can't be reached keeps no other from knowing."""
    told: list[jobs.Payload] = [
        {
            "approval_id": approval_id,
            "place": place,
            "number": number,
            "name": stored.draft.name,
        }
        for place, number in enumerate(mobiles.of(stored.draft.phones))
    ]
    await jobs.enqueue_many(job, told)


async def tell(*, approval_id: int, place: int, number: str, name: str) -> None:
    """Tell one of the store's mobiles of a change that is asked for, and note it; for the job. May run again.

    Raises SmsNotSent and SmsUncertain.
    """
    await telling.tell(
        approval_id=approval_id,
        place=place,
        to=number,
        text=errors.render(_ASKED[Locale.FA], {"name": name}, Locale.FA),
        message_id=f"iban-{approval_id}-asked-{place}",
    )


async def tell_done(*, approval_id: int, place: int, number: str, name: str) -> None:
    """Tell one of the store's mobiles that it is done; for the job. May run again. Raises SmsNotSent, SmsUncertain."""
    words = errors.render(_DONE[Locale.FA], {"name": name}, Locale.FA)
    try:
        await sms.sender().send(
            to=number, text=words, message_id=f"iban-{approval_id}-done-{place}"
        )
    except sms.SmsRefused:
        _log.warning("stores.iban_change_not_told", approval_id=approval_id, place=place)
