"""Instants of Tehran's wall clock, also for the years in which it was put forward and back.

The instant of a time of the clock is the first at which the clock shows it or a later one. So a
time that the clock jumped over falls on the jump, the repeated hour of autumn neither reopens nor
closes a store a second time, and periods that adjoin on the clock adjoin in time.
"""

from __future__ import annotations

import bisect
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from backend.core import clock

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


def instant(day: date, minute: int) -> datetime:
    """Return the instant (UTC) of a time, in minutes after a day's midnight, below 48 hours."""
    midnight, steady = _midnight(day)
    return midnight + minute * _MINUTE if steady else _reached(day, minute)


@lru_cache(maxsize=1024)
def _midnight(day: date) -> tuple[datetime, bool]:
    """Return the day's first instant, and whether the clock then runs steadily for 48 hours."""
    offsets = {
        datetime.combine(day + ahead * _DAY, time(), clock.TEHRAN).utcoffset() for ahead in range(3)
    }
    return _reached(day, 0), len(offsets) == 1


def _reached(day: date, minute: int) -> datetime:
    """Return what `instant` does, for any day."""
    shown = datetime.combine(day, time()) + minute * _MINUTE
    earlier = shown.replace(tzinfo=clock.TEHRAN)
    later = earlier.replace(fold=1)
    before, after = earlier.utcoffset(), later.utcoffset()
    if before is None or after is None or before >= after:
        return earlier.astimezone(UTC)
    # The clock jumped over it (fold 1 then lies before the jump, PEP 495): find the jump.
    start = later.astimezone(UTC)
    seconds = bisect.bisect_left(
        range(int((after - before).total_seconds())),
        shown,
        key=lambda passed: _wall(start + timedelta(seconds=passed)),
    )
    return start + timedelta(seconds=seconds)


def _wall(at: datetime) -> datetime:
    return at.astimezone(clock.TEHRAN).replace(tzinfo=None)
