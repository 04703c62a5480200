"""Two past loan rounds and an open one, as they were really given, and who applied."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random

from backend.club_seed.budget import Budget
from backend.club_seed.drafts import month_place
from backend.club_seed.world import World
from backend.core import money
from backend.deductions.domain import PlanKind
from backend.deductions.seeding import SeedPlan
from backend.loans.domain import LoanApplicationState, LoanRoundState, LoanSubmitter
from backend.loans.seeding import SeedApplication, SeedRound
from backend.members.domain import MemberState
from backend.members.seed.people import Person

PLACES = 25
_LAST_RANK = 80
_YEAR_MONTHS = 12
_APPLY_SHARES = (0.02, 0.03, 0.05)  # of the members, by round
_CHOSEN_SHARE = 0.45
_SUBMITTERS = (*(LoanSubmitter.MEMBER,) * 3, LoanSubmitter.REGISTRAR)
_TO_DUE = 61  # days from the application to the first deduction


def rounds(now: datetime) -> tuple[SeedRound, ...]:
    """The rounds as they are at a moment: one long repaid, one being repaid, one open."""
    return (
        _round("وام ضروری ۷ میلیون تومانی", 70_000_000, 36, now, ended_days=1_440, state=LoanRoundState.CLOSED),
        _round("وام قرض‌الحسنهٔ ۵۰ میلیون تومانی", 500_000_000, 24, now, ended_days=330, state=LoanRoundState.PAYING),
        _round("وام قرض‌الحسنهٔ ۶۰ میلیون تومانی", 600_000_000, 36, now, ended_days=-14, state=LoanRoundState.OPEN),
    )  # fmt: skip


def draw_loans(
    random: Random,
    world: World,
    people: Sequence[tuple[Person, Budget]],
    *,
    guest: Person | None,
) -> tuple[list[SeedApplication], list[SeedPlan]]:
    """The applications of these members and the plans of those who were chosen, as the guest was each time."""
    applications, plans = [], []
    for person, budget in people:
        for place, (_, each) in enumerate(world.rounds):
            applies = random.random() < _APPLY_SHARES[place] or person is guest
            if person.state is not MemberState.ACTIVE or not applies:
                continue
            number = person.number * len(world.rounds) + place
            at = each.opens_at + timedelta(seconds=random.randrange(9 * 86_400))
            plan = None
            is_chosen = random.random() < _CHOSEN_SHARE or person is guest
            if each.state is not LoanRoundState.OPEN and is_chosen:
                plan = _lend(world, world.purchases + number, person, budget, each)
            if plan is not None:
                plans.append(plan)
            applications.append(
                _application(random, world.rounds[place], person, (number, at), plan)
            )
    return applications, plans


def _round(
    title: str, amount: int, months: int, now: datetime, *, ended_days: int, state: LoanRoundState
) -> SeedRound:
    closes = (now - timedelta(days=ended_days)).replace(hour=8, minute=30, second=0, microsecond=0)
    is_open = state is LoanRoundState.OPEN
    return SeedRound(
        title=title,
        state=state,
        amount_rials=amount,
        months=months,
        fees_rials=_fees(amount, months),
        opens_at=closes - timedelta(days=28 if is_open else 14),
        closes_at=closes,
        budget_rials=40_000 * amount,
        list_sha256=None if is_open else sha256(title.encode()).hexdigest(),
    )


def _fees(amount: int, months: int) -> tuple[int, ...]:
    """Of each year, 4 % of what is owed at its beginning; a year has 11 instalments of the principal."""
    years = months // _YEAR_MONTHS
    return tuple(amount * (years - year) * 4 // (years * 100) for year in range(years))


def _lend(
    world: World, number: int, person: Person, budget: Budget, each: SeedRound
) -> SeedPlan | None:
    at = each.closes_at + timedelta(days=_TO_DUE)
    first, current = month_place(at.date()) + 1, month_place(world.today)
    paid = min(current - first, each.months)
    amounts = _months(each)
    dues = [(place - paid, rials) for place, rials in enumerate(amounts) if place >= paid]
    if not budget.take(dues):
        return None
    return SeedPlan(
        id=number,
        member_id=person.number,
        kind=PlanKind.LOAN,
        principal_rials=each.amount_rials,
        fees_rials=each.fees_rials,
        months=each.months,
        first_month=first,
        paid_months=paid,
        arrears_rials=None,
        paid_rials=sum(amounts[:paid]),
        is_cancelled=False,
        created_at=at,
    )


def _months(each: SeedRound) -> list[int]:
    """What each month takes: a fee in the first of a year, else a part of the principal."""
    parts = iter(money.split_instalments(each.amount_rials, each.months - len(each.fees_rials)))
    return [
        each.fees_rials[place // _YEAR_MONTHS] if place % _YEAR_MONTHS == 0 else next(parts)
        for place in range(each.months)
    ]


def _application(
    random: Random,
    numbered: tuple[int, SeedRound],
    person: Person,
    submitted: tuple[int, datetime],
    plan: SeedPlan | None,
) -> SeedApplication:
    round_id, each = numbered
    number, at = submitted
    is_over = each.state is not LoanRoundState.OPEN
    state, reason = LoanApplicationState.SUBMITTED, None
    rank = random.randint(1, PLACES)
    if plan is not None:
        is_repaid = plan.paid_months == plan.months
        state = LoanApplicationState.CLOSED if is_repaid else LoanApplicationState.REPAYING
    elif is_over:
        state, reason = LoanApplicationState.NOT_SELECTED, "QUOTA_FILLED"
        rank = random.randint(PLACES + 1, _LAST_RANK)
    return SeedApplication(
        id=number,
        member_id=person.number,
        round_id=round_id,
        state=state,
        amount_rials=each.amount_rials,
        submitted_at=at,
        submitted_by=random.choice(_SUBMITTERS),
        plan_id=None if plan is None else plan.id,
        quota=PLACES if is_over else None,
        rank=rank if is_over else None,
        last_selected_rank=PLACES if is_over else None,
        reason=reason,
    )
