"""The database: one pool a process, transactions, work after the commit, and a counter of statements.

Services open `transaction()`; repositories call `fetch`, `fetch_one` and `execute`, which use the current
transaction's connection, or one of the pool where there is none. Tortoise's models see the same transaction.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeAlias, cast

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.context import TortoiseContext
from tortoise.exceptions import TransactionManagementError

from backend.core import errors
from backend.infra import db_connection, telemetry
from backend.infra.db_connection import CONNECTION_NAME

RawConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"  # a string: generic for mypy only

Callback = Callable[[], Awaitable[None]]

ACQUIRE_SECONDS = 5

# A session's end, and a statement without any answer; also an InterfaceError on a closed connection.
_LOST = (
    ConnectionError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InternalClientError,  # a statement on a session whose end was read but not yet handled
)
_AWAY = (*_LOST, OSError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError)
_log = telemetry.logger(__name__)


@dataclass(slots=True)
class StatementCount:
    """The SQL statements that ran inside `count_statements()`, transaction control left out."""

    statements: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.statements)


@dataclass(frozen=True, slots=True)
class PoolUse:
    """The pool at a moment, and how often since the start every connection was busy; all 0 where it is closed."""

    in_use: int = 0
    idle: int = 0
    most: int = 0
    waits: int = 0


@dataclass(slots=True)
class _State:
    context: TortoiseContext | None = None
    pool: "asyncpg.Pool[asyncpg.Record] | None" = None
    statement_timeout_ms: int = 0
    url: str = ""
    at_close: list[Callback] = field(default_factory=list)


_state = _State()
_callbacks: ContextVar[list[Callback] | None] = ContextVar("after_commit", default=None)
_patience: ContextVar[float | None] = ContextVar("patience", default=None)


class DatabaseUnavailable(errors.Unavailable):
    """No connection is to be had, or it was lost: the server is away, or every connection is busy."""


class StatementTimedOut(errors.Unavailable):
    """A statement took longer than it may, or an operator cancelled it; its transaction is rolled back."""


class DatabaseClosed(RuntimeError):
    """The database is used before `connect` or after `close`: a mistake of the program."""


@contextmanager
def count_statements() -> Iterator[StatementCount]:
    """Collect the statements that this task (and the tasks it spawns) sends; an outer count gets them as well."""
    counter = StatementCount()
    token = db_connection.sent.set((*db_connection.sent.get(), counter.statements))
    try:
        yield counter
    finally:
        db_connection.sent.reset(token)


async def connect(url: str, *, pool_max: int = 10, statement_timeout_ms: int = 5000) -> None:
    """Open the pool and bind the models to it, for every task of the process.

    Raises: DatabaseUnavailable where the server is away; asyncpg.PostgresError or Tortoise's
    DBConnectionError where it does not let us in.
    """
    context = TortoiseContext()
    config = db_connection.tortoise_config(
        url, pool_max=pool_max, statement_timeout_ms=statement_timeout_ms
    )
    with context:  # the models ask for it while they are set up; every task finds it afterwards
        await context.init(config=config, _enable_global_fallback=True)
    _state.context = context
    _state.url, _state.statement_timeout_ms = url, statement_timeout_ms
    try:
        await fetch_one("SELECT 1")
    except BaseException:
        await close()
        raise
    _state.pool = _client()._pool  # noqa: SLF001 - the driver's own, which Tortoise made for us


async def close() -> None:
    """Close the pool; statements under way may finish."""
    context, _state.context, _state.pool = _state.context, None, None
    closing, _state.at_close = _state.at_close, []
    for callback in closing:
        await callback()
    if context is not None:
        await context.close_connections()


def at_close(callback: Callback) -> None:
    """Let `close` call this once, before the pool is closed. Raises DatabaseClosed where nothing is connected."""
    _client()
    _state.at_close.append(callback)


def pool() -> PoolUse:
    """How the pool is used now."""
    found = _state.pool
    if found is None:
        return PoolUse(waits=db_connection.totals.waits)
    size, idle = found.get_size(), found.get_idle_size()
    return PoolUse(size - idle, idle, found.get_max_size(), db_connection.totals.waits)


def statements_sent() -> int:
    """How many statements this process has sent, transaction control left out."""
    return db_connection.totals.statements


async def open_own(**settings: str) -> RawConnection:
    """A connection outside the pool, set up as those of the pool and with more settings of the server.

    The caller closes it. Raises DatabaseUnavailable, DatabaseClosed.
    """
    _client()
    try:
        async with asyncio.timeout(ACQUIRE_SECONDS):
            return await db_connection.open_own(
                _state.url, statement_timeout_ms=_state.statement_timeout_ms, settings=settings
            )
    except _AWAY as error:
        raise _unavailable(error) from error


def failure(error: BaseException, connection: RawConnection) -> BaseException:
    """What `acquire` would raise in place of an error of this connection; the error itself where that is its own."""
    if isinstance(error, asyncpg.QueryCanceledError):
        return _timed_out()
    if isinstance(error, (asyncpg.InterfaceError, *_LOST)) and not _is_misuse(error, connection):
        return _unavailable(error)
    return error


def _client() -> AsyncpgDBClient:
    if _state.context is None:
        raise DatabaseClosed
    return cast("AsyncpgDBClient", _state.context.connections.get(CONNECTION_NAME))


@asynccontextmanager
async def acquire() -> AsyncIterator[RawConnection]:
    """The raw connection: of the current transaction inside one, else one of the pool.

    Inside a transaction there is just the one: while it is held, another `acquire` (or `fetch`) waits for it.
    Raises DatabaseUnavailable where none is to be had within ACQUIRE_SECONDS, the server is away, or the
    session is lost inside the block; StatementTimedOut where a statement takes too long.
    """
    taken = _client().acquire_connection()
    if _callbacks.get() is None:  # else it is the transaction's own
        _note_wait()
    try:
        async with asyncio.timeout(ACQUIRE_SECONDS):
            connection = await taken.__aenter__()
    except _AWAY as error:
        raise _unavailable(error) from error
    try:
        yield connection
    except (asyncpg.InterfaceError, *_LOST) as error:
        if _is_misuse(error, connection):
            raise
        raise _unavailable(error) from error
    except asyncpg.QueryCanceledError as error:
        raise _timed_out() from error
    finally:
        await taken.__aexit__(None, None, None)


@asynccontextmanager
async def transaction() -> AsyncIterator[None]:
    """Run the block in one transaction; a nested one is a savepoint.

    After the outermost commit the callbacks of `after_commit` run, in order. A savepoint that is rolled back
    drops the callbacks that were scheduled inside it.

    Raises DatabaseUnavailable and StatementTimedOut as `acquire` does. A session that is lost under the commit
    itself shows as the driver's error: nobody knows whether it was done.
    """
    outer = _callbacks.get()
    if outer is None:
        _note_wait()
    callbacks: list[Callback] = []
    token = _callbacks.set(callbacks)
    try:
        async with _begun():
            yield
    except asyncpg.QueryCanceledError as error:  # of a model's own statement
        raise _timed_out() from error
    finally:
        _callbacks.reset(token)
    if outer is not None:
        outer.extend(callbacks)
        return
    for callback in callbacks:
        await _run(callback)


@asynccontextmanager
async def _begun() -> AsyncIterator[None]:
    taken = _client()._in_transaction()  # noqa: SLF001 - what in_transaction() calls, on our context
    try:
        async with asyncio.timeout(ACQUIRE_SECONDS):
            await taken.__aenter__()
    except BaseException as error:
        connection = taken.client._connection  # noqa: SLF001
        is_known = isinstance(error, (*_AWAY, asyncpg.InterfaceError))
        is_away = is_known and not _is_misuse(error, connection)
        if hasattr(taken, "token"):  # it has a connection that could not begin: Tortoise keeps it
            await taken.__aexit__(TransactionManagementError, None, None)
        if is_away:
            raise _unavailable(error) from error
        raise
    try:
        yield
    except BaseException as error:
        # Where the session is lost, the server has rolled back.
        with suppress(asyncpg.InterfaceError, *_LOST):
            await taken.__aexit__(type(error), error, error.__traceback__)
        raise
    await taken.__aexit__(None, None, None)


def _note_wait() -> None:
    """Count a use that finds every connection busy."""
    # The driver's own queue: what it tells of itself it counts anew each time.
    if _state.pool is not None and _state.pool._queue.empty():  # type: ignore[attr-defined]  # noqa: SLF001
        db_connection.totals.waits += 1


def _unavailable(error: BaseException) -> DatabaseUnavailable:
    _log.warning("database.unavailable", reason=type(error).__name__)
    return DatabaseUnavailable(retry_after_seconds=1)


def _timed_out() -> StatementTimedOut:
    _log.warning("database.statement_timed_out")
    return StatementTimedOut(retry_after_seconds=1)


def _is_misuse(error: BaseException, connection: "RawConnection | None") -> bool:
    """An InterfaceError on an open connection is a mistake of ours, such as two statements at once."""
    if not isinstance(error, asyncpg.InterfaceError):
        return False
    try:
        return connection is None or not connection.is_closed()
    except asyncpg.InterfaceError:
        return False  # lost, and the pool has taken it back already


def is_in_transaction() -> bool:
    """Whether this task is inside `transaction()`."""
    return _callbacks.get() is not None


async def after_commit(callback: Callback) -> None:
    """Run `callback` once the outermost transaction has committed; at once where there is none.

    A callback that fails is logged: the commit stands. What must not be lost is a job, not a callback.
    """
    callbacks = _callbacks.get()
    if callbacks is None:
        await _run(callback)
    else:
        callbacks.append(callback)


async def _run(callback: Callback) -> None:
    try:
        await callback()
    except Exception:  # noqa: BLE001 - whatever it is, the commit stands
        _log.exception("after_commit_failed", callback=getattr(callback, "__qualname__", "?"))


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Wait so long for the answer to each statement of the block, where the pool's connections would give up.

    The server's own limit holds as well: a transaction lifts that for itself, by `SET LOCAL statement_timeout`.
    """
    token = _patience.set(seconds)
    try:
        yield
    finally:
        _patience.reset(token)


async def fetch(sql: str, *args: object) -> list[asyncpg.Record]:
    """All rows of a statement with positional arguments ($1, $2 …)."""
    async with acquire() as connection:
        return await connection.fetch(sql, *args, timeout=_patience.get())


async def fetch_one(sql: str, *args: object) -> asyncpg.Record | None:
    """The first row, or None."""
    async with acquire() as connection:
        return await connection.fetchrow(sql, *args, timeout=_patience.get())


async def execute(sql: str, *args: object) -> str:
    """Run a statement; gives PostgreSQL's command tag, such as "UPDATE 3"."""
    async with acquire() as connection:
        return await connection.execute(sql, *args, timeout=_patience.get())
