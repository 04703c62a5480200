"""The notation of opening hours: what is written is read again, and what people write is read."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core import calendar
from backend.core.calendar import Weekday
from backend.core.locale import Locale
from backend.stores import opening, opening_text
from backend.stores.opening import OpeningException, OpeningPeriod

SPLIT_WEEK = (
    *(
        OpeningPeriod(day, *hours)
        for day in list(Weekday)[:5]
        for hours in ((540, 780), (1020, 1260))
    ),
    OpeningPeriod(Weekday.THURSDAY, 540, 840),
)
SPLIT_WEEK_TEXT = "شنبه-چهارشنبه 09:00-13:00,17:00-21:00; پنجشنبه 09:00-14:00; جمعه تعطیل"

# Within a day periods are drawn as cuts of 24 hours, so that they never overlap.
cuts = st.lists(st.integers(0, 1440), max_size=6, unique=True).map(sorted)


def in_pairs(minutes: list[int]) -> tuple[tuple[int, int], ...]:
    return tuple(zip(minutes[::2], minutes[1::2], strict=False))


day_spans = cuts.map(in_pairs) | st.tuples(
    st.integers(0, 1439).flatmap(
        lambda opens: st.tuples(st.just(opens), st.integers(opens + 1, opens + 1440))
    )
)


@st.composite
def weeks(draw: st.DrawFn) -> tuple[OpeningPeriod, ...]:
    """Weeks that the check accepts: what would overlap the next day is left out."""
    days = draw(st.lists(day_spans, min_size=7, max_size=7))
    kept: list[OpeningPeriod] = []
    for day in Weekday:
        periods = [OpeningPeriod(day, *span) for span in days[day]]
        try:
            opening.check_weekly([*kept, *periods])
        except opening.OverlappingOpeningPeriods:
            continue
        kept += periods
    return tuple(kept)


@settings(max_examples=100, deadline=None)
@given(weeks())
def test_a_week_that_is_written_is_read_again(week: tuple[OpeningPeriod, ...]) -> None:
    assert opening_text.parse_weekly(opening_text.format_weekly(reversed(week))) == week


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.dates(date(1990, 1, 1), date(2100, 1, 1)), day_spans, max_size=5))
def test_exceptions_that_are_written_are_read_again(
    by_date: dict[date, tuple[tuple[int, int], ...]],
) -> None:
    exceptions = tuple(OpeningException(day, by_date[day]) for day in sorted(by_date))
    written = opening_text.format_exceptions(reversed(exceptions))
    assert opening_text.parse_exceptions(written) == exceptions


def test_neighbouring_days_with_the_same_hours_share_an_entry() -> None:
    assert opening_text.format_weekly(SPLIT_WEEK) == SPLIT_WEEK_TEXT


def test_a_week_that_is_all_closed_is_written_as_closed() -> None:
    assert opening_text.format_weekly(()) == "شنبه-جمعه تعطیل"
    assert opening_text.parse_weekly("شنبه-جمعه تعطیل") == ()


@pytest.mark.parametrize(
    ("hours", "span"),
    [
        ("20:00-02:00", (1200, 1560)),
        ("00:00-24:00", (0, 1440)),
        ("20:00-24:00", (1200, 1440)),
        ("09:00-09:00", (540, 1980)),
        ("23:59-23:58", (1439, 2878)),
    ],
)
def test_hours_over_midnight_and_of_a_whole_day_have_one_form(
    hours: str, span: tuple[int, int]
) -> None:
    period = OpeningPeriod(Weekday.FRIDAY, *span)
    assert opening_text.parse_weekly(f"جمعه {hours}") == (period,)
    assert opening_text.format_weekly([period]) == f"شنبه-پنجشنبه تعطیل; جمعه {hours}"


@pytest.mark.parametrize(
    "written",
    [
        SPLIT_WEEK_TEXT,
        "شنبه-چهارشنبه ۰۹:۰۰-۱۳:۰۰,۱۷:۰۰-۲۱:۰۰; پنج‌شنبه ۰۹:۰۰-۱۴:۰۰",
        "شنبه تا چهارشنبه ۹:۰۰ تا ۱۳:۰۰ و ۱۷:۰۰ تا ۲۱:۰۰؛ پنج شنبه ٩:٠٠ – ١٤:٠٠؛ جمعه تعطیل؛",
        "شنبه الی چهارشنبه 9:00 الي 13:00 و 17:00 الی 21:00؛ پنجشنبه 9:00-14:00",
        "شنبه - چهار‌شنبه 09:00-13:00، 17:00-21:00 ; پنج  شنبه 9:00-14:00",
        "شنبه، يكشنبه، دو شنبه و سه‌شنبه,چهارشنبه 17:00-21:00,09:00-13:00;پنجشنبه 09:00-14:00",
        "sat-wed 09:00-13:00, 17:00-21:00; Thursday 9:00-14:00; FRI closed",
        "\u200fThu 09:00-14:00\u200f;\nSaturday – Wednesday 09:00-13:00,17:00-21:00\n",
    ],
)
def test_the_same_week_is_read_from_what_people_write(written: str) -> None:
    assert opening_text.parse_weekly(written) == SPLIT_WEEK


def test_a_range_of_days_may_pass_the_end_of_the_week() -> None:
    assert opening_text.parse_weekly("پنجشنبه-شنبه 10:00-11:00") == tuple(
        OpeningPeriod(day, 600, 660) for day in (Weekday.SATURDAY, Weekday.THURSDAY, Weekday.FRIDAY)
    )


@pytest.mark.parametrize("word", ["شبانه‌روزی", "شبانه روزی", "شبانهروزی"])
def test_round_the_clock_is_a_whole_day(word: str) -> None:
    week = tuple(OpeningPeriod(day, 0, 1440) for day in Weekday)
    assert opening_text.parse_weekly(f"شنبه-جمعه {word}") == week


@pytest.mark.parametrize("days", ["هر روز", "همه روزه", "همه‌روزه", "همهٔ روزها", "daily"])
def test_every_day_has_words_of_its_own(days: str) -> None:
    week = tuple(OpeningPeriod(day, 480, 1320) for day in Weekday)
    assert opening_text.parse_weekly(f"{days} 8:00-22:00") == week


@pytest.mark.parametrize(
    ("written", "part"),
    [
        ("", ""),
        (" ; ", ""),
        ("تعطیل", "تعطیل"),
        ("شنبه", "شنبه"),
        ("شنبه 09:00", "09:00"),
        ("شنبه 09:00-", "09:00-"),
        ("شنبه 09:00-13:00-15:00", "09:00-13:00-15:00"),
        ("شنبه 09:00-13:60", "09:00-13:60"),
        ("شنبه 24:00-25:00", "24:00-25:00"),
        ("شنبه 23:00-24:01", "23:00-24:01"),
        ("شنبه 09:00-13:00,", ""),
        ("شنبه 09:00-13:00 تعطیل", "09:00-13:00 تعطیل"),
        ("شنبه تعطیل 09:00-13:00", "تعطیل 09:00-13:00"),
        ("شنبه-یکشنبه-دوشنبه تعطیل", "شنبه-یکشنبه-دوشنبه"),
        ("شمبه 09:00-13:00", "شمبه"),
        ("شنبه یکشنبه 09:00-13:00", "شنبه یکشنبه"),
        ("هر روز-شنبه 09:00-13:00", "هر روز-شنبه"),
        ("1405-09-01 تعطیل", "1405-09-01"),
        ("شنبه 9-13", "شنبه 9-13"),
    ],
)
def test_a_week_that_cannot_be_read_is_refused_with_the_part(written: str, part: str) -> None:
    with pytest.raises(opening_text.InvalidOpeningText) as caught:
        opening_text.parse_weekly(written)
    assert caught.value.data == {"part": part}


def test_a_text_beyond_the_limit_is_refused_unread() -> None:
    with pytest.raises(opening_text.InvalidOpeningText):
        opening_text.parse_weekly(SPLIT_WEEK_TEXT + " " * opening_text.MAX_TEXT_CHARACTERS)


def test_a_day_that_is_named_twice_is_refused() -> None:
    with pytest.raises(opening_text.RepeatedOpeningDay) as caught:
        opening_text.parse_weekly("شنبه-دوشنبه 09:00-13:00; یکشنبه تعطیل")
    assert caught.value.message(Locale.EN) == "Sunday is named more than once in the opening hours."


def test_hours_that_overlap_are_refused_when_read() -> None:
    with pytest.raises(opening.OverlappingOpeningPeriods):
        opening_text.parse_weekly("جمعه 20:00-03:00; شنبه 02:00-05:00")


def test_exceptions_are_written_by_jalali_date_in_order() -> None:
    exceptions = (
        OpeningException(date(2026, 12, 23), ((600, 840), (960, 1080))),
        OpeningException(date(2026, 11, 22), ()),
    )
    written = "1405-09-01 تعطیل; 1405-10-02 10:00-14:00,16:00-18:00"
    assert opening_text.format_exceptions(exceptions) == written


def test_no_exceptions_are_an_empty_text() -> None:
    assert opening_text.format_exceptions(()) == ""
    assert opening_text.parse_exceptions(" ") == ()


def test_a_date_is_read_in_persian_digits_and_with_slashes() -> None:
    assert opening_text.parse_exceptions("۱۴۰۵/۹/۱ تعطیل") == (
        OpeningException(date(2026, 11, 22), ()),
    )


def test_a_date_that_does_not_exist_is_refused() -> None:
    with pytest.raises(calendar.InvalidJalaliDate):
        opening_text.parse_exceptions("1405-12-30 تعطیل")


def test_a_date_that_is_given_twice_is_refused() -> None:
    with pytest.raises(opening.RepeatedOpeningException):
        opening_text.parse_exceptions("1405-09-01 تعطیل; 1405/9/1 10:00-14:00")


@pytest.mark.parametrize("written", ["شنبه تعطیل", "1405-09 تعطیل", "1405-09-01", "تعطیل"])
def test_an_exception_without_a_date_or_hours_is_refused(written: str) -> None:
    with pytest.raises(opening_text.InvalidOpeningText):
        opening_text.parse_exceptions(written)


def test_as_many_exceptions_as_a_store_may_have_fit_into_the_text() -> None:
    hours = tuple((240 * place, 240 * place + 120) for place in range(opening.MAX_PERIODS_A_DAY))
    exceptions = tuple(
        OpeningException(date(2026, 3, 21) + timedelta(days=ahead), hours)
        for ahead in range(opening.MAX_EXCEPTIONS)
    )
    written = opening_text.format_exceptions(exceptions)
    assert opening_text.parse_exceptions(written) == exceptions
