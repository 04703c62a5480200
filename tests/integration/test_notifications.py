"""The inbox: pages, read state, and plans that are as quick for 10,000 notices as for ten."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from backend.core import clock, paging, viewer
from backend.core.errors import Forbidden, Unauthenticated
from backend.core.viewer import ActorKind, Viewer
from backend.infra import db as database
from backend.infra.partitions import Month
from backend.notifications import service
from backend.notifications.domain import (
    MAX_MARKED,
    DeepLinkInvalid,
    MarkChoiceInvalid,
    Notice,
    NoticeCategory,
    NoticeTextInvalid,
    TooManyMarked,
)
from tests.support import debts
from tests.support.plans import Mode, plan_of, scanned
from tests.support.servers import TestPostgres

NOVEMBER = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAY = timedelta(days=1)
BUSY, QUIET, MEMBER_COUNT = 1, 2, 8_000
MEMBERS = """
    INSERT INTO member (id, national_code_sealed, national_code_key_id, national_code_index, first_name, last_name,
                        name_sort_key, birth_date, pension_number, pension_kind, province_code, club_secret)
    SELECT n, '', 'k', int8send(n), 'م', 'م', 'm', '1350-01-01', n::text, 'RETIREMENT', 'IR-07',
           decode(repeat('00', 20), 'hex')
      FROM generate_series(1::bigint, $1) n
"""
# Ten notices for each member, 10,000 for one; every tenth unread, one in a hundred of them of the campaigns.
NOTICES = """
    INSERT INTO notice (created_at, member_id, category, title, body, read_at)
    SELECT timestamptz '2025-03-01' + (n * 630.0 / $3::int + m * 7.3) % 630 * interval '1 day', m,
           CASE WHEN n % 100 = 0 THEN 'CAMPAIGN' ELSE 'LOAN' END, 't', 'b',
           CASE WHEN n % 10 > 0 THEN timestamptz '2026-11-20' END
      FROM generate_series($1::bigint, $2) m, generate_series(1, $3) n
"""


def member(member_id: int) -> Viewer:
    return Viewer(
        ActorKind.MEMBER,
        actor=f"member:{member_id}",
        subject=member_id,
        permissions=frozenset({"member.self"}),
    )


@pytest.fixture
async def members(db: None) -> None:
    """Members 1 to 3."""
    await database.execute(MEMBERS, 3)


async def enqueue(
    title: str,
    *,
    member_id: int = 1,
    category: NoticeCategory = NoticeCategory.SERVICE,
    at: datetime = NOVEMBER,
) -> None:
    with clock.frozen(at):
        await service.enqueue(member_id=member_id, category=category, title=title, body="متن")


async def inbox(
    *, of: int = 1, unread_only: bool = False, category: NoticeCategory | None = None
) -> list[Notice]:
    page = await service.list_notices(
        viewer=member(of), first=100, after=None, unread_only=unread_only, category=category
    )
    return list(page.items)


async def titles(*, of: int = 1) -> list[str]:
    return [notice.title for notice in await inbox(of=of)]


async def unread(*, of: int = 1) -> int:
    return await service.unread_count(viewer=member(of))


async def test_a_notice_is_in_the_inbox_as_it_was_written(members: None) -> None:
    with clock.frozen(NOVEMBER):
        await service.enqueue(
            member_id=1,
            category=NoticeCategory.PURCHASE,
            title="خرید شما منتظر تأیید است",
            body="۱۲ قسط",
            deep_link="/purchases/abc_-1",
        )

    [notice] = await inbox()
    assert notice == Notice(
        id=notice.id,
        created_at=NOVEMBER,
        category=NoticeCategory.PURCHASE,
        title="خرید شما منتظر تأیید است",
        body="۱۲ قسط",
        deep_link="/purchases/abc_-1",
        read_at=None,
    )
    assert await inbox(of=2) == []


async def test_a_notice_of_a_transaction_that_fails_is_never_there(members: None) -> None:
    async def fail() -> None:
        async with database.transaction():
            await enqueue("پیام")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert (await titles(), await unread()) == ([], 0)


async def test_a_notice_for_nobody_is_refused_by_the_database(members: None) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await enqueue("پیام", member_id=99)


async def test_a_text_or_link_that_is_refused_puts_nothing_in_the_inbox(members: None) -> None:
    with pytest.raises(NoticeTextInvalid):
        await enqueue("  ")
    with pytest.raises(DeepLinkInvalid):
        await service.enqueue(
            member_id=1,
            category=NoticeCategory.LOAN,
            title="ت",
            body="م",
            deep_link="https://example.org/",
        )

    assert await titles() == []


async def test_pages_go_from_the_newest_to_the_oldest_over_months_and_equal_times(
    members: None,
) -> None:
    for months in range(5):
        for copy in range(3):
            await enqueue(f"{months}-{copy}", at=NOVEMBER - months * 30 * DAY)
    await enqueue("other", member_id=2)
    expected = [f"{months}-{copy}" for months in range(5) for copy in (2, 1, 0)]

    for size in (1, 2, 4, 15, 16):
        seen: list[str] = []
        after, more = None, True
        while more:
            page = await service.list_notices(viewer=member(1), first=size, after=after)
            seen += [notice.title for notice in page.items]
            after, more = page.cursors[-1], page.has_next
        assert seen == expected


async def test_a_notice_that_arrives_between_two_pages_moves_nothing(members: None) -> None:
    for number in range(4):
        await enqueue(str(number), at=NOVEMBER + number * DAY)
    first = await service.list_notices(viewer=member(1), first=2, after=None)
    await enqueue("new", at=NOVEMBER + 9 * DAY)

    second = await service.list_notices(viewer=member(1), first=2, after=first.cursors[-1])

    assert [notice.title for notice in (*first.items, *second.items)] == ["3", "2", "1", "0"]
    assert not second.has_next


async def test_the_inbox_can_be_narrowed(members: None) -> None:
    await enqueue("a", category=NoticeCategory.LOAN, at=NOVEMBER)
    await enqueue("b", category=NoticeCategory.LOAN, at=NOVEMBER + DAY)
    await enqueue("c", category=NoticeCategory.SECURITY, at=NOVEMBER + 2 * DAY)
    [read] = [notice.id for notice in await inbox() if notice.title == "b"]
    await service.mark_read(viewer=member(1), notice_ids=[read])

    async def narrowed(unread_only: bool, category: NoticeCategory | None) -> list[str]:
        return [each.title for each in await inbox(unread_only=unread_only, category=category)]

    assert await narrowed(False, NoticeCategory.LOAN) == ["b", "a"]
    assert await narrowed(True, None) == ["c", "a"]
    assert await narrowed(True, NoticeCategory.LOAN) == ["a"]
    assert await narrowed(False, NoticeCategory.CAMPAIGN) == []


async def test_a_cursor_fits_one_member_and_one_list_only(members: None) -> None:
    await enqueue("a")
    await enqueue("a", member_id=2)
    page = await service.list_notices(viewer=member(1), first=1, after=None)
    [cursor] = page.cursors

    with pytest.raises(paging.InvalidCursor):
        await service.list_notices(viewer=member(2), first=1, after=cursor)
    with pytest.raises(paging.InvalidCursor):
        await service.list_notices(viewer=member(1), first=1, after=cursor, unread_only=True)
    with pytest.raises(paging.PageSizeInvalid):
        await service.list_notices(viewer=member(1), first=101, after=None)


async def test_marking_by_ids_counts_what_is_left_and_ignores_ids_of_others(members: None) -> None:
    for title in "abc":
        await enqueue(title)
    await enqueue("other", member_id=2)
    [other] = await inbox(of=2)
    c, b, _ = await inbox()

    with clock.frozen(NOVEMBER + DAY):
        left = await service.mark_read(
            viewer=member(1), notice_ids=[b.id, c.id, c.id, other.id, 2**63 - 1]
        )

    assert left == 1 == await unread()
    assert [notice.read_at for notice in await inbox()] == [NOVEMBER + DAY, NOVEMBER + DAY, None]
    assert await inbox(of=2) == [other]
    assert await unread(of=2) == 1


async def test_what_is_read_keeps_its_time(members: None) -> None:
    await enqueue("a")
    [notice] = await inbox()
    for later in (1, 2):
        with clock.frozen(NOVEMBER + later * DAY):
            assert await service.mark_read(viewer=member(1), notice_ids=[notice.id]) == 0

    assert [each.read_at for each in await inbox()] == [NOVEMBER + DAY]


async def test_marking_before_a_time_marks_everything_older_and_nothing_else(
    members: None,
) -> None:
    for months in range(4):
        await enqueue(str(months), at=NOVEMBER - months * 30 * DAY)
    await enqueue("other", member_id=2, at=NOVEMBER - 90 * DAY)

    left = await service.mark_read(viewer=member(1), before=NOVEMBER - 30 * DAY)

    assert left == 2
    assert [notice.title for notice in await inbox(unread_only=True)] == ["0", "1"]
    assert await unread(of=2) == 1


async def test_no_ids_mark_nothing(members: None) -> None:
    await enqueue("a")

    assert await service.mark_read(viewer=member(1), notice_ids=[]) == 1


async def test_what_to_mark_is_named_in_one_way_and_within_a_limit(members: None) -> None:
    await enqueue("a")
    [notice] = await inbox()

    with pytest.raises(MarkChoiceInvalid):
        await service.mark_read(viewer=member(1))
    with pytest.raises(MarkChoiceInvalid):
        await service.mark_read(viewer=member(1), notice_ids=[notice.id], before=NOVEMBER + DAY)
    with pytest.raises(TooManyMarked):
        await service.mark_read(viewer=member(1), notice_ids=[notice.id] * (MAX_MARKED + 1))
    assert await unread() == 1
    assert await service.mark_read(viewer=member(1), notice_ids=[notice.id] * MAX_MARKED) == 0


async def test_marks_of_one_member_at_once_all_count(members: None) -> None:
    for number in range(60):
        await enqueue(str(number), at=NOVEMBER - number * DAY)
    ids = [notice.id for notice in await inbox()]

    left = await asyncio.gather(
        service.mark_read(viewer=member(1), notice_ids=ids[:40]),
        service.mark_read(viewer=member(1), notice_ids=ids[39:19:-1]),
        service.mark_read(viewer=member(1), before=NOVEMBER - 20 * DAY),
    )

    assert min(left) == 0 == await unread()


async def test_a_member_finds_only_the_own_notice(members: None) -> None:
    await enqueue("a")
    [notice] = await inbox()

    assert await service.find_notice(viewer=member(1), notice_id=notice.id) == notice
    assert await service.find_notice(viewer=member(2), notice_id=notice.id) is None
    assert await service.find_notice(viewer=member(1), notice_id=notice.id + 1) is None


OPERATOR = Viewer(ActorKind.OPERATOR, actor="operator:1", permissions=frozenset({"stores.edit"}))


@pytest.mark.parametrize(
    ("asker", "refusal"),
    [(viewer.ANONYMOUS, Unauthenticated), (OPERATOR, Forbidden), (viewer.SYSTEM, Forbidden)],
)
async def test_who_is_no_member_has_no_inbox(
    db: None, asker: Viewer, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        await service.list_notices(viewer=asker, first=1, after=None)
    with pytest.raises(refusal):
        await service.unread_count(viewer=asker)
    with pytest.raises(refusal):
        await service.mark_read(viewer=asker, notice_ids=[1])
    with pytest.raises(refusal):
        await service.find_notice(viewer=asker, notice_id=1)


async def test_the_inbox_takes_two_statements_at_the_most(members: None) -> None:
    await enqueue("a")

    with database.count_statements() as sent:
        await inbox()
        await unread()

    assert sent.count == 2


async def test_the_database_knows_the_categories(members: None) -> None:
    await enqueue("a")

    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await database.execute("UPDATE notice SET category = 'GOSSIP'")
    assert refused.value.constraint_name == "notice_category"


@pytest.fixture(scope="module")
def busy_url(postgres: TestPostgres, migrated_template: str) -> Iterator[str]:
    """A database where one member has 10,000 notices and 7,999 others have ten, with fresh statistics."""
    name = postgres.create("busy_inbox", template=migrated_template)
    url = postgres.url(name)

    async def fill() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(MEMBERS, MEMBER_COUNT)
        await connection.execute(NOTICES, BUSY, BUSY, 10_000)
        await connection.execute(NOTICES, QUIET, MEMBER_COUNT, 10)
        # The months to come are left as they are in production: nothing has ever happened there.
        for month in map(Month(2025, 3).later, range(21)):
            await connection.execute(f"VACUUM (ANALYZE) {month.partition_of('notice')}")
        await connection.close()

    asyncio.run(fill())
    yield url
    postgres.drop(name)


@pytest.fixture
async def busy(busy_url: str) -> AsyncIterator[None]:
    """`backend.infra.db`, connected to that database."""
    await database.connect(busy_url)
    yield
    await database.close()


LISTS: list[tuple[bool, NoticeCategory | None]] = [
    (False, None),
    (True, None),
    (False, NoticeCategory.CAMPAIGN),
    (False, NoticeCategory.LOAN),
    (False, NoticeCategory.SECURITY),  # there is none
]


@pytest.mark.parametrize("plans", ["custom", "generic"])
@pytest.mark.parametrize("is_later_page", [False, True])
@pytest.mark.parametrize("narrowed", LISTS)
@pytest.mark.parametrize("member_id", [BUSY, QUIET])
async def test_a_page_is_read_off_the_indexes_of_the_months_without_a_sort(
    busy: None,
    *,
    plans: Mode,
    is_later_page: bool,
    narrowed: tuple[bool, NoticeCategory | None],
    member_id: int,
) -> None:
    unread_only, category = narrowed

    async def page(first: int, after: str | None) -> paging.Page[Notice]:
        return await service.list_notices(
            viewer=member(member_id),
            first=first,
            after=after,
            unread_only=unread_only,
            category=category,
        )

    start = await page(1, None)
    after = start.cursors[0] if is_later_page and start.cursors else None

    plan = await plan_of(lambda: page(20, after), mark="FROM notice", plans=plans)

    assert "->  Merge Append" in plan
    assert re.search(r"->  (Incremental )?Sort\b", plan) is None
    assert re.findall(r"(Seq|Bitmap \w+) Scan", plan) == []
    # A page, what the merge has looked at of each month, and the subselect of the limit.
    assert scanned(plan) <= 21 + 37
    if is_later_page and after is not None:  # the months after the place are not looked at
        assert "Subplans Removed" in plan or "notice_y2027m12" not in plan


@pytest.mark.parametrize("plans", ["custom", "generic"])
async def test_the_unread_are_counted_in_their_index(busy: None, plans: Mode) -> None:
    plan = await plan_of(
        lambda: service.unread_count(viewer=member(BUSY)), mark="FROM notice", plans=plans
    )

    assert await service.unread_count(viewer=member(BUSY)) == 1_000
    assert "Seq Scan" not in plan
    assert scanned(plan) <= 2 * 1_000  # a bitmap counts twice


async def test_a_deep_page_costs_no_more_than_the_first(busy: None) -> None:
    after = None
    for _ in range(30):
        page = await service.list_notices(viewer=member(BUSY), first=100, after=after)
        after = page.cursors[-1]

    plan = await plan_of(
        lambda: service.list_notices(viewer=member(BUSY), first=20, after=after),
        mark="FROM notice",
        plans="generic",
    )

    assert scanned(plan) <= 21 + 37


@pytest.mark.parametrize("pages", [0, 5, 99])
async def test_a_page_looks_at_as_few_blocks_for_10000_notices_as_for_10(
    busy: None, pages: int
) -> None:
    async def page(member_id: int, after: str | None = None, first: int = 9) -> paging.Page[Notice]:
        return await service.list_notices(viewer=member(member_id), first=first, after=after)

    after = None
    for _ in range(pages):
        after = (await page(BUSY, after, 100)).cursors[-1]
    assert len((await page(BUSY, after)).items) == 9

    few = await debts.scans(lambda: page(QUIET), "FROM notice")
    many = await debts.scans(lambda: page(BUSY, after), "FROM notice")

    # In each of the 21 months an index that is a level deeper, and its next leaf.
    assert max(each.blocks for each in many) <= max(each.blocks for each in few) + 2 * 21


@pytest.mark.parametrize("plans", ["custom", "generic"])
async def test_one_notice_is_found_without_reading_the_others(busy: None, plans: Mode) -> None:
    page = await service.list_notices(viewer=member(BUSY), first=1, after=None)
    [notice] = page.items

    plan = await plan_of(
        lambda: service.find_notice(viewer=member(BUSY), notice_id=notice.id),
        mark="FROM notice",
        plans=plans,
    )

    assert scanned(plan) == 1


@pytest.mark.parametrize("plans", ["custom", "generic"])
async def test_marking_looks_at_nothing_but_the_unread(busy: None, plans: Mode) -> None:
    by_ids = await plan_of(
        lambda: service.mark_read(viewer=member(BUSY), notice_ids=[2**62, 2**62 + 1]),
        mark="UPDATE notice",
        plans=plans,
    )
    by_time = await plan_of(
        lambda: service.mark_read(viewer=member(BUSY), before=datetime(2025, 1, 1, tzinfo=UTC)),
        mark="UPDATE notice",
        plans=plans,
    )

    assert scanned(by_ids) <= 2 * 1_000  # a bitmap counts twice
    assert scanned(by_time) == 0
