"""When a store is open: weekly periods, exceptions by date, public holidays.

A period belongs to the day on which it begins and may run over midnight; it counts to its end
whatever the next day is. A day's periods are those of its exception, else none on a public holiday
(unless the store opens on holidays), else those of its weekday. Friday is an ordinary weekday, on
which most have none. Times are minutes of Tehran's wall clock, made instants by `opening_clock`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

from backend.core import calendar, clock, text
from backend.core.calendar import Weekday
from backend.core.errors import BadUserInput, sentences
from backend.core.locale import Locale
from backend.stores import opening_clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

LOOKAHEAD_DAYS = 31
MAX_PERIODS_A_DAY = 6
MAX_EXCEPTIONS = 366
MINUTES_A_DAY = 1440

WEEKDAY_NAMES: Mapping[Locale, tuple[str, ...]] = MappingProxyType(
    {
        Locale.FA: ("شنبه", "یکشنبه", "دوشنبه", "سه‌شنبه", "چهارشنبه", "پنجشنبه", "جمعه"),
        Locale.EN: tuple(day.name.capitalize() for day in Weekday),
    }
)

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OpeningPeriod:
    """One weekly period, in minutes after the midnight with which its weekday begins.

    `closes_minute` is at most `opens_minute` + 1440: 20:00-02:00 is 1200-1560, a whole day 0-1440.
    """

    weekday: Weekday
    opens_minute: int
    closes_minute: int


@dataclass(frozen=True, slots=True)
class OpeningException:
    """What holds on one date (Gregorian) in place of the week and of holidays; empty is closed."""

    on_date: date
    periods: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class OpeningSchedule:
    """The opening hours of one store; `check_schedule` says whether they make sense."""

    periods: tuple[OpeningPeriod, ...]
    exceptions: tuple[OpeningException, ...] = ()
    open_on_holidays: bool = False
    # Looked up for each day of each answer, so they are derived once.
    _weekly: tuple[tuple[tuple[int, int], ...], ...] = field(init=False, repr=False, compare=False)
    _dated: Mapping[date, tuple[tuple[int, int], ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Derive the periods of each weekday and date, in order of opening."""
        weekly: list[list[tuple[int, int]]] = [[] for _ in range(len(Weekday))]
        for period in self.periods:
            weekly[period.weekday].append((period.opens_minute, period.closes_minute))
        dated = {each.on_date: tuple(sorted(each.periods)) for each in self.exceptions}
        object.__setattr__(self, "_weekly", tuple(tuple(sorted(day)) for day in weekly))
        object.__setattr__(self, "_dated", dated)

    def intervals(
        self, *, first: date, last: date, holidays: frozenset[date]
    ) -> Iterator[tuple[datetime, datetime]]:
        """Yield the time of each period that begins on these days (UTC), in order of opening.

        Neighbours may adjoin or overlap. Each day is worked out when it is asked for.
        """
        closed_on = frozenset[date]() if self.open_on_holidays else holidays
        weekly, dated = self._weekly, self._dated
        weekday = int(calendar.weekday_of(first))
        day = first
        while day <= last:
            minutes = dated.get(day)
            if minutes is None:
                minutes = () if day in closed_on else weekly[weekday]
            for opens, closes in minutes:
                opening = opening_clock.instant(day, opens)
                closing = opening_clock.instant(day, closes)
                if opening < closing:  # a period that the clock jumped over has no time at all
                    yield opening, closing
            day += _DAY
            weekday = (weekday + 1) % 7

    def is_open(self, day: date, minute: int, *, is_holiday: bool) -> bool:
        """Whether a period that begins on this day covers a minute after its midnight."""
        minutes = self._dated.get(day)
        if minutes is None:
            if is_holiday and not self.open_on_holidays:
                return False
            minutes = self._weekly[int(calendar.weekday_of(day))]
        return any(opens <= minute < closes for opens, closes in minutes)


@dataclass(frozen=True, slots=True)
class OpeningState:
    """Whether a store is open, and the next instant (UTC) at which that changes, if any is near."""

    open_now: bool
    changes_at: datetime | None


class InvalidOpeningPeriod(BadUserInput):
    """A period begins outside its day, is empty, or lasts more than 24 hours."""

    texts = sentences(
        fa="بازهٔ کاری «{period_fa}» درست نیست.",
        en="The opening period “{period_en}” is not valid.",
    )
    hints = sentences(
        fa="ساعت باز شدن باید از ۰۰:۰۰ تا ۲۳:۵۹ باشد و بسته شدن پس از آن، حداکثر ۲۴ ساعت بعد.",
        en="A period opens from 00:00 to 23:59 and closes after that, within 24 hours.",
    )

    def __init__(self, period: Mapping[Locale, str]) -> None:
        super().__init__(period_fa=period[Locale.FA], period_en=period[Locale.EN])


class OverlappingOpeningPeriods(BadUserInput):
    """Two periods of the week, or of one date, cover the same time."""

    texts = sentences(
        fa="بازه‌های کاری «{earlier_fa}» و «{later_fa}» روی هم می‌افتند.",
        en="The opening periods “{earlier_en}” and “{later_en}” overlap.",
    )
    hints = sentences(
        fa="ساعت یکی را تغییر دهید یا هر دو را در یک بازه بنویسید.",
        en="Change the hours of one of them, or write both as one period.",
    )

    def __init__(self, earlier: Mapping[Locale, str], later: Mapping[Locale, str]) -> None:
        names = {f"earlier_{locale}": shown for locale, shown in earlier.items()}
        names |= {f"later_{locale}": shown for locale, shown in later.items()}
        super().__init__(field=(), reason=None, **names)


class RepeatedOpeningException(BadUserInput):
    """Two exceptions are given for one date."""

    texts = sentences(
        fa="برای تاریخ {date_fa} بیش از یک استثنا داده شده است.",
        en="There is more than one exception for the date {date_en}.",
    )
    hints = sentences(
        fa="همهٔ بازه‌های یک تاریخ را در یک استثنا بنویسید.",
        en="Write all periods of a date in one exception.",
    )


class TooManyOpeningPeriods(BadUserInput):
    """A day has more periods, or a store more exceptions, than the limit."""

    texts = sentences(
        fa="بازه‌ها یا استثناهای ساعت کاری بیش از اندازه است.",
        en="There are too many opening periods or exceptions.",
    )
    hints = sentences(
        fa="هر روز حداکثر {most_periods} بازه و هر فروشگاه حداکثر {most_exceptions} استثنا دارد.",
        en="A day has at most {most_periods} periods and a store at most {most_exceptions} "
        "exceptions.",
    )

    def __init__(self) -> None:
        super().__init__(most_periods=MAX_PERIODS_A_DAY, most_exceptions=MAX_EXCEPTIONS)


def opening_state(
    schedule: OpeningSchedule, *, at: datetime, holidays: frozenset[date]
) -> OpeningState:
    """Tell whether the store is open at an instant (aware), and when that next changes.

    Periods that adjoin are one: passing from one into the other is no change. `changes_at` is after
    `at`, and None when nothing changes within LOOKAHEAD_DAYS. `holidays` should hold those from the
    day before `at` up to then.
    """
    horizon = at + timedelta(days=LOOKAHEAD_DAYS)
    intervals = schedule.intervals(
        # What is open now began yesterday at the earliest: no period is longer than a day.
        first=at.astimezone(clock.TEHRAN).date() - _DAY,
        last=horizon.astimezone(clock.TEHRAN).date(),
        holidays=holidays,
    )
    closes_at: datetime | None = None
    for opening, closing in intervals:
        if closes_at is None:
            if opening > at:
                return OpeningState(False, opening if opening <= horizon else None)
            if closing > at:
                closes_at = closing
        elif opening > closes_at:
            break
        elif closing > closes_at:
            closes_at = closing
    changes_at = closes_at if closes_at is not None and closes_at <= horizon else None
    return OpeningState(closes_at is not None, changes_at)


def open_intervals(
    schedule: OpeningSchedule, *, first: date, last: date, holidays: frozenset[date]
) -> tuple[tuple[datetime, datetime], ...]:
    """Return when the store is open from the beginning of `first` to the end of `last` in Tehran.

    Half-open in UTC, in order, those that adjoin merged. What runs over from the day before
    `first` counts, and all is cut at the two ends; `holidays` should hold that day before too.
    """
    begin, end = opening_clock.instant(first, 0), opening_clock.instant(last + _DAY, 0)
    merged: list[tuple[datetime, datetime]] = []
    for opening, closing in schedule.intervals(first=first - _DAY, last=last, holidays=holidays):
        opens_at, closes_at = max(opening, begin), min(closing, end)
        if opens_at >= closes_at:
            continue
        if merged and opens_at <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closes_at))
        else:
            merged.append((opens_at, closes_at))
    return tuple(merged)


def check_schedule(schedule: OpeningSchedule) -> None:
    """Refuse hours that make no sense; raises what `check_weekly` and `check_exceptions` raise."""
    check_weekly(schedule.periods)
    check_exceptions(schedule.exceptions)


def check_weekly(periods: Iterable[OpeningPeriod]) -> None:
    """Refuse periods that are invalid, too many a day, or overlap anywhere in the circular week.

    Raises InvalidOpeningPeriod, TooManyOpeningPeriods or OverlappingOpeningPeriods.
    """
    minutes = sorted((each.weekday, each.opens_minute, each.closes_minute) for each in periods)
    fa, en = WEEKDAY_NAMES[Locale.FA], WEEKDAY_NAMES[Locale.EN]
    spans = [_Span(fa[day], en[day], day * MINUTES_A_DAY, *hours) for day, *hours in minutes]
    _check_spans(spans, cycle_minutes=7 * MINUTES_A_DAY)


def check_exceptions(exceptions: Iterable[OpeningException]) -> None:
    """Refuse a date given twice, and invalid, too many or overlapping periods within a date.

    What runs over midnight into the periods of another day is no error: they merge. Raises
    RepeatedOpeningException and the errors of `check_weekly`.
    """
    seen: set[date] = set()
    for exception in exceptions:
        shown = calendar.format_jalali_date(exception.on_date)
        shown_fa = text.to_persian_digits(shown)
        if exception.on_date in seen:
            raise RepeatedOpeningException(date_fa=shown_fa, date_en=shown)
        seen.add(exception.on_date)
        if len(seen) > MAX_EXCEPTIONS:
            raise TooManyOpeningPeriods
        _check_spans([_Span(shown_fa, shown, 0, *each) for each in sorted(exception.periods)])


def clock_text(minute: int) -> str:
    """Return a minute of the day as HH:MM; 1440 is 24:00, and later ones are of the next day."""
    hour, minute = divmod(minute if minute <= MINUTES_A_DAY else minute - MINUTES_A_DAY, 60)
    return f"{hour:02d}:{minute:02d}"


@dataclass(frozen=True, slots=True)
class _Span:
    day_fa: str
    day_en: str
    start: int  # the minute of the week at which its day begins
    opens_minute: int
    closes_minute: int

    def shown(self) -> Mapping[Locale, str]:
        hours = f"{clock_text(self.opens_minute)}-{clock_text(self.closes_minute)}"
        shown_fa = f"{self.day_fa} {text.to_persian_digits(hours)}"
        return {Locale.FA: shown_fa, Locale.EN: f"{self.day_en} {hours}"}


def _check_spans(spans: list[_Span], *, cycle_minutes: int | None = None) -> None:
    """Check periods given in order; with a cycle, the last is also held against the first."""
    for span in spans:
        begins_in_day = 0 <= span.opens_minute < MINUTES_A_DAY
        if not (begins_in_day and 0 < span.closes_minute - span.opens_minute <= MINUTES_A_DAY):
            raise InvalidOpeningPeriod(span.shown())
    if spans and max(Counter(span.start for span in spans).values()) > MAX_PERIODS_A_DAY:
        raise TooManyOpeningPeriods
    neighbours = [(earlier, later, 0) for earlier, later in pairwise(spans)]
    if cycle_minutes is not None and len(spans) > 1:
        neighbours.append((spans[-1], spans[0], cycle_minutes))
    for earlier, later, shift in neighbours:
        if earlier.start + earlier.closes_minute > later.start + later.opens_minute + shift:
            raise OverlappingOpeningPeriods(earlier.shown(), later.shown())
