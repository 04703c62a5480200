"""Opening hours: the state now, the next change, intervals and the checks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core.calendar import Weekday
from backend.core.locale import Locale
from backend.stores import opening
from backend.stores.opening import (
    OpeningException,
    OpeningPeriod,
    OpeningSchedule,
    OpeningState,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
NO_HOLIDAYS = frozenset[date]()
# Summer time of Tehran as the law set it: the only source of the oracle's wall clock.
SUMMERS = (
    (datetime(2021, 3, 21, 20, 30, tzinfo=UTC), datetime(2021, 9, 21, 19, 30, tzinfo=UTC)),
    (datetime(2022, 3, 21, 20, 30, tzinfo=UTC), datetime(2022, 9, 21, 19, 30, tzinfo=UTC)),
)
NEAR_DAYS = (date(2021, 3, 21), date(2021, 9, 21), date(2022, 7, 1), date(2026, 11, 27))


def wall_clock(at: datetime) -> datetime:
    summer = any(begin <= at < end for begin, end in SUMMERS)
    return at.replace(tzinfo=None) + timedelta(hours=4 if summer else 3, minutes=30)


def spans_begun_on(
    schedule: OpeningSchedule, day: date, holidays: frozenset[date]
) -> list[tuple[int, int]]:
    """The definition: which periods belong to a day."""
    for exception in schedule.exceptions:
        if exception.on_date == day:
            return list(exception.periods)
    if day in holidays and not schedule.open_on_holidays:
        return []
    name = day.strftime("%A").upper()
    return [
        (each.opens_minute, each.closes_minute)
        for each in schedule.periods
        if each.weekday.name == name
    ]


def walk(
    schedule: OpeningSchedule, start: datetime, minutes: int, holidays: frozenset[date]
) -> Iterator[tuple[datetime, bool]]:
    """Go from minute to minute; a clock put back counts again only when it has caught up."""
    spans_of = cache(lambda day: spans_begun_on(schedule, day, holidays))
    furthest = max(wall_clock(start - ago * MINUTE) for ago in range(120))
    for passed in range(minutes):
        at = start + passed * MINUTE
        furthest = max(furthest, wall_clock(at))
        today, minute = furthest.date(), furthest.hour * 60 + furthest.minute
        yield (
            at,
            any(opens <= minute < closes for opens, closes in spans_of(today))
            or any(opens <= minute + 1440 < closes for opens, closes in spans_of(today - DAY)),
        )


def oracle_state(
    schedule: OpeningSchedule, at: datetime, days: int, holidays: frozenset[date]
) -> OpeningState:
    """The state, and the first change within some days."""
    start = at.replace(second=0, microsecond=0)
    steps = walk(schedule, start, days * 1440 + 1, holidays)
    _, open_now = next(steps)
    changes = (minute for minute, is_open in steps if is_open != open_now)
    return OpeningState(open_now, next(changes, None))


# Few values, so that periods often adjoin, overlap and touch midnight or the changes of the clock.
telling_minutes = st.sampled_from([0, 15, 60, 90, 540, 780, 1020, 1200, 1380, 1410, 1439])
opens_minutes = telling_minutes | st.integers(0, 1439)
lengths = st.sampled_from([1, 30, 60, 240, 360, 480, 720, 1439, 1440]) | st.integers(1, 1440)


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int]:
    opens = draw(opens_minutes)
    latest = opens + 1440
    closes = draw(
        st.builds(opens.__add__, lengths)
        | telling_minutes.map(lambda minute: minute if minute > opens else minute + 1440)
        | st.just(max(opens + 1, 1440))
    )
    return opens, min(closes, latest)


def days_around(near: date) -> st.SearchStrategy[date]:
    return st.sampled_from([0, -1, 1, 2, -2]).map(lambda ahead: near + ahead * DAY)


@st.composite
def schedules(draw: st.DrawFn, near: date) -> OpeningSchedule:
    """Any schedule, also with periods that overlap: they count as one."""
    days = st.just(set(Weekday)) | st.sets(st.sampled_from(Weekday), min_size=1)
    periods = [
        OpeningPeriod(day, *span)
        for span in draw(st.lists(spans() | st.just((0, 1440)), min_size=1, max_size=3))
        for day in sorted(draw(days))
    ]
    exceptions = draw(
        st.dictionaries(days_around(near), st.lists(spans(), max_size=2).map(tuple), max_size=3)
    )
    return OpeningSchedule(
        tuple(periods),
        tuple(OpeningException(day, day_spans) for day, day_spans in exceptions.items()),
        open_on_holidays=draw(st.booleans()),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[OpeningSchedule, datetime, frozenset[date]]:
    """A schedule, an instant that is often at or beside the end of a period, and holidays."""
    near = draw(st.sampled_from(NEAR_DAYS))
    schedule = draw(schedules(near))
    ends = sorted({each.opens_minute for each in schedule.periods} | {0, 1380})
    ends += sorted({each.closes_minute for each in schedule.periods})
    minute = draw(st.sampled_from(ends) | st.integers(-720, 2160)) + draw(st.integers(-1, 1))
    offset_minutes = draw(st.sampled_from([210, 270]))
    at = datetime.combine(near, datetime.min.time(), UTC) + (minute - offset_minutes) * MINUTE
    at += timedelta(seconds=draw(st.sampled_from([0, 0, 1, 59])))
    return schedule, at, frozenset(draw(st.sets(days_around(near), max_size=3)))


@settings(max_examples=200, deadline=None)
@given(cases())
def test_the_state_is_what_a_walk_from_minute_to_minute_finds(
    case: tuple[OpeningSchedule, datetime, frozenset[date]],
) -> None:
    schedule, at, holidays = case
    expected = oracle_state(schedule, at, 3, holidays)
    state = opening.opening_state(schedule, at=at, holidays=holidays)
    assert state.open_now == expected.open_now
    if expected.changes_at is None:
        assert state.changes_at is None or state.changes_at > at + 3 * DAY - MINUTE
    else:
        assert state.changes_at == expected.changes_at


@settings(max_examples=10, deadline=None)
@given(cases())
def test_the_state_is_right_as_far_as_the_lookahead_reaches(
    case: tuple[OpeningSchedule, datetime, frozenset[date]],
) -> None:
    schedule, at, holidays = case
    at = at.replace(second=0)
    expected = oracle_state(schedule, at, opening.LOOKAHEAD_DAYS, holidays)
    assert opening.opening_state(schedule, at=at, holidays=holidays) == expected


@settings(max_examples=40, deadline=None)
@given(cases())
def test_the_intervals_hold_exactly_the_minutes_at_which_the_store_is_open(
    case: tuple[OpeningSchedule, datetime, frozenset[date]],
) -> None:
    schedule, at, holidays = case
    first = wall_clock(at).date()
    intervals = opening.open_intervals(schedule, first=first, last=first + DAY, holidays=holidays)
    start = datetime.combine(first, datetime.min.time(), UTC) - timedelta(hours=6)
    for minute, is_open in walk(schedule, start, 4 * 1440, holidays):
        inside = first <= wall_clock(minute).date() <= first + DAY
        held = any(opens <= minute < closes for opens, closes in intervals)
        assert held == (is_open and inside)
    ends = [instant for interval in intervals for instant in interval]
    assert ends == sorted(set(ends)), "in order, never empty, never adjoining"


def every_day(*hours: tuple[int, int]) -> tuple[OpeningPeriod, ...]:
    return tuple(OpeningPeriod(day, *span) for day in Weekday for span in hours)


def utc(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def state_of(
    schedule: OpeningSchedule, at: datetime, holidays: frozenset[date] = NO_HOLIDAYS
) -> OpeningState:
    return opening.opening_state(schedule, at=at, holidays=holidays)


def test_a_store_is_open_from_the_instant_of_opening_and_closed_from_that_of_closing() -> None:
    schedule = OpeningSchedule(every_day((540, 780), (1020, 1260)))
    assert state_of(schedule, utc(2026, 11, 25, 5, 30)) == OpeningState(
        True, utc(2026, 11, 25, 9, 30)
    )
    assert state_of(schedule, utc(2026, 11, 25, 9, 30)) == OpeningState(
        False, utc(2026, 11, 25, 13, 30)
    )


def test_a_state_before_friday_looks_over_the_weekly_holiday() -> None:
    week = tuple(OpeningPeriod(day, 540, 780) for day in Weekday if day != Weekday.FRIDAY)
    thursday_evening = utc(2026, 11, 26, 15)
    assert state_of(OpeningSchedule(week), thursday_evening) == OpeningState(
        False, utc(2026, 11, 28, 5, 30)
    )


def test_a_period_that_runs_over_midnight_counts_into_a_day_that_is_closed() -> None:
    schedule = OpeningSchedule(every_day((1200, 1560)), (OpeningException(date(2026, 11, 26), ()),))
    assert state_of(schedule, utc(2026, 11, 25, 22)) == OpeningState(
        True, utc(2026, 11, 25, 22, 30)
    )
    assert state_of(schedule, utc(2026, 11, 25, 22, 30)) == OpeningState(
        False, utc(2026, 11, 27, 16, 30)
    )


def test_a_day_that_is_closed_sends_nothing_over_its_midnight() -> None:
    schedule = OpeningSchedule(every_day((1200, 1560)))
    holidays = frozenset({date(2026, 11, 25)})
    assert state_of(schedule, utc(2026, 11, 25, 21), holidays) == OpeningState(
        False, utc(2026, 11, 26, 16, 30)
    )


def test_periods_that_adjoin_are_no_change() -> None:
    schedule = OpeningSchedule(every_day((480, 720), (720, 960)))
    assert state_of(schedule, utc(2026, 11, 25, 5)) == OpeningState(True, utc(2026, 11, 25, 12, 30))


def test_a_store_that_never_closes_never_changes() -> None:
    schedule = OpeningSchedule(every_day((0, 1440)))
    assert state_of(schedule, utc(2026, 11, 25, 5)) == OpeningState(True, None)


def test_a_store_without_hours_never_changes() -> None:
    assert state_of(OpeningSchedule(()), utc(2026, 11, 25, 5)) == OpeningState(False, None)


def test_a_public_holiday_closes_a_store_that_is_always_open() -> None:
    schedule = OpeningSchedule(every_day((0, 1440)))
    holidays = frozenset({date(2026, 11, 27)})
    assert state_of(schedule, utc(2026, 11, 25, 5), holidays) == OpeningState(
        True, utc(2026, 11, 26, 20, 30)
    )


def test_a_store_may_open_on_public_holidays() -> None:
    schedule = OpeningSchedule(every_day((540, 780)), open_on_holidays=True)
    holidays = frozenset({date(2026, 11, 25)})
    assert state_of(schedule, utc(2026, 11, 25, 6), holidays).open_now


def test_an_exception_wins_over_a_public_holiday() -> None:
    day = date(2026, 11, 25)
    schedule = OpeningSchedule(every_day((540, 780)), (OpeningException(day, ((600, 660),)),))
    assert state_of(schedule, utc(2026, 11, 25, 6, 30), frozenset({day})) == OpeningState(
        True, utc(2026, 11, 25, 7, 30)
    )


def test_an_exception_replaces_all_periods_of_its_day() -> None:
    day = date(2026, 11, 25)
    schedule = OpeningSchedule(
        every_day((540, 780), (1020, 1260)), (OpeningException(day, ((600, 660),)),)
    )
    assert state_of(schedule, utc(2026, 11, 25, 7, 30)) == OpeningState(
        False, utc(2026, 11, 26, 5, 30)
    )


@pytest.mark.parametrize(("days", "seen"), [(31, True), (32, False)])
def test_a_change_is_told_up_to_the_lookahead(days: int, seen: bool) -> None:
    at = utc(2026, 11, 25, 5, 30)
    change = at + timedelta(days=days)
    schedule = OpeningSchedule((), (OpeningException(change.date(), ((540, 600),)),))
    assert state_of(schedule, at) == OpeningState(False, change if seen else None)


def test_hours_of_july_2022_are_of_summer_time() -> None:
    schedule = OpeningSchedule(every_day((540, 780)))
    assert state_of(schedule, utc(2022, 7, 1, 4, 29)) == OpeningState(False, utc(2022, 7, 1, 4, 30))


def test_a_time_that_the_clock_jumped_over_falls_on_the_jump() -> None:
    schedule = OpeningSchedule((), (OpeningException(date(2021, 3, 22), ((30, 120),)),))
    assert opening.open_intervals(
        schedule, first=date(2021, 3, 22), last=date(2021, 3, 22), holidays=NO_HOLIDAYS
    ) == ((utc(2021, 3, 21, 20, 30), utc(2021, 3, 21, 21, 30)),)


def test_a_period_that_the_clock_jumped_over_has_no_time() -> None:
    schedule = OpeningSchedule((), (OpeningException(date(2021, 3, 22), ((15, 45),)),))
    assert state_of(schedule, utc(2021, 3, 21, 20)) == OpeningState(False, None)


def test_a_store_does_not_reopen_when_the_clock_is_put_back() -> None:
    schedule = OpeningSchedule((), (OpeningException(date(2021, 9, 21), ((1320, 1410),)),))
    assert opening.open_intervals(
        schedule, first=date(2021, 9, 20), last=date(2021, 9, 22), holidays=NO_HOLIDAYS
    ) == ((utc(2021, 9, 21, 17, 30), utc(2021, 9, 21, 19, 0)),)


def test_a_store_open_until_midnight_is_open_through_the_repeated_hour() -> None:
    schedule = OpeningSchedule((), (OpeningException(date(2021, 9, 21), ((1320, 1440),)),))
    assert state_of(schedule, utc(2021, 9, 21, 19, 45)) == OpeningState(
        True, utc(2021, 9, 21, 20, 30)
    )


def test_intervals_are_cut_at_the_ends_of_the_days_asked_for() -> None:
    schedule = OpeningSchedule(every_day((1200, 1560)))
    assert opening.open_intervals(
        schedule, first=date(2026, 11, 25), last=date(2026, 11, 25), holidays=NO_HOLIDAYS
    ) == (
        (utc(2026, 11, 24, 20, 30), utc(2026, 11, 24, 22, 30)),
        (utc(2026, 11, 25, 16, 30), utc(2026, 11, 25, 20, 30)),
    )


def test_intervals_that_adjoin_over_days_are_one() -> None:
    schedule = OpeningSchedule(every_day((0, 1440)))
    assert opening.open_intervals(
        schedule, first=date(2021, 3, 20), last=date(2021, 3, 23), holidays=NO_HOLIDAYS
    ) == ((utc(2021, 3, 19, 20, 30), utc(2021, 3, 23, 19, 30)),)


@pytest.mark.parametrize(
    ("opens", "closes"), [(-1, 60), (1440, 1500), (600, 600), (600, 540), (600, 2041)]
)
def test_a_period_outside_its_day_or_its_24_hours_is_refused(opens: int, closes: int) -> None:
    schedule = OpeningSchedule((OpeningPeriod(Weekday.SUNDAY, opens, closes),))
    with pytest.raises(opening.InvalidOpeningPeriod):
        opening.check_schedule(schedule)
    exception = OpeningException(date(2026, 11, 25), ((opens, closes),))
    with pytest.raises(opening.InvalidOpeningPeriod):
        opening.check_schedule(OpeningSchedule((), (exception,)))


def test_the_refusal_of_a_period_shows_it_in_both_languages() -> None:
    schedule = OpeningSchedule((OpeningPeriod(Weekday.SUNDAY, 600, 600),))
    with pytest.raises(opening.InvalidOpeningPeriod) as caught:
        opening.check_schedule(schedule)
    assert caught.value.message(Locale.FA) == "بازهٔ کاری «یکشنبه ۱۰:۰۰-۱۰:۰۰» درست نیست."
    assert (
        caught.value.message(Locale.EN) == "The opening period “Sunday 10:00-10:00” is not valid."
    )


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (OpeningPeriod(Weekday.SUNDAY, 540, 780), OpeningPeriod(Weekday.SUNDAY, 779, 900)),
        (OpeningPeriod(Weekday.SUNDAY, 540, 780), OpeningPeriod(Weekday.SUNDAY, 540, 780)),
        (OpeningPeriod(Weekday.SUNDAY, 1200, 1561), OpeningPeriod(Weekday.MONDAY, 120, 300)),
        (OpeningPeriod(Weekday.FRIDAY, 1200, 1561), OpeningPeriod(Weekday.SATURDAY, 120, 300)),
    ],
)
def test_periods_that_overlap_are_refused_also_over_midnight_and_the_week_end(
    earlier: OpeningPeriod, later: OpeningPeriod
) -> None:
    with pytest.raises(opening.OverlappingOpeningPeriods):
        opening.check_schedule(OpeningSchedule((later, earlier)))


def test_the_refusal_of_an_overlap_names_both_periods_in_their_order_of_time() -> None:
    friday = OpeningPeriod(Weekday.FRIDAY, 1200, 1561)
    saturday = OpeningPeriod(Weekday.SATURDAY, 120, 300)
    with pytest.raises(opening.OverlappingOpeningPeriods) as caught:
        opening.check_schedule(OpeningSchedule((saturday, friday)))
    assert caught.value.message(Locale.FA) == (
        "بازه‌های کاری «جمعه ۲۰:۰۰-۰۲:۰۱» و «شنبه ۰۲:۰۰-۰۵:۰۰» روی هم می‌افتند."
    )


def test_periods_that_adjoin_are_allowed_also_over_the_week_end() -> None:
    opening.check_schedule(OpeningSchedule(every_day((0, 600), (600, 1440))))
    opening.check_schedule(
        OpeningSchedule(
            (
                OpeningPeriod(Weekday.FRIDAY, 1200, 1560),
                OpeningPeriod(Weekday.SATURDAY, 120, 300),
            )
        )
    )


def test_periods_of_an_exception_that_overlap_are_refused() -> None:
    exception = OpeningException(date(2026, 11, 22), ((600, 720), (540, 601)))
    with pytest.raises(opening.OverlappingOpeningPeriods) as caught:
        opening.check_schedule(OpeningSchedule((), (exception,)))
    assert caught.value.message(Locale.EN) == (
        "The opening periods “1405-09-01 09:00-10:01” and “1405-09-01 10:00-12:00” overlap."
    )


def test_two_exceptions_of_one_date_are_refused() -> None:
    exception = OpeningException(date(2026, 11, 22), ())
    with pytest.raises(opening.RepeatedOpeningException) as caught:
        opening.check_schedule(OpeningSchedule((), (exception, exception)))
    assert caught.value.data == {"date_fa": "۱۴۰۵-۰۹-۰۱", "date_en": "1405-09-01"}


@pytest.mark.parametrize("count", [opening.MAX_PERIODS_A_DAY, opening.MAX_PERIODS_A_DAY + 1])
def test_a_day_has_a_most_of_periods(count: int) -> None:
    periods = tuple(
        OpeningPeriod(Weekday.MONDAY, 60 * hour, 60 * hour + 30) for hour in range(count)
    )
    if count <= opening.MAX_PERIODS_A_DAY:
        opening.check_schedule(OpeningSchedule(periods))
    else:
        with pytest.raises(opening.TooManyOpeningPeriods):
            opening.check_schedule(OpeningSchedule(periods))


def test_a_store_has_a_most_of_exceptions() -> None:
    exceptions = tuple(
        OpeningException(date(2026, 1, 1) + ahead * DAY, ())
        for ahead in range(opening.MAX_EXCEPTIONS + 1)
    )
    opening.check_schedule(OpeningSchedule((), exceptions[1:]))
    with pytest.raises(opening.TooManyOpeningPeriods):
        opening.check_schedule(OpeningSchedule((), exceptions))
