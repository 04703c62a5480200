"""The person behind an operator's account: national code and mobile, asked of the mobile operator before they count.

By the national code nobody acts on the own file; to the mobile go invitations and what auditors and administrators are
told. A number in another's name would send both to a stranger.
"""

from dataclasses import dataclass, field
from typing import Final

from backend.access.phone_change import PhoneNotOwn
from backend.core import errors, identifiers
from backend.infra import sealing
from backend.infra.sms import port as sms
from backend.members import seals

RETRY_AFTER_SECONDS: Final = 60


class PhoneOfAnother(PhoneNotOwn):
    """The mobile operator says that the number belongs to another national code."""

    texts = errors.sentences(
        fa="این شمارهٔ همراه به نام دارندهٔ این کد ملی نیست.",
        en="This mobile number is not in the name of the national code's holder.",
    )
    hints = errors.sentences(
        fa="هر دو را بررسی کنید یا شماره‌ای بدهید که به نام خود همکار است.",
        en="Check both, or give a number that is in the colleague's own name.",
    )


class PhoneOwnerAway(errors.Unavailable):
    """In whose name the number is can't be told now; accounts are made rarely enough to wait for it."""

    texts = errors.sentences(
        fa="اکنون نمی‌توان دانست این شماره به نام کیست و چیزی ثبت نشد.",
        en="It can't be told now in whose name the number is, and nothing was recorded.",
    )


@dataclass(frozen=True, slots=True)
class Person:
    """Who holds an account, in stored forms."""

    national_code: str = field(repr=False)
    phone: str = field(repr=False)

    @property
    def national_code_index(self) -> bytes:
        """As the members' table has it: by it the own file is known."""
        return seals.national_code_index(self.national_code, sealing.current())


def person(*, national_code: str, phone: str) -> Person:
    """Both as they were typed, in stored form. Raises InvalidNationalCode, InvalidMobile."""
    return Person(_national_code(national_code), _mobile(phone))


async def require_own_phone(found: Person) -> None:
    """Raise PhoneOfAnother, or PhoneOwnerAway, unless the number is in the person's own name, or nobody can be asked.

    A call over the network: outside of any transaction.
    """
    check = sms.own_number_check()
    if check is None:
        return
    try:
        is_own = await check.is_own(phone=found.phone, national_code=found.national_code)
    except sms.OwnNumberUnknown as error:
        raise PhoneOwnerAway(retry_after_seconds=RETRY_AFTER_SECONDS) from error
    if not is_own:
        raise PhoneOfAnother(field=("phone",))


def _national_code(typed: str) -> str:
    try:
        return identifiers.normalize_national_code(typed)
    except identifiers.InvalidNationalCode as error:
        raise identifiers.InvalidNationalCode(field=("nationalCode",)) from error


def _mobile(typed: str) -> str:
    try:
        return identifiers.normalize_mobile(typed)
    except identifiers.InvalidMobile as error:
        raise identifiers.InvalidMobile(field=("phone",)) from error
