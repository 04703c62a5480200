"""Those who watch over rights are told at once: of an emergency, and of what is done to one of themselves.

Auditors and administrators keep an eye on each other. Who suspends, resets or re-roles one of them would quieten a
witness, and who makes or resumes one a friend, so that all others hear of it on their own phones: a job each, in the
transaction of the act. Who was to be told then is told, also where the account is suspended before the job runs.
"""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Final

from backend.access import operator_phones, staff
from backend.access import repository_operators as repository
from backend.access.staff import Operator, OperatorState
from backend.core import errors
from backend.core.locale import Locale
from backend.core.permissions import Role
from backend.infra import jobs, telemetry
from backend.infra.sms import port as sms

TELL_JOB: Final = "access.tell_watchers"
WATCHERS: Final = frozenset({Role.AUDITOR, Role.ADMINISTRATOR})
ACTIVE: Final = frozenset({OperatorState.ACTIVE})
# Who has, or had, the account set up: told of what is done where hardly anybody else is left.
EVERYBODY: Final = frozenset({OperatorState.ACTIVE, OperatorState.INVITED, OperatorState.SUSPENDED})
_COMMAND_LINE: Final = "خط فرمان"

_log = telemetry.logger(__name__)


class Act(StrEnum):
    """What is done to an account of which the watchers are told."""

    SUSPENDED = "SUSPENDED"
    RESET = "RESET"
    ROLES = "ROLES"
    MADE = "MADE"
    RESUMED = "RESUMED"
    RECOVERED = "RECOVERED"


TEXTS: Final = {
    Act.SUSPENDED: errors.sentences(
        fa="باشگاه: {by} حساب {user_name} را تعلیق کرد. دلیل در فهرست حسابرسی است.",
        en="Club: the account {user_name} was suspended by {by}. The reason is in the audit list.",
    ),
    Act.RESET: errors.sentences(
        fa="باشگاه: به درخواست {by} گذرواژه و کدهای حساب {user_name} باطل شد. دلیل در فهرست حسابرسی است.",
        en="Club: the account {user_name} was reset, as {by} asked. The reason is in the audit list.",
    ),
    Act.ROLES: errors.sentences(
        fa="باشگاه: به درخواست {by} نقش یا حوزهٔ حساب {user_name} تغییر کرد. دلیل در فهرست حسابرسی است.",
        en="Club: roles or scope of the account {user_name} changed, as {by} asked. The reason is in the audit list.",
    ),
    Act.MADE: errors.sentences(
        fa="باشگاه: به درخواست {by} حساب {user_name} با نقش مدیر سامانه یا حسابرس ساخته شد.",
        en="Club: the account {user_name} was made an administrator's or auditor's, as {by} asked.",
    ),
    Act.RESUMED: errors.sentences(
        fa="باشگاه: به درخواست {by} تعلیق حساب {user_name} پایان یافت. دلیل در فهرست حسابرسی است.",
        en="Club: the suspension of the account {user_name} ended, as {by} asked. The reason is in the audit list.",
    ),
    Act.RECOVERED: errors.sentences(
        fa="باشگاه: از خط فرمان، به‌جای مدیران ازدست‌رفته، مدیر سامانهٔ {user_name} ساخته شد. اگر نمی‌دانید چرا، همین"
        " حالا پیگیری کنید.",
        en="Club: the command line made the administrator {user_name} in place of lost ones. If you don't know why, ask"
        " at once.",
    ),
}


async def tell(
    *,
    operator: Operator,
    act: Act,
    by: str,
    at: datetime,
    given: frozenset[Role] = frozenset(),
    states: Collection[OperatorState] = ACTIVE,
) -> None:
    """Tell every auditor and administrator in these states but the one concerned; in the transaction of the act.

    Of an account that was none of them before and is none now (`given` are its new roles), nobody is told. `by` is the
    actor who did it, or asked for it.
    """
    if not (operator.roles | given) & WATCHERS:
        return
    for watcher_id, _ in await repository.list_phones(WATCHERS, states=states):
        if watcher_id != operator.id:
            await jobs.enqueue(
                TELL_JOB,
                {
                    "watcher_id": watcher_id,
                    "operator_id": operator.id,
                    "act": act.value,
                    "by": by,
                    "at": int(at.timestamp() * 1_000),
                },
            )


async def send_told(*, watcher_id: int, operator_id: int, act: Act, by: str, at: int) -> None:
    """Send one watcher the message of an act; for the job. Raises SmsNotSent, after which another run may succeed.

    The names are those of now. `at`, in milliseconds, tells acts of one kind apart.
    """
    name = await name_of(operator_id)
    maker = staff.operator_id_of(by)
    text = TEXTS[act][Locale.FA].format(
        user_name=name, by=_COMMAND_LINE if maker is None else await name_of(maker)
    )
    await send(
        watcher_id,
        text=text,
        message_id=f"watchers-{act.value.lower()}-{operator_id}-{watcher_id}-{at}",
    )


async def send(operator_id: int, *, text: str, message_id: str) -> None:
    """Send a message to the phone that an operator has, in whatever state and role by now. Raises SmsNotSent."""
    found = await repository.find_operator(operator_id, scope=staff.EVERYWHERE)
    if found is None or found.phone is None:
        return
    try:
        await sms.sender().send(
            to=operator_phones.unseal(operator_id, found.phone),
            text=text,
            message_id=message_id,
        )
    except (sms.SmsRefused, sms.SmsUncertain):
        _log.exception("watchers.not_told", operator_id=operator_id)


async def name_of(operator_id: int) -> str:
    """The user name of an account, in whatever state."""
    found = await repository.find_operator(operator_id, scope=staff.EVERYWHERE)
    assert found is not None  # noqa: S101 - an account is never deleted
    return found.user_name
