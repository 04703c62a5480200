"""Invented purchases with their plans, within the credit of those who made them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from random import Random

from backend.club_seed.budget import Budget
from backend.core import calendar, money
from backend.deductions.domain import PlanKind
from backend.deductions.seeding import SeedPlan
from backend.members.seed.people import Person
from backend.purchases.domain import PurchaseState
from backend.purchases.seeding import SeedPurchase

_COUNTS = (3, 4, 6, 8, 10, 12, 18, 24)
_COUNT_WEIGHTS = tuple(accumulate((9, 5, 20, 5, 15, 30, 10, 6)))
_PARTS_RIALS = (
    1_000_000, 1_500_000, 2_000_000, 2_500_000, 3_000_000, 4_000_000, 5_000_000, 7_500_000, 10_000_000,
)  # fmt: skip
_AMOUNT_STEP_RIALS = 50_000
_NOT_CONFIRMED = (PurchaseState.DECLINED, PurchaseState.EXPIRED, PurchaseState.CANCELLED)
_NOT_CONFIRMED_SHARE, _ARREARS_SHARE, _PARTLY_SHARE = 0.03, 0.015, 0.3
_OLDEST_DAYS, _DAYS_POWER = 900, 1.3
_LAST_DAY_OF_A_MONTH = 20  # what is confirmed later first falls due next month
_LONGEST_MONTH_DAYS = 31
_ANSWER = timedelta(minutes=15)
_ACTIVITIES = (0, 0, 0, 1, 1, 2, 4)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A purchase in instalments at some age, and what the pensions have paid of it by now."""

    at: datetime
    amounts: tuple[int, ...]
    first_month: int
    paid_months: int
    arrears_rials: int | None

    @property
    def paid_rials(self) -> int:
        return sum(self.amounts[: self.paid_months]) + (self.arrears_rials or 0)

    def dues(self, current: int) -> list[tuple[int, int]]:
        """What is unpaid, by months from the present one on; arrears are taken with the next pension."""
        left = [
            (max(0, self.first_month + number - current), rials)
            for number, rials in enumerate(self.amounts)
            if number >= self.paid_months
        ]
        if self.arrears_rials:
            left[0] = (left[0][0], left[0][1] - self.arrears_rials)
        return left


def draw_purchases(
    random: Random,
    *,
    buyers: Sequence[tuple[Person, Budget, Sequence[int]]],
    first: int,
    beyond: int,
    now: datetime,
    today: date,
) -> tuple[list[SeedPurchase], list[SeedPlan]]:
    """The purchases `first` to `beyond` - 1 of these members, each with the stores where they buy.

    The plan of a purchase has its number. Who has no room left has paid everything long ago.
    """
    weights = list(accumulate(random.choice(_ACTIVITIES) for _ in buyers))
    if not weights or not weights[-1]:
        weights = list(range(1, len(buyers) + 1))
    drawn = sorted(random.choices(range(len(buyers)), cum_weights=weights, k=beyond - first))
    purchases, plans = [], []
    for number, place in zip(range(first, beyond), drawn, strict=True):
        person, budget, stores = buyers[place]
        store_id = random.choice(stores)
        if random.random() < _NOT_CONFIRMED_SHARE:
            purchases.append(_unconfirmed(random, number, person, store_id, now))
            continue
        draft = _draw(random, budget, now, today)
        purchases.append(_confirmed(number, person, store_id, draft))
        plans.append(_plan(number, person, draft))
    return purchases, plans


@lru_cache(maxsize=4_096)
def month_place(day: date) -> int:
    """The Jalali month of a day, counted from the year 0: year × 12 + month − 1."""
    year, month = divmod(calendar.month_of(day), 100)
    return year * 12 + month - 1


@lru_cache(maxsize=4_096)
def first_due(day: date) -> int:
    """The month in which a purchase that is confirmed on a day first falls due, as `month_place`."""
    is_late = calendar.format_jalali_date(day)[-2:] > str(_LAST_DAY_OF_A_MONTH)
    return month_place(day) + is_late


def _draw(random: Random, budget: Budget, now: datetime, today: date) -> _Draft:
    count = random.choices(_COUNTS, cum_weights=_COUNT_WEIGHTS)[0]
    part = random.choice(_PARTS_RIALS)
    days = int(_OLDEST_DAYS * random.random() ** _DAYS_POWER)
    rest = random.randrange(20) * _AMOUNT_STEP_RIALS
    current = month_place(today)
    for divisor in (1, 2):
        draft = _at_age(random, days, (part // divisor * count + rest, count), now, today)
        if draft.paid_months == count or budget.take_purchase(draft.dues(current)):
            return draft
    days = (count + 1) * _LONGEST_MONTH_DAYS + random.randrange(300)
    return _at_age(random, days, (part * count + rest, count), now, today)


def _at_age(
    random: Random, days: int, terms: tuple[int, int], now: datetime, today: date
) -> _Draft:
    amounts = money.split_instalments(*terms)
    first = first_due(today - timedelta(days=days))
    paid = min(max(0, month_place(today) - first), len(amounts))
    arrears = None
    if 0 < paid < len(amounts) and random.random() < _ARREARS_SHARE:
        paid -= 1
        arrears = amounts[paid] // 2 if random.random() < _PARTLY_SHARE else 0
    # Within an hour before this time of that day: the day in Tehran is the same, and the month.
    at = now - timedelta(days=days)
    return _Draft(at, amounts, first, paid, arrears)


def _unconfirmed(
    random: Random, number: int, person: Person, store_id: int, now: datetime
) -> SeedPurchase:
    count = random.choices(_COUNTS, cum_weights=_COUNT_WEIGHTS)[0]
    at = now - timedelta(days=1 + random.randrange(_OLDEST_DAYS), seconds=number % 1_000)
    return SeedPurchase(
        id=number,
        member_id=person.number,
        store_id=store_id,
        plan_id=None,
        amount_rials=random.choice(_PARTS_RIALS) * count,
        instalment_count=count,
        state=random.choice(_NOT_CONFIRMED),
        created_at=at,
        expires_at=at + _ANSWER,
        confirmed_at=None,
    )


def _confirmed(number: int, person: Person, store_id: int, draft: _Draft) -> SeedPurchase:
    is_paid = draft.paid_months == len(draft.amounts)
    at = draft.at - timedelta(minutes=1, seconds=number % 50)
    return SeedPurchase(
        id=number,
        member_id=person.number,
        store_id=store_id,
        plan_id=number,
        amount_rials=sum(draft.amounts),
        instalment_count=len(draft.amounts),
        state=PurchaseState.CLOSED if is_paid else PurchaseState.CONFIRMED,
        created_at=at,
        expires_at=at + _ANSWER,
        confirmed_at=draft.at,
    )


def _plan(number: int, person: Person, draft: _Draft) -> SeedPlan:
    return SeedPlan(
        id=number,
        member_id=person.number,
        kind=PlanKind.PURCHASE,
        principal_rials=sum(draft.amounts),
        fees_rials=(),
        months=len(draft.amounts),
        first_month=draft.first_month,
        paid_months=draft.paid_months,
        arrears_rials=draft.arrears_rials,
        paid_rials=draft.paid_rials,
        created_at=draft.at,
    )
