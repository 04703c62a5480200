"""The credit line by policy, version 1, and its working in plain words. Pure.

limit = the smaller of the policy's cap and 3 × net pension; available = limit − what is still owed of running
purchases − what waits for the member's word. A month's deductions are capped at a quarter of the net pension,
less every other deduction known ("Credit line" and "Cap on deductions" of the rules).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from backend.core.errors import render, sentences
from backend.core.locale import Locale
from backend.core.money import format_toman
from backend.members.domain import MemberState

Words = Mapping[Locale, str]


@dataclass(frozen=True, slots=True)
class CreditPolicy:
    """The numbers of a policy; courts may attach a quarter of a pension, the bank's older card used 25 %."""

    version: int = 1
    cap_rials: int = 500_000_000
    pension_multiple: int = 3
    deduction_percent: int = 25


@dataclass(frozen=True, slots=True)
class Standing:
    """What the credit line is worked out from; amounts in rials, the pension None where it is not known."""

    state: MemberState
    net_pension_rials: int | None
    other_deductions_rials: int
    used_rials: int
    reserved_rials: int


@dataclass(frozen=True, slots=True)
class CreditLine:
    """What a member may still buy for, in rials; `explanation` says in each language how it came about."""

    limit_rials: int
    used_rials: int
    reserved_rials: int
    available_rials: int
    monthly_cap_rials: int
    explanation: Mapping[Locale, tuple[str, ...]] = field(hash=False)


_CLOSED: Final[Mapping[MemberState, Words]] = MappingProxyType(
    {
        MemberState.INACTIVE: sentences(
            fa="سقف اعتبار صفر است: نام شما در آخرین فهرست ماهانهٔ عضویت نیست.",
            en="The limit is zero: your name is not in the last monthly membership file.",
        ),
        MemberState.FROZEN: sentences(
            fa="سقف اعتبار صفر است: پروندهٔ شما اکنون مسدود است و خرید تازه ممکن نیست.",
            en="The limit is zero: your file is frozen now, and no new purchase is possible.",
        ),
        MemberState.DECEASED: sentences(
            fa="سقف اعتبار صفر است: این پرونده به نام عضو درگذشته است.",
            en="The limit is zero: this file belongs to a member who has died.",
        ),
    }
)
_PENSION_UNKNOWN = sentences(
    fa="سقف اعتبار صفر است: حقوق خالص شما در فهرست عضویت نیامده است.",
    en="The limit is zero: the membership file does not tell your net pension.",
)
_BY_PENSION = sentences(
    fa="سقف اعتبار {multiple} برابر حقوق خالص شما ({pension}) است: {limit}.",
    en="The limit is {multiple} times your net pension of {pension}: {limit}.",
)
_BY_CAP = sentences(
    fa="{multiple} برابر حقوق خالص شما ({pension}) از سقف طرح بیشتر است؛ پس سقف اعتبار همان سقف طرح است: {limit}.",
    en="{multiple} times your net pension of {pension} is more than the scheme allows, so the limit is the scheme's:"
    " {limit}.",
)
_USED = sentences(
    fa="از خریدهای جاری شما {used} مانده است که از سقف کم می‌شود.",
    en="You still owe {used} of running purchases; it is taken off the limit.",
)
_NOTHING_USED = sentences(
    fa="بدهی جاری از خریدها ندارید.", en="You owe nothing of running purchases."
)
_RESERVED = sentences(
    fa="{reserved} برای خریدهایی که در انتظار تأیید شماست کنار گذاشته شده است.",
    en="{reserved} is set aside for purchases that wait for your confirmation.",
)
_AVAILABLE = sentences(
    fa="اکنون تا {available} می‌توانید خرید کنید.", en="You can buy for up to {available} now."
)
_NOTHING_AVAILABLE = sentences(
    fa="اکنون اعتباری برای خرید تازه نمانده است.", en="No credit is left for a new purchase now."
)
_MONTHLY = sentences(
    fa="از حقوق هر ماه دست‌بالا {percent} درصد خالص آن، یعنی {share}، کسر می‌شود؛ با کنار گذاشتن {other} کسرهای دیگر،"
    " {cap} برای اقساط می‌ماند.",
    en="At most {percent} percent of a month's net pension, {share}, may be deducted; less {other} of other"
    " deductions, {cap} is left for instalments.",
)
_MONTHLY_ALONE = sentences(
    fa="از حقوق هر ماه دست‌بالا {percent} درصد خالص آن برای اقساط کسر می‌شود: {cap}.",
    en="At most {percent} percent of a month's net pension may be deducted for instalments: {cap}.",
)


def credit_line(standing: Standing, policy: CreditPolicy) -> CreditLine:
    """The credit line of a member by a policy; every amount is whole rials, a share rounded down."""
    pension = standing.net_pension_rials or 0
    entitled = policy.pension_multiple * pension
    limit = 0 if standing.state in _CLOSED else min(policy.cap_rials, entitled)
    available = max(0, limit - standing.used_rials - standing.reserved_rials)
    share = pension * policy.deduction_percent // 100
    monthly_cap = max(0, share - standing.other_deductions_rials)
    amounts = {
        "pension": pension,
        "limit": limit,
        "used": standing.used_rials,
        "reserved": standing.reserved_rials,
        "available": available,
        "share": share,
        "other": standing.other_deductions_rials,
        "cap": monthly_cap,
    }
    numbers = {"multiple": policy.pension_multiple, "percent": policy.deduction_percent}
    lines = (
        _limit_line(standing, capped=entitled > policy.cap_rials),
        _USED if standing.used_rials else _NOTHING_USED,
        *([_RESERVED] if standing.reserved_rials else []),
        _AVAILABLE if available else _NOTHING_AVAILABLE,
        *_monthly_line(standing),
    )
    return CreditLine(
        limit_rials=limit,
        used_rials=standing.used_rials,
        reserved_rials=standing.reserved_rials,
        available_rials=available,
        monthly_cap_rials=monthly_cap,
        explanation=MappingProxyType(
            {locale: _written(lines, amounts, numbers, locale) for locale in Locale}
        ),
    )


def _limit_line(standing: Standing, *, capped: bool) -> Words:
    if standing.state in _CLOSED:
        return _CLOSED[standing.state]
    if standing.net_pension_rials is None:
        return _PENSION_UNKNOWN
    return _BY_CAP if capped else _BY_PENSION


def _monthly_line(standing: Standing) -> tuple[Words, ...]:
    if standing.net_pension_rials is None or standing.state is MemberState.DECEASED:
        return ()
    return (_MONTHLY if standing.other_deductions_rials else _MONTHLY_ALONE,)


def _written(
    lines: tuple[Words, ...],
    amounts: Mapping[str, int],
    numbers: Mapping[str, int],
    locale: Locale,
) -> tuple[str, ...]:
    words = {name: format_toman(amount, locale) for name, amount in amounts.items()}
    return tuple(render(line[locale], {**words, **numbers}, locale) for line in lines)
