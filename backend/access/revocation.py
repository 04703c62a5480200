"""Ended sessions that may still have a living access token: known to every process within a second.

A process asks the database twice a second for what has ended since; what it ends itself it knows at
once. A token is judged by an answer to a question that was sent less than a second before the token came:
where the last one is older, or still unanswered (the database is slow, or nobody watches), it waits for a
new one. So a revoked session is never served from an old answer.
"""

import asyncio
import contextlib
import contextvars
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from backend.access import repository
from backend.infra import db, telemetry

WINDOW: Final = timedelta(minutes=15)  # an access token lives 10 minutes
POLL_SECONDS: Final = 0.4
FRESH_SECONDS: Final = 1.0
# A transaction that ended a session may commit so much later: longer than the statement time-out.
OVERLAP: Final = timedelta(seconds=30)

_LOSSES: Final = (db.DatabaseUnavailable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
_log = telemetry.logger(__name__)


@dataclass(slots=True)
class _Known:
    ended: dict[UUID, float] = field(default_factory=dict)  # → when we learned of it, oldest first
    since: datetime | None = None  # the database's present at the last answer
    asked_at: float = float("-inf")  # when the question of the last answer was sent
    question: "asyncio.Task[None] | None" = None  # the last one sent
    question_sent_at: float = float("-inf")


_known = _Known()


def note(session_ids: Iterable[UUID]) -> None:
    """Know at once, in this process, that sessions have ended; for after the commit."""
    now = time.monotonic()
    for session_id in session_ids:
        _known.ended.setdefault(session_id, now)


async def is_revoked(session_id: UUID) -> bool:
    """Whether the session had ended a second before this call. Raises DatabaseUnavailable."""
    if session_id in _known.ended:
        return True
    oldest = time.monotonic() - FRESH_SECONDS
    if _known.asked_at <= oldest:
        await _ask_together(sent_after=oldest)
    return session_id in _known.ended


def known(session_id: UUID) -> bool | None:
    """The same at once; None where the database has to be asked."""
    if session_id in _known.ended:
        return True
    return None if _known.asked_at <= time.monotonic() - FRESH_SECONDS else False


@contextlib.asynccontextmanager
async def watching() -> AsyncIterator[None]:
    """Keep the answers fresh while the block runs: the lifespan of an API process."""
    watcher = asyncio.create_task(_watch())
    try:
        yield
    finally:
        watcher.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watcher


async def _watch() -> None:
    failures = 0
    while True:
        try:
            await _ask_together(sent_after=time.monotonic() - FRESH_SECONDS)
            failures = 0
        except Exception as error:  # noqa: BLE001 - whatever it is, each token asks for itself
            failures += 1
            if failures == 1:
                is_loss = isinstance(error, db.DatabaseUnavailable)
                _log.warning("access.revocations_unknown", exc_info=None if is_loss else error)
        await asyncio.sleep(POLL_SECONDS)


async def _ask_together(*, sent_after: float) -> None:
    """Ask once for all who wait, and join no question that was sent earlier.

    In a task of its own, outside the caller's transaction.
    """
    question, loop = _known.question, asyncio.get_running_loop()
    if (
        question is None
        or question.done()
        or question.get_loop() is not loop
        or _known.question_sent_at <= sent_after
    ):
        sent_at = _known.question_sent_at = time.monotonic()
        question = loop.create_task(_ask(sent_at), context=contextvars.Context())
        _known.question = question
    await asyncio.shield(question)


async def _ask(asked_at: float) -> None:
    since = None if _known.since is None else _known.since - OVERLAP
    try:
        ended, at = await repository.list_ended(since, window=WINDOW)
    except _LOSSES as error:
        raise db.DatabaseUnavailable(retry_after_seconds=1) from error
    note(ended)
    if asked_at > _known.asked_at:  # else a later question was answered first
        _known.since, _known.asked_at = at, asked_at
    _forget(learned_before=asked_at - WINDOW.total_seconds())


def _forget(*, learned_before: float) -> None:
    """Drop the sessions whose last access token has expired."""
    for session_id, learned_at in list(_known.ended.items()):
        if learned_at >= learned_before:
            return
        del _known.ended[session_id]
