"""Transactions, savepoints, work after the commit, and the counter of statements."""
# ruff: noqa: PT012 - the block is the transaction that is rolled back

import asyncio

import asyncpg
import pytest
from tortoise.exceptions import OperationalError

from backend.infra import db
from backend.organization.models import Branch


class Refused(Exception):
    """What makes a transaction roll back in these tests."""


@pytest.fixture(autouse=True)
async def marks(db: None) -> None:
    """A table to write to."""
    del db
    await execute("CREATE TABLE mark (name text PRIMARY KEY)")


async def execute(sql: str, *args: object) -> str:
    return await db.execute(sql, *args)


async def mark(name: str) -> None:
    await execute("INSERT INTO mark VALUES ($1)", name)


async def marked() -> list[str]:
    """What was committed, as another connection sees it."""
    return [row["name"] for row in await db.fetch("SELECT name FROM mark ORDER BY name")]


async def test_what_a_transaction_wrote_is_there_after_it() -> None:
    async with db.transaction():
        await mark("a")
        await mark("b")

    assert await marked() == ["a", "b"]


async def test_a_transaction_that_raises_leaves_nothing() -> None:
    with pytest.raises(Refused):
        async with db.transaction():
            await mark("a")
            raise Refused

    assert await marked() == []


async def test_a_transaction_that_is_cancelled_leaves_nothing() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        async with db.transaction():
            await mark("a")
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await marked() == []


async def test_nobody_else_sees_what_is_not_committed() -> None:
    async with db.transaction():
        await mark("a")
        # A task begun outside the transaction would have the context of its beginning.
        connection = await asyncpg.connect(await db_url())
        assert await connection.fetch("SELECT name FROM mark") == []
        await connection.close()


async def db_url() -> str:
    row = await db.fetch_one(
        "SELECT current_database() AS name, current_setting('unix_socket_directories') AS folder, current_user AS who"
    )
    assert row is not None
    return f"postgresql://{row['who']}@/{row['name']}?host={row['folder']}"


async def test_an_inner_transaction_rolls_back_alone() -> None:
    async with db.transaction():
        await mark("outer")
        with pytest.raises(Refused):
            async with db.transaction():
                await mark("inner")
                raise Refused
        await mark("later")

    assert await marked() == ["later", "outer"]


async def test_an_error_of_the_database_inside_a_savepoint_is_survived() -> None:
    async with db.transaction():
        await mark("a")
        with pytest.raises((asyncpg.UniqueViolationError, OperationalError)):
            async with db.transaction():
                await mark("a")
        await mark("b")

    assert await marked() == ["a", "b"]


async def test_the_outer_transaction_takes_the_inner_with_it() -> None:
    with pytest.raises(Refused):
        async with db.transaction():
            async with db.transaction():
                await mark("inner")
            raise Refused

    assert await marked() == []


async def test_savepoints_nest() -> None:
    async with db.transaction():
        async with db.transaction():
            await mark("b")
            with pytest.raises(Refused):
                async with db.transaction():
                    await mark("c")
                    raise Refused
        await mark("a")

    assert await marked() == ["a", "b"]


async def test_models_are_in_the_same_transaction() -> None:
    with pytest.raises(Refused):
        async with db.transaction():
            await Branch.create(
                code="1", name="یک", name_sort_key="1", province_code="IR-07", city="شیراز"
            )
            [row] = await db.fetch("SELECT count(*) AS branches FROM branch")
            assert row["branches"] == 1
            raise Refused

    assert await Branch.all().count() == 0


async def test_all_of_a_transaction_is_one_connection() -> None:
    async with db.transaction():
        first = await db.fetch_one("SELECT pg_backend_pid() AS pid, txid_current() AS id")
        async with db.acquire() as connection:
            second = await connection.fetchrow(
                "SELECT pg_backend_pid() AS pid, txid_current() AS id"
            )

    assert first == second


async def test_tasks_with_transactions_of_their_own_do_not_mix() -> None:
    both_wrote = asyncio.Barrier(2)

    async def work(name: str, *, refuse: bool) -> None:
        async with db.transaction():
            await mark(name)
            await both_wrote.wait()
            if refuse:
                raise Refused

    kept, refused = await asyncio.gather(
        work("kept", refuse=False), work("refused", refuse=True), return_exceptions=True
    )

    assert kept is None
    assert isinstance(refused, Refused)
    assert await marked() == ["kept"]


async def test_callbacks_run_after_the_commit_in_their_order() -> None:
    seen: list[tuple[str, list[str]]] = []

    async def first() -> None:
        seen.append(("first", await marked()))

    async def second() -> None:
        seen.append(("second", await marked()))

    async with db.transaction():
        await db.after_commit(first)
        await mark("a")
        await db.after_commit(second)
        assert seen == []

    assert seen == [("first", ["a"]), ("second", ["a"])]


async def test_a_callback_outside_a_transaction_runs_at_once() -> None:
    seen: list[str] = []

    async def note() -> None:
        seen.append("ran")

    await db.after_commit(note)

    assert seen == ["ran"]


async def test_callbacks_of_what_was_rolled_back_never_run() -> None:
    seen: list[str] = []

    def noting(name: str) -> db.Callback:
        async def note() -> None:
            seen.append(name)

        return note

    async with db.transaction():
        await db.after_commit(noting("outer"))
        with pytest.raises(Refused):
            async with db.transaction():
                await db.after_commit(noting("rolled back"))
                raise Refused
        async with db.transaction():
            await db.after_commit(noting("inner"))
        assert seen == []
    with pytest.raises(Refused):
        async with db.transaction():
            await db.after_commit(noting("refused"))
            raise Refused

    assert seen == ["outer", "inner"]


async def test_a_callback_that_fails_disturbs_nothing() -> None:
    seen: list[str] = []

    async def fail() -> None:
        raise LookupError

    async def note() -> None:
        seen.append("ran")

    async with db.transaction():
        await db.after_commit(fail)
        await db.after_commit(note)
        await mark("a")

    assert seen == ["ran"]
    assert await marked() == ["a"]


async def test_a_callback_may_open_a_transaction() -> None:
    async def write() -> None:
        async with db.transaction():
            await mark("after")

    async with db.transaction():
        await db.after_commit(write)

    assert await marked() == ["after"]


async def test_a_commit_that_fails_runs_no_callback() -> None:
    await execute("CREATE TABLE later (name text REFERENCES mark DEFERRABLE INITIALLY DEFERRED)")
    seen: list[str] = []

    async def note() -> None:
        seen.append("ran")

    with pytest.raises((asyncpg.ForeignKeyViolationError, OperationalError)):
        async with db.transaction():
            await execute("INSERT INTO later VALUES ('nowhere')")
            await db.after_commit(note)

    assert seen == []


async def test_every_way_of_asking_is_counted_once() -> None:
    with db.count_statements() as counted:
        await db.fetch("SELECT 1")
        await db.fetch_one("SELECT $1::int", 2)
        await db.execute("SELECT $1::int", 3)
        await db.execute("SELECT 4")
        async with db.acquire() as connection:
            await connection.fetchval("SELECT 5")
        await Branch.all().count()
        await Branch.create(
            code="1", name="یک", name_sort_key="1", province_code="IR-07", city="شیراز"
        )
    await db.fetch("SELECT 6")

    assert counted.count == 7
    assert counted.statements[:5] == [
        "SELECT 1",
        "SELECT $1::int",
        "SELECT $1::int",
        "SELECT 4",
        "SELECT 5",
    ]


async def test_beginning_and_ending_a_transaction_does_not_count() -> None:
    with db.count_statements() as counted:
        async with db.transaction():
            async with db.transaction():
                await db.fetch("SELECT 1")
            with pytest.raises(Refused):
                async with db.transaction():
                    raise Refused

    assert counted.statements == ["SELECT 1"]


async def test_tasks_begun_inside_are_counted_and_others_are_not() -> None:
    go = asyncio.Event()

    async def ask(sql: str) -> None:
        await go.wait()
        await db.fetch(sql)

    outside = asyncio.create_task(ask("SELECT 'outside'"))
    with db.count_statements() as counted:
        inside = asyncio.create_task(ask("SELECT 'inside'"))
        go.set()
        await asyncio.gather(outside, inside)

    assert counted.statements == ["SELECT 'inside'"]


async def test_an_inner_counter_counts_its_own_and_an_outer_one_everything_in_order() -> None:
    with db.count_statements() as outer:
        await db.fetch("SELECT 1")
        with db.count_statements() as inner:
            await db.fetch("SELECT 2")
        await db.fetch("SELECT 3")

    assert inner.statements == ["SELECT 2"]
    assert outer.statements == ["SELECT 1", "SELECT 2", "SELECT 3"]


async def test_an_outer_counter_gets_what_a_task_sends_after_the_inner_one_has_ended() -> None:
    go = asyncio.Event()

    async def ask() -> None:
        await go.wait()
        await db.fetch("SELECT 'late'")

    with db.count_statements() as outer:
        with db.count_statements():
            late = asyncio.create_task(ask())
        go.set()
        await late

    assert outer.statements == ["SELECT 'late'"]


async def test_a_connection_comes_back_without_the_settings_of_a_transaction() -> None:
    async with db.transaction():
        await execute("SET LOCAL statement_timeout = 7000")
    rows = await asyncio.gather(
        *(db.fetch_one("SELECT current_setting('statement_timeout') AS value") for _ in range(12))
    )

    assert {row["value"] for row in rows if row is not None} == {"5s"}


async def test_a_statement_ends_at_its_time_out(database_url: str) -> None:
    await db.close()
    await db.connect(database_url, statement_timeout_ms=300)

    with pytest.raises(db.StatementTimedOut):
        await db.fetch("SELECT pg_sleep(5)")

    assert await db.fetch("SELECT 1")


async def test_sessions_speak_utc_and_are_named(database_url: str) -> None:
    row = await db.fetch_one(
        "SELECT current_setting('timezone') AS zone, current_setting('application_name') AS name"
    )

    assert row is not None
    assert (row["zone"], row["name"]) == ("UTC", "bashgah")


async def test_a_closed_database_says_so() -> None:
    await db.close()

    with pytest.raises(db.DatabaseClosed):
        await db.fetch("SELECT 1")


async def test_a_database_that_is_away_is_told_at_once(database_url: str) -> None:
    await db.close()

    with pytest.raises(db.DatabaseUnavailable):
        await db.connect(database_url.replace("test_", "nowhere_"))

    with pytest.raises(db.DatabaseClosed):
        await db.fetch("SELECT 1")
