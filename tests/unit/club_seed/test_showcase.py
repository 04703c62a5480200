"""The guest's purchases fit any guest on any day; a seed without anybody who fits has none."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from backend.club_seed import budget, chunks, lending, showcase, world
from backend.club_seed.world import World
from backend.members.domain import MemberState, PensionKind
from backend.members.seed.people import Person, Town
from backend.purchases.domain import PurchaseState

SHIRAZ = Town("IR-07", "شیراز", 1_500_000, (), ())
VILLAGE = Town("IR-07", "ده", 900, (), ())
CLOSED = Town("IR-12", "همدان", 500_000, (), ())
STORES = {(town.province_code, town.name): (1, 2, 3) for town in (SHIRAZ, CLOSED)}
NOON = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


def world_of(now: datetime = NOON, *, members: int = 20_000, purchases: int = 40_000) -> World:
    return World(
        seed=1,
        members=members,
        purchases=purchases,
        now=now,
        today=now.date(),
        towns=(SHIRAZ,),
        stores=world.stores_of(STORES),
        rounds=tuple(enumerate(lending.rounds(now), start=1)),
    )


def person(
    *,
    number: int = 1,
    state: MemberState = MemberState.ACTIVE,
    town: Town = SHIRAZ,
    pension: int | None = 160_000_000,
    other: int = 0,
    phone: str | None = "+989612345678",
) -> Person:
    return Person(
        number=number,
        national_code="0012345679",
        first_name="مریم",
        last_name="احمدی",
        name_sort_key="k",
        birth_date=date(1950, 1, 1),
        pension_number="1",
        pension_kind=PensionKind.RETIREMENT,
        state=state,
        town=town,
        branch_code=None,
        association_code=None,
        net_pension_rials=pension,
        other_deductions_rials=other,
        iban=None,
        phone=phone,
        locale="fa",
        text_size="NORMAL",
    )


@pytest.mark.parametrize(
    "unfit",
    [
        person(state=MemberState.FROZEN),
        person(town=VILLAGE),
        person(town=CLOSED),
        person(pension=159_900_000),
        person(pension=None),
        person(other=3_000_000),
        person(phone=None),
    ],
)
def test_the_first_who_fits_is_the_guest(unfit: Person) -> None:
    fit = person(number=2)

    assert showcase.find_guest(world_of(), [unfit, fit, person(number=3)]) is fit
    assert showcase.find_guest(world_of(), [unfit]) is None


def test_the_least_pension_that_fits_suffices_for_loan_and_purchases_on_every_day() -> None:
    guest = person()
    for days in range(800):
        now = world_of(NOON + timedelta(days=days))
        room = budget.budget_of(guest)
        applications, lent = lending.draw_loans(Random(days), now, [(guest, room)], guest=guest)
        bought = list(showcase.purchases(now, guest, room, first=1, beyond=100))

        assert len(applications) == len(now.rounds)
        assert [plan.paid_months < plan.months for plan in lent] == [False, True]
        assert [purchase.id for purchase, _ in bought] == list(range(1, len(bought) + 1))
        assert [purchase.state for purchase, _ in bought] == [
            PurchaseState.AWAITING_MEMBER,
            PurchaseState.CONFIRMED,
            PurchaseState.CONFIRMED,
            PurchaseState.CONFIRMED,
            PurchaseState.DECLINED,
            PurchaseState.REFUNDED,
            PurchaseState.EXPIRED,
            PurchaseState.CLOSED,
            PurchaseState.CLOSED,
        ]
        assert all(purchase.created_at < now.now for purchase, _ in bought)
        assert max(room.due.values()) <= room.monthly_cap_rials == 40_000_000


@pytest.mark.parametrize("purchases", [0, 1, 5, 9, 10, 200])
def test_a_seed_has_as_many_purchases_as_were_asked_for(purchases: int) -> None:
    made = chunks.generate(world_of(members=500, purchases=purchases), 0)

    assert made.guest is not None
    assert [each.id for each in made.purchases] == list(range(1, purchases + 1))
    of_guest = [each for each in made.purchases if each.member_id == made.guest.number]
    assert len(of_guest) >= min(purchases, 9)


def test_only_the_first_chunk_has_the_guest() -> None:
    large = world_of()

    assert chunks.people_of(large, 0)[1] is not None
    assert chunks.people_of(large, 1)[1] is None
