"""The guest: a member of every seed who has something of everything, as whom a visitor of the demo signs in.

The guest's purchases, notices and reads are set, not drawn. One purchase waits for the guest's word until a day after
the moment of the seed (`drafts.ANSWER`). A demo that is started again later still has it in the history, in its old
state, but no longer among what awaits the member, and its credit is free again.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from backend.audit.seeding import SeedFileRead
from backend.club_seed import drafts, letters
from backend.club_seed.budget import Budget
from backend.club_seed.debts import Bought
from backend.club_seed.drafts import Deal, Terms
from backend.club_seed.world import World
from backend.members.domain import MemberState
from backend.members.seed.people import Person
from backend.notifications.seeding import SeedNotice
from backend.organization.seeding import DEMO_OPEN_PROVINCES
from backend.purchases.domain import PurchaseState

_LEAST_PENSION_RIALS = 160_000_000  # the month's cap has room for a loan and three purchases
_CONFIRMED = PurchaseState.CONFIRMED
# State, age in days, instalments, and what each takes; one that is old enough is paid off by now.
_PURCHASES = (
    (PurchaseState.AWAITING_MEMBER, 0, 6, 2_000_000),
    (_CONFIRMED, 12, 12, 1_500_000),
    (_CONFIRMED, 80, 10, 2_500_000),
    (_CONFIRMED, 200, 12, 1_000_000),
    (PurchaseState.DECLINED, 33, 8, 3_000_000),
    (PurchaseState.REFUNDED, 48, 4, 4_000_000),
    (PurchaseState.EXPIRED, 150, 3, 2_000_000),
    (_CONFIRMED, 420, 6, 4_000_000),
    (_CONFIRMED, 700, 12, 2_000_000),
)
_OPENED = timedelta(minutes=4)
_NOTICE_DAYS = (0.2, 1.5, 6.0, 21.0, 45.0, 90.0)  # the first two are not read yet
_UNREAD = 2
_FILE_READ_DAYS = (3.2, 64.1)


class GuestWithoutCredit(RuntimeError):
    """The purchases that are set for the guest do not fit the guest's pension: a mistake of this module."""


def find_guest(world: World, people: Sequence[Person]) -> Person | None:
    """The first of the seed's first members who fits: active, in an open province and a town with stores.

    None where nobody does, as in a very small seed.
    """
    return next((person for person in people if _fits(world, person)), None)


def purchases(
    world: World, guest: Person, budget: Budget, *, first: int, beyond: int
) -> Iterator[Bought]:
    """The guest's purchases, with numbers from `first` on; fewer where there are not so many numbers."""
    stores = world.stores_near(guest.town)
    for number, (state, days, count, part) in zip(range(first, beyond), _PURCHASES, strict=False):
        deal = Deal(number, guest.number, stores[number % len(stores)])
        terms = Terms(part * count, count)
        yield _made(world, deal, budget, terms, state, days=days)


def notices(world: World, guest: Person) -> list[SeedNotice]:
    """One notice of each category."""
    return [
        letters.notice(world, guest, place, at=_ago(world, days), is_read=place >= _UNREAD)
        for place, days in enumerate(_NOTICE_DAYS)
    ]


def file_reads(world: World, guest: Person) -> list[SeedFileRead]:
    """Reads of the guest's file by staff."""
    return [
        letters.file_read(guest, place, at=_ago(world, days), clerk=place + 1)
        for place, days in enumerate(_FILE_READ_DAYS)
    ]


def _fits(world: World, person: Person) -> bool:
    return (
        person.state is MemberState.ACTIVE
        and person.phone is not None
        and person.locale == "fa"
        and person.town.province_code in DEMO_OPEN_PROVINCES
        and world.has_stores_in(person.town)
        and (person.net_pension_rials or 0) >= _LEAST_PENSION_RIALS
        and person.other_deductions_rials == 0
    )


def _made(
    world: World, deal: Deal, budget: Budget, terms: Terms, state: PurchaseState, *, days: int
) -> Bought:
    """A purchase of the list. Raises GuestWithoutCredit: the list must suit `_LEAST_PENSION_RIALS`."""
    draft = drafts.at_age(world, days, terms)
    if state is PurchaseState.AWAITING_MEMBER:
        awaiting = drafts.awaiting(world, deal, budget, terms, since=_OPENED)
        if awaiting is None:
            raise GuestWithoutCredit
        return awaiting, None
    if state is PurchaseState.REFUNDED:
        return drafts.refunded(deal, draft)
    if state is not _CONFIRMED:
        return drafts.unconfirmed(deal, terms, state, at=draft.at), None
    if not budget.take_purchase(draft.dues(drafts.month_place(world.today))):
        raise GuestWithoutCredit
    return drafts.confirmed(deal, draft)


def _ago(world: World, days: float) -> datetime:
    return world.now - timedelta(days=days)
