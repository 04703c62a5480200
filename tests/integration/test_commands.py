"""Commands as processes, where the database is away or not as it should be."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.support import demos
from tests.support.eviction import evicting
from tests.support.servers import TestPostgres, TestValkey

ROOT = Path(__file__).parents[2]


def run(*arguments: str, **environment: str) -> tuple[int, str]:
    """The exit code and all that was printed, on one line."""
    ended = subprocess.run(
        [sys.executable, "-m", "backend.cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "300", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, " ".join(ended.stdout.split())


@pytest.fixture
def c_database(postgres: TestPostgres) -> Iterator[str]:
    """A database with the ctype C, in which pg_trgm sees no Persian letter."""
    postgres.execute(
        "CREATE DATABASE test_ctype_c TEMPLATE template0 ENCODING 'UTF8'"
        " LOCALE_PROVIDER libc LOCALE 'C'"
    )
    yield postgres.url("test_ctype_c")
    postgres.drop("test_ctype_c")


@pytest.mark.parametrize(
    "command", [("migrate",), ("seed",), ("serve", "--port", "0")], ids=lambda words: words[0]
)
def test_a_database_that_is_away_is_told_without_a_traceback(command: tuple[str, ...]) -> None:
    nobody = f"postgresql://me:hidden@127.0.0.1:{demos.free_port()}/bashgah"

    code, said = run(*command, BASHGAH_DATABASE_URL=nobody)

    assert code == 2
    assert "No connection to the database (ConnectionRefusedError)." in said
    assert "bashgah doctor" in said
    assert "Traceback" not in said
    assert "hidden" not in said


def test_the_doctor_finds_a_migrated_database_well(app_url: str, valkey: TestValkey) -> None:
    code, said = run("doctor", BASHGAH_DATABASE_URL=app_url, BASHGAH_CACHE_URL=valkey.url)

    assert code == 0
    assert "all applied" in said
    assert "✗" not in said
    assert "valkey 9" in said


def test_the_doctor_sees_a_cache_that_forgets(database_url: str, valkey: TestValkey) -> None:
    with evicting(valkey):
        code, said = run("doctor", BASHGAH_DATABASE_URL=database_url, BASHGAH_CACHE_URL=valkey.url)

    assert code == 1
    assert "set maxmemory-policy to noeviction" in said


def test_the_doctor_says_what_to_do(valkey: TestValkey) -> None:
    away = f"127.0.0.1:{demos.free_port()}"

    code, said = run(
        "doctor",
        BASHGAH_DATABASE_URL=f"postgresql://me@{away}/bashgah",
        BASHGAH_CACHE_URL=f"redis://{away}/0",
    )

    assert code == 1
    assert "is the server of BASHGAH_DATABASE_URL running, and does it let us in?" in said
    assert "is the server of BASHGAH_CACHE_URL running, and does it let us in?" in said


def test_the_doctor_asks_for_migrations(postgres: TestPostgres) -> None:
    name = postgres.create()

    code, said = run("doctor", BASHGAH_DATABASE_URL=postgres.url(name))

    assert code == 1
    assert "run `bashgah migrate`" in said


def test_the_doctor_finds_a_wrong_ctype_before_anything_is_loaded(c_database: str) -> None:
    code, said = run("doctor", BASHGAH_DATABASE_URL=c_database)

    assert code == 1
    assert "create the database with LC_CTYPE 'C.UTF-8'" in said


def test_reindex_tells_how_many_places_it_has_looked_at(
    database_url: str, valkey: TestValkey
) -> None:
    code, said = run(
        "reindex", "stores", BASHGAH_DATABASE_URL=database_url, BASHGAH_CACHE_URL=valkey.url
    )

    assert code == 0
    assert "0 places: 0 changed, the others as they were." in said


async def store_codes_before_they_were_compared(url: str) -> None:
    """A database that migration 0004 of stores and the later ones are yet to be run on, with a code in two forms."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            """
            DROP INDEX store_code_in_capitals;
            DELETE FROM tortoise_migrations WHERE app = 'stores' AND name >= '0004_codes_without_case';
            INSERT INTO store_category (code, name_fa, name_en, sort_order) VALUES ('c', 'ج', 'c', 1);
            INSERT INTO store (code, kind, name, name_sort_key, name_compact, category_id, province_code,
                               city, address, latitude, longitude, search_document)
            SELECT codes, 'STORE', 'n', 'n', 'n', id, 'IR-07', 'c', 'a', 35, 51, 'd'
              FROM store_category, unnest(ARRAY['OP-1', 'op-1']) AS codes
            """
        )
    finally:
        await connection.close()


def test_migrate_tells_what_somebody_has_to_decide(database_url: str) -> None:
    asyncio.run(store_codes_before_they_were_compared(database_url))

    code, said = run("migrate", BASHGAH_DATABASE_URL=database_url)

    assert code == 2
    assert "Nothing was changed: codes of stores that differ only in capital and small" in said
    assert "OP-1, op-1" in said
    assert "docs/stores-file.md says how." in said
    assert "Traceback" not in said
