"""Invented purchases with their plans, within the credit of those who made them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import accumulate
from random import Random

from backend.club_seed import drafts
from backend.club_seed.budget import Budget
from backend.club_seed.drafts import Deal, Draft, Terms
from backend.club_seed.world import World
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
_UNCONFIRMED = (PurchaseState.DECLINED, PurchaseState.EXPIRED, PurchaseState.CANCELLED)
# Shares of all purchases, added up: 3 %, 0.8 % and 1.2 %; the others are confirmed or paid off.
_UNCONFIRMED_BELOW, _REFUNDED_BELOW, _AWAITING_BELOW = 0.03, 0.038, 0.05
_ARREARS_SHARE, _PARTLY_SHARE = 0.015, 0.3
_OLDEST_DAYS, _DAYS_POWER = 900, 1.3
_LEAST_DAYS_REFUNDED = 5
_AWAITING_SECONDS = 3_000
_LONGEST_MONTH_DAYS = 31
_ACTIVITIES = (0, 0, 0, 1, 1, 2, 4)

Bought = tuple[SeedPurchase, SeedPlan | None]


def draw_purchases(
    random: Random,
    world: World,
    *,
    buyers: Sequence[tuple[Person, Budget]],
    first: int,
    beyond: int,
) -> Iterator[Bought]:
    """The purchases `first` to `beyond` - 1 of these members, each with the plan of what was confirmed.

    The plan of a purchase has its number. Who has no room left has paid everything long ago. At most one purchase
    of a member waits for an answer.
    """
    asked = 0  # a member's purchases follow each other
    for number, (person, budget) in zip(
        range(first, beyond), _draw_buyers(random, buyers, beyond - first), strict=True
    ):
        deal = Deal(number, person.number, random.choice(world.stores_near(person.town)))
        lot = random.random()
        if lot < _UNCONFIRMED_BELOW:
            yield _unconfirmed(random, deal, world), None
        elif lot < _REFUNDED_BELOW:
            yield _refunded(random, deal, world)
        elif (
            lot < _AWAITING_BELOW
            and asked != person.number
            and (awaiting := _awaiting(random, deal, budget, world)) is not None
        ):
            asked = person.number
            yield awaiting, None
        else:
            yield drafts.confirmed(deal, _confirmed(random, budget, world))


def _draw_buyers(
    random: Random, buyers: Sequence[tuple[Person, Budget]], count: int
) -> list[tuple[Person, Budget]]:
    """Who makes each purchase, in the members' order; some buy more than others, some never."""
    weights = list(accumulate(random.choice(_ACTIVITIES) for _ in buyers))
    if not weights or not weights[-1]:
        weights = list(range(1, len(buyers) + 1))
    drawn = random.choices(range(len(buyers)), cum_weights=weights, k=count)
    return [buyers[place] for place in sorted(drawn)]


def _draw_terms(random: Random) -> Terms:
    count = random.choices(_COUNTS, cum_weights=_COUNT_WEIGHTS)[0]
    return Terms(random.choice(_PARTS_RIALS) * count, count)


def _confirmed(random: Random, budget: Budget, world: World) -> Draft:
    count = random.choices(_COUNTS, cum_weights=_COUNT_WEIGHTS)[0]
    part = random.choice(_PARTS_RIALS)
    days = int(_OLDEST_DAYS * random.random() ** _DAYS_POWER)
    rest = random.randrange(20) * _AMOUNT_STEP_RIALS
    current = drafts.month_place(world.today)
    for divisor in (1, 2):
        terms = Terms(part // divisor * count + rest, count)
        draft = _in_arrears(random, drafts.at_age(world, days, terms))
        if draft.is_paid or budget.take_purchase(draft.dues(current)):
            return draft
    days = (count + 1) * _LONGEST_MONTH_DAYS + random.randrange(300)
    return drafts.at_age(world, days, Terms(part * count + rest, count))


def _in_arrears(random: Random, draft: Draft) -> Draft:
    """The same for most; for some, the pension did not suffice for the last due month."""
    if draft.is_paid or not draft.paid_months or random.random() >= _ARREARS_SHARE:
        return draft
    last = draft.paid_months - 1
    taken = draft.amounts[last] // 2 if random.random() < _PARTLY_SHARE else 0
    return replace(draft, paid_months=last, arrears_rials=taken)


def _unconfirmed(random: Random, deal: Deal, world: World) -> SeedPurchase:
    since = timedelta(days=1 + random.randrange(_OLDEST_DAYS), seconds=deal.number % 1_000)
    terms, state = _draw_terms(random), random.choice(_UNCONFIRMED)
    return drafts.unconfirmed(deal, terms, state, at=world.now - since)


def _awaiting(random: Random, deal: Deal, budget: Budget, world: World) -> SeedPurchase | None:
    since = timedelta(seconds=1 + random.randrange(_AWAITING_SECONDS))
    return drafts.awaiting(world, deal, budget, _draw_terms(random), since=since)


def _refunded(random: Random, deal: Deal, world: World) -> tuple[SeedPurchase, SeedPlan]:
    days = _LEAST_DAYS_REFUNDED + random.randrange(_OLDEST_DAYS)
    return drafts.refunded(deal, drafts.at_age(world, days, _draw_terms(random)))
