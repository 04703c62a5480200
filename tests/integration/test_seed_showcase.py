"""The demo's seed, and what its guest finds after signing in."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from backend.audit import service as audit
from backend.club_seed import demo
from backend.club_seed.filling import Outcome
from backend.core import clock
from backend.core.viewer import SYSTEM
from backend.infra import db as database
from backend.loans import service as loans
from backend.loans.domain import LoanApplicationState
from backend.members import service as members
from backend.members.domain import MemberState
from backend.members.seed.people import Person
from backend.notifications import service as notifications
from backend.organization import service as organization
from backend.purchases import service as purchases
from backend.purchases.domain import PurchaseFilter, PurchaseState
from backend.stores import favourites
from backend.stores import seeding as stores
from tests.support import debts, member_workers
from tests.support.club_seeds import ignore
from tests.support.debts import NOON
from tests.support.servers import TestPostgres


@pytest.fixture(scope="module")
def seeded_template(
    postgres: TestPostgres, migrated_template: str
) -> Iterator[tuple[str, Outcome]]:
    """Name of a database with the demo's data, and what the seed said of them."""
    name = postgres.create(template=migrated_template)

    async def fill() -> Outcome:
        await database.connect(postgres.url(name))
        try:
            await stores.seed_demo(viewer=SYSTEM, today=NOON.date(), progress=lambda _: None)
            return await seed()
        finally:
            await database.close()

    member_workers.prepare()
    yield name, asyncio.run(fill())
    postgres.drop(name)


@pytest.fixture
def database_url(postgres: TestPostgres, seeded_template: tuple[str, Outcome]) -> Iterator[str]:
    """A database of this test's own, with the demo's data."""
    name = postgres.create(template=seeded_template[0])
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture(autouse=True)
def keys(db: None) -> None:
    del db
    member_workers.prepare()


async def seed() -> Outcome:
    with clock.frozen(NOON):
        return await demo.seed_demo(viewer=SYSTEM, prepare=member_workers.prepare, progress=ignore)


async def guest_at_noon() -> Person:
    with clock.frozen(NOON):
        return await demo.guest(viewer=SYSTEM)


async def test_the_demo_is_written_once(seeded_template: tuple[str, Outcome]) -> None:
    _, seeded = seeded_template
    assert (seeded.members, seeded.purchases) == (20_000, 40_000)
    assert await seed() == Outcome()


async def test_the_guest_can_sign_in_and_is_the_same_on_every_day() -> None:
    guest = await guest_at_noon()

    assert guest.phone is not None
    found = await members.find_for_sign_in(national_code=guest.national_code, phone=guest.phone)
    assert found is not None
    assert (found.id, found.state) == (guest.number, MemberState.ACTIVE)
    provinces = {each.code: each for each in await organization.list_provinces()}
    assert provinces[found.province_code].open_for_members
    with clock.frozen(NOON + timedelta(days=100)):
        later = await demo.guest(viewer=SYSTEM)
    assert (later.number, later.national_code, later.phone) == (
        guest.number,
        guest.national_code,
        guest.phone,
    )


async def test_the_guest_has_purchases_of_every_kind_and_credit_that_one_of_them_reserves() -> None:
    viewer = debts.viewer_of((await guest_at_noon()).number)
    with clock.frozen(NOON + timedelta(hours=20)):
        [awaiting] = await purchases.list_awaiting(viewer=viewer)
        overview = await purchases.overview(viewer=viewer)
        page = await purchases.list_purchases(
            viewer=viewer, matching=PurchaseFilter(), first=50, after=None
        )
    with clock.frozen(NOON + timedelta(hours=24)):
        assert await purchases.list_awaiting(viewer=viewer) == []

    assert page.items[0] == awaiting
    assert {each.state for each in page.items} >= {
        PurchaseState.AWAITING_MEMBER,
        PurchaseState.CONFIRMED,
        PurchaseState.CLOSED,
        PurchaseState.DECLINED,
        PurchaseState.EXPIRED,
        PurchaseState.REFUNDED,
    }
    assert overview.credit.reserved_rials == awaiting.amount_rials == 12_000_000
    assert overview.credit.used_rials > 0
    assert overview.credit.available_rials > 0
    assert overview.next_instalment is not None


async def test_the_guest_has_loans_letters_favourites_and_was_read_by_staff() -> None:
    guest = await guest_at_noon()
    viewer = debts.viewer_of(guest.number)
    with clock.frozen(NOON):
        applications = await loans.list_applications(viewer=viewer, first=20, after=None)
        unread = await notifications.unread_count(viewer=viewer)
        notices = await notifications.list_notices(viewer=viewer, first=50, after=None)
        reads = await audit.list_reads(viewer=viewer, member_id=guest.number, first=20, after=None)
        kept = await favourites.list_favourites(viewer=viewer, first=20, after=None)

    assert {each.state for each in applications.items} == {
        LoanApplicationState.SUBMITTED,
        LoanApplicationState.REPAYING,
        LoanApplicationState.CLOSED,
    }
    assert 2 <= unread < len(notices.items)
    assert len({each.category for each in notices.items}) == 6
    assert len(reads.items) >= 2
    assert 2 <= len(kept.items) <= 5
    assert {store.city for store in kept.items} == {guest.town.name}
