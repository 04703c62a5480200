"""The queries on stores: which index answers them, and that SQL and Python agree on who is open."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from backend.core import clock, viewer
from backend.core.calendar import Weekday
from backend.core.geo import GeoBounds, GeoPoint
from backend.infra import db as database
from backend.organization import service as organization
from backend.stores import clusters, nearby, opening, service
from backend.stores.domain import Store, StoreFilter
from backend.stores.opening import OpeningException, OpeningPeriod, OpeningSchedule
from tests.support import places
from tests.support.places import AZADI, draft
from tests.support.servers import TestPostgres

MANY = 15_000


@pytest.fixture(scope="module")
def filled_url(postgres: TestPostgres, migrated_template: str) -> Iterator[str]:
    """A database with 15,000 stores and fresh statistics, for reading."""
    name = postgres.create("filled", template=migrated_template)
    url = postgres.url(name)

    async def fill() -> None:
        await database.connect(url, statement_timeout_ms=120_000)
        try:
            await places.fill(MANY)
        finally:
            await database.close()

    asyncio.run(fill())
    yield url
    postgres.drop(name)


@pytest.fixture
async def filled(filled_url: str) -> AsyncIterator[None]:
    """`backend.infra.db`, connected to 15,000 stores."""
    await database.connect(filled_url)
    try:
        yield
    finally:
        await database.close()


async def plan_of(ask: Callable[[], Awaitable[object]]) -> str:
    """What EXPLAIN ANALYZE says of the statements that `ask` really sends, with their real arguments."""
    plans: list[str] = []

    def note(_connection: object, message: object) -> None:
        plans.append(str(message))

    async with database.transaction():
        async with database.acquire() as connection:
            await connection.execute("LOAD 'auto_explain'")
            await connection.execute(
                "SET LOCAL auto_explain.log_min_duration = 0; SET LOCAL auto_explain.log_analyze = on;"
                " SET LOCAL client_min_messages = log"
            )
            connection.add_log_listener(note)
        await ask()
        async with database.acquire() as connection:
            await connection.execute("SET LOCAL auto_explain.log_min_duration = -1")
            await asyncio.sleep(0)  # the loop calls the listener after the answer
            connection.remove_log_listener(note)
    [plan] = [each for each in plans if "FROM store s" in each]
    return plan


async def list_all(search: str | None = None, **matching: object) -> list[Store]:
    page = await service.list_stores(
        viewer=viewer.ANONYMOUS,
        search=search,
        matching=StoreFilter(**matching),  # type: ignore[arg-type]  # of the test's own making
        first=100,
        after=None,
    )
    return list(page.items)


@pytest.mark.parametrize(
    "search",
    [
        "1234",
        "کوباسی",  # of more than four letters: a slip would be forgiven
        "شابادا 123",
        "شابادا کوباسی",
        "شاباژا",  # a slip
        "شاابدا کوژاسی",  # two words, a slip in each
        "پلاک ناموجود",
    ],
)
async def test_a_search_uses_the_trigram_index(filled: None, search: str) -> None:
    plan = await plan_of(lambda: list_all(search))

    assert "Bitmap Index Scan on store_by_search_document" in plan
    assert re.search(r"Seq Scan on store\b", plan) is None


async def test_trigrams_of_persian_words_are_in_the_index(filled: None) -> None:
    """With the wrong locale PostgreSQL sees no letters, and the index holds nothing."""
    row = await database.fetch_one("SELECT show_trgm('فروشگاه') AS trigrams")

    assert row is not None
    assert len(row["trigrams"]) == 8


async def test_the_nearest_stores_come_in_the_order_of_the_index(filled: None) -> None:
    async def ask() -> None:
        found = await nearby.list_nearby(
            viewer=viewer.ANONYMOUS,
            at=AZADI,
            radius_meters=100_000,
            matching=StoreFilter(),
            first=20,
            after=None,
        )
        assert len(found.page.items) == 20

    plan = await plan_of(ask)

    [scan] = re.findall(
        r"Index Scan using store_by_point on store .* rows=([0-9]+)[^\n]*\n +Order By: \(point <-> ",
        plan,
    )
    assert int(scan) < 100  # the page and its like, not every store in the radius


async def test_the_alphabetical_list_comes_in_the_order_of_the_index(filled: None) -> None:
    plan = await plan_of(list_all)

    assert "Index Scan using store_by_name on store" in plan


async def test_the_alphabetical_list_goes_on_by_the_index(filled: None) -> None:
    page = await service.list_stores(
        viewer=viewer.ANONYMOUS, search=None, matching=StoreFilter(), first=100, after=None
    )

    async def go_on() -> None:
        await service.list_stores(
            viewer=viewer.ANONYMOUS,
            search=None,
            matching=StoreFilter(),
            first=20,
            after=page.cursors[-1],
        )

    plan = await plan_of(go_on)

    assert re.search(
        r"using store_by_name on store .*\n +Index Cond: .*ROW\(.*name_sort_key.*, id\) > ROW\(",
        plan,
    )


def random_day(drawn: random.Random) -> list[tuple[int, int]]:
    """Up to three periods of one day that do not overlap; the last may run over midnight."""
    if drawn.random() < 0.25:
        return []
    marks = sorted(drawn.sample(range(0, 1440, 15), drawn.choice((2, 4, 6))))
    periods = list(zip(marks[::2], marks[1::2], strict=True))
    if drawn.random() < 0.4:
        opens = periods[-1][0]
        periods[-1] = (opens, drawn.randint(1440, opens + 1440))
    return periods


def random_schedule(drawn: random.Random, days: list[date]) -> OpeningSchedule:
    weekly = [
        OpeningPeriod(weekday, *period) for weekday in Weekday for period in random_day(drawn)
    ]
    exceptions = [
        OpeningException(day, tuple(random_day(drawn))) for day in days if drawn.random() < 0.15
    ]
    return OpeningSchedule(tuple(weekly), tuple(exceptions), drawn.random() < 0.5)


def random_moment(drawn: random.Random, days: list[date]) -> datetime:
    """A moment on one of the days, often one at which something opens or closes."""
    midnight = datetime.combine(drawn.choice(days), datetime.min.time(), clock.TEHRAN)
    minute = drawn.randrange(0, 1440, 15) if drawn.random() < 0.7 else drawn.randrange(1440)
    seconds = drawn.choice((0, 0, 0, 59, 30))
    return (midnight + timedelta(minutes=minute, seconds=seconds)).astimezone(UTC)


@pytest.mark.parametrize("first_day", [date(2026, 11, 19), date(2027, 3, 18), date(2025, 6, 4)])
async def test_the_filter_open_now_agrees_with_the_rule(db: None, first_day: date) -> None:
    drawn = random.Random(first_day.toordinal())
    days = [first_day + timedelta(days=n) for n in range(10)]
    await places.save(
        *(draft(f"s{n}", schedule=random_schedule(drawn, days)) for n in range(90)),
        draft("always", schedule=places.ALWAYS),
        draft("never", schedule=places.NEVER),
    )
    for on_date in drawn.sample(days, 4):
        await organization.declare_holiday(
            viewer=viewer.SYSTEM, on_date=on_date, is_holiday=drawn.random() < 0.6, name="آزمون"
        )
    seen_open = 0
    for _ in range(60):
        moment = random_moment(drawn, days)
        with clock.frozen(moment):
            everyone = await list_all()
            states = await service.opening_states(stores=everyone, at=moment)
            expected = {
                each.id: state.open_now for each, state in zip(everyone, states, strict=True)
            }
            open_ids = {each.id for each in await list_all(open_now=True)}
            closed_ids = {each.id for each in await list_all(open_now=False)}

        assert len(everyone) == 92
        assert open_ids == {key for key, is_open in expected.items() if is_open}, moment
        assert closed_ids == expected.keys() - open_ids
        seen_open += len(open_ids)
    assert 60 * 5 < seen_open < 60 * 80  # both happened often


async def test_a_stored_schedule_comes_back_as_it_was(db: None) -> None:
    drawn = random.Random(5)
    days = [date(2026, 11, 19) + timedelta(days=n) for n in range(10)]
    schedules = {f"s{n}": random_schedule(drawn, days) for n in range(40)}
    keys = await places.save(*(draft(code, schedule=each) for code, each in schedules.items()))

    with clock.frozen(datetime(2026, 11, 21, 8, 30, tzinfo=UTC)):
        found = await service.list_by_ids(viewer=viewer.ANONYMOUS, ids=list(keys.values()))

    for code, schedule in schedules.items():
        assert found[keys[code]].schedule == schedule


async def test_a_schedule_is_read_as_far_as_the_state_looks_ahead(db: None) -> None:
    """An exception at the end of the 31 days counts; the far ones are not read at all."""
    today = date(2026, 11, 21)
    far = [
        OpeningException(today + timedelta(days=n), ((600, 700),))
        for n in (-3, -2, -1, 31, 32, 33, 200)
    ]
    keys = await places.save(draft("s", schedule=OpeningSchedule((), tuple(far))))
    moment = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)

    with clock.frozen(moment):
        found = (await service.list_by_ids(viewer=viewer.ANONYMOUS, ids=[keys["s"]]))[keys["s"]]
        [state] = await service.opening_states(stores=[found], at=moment)

    assert [each.on_date for each in found.schedule.exceptions] == [
        today + timedelta(days=n) for n in (-2, -1, 31, 32)
    ]
    assert state == opening.OpeningState(False, datetime(2026, 12, 22, 6, 30, tzinfo=UTC))


@pytest.mark.parametrize("seed", range(3))
async def test_clusters_count_every_store_in_the_bounds_once(filled: None, seed: int) -> None:
    drawn = random.Random(seed)
    for _ in range(20):
        south, north = sorted(drawn.uniform(35.4, 36.1) for _ in range(2))
        west, east = sorted(drawn.uniform(50.9, 51.9) for _ in range(2))
        bounds = GeoBounds(south, west, north, east)
        zoom = drawn.randint(0, clusters.MAX_ZOOM)
        row = await database.fetch_one(
            "SELECT count(*) AS stores FROM store WHERE latitude BETWEEN $1 AND $2 AND longitude BETWEEN $3 AND $4",
            *(south, north, west, east),
        )

        found = await service.store_clusters(
            viewer=viewer.ANONYMOUS, bounds=bounds, zoom=zoom, matching=StoreFilter()
        )

        assert row is not None
        assert sum(each.count for each in found) == row["stores"]
        assert len(found) <= 1_000
        for each in found:
            assert south <= each.bounds.south <= each.bounds.north <= north
            assert west <= each.bounds.west <= each.bounds.east <= east
            assert (each.count == 1) == (each.store_id is not None)
            assert each.bounds.south - 1e-6 <= each.location.latitude <= each.bounds.north + 1e-6


async def test_the_whole_world_has_few_clusters_at_any_zoom(filled: None) -> None:
    world = GeoBounds(-90, -180, 90, 180)
    for zoom in (0, 10, 22):
        found = await service.store_clusters(
            viewer=viewer.ANONYMOUS, bounds=world, zoom=zoom, matching=StoreFilter()
        )
        assert sum(each.count for each in found) == MANY
        assert len(found) <= 1_000


async def test_a_fine_zoom_parts_what_stands_apart(db: None) -> None:
    apart = GeoPoint(AZADI.latitude + 0.001, AZADI.longitude)  # 111 m
    await places.save(draft("a"), draft("b", at=apart))
    bounds = GeoBounds(35.6995, 51.3375, 35.7015, 51.3395)

    async def counts(zoom: int) -> list[int]:
        found = await service.store_clusters(
            viewer=viewer.ANONYMOUS, bounds=bounds, zoom=zoom, matching=StoreFilter()
        )
        return [each.count for each in found]

    assert await counts(5) == [2]
    assert await counts(18) == [1, 1]
