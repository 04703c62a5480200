"""Requests that ask for the same statement within one turn of the event loop share one round trip to the database.

While the usual number of statements is in flight, what is asked meanwhile waits, and shares the next one: the busier
the process, the more requests a statement answers. A statement that takes long lets others pass it by. State belongs
to `db.connect` and `db.close`.
"""

import asyncio
from collections import deque
from contextvars import Context
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

import asyncpg

from backend.infra import db, db_connection, telemetry, tracing
from backend.infra.readviews.readers import Reader
from backend.infra.readviews.resting import Rests, StatementRestingError
from backend.infra.readviews.statements import Statement

MAX_SHARED: Final = 16  # requests a statement; more gains nothing and keeps the first ones waiting
USUAL_IN_FLIGHT: Final = 2  # statements; with fewer requests each, more of them cost more
MAX_IN_FLIGHT: Final = 6  # connections of this process for such reads
PATIENCE_SECONDS: Final = (
    0.05  # after which a statement in flight counts no more among the usual ones
)
MAX_WAITING: Final = 2_000  # requests
CLOSE_SECONDS: Final = 5.0  # for what is in flight at the end
FIRST_COLUMN: Final = 2  # of a row, after the number of the request and its owner

Answer: TypeAlias = "asyncio.Future[asyncpg.Record]"

_log = telemetry.logger(__name__)


class RowMissingError(RuntimeError):
    """A statement gave no row for a request, or another's: it is not written as it must be."""


@dataclass(slots=True, eq=False)
class _Asked:
    """A request that waits: its arguments, the owner first, where its statements are counted, and its span."""

    statement: Statement
    arguments: tuple[object, ...]
    answer: Answer
    counted_in: tuple[list[str], ...]
    span: object | None = None


@dataclass(slots=True, eq=False)
class _Sharing:
    """What waits, and what is in flight, of one connected process."""

    loop: asyncio.AbstractEventLoop
    free: list[Reader]
    waiting: dict[Statement, deque[_Asked]] = field(default_factory=dict)
    waiting_count: int = 0
    in_flight: "dict[asyncio.Task[None], Reader]" = field(default_factory=dict)
    rests: Rests = field(default_factory=Rests)
    next_look: asyncio.Handle | None = None
    is_soon: bool = False

    def ask(self, asked: _Asked) -> None:
        """Let a request wait for the end of this turn."""
        if self.waiting_count >= MAX_WAITING:
            raise db.DatabaseUnavailable(retry_after_seconds=1)
        self.waiting.setdefault(asked.statement, deque()).append(asked)
        self.waiting_count += 1
        if not self.is_soon:
            self._look(soon=True)

    def send(self) -> None:
        """Send what waits, as far as may be in flight at once."""
        if self.next_look is not None:
            self.next_look.cancel()  # for who comes before its time
        self.next_look, self.is_soon = None, False
        while self.waiting and self.free and self._may_send():
            shared = self._next_shared()
            if shared:
                self._start(shared)
        if self.waiting and self.free:
            self._look(soon=False)

    def _may_send(self) -> bool:
        if len(self.in_flight) < USUAL_IN_FLIGHT:
            return True
        latest = self.loop.time() - PATIENCE_SECONDS
        recent = sum(reader.since > latest for reader in self.in_flight.values())
        return recent < USUAL_IN_FLIGHT

    def _look(self, *, soon: bool) -> None:
        """Come back at the end of this turn, or when patience ends. Nobody's context goes along."""
        if self.next_look is not None:
            self.next_look.cancel()
        self.is_soon = soon
        if soon:
            self.next_look = self.loop.call_soon(self.send, context=Context())
        else:
            self.next_look = self.loop.call_later(PATIENCE_SECONDS, self.send, context=Context())

    def _next_shared(self) -> list[_Asked]:
        """The requests for the statement that waits longest; those that were given up are left out."""
        statement, queue = next(iter(self.waiting.items()))
        shared: list[_Asked] = []
        while queue and (len(shared) < MAX_SHARED or statement.is_common):
            each = queue.popleft()
            self.waiting_count -= 1
            if not each.answer.done():
                shared.append(each)
        del self.waiting[statement]
        if queue:
            self.waiting[statement] = queue  # behind the others
        return shared

    def _start(self, shared: list[_Asked]) -> None:
        reader = self.free.pop()
        reader.since = self.loop.time()
        task = self.loop.create_task(self._answer(reader, shared))
        self.in_flight[task] = reader
        task.add_done_callback(partial(self._end, shared))

    def _end(self, shared: list[_Asked], task: "asyncio.Task[None]") -> None:
        if not all(each.answer.done() for each in shared):  # it was cancelled
            _fail(shared, db.DatabaseUnavailable(retry_after_seconds=1))
        self.free.append(self.in_flight.pop(task))
        if self.waiting and not self.is_soon:
            self.send()

    async def _answer(self, reader: Reader, shared: list[_Asked]) -> None:
        """Answer these requests by one statement; where it fails, each by one of its own."""
        statement = shared[0].statement
        if self.rests.is_resting(statement, self.loop.time()):
            _fail(shared, StatementRestingError())
            return
        _count(shared)
        try:
            groups = _groups(shared)
            with tracing.shared([each.span for each in shared]):
                rows = await reader.fetch(statement, [each[0].arguments for each in groups])
            _hand_out(groups, rows)
            self.rests.succeeded(statement)
        except (db.DatabaseUnavailable, db.StatementTimedOut) as error:
            _fail(shared, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it goes to those who asked
            await self._answer_singly(reader, shared, error)

    async def _answer_singly(self, reader: Reader, shared: list[_Asked], error: Exception) -> None:
        if len(shared) == 1:
            self.rests.failed(shared[0].statement, shared[0].arguments[0], self.loop.time())
            _fail(shared, error)
            return
        _log.warning("read_view.shared_failed", requests=len(shared), reason=type(error).__name__)
        for each in shared:
            if not each.answer.done():
                await self._answer(reader, [each])

    async def close(self) -> None:
        """Refuse what waits, let what is in flight end if it does so soon, and close the connections. Never raises."""
        if self.next_look is not None:
            self.next_look.cancel()
        waiting = [each for queue in self.waiting.values() for each in queue]
        self.waiting.clear()
        _fail(waiting, db.DatabaseUnavailable(retry_after_seconds=1))
        readers = [*self.free, *self.in_flight.values()]
        if self.in_flight:
            _, late = await asyncio.wait(list(self.in_flight), timeout=CLOSE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await asyncio.gather(*(reader.close() for reader in readers))


@dataclass(slots=True)
class _State:
    sharing: _Sharing | None = None


_state = _State()


def ask(statement: Statement, arguments: tuple[object, ...]) -> Answer:
    """The row of one request; its own columns come from FIRST_COLUMN on. `arguments[0]` is the owner.

    The future raises what `db.fetch` raises, RowMissingError and StatementRestingError; may be cancelled. Reads
    outside any transaction.
    """
    sharing = _state.sharing or _open()
    answer: Answer = sharing.loop.create_future()
    sharing.ask(_Asked(statement, arguments, answer, db_connection.sent.get(), tracing.present()))
    return answer


def _open() -> _Sharing:
    sharing = _Sharing(asyncio.get_running_loop(), [Reader() for _ in range(MAX_IN_FLIGHT)])

    async def close() -> None:
        _state.sharing = None
        await sharing.close()

    db.at_close(close)
    _state.sharing = sharing
    return sharing


def _count(shared: list[_Asked]) -> None:
    """Note the statement for each who counts; several requests of one count, or inside it, share it."""
    counts = {id(count): count for each in shared for count in each.counted_in}
    for count in counts.values():
        count.append(shared[0].statement.sql)


def _groups(shared: list[_Asked]) -> list[list[_Asked]]:
    """Those who get a row together: each by itself, but for what is nobody's own."""
    if not shared[0].statement.is_common:
        return [[each] for each in shared]
    groups: dict[tuple[object, ...], list[_Asked]] = {}
    for each in shared:
        groups.setdefault(each.arguments, []).append(each)
    return list(groups.values())


def _hand_out(groups: list[list[_Asked]], rows: list[asyncpg.Record]) -> None:
    if len(rows) != len(groups):
        raise RowMissingError
    left = dict(enumerate(groups, start=1))
    for row in rows:
        group = left.pop(row[0], ())
        if not group or row[1] != group[0].arguments[0]:
            raise RowMissingError
        for asked in group:
            if not asked.answer.done():
                asked.answer.set_result(row)


def _fail(shared: list[_Asked], error: Exception) -> None:
    for each in shared:
        if not each.answer.done():
            each.answer.set_exception(error)
            each.answer.exception()  # seen: whoever asked may have left meanwhile
