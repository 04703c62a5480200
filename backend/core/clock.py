"""The one source of time: services ask it, and tests set it."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

TEHRAN = ZoneInfo("Asia/Tehran")

_frozen_at: ContextVar[datetime | None] = ContextVar("frozen_at", default=None)


def now() -> datetime:
    """Return the present moment as an aware datetime in UTC."""
    return _frozen_at.get() or datetime.now(UTC)


def today() -> date:
    """Return the present day in Tehran, which begins at 20:30 UTC of the day before."""
    return now().astimezone(TEHRAN).date()


@contextmanager
def frozen(at: datetime) -> Iterator[datetime]:
    """Let `now` answer `at`, given in UTC, inside a `with` of a test and the tasks begun there.

    TypeError for a datetime without a time zone: it would mean another moment on another machine.
    """
    if at.utcoffset() is None:
        raise TypeError("a clock is frozen at an aware datetime")
    moment = at.astimezone(UTC)
    token = _frozen_at.set(moment)
    try:
        yield moment
    finally:
        _frozen_at.reset(token)
