"""Emergencies: an operator takes a role for at most four hours, with a reason, and the auditors are told at once."""

from datetime import timedelta
from typing import Final

from backend.access import operator_account, operator_phones, operators, staff
from backend.access import repository_break_glass as repository
from backend.access import repository_operators as operators_repository
from backend.access.operator_rules import check_conflict
from backend.access.staff import BreakGlassUse
from backend.access.staff_refusals import BreakGlassInvalid, BreakGlassRunning
from backend.audit import service as audit
from backend.core import clock, errors, paging
from backend.core.errors import NotFound
from backend.core.locale import Locale
from backend.core.paging import Page
from backend.core.permissions import ROLE_NAMES, Permission, Role
from backend.core.viewer import Viewer
from backend.infra import db, jobs, telemetry
from backend.infra.sms import port as sms

TELL_JOB: Final = "access.tell_auditors"
TEXT: Final = errors.sentences(
    fa="دسترسی اضطراری باشگاه: کاربر {user_name} نقش «{role}» را برای {hours} ساعت گرفت. دلیل در فهرست حسابرسی است.",
    en="Emergency access: {user_name} took the role “{role}” for {hours} hours. The reason is in the audit list.",
)

_log = telemetry.logger(__name__)


async def break_glass(*, viewer: Viewer, role: Role, reason: str, hours: int) -> BreakGlassUse:
    """Take a role for some hours; it holds from the next request on, and ends by itself.

    Raises BreakGlassInvalid, BreakGlassRunning, RolesConflict, ReasonInvalid, ReauthenticationNeeded,
    Unauthenticated, Forbidden.
    """
    viewer.require(Permission.BREAK_GLASS_USE)
    viewer.require_recent()
    operator_id = operator_account.own_id(viewer)
    if role not in staff.BREAKABLE:
        raise _invalid("role")
    if not 1 <= hours <= staff.MOST_BREAK_GLASS_HOURS:
        raise _invalid("hours")
    checked = audit.fit_reason(reason)
    at = clock.now()
    async with db.transaction():
        operator, _ = await operators.locked(operator_id)
        check_conflict(operator.roles | {role})
        if await repository.find_running(operator_id, at=at) is not None:
            raise BreakGlassRunning
        use = await repository.insert_use(
            operator_id=operator_id,
            role=role,
            reason=checked,
            at=at,
            ends_at=at + timedelta(hours=hours),
        )
        await audit.record(
            viewer=viewer,
            action="break_glass.begin",
            object_type=staff.BREAK_GLASS,
            object_id=str(use.id),
            after={"role": role, "hours": hours},
            reason=checked,
        )
        for auditor_id, _ in await operators_repository.list_phones_of_auditors():
            await jobs.enqueue(TELL_JOB, {"use_id": use.id, "operator_id": auditor_id})
    return use


async def end_break_glass(*, viewer: Viewer) -> BreakGlassUse:
    """End the viewer's own emergency before its time. Raises NotFound where none runs, Unauthenticated, Forbidden."""
    operator_id = operator_account.own_id(viewer)
    at = clock.now()
    async with db.transaction():
        await operators_repository.lock_operator(operator_id)
        use = await repository.find_running(operator_id, at=at)
        if use is None:
            raise NotFound
        await repository.end_use(use.id, at=at)
        await audit.record(
            viewer=viewer,
            action="break_glass.end",
            object_type=staff.BREAK_GLASS,
            object_id=str(use.id),
        )
        ended = await repository.find_use(use.id)
    assert ended is not None  # noqa: S101 - it was there a moment ago
    return ended


async def list_uses(*, viewer: Viewer, first: int, after: str | None) -> Page[BreakGlassUse]:
    """The emergencies of operators of the viewer's scope, the newest first; for auditors.

    Raises Unauthenticated, Forbidden, PageSizeInvalid, InvalidCursor.
    """
    viewer.require(Permission.BREAK_GLASS_READ)
    paging.check_first(first)
    question = paging.fingerprint(list="break_glass", scope=viewer.scope)
    key = None if after is None else paging.decode_cursor(after, question, types=(int,))
    found = await repository.list_uses(
        scope=viewer.scope, before=None if key is None else int(key[0]), limit=first + 1
    )
    shown = found[:first]
    return Page(
        items=tuple(shown),
        cursors=tuple(paging.encode_cursor(question, (each.id,)) for each in shown),
        has_next=len(found) > first,
    )


async def tell_auditor(*, use_id: int, auditor_id: int) -> None:
    """Send one auditor a message of an emergency; for the job, one message a job. Raises SmsNotSent."""
    use = await repository.find_use(use_id)
    phones = dict(await operators_repository.list_phones_of_auditors())
    if use is None or auditor_id not in phones:
        return
    async with db.transaction():
        found = await operators_repository.lock_operator(use.operator_id)
    assert found is not None  # noqa: S101 - an account is never deleted
    hours = (use.ends_at - use.began_at) // timedelta(hours=1)
    locale = Locale.FA
    text = TEXT[locale].format(
        user_name=found[0].user_name, role=ROLE_NAMES[use.role][locale], hours=hours
    )
    try:
        await sms.sender().send(
            to=operator_phones.unseal(auditor_id, phones[auditor_id]),
            text=text,
            message_id=f"break-glass-{use_id}-{auditor_id}",
        )
    except (sms.SmsRefused, sms.SmsUncertain):
        _log.exception("break_glass.auditor_not_told", use_id=use_id, operator_id=auditor_id)


def _invalid(field: str) -> BreakGlassInvalid:
    return BreakGlassInvalid(field=(field,), most=staff.MOST_BREAK_GLASS_HOURS)
