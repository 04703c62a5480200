"""Shared reads when all goes wrong: statements that always fail, servers that say nothing, and the end."""

import asyncio
from typing import cast

import asyncpg
import pytest

from backend.infra import db
from backend.infra.readviews import readers, resting, sharing
from backend.infra.readviews.readers import Reader
from backend.infra.readviews.resting import Rests, StatementRestingError
from backend.infra.readviews.sharing import _Asked, _Sharing
from backend.infra.readviews.statements import Statement


class FakeConnection:
    """A connection whose statements do as they are told: answer, fail, or wait until `released`."""

    def __init__(self, failure: BaseException | None = None, *, is_silent: bool = False) -> None:
        self.failure = failure
        self.released = asyncio.Event()
        if not is_silent:
            self.released.set()
        self.fetched: list[list[int]] = []
        self.is_terminated = False
        self.has_closed = False

    def release_one(self) -> None:
        """Let what waits go on; what comes after it waits."""
        released, self.released = self.released, asyncio.Event()
        released.set()

    def is_closed(self) -> bool:
        return self.is_terminated or self.has_closed

    async def fetch(self, _sql: str, owners: list[int]) -> list[tuple[int, int]]:
        self.fetched.append(owners)
        await self.released.wait()
        if self.failure is not None:
            raise self.failure
        return list(enumerate(owners, start=1))

    async def close(self) -> None:
        await self.released.wait()
        self.has_closed = True

    def terminate(self) -> None:
        self.is_terminated = True


def statement() -> Statement:
    return Statement("SELECT", ("bigint",), needs_at=False)


def reader(connection: FakeConnection) -> Reader:
    return Reader(cast("db.RawConnection", connection))


def shared_by(*connections: FakeConnection) -> _Sharing:
    return _Sharing(asyncio.get_running_loop(), [reader(each) for each in connections])


def ask(shared: _Sharing, asked: Statement, owner: int) -> sharing.Answer:
    answer: sharing.Answer = shared.loop.create_future()
    shared.ask(_Asked(asked, (owner,), answer, ()))
    return answer


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_under_load_one_timer_waits_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    connections = [FakeConnection(is_silent=True) for _ in range(3)]
    shared = shared_by(*connections)
    timers: list[asyncio.TimerHandle] = []
    call_later = shared.loop.call_later

    def noting(delay: float, *args: object, **kwargs: object) -> asyncio.TimerHandle:
        timers.append(call_later(delay, *args, **kwargs))  # type: ignore[arg-type]
        return timers[-1]

    monkeypatch.setattr(shared.loop, "call_later", noting)
    monkeypatch.setattr(sharing, "PATIENCE_SECONDS", 3_600.0)
    answers = []
    for owner in range(30):
        answers.append(ask(shared, statement(), owner))
        await turns()
        if owner >= 2:  # two are in flight and one waits: one of the two ends, and the one is sent
            busy = next(iter(shared.in_flight.values())).connection
            cast("FakeConnection", busy).release_one()
            await turns()

    assert len(timers) > 20
    assert sum(not timer.cancelled() for timer in timers) <= 1
    for each in connections:
        each.released.set()
    await asyncio.gather(*answers)
    await shared.close()


async def test_a_connection_without_an_answer_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent, other = FakeConnection(TimeoutError()), FakeConnection()

    async def open_own(**_settings: str) -> FakeConnection:
        return other

    monkeypatch.setattr(db, "open_own", open_own)
    asked = reader(silent)

    with pytest.raises(db.DatabaseUnavailable):
        await asked.fetch(statement(), [(1,)])

    assert silent.is_terminated
    assert len(await asked.fetch(statement(), [(2,)])) == 1
    assert (silent.fetched, other.fetched) == ([[1]], [[2]])


async def test_a_statement_that_timed_out_leaves_its_connection() -> None:
    connection = FakeConnection(asyncpg.QueryCanceledError())

    with pytest.raises(db.StatementTimedOut):
        await reader(connection).fetch(statement(), [(1,)])

    assert not connection.is_terminated


async def test_the_end_waits_for_a_silent_server_for_a_while_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is in flight there is refused; the other connections are closed politely."""
    monkeypatch.setattr(sharing, "CLOSE_SECONDS", 0.01)
    monkeypatch.setattr(readers, "CLOSE_SECONDS", 0.01)
    well, silent = FakeConnection(), FakeConnection(is_silent=True)
    shared = shared_by(well, silent)  # the last one is taken first
    answers = [ask(shared, statement(), 1)]
    await turns()

    async with asyncio.timeout(60):
        await shared.close()

    found = await asyncio.gather(*answers, return_exceptions=True)
    assert [type(each) for each in found] == [db.DatabaseUnavailable]
    assert silent.is_terminated
    assert well.has_closed


async def test_what_waits_at_the_end_is_refused_and_not_cancelled() -> None:
    shared = shared_by(FakeConnection())
    answer = ask(shared, statement(), 1)

    await shared.close()

    with pytest.raises(db.DatabaseUnavailable):
        await answer


async def test_all_who_share_a_statement_are_refused_when_it_is_cut_off_between_two_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The shared run has failed, and they are answered one by one."""
    monkeypatch.setattr(sharing, "CLOSE_SECONDS", 0.01)
    monkeypatch.setattr(readers, "CLOSE_SECONDS", 0.01)
    connection = FakeConnection(asyncpg.DivisionByZeroError(), is_silent=True)
    shared, asked = shared_by(connection), statement()
    answers = [ask(shared, asked, owner) for owner in range(4)]
    await turns()
    connection.release_one()
    await turns()
    assert connection.fetched == [[0, 1, 2, 3], [0]]

    await shared.close()

    async with asyncio.timeout(60):
        found = await asyncio.gather(*answers, return_exceptions=True)
    assert [type(each) for each in found] == [db.DatabaseUnavailable] * 4


async def test_a_statement_that_fails_for_everybody_rests() -> None:
    """The shared run and three single ones; nobody else waits for another failure."""
    connection = FakeConnection(asyncpg.UndefinedColumnError())
    shared, broken = shared_by(connection), statement()

    first = await asyncio.gather(
        *[ask(shared, broken, owner) for owner in range(16)], return_exceptions=True
    )
    later = await asyncio.gather(ask(shared, broken, 20), return_exceptions=True)

    assert [type(each) for each in first] == (
        [asyncpg.UndefinedColumnError] * 3 + [StatementRestingError] * 13
    )
    assert [type(each) for each in later] == [StatementRestingError]
    assert len(connection.fetched) == 4
    connection.failure = None
    assert tuple(await ask(shared, statement(), 7)) == (1, 7)  # another statement
    await shared.close()


def test_after_a_rest_one_failure_begins_another_and_a_success_ends_all() -> None:
    rests, broken, over = Rests(), statement(), resting.REST_SECONDS
    for owner in (1, 2, 3):
        assert not rests.is_resting(broken, 10.0)
        rests.failed(broken, owner, 10.0)
    assert rests.is_resting(broken, 10.0)
    assert not rests.is_resting(broken, 10.0 + over)

    rests.failed(broken, 1, 20.0)
    assert rests.is_resting(broken, 20.0)

    rests.succeeded(broken)
    assert not rests.is_resting(broken, 20.0)
    rests.failed(broken, 1, 20.0)
    assert not rests.is_resting(broken, 20.0)


def test_one_member_alone_brings_no_statement_to_rest() -> None:
    rests, fails = Rests(), statement()

    for _ in range(100):
        rests.failed(fails, 7, 0.0)

    assert not rests.is_resting(fails, 0.0)


def test_what_is_nobodys_own_rests_after_as_many_failures() -> None:
    rests = Rests()
    common = Statement("SELECT", ("bigint",), needs_at=False, is_common=True)

    for _ in range(resting.MOST_FAILED):
        rests.failed(common, 0, 0.0)

    assert rests.is_resting(common, 0.0)
