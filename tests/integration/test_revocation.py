"""An ended session is refused in every process within a second."""

import asyncio
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from backend.access import repository, revocation, service, sessions
from backend.access.domain import EndReason, Issued
from backend.core import clock
from backend.core.viewer import SYSTEM
from backend.infra import db as database
from backend.infra import tokens
from tests.support.access import configure_keys, new_member, signed_in

BUSY = 2.0  # what a busy machine may add to a second: three times the promise in all

# Another process of ours: answers each token by the second at which it was first refused, or by "alive".
OTHER_PROCESS = """
import asyncio, sys, time
from backend.access import revocation, service
from backend.infra import db, tokens
from tests.support.access import configure_keys

async def fate(token, patience):
    until = time.monotonic() + patience
    while True:
        try:
            await service.viewer_of_token(token)
        except tokens.TokenInvalid:
            return f"{time.time():.6f}"
        if time.monotonic() >= until:
            return "alive"
        await asyncio.sleep(0.01)

async def main():
    configure_keys()
    await db.connect(sys.argv[1], pool_max=2)
    async with revocation.watching():
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            token, patience = line.split()
            print(await fate(token, float(patience)), flush=True)
    await db.close()

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def keys(db: None) -> None:
    """Keys for the tokens, the database, and a process that knows of no ended session."""
    del db
    configure_keys()
    revocation._known = revocation._Known()


@pytest.fixture
async def issued() -> Issued:
    return await signed_in(await new_member())


@asynccontextmanager
async def other_process(database_url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        OTHER_PROCESS,
        database_url,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert await _line(process) == "ready"
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return (await process.stdout.readline()).decode().strip()


async def fate(process: asyncio.subprocess.Process, token: str, patience: float) -> str:
    assert process.stdin is not None
    process.stdin.write(f"{token} {patience}\n".encode())
    return await _line(process)


async def end(issued: Issued) -> None:
    await sessions.end(
        [issued.session_id], viewer=SYSTEM, member_id=issued.member_id, reason=EndReason.REVOKED
    )


async def test_another_process_refuses_an_ended_session_within_a_second(
    database_url: str, issued: Issued
) -> None:
    other = await signed_in(issued.member_id, "device-2")
    async with other_process(database_url) as process:
        assert await fate(process, issued.access_token, 0) == "alive"

        asking = asyncio.create_task(fate(process, issued.access_token, 30))
        await end(issued)
        ended_at = time.time()
        refused_at = await asking

        assert refused_at != "alive"
        assert float(refused_at) - ended_at < 1 + BUSY
        assert await fate(process, other.access_token, 0) == "alive"


async def test_a_process_that_starts_later_knows_what_ended_before(
    database_url: str, issued: Issued
) -> None:
    await end(issued)

    async with other_process(database_url) as process:
        assert await fate(process, issued.access_token, 0) != "alive"


async def test_the_own_process_knows_at_once_and_without_a_statement(issued: Issued) -> None:
    await end(issued)

    with database.count_statements() as counter, pytest.raises(tokens.TokenInvalid):
        await service.viewer_of_token(issued.access_token)
    assert counter.count == 0


async def test_an_end_that_is_rolled_back_revokes_nothing(issued: Issued) -> None:
    class Failure(Exception):
        pass

    async def end_and_fail() -> None:
        async with database.transaction():
            await end(issued)
            raise Failure

    with pytest.raises(Failure):
        await end_and_fail()
    assert (await service.viewer_of_token(issued.access_token)).subject == issued.member_id


async def test_without_a_watcher_a_token_waits_for_a_new_answer(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.viewer_of_token(issued.access_token)
    await _end_elsewhere(issued)
    assert (await service.viewer_of_token(issued.access_token)).subject == issued.member_id

    monkeypatch.setattr(revocation, "FRESH_SECONDS", 0)
    with pytest.raises(tokens.TokenInvalid):
        await service.viewer_of_token(issued.access_token)


async def test_a_watched_process_asks_no_more_for_each_token(issued: Issued) -> None:
    async with revocation.watching():
        await service.viewer_of_token(issued.access_token)
        with database.count_statements() as counter:
            for _ in range(100):
                await service.viewer_of_token(issued.access_token)
    assert counter.count == 0


async def test_all_who_wait_share_one_question(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    answer = repository.list_ended

    async def counting(*args: object, **kwargs: object) -> object:
        asked.append(args)
        return await answer(*args, **kwargs)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(repository, "list_ended", counting)

    await asyncio.gather(*(service.viewer_of_token(issued.access_token) for _ in range(20)))

    assert len(asked) == 1


async def test_an_end_that_commits_late_is_still_seen(
    database_url: str, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its time is older than the last answer's."""
    monkeypatch.setattr(revocation, "FRESH_SECONDS", 0)
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute(
                "UPDATE session SET ended_at = clock_timestamp() - interval '5 s', end_reason = 'REVOKED'"
            )
            assert not await revocation.is_revoked(issued.session_id)
            assert not await revocation.is_revoked(issued.session_id)
    finally:
        await connection.close()

    assert await revocation.is_revoked(issued.session_id)


async def test_a_question_inside_a_transaction_sees_what_others_committed(
    database_url: str, issued: Issued
) -> None:
    """The question has a connection of its own: it neither joins nor breaks the caller's transaction."""
    async with database.transaction():
        await database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        await database.fetch("SELECT FROM session")
        connection = await asyncpg.connect(database_url)
        await connection.execute(
            "UPDATE session SET ended_at = clock_timestamp(), end_reason = 'REVOKED'"
        )
        await connection.close()
        assert await revocation.is_revoked(issued.session_id)


async def test_a_lost_database_serves_no_old_answer(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.viewer_of_token(issued.access_token)
    monkeypatch.setattr(revocation, "FRESH_SECONDS", 0)

    async def lost(*_args: object, **_kwargs: object) -> object:
        raise asyncpg.ConnectionDoesNotExistError

    monkeypatch.setattr(repository, "list_ended", lost)

    with pytest.raises(database.DatabaseUnavailable):
        await service.viewer_of_token(issued.access_token)


@pytest.mark.parametrize("failure", [ConnectionResetError, RuntimeError])
async def test_a_watcher_outlives_a_lost_database_and_any_defect(
    issued: Issued, monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    answer = repository.list_ended
    failures: list[object] = []

    async def lost_at_first(*args: object, **kwargs: object) -> object:
        if len(failures) < 2:
            failures.append(args)
            raise failure
        return await answer(*args, **kwargs)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(repository, "list_ended", lost_at_first)
    monkeypatch.setattr(revocation, "POLL_SECONDS", 0.01)
    await _end_elsewhere(issued)

    async with revocation.watching(), asyncio.timeout(60):
        while issued.session_id not in revocation._known.ended:  # noqa: ASYNC110 - what others poll
            await asyncio.sleep(0.01)

    assert len(failures) == 2


async def test_a_token_waits_for_no_question_that_was_sent_long_before_it(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer is slow, and as old as the question."""
    answer = repository.list_ended
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow_at_first(*args: object, **kwargs: object) -> object:
        found = await answer(*args, **kwargs)  # type: ignore[arg-type]  # passed on
        if not asked.is_set():
            asked.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(repository, "list_ended", slow_at_first)
    monkeypatch.setattr(revocation, "POLL_SECONDS", 60)
    async with revocation.watching():
        await asked.wait()
        await _end_elsewhere(issued)
        monkeypatch.setattr(revocation, "FRESH_SECONDS", 0)  # as if a second had passed
        async with asyncio.timeout(60):
            with pytest.raises(tokens.TokenInvalid):
                await service.viewer_of_token(issued.access_token)
        known = revocation._known.asked_at
        go_on.set()
        async with asyncio.timeout(60):
            while len(asyncio.all_tasks()) > 2:  # noqa: ASYNC110 - this test and the watcher
                await asyncio.sleep(0)
        assert revocation._known.asked_at == known  # the late answer takes nothing back


async def test_sessions_without_a_living_access_token_are_not_asked_for(issued: Issued) -> None:
    await database.execute(
        "UPDATE session SET ended_at = clock_timestamp(), end_reason = 'REVOKED',"
        " last_seen_at = clock_timestamp() - interval '16 minutes'"
    )
    assert (await repository.list_ended(None, window=revocation.WINDOW))[0] == []

    await database.execute("UPDATE session SET last_seen_at = clock_timestamp()")
    found, at = await repository.list_ended(None, window=revocation.WINDOW)
    assert found == [issued.session_id]
    assert abs(clock.now() - at) < timedelta(minutes=1)
    assert (await repository.list_ended(at, window=revocation.WINDOW))[0] == []


def test_what_ended_long_ago_is_forgotten() -> None:
    old, new = uuid.uuid4(), uuid.uuid4()
    revocation._known.ended = {old: 100.0, new: 200.0}

    revocation._forget(learned_before=150.0)

    assert revocation._known.ended == {new: 200.0}


async def _end_elsewhere(issued: Issued) -> None:
    """As another process does: nothing is noted here."""
    await repository.end_sessions(
        [issued.session_id], member_id=issued.member_id, reason=EndReason.REVOKED
    )
