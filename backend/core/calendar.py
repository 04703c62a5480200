"""The Jalali calendar: days, months written as the integer YYYYMM, weekdays and holidays.

A day is a `datetime.date` everywhere; only its reading and writing are Jalali. Years 1200 to 1500
are known: the arithmetic agrees there with the official calendar, and a Gregorian year typed by
mistake is refused.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from enum import IntEnum
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import holidays
from persiantools.jdatetime import JalaliDate

from backend.core import errors, text

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_YEAR = 1200
LAST_YEAR = 1500
# The package `holidays` knows Iran from 1980 to 2100; every day of these Gregorian years is known.
FIRST_HOLIDAY_YEAR = 1980
LAST_HOLIDAY_YEAR = 2100

_MONTHS = 12
_LONGEST_MONTH_DAYS = 31
_DIGIT = "[0-9۰-۹٠-٩]"
_DATE = re.compile(f"({_DIGIT}{{4}})-({_DIGIT}{{2}})-({_DIGIT}{{2}})")
_MONTH = re.compile(f"({_DIGIT}{{4}})-({_DIGIT}{{2}})")


class InvalidJalaliDate(errors.BadUserInput):
    """A text or a number that names no day of the Jalali years 1200 to 1500."""

    texts = errors.sentences(
        fa="این تاریخ در تقویم خورشیدی وجود ندارد یا درست نوشته نشده است.",
        en="This is not a date of the Jalali calendar, or it is not written as it should be.",
    )
    hints = errors.sentences(
        fa="تاریخ را به شکل ۱۴۰۵-۰۹-۰۱ بنویسید.",
        en="Write the Jalali date like 1405-09-01.",
    )


class InvalidJalaliMonth(errors.BadUserInput):
    """A text or a number that names no month of the Jalali years 1200 to 1500."""

    texts = errors.sentences(
        fa="این ماه در تقویم خورشیدی وجود ندارد یا درست نوشته نشده است.",
        en="This is not a month of the Jalali calendar, or it is not written as it should be.",
    )
    hints = errors.sentences(
        fa="ماه را به شکل ۱۴۰۵-۰۹ بنویسید.",
        en="Write the Jalali month like 1405-09.",
    )


class HolidaysUnknown(errors.BadUserInput):
    """A day outside the years whose public holidays are known."""

    texts = errors.sentences(
        fa="تعطیلی‌های رسمی این سال را نمی‌دانیم.",
        en="The public holidays of this year are not known.",
    )
    hints = errors.sentences(
        fa="تاریخی از سال ۱۳۵۹ تا ۱۴۷۸ بدهید.",
        en="Give a date of the Jalali years 1359 to 1478.",
    )


class Weekday(IntEnum):
    """A day of the Iranian week, which starts on Saturday; Friday is the weekly holiday."""

    SATURDAY = 0
    SUNDAY = 1
    MONDAY = 2
    TUESDAY = 3
    WEDNESDAY = 4
    THURSDAY = 5
    FRIDAY = 6


def weekday_of(day: date) -> Weekday:
    """Return the day's place in the Iranian week."""
    return Weekday((day.weekday() + 2) % 7)


def parse_jalali_date(written: str) -> date:
    """Read a Jalali date such as `1405-09-01`, in Latin, Persian or Arabic digits.

    Raises InvalidJalaliDate.
    """
    match = _DATE.fullmatch(written)
    if match is None:
        raise InvalidJalaliDate
    year, month, day = (int(part) for part in match.groups())
    return _gregorian(year, month, day)


def format_jalali_date(day: date) -> str:
    """Write a day as `1405-09-01`, in ASCII digits; raises InvalidJalaliDate."""
    jalali = _jalali(day)
    return f"{jalali.year:04}-{jalali.month:02}-{jalali.day:02}"


def parse_month(written: str) -> int:
    """Read a Jalali month such as `1405-09` as 140509; raises InvalidJalaliMonth."""
    match = _MONTH.fullmatch(written)
    if match is None:
        raise InvalidJalaliMonth
    year, month = (int(part) for part in match.groups())
    return _checked_month(year * 100 + month)


def format_month(month: int) -> str:
    """Write the month 140509 as `1405-09`, in ASCII digits; raises InvalidJalaliMonth."""
    year, number = divmod(_checked_month(month), 100)
    return f"{year:04}-{number:02}"


def month_of(day: date) -> int:
    """Return the Jalali month YYYYMM of a day; raises InvalidJalaliDate."""
    jalali = _jalali(day)
    return jalali.year * 100 + jalali.month


def add_months(month: int, count: int) -> int:
    """Return the month `count` months later, or earlier where negative; raises InvalidJalaliMonth.

    Count from the first month of a plan and not from its last one found, and take the day by
    `day_in_month`: so a wanted day 31 comes back after the shorter months.
    """
    year, number = divmod(_checked_month(month), 100)
    years, months = divmod(number - 1 + count, _MONTHS)
    return _checked_month((year + years) * 100 + months + 1)


def days_in_month(month: int) -> int:
    """Return 31 for months 1 to 6, 30 for 7 to 11, 29 or 30 for Esfand.

    Raises InvalidJalaliMonth.
    """
    year, number = divmod(_checked_month(month), 100)
    return int(JalaliDate.days_in_month(number, year))


def first_day(month: int) -> date:
    """Return the first day of a month; raises InvalidJalaliMonth."""
    year, number = divmod(_checked_month(month), 100)
    return _gregorian(year, number, 1)


def last_day(month: int) -> date:
    """Return the last day of a month; raises InvalidJalaliMonth."""
    return first_day(month) + timedelta(days=days_in_month(month) - 1)


def day_in_month(month: int, day: int) -> date:
    """Return the wanted `day` (1 to 31) of a month, or its last day where the month is shorter.

    Raises InvalidJalaliMonth, and InvalidJalaliDate for a day that no month has.
    """
    if not 1 <= day <= _LONGEST_MONTH_DAYS:
        raise InvalidJalaliDate
    return first_day(month) + timedelta(days=min(day, days_in_month(month)) - 1)


def is_leap_year(year: int) -> bool:
    """Return whether Esfand of a Jalali year has 30 days; raises InvalidJalaliDate."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InvalidJalaliDate
    return bool(JalaliDate.is_leap(year))


def public_holiday_name(day: date) -> str | None:
    """Return the Persian name of Iran's public holiday on a day, None where it is none.

    Fridays are no holidays here. Days ruled by the moon are marked «تخمینی» in years whose
    calendar is not settled yet. Raises HolidaysUnknown outside 1980 to 2100 (Gregorian), so that
    ignorance is never taken for a working day.
    """
    if not FIRST_HOLIDAY_YEAR <= day.year <= LAST_HOLIDAY_YEAR:
        raise HolidaysUnknown
    return _holiday_names(day.year).get(day)


# A request asks about this year or the next; the bound keeps hostile dates from filling memory.
@lru_cache(maxsize=16)
def _holiday_names(gregorian_year: int) -> Mapping[date, str]:
    found = holidays.country_holidays("IR", years=gregorian_year, language="fa_IR")
    return MappingProxyType({day: _tidy(name) for day, name in found.items()})


def _tidy(name: str) -> str:
    """Set a name of the package as Persian print does: digits, semicolons and a missing space."""
    spaced = "؛ ".join(part.strip() for part in re.split("[;؛]", name))
    return text.to_persian_digits(spaced.replace("عیدنوروز", "عید نوروز"))


def _checked_month(month: int) -> int:
    year, number = divmod(month, 100)
    if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= number <= _MONTHS):
        raise InvalidJalaliMonth
    return month


def _gregorian(year: int, month: int, day: int) -> date:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InvalidJalaliDate
    try:
        jalali = JalaliDate(year, month, day)  # type: ignore[no-untyped-call]  # persiantools
        return jalali.to_gregorian()
    except ValueError as error:
        raise InvalidJalaliDate from error


def _jalali(day: date) -> JalaliDate:
    try:
        jalali: JalaliDate = JalaliDate.to_jalali(day)  # type: ignore[no-untyped-call]  # persiantools
    except ValueError as error:  # before the calendar's own first year
        raise InvalidJalaliDate from error
    if not FIRST_YEAR <= jalali.year <= LAST_YEAR:
        raise InvalidJalaliDate
    return jalali
