"""A member's new phone without the old one: two operators, three days, and a message to the number that is known.

Who has the phone has the file, so this is what a thief would want of an operator: the old number is told at once,
nobody grants it before that was tried, nothing is done for 72 hours from then, and anybody of the staff who hears the
member object may stop it. A number that is dead holds nothing up: that it could not be told is shown to who decides.
"""

from datetime import timedelta
from hashlib import sha256
from typing import Final

from backend.access import upkeep
from backend.approvals import service as approvals
from backend.approvals import telling
from backend.approvals.domain import Approval, ApprovalState, Execution
from backend.approvals.notice import MustTell, TellRule
from backend.audit import service as audit
from backend.core import errors, identifiers
from backend.core.errors import DomainError, sentences
from backend.core.locale import Locale
from backend.core.permissions import Permission
from backend.core.viewer import Viewer
from backend.infra import db, jobs
from backend.infra.sms import port as sms
from backend.members import acting
from backend.members.domain import HeldFile, Member, MemberState
from backend.notifications import service as notifications
from backend.notifications.domain import NoticeCategory

KIND: Final = "members.phone_change"
TELL_JOB: Final = "access.tell_of_phone_change"
COOLING: Final = timedelta(hours=72)
WAIT: Final = timedelta(days=14)  # for the second person
_CLOSED = frozenset({MemberState.DECEASED, MemberState.INACTIVE})

_TITLE = sentences(fa="درخواست تغییر شمارهٔ همراه شما", en="A change of your mobile number")
_TEXT = sentences(
    fa="باشگاه بازنشستگان: برای شما شمارهٔ همراه تازه‌ای درخواست شده و تا ۷۲ ساعت تغییر نمی‌کند."
    " اگر شما نخواسته‌اید، با {support} تماس بگیرید.",
    en="Retirees' club: a new mobile number was asked for in your name. Nothing changes for 72 hours."
    " If you did not ask for it, call {support}.",
)
_SUPPORT = sentences(fa="پشتیبانی باشگاه", en="the club's support")


class PhoneUnchanged(DomainError):
    """The member has this number already."""

    code = "PHONE_UNCHANGED"
    texts = sentences(
        fa="شمارهٔ این عضو هم‌اکنون همین است.", en="The member has this number already."
    )
    hints = sentences(fa="چیزی برای تغییر نیست.", en="There is nothing to change.")


class FileNotInUse(DomainError):
    """The member is dead, or gets no pension: nobody signs in to the file."""

    code = "FILE_NOT_IN_USE"
    texts = sentences(
        fa="این پرونده غیرفعال است یا عضو درگذشته است و شمارهٔ آن تغییر نمی‌کند.",
        en="The member is dead or the file inactive, and its number is not changed.",
    )
    hints = sentences(
        fa="پروندهٔ درگذشته از راه بازماندگان پیگیری می‌شود؛ برای پروندهٔ غیرفعال منتظر فایل ماه بعد بمانید.",
        en="A deceased member's file is the survivors' case; an inactive one waits for the next month's file.",
    )


class PhoneNotOwn(DomainError):
    """The mobile operator says that the number is in another name."""

    code = "PHONE_NOT_OWN"
    texts = sentences(
        fa="این شماره به نام این عضو نیست.", en="This number is not in the member's own name."
    )
    hints = sentences(
        fa="شماره‌ای بگیرید که به نام خود عضو ثبت شده باشد.",
        en="Take a number that is registered in the member's own name.",
    )


class PhoneOwnerUnknown(DomainError):
    """In whose name the number is can't be told now."""

    code = "PHONE_OWNER_UNKNOWN"
    texts = sentences(
        fa="اکنون نمی‌توان دانست این شماره به نام کیست و چیزی ثبت نشد.",
        en="It can't be told now in whose name the number is, and nothing was recorded.",
    )
    hints = sentences(fa="کمی دیگر دوباره تلاش کنید.", en="Try again in a while.")


class PhoneChangeClosed(DomainError):
    """There is no change of the phone to stop: it is done, or was stopped."""

    code = "PHONE_CHANGE_CLOSED"
    texts = sentences(
        fa="درخواست تغییر شماره‌ای برای این عضو باز نیست.",
        en="No change of this member's number is open.",
    )
    hints = sentences(
        fa="پروندهٔ عضو را تازه کنید؛ اگر شماره تغییر کرده، درخواست تازه‌ای بدهید.",
        en="Refresh the member's file; where the number is changed already, ask for another change.",
    )


async def ask_phone_change(*, viewer: Viewer, member_id: int, phone: str, reason: str) -> Approval:
    """Ask that a member get another phone; the old one is told at once, and nothing is done for 72 hours from then.

    Where it can be asked in whose name the number is, it has to be the member's. Raises Unauthenticated, Forbidden,
    ReauthenticationNeeded, NotFound (outside the scope, too), OwnFile, InvalidMobile, FileNotInUse, PhoneUnchanged,
    PhoneNotOwn, PhoneOwnerUnknown, ApprovalAlreadyAsked, ReasonInvalid.
    """
    viewer.require(Permission.MEMBERS_PHONE_CHANGE)
    viewer.require_recent()
    wanted = _mobile(phone)
    member = await acting.get_in_scope(
        viewer=viewer, permission=Permission.MEMBERS_PHONE_CHANGE, member_id=member_id
    )
    _check_open(member.state)
    if member.phone == wanted:
        raise PhoneUnchanged(field=("phone",))
    await _check_owner(viewer, member, wanted)
    association_id = await acting.association_id_of(member)
    async with db.transaction():
        held = await acting.lock_file(member_id)
        _check_open(held.state)
        approval = await approvals.ask(
            viewer=viewer,
            kind=KIND,
            object_type=acting.OBJECT,
            object_id=str(member_id),
            member_id=member_id,
            payload={"phone": wanted},
            before={"number": _shown(held.phone)},
            after={"number": _shown(wanted)},
            money_effect_rials=None,
            reason=reason,
            approve_permission=Permission.MEMBERS_PHONE_CHANGE_APPROVE,
            fingerprint=_fingerprint(held),
            province_code=member.province_code,
            association_id=association_id,
            expires_in=WAIT,
            not_before=None,
            must_tell=MustTell(
                count=0 if held.phone is None else 1, cooling=COOLING, rule=TellRule.TRIED
            ),
        )
        await notifications.enqueue(
            member_id=member_id,
            category=NoticeCategory.SECURITY,
            title=_TITLE[member.preferences.locale],
            body=_words(member.preferences.locale),
        )
        if held.phone is not None:
            await jobs.enqueue(TELL_JOB, {"member_id": member_id, "approval_id": approval.id})
    return approval


async def cancel_phone_change(*, viewer: Viewer, member_id: int, reason: str) -> Approval:
    """Stop a change that is not done yet, because the member objects; any of the staff for phones may.

    Raises Unauthenticated, Forbidden, NotFound (outside the scope, too), OwnFile, PhoneChangeClosed, ReasonInvalid.
    """
    await acting.get_in_scope(
        viewer=viewer, permission=Permission.MEMBERS_PHONE_CHANGE, member_id=member_id
    )
    checked = audit.fit_reason(reason)
    async with db.transaction():
        approval = await approvals.lock_open(
            kind=KIND, object_type=acting.OBJECT, object_id=str(member_id)
        )
        if approval is None:
            raise PhoneChangeClosed(field=("memberId",))
        return await approvals.drop(
            viewer, approval, ApprovalState.REFUSED, code="MEMBER_OBJECTS", text=checked
        )


async def change_phone(execution: Execution) -> None:
    """Write the phone that was granted, and end what the former one had opened; the executor of KIND."""
    approval = execution.approval
    member_id = int(approval.object_id)
    held = await acting.lock_file(member_id)
    execution.require_unchanged(
        _fingerprint(held),
        province_code=held.province_code,
        association_id=await acting.association_id_of(held),
    )
    await acting.save_phone(member_id, str(execution.payload["phone"]))
    await audit.record(
        viewer=execution.viewer,
        action=KIND,
        object_type=acting.OBJECT,
        object_id=str(member_id),
        member_id=member_id,
        before=approval.before,
        after=approval.after,
        reason=approval.reason,
        province_code=approval.province_code,
        association_id=approval.association_id,
    )
    await upkeep.end_stale_sessions([member_id])


async def tell(*, member_id: int, approval_id: int) -> None:
    """Tell the number that is known of the change that is asked for, and note it; for the job. May run again.

    Raises SmsNotSent and SmsUncertain, after which another run may succeed.
    """
    found = await acting.find_reachable(member_id)
    phone, locale = (None, Locale.FA) if found is None else found
    await telling.tell(
        approval_id=approval_id,
        place=0,
        to=phone,
        text=_words(locale),
        message_id=f"phone-change-{approval_id}",
    )


def configure(*, support_phone: str | None) -> None:
    """Set whom the message says to call; the composition root does this once."""
    _Configured.support_phone = support_phone


class _Configured:
    support_phone: str | None = None


def _check_open(state: MemberState) -> None:
    if state in _CLOSED:
        raise FileNotInUse(field=("memberId",))


async def _check_owner(viewer: Viewer, member: Member, phone: str) -> None:
    check = sms.own_number_check()
    if check is None:
        return
    national_code = acting.national_code_of(
        viewer=viewer, permission=Permission.MEMBERS_PHONE_CHANGE, member=member
    )
    try:
        is_own = await check.is_own(phone=phone, national_code=national_code)
    except sms.OwnNumberUnknown as error:
        raise PhoneOwnerUnknown(field=("phone",)) from error
    if not is_own:
        raise PhoneNotOwn(field=("phone",))


def _words(locale: Locale) -> str:
    support = _Configured.support_phone or _SUPPORT[locale]
    return errors.render(_TEXT[locale], {"support": support}, locale)


def _mobile(typed: str) -> str:
    try:
        return identifiers.normalize_mobile(typed)
    except identifiers.InvalidMobile as error:
        raise identifiers.InvalidMobile(field=("phone",)) from error


def _shown(phone: str | None) -> str | None:
    """A number as the approver and the trail see it: its beginning and its end."""
    return None if phone is None else identifiers.mask_phone(phone)


def _fingerprint(held: HeldFile) -> str:
    """Of the phone, and of whether the file is closed: a death in between voids what was asked."""
    closed = " closed" if held.state in _CLOSED else ""
    return sha256(f"phone:{held.phone or ''}{closed}".encode()).hexdigest()
