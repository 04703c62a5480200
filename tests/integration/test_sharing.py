"""Many requests in one statement: each gets its own row, whatever happens to the others."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from backend.infra import db as database
from backend.infra.db import DatabaseUnavailable
from backend.infra.readviews import sharing
from backend.infra.readviews.sharing import RowMissingError
from backend.infra.readviews.statements import Statement

TWICE = Statement(
    "SELECT q.n, q.owner, 2 * q.owner, 100 / q.p1"
    " FROM unnest($1::bigint[], $2::int[]) WITH ORDINALITY AS q (owner, p1, n)",
    ("bigint", "int"),
    needs_at=False,
)
CONSTANT = Statement(
    "SELECT q.n, q.owner, gen_random_uuid()"
    " FROM unnest($1::bigint[], $2::int[]) WITH ORDINALITY AS q (owner, p1, n)",
    ("bigint", "int"),
    needs_at=False,
    is_common=True,
)


@pytest.fixture
async def connected(database_url: str) -> AsyncIterator[str]:
    await database.connect(database_url)
    try:
        yield database_url
    finally:
        await database.close()


async def test_a_thousand_at_once_with_some_given_up_and_one_that_fails(connected: str) -> None:
    del connected
    asked = {owner: sharing.ask(TWICE, (owner, owner % 7 + 1)) for owner in range(1000)}
    failing = sharing.ask(TWICE, (5000, 0))
    given_up = [asked.pop(owner) for owner in range(0, 1000, 9)]
    for each in given_up[::2]:
        each.cancel()
    await asyncio.sleep(0)  # the first statements are on their way
    for each in given_up[1::2]:
        each.cancel()

    rows = await asyncio.gather(*asked.values())

    assert [tuple(row)[1:] for row in rows] == [
        (owner, 2 * owner, 100 // (owner % 7 + 1)) for owner in asked
    ]
    with pytest.raises(asyncpg.DivisionByZeroError):
        await failing


async def test_requests_of_a_turn_share_statements(connected: str) -> None:
    del connected
    with database.count_statements() as counter:
        await asyncio.gather(*[sharing.ask(TWICE, (owner, 1)) for owner in range(40)])

    assert counter.statements == [TWICE.sql] * 3  # 16, 16 and 8


async def test_one_that_fails_is_run_by_itself_and_so_are_those_beside_it(connected: str) -> None:
    del connected
    with database.count_statements() as counter:
        asked = [sharing.ask(TWICE, (owner, int(owner != 3))) for owner in range(5)]
        found = await asyncio.gather(*asked, return_exceptions=True)

    assert isinstance(found[3], asyncpg.DivisionByZeroError)
    assert [row[2] for row in found if not isinstance(row, BaseException)] == [0, 2, 4, 8]
    assert counter.count == 6


async def test_each_task_counts_the_statements_that_it_has_a_part_in(connected: str) -> None:
    del connected

    async def counted(owner: int) -> int:
        with database.count_statements() as counter:
            await sharing.ask(TWICE, (owner, 1))
        return counter.count

    with database.count_statements() as outside:
        counts = await asyncio.gather(*[counted(owner) for owner in range(10)])
        await sharing.ask(TWICE, (1, 1))

    assert counts == [1] * 10
    assert outside.statements == [TWICE.sql] * 2  # the one that the tasks shared, and its own


async def test_what_is_nobodys_own_is_read_once_for_all(connected: str) -> None:
    del connected
    asked = [sharing.ask(CONSTANT, (0, number % 2)) for number in range(100)]

    rows = await asyncio.gather(*asked)

    assert len({row[2] for row in rows}) == 2
    later = await sharing.ask(CONSTANT, (0, 0))
    assert later[2] != rows[0][2]  # asked afterwards: read afterwards


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT q.n, q.owner + 1 FROM unnest($1::bigint[]) WITH ORDINALITY AS q (owner, n)",
        "SELECT 3 - q.n, q.owner FROM unnest($1::bigint[]) WITH ORDINALITY AS q (owner, n)",
        "SELECT q.n, q.owner FROM unnest($1::bigint[]) WITH ORDINALITY AS q (owner, n) WHERE false",
        "SELECT 1, q.owner FROM unnest($1::bigint[]) WITH ORDINALITY AS q (owner, n), (VALUES (1), (2)) v",
    ],
)
async def test_a_row_of_somebody_else_is_given_to_nobody(connected: str, sql: str) -> None:
    """A statement that is written wrongly: a row is missing, doubled, or another owner's."""
    del connected
    wrong = Statement(sql, ("bigint",), needs_at=False)

    found = await asyncio.gather(
        sharing.ask(wrong, (7,)), sharing.ask(wrong, (8,)), return_exceptions=True
    )

    assert [type(each) for each in found] == [RowMissingError, RowMissingError]


async def test_a_slow_statement_lets_others_pass(connected: str) -> None:
    """Two are in flight and wait for a lock: what comes after them is answered all the same."""
    slow = Statement(
        "SELECT q.n, q.owner, pg_advisory_xact_lock_shared(42)"
        " FROM unnest($1::bigint[]) WITH ORDINALITY AS q (owner, n)",
        ("bigint",),
        needs_at=False,
    )
    holder = await asyncpg.connect(connected)
    try:
        await holder.execute("SELECT pg_advisory_lock(42)")
        first = sharing.ask(slow, (1,))
        await asyncio.sleep(0)
        second = sharing.ask(slow, (2,))
        await asyncio.sleep(0)

        row = await asyncio.wait_for(sharing.ask(TWICE, (3, 1)), timeout=60)

        assert row[2] == 6
        assert not first.done()
        assert not second.done()
        await holder.execute("SELECT pg_advisory_unlock(42)")
        assert [(await each)[1] for each in (first, second)] == [1, 2]
    finally:
        await holder.close()


async def test_a_lost_session_is_unavailable_and_the_next_one_is_opened(connected: str) -> None:
    sleeping = Statement(
        "SELECT q.n, q.owner, pg_sleep(60) FROM unnest($1::bigint[]) WITH ORDINALITY AS q (owner, n)",
        ("bigint",),
        needs_at=False,
    )
    asked = [sharing.ask(sleeping, (owner,)) for owner in range(3)]
    killer = await asyncpg.connect(connected)
    try:
        while not await killer.fetchval(  # noqa: ASYNC110 - of another process
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%'"
            " AND pid <> pg_backend_pid()"
        ):
            await asyncio.sleep(0)  # until it has begun
    finally:
        await killer.close()

    found = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(each) for each in found] == [DatabaseUnavailable] * 3
    assert (await sharing.ask(TWICE, (21, 1)))[2] == 42


async def test_a_statement_that_times_out_is_not_tried_again(database_url: str) -> None:
    await database.connect(database_url, statement_timeout_ms=200)
    try:
        sleeping = Statement(
            "SELECT q.n, q.owner, pg_sleep(60) FROM unnest($1::bigint[]) WITH ORDINALITY AS q (owner, n)",
            ("bigint",),
            needs_at=False,
        )
        with database.count_statements() as counter:
            found = await asyncio.gather(
                *[sharing.ask(sleeping, (owner,)) for owner in range(3)], return_exceptions=True
            )
    finally:
        await database.close()

    assert [type(each) for each in found] == [database.StatementTimedOut] * 3
    assert counter.count == 1


async def test_too_many_that_wait_are_told_so(connected: str) -> None:
    del connected
    asked = [sharing.ask(TWICE, (owner, 1)) for owner in range(sharing.MAX_WAITING)]

    with pytest.raises(DatabaseUnavailable):
        sharing.ask(TWICE, (1, 1))

    assert len(await asyncio.gather(*asked)) == sharing.MAX_WAITING


async def test_what_waits_at_the_close_is_refused_and_the_state_goes(database_url: str) -> None:
    for _ in range(2):
        await database.connect(database_url)
        assert (await sharing.ask(TWICE, (4, 1)))[2] == 8
        left = sharing.ask(TWICE, (5, 1))
        await database.close()
        with pytest.raises(DatabaseUnavailable):
            await left
    with pytest.raises(database.DatabaseClosed):
        sharing.ask(TWICE, (1, 1))

    left_over = await asyncpg.connect(database_url)
    count = await left_over.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
    await left_over.close()
    assert count == 0


async def test_sessions_are_set_up_as_those_of_the_pool(connected: str) -> None:
    del connected
    names = ("timezone", "jit", "plan_cache_mode", "statement_timeout", "application_name")
    columns = ", ".join(f"current_setting('{name}')" for name in names)
    statement = Statement(
        f"SELECT q.n, q.owner, {columns} FROM unnest($1::bigint[]) WITH ORDINALITY AS q (owner, n)",
        ("bigint",),
        needs_at=False,
    )

    row = await sharing.ask(statement, (1,))

    assert tuple(row)[2:] == ("UTC", "off", "force_generic_plan", "5s", "bashgah")
