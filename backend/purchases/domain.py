"""Purchases in instalments: what they are, their states in words, and the periods they are asked for by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from backend.core import calendar, clock
from backend.core.errors import BadUserInput, sentences
from backend.core.locale import Locale
from backend.deductions.domain import Instalment, MonthDue
from backend.stores.views import StoreCard

MAX_TOTAL_MONTHS = 36
MAX_AWAITING = 50


class PurchaseState(StrEnum):
    """Where a purchase stands between the counter and its last instalment."""

    AWAITING_MEMBER = "AWAITING_MEMBER"
    CONFIRMED = "CONFIRMED"
    SETTLING = "SETTLING"
    CLOSED = "CLOSED"
    DECLINED = "DECLINED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    DISPUTED = "DISPUTED"
    REFUNDED = "REFUNDED"


PURCHASE_STATE_TEXTS: Final[Mapping[PurchaseState, Mapping[Locale, str]]] = MappingProxyType(
    {
        PurchaseState.AWAITING_MEMBER: sentences(
            fa="در انتظار تأیید شما", en="Waiting for your confirmation"
        ),
        PurchaseState.CONFIRMED: sentences(fa="تأیید شده", en="Confirmed"),
        PurchaseState.SETTLING: sentences(fa="در حال تسویهٔ زودتر", en="Being settled early"),
        PurchaseState.CLOSED: sentences(fa="همهٔ اقساط پرداخت شد", en="Paid in full"),
        PurchaseState.DECLINED: sentences(fa="شما نپذیرفتید", en="Declined by you"),
        PurchaseState.CANCELLED: sentences(fa="فروشگاه لغو کرد", en="Cancelled by the store"),
        PurchaseState.EXPIRED: sentences(fa="مهلت تأیید گذشت", en="Not confirmed in time"),
        PurchaseState.DISPUTED: sentences(fa="در حال بررسی اعتراض", en="Disputed, under review"),
        PurchaseState.REFUNDED: sentences(fa="برگشت داده شد", en="Refunded"),
    }
)


@dataclass(frozen=True, slots=True)
class Purchase:
    """A purchase of a member with its store and with what its plan says is paid; amounts in rials."""

    id: int
    store: StoreCard
    plan_id: int | None
    amount_rials: int
    instalment_count: int
    state: PurchaseState
    created_at: datetime
    expires_at: datetime | None
    confirmed_at: datetime | None
    refunded_rials: int
    paid_rials: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A purchase that waits for the member's word: its price in rials is set aside, and its instalments' places."""

    amount_rials: int
    instalment_count: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What weighs on a member's credit: the unpaid part of running purchases, what waits, and all dues by month."""

    used_rials: int
    waiting: tuple[Waiting, ...]
    dues: tuple[MonthDue, ...]
    next_instalment: Instalment | None


@dataclass(frozen=True, slots=True)
class PurchaseFilter:
    """What the history is narrowed by; days are Tehran's, both included; all given conditions must hold."""

    from_date: date | None = None
    to_date: date | None = None
    store_id: int | None = None
    states: tuple[PurchaseState, ...] | None = None


@dataclass(frozen=True, slots=True)
class MonthTotal:
    """The purchases confirmed in one Jalali month, and their amount less what was refunded."""

    month: int
    count: int
    amount_rials: int


class DatesInvalid(BadUserInput):
    """A history whose last day lies before its first."""

    texts = sentences(
        fa="روز پایان فهرست پیش از روز آغاز آن است.",
        en="The last day of the list lies before its first.",
    )
    hints = sentences(fa="روزها را جابه‌جا کنید.", en="Swap the two days.")


def instants(matching: PurchaseFilter) -> tuple[datetime | None, datetime | None]:
    """The half-open period of a filter's days. Raises DatesInvalid, and InvalidJalaliDate at the calendar's end."""
    first, last = matching.from_date, matching.to_date
    if first is not None and last is not None and last < first:
        raise DatesInvalid(field=("filter", "to"))
    return (
        None if first is None else start_of(first),
        None if last is None else start_of(last + timedelta(days=1)),
    )


def month_starts(from_month: int, to_month: int) -> list[datetime]:
    """The instants at which these months begin in Tehran, both included, and at which the last one ends."""
    starts, month = [], from_month
    while month <= to_month:
        starts.append(start_of(calendar.first_day(month)))
        month = month + 1 if month % 100 < 12 else month + 89  # noqa: PLR2004 - months of a year
    return [*starts, start_of(calendar.last_day(to_month) + timedelta(days=1))]


def totals_by_month(
    from_month: int, found: Mapping[int, tuple[int, int]], months: int
) -> Sequence[MonthTotal]:
    """One total a month from `from_month` on, zero where `found` (by place from 1) has none."""
    return [
        MonthTotal(calendar.add_months(from_month, place), *found.get(place + 1, (0, 0)))
        for place in range(months)
    ]


def start_of(day: date) -> datetime:
    """The instant at which a day begins in Tehran, in UTC; summer time of the years before 2023 included."""
    return datetime.combine(day, time.min, clock.TEHRAN).astimezone(UTC)
