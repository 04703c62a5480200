"""The mobiles of a store, by which it learns what is done in its name: which they are, and who hears of a removal."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from backend.core import errors
from backend.core.errors import DomainError, sentences
from backend.core.locale import Locale
from backend.infra import jobs, telemetry
from backend.infra.sms import port as sms

TELL_JOB: Final = "stores.tell_removed_mobile"
SETTLING: Final = timedelta(
    hours=72
)  # how long a changed mobile is too new to be the store's voice

_log = telemetry.logger(__name__)
_PREFIX = "+989"
_REMOVED = sentences(
    fa="باشگاه بازنشستگان: این شماره دیگر شمارهٔ فروشگاه «{name}» نیست."
    " اگر شما نخواسته‌اید، همین امروز با پشتیبانی باشگاه تماس بگیرید.",
    en="Retirees' club: this number is no longer one of “{name}”."
    " If you did not want it, call the club's support today.",
)


@dataclass(frozen=True, slots=True)
class PhonesChange:
    """The numbers of a store before and after a change, its name before, and its version since."""

    store_id: int
    version: int
    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]


class StoreMobilesTooNew(DomainError):
    """A mobile of the store was changed a short time ago."""

    code = "STORE_MOBILES_TOO_NEW"
    texts = sentences(
        fa="شمارهٔ همراه این فروشگاه در ۷۲ ساعت گذشته تغییر کرده است و شبا هنوز تغییر نمی‌کند.",
        en="A mobile number of the store was changed within the last 72 hours, so its IBAN can't be changed yet.",
    )
    hints = sentences(
        fa="۷۲ ساعت پس از تغییر شماره دوباره درخواست کنید.",
        en="Ask again when 72 hours have passed since the change of the number.",
    )


def of(phones: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the numbers (E.164) that get text messages, in their order."""
    return tuple(phone for phone in phones if phone.startswith(_PREFIX))


async def tell_removed(changes: Iterable[PhonesChange]) -> None:
    """Have each mobile that a change took away told so, by jobs of the caller's transaction."""
    told: list[jobs.Payload] = []
    for change in changes:
        kept = set(of(change.after))
        told += [
            {
                "number": number,
                "name": change.name,
                "message_id": f"store-{change.store_id}-{change.version}-removed-{place}",
            }
            for place, number in enumerate(of(change.before))
            if number not in kept
        ]
    await jobs.enqueue_many(TELL_JOB, told)


async def tell(*, number: str, name: str, message_id: str) -> None:
    """Tell a number that it is no longer the store's; for the job. May run again. Raises SmsNotSent, SmsUncertain.

    One that the gateway refuses is passed over, with a line in the log.
    """
    words = errors.render(_REMOVED[Locale.FA], {"name": name}, Locale.FA)
    try:
        await sms.sender().send(to=number, text=words, message_id=message_id)
    except sms.SmsRefused:
        _log.warning("stores.removed_mobile_not_told", message_id=message_id)
