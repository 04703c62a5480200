"""Purchases as their member reads them: only the own, one statement a list, and as quick for many as for few."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from backend.core import clock, paging, viewer
from backend.core.errors import NotFound, Unauthenticated
from backend.core.locale import Locale
from backend.core.paging import InvalidCursor, Page, PageSizeInvalid
from backend.deductions.domain import PeriodInvalid
from backend.infra import db as database
from backend.members import service as members
from backend.purchases import service
from backend.purchases.credit import VERSIONS, CreditPolicy
from backend.purchases.domain import MonthTotal, Purchase, PurchaseFilter, PurchaseState
from backend.stores.domain import InstalmentTerms, StoreState
from tests.support import debts, places
from tests.support.debts import NOON, viewer_of
from tests.support.servers import TestPostgres

HOUR = timedelta(hours=1)


async def page(
    member_id: int,
    matching: PurchaseFilter | None = None,
    *,
    first: int = 20,
    after: str | None = None,
) -> Page[Purchase]:
    return await service.list_purchases(
        viewer=viewer_of(member_id),
        matching=matching or PurchaseFilter(),
        first=first,
        after=after,
    )


async def ids(member_id: int, matching: PurchaseFilter) -> list[int]:
    return [each.id for each in (await page(member_id, matching)).items]


@pytest.fixture
async def store(db: None) -> int:
    return (await places.save(places.draft("s", name="فروشگاه رفاه")))["s"]


async def test_a_purchase_comes_with_its_store_and_what_is_paid_by_one_statement(
    store: int,
) -> None:
    member = await debts.member()
    key = await debts.purchase(member, store, amount_rials=10_000_000, count=12, paid=2)

    with database.count_statements() as counted:
        found = await page(member)

    assert counted.count == 1
    [purchase] = found.items
    assert (purchase.id, purchase.amount_rials, purchase.instalment_count) == (key, 10_000_000, 12)
    assert purchase.paid_rials == 837_000 + 833_000
    assert (purchase.state, purchase.created_at) == (PurchaseState.CONFIRMED, NOON)
    assert purchase.confirmed_at == NOON + timedelta(minutes=1)
    assert (purchase.store.id, purchase.store.name) == (store, "فروشگاه رفاه")
    assert (purchase.store.category.code, purchase.store.category.name_fa) == ("grocery", "خواربار")
    assert purchase.store.terms == InstalmentTerms(3, 24, 5_000_000, 900_000_000)
    assert not found.has_next


async def test_a_suspended_store_stays_readable_through_the_own_purchase(store: int) -> None:
    member = await debts.member()
    await debts.purchase(member, store)
    await places.suspend("s")

    [purchase] = (await page(member)).items

    assert (purchase.store.name, purchase.store.state) == ("فروشگاه رفاه", StoreState.SUSPENDED)


async def test_pages_hold_every_purchase_once_newest_first(store: int) -> None:
    """Several at the same moment are told apart by their ids; what is bought meanwhile disturbs nothing."""
    member = await debts.member()
    keys = [await debts.purchase(member, store, at=NOON + HOUR * (n // 3)) for n in range(9)]
    expected = list(reversed(keys))

    seen: list[int] = []
    after: str | None = None
    while True:
        found = await page(member, first=2, after=after)
        seen += [each.id for each in found.items]
        await debts.purchase(member, store, at=NOON + HOUR * 100)
        if not found.has_next:
            break
        after = found.cursors[-1]

    assert seen == expected


async def test_the_history_is_narrowed_by_days_of_tehran_both_included(store: int) -> None:
    member = await debts.member()
    midnight = datetime(2026, 11, 20, 20, 30, tzinfo=UTC)  # 21 November in Tehran begins
    before = await debts.purchase(member, store, at=midnight - timedelta(microseconds=1))
    begins = await debts.purchase(member, store, at=midnight)
    ends = await debts.purchase(member, store, at=midnight + 24 * HOUR - timedelta(microseconds=1))
    after = await debts.purchase(member, store, at=midnight + 24 * HOUR)
    day = date(2026, 11, 21)

    assert await ids(member, PurchaseFilter(from_date=day, to_date=day)) == [ends, begins]
    assert await ids(member, PurchaseFilter(to_date=day)) == [ends, begins, before]
    assert await ids(member, PurchaseFilter(from_date=day)) == [after, ends, begins]


async def test_the_history_is_narrowed_by_store_and_states(store: int) -> None:
    member = await debts.member()
    other = (await places.save(places.draft("other")))["other"]
    closed = await debts.purchase(member, store, state="CLOSED", paid=3)
    declined = await debts.purchase(member, store, state="DECLINED", at=NOON + HOUR)
    elsewhere = await debts.purchase(member, other, at=NOON + 2 * HOUR)
    wanted = (PurchaseState.CLOSED, PurchaseState.DECLINED)

    assert await ids(member, PurchaseFilter(store_id=store)) == [declined, closed]
    assert await ids(member, PurchaseFilter(states=wanted)) == [declined, closed]
    assert await ids(member, PurchaseFilter(store_id=other, states=wanted)) == []
    assert await ids(member, PurchaseFilter(states=())) == []
    assert await ids(member, PurchaseFilter(store_id=other)) == [elsewhere]


async def test_another_members_purchase_does_not_exist(store: int) -> None:
    owner, other = await debts.member(), await debts.member()
    key = await debts.purchase(owner, store, paid=1)
    waiting = await debts.purchase(owner, store, state="AWAITING_MEMBER")
    found = await service.find_purchase(viewer=viewer_of(owner), key=key)
    assert found is not None
    assert found.plan_id is not None

    with clock.frozen(NOON):
        assert await service.find_purchase(viewer=viewer_of(other), key=key) is None
        assert await service.find_purchase(viewer=viewer_of(other), key=waiting) is None
        assert (await page(other)).items == ()
        assert await service.list_awaiting(viewer=viewer_of(other)) == []
        assert (await service.credit_line(viewer=viewer_of(other))).used_rials == 0
        assert (await service.credit_line(viewer=viewer_of(other))).reserved_rials == 0
        totals = await service.totals(viewer=viewer_of(other), from_month=140501, to_month=140512)
    assert sum(each.count for each in totals) == 0
    by_plan = service.purchases_by_plan
    assert await by_plan(viewer=viewer_of(other), plan_ids=[found.plan_id]) == {}
    assert await by_plan(viewer=viewer_of(owner), plan_ids=[found.plan_id]) == {
        found.plan_id: found
    }


async def test_a_cursor_of_another_list_is_refused(store: int) -> None:
    member, other = await debts.member(), await debts.member()
    await debts.purchase(member, store)
    [cursor] = (await page(member)).cursors

    with pytest.raises(InvalidCursor):
        await page(other, after=cursor)
    with pytest.raises(InvalidCursor):
        await page(member, PurchaseFilter(store_id=store), after=cursor)


async def test_a_forged_cursor_is_refused(db: None) -> None:
    member = await debts.member()
    question = paging.fingerprint(list="purchases", member=member, matching=PurchaseFilter())
    for key in ((2**63 - 1, 1), (-(2**63), 1), (1.5, 1), (1,)):
        with pytest.raises(InvalidCursor):
            await page(member, after=paging.encode_cursor(question, key))


async def test_a_page_has_a_size(db: None) -> None:
    member = await debts.member()
    for first in (0, 101):
        with pytest.raises(PageSizeInvalid):
            await page(member, first=first)


async def test_who_is_not_signed_in_reads_nothing(db: None) -> None:
    with pytest.raises(Unauthenticated):
        await service.list_purchases(
            viewer=viewer.ANONYMOUS, matching=PurchaseFilter(), first=20, after=None
        )
    with pytest.raises(NotFound):
        await service.credit_line(viewer=viewer.SYSTEM)


async def test_what_waits_for_the_member_is_there_until_it_expires(store: int) -> None:
    member = await debts.member()
    waiting = await debts.purchase(member, store, state="AWAITING_MEMBER", amount_rials=7_000_000)
    await debts.purchase(member, store)

    with clock.frozen(NOON + timedelta(minutes=15) - timedelta(microseconds=1)):
        assert [each.id for each in await service.list_awaiting(viewer=viewer_of(member))] == [
            waiting
        ]
        credit = await service.credit_line(viewer=viewer_of(member))
        assert credit.reserved_rials == 7_000_000
    with clock.frozen(NOON + timedelta(minutes=15)):
        assert await service.list_awaiting(viewer=viewer_of(member)) == []
        credit = await service.credit_line(viewer=viewer_of(member))
        assert credit.reserved_rials == 0


async def test_totals_count_what_was_confirmed_in_a_month_of_tehran(store: int) -> None:
    member = await debts.member()
    azar = datetime(2026, 11, 21, 20, 30, tzinfo=UTC)  # 1 Azar 1405 begins
    await debts.purchase(member, store, at=azar - 2 * HOUR, amount_rials=5_000_000)
    # Opened in Aban, confirmed a minute later in Azar.
    await debts.purchase(member, store, at=azar - timedelta(seconds=30), amount_rials=3_000_000)
    await debts.purchase(member, store, at=azar + HOUR, state="REFUNDED", refunded_rials=3_000_000)
    await debts.purchase(member, store, at=azar + HOUR, state="DECLINED")
    await debts.purchase(member, store, at=azar + 24 * 60 * HOUR)

    with database.count_statements() as counted:
        totals = await service.totals(viewer=viewer_of(member), from_month=140507, to_month=140509)

    assert counted.count == 1
    assert list(totals) == [
        MonthTotal(140507, 0, 0),
        MonthTotal(140508, 1, 5_000_000),
        MonthTotal(140509, 2, 3_000_000),
    ]


async def test_totals_have_a_bound(db: None) -> None:
    member = await debts.member()

    assert (
        len(await service.totals(viewer=viewer_of(member), from_month=140301, to_month=140512))
        == 36
    )
    with pytest.raises(PeriodInvalid):
        await service.totals(viewer=viewer_of(member), from_month=140301, to_month=140601)


async def test_credit_counts_the_unpaid_part_of_running_purchases_only(store: int) -> None:
    member = await debts.member(net_pension_rials=120_000_000, other_deductions_rials=5_000_000)
    await debts.purchase(member, store, amount_rials=12_000_000, count=12, paid=5)
    await debts.plan(member, kind="LOAN", amounts=(20_000_000,))
    await debts.plan(member, state="CANCELLED", amounts=(9_000_000,))

    with database.count_statements() as counted, clock.frozen(NOON):
        credit = await service.credit_line(viewer=viewer_of(member))

    assert counted.count == 2  # the member's file, and one for all amounts
    assert credit.limit_rials == 360_000_000
    assert credit.used_rials == 7_000_000
    assert credit.monthly_cap_rials == 25_000_000
    assert credit.explanation[Locale.EN][1] == (
        "You still owe 700,000 toman of running purchases; it is taken off the limit."
    )


async def test_what_the_coming_months_take_bounds_the_available_credit(store: int) -> None:
    """Purchases, loans with their fees, arrears, and what waits; not what is paid, suspended or cancelled."""
    member = await debts.member(net_pension_rials=120_000_000)  # the cap: 30,000,000 a month
    fee = await debts.plan(member, kind="LOAN", amounts=(4_000_000,), first_month=140507)
    await database.execute(
        "UPDATE instalment SET kind = 'FEE', state = 'PARTLY_PAID', paid_rials = 1000000 WHERE plan_id = $1",
        fee,
    )
    await debts.plan(member, kind="LOAN", amounts=(5_000_000,) * 24, first_month=140509)
    stopped = await debts.plan(member, amounts=(7_000_000,) * 2)
    await database.execute(
        "UPDATE instalment SET state = CASE number WHEN 1 THEN 'SUSPENDED' ELSE 'CANCELLED' END WHERE plan_id = $1",
        stopped,
    )
    await debts.purchase(member, store, state="AWAITING_MEMBER", amount_rials=8_000_000, count=4)
    await debts.purchase(
        member, store, state="AWAITING_MEMBER", amount_rials=90_000_000, expires_at=NOON
    )

    with database.count_statements() as counted, clock.frozen(NOON):
        credit = await service.credit_line(viewer=viewer_of(member))

    assert counted.count == 2
    assert credit.reserved_rials == 8_000_000
    left = 360_000_000 - 14_000_000 - 8_000_000
    first_month = 30_000_000 - 3_000_000 - 5_000_000 - 2_000_000
    assert credit.available_rials == min(left, 24 * (first_month - 23_000)) == left
    # A loan more that takes 10,000,000 of each month: now it is the months that bind.
    await debts.plan(member, kind="LOAN", amounts=(10_000_000,) * 24, first_month=140509)
    with clock.frozen(NOON):
        credit = await service.credit_line(viewer=viewer_of(member))
    assert credit.available_rials == 24 * (first_month - 10_000_000 - 23_000)


async def test_a_member_whose_cap_is_taken_can_buy_nothing(db: None) -> None:
    member = await debts.member(net_pension_rials=120_000_000, other_deductions_rials=30_000_000)

    credit = await service.credit_line(viewer=viewer_of(member))

    assert (credit.limit_rials, credit.available_rials) == (360_000_000, 0)


async def test_credit_and_next_instalment_come_by_one_statement(store: int) -> None:
    member = await debts.member()
    await debts.purchase(member, store, amount_rials=12_000_000, count=12, paid=5)
    own = await members.get_member(viewer=viewer_of(member))

    with database.count_statements() as counted, clock.frozen(NOON):
        overview = await service.overview(viewer=viewer_of(member), member=own)

    assert counted.count == 1
    assert overview.next_instalment is not None
    assert (overview.next_instalment.number, overview.next_instalment.due_month) == (6, 140602)
    assert overview.credit == await service.credit_line(viewer=viewer_of(member))


async def test_the_file_of_another_member_is_not_taken(db: None) -> None:
    poor, rich = await debts.member(net_pension_rials=1_000), await debts.member()
    file_of_rich = await members.get_member(viewer=viewer_of(rich))

    overview = await service.overview(viewer=viewer_of(poor), member=file_of_rich)

    assert overview.credit.limit_rials == 3_000


@pytest.fixture
def policies() -> Iterator[None]:
    yield
    service.configure(CreditPolicy())


async def test_the_policy_is_that_of_the_members_file(db: None, policies: None) -> None:
    member = await debts.member()
    service.configure(CreditPolicy(), CreditPolicy(version=2, cap_rials=90_000_000))
    # As the migration that comes with a policy does.
    await database.execute("ALTER TABLE member DROP CONSTRAINT member_credit_policy")
    await database.execute("UPDATE member SET credit_policy_version = 2 WHERE id = $1", member)

    assert (await service.credit_line(viewer=viewer_of(member))).limit_rials == 90_000_000


async def test_a_program_without_a_policy_that_files_may_name_does_not_start(
    policies: None,
) -> None:
    with pytest.raises(service.CreditPolicyUnknown):
        service.configure(CreditPolicy(version=2))


async def test_files_name_just_the_policies_that_the_program_has(db: None) -> None:
    member = await debts.member()

    async def name(version: int) -> None:
        await database.execute(
            "UPDATE member SET credit_policy_version = $2 WHERE id = $1", member, version
        )

    for version in VERSIONS:
        await name(version)
    for version in (min(VERSIONS) - 1, max(VERSIONS) + 1):
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await name(version)
        assert refused.value.constraint_name == "member_credit_policy"


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE purchase SET state = 'LOST'", "purchase_state"),
        ("UPDATE purchase SET amount_rials = 0", "purchase_amount"),
        ("UPDATE purchase SET instalment_count = 121", "purchase_amount"),
        ("UPDATE purchase SET amount_rials = 2999", "purchase_parts"),
        ("UPDATE purchase SET refunded_rials = amount_rials + 1", "purchase_refunded"),
        ("UPDATE purchase SET plan_id = NULL", "purchase_plan"),
        ("UPDATE purchase SET state = 'EXPIRED'", "purchase_confirmed"),
        (
            "UPDATE purchase SET state = 'AWAITING_MEMBER', plan_id = NULL, confirmed_at = NULL, expires_at = NULL",
            "purchase_expires",
        ),
        ("UPDATE purchase SET store_id = 0", "purchase_store"),
        ("UPDATE purchase SET member_id = (SELECT max(id) FROM member)", "purchase_plan_of_member"),
        (
            "UPDATE purchase SET member_id = 0, plan_id = NULL, confirmed_at = NULL, state = 'EXPIRED'",
            "purchase_member",
        ),
    ],
)
async def test_the_database_repeats_the_invariants(
    store: int, statement: str, constraint: str
) -> None:
    await debts.purchase(await debts.member(), store)
    await debts.member()

    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await database.execute(statement)

    assert refused.value.constraint_name == constraint


@pytest.fixture(scope="module")
def filled_url(postgres: TestPostgres, migrated_template: str) -> Iterator[tuple[str, int]]:
    """2,000 members with 10 purchases each and one with 10,000, whose id comes with the address; for reading."""
    name = postgres.create("purchases", template=migrated_template)
    url = postgres.url(name)

    async def fill() -> int:
        await database.connect(url, statement_timeout_ms=60_000)
        try:
            keys = await places.save(places.draft("s"))
            return await debts.fill(keys["s"], members=2_000, purchases=10, one_has=10_000)
        finally:
            await database.close()

    rich = asyncio.run(fill())
    yield url, rich
    postgres.drop(name)


@pytest.fixture
async def filled(filled_url: tuple[str, int]) -> AsyncIterator[int]:
    url, rich = filled_url
    await database.connect(url)
    yield rich
    await database.close()


MIDDLE = PurchaseFilter(from_date=date(2026, 5, 1), to_date=date(2026, 9, 1))


def ask(
    member_id: int, matching: PurchaseFilter | None = None, after: str | None = None
) -> Callable[[], Awaitable[Page[Purchase]]]:
    return lambda: page(member_id, matching, after=after)


async def test_a_page_is_as_quick_for_10000_purchases_as_for_10(filled: int) -> None:
    """By the index, in its order, and not a row more than the page: first page, deep page, page of a period."""
    deep = (await page(filled, first=100)).cursors[-1]
    for _ in range(20):
        deep = (await page(filled, first=100, after=deep)).cursors[-1]
    asked = [ask(filled), ask(filled, after=deep), ask(filled, MIDDLE), ask(filled + 1)]

    for each in asked:
        for scan in await debts.scans(each, "FROM purchase p"):
            assert re.search(r"Index Scan using purchase_by_member on purchase", scan.text), (
                scan.text
            )
            assert "Sort" not in scan.text
            assert "Seq Scan on purchase" not in scan.text
            assert "Seq Scan on plan" not in scan.text
            assert scan.most_rows <= 21, scan.text


@pytest.mark.parametrize("pages", [0, 5, 99])
async def test_a_page_looks_at_as_few_blocks_for_10000_purchases_as_for_10(
    filled: int, pages: int
) -> None:
    after = None
    for _ in range(pages):
        after = (await page(filled, first=100, after=after)).cursors[-1]
    assert len((await page(filled, first=9, after=after)).items) == 9

    few = await debts.scans(lambda: page(filled + 1, first=9), "FROM purchase p")
    many = await debts.scans(lambda: page(filled, first=9, after=after), "FROM purchase p")

    # A level more of an index, and its next leaf.
    assert max(each.blocks for each in many) <= max(each.blocks for each in few) + 4


async def test_the_credit_of_10000_purchases_is_read_by_indexes(filled: int) -> None:
    async def look() -> None:
        await service.credit_line(viewer=viewer_of(filled))

    for scan in await debts.scans(look, "AS waiting"):
        assert "purchase_awaiting" in scan.text, scan.text
        assert "instalment_collectable" in scan.text
        assert "Seq Scan on instalment" not in scan.text
