"""The Jalali calendar agrees with the official one, and its months never drift."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from persiantools.jdatetime import JalaliDate

from backend.core import calendar
from backend.core.calendar import Weekday
from backend.core.locale import Locale

FIRST = calendar.first_day(130001)
LAST = calendar.last_day(150012)
days = st.dates(min_value=FIRST, max_value=LAST)
months = st.builds(
    lambda year, number: year * 100 + number, st.integers(1300, 1500), st.integers(1, 12)
)
MALFORMED_DATES = [
    "",
    "1405",
    "1405-09",
    "1405-9-1",
    "1405/09/01",
    "1405-09-01 ",
    " 1405-09-01",
    "1405-09-01\n",
    "1405-09-01T00:00",
    "+1405-09-01",
    "14050901",
    "१४०५-०९-०१",
    "²²²²-09-01",
]


@pytest.mark.parametrize(
    ("month", "day"),
    [
        (140301, date(2024, 3, 20)),
        (140401, date(2025, 3, 21)),
        (140501, date(2026, 3, 21)),
        (140801, date(2029, 3, 20)),
    ],
)
def test_the_year_begins_on_its_official_day(month: int, day: date) -> None:
    assert calendar.first_day(month) == day
    assert calendar.month_of(day) == month
    assert calendar.month_of(day - timedelta(days=1)) == calendar.add_months(month, -1)


def test_the_leap_years_around_now_are_the_official_ones() -> None:
    leap_years = [year for year in range(1395, 1413) if calendar.is_leap_year(year)]

    assert leap_years == [1395, 1399, 1403, 1408, 1412]


@pytest.mark.parametrize("year", [1199, 1501, 0, -1, 10**30])
def test_a_year_outside_the_calendar_has_no_leap_day_to_tell(year: int) -> None:
    with pytest.raises(calendar.InvalidJalaliDate):
        calendar.is_leap_year(year)


def test_the_months_have_their_lengths() -> None:
    lengths = [calendar.days_in_month(140500 + number) for number in range(1, 13)]

    assert lengths == [31, 31, 31, 31, 31, 31, 30, 30, 30, 30, 30, 29]
    assert calendar.days_in_month(140812) == 30


def test_the_months_of_two_centuries_follow_each_other_without_a_gap() -> None:
    month = 130001
    for _ in range(12 * 200):
        following = calendar.add_months(month, 1)
        assert calendar.last_day(month) + timedelta(days=1) == calendar.first_day(following)
        month = following
    assert month == 150001


@given(days)
def test_a_date_survives_writing_and_reading(day: date) -> None:
    assert calendar.parse_jalali_date(calendar.format_jalali_date(day)) == day


@given(days)
def test_a_date_is_written_as_persiantools_writes_it(day: date) -> None:
    jalali = JalaliDate(day)  # type: ignore[no-untyped-call]  # persiantools

    assert calendar.format_jalali_date(day) == jalali.isoformat()
    assert calendar.month_of(day) == jalali.year * 100 + jalali.month
    assert calendar.weekday_of(day) == jalali.weekday()


@pytest.mark.parametrize("text", ["1405-09-01", "۱۴۰۵-۰۹-۰۱", "١٤٠٥-٠٩-٠١", "۱۴۰5-09-۰۱"])
def test_a_date_is_read_in_latin_persian_and_arabic_digits(text: str) -> None:
    assert calendar.parse_jalali_date(text) == date(2026, 11, 22)


@pytest.mark.parametrize("text", MALFORMED_DATES)
def test_a_date_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(calendar.InvalidJalaliDate):
        calendar.parse_jalali_date(text)


@pytest.mark.parametrize(
    "text",
    ["1405-00-01", "1405-13-01", "1405-01-00", "1405-01-32", "1405-07-31", "1405-12-30"],
)
def test_a_day_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(calendar.InvalidJalaliDate):
        calendar.parse_jalali_date(text)


def test_the_leap_day_exists_in_a_leap_year() -> None:
    assert calendar.parse_jalali_date("1408-12-30") == date(2030, 3, 20)


@pytest.mark.parametrize("text", ["2026-11-22", "1501-01-01", "1199-12-29", "0000-01-01"])
def test_a_year_outside_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(calendar.InvalidJalaliDate):
        calendar.parse_jalali_date(text)


@pytest.mark.parametrize("day", [date.min, date(622, 1, 1), date(1821, 3, 20), date.max])
def test_a_day_outside_the_calendar_is_not_written(day: date) -> None:
    with pytest.raises(calendar.InvalidJalaliDate):
        calendar.format_jalali_date(day)
    with pytest.raises(calendar.InvalidJalaliDate):
        calendar.month_of(day)


@given(st.text())
def test_any_text_is_a_date_or_is_refused(text: str) -> None:
    try:
        day = calendar.parse_jalali_date(text)
    except calendar.InvalidJalaliDate:
        return
    assert calendar.parse_jalali_date(calendar.format_jalali_date(day)) == day


@given(months)
def test_a_month_survives_writing_and_reading(month: int) -> None:
    assert calendar.parse_month(calendar.format_month(month)) == month


def test_a_month_is_written_with_a_dash() -> None:
    assert calendar.format_month(140509) == "1405-09"
    assert calendar.parse_month("۱۴۰۵-۰۹") == 140509


@pytest.mark.parametrize(
    "text", ["", "140509", "1405-9", "1405-00", "1405-13", "1405-09-01", "2026-11", "1405-09\n"]
)
def test_another_form_of_a_month_is_refused(text: str) -> None:
    with pytest.raises(calendar.InvalidJalaliMonth):
        calendar.parse_month(text)


@pytest.mark.parametrize("month", [140500, 140513, 119912, 150101, 0, -140509, 10**30])
def test_a_number_that_is_no_month_is_refused(month: int) -> None:
    for use in (
        calendar.format_month,
        calendar.first_day,
        calendar.last_day,
        calendar.days_in_month,
        lambda wrong: calendar.add_months(wrong, 0),
    ):
        with pytest.raises(calendar.InvalidJalaliMonth):
            use(month)


@pytest.mark.parametrize(
    ("month", "count", "later"),
    [
        (140509, 0, 140509),
        (140509, 3, 140512),
        (140509, 4, 140601),
        (140501, -1, 140412),
        (140509, 60, 141009),
        (140512, -24, 140312),
    ],
)
def test_months_are_counted_across_years(month: int, count: int, later: int) -> None:
    assert calendar.add_months(month, count) == later


@given(months, st.integers(-1_200, 0))
def test_counting_months_there_and_back_ends_where_it_began(month: int, count: int) -> None:
    assert calendar.add_months(calendar.add_months(month, count), -count) == month


@pytest.mark.parametrize(("month", "count"), [(150012, 1), (120001, -1), (140509, 10**30)])
def test_a_month_beyond_the_calendar_is_refused(month: int, count: int) -> None:
    with pytest.raises(calendar.InvalidJalaliMonth):
        calendar.add_months(month, count)


def test_day_31_falls_on_the_last_day_of_shorter_months_and_does_not_drift() -> None:
    schedule = [calendar.add_months(140506, number) for number in range(9)]

    written = [calendar.format_jalali_date(calendar.day_in_month(month, 31)) for month in schedule]

    assert written == [
        "1405-06-31",
        "1405-07-30",
        "1405-08-30",
        "1405-09-30",
        "1405-10-30",
        "1405-11-30",
        "1405-12-29",
        "1406-01-31",
        "1406-02-31",
    ]


def test_day_30_falls_on_the_leap_day_of_a_leap_year() -> None:
    assert calendar.day_in_month(140812, 30) == date(2030, 3, 20)
    assert calendar.day_in_month(140512, 30) == date(2027, 3, 20)


@given(months, st.integers(1, 31))
def test_a_wanted_day_stays_in_its_month(month: int, wanted: int) -> None:
    day = calendar.day_in_month(month, wanted)

    assert calendar.month_of(day) == month
    assert day == calendar.last_day(month) or day == calendar.first_day(month) + timedelta(
        days=wanted - 1
    )


@pytest.mark.parametrize("day", [0, -1, 32])
def test_a_day_that_no_month_has_is_refused(day: int) -> None:
    with pytest.raises(calendar.InvalidJalaliDate):
        calendar.day_in_month(140501, day)


def test_the_week_starts_on_saturday() -> None:
    saturday = date(2026, 11, 21)

    week = [calendar.weekday_of(saturday + timedelta(days=number)) for number in range(7)]

    assert week == list(Weekday)
    assert week[0] is Weekday.SATURDAY
    assert week[6] is Weekday.FRIDAY


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 2, 11), "پیروزی انقلاب اسلامی"),
        (date(2026, 3, 24), "عید نوروز"),
        (date(2026, 6, 5), "قیام ۱۵ خرداد"),
        (date(2026, 6, 25), "عاشورای حسینی"),
        (date(2026, 3, 21), "جشن نوروز؛ عید سعید فطر"),
        (date(2026, 8, 12), "رحلت رسول اکرم؛ شهادت امام حسن مجتبی علیه السلام"),
        (date(2026, 11, 22), None),
    ],
)
def test_a_public_holiday_has_its_persian_name(day: date, name: str | None) -> None:
    assert calendar.public_holiday_name(day) == name


def test_a_friday_is_no_public_holiday() -> None:
    friday = date(2026, 11, 27)

    assert calendar.weekday_of(friday) is Weekday.FRIDAY
    assert calendar.public_holiday_name(friday) is None


@pytest.mark.parametrize(
    "day", [date(1980, 4, 1), date(2035, 4, 1), date(2100, 4, 1)], ids=lambda day: str(day.year)
)
def test_the_day_of_the_republic_is_known_in_all_years_of_the_package(day: date) -> None:
    assert calendar.public_holiday_name(day) == "روز جمهوری اسلامی"


@pytest.mark.parametrize("day", [date(1979, 12, 31), date(2101, 1, 1), date.min, date.max])
def test_the_holidays_of_unknown_years_are_not_guessed(day: date) -> None:
    with pytest.raises(calendar.HolidaysUnknown):
        calendar.public_holiday_name(day)


def test_a_refused_date_says_how_to_write_it_in_both_languages() -> None:
    refusal = calendar.InvalidJalaliDate(field=("from",))

    assert str(refusal) == "BAD_USER_INPUT (from)"
    assert refusal.hint(Locale.FA) == "تاریخ را به شکل ۱۴۰۵-۰۹-۰۱ بنویسید."
    assert refusal.hint(Locale.EN) == "Write the Jalali date like 1405-09-01."
