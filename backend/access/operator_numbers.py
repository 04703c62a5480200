"""Another number for an operator whose own is lost: of the same person, shown by its ends, told to the one until now.

Without it an operator who lost the number could never come back, for a person has one account; and an invitation would
go to whom the number was given to since.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from backend.access import operator_phones, persons, staff
from backend.access import repository_operators as repository
from backend.access.persons import Person
from backend.access.staff import Operator
from backend.access.staff_refusals import OwnAccount, PersonNotHolder
from backend.approvals import telling
from backend.approvals.notice import MustTell, TellRule
from backend.core import errors, identifiers
from backend.core.errors import NotFound
from backend.core.locale import Locale
from backend.core.viewer import Viewer

TELL_JOB: Final = "access.tell_of_new_number"
TEXT: Final = errors.sentences(
    fa="باشگاه: برای حساب کاری شما شمارهٔ دیگری درخواست شده است. اگر خبر ندارید، همین حالا به مدیر سامانه بگویید.",
    en="Club: another number was asked for on your account at work. If you know nothing of it, tell an administrator"
    " now.",
)


async def require_holder(viewer: Viewer, operator_id: int, person: Person) -> None:
    """Make sure that an account is this person's, and the number in the person's own name.

    Outside of any transaction. Raises NotFound, OwnAccount, PersonNotHolder, and what `persons.require_own_phone` does.
    """
    operator = await repository.find_operator(operator_id, scope=viewer.scope)
    if operator is None:
        raise NotFound(field=("operatorId",))
    if operator.actor == viewer.actor:
        raise OwnAccount
    if not await repository.is_holder(operator_id, person.national_code_index):
        raise PersonNotHolder(field=("nationalCode",))
    await persons.require_own_phone(person)


def must_tell(operator: Operator) -> MustTell:
    """That the number until now is told first, where there is one; nothing cools then."""
    count = 0 if operator.phone is None else 1
    return MustTell(count=count, cooling=timedelta(0), rule=TellRule.TRIED)


def with_present(
    shown: Mapping[str, object], operator: Operator, new_phone: str | None
) -> dict[str, object]:
    """What is shown of an account, with the ends of its number where another one is asked for."""
    return {**shown} if new_phone is None else {**shown, "number": operator_phones.masked(operator)}


def with_new(shown: Mapping[str, object], new_phone: str | None) -> dict[str, object]:
    """What the account will be, with the ends of the number that is asked for."""
    return (
        {**shown} if new_phone is None else {**shown, "number": identifiers.mask_phone(new_phone)}
    )


async def tell(*, operator_id: int, approval_id: int) -> None:
    """Tell the number until now that another one is asked for, and note it; for the job. May run again.

    Raises SmsNotSent and SmsUncertain, after which another run may succeed.
    """
    found = await repository.find_operator(operator_id, scope=staff.EVERYWHERE)
    phone = None if found is None else found.phone
    await telling.tell(
        approval_id=approval_id,
        place=0,
        to=None if phone is None else operator_phones.unseal(operator_id, phone),
        text=TEXT[Locale.FA],
        message_id=f"operator-phone-{approval_id}",
    )
