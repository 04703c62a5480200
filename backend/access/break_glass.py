"""Emergencies: an operator takes a role for at most four hours in any 24, with a reason, and the auditors are told.

Where there is no auditor to tell, none begins. Who was an auditor when it began is told, whatever becomes of the
account before the job runs.
"""

from datetime import datetime, timedelta
from typing import Final

from backend.access import emergency_rules, operator_account, operators, staff, watchers
from backend.access import repository_break_glass as repository
from backend.access import repository_operator_secrets as secrets_repository
from backend.access import repository_operators as operators_repository
from backend.access.emergency_rules import BreakGlassSpent, NobodyWatches
from backend.access.operator_rules import check_conflict
from backend.access.staff import BreakGlassUse, Operator, OperatorState
from backend.access.staff_refusals import BreakGlassInvalid, BreakGlassRunning
from backend.audit import service as audit
from backend.core import clock, errors, paging, permissions
from backend.core.errors import Forbidden, NotFound
from backend.core.locale import Locale
from backend.core.paging import Page
from backend.core.permissions import ROLE_NAMES, Permission, Role
from backend.core.viewer import Viewer
from backend.infra import db, jobs

TELL_JOB: Final = "access.tell_auditors"
TEXT: Final = errors.sentences(
    fa="دسترسی اضطراری باشگاه: کاربر {user_name} نقش «{role}» را برای {hours} ساعت گرفت. دلیل در فهرست حسابرسی است.",
    en="Emergency access: {user_name} took the role “{role}” for {hours} hours. The reason is in the audit list.",
)
_TOLD: Final = frozenset({Role.AUDITOR})


async def break_glass(*, viewer: Viewer, role: Role, reason: str, hours: int) -> BreakGlassUse:
    """Take a role for some hours; it holds from the next request on, and ends by itself.

    The account is read again under its lock: who was suspended, or lost the role, since the request began is refused.

    Raises BreakGlassInvalid, BreakGlassRunning, BreakGlassSpent, NobodyWatches, RolesConflict, ReasonInvalid,
    ReauthenticationNeeded, Unauthenticated, Forbidden.
    """
    viewer.require(Permission.BREAK_GLASS_USE)
    viewer.require_recent()
    operator_id = operator_account.own_id(viewer)
    if role not in staff.BREAKABLE:
        raise _invalid("role")
    if not 1 <= hours <= staff.MOST_BREAK_GLASS_HOURS:
        raise _invalid("hours")
    checked = audit.fit_reason(reason)
    async with db.transaction():
        operator, _ = await operators.locked(operator_id)
        if not _may(operator):
            raise Forbidden(Permission.BREAK_GLASS_USE)
        check_conflict(operator.roles | {role})
        at = clock.now()
        await _require_left(operator_id, timedelta(hours=hours), at)
        told = await operators_repository.list_phones(_TOLD)
        if not told:
            raise NobodyWatches
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
        for auditor_id, _ in told:
            await jobs.enqueue(TELL_JOB, {"use_id": use.id, "operator_id": auditor_id})
    return use


async def end_break_glass(*, viewer: Viewer) -> BreakGlassUse:
    """End the viewer's own emergency before its time. Raises NotFound where none runs, Unauthenticated, Forbidden."""
    operator_id = operator_account.own_id(viewer)
    at = clock.now()
    async with db.transaction():
        await secrets_repository.lock_operator(operator_id)
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
    if use is None:
        return
    hours = (use.ends_at - use.began_at) // timedelta(hours=1)
    locale = Locale.FA
    text = TEXT[locale].format(
        user_name=await watchers.name_of(use.operator_id),
        role=ROLE_NAMES[use.role][locale],
        hours=hours,
    )
    await watchers.send(auditor_id, text=text, message_id=f"break-glass-{use_id}-{auditor_id}")


def _may(operator: Operator) -> bool:
    may = permissions.of_roles(operator.roles)
    return operator.state is OperatorState.ACTIVE and Permission.BREAK_GLASS_USE in may


async def _require_left(operator_id: int, wanted: timedelta, at: datetime) -> None:
    """Raise BreakGlassRunning, or BreakGlassSpent with when the operator next may; the account is locked."""
    if await repository.find_running(operator_id, at=at) is not None:
        raise BreakGlassRunning
    uses = await repository.list_since(operator_id, since=at - staff.BREAK_GLASS_WINDOW)
    next_at = emergency_rules.first_moment(uses, wanted=wanted, at=at)
    if next_at > at:
        shown = (next_at + timedelta(minutes=1) - timedelta(microseconds=1)).astimezone(
            clock.TEHRAN
        )
        raise BreakGlassSpent(
            most=staff.MOST_BREAK_GLASS_HOURS, next_hour=shown.hour, next_minute=shown.minute
        )


def _invalid(field: str) -> BreakGlassInvalid:
    return BreakGlassInvalid(field=(field,), most=staff.MOST_BREAK_GLASS_HOURS)
