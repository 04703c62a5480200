"""Places in memory are those of the database: found in the same order, and after any change the same again."""

import asyncio
import math
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.core import clock, geo
from backend.core.calendar import Weekday
from backend.core.geo import GeoPoint
from backend.core.viewer import ANONYMOUS
from backend.infra import db as database
from backend.stores import directory, directory_keeper, nearby, repository, repository_directory
from backend.stores.directory import Freshness
from backend.stores.domain import PlaceKind, Store, StoreDraft, StoreFilter, StoreState
from backend.stores.spots import MAX_CHORD
from tests.support import directories, places
from tests.support.directories import Kept
from tests.support.places import AZADI, draft
from tests.support.servers import TestPostgres

NOON = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)  # a Saturday, 12:00 in Tehran
TODAY = date(2026, 11, 21)
CENTRES = (
    AZADI,
    GeoPoint(29.61, 52.53),
    GeoPoint(0.0, 179.999),
    GeoPoint(90.0, 10.0),
    GeoPoint(-90.0, 0.0),
    GeoPoint(89.9995, 120.0),
)
SPREADS = (0.0, 0.0005, 0.01, 0.2)  # degrees


def made_up() -> list[StoreDraft]:
    """Places of every kind: many under one roof, dense and thin, at both poles, on both sides of the antimeridian."""
    drawn = random.Random(41)
    half_day = places.weekly((Weekday.SATURDAY, 0, 720))
    drafts = []
    for number in range(700):
        centre, spread = drawn.choice((AZADI, *CENTRES)), drawn.choice(SPREADS)
        latitude = centre.latitude + drawn.uniform(-spread, spread)
        longitude = centre.longitude + drawn.uniform(-spread, spread)
        drafts.append(
            draft(
                f"p{number}",
                at=GeoPoint(max(-90.0, min(90.0, latitude)), (longitude + 180) % 360 - 180),
                kind=drawn.choice((PlaceKind.STORE, PlaceKind.STORE, PlaceKind.CLINIC)),
                state=drawn.choice((*[StoreState.ACTIVE] * 5, StoreState.SUSPENDED)),
                category_code=drawn.choice(places.CATEGORIES)[0],
                province_code=drawn.choice(("IR-23", "IR-07")),
                terms=drawn.choice((places.TERMS, None)),
                schedule=drawn.choice(
                    (
                        places.ALWAYS,
                        places.NEVER,
                        half_day,
                        places.exceptional(half_day, TODAY, (700, 800)),
                        places.exceptional(places.ALWAYS, TODAY + timedelta(days=40)),
                    )
                ),
                offers=drawn.choice(
                    (
                        None,
                        (places.offer("نو", TODAY, TODAY),),
                        (places.offer("نو", TODAY - timedelta(2), None),),
                    )
                ),
            )
        )
    return drafts


@pytest.fixture
def made_up_places(
    postgres: TestPostgres, migrated_template: str
) -> Iterator[tuple[asyncio.Runner, Kept]]:
    """The places, in a database and in a directory, with the loop in which both may be asked."""
    name = postgres.create("made_up", template=migrated_template)
    stack = AsyncExitStack()

    async def open_both() -> Kept:
        await database.connect(postgres.url(name))
        stack.push_async_callback(database.close)
        await places.save(*made_up())
        with clock.frozen(NOON):
            return await stack.enter_async_context(directories.kept(postgres.url(name)))

    with asyncio.Runner() as runner:
        kept = runner.run(open_both())
        yield runner, kept
        runner.run(stack.aclose())
    postgres.drop(name)


@st.composite
def points(draw: st.DrawFn) -> GeoPoint:
    """A point at, near or far from the places."""
    centre = draw(st.sampled_from(CENTRES))
    spread = draw(st.sampled_from((0.0, 0.0005, 0.01, 0.5, 3.0)))
    latitude = centre.latitude + draw(st.floats(-spread, spread))
    longitude = centre.longitude + draw(st.floats(-spread, spread))
    return GeoPoint(max(-90.0, min(90.0, latitude)), (longitude + 180) % 360 - 180)


FILTERS = st.just(StoreFilter()) | st.builds(
    StoreFilter,
    kind=st.sampled_from((PlaceKind.STORE, PlaceKind.CLINIC, PlaceKind.BRANCH)),
    category_ids=st.none() | st.sampled_from(((), (1,), (1, 3), (9,))),
    province_code=st.sampled_from((None, None, "IR-07", "IR-01")),
    open_now=st.sampled_from((None, None, True, False)),
    within_my_credit=st.sampled_from((None, None, True, False)),
    has_offers=st.sampled_from((None, None, True, False)),
    within_rials=st.sampled_from((0, 4_999_999, 5_000_000)),
)


async def both(
    kept: Kept,
    *,
    at: GeoPoint,
    farthest: float,
    matching: StoreFilter,
    now: datetime,
    after: tuple[float, int] | None,
    limit: int,
) -> tuple[list[tuple[float, Store]], list[tuple[float, Store]]]:
    """What SQL and the memory find: chords and whole stores."""
    local = kept.directory.local_instant(now)
    in_sql = await repository.list_nearby(
        at=at, chord_limit=farthest, matching=matching, now=local, after=after, limit=limit
    )
    in_memory = kept.directory.nearest(
        at=at, chord_limit=farthest, matching=matching, now=local, after=after, limit=limit
    )
    assert in_memory is not None
    return (
        [(each.chord, each.store) for each in in_sql],
        [(chord, place.store(local.today)) for chord, _, place in in_memory.spots()],
    )


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    at=points(),
    radius=st.sampled_from((1, 60, 5_000, 100_000)),
    matching=FILTERS,
    first=st.sampled_from((1, 5, 6, 20, 33, 100)),
    minutes=st.integers(-1440, 1440),
    edge=st.none() | st.tuples(st.integers(0, 40), st.booleans()),
)
def test_the_memory_finds_just_what_sql_finds(
    *,
    made_up_places: tuple[asyncio.Runner, Kept],
    at: GeoPoint,
    radius: int,
    matching: StoreFilter,
    first: int,
    minutes: int,
    edge: tuple[int, bool] | None,
) -> None:
    """The same places, in the same order, with the same bits of distance; page after page, to the radius's edge."""
    runner, kept = made_up_places
    now = NOON + timedelta(minutes=minutes)

    async def compare() -> None:
        farthest = geo.chord_of(radius)
        if edge is not None:  # the radius ends just at a place, or just before it
            everything, _ = await both(
                kept, at=at, farthest=MAX_CHORD, matching=matching, now=now, after=None, limit=101
            )
            if edge[0] < len(everything):
                chord = everything[edge[0]][0]
                farthest = chord if edge[1] else math.nextafter(chord, 0)
        after = None
        for _ in range(3):
            in_sql, in_memory = await both(
                kept,
                at=at,
                farthest=farthest,
                matching=matching,
                now=now,
                after=after,
                limit=first + 1,
            )
            assert in_memory == in_sql
            if len(in_sql) <= first:
                break
            last_chord, last = in_memory[first - 1]
            after = last_chord, last.id

    runner.run(compare())


async def test_hundreds_under_one_roof_come_in_the_order_of_their_ids(
    db: None, database_url: str
) -> None:
    del db
    await places.save(*(draft(f"s{n}") for n in range(300)))

    async with directories.kept(database_url) as kept:
        in_sql, in_memory = await both(
            kept,
            at=AZADI,
            farthest=MAX_CHORD,
            matching=StoreFilter(),
            now=NOON,
            after=None,
            limit=101,
        )

    assert in_memory == in_sql
    assert len(in_memory) == 101


async def test_a_search_that_hardly_matches_is_left_to_the_database(
    db: None, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to the most that one search looks at, it answers; past that it does not, and the page is SQL's."""
    del db
    await places.save(
        *(
            draft(f"s{n}", at=GeoPoint(35.7, 51.3 + n / 1000), schedule=places.NEVER)
            for n in range(8)
        ),
        draft("open", at=GeoPoint(35.7, 51.4), schedule=places.ALWAYS),
        draft("shut", at=GeoPoint(35.7, 51.5), schedule=places.NEVER),
    )

    async with directories.kept(database_url) as kept:
        monkeypatch.setattr(directory, "_this_process", kept.directory)

        async def found(matching: StoreFilter) -> tuple[bool, list[str]]:
            at, far = GeoPoint(35.7, 51.3), 100_000
            remembered = nearby.find_nearby(
                viewer=ANONYMOUS,
                at=at,
                radius_meters=far,
                matching=matching,
                first=1,
                after=None,
                now=clock.now(),
            )
            page = await nearby.list_nearby(
                viewer=ANONYMOUS, at=at, radius_meters=far, matching=matching, first=1, after=None
            )
            return remembered is not None, [each.store.name for each in page.page.items]

        openly = StoreFilter(open_now=True)
        monkeypatch.setattr(directory, "MAX_LOOKED_AT", 10)
        whole = await found(openly)
        monkeypatch.setattr(directory, "MAX_LOOKED_AT", 9)
        cut = await found(openly)
        unfiltered = await found(StoreFilter())

    assert whole == (True, ["فروشگاه open"])
    assert cut == (False, ["فروشگاه open"])
    assert unfiltered == (True, ["فروشگاه s0"])


@pytest.fixture
async def kept(db: None, database_url: str) -> AsyncIterator[Kept]:
    """Three places, two of them active, loaded at noon."""
    del db
    await places.save(
        draft("a", schedule=places.exceptional(places.NEVER, TODAY, (600, 900))),
        draft("b", at=GeoPoint(35.7, 51.34), offers=(places.offer("نو", TODAY, None),)),
        draft("c", state=StoreState.SUSPENDED),
    )
    with clock.frozen(NOON):
        async with directories.kept(database_url) as kept:
            yield kept


async def remembered(url: str, kept: Kept) -> bool:
    """Whether the directory is what another one is that has just been loaded."""
    async with directories.kept(url) as other:
        mine = {key: place.entry for key, place in kept.directory.places.items()}
        same = mine == {key: place.entry for key, place in other.directory.places.items()}
    for kind in PlaceKind:
        found = kept.directory.nearest(
            at=AZADI,
            chord_limit=MAX_CHORD,
            matching=StoreFilter(kind=kind),
            now=kept.directory.local_instant(NOON),
            after=(-1.0, 0),  # by a walk, which has no limit
            limit=10_000,
        )
        assert found is not None
        of_kind = {key for key, entry in mine.items() if entry.store.kind is kind}
        same = same and {key for _, key, _ in found.found} == of_kind
    return same


CHANGES = [
    "UPDATE store SET name = 'دیگر' WHERE code = 'a'",
    "UPDATE store SET state = 'SUSPENDED' WHERE code = 'a'",
    "UPDATE store SET state = 'ACTIVE' WHERE code = 'c'",
    "UPDATE store SET latitude = 35.71 WHERE code = 'a'",
    "UPDATE store SET kind = 'CLINIC' WHERE code = 'a'",
    "UPDATE store SET min_months = NULL, max_months = NULL, min_amount_rials = NULL, max_amount_rials = NULL",
    "DELETE FROM store WHERE code = 'a'",
    "DELETE FROM store",
    "DELETE FROM store_opening_period WHERE weekday = 3",
    "UPDATE store_opening_period SET closes_minute = 700 WHERE weekday = 3",
    """
    INSERT INTO store_opening_period (store_id, weekday, opens_minute, closes_minute)
    SELECT id, 0, 600, 700 FROM store WHERE code = 'a'
    """,
    "DELETE FROM store_opening_exception",
    "UPDATE store_opening_exception SET on_date = on_date + 1",
    "INSERT INTO store_opening_exception (store_id, on_date) SELECT id, '2026-11-25' FROM store WHERE code = 'b'",
    "DELETE FROM store_opening_exception_period",
    "UPDATE store_opening_exception_period SET opens_minute = 601",
    "DELETE FROM store_offer",
    "UPDATE store_offer SET valid_until = '2026-12-01'",
    "INSERT INTO store_offer (store_id, title, body, valid_from) SELECT id, 't', 'b', '2026-11-01' FROM store",
    "UPDATE store_category SET name_fa = 'نو' WHERE code = 'grocery'",
    "TRUNCATE store_offer",
    "TRUNCATE store CASCADE",
    """
    INSERT INTO store (code, kind, name, name_sort_key, name_compact, category_id, province_code, city, address,
                       latitude, longitude, search_document)
    SELECT 'n' || n, 'STORE', 'n', 'n', 'n', 1, 'IR-23', 'c', 'a', 35.7 + n * 7919 % 1009 * 1e-4,
           51.3 + n * 31 % 1013 * 1e-4, ''
      FROM generate_series(1, 1500) n
    """,
]


@pytest.mark.parametrize("change", CHANGES)
async def test_any_change_is_seen_by_the_next_refresh(
    database_url: str, kept: Kept, change: str
) -> None:
    before = {key: place.entry for key, place in kept.directory.places.items()}
    await database.execute(change)

    await kept.refresh()

    after = {key: place.entry for key, place in kept.directory.places.items()}
    assert after != before
    assert await remembered(database_url, kept)


async def test_only_what_has_changed_is_read_again(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[int, ...]] = []
    list_some = repository_directory.list_some

    def noting(connection: database.RawConnection, ids: tuple[int, ...]) -> object:
        read.append(ids)
        return list_some(connection, ids)

    monkeypatch.setattr(repository_directory, "list_some", noting)
    monkeypatch.setattr(repository_directory, "list_all", None)
    await kept.refresh()
    await places.move("b", AZADI)
    await kept.refresh()

    [row] = await database.fetch("SELECT id FROM store WHERE code = 'b'")
    assert read == [(), (row["id"],)]


async def test_a_change_that_commits_late_is_not_missed(database_url: str, kept: Kept) -> None:
    """Its transaction is older than one that was seen before."""
    other = await asyncpg.connect(database_url)
    try:
        late = other.transaction()
        await late.start()
        await other.execute("UPDATE store SET name = 'دیر' WHERE code = 'a'")
        await database.execute("UPDATE store SET name = 'زود' WHERE code = 'b'")
        await kept.refresh()
        assert {place.entry.store.name for place in kept.directory.places.values()} == {
            "فروشگاه a",
            "زود",
        }
        await late.commit()
    finally:
        await other.close()

    await kept.refresh()

    assert {place.entry.store.name for place in kept.directory.places.values()} == {"دیر", "زود"}


async def test_a_change_that_is_rolled_back_is_never_seen(kept: Kept) -> None:
    class Failure(Exception):
        pass

    async def change_and_fail() -> None:
        async with database.transaction():
            await database.execute("UPDATE store SET name = 'هیچ'")
            await kept.refresh()
            raise Failure

    with pytest.raises(Failure):
        await change_and_fail()
    await kept.refresh()

    assert {place.entry.store.name for place in kept.directory.places.values()} == {
        "فروشگاه a",
        "فروشگاه b",
    }


async def test_writers_of_the_same_stores_never_wait_for_the_notes(
    database_url: str, db: None
) -> None:
    """Two open transactions that change different places note both, side by side."""
    del db
    await places.save(draft("a"), draft("b"))
    one, two = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    try:
        async with asyncio.timeout(60), one.transaction(), two.transaction():
            await one.execute("UPDATE store SET name = 'x' WHERE code = 'a'")
            await two.execute("UPDATE store SET name = 'y' WHERE code = 'b'")
            await two.execute("UPDATE store_category SET name_en = 'z' WHERE code = 'health'")
    finally:
        await one.close()
        await two.close()

    row = await database.fetch_one("SELECT count(*) AS places FROM store WHERE name IN ('x', 'y')")
    assert row is not None
    assert row["places"] == 2


async def test_the_census_finds_what_no_trigger_has_told(
    database_url: str, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = await asyncpg.connect(database_url)
    await silent.execute("SET session_replication_role = replica")  # no trigger runs
    await silent.execute("UPDATE store SET name = 'پنهان' WHERE code = 'a'")
    await silent.close()
    await kept.refresh()
    assert not await remembered(database_url, kept)

    monkeypatch.setattr(directory_keeper, "CENSUS_SECONDS", -1)
    await kept.refresh()

    assert await remembered(database_url, kept)


async def test_notes_of_a_restored_dump_are_no_news(kept: Kept) -> None:
    """They carry numbers of transactions that this server has yet to reach."""
    await database.execute("INSERT INTO store_change VALUES ('999999999999', NULL)")
    await kept.refresh()

    found = await repository_directory.look(kept.connection, kept.keeper._seen)

    assert found.changed == ()


async def test_what_a_process_does_not_know_of_the_days_it_does_not_answer(kept: Kept) -> None:
    assert kept.directory.freshness is Freshness.FRESH
    assert kept.directory.is_fresh(TODAY)
    assert not kept.directory.is_fresh(TODAY + timedelta(days=10))


async def test_the_memory_stays_fresh_where_the_pool_and_valkey_are_away(kept: Kept) -> None:
    """Holidays too are asked for on the connection that the news come by, and seen by the next refresh."""
    noon = NOON + timedelta(days=1)
    assert not kept.directory.local_instant(noon).today_is_holiday
    await database.execute(
        "INSERT INTO holiday_override (on_date, is_holiday, name) VALUES ($1, true, 'x')",
        TODAY + timedelta(days=1),
    )
    await database.close()

    await kept.refresh()

    assert kept.directory.local_instant(noon).today_is_holiday


async def test_old_notes_are_forgotten(kept: Kept) -> None:
    del kept
    await database.execute(
        "INSERT INTO store_change (store_ids, noted_at) VALUES ('{1}', now() - interval '25 hours')"
    )

    assert await repository_directory.forget_changes(days=1) == 1
    assert await repository_directory.forget_changes(days=1) == 0
