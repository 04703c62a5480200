"""The seed against a real database: complete, repeatable, and never mixed with real stores."""

from datetime import date, timedelta

import pytest

from backend.core.errors import Forbidden, Unauthenticated
from backend.core.geo import GeoPoint
from backend.core.locale import Locale
from backend.core.viewer import ANONYMOUS, SYSTEM, ActorKind, Viewer
from backend.infra import db as database
from backend.infra import sealing
from backend.organization import service as organization
from backend.organization.seeding import DEMO_OPEN_PROVINCES
from backend.stores import saving, seeding
from backend.stores import service as stores
from backend.stores.domain import PlaceKind, StoreDraft, StoreFilter, StoreState
from backend.stores.opening import OpeningSchedule
from backend.stores.seed import catalogue
from backend.stores.seeding import SeedOutcome

TODAY = date(2026, 11, 21)
TABLES = (
    "store",
    "store_category",
    "store_settlement",
    "store_opening_period",
    "store_opening_exception",
    "store_opening_exception_period",
    "store_offer",
    "branch",
    "association",
    "province",
)

pytestmark = pytest.mark.usefixtures("db", "sealer")


@pytest.fixture
def sealer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sealer of this test's own."""
    monkeypatch.setattr(
        sealing._Configured,
        "sealer",
        sealing.Sealer({"test": bytes(range(32))}, "test", bytes(range(32, 64))),
    )


def ignore(_: int) -> None:
    """Nobody watches the progress."""


async def seed(count: int, *, number: int = 1, today: date = TODAY) -> SeedOutcome:
    return await seeding.seed_stores(
        viewer=SYSTEM, count=count, seed=number, today=today, progress=ignore
    )


async def seed_demo() -> SeedOutcome:
    return await seeding.seed_demo(viewer=SYSTEM, today=TODAY, progress=ignore)


async def contents() -> dict[str, str]:
    """A digest of each table's rows, times of change and sealed bytes included."""
    digests = {}
    for table in TABLES:
        row = await database.fetch_one(
            f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY id), '')) AS digest FROM {table} t"
        )
        assert row is not None
        digests[table] = row["digest"]
    return digests


async def count(sql: str, *arguments: object) -> int:
    row = await database.fetch_one(f"SELECT count(*) AS rows FROM {sql}", *arguments)
    assert row is not None
    return int(row["rows"])


async def save_real_store(code: str) -> None:
    await seed(0)
    draft = StoreDraft(
        code=code,
        kind=PlaceKind.STORE,
        state=StoreState.ACTIVE,
        name="فروشگاه",
        category_code="supermarket",
        province_code="IR-07",
        city="شیراز",
        address="خیابان زند",
        location=GeoPoint(29.6103, 52.5311),
        phones=(),
        terms=None,
        schedule=OpeningSchedule(periods=()),
    )
    await saving.save_drafts(viewer=SYSTEM, drafts=[draft])


async def test_an_empty_database_gets_the_categories_and_the_stores() -> None:
    assert await seed(60) == SeedOutcome(created=60)

    assert await count("store") == 60
    assert await count("store_settlement") == 60
    categories = await stores.list_categories()
    assert [each.code for each in categories] == [each.code for each in catalogue.ALL]


async def test_the_same_again_changes_nothing() -> None:
    await seed(60)
    before = await contents()

    assert await seed(60) == SeedOutcome(unchanged=60)

    assert await contents() == before


async def test_a_larger_count_adds_the_rest() -> None:
    await seed(40)

    assert await seed(60) == SeedOutcome(created=20, unchanged=40)

    assert await count("store") == 60


async def test_a_smaller_count_takes_nothing_away() -> None:
    await seed(60)

    assert await seed(40) == SeedOutcome(unchanged=40)

    assert await count("store") == 60


async def test_two_databases_seeded_in_different_steps_hold_the_same_stores() -> None:
    columns = "code, name, city, address, latitude, longitude, phones, search_document"
    await seed(25)
    await seed(60)
    in_steps = await database.fetch(f"SELECT {columns} FROM store ORDER BY id")
    await database.execute("TRUNCATE store CASCADE")

    await seed(60)

    assert await database.fetch(f"SELECT {columns} FROM store ORDER BY id") == in_steps


async def test_another_seed_rewrites_the_stores() -> None:
    await seed(40)

    outcome = await seed(40, number=2)

    assert outcome == SeedOutcome(changed=40)
    assert await count("store") == 40


async def test_another_day_moves_only_what_is_dated() -> None:
    await seed(60)
    dated = await count(
        "store s WHERE EXISTS (SELECT FROM store_offer o WHERE o.store_id = s.id)"
        " OR EXISTS (SELECT FROM store_opening_exception e WHERE e.store_id = s.id)"
    )

    outcome = await seed(60, today=TODAY + timedelta(days=1))

    assert dated > 0
    assert outcome == SeedOutcome(changed=dated, unchanged=60 - dated)


async def test_progress_is_told_after_each_batch() -> None:
    told: list[int] = []

    await seeding.seed_stores(viewer=SYSTEM, count=501, seed=1, today=TODAY, progress=told.append)

    assert told == [500, 501]


@pytest.mark.parametrize("code", ["1001", "S-000001", "seed-S-000001"])
async def test_a_database_with_stores_of_another_origin_is_refused(code: str) -> None:
    await save_real_store(code)
    before = await contents()

    with pytest.raises(seeding.ForeignStores) as refused:
        await seed(10)
    with pytest.raises(seeding.ForeignStores):
        await seed_demo()

    assert await contents() == before
    assert refused.value.message(Locale.EN).startswith("This database has 1 places")
    assert "۱ مکان" in refused.value.message(Locale.FA)


async def test_a_stranger_is_turned_away() -> None:
    with pytest.raises(Unauthenticated):
        await seeding.seed_stores(viewer=ANONYMOUS, count=1, seed=1, today=TODAY, progress=ignore)
    with pytest.raises(Forbidden):
        await seeding.seed_demo(
            viewer=Viewer(ActorKind.OPERATOR, actor="operator:1"), today=TODAY, progress=ignore
        )

    assert await count("store") + await count("store_category") == 0


async def test_the_demo_has_every_kind_of_place_units_and_open_provinces() -> None:
    outcome = await seed_demo()

    assert outcome.created == await count("store")
    assert await count("store WHERE kind = 'STORE'") == seeding.DEMO_STORES
    for table in ("branch", "association"):
        assert await count(f"{table} u JOIN store s USING (code, name, province_code, city)") > 31
        assert await count(f"{table}") == await count("store WHERE kind = $1", table.upper())
        assert await count(f"(SELECT DISTINCT province_code FROM {table}) p") == 31
    assert await count("store WHERE kind = 'CLINIC'") > 200
    opened = {each.code for each in await organization.list_provinces() if each.open_for_members}
    assert opened == set(DEMO_OPEN_PROVINCES)


async def test_the_demo_is_set_up_once() -> None:
    await seed_demo()
    await database.execute("UPDATE province SET open_for_members = false WHERE code = 'IR-07'")
    await database.execute("UPDATE store SET name = 'تازه' WHERE code = 'SEED-S-000001'")
    before = await contents()

    assert await seed_demo() == SeedOutcome()

    assert await contents() == before


async def test_an_interrupted_demo_is_completed() -> None:
    class Interrupted(Exception):
        pass

    def interrupt(done: int) -> None:
        if done == 1_000:
            raise Interrupted

    with pytest.raises(Interrupted):
        await seeding.seed_demo(viewer=SYSTEM, today=TODAY, progress=interrupt)

    outcome = await seed_demo()

    assert outcome.unchanged == 1_000
    assert outcome.created == await count("store") - 1_000
    assert await count("store WHERE kind = 'STORE'") == seeding.DEMO_STORES


async def found(search: str) -> list[str]:
    page = await stores.list_stores(
        viewer=ANONYMOUS, search=search, matching=StoreFilter(), first=10, after=None
    )
    return [store.name for store in page.items]


async def test_stores_are_found_by_the_new_name_of_their_category() -> None:
    await seeding.save_standard_categories(viewer=SYSTEM)
    await database.execute(
        "UPDATE store_category SET name_fa = 'بوتیک', name_en = 'Boutiques' WHERE code = 'optician'"
    )
    drafts = [
        StoreDraft(
            code=f"OP-{number}",
            kind=PlaceKind.STORE,
            state=StoreState.ACTIVE,
            name=f"نمونه {number}",
            category_code=code,
            province_code="IR-07",
            city="شیراز",
            address="خیابان زند",
            location=GeoPoint(29.62, 52.53),
            phones=(),
            terms=None,
            schedule=OpeningSchedule(periods=()),
        )
        for number, code in enumerate(("optician", "optician", "carpets"), start=1)
    ]
    await saving.save_drafts(viewer=SYSTEM, drafts=drafts)
    assert await found("بوتیک") == ["نمونه 1", "نمونه 2"]

    await seeding.save_standard_categories(viewer=SYSTEM)

    assert await found("بوتیک") == []
    assert await found("بینایی سنجی") == ["نمونه 1", "نمونه 2"]
    assert await found("فرش") == ["نمونه 3"]
