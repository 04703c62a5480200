"""Migrations: one migrator at a time, all or nothing, and the models say what they make."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from tortoise.exceptions import OperationalError
from tortoise.models import Model

from backend.infra import migrations
from backend.organization import models as organization_models
from backend.stores import models as stores_models
from tests.support.servers import TestPostgres

NAMES = [
    f"{folder.name}.{file.stem}"
    for folder in sorted((Path(migrations.__file__).parents[2] / "migrations").iterdir())
    if folder.is_dir()
    for file in sorted(folder.glob("[0-9]*.py"))
]


@pytest.fixture
def empty_url(postgres: TestPostgres) -> Iterator[str]:
    """A database without any table."""
    name = postgres.create()
    yield postgres.url(name)
    postgres.drop(name)


async def query(url: str, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(sql)
    finally:
        await connection.close()


async def recorded(url: str) -> list[str]:
    """What the database says was applied, in its order."""
    rows = await query(url, "SELECT app, name FROM tortoise_migrations ORDER BY id")
    return [f"{row['app']}.{row['name']}" for row in rows]


async def tables(url: str) -> set[str]:
    rows = await query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {row["tablename"] for row in rows}


async def test_an_empty_database_gets_every_migration_and_the_queue(empty_url: str) -> None:
    told: list[str] = []

    applied = await migrations.migrate(empty_url, report=told.append)

    assert sorted(applied) == NAMES
    assert told == applied == await recorded(empty_url)
    assert {"province", "store", "store_settlement", "pgqueuer"} <= await tables(empty_url)
    assert await migrations.pending(empty_url) == []


async def test_a_second_run_has_nothing_to_do(empty_url: str) -> None:
    await migrations.migrate(empty_url)

    assert await migrations.migrate(empty_url) == []
    assert sorted(await recorded(empty_url)) == NAMES


async def test_an_empty_database_has_everything_pending(empty_url: str) -> None:
    assert sorted(await migrations.pending(empty_url)) == sorted([*NAMES, "jobs"])


async def test_migrators_at_once_apply_each_migration_once(empty_url: str) -> None:
    outcomes = await asyncio.gather(*(in_a_process(empty_url) for _ in range(2)))

    assert sorted(name for outcome in outcomes for name in outcome) == NAMES
    assert [] in outcomes
    assert sorted(await recorded(empty_url)) == NAMES


async def in_a_process(url: str) -> list[str]:
    """What a migrator in a process of its own applied."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import asyncio, sys; from backend.infra import migrations;"
        "print(*asyncio.run(migrations.migrate(sys.argv[1])), sep='\\n')",
        url,
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode().split()


async def test_a_migration_that_fails_leaves_nothing_and_is_not_recorded(empty_url: str) -> None:
    # The second migration of stores adds the constraint store_province last-but-not-first: a table
    # in the way of one of its indexes makes it fail half way.
    await query(empty_url, "CREATE TABLE store_by_search_document (taken int)")

    with pytest.raises((asyncpg.DuplicateTableError, OperationalError)):
        await migrations.migrate(empty_url)

    assert "stores.0001_initial" in await recorded(empty_url)
    assert "stores.0002_search_and_distance" not in await recorded(empty_url)
    columns = await query(
        empty_url, "SELECT column_name FROM information_schema.columns WHERE table_name = 'store'"
    )
    assert "point" not in {row["column_name"] for row in columns}
    constraints = await query(
        empty_url, "SELECT conname FROM pg_constraint WHERE conname = 'store_province'"
    )
    assert constraints == []
    assert "stores.0002_search_and_distance" in await migrations.pending(empty_url)


async def test_after_a_failure_the_next_run_goes_on(empty_url: str) -> None:
    await query(empty_url, "CREATE TABLE store_by_search_document (taken int)")
    with pytest.raises((asyncpg.DuplicateTableError, OperationalError)):
        await migrations.migrate(empty_url)
    await query(empty_url, "DROP TABLE store_by_search_document")

    applied = await migrations.migrate(empty_url)

    assert "stores.0002_search_and_distance" in applied
    assert "stores.0001_initial" not in applied
    assert sorted(await recorded(empty_url)) == NAMES


async def test_the_lock_is_free_after_a_failure(empty_url: str) -> None:
    await query(empty_url, "CREATE TABLE store_by_search_document (taken int)")
    with pytest.raises((asyncpg.DuplicateTableError, OperationalError)):
        await migrations.migrate(empty_url)

    locks = await query(empty_url, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted")
    assert locks == []


async def test_codes_that_differ_only_in_capitals_are_named_and_nothing_is_changed(
    empty_url: str,
) -> None:
    await migrations.migrate(empty_url)
    await query(empty_url, "DROP INDEX store_code_in_capitals")
    await query(empty_url, "DROP FUNCTION note_store_change CASCADE")
    await query(empty_url, "DROP TABLE store_change")
    await query(empty_url, "ALTER TABLE store DROP COLUMN mobiles_changed_at")
    await query(
        empty_url, "DELETE FROM tortoise_migrations WHERE app = 'stores' AND name >= '0004'"
    )
    await query(
        empty_url,
        "INSERT INTO store_category (code, name_fa, name_en, sort_order) VALUES ('c', 'ج', 'c', 1)",
    )
    await query(
        empty_url,
        "INSERT INTO store (code, kind, name, name_sort_key, name_compact, category_id, province_code, city,"
        " address, latitude, longitude, search_document)"
        " SELECT codes, 'STORE', 'n', 'n', 'n', id, 'IR-07', 'c', 'a', 35, 51, 'd'"
        "   FROM store_category, unnest(ARRAY['OP-1', 'op-1', 'op-2']) AS codes",
    )

    with pytest.raises(asyncpg.RaiseError, match="only in capital and small letters: OP-1, op-1"):
        await migrations.migrate(empty_url)

    rows = await query(empty_url, "SELECT code FROM store ORDER BY code")
    assert [row["code"] for row in rows] == ["OP-1", "op-1", "op-2"]
    await query(empty_url, "UPDATE store SET code = 'OP-3' WHERE code = 'op-1'")
    assert await migrations.migrate(empty_url) == [
        "stores.0004_codes_without_case",
        "stores.0005_changes",
        "stores.0006_mobiles_changed",
    ]


async def test_models_and_migrations_agree() -> None:
    assert await migrations.model_changes() == []


async def test_every_constraint_and_index_of_the_models_is_in_the_database(
    database_url: str,
) -> None:
    """Tortoise writes constraints into a new table's options and, on PostgreSQL, makes none of them."""
    rows = await query(
        database_url,
        "SELECT conname AS name FROM pg_constraint UNION SELECT indexname FROM pg_indexes",
    )
    wanted = {
        each.name
        for module in (organization_models, stores_models)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, Model) and model is not Model
        for each in (*model._meta.constraints, *model._meta.indexes)
        if not isinstance(each, tuple)
    }

    assert wanted - {row["name"] for row in rows} == set()
    assert {"store_place", "store_by_place", "store_opening_exception_day"} <= wanted


async def test_every_province_is_there_and_closed(database_url: str) -> None:
    [row] = await query(
        database_url,
        "SELECT count(*) AS all, count(*) FILTER (WHERE open_for_members OR open_for_stores) AS open FROM province",
    )

    assert (row["all"], row["open"]) == (31, 0)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE province SET open_for_members = true", "province_opening_is_dated"),
        ("UPDATE store SET state = 'LOST'", "store_state"),
        ("UPDATE store SET kind = 'KIOSK'", "store_kind"),
        ("UPDATE store SET latitude = 91", "store_place"),
        ("UPDATE store SET latitude = 'NaN'", "store_place"),
        ("UPDATE store SET min_months = 3", "store_terms"),
        ("UPDATE store SET province_code = 'IR-99'", "store_province"),
        (
            (
                "INSERT INTO store_opening_period (store_id, weekday, opens_minute, closes_minute)"
                " SELECT id, 0, opens, opens + 60 FROM store, unnest(ARRAY[540, 599]) opens"
            ),
            "store_opening_period_disjoint",
        ),
        (
            (
                "INSERT INTO store_opening_period (store_id, weekday, opens_minute, closes_minute)"
                " SELECT id, 7, 540, 600 FROM store"
            ),
            "store_opening_period_weekday",
        ),
        (
            (
                "INSERT INTO store_opening_period (store_id, weekday, opens_minute, closes_minute)"
                " SELECT id, 0, 1200, 2641 FROM store"
            ),
            "store_opening_period_minutes",
        ),
        (
            (
                "INSERT INTO store_offer (store_id, title, body, valid_from, valid_until)"
                " SELECT id, 't', 'b', '2026-11-21', '2026-11-20' FROM store"
            ),
            "store_offer_days",
        ),
        (
            (
                "INSERT INTO store (code, kind, name, name_sort_key, name_compact, category_id, province_code,"
                " city, address, latitude, longitude, search_document)"
                " SELECT 'S', kind, name, name_sort_key, name_compact, category_id, province_code, city,"
                " address, latitude, longitude, search_document FROM store"
            ),
            "store_code_in_capitals",
        ),
    ],
)
async def test_the_database_repeats_the_invariants(
    database_url: str, statement: str, constraint: str
) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            "INSERT INTO store_category (code, name_fa, name_en, sort_order) VALUES ('c', 'ج', 'c', 1)"
        )
        await connection.execute(
            "INSERT INTO store (code, kind, name, name_sort_key, name_compact, category_id, province_code, city,"
            " address, latitude, longitude, search_document)"
            " SELECT 's', 'STORE', 'n', 'n', 'n', id, 'IR-07', 'c', 'a', 35, 51, 'd' FROM store_category"
        )
        with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
            await connection.execute(statement)
    finally:
        await connection.close()

    assert refused.value.constraint_name == constraint
