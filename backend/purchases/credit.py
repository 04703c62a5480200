"""The credit line by policy, version 1, and its working in plain words. Pure.

limit = the smaller of the policy's cap and 3 × net pension. A month's deductions are capped at a quarter of the net
pension, less every other deduction known. available = what a new purchase can really be: at most limit − what is
still owed of running purchases − what waits for the member's word, and so that its instalments, over the policy's
longest term at most, stay inside the cap of every month beside what that month takes already, loans included
("Credit line" and "Cap on deductions" of the rules; `purchases.room` has the sum).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Final

from backend.core.errors import render, sentences
from backend.core.locale import Locale
from backend.core.money import format_toman
from backend.deductions.domain import MonthDue, coming_dues
from backend.members.domain import MemberState
from backend.purchases import room
from backend.purchases.domain import Waiting
from backend.purchases.room import Room

# The versions that members' files may name: the database lets them name no other.
VERSIONS: Final = (1,)

Words = Mapping[Locale, str]


@dataclass(frozen=True, slots=True)
class CreditPolicy:
    """The numbers of a policy; courts may attach a quarter of a pension, the bank's older card used 25 %.

    What is confirmed after the `cutoff_day` of a month first falls due in the next one.
    """

    version: int = 1
    cap_rials: int = 500_000_000
    pension_multiple: int = 3
    deduction_percent: int = 25
    longest_months: int = 24
    cutoff_day: int = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """What the credit line is worked out from; amounts in rials, the pension None where it is not known.

    `today` is the day in Tehran.
    """

    state: MemberState
    net_pension_rials: int | None
    other_deductions_rials: int
    used_rials: int
    waiting: tuple[Waiting, ...]
    dues: tuple[MonthDue, ...]
    today: date

    @property
    def reserved_rials(self) -> int:
        """What is set aside for the purchases that wait."""
        return sum(each.amount_rials for each in self.waiting)


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
            fa="سقف اعتبار صفر است: پرداخت حقوق شما اکنون فعال نیست.",
            en="The limit is zero: no pension is paid to you now.",
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
_NO_SHARE = sentences(
    fa="از سهم ماهانهٔ شما چیزی برای اقساط تازه نمانده است؛ پس خرید قسطی تازه ممکن نیست.",
    en="Nothing of the monthly share is left for new instalments, so no new purchase is possible.",
)
_MONTHS_FULL = sentences(
    fa="اقساط ماه‌های پیش رو این سقف ماهانه را پر کرده است؛ پس خرید قسطی تازه فعلاً ممکن نیست.",
    en="The instalments of the coming months fill that monthly cap, so no new purchase is possible for now.",
)
_ROOM = sentences(
    fa="با اقساطی که در ماه‌های پیش رو دارید، در این سقف ماهانه دست‌بالا برای خریدی به مبلغ {room} در {months} قسط"
    " جا هست.",
    en="Beside the instalments of the coming months, that monthly cap has room for a purchase of at most {room} in"
    " {months} instalments.",
)
_ROOM_ALONE = sentences(
    fa="در این سقف ماهانه دست‌بالا برای خریدی به مبلغ {room} در {months} قسط جا هست.",
    en="That monthly cap has room for a purchase of at most {room} in {months} instalments.",
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
    left = max(0, limit - standing.used_rials - standing.reserved_rials)
    share = pension * policy.deduction_percent // 100
    monthly_cap = max(0, share - standing.other_deductions_rials)
    dues = _dues(standing, policy)
    largest = room.largest_purchase(monthly_cap, dues)
    available = min(left, largest.rials)
    return CreditLine(
        limit_rials=limit,
        used_rials=standing.used_rials,
        reserved_rials=standing.reserved_rials,
        available_rials=available,
        monthly_cap_rials=monthly_cap,
        explanation=_Explanation(standing, policy, limit, left, monthly_cap, dues, largest),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Explanation(Mapping[Locale, tuple[str, ...]]):
    """The sentences in each language, written when they are asked for: most screens show the amounts alone."""

    standing: Standing
    policy: CreditPolicy
    limit_rials: int
    left_rials: int  # of the limit
    monthly_cap_rials: int
    dues: tuple[int, ...]
    largest: Room

    def __getitem__(self, locale: Locale) -> tuple[str, ...]:
        standing, policy, largest = self.standing, self.policy, self.largest
        pension = standing.net_pension_rials or 0
        amounts = {
            "pension": pension,
            "limit": self.limit_rials,
            "used": standing.used_rials,
            "reserved": standing.reserved_rials,
            "available": min(self.left_rials, largest.rials),
            "share": pension * policy.deduction_percent // 100,
            "other": standing.other_deductions_rials,
            "cap": self.monthly_cap_rials,
            "room": largest.rials,
        }
        numbers = {
            "multiple": policy.pension_multiple,
            "percent": policy.deduction_percent,
            "months": largest.months,
        }
        return _written(self._lines(), amounts, numbers, locale)

    def _lines(self) -> tuple[Words, ...]:
        standing, largest, cap = self.standing, self.largest, self.monthly_cap_rials
        capped = self.policy.pension_multiple * (standing.net_pension_rials or 0) > (
            self.policy.cap_rials
        )
        is_short = largest.rials < self.left_rials
        return (
            _limit_line(standing, capped=capped),
            _USED if standing.used_rials else _NOTHING_USED,
            *([_RESERVED] if standing.reserved_rials else []),
            *_monthly_line(standing),
            *([_room_line(cap, self.dues, largest)] if is_short else []),
            _AVAILABLE if min(self.left_rials, largest.rials) else _NOTHING_AVAILABLE,
        )

    def __iter__(self) -> Iterator[Locale]:
        return iter(Locale)

    def __len__(self) -> int:
        return len(Locale)


def _dues(standing: Standing, policy: CreditPolicy) -> tuple[int, ...]:
    """What the coming months take, from the first of a purchase of today on."""
    dues = coming_dues(
        standing.dues,
        today=standing.today,
        cutoff_day=policy.cutoff_day,
        months=policy.longest_months,
    )
    return room.with_waiting(dues, standing.waiting)


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


def _room_line(monthly_cap_rials: int, dues: tuple[int, ...], largest: Room) -> Words:
    """Why less is available than the limit leaves."""
    if not monthly_cap_rials:
        return _NO_SHARE
    if not largest.rials:
        return _MONTHS_FULL
    return _ROOM if any(dues) else _ROOM_ALONE


def _written(
    lines: tuple[Words, ...],
    amounts: Mapping[str, int],
    numbers: Mapping[str, int],
    locale: Locale,
) -> tuple[str, ...]:
    words = {name: format_toman(amount, locale) for name, amount in amounts.items()}
    return tuple(render(line[locale], {**words, **numbers}, locale) for line in lines)
