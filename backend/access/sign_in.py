"""Signing in by national code, phone and a code by SMS.

Asking for a code never looks the member up: it does the same for everybody, and a job does the rest.
Whether somebody is a member shows in a message on the member's own phone, and nowhere else.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from backend.access import codes, limits, sessions
from backend.access.code_requests import (
    CODE_DIGITS,
    Asked,
    Claimed,
    CodeInvalid,
    CodeMalformed,
    Given,
    Pending,
    Purpose,
)
from backend.access.domain import MemberFileClosed, ProvinceNotOpen, SessionInvalid
from backend.access.sessions import Grant
from backend.audit import service as audit
from backend.core import clock, errors, identifiers
from backend.core import text as texts
from backend.core.locale import Locale
from backend.infra import cache_server, db, jobs, telemetry
from backend.infra.sms import port as sms
from backend.members import service as members
from backend.members.domain import MemberState
from backend.organization import service as organization

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from backend.access.domain import DeviceGiven, Issued
    from backend.core.viewer import Viewer
    from backend.members.domain import MemberKey
    from backend.organization.domain import Province

SEND_JOB: Final = "access.send_sign_in_code"
MAX_TYPED_CODE_CHARACTERS: Final = 40

# Warned of before all else, and within one part of 70 characters, the app's hash included.
TEXTS: Final = errors.sentences(
    fa="کد ورود به باشگاه: {code}\nاین کد را به هیچ‌کس نگویید.",
    en="Bashgah sign-in code: {code}\nNever tell it to anyone.",
)
HELP: Final = errors.sentences(
    fa="اگر تا دو دقیقه پیامکی نرسید، کد ملی و شماره را بررسی کنید یا با پشتیبانی تماس بگیرید.",
    en="If no message comes within two minutes, check both numbers or call the support.",
)

_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class SignInCodeSent:
    """What everybody gets who asks for a code, whether one is sent or not."""

    request_id: UUID
    expires_at: datetime
    resend_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A member who signed in: who asks from now on, and with which tokens."""

    viewer: Viewer
    issued: Issued


class _Configured:
    retriever_hashes: frozenset[str] = frozenset()


def configure(*, retriever_hashes: Iterable[str]) -> None:
    """Set the hashes of our own app for Android's SMS retriever; the composition root does this once."""
    _Configured.retriever_hashes = frozenset(retriever_hashes)


async def sign_in_code_request(
    *,
    national_code: str,
    phone: str,
    device: DeviceGiven,
    address: str | None,
    locale: Locale = Locale.FA,
    retriever_hash: str | None = None,
) -> SignInCodeSent:
    """Arrange for a code, where these are a member's; public, and the same for everybody.

    `address` is the client's IP address. A `retriever_hash` that is not our app's is left out of the
    message: Android would hand the code to whichever app it belongs to, without any permission. Raises
    InvalidNationalCode, InvalidMobile, DeviceInvalid, RetrieverHashInvalid, RateLimited, and Unavailable
    where the cache or the database is away.
    """
    given = Given(
        national_code=_normal_national_code(national_code),
        phone=_normal_phone(phone),
        device=device,
        locale=locale,
        retriever_hash=retriever_hash,
    )
    if given.retriever_hash not in _Configured.retriever_hashes:
        given = replace(given, retriever_hash=None)
    charges = limits.current().of_request(
        phone=given.phone, national_code=given.national_code, address=address
    )
    asked = await codes.ask(given, purpose=Purpose.SIGN_IN, charges=charges)
    if asked.is_due:
        await _arrange(asked)
    return SignInCodeSent(asked.request_id, asked.expires_at, asked.resend_at)


async def send_code(*, request_id: UUID) -> None:
    """Send the code of a request, if it is a member's; for the job. May run again.

    Raises SmsNotSent, TurnTaken, RateLimited and Unavailable, after which another run may succeed, and
    OwnNumberUnknown.
    """
    pending = await codes.find_pending(request_id)
    if pending is None:
        return
    if _is_over(pending):
        _log.warning("sign_in.too_late", request_id=str(request_id))
        return
    given = pending.given
    member = await members.find_for_sign_in(national_code=given.national_code, phone=given.phone)
    if member is None or not await _is_own_number(given):
        return
    await _send(pending, member_id=member.id)


async def sign_in_code_confirm(
    *, request_id: UUID, code: str, device_id: str, address: str | None
) -> SignedIn:
    """Sign in the member who was sent this code on this device; public.

    A request opens one session. Who asks again with a right code gets the tokens of that session again
    until the refresh token is used: the answer may have been lost. A member who is INACTIVE or FROZEN
    signs in as well: the own file, its debts and the reason stay readable, while the credit is nothing.
    Raises CodeMalformed, CodeInvalid, RateLimited, ProvinceNotOpen, MemberFileClosed, and Unavailable,
    after which the code is still good.
    """
    claimed = await codes.claim(
        request_id,
        purpose=Purpose.SIGN_IN,
        device_id=device_id,
        code=_normal_code(code),
        failures_of_person=limits.current().of_failures(""),
        failures_of_address=limits.current().of_address_failures(address),
    )
    return await _sign_in(claimed, request_id)


def code_text(given: Given, code: str, *, sentences: Mapping[Locale, str] = TEXTS) -> str:
    """The message: the code, the warning, and the app's hash on a line of its own at the end.

    Latin digits, which every phone's keyboard offers to fill in.
    """
    text = sentences[given.locale].format(code=code)
    return text if given.retriever_hash is None else f"{text}\n{given.retriever_hash}"


async def _arrange(asked: Asked) -> None:
    """Enqueue the job of an asking. Where this fails at any point, who asks again is heard at once."""
    async with db.transaction():
        await jobs.enqueue(
            SEND_JOB,
            {"request_id": str(asked.request_id)},
            dedupe_key=f"{asked.request_id}-{asked.asked}",
        )
    # Not noted, it stays due: another job of the same asking finds that its message was sent.
    with contextlib.suppress(cache_server.CacheUnavailable):
        await codes.mark_arranged(asked)


async def _send(pending: Pending, *, member_id: int) -> None:
    charges = limits.current().of_text()
    try:
        is_ours = await codes.take_turn(pending, charges=charges)
    except errors.RateLimited as error:
        _log.error("sign_in.texts_exhausted", request_id=str(pending.request_id))
        if _is_over(pending, after=timedelta(seconds=error.retry_after_seconds)):
            return
        raise
    code = await codes.make(pending, member_id=member_id) if is_ours else None
    if code is None:
        return
    try:
        await sms.sender().send(
            to=pending.given.phone,
            text=code_text(pending.given, code),
            message_id=f"{pending.request_id}-{pending.asked}",
        )
    except sms.SmsNotSent:
        await codes.mark_not_sent(pending, charges=charges)
        raise
    except sms.SmsRefused:
        _log.error("sign_in.refused", request_id=str(pending.request_id))
        await codes.mark_not_sent(pending, charges=charges)
    except sms.SmsUncertain:
        # Perhaps it went: the member asks again, which sends another.
        _log.error("sign_in.not_known_sent", request_id=str(pending.request_id))
    # Not noted, it is over: a run that failed here would send the message once more.
    with contextlib.suppress(cache_server.CacheUnavailable):
        await codes.mark_sent(pending)


def _is_over(pending: Pending, *, after: timedelta = timedelta(0)) -> bool:
    """Whether a code that is sent then comes later than it was promised to live."""
    return clock.now() + after >= pending.asked_at + timedelta(seconds=codes.CODE_SECONDS)


async def _is_own_number(given: Given) -> bool:
    check = sms.own_number_check()
    if check is None:
        return True
    is_own = await check.is_own(phone=given.phone, national_code=given.national_code)
    if not is_own:
        _log.info("sign_in.not_own_number")
    return is_own


async def _sign_in(claimed: Claimed, request_id: UUID) -> SignedIn:
    given = claimed.given
    grant = Grant(request_id, given.phone, claimed.seed)
    provinces = {each.code: each for each in await organization.list_provinces()}
    viewer = sessions.viewer_of(claimed.member_id)
    async with db.transaction():
        await sessions.hold_openings(member_id=claimed.member_id)
        # Again: the number may have been taken from the member since the code was sent.
        member = await members.find_for_sign_in(
            national_code=given.national_code, phone=given.phone
        )
        if member is None or member.id != claimed.member_id:
            raise CodeInvalid(field=("code",))
        _check_may_sign_in(member, provinces[member.province_code])
        issued = await _opened_before(grant, member_id=member.id, device=given.device)
        if issued is None:
            issued = await sessions.open_session(
                member_id=member.id, device=given.device, grant=grant
            )
            await audit.record(
                viewer=viewer,
                action="session.open",
                object_type="Session",
                object_id=str(issued.session_id),
                member_id=member.id,
                after={"platform": given.device.platform.value},
            )
    return SignedIn(viewer, issued)


async def _opened_before(grant: Grant, *, member_id: int, device: DeviceGiven) -> Issued | None:
    """The session that this request has opened already. Raises CodeInvalid where that is in use, or over."""
    try:
        return await sessions.open_again(member_id=member_id, device_id=device.id, grant=grant)
    except SessionInvalid as error:
        raise CodeInvalid(field=("code",)) from error


def _check_may_sign_in(member: MemberKey, province: Province) -> None:
    """Closing a province stops purchases there, and signs nobody out."""
    if member.state is MemberState.DECEASED:
        raise MemberFileClosed
    if not province.was_ever_open_for_members:
        raise ProvinceNotOpen(province_fa=province.name_fa, province_en=province.name_en)


def _normal_national_code(typed: str) -> str:
    try:
        return identifiers.normalize_national_code(typed)
    except identifiers.InvalidNationalCode as error:
        raise identifiers.InvalidNationalCode(field=("nationalCode",)) from error


def _normal_phone(typed: str) -> str:
    try:
        return identifiers.normalize_mobile(typed)
    except identifiers.InvalidMobile as error:
        raise identifiers.InvalidMobile(field=("phone",)) from error


def _normal_code(typed: str) -> str:
    """The six digits of any keyboard, without spaces and dashes. Raises CodeMalformed."""
    if len(typed) > MAX_TYPED_CODE_CHARACTERS:
        raise CodeMalformed(field=("code",))
    shown = texts.to_ascii_digits(texts.strip_bidi_controls(typed))
    digits = "".join(shown.split()).replace("-", "")
    if len(digits) != CODE_DIGITS or not (digits.isascii() and digits.isdecimal()):
        raise CodeMalformed(field=("code",))
    return digits
