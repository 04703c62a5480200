"""Opening hours as Iranian shops keep them: the afternoon break, Friday's rest, hot coasts, nights."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from random import Random

from backend.core.calendar import Weekday
from backend.stores.opening import OpeningException, OpeningPeriod, OpeningSchedule

Hours = tuple[tuple[int, int], ...]

EXCEPTION_PERCENT = 8
# Days around today on which a place announces other hours.
EXCEPTION_DAYS = (-5, 25)

# In the south, shops rest through the heat of the afternoon and open late.
HOT_PROVINCES = frozenset({"IR-06", "IR-11", "IR-18", "IR-22"})

_SATURDAY_TO_WEDNESDAY = tuple(Weekday)[:5]
_SATURDAY_TO_THURSDAY = tuple(Weekday)[:6]
_EVERY_DAY = tuple(Weekday)


@dataclass(frozen=True, slots=True)
class Pattern:
    """The hours of a week, and whether public holidays change nothing."""

    periods: tuple[OpeningPeriod, ...]
    open_on_holidays: bool = False


def _at(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def _hours(*spans: str) -> Hours:
    """Read "09:00-13:00"; what closes before it opens closes on the next day."""
    hours = []
    for span in spans:
        opens, closes = map(_at, span.split("-"))
        hours.append((opens, closes if closes > opens else closes + 1440))
    return tuple(hours)


def _on(days: tuple[Weekday, ...], *spans: str) -> tuple[OpeningPeriod, ...]:
    return tuple(
        OpeningPeriod(day, opens, closes) for day in days for opens, closes in _hours(*spans)
    )


_THURSDAY, _FRIDAY = (Weekday.THURSDAY,), (Weekday.FRIDAY,)

PATTERNS: Mapping[str, Pattern] = {
    "split": Pattern(_on(_SATURDAY_TO_THURSDAY, "09:00-13:00", "17:00-21:30")),
    "split_early": Pattern(_on(_SATURDAY_TO_THURSDAY, "08:30-13:00", "16:00-20:30")),
    "split_hot": Pattern(_on(_SATURDAY_TO_THURSDAY, "08:30-12:30", "18:00-23:00")),
    "split_thursday": Pattern(
        _on(_SATURDAY_TO_WEDNESDAY, "09:00-13:30", "16:30-21:00") + _on(_THURSDAY, "09:00-13:30")
    ),
    "all_day": Pattern(_on(_SATURDAY_TO_THURSDAY, "10:00-21:00")),
    "arcade": Pattern(
        _on(_SATURDAY_TO_THURSDAY, "10:00-22:00") + _on(_FRIDAY, "17:00-22:00"),
        open_on_holidays=True,
    ),
    "chain": Pattern(_on(_EVERY_DAY, "08:00-23:00"), open_on_holidays=True),
    "grocer": Pattern(
        _on(_SATURDAY_TO_THURSDAY, "07:30-23:00") + _on(_FRIDAY, "09:00-13:00", "17:00-22:00"),
        open_on_holidays=True,
    ),
    "round_the_clock": Pattern(_on(_EVERY_DAY, "00:00-00:00"), open_on_holidays=True),
    "late": Pattern(
        _on(_SATURDAY_TO_THURSDAY, "10:00-14:00") + _on(_EVERY_DAY, "18:00-01:00"),
        open_on_holidays=True,
    ),
    "pharmacy": Pattern(
        _on(_SATURDAY_TO_THURSDAY, "08:00-14:00", "16:00-23:00") + _on(_FRIDAY, "18:00-22:00")
    ),
    "office": Pattern(_on(_SATURDAY_TO_WEDNESDAY, "07:30-14:30")),
    "association": Pattern(_on(_SATURDAY_TO_WEDNESDAY, "08:00-13:00")),
    "clinic": Pattern(
        _on(_SATURDAY_TO_WEDNESDAY, "08:00-13:00", "16:00-20:00") + _on(_THURSDAY, "08:00-13:00")
    ),
    "clinic_evening": Pattern(_on(_SATURDAY_TO_WEDNESDAY, "15:00-21:00")),
    "laboratory": Pattern(
        _on(_SATURDAY_TO_WEDNESDAY, "06:30-19:00") + _on(_THURSDAY, "06:30-13:00")
    ),
}
_SPLIT = frozenset({"split", "split_early"})
_SHORT_DAYS: tuple[Hours, ...] = (
    (),
    (),
    _hours("09:00-13:00"),
    _hours("17:00-21:00"),
)


def draw_schedule(
    random: Random, *, weights: Mapping[str, int], province_code: str, today: date
) -> OpeningSchedule:
    """The week of a pattern drawn by its weight; for some places, exceptions near today."""
    name = random.choices(tuple(weights), cum_weights=tuple(accumulate(weights.values())))[0]
    if name in _SPLIT and province_code in HOT_PROVINCES:
        name = "split_hot"
    # A place that never closes announces no exceptions.
    if name == "round_the_clock" or random.randrange(100) >= EXCEPTION_PERCENT:
        return _usual(name)
    pattern = PATTERNS[name]
    days = {random.randint(*EXCEPTION_DAYS) for _ in range(random.randint(1, 2))}
    return OpeningSchedule(
        pattern.periods,
        tuple(
            OpeningException(today + timedelta(days=offset), random.choice(_SHORT_DAYS))
            for offset in sorted(days)
        ),
        open_on_holidays=pattern.open_on_holidays,
    )


@cache
def _usual(name: str) -> OpeningSchedule:
    pattern = PATTERNS[name]
    return OpeningSchedule(pattern.periods, open_on_holidays=pattern.open_on_holidays)
