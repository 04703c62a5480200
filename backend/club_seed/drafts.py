"""Purchases as they stand by now, each by its age: its state, its plan, and what of it is due in which month."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from backend.club_seed.budget import Budget
from backend.club_seed.world import World
from backend.core import calendar, money
from backend.deductions.domain import PlanKind
from backend.deductions.seeding import SeedPlan
from backend.purchases.domain import PurchaseState
from backend.purchases.seeding import SeedPurchase

# How long a member may think a purchase over. Long enough that what waits when the data are made still waits on
# the same day; after that it no longer counts as awaiting, by `expires_at`, whatever its state says.
ANSWER = timedelta(days=1)
_LAST_DAY_OF_A_MONTH = 20  # what is confirmed later first falls due next month


@dataclass(frozen=True, slots=True)
class Deal:
    """Who buys where; the plan of a purchase has its number too."""

    number: int
    member_id: int
    store_id: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What is paid, in rials, and in how many instalments."""

    amount_rials: int
    count: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A purchase in instalments from a moment on, and what the pensions have paid of it by now.

    `arrears_rials` is what was taken of the first unpaid instalment, which is overdue; None where none is.
    """

    at: datetime
    amounts: tuple[int, ...]
    first_month: int
    paid_months: int
    arrears_rials: int | None = None

    @property
    def paid_rials(self) -> int:
        """What the pensions have paid."""
        return sum(self.amounts[: self.paid_months]) + (self.arrears_rials or 0)

    @property
    def is_paid(self) -> bool:
        """Whether nothing is left."""
        return self.paid_months == len(self.amounts)

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


def at_age(world: World, days: int, terms: Terms) -> Draft:
    """A purchase of so many days ago of which all is paid that has fallen due."""
    amounts = money.split_instalments(terms.amount_rials, terms.count)
    first = first_due(world.today - timedelta(days=days))
    paid = min(max(0, month_place(world.today) - first), len(amounts))
    # Within an hour before this time of that day: the day in Tehran is the same, and the month.
    return Draft(world.now - timedelta(days=days), amounts, first, paid)


def confirmed(deal: Deal, draft: Draft) -> tuple[SeedPurchase, SeedPlan]:
    """A purchase that is being paid or is paid."""
    state = PurchaseState.CLOSED if draft.is_paid else PurchaseState.CONFIRMED
    return _purchase(deal, draft, state), _plan(deal, draft, is_cancelled=False)


def refunded(deal: Deal, draft: Draft) -> tuple[SeedPurchase, SeedPlan]:
    """A purchase that was given back as a whole before anything of it was collected."""
    untouched = replace(draft, paid_months=0, arrears_rials=None)
    return (
        _purchase(deal, untouched, PurchaseState.REFUNDED),
        _plan(deal, untouched, is_cancelled=True),
    )


def awaiting(
    world: World, deal: Deal, budget: Budget, terms: Terms, *, since: timedelta
) -> SeedPurchase | None:
    """A purchase that a cashier opened so long ago, its credit reserved; None where there is no room for it."""
    if not budget.take_purchase(at_age(world, 0, terms).dues(month_place(world.today))):
        return None
    return unconfirmed(deal, terms, PurchaseState.AWAITING_MEMBER, at=world.now - since)


def unconfirmed(deal: Deal, terms: Terms, state: PurchaseState, *, at: datetime) -> SeedPurchase:
    """A purchase opened at a moment for which the member has given no word, or said no."""
    return SeedPurchase(
        id=deal.number,
        member_id=deal.member_id,
        store_id=deal.store_id,
        plan_id=None,
        amount_rials=terms.amount_rials,
        instalment_count=terms.count,
        state=state,
        created_at=at,
        expires_at=at + ANSWER,
        confirmed_at=None,
        refunded_rials=0,
    )


def _purchase(deal: Deal, draft: Draft, state: PurchaseState) -> SeedPurchase:
    at, amount = draft.at - timedelta(minutes=1, seconds=deal.number % 50), sum(draft.amounts)
    return SeedPurchase(
        id=deal.number,
        member_id=deal.member_id,
        store_id=deal.store_id,
        plan_id=deal.number,
        amount_rials=amount,
        instalment_count=len(draft.amounts),
        state=state,
        created_at=at,
        expires_at=at + ANSWER,
        confirmed_at=draft.at,
        refunded_rials=amount if state is PurchaseState.REFUNDED else 0,
    )


def _plan(deal: Deal, draft: Draft, *, is_cancelled: bool) -> SeedPlan:
    return SeedPlan(
        id=deal.number,
        member_id=deal.member_id,
        kind=PlanKind.PURCHASE,
        principal_rials=sum(draft.amounts),
        fees_rials=(),
        months=len(draft.amounts),
        first_month=draft.first_month,
        paid_months=draft.paid_months,
        arrears_rials=draft.arrears_rials,
        paid_rials=draft.paid_rials,
        is_cancelled=is_cancelled,
        created_at=draft.at,
    )
