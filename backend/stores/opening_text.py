"""The written form of opening hours, as CSV files and forms hold it.

    شنبه-چهارشنبه 09:00-13:00,17:00-21:00; پنجشنبه 20:00-02:00; جمعه تعطیل
    1405-09-01 تعطیل; 1405-10-02 10:00-14:00

Entries are parted by `;`. An entry names days, then their periods parted by `,`, or تعطیل (closed).
Days are names, or ranges of them, parted by `,`; a range may pass the end of the week
(پنجشنبه-شنبه). A day that is not named is closed, and none is named twice. A period that closes at
or before its opening runs over midnight; 24:00 is the end of the day, so a whole day is
00:00-24:00. In exceptions an entry names one Jalali date.

Read as well: Persian and Arabic digits; `؛` and `،`; «تا», «الی» and other dashes for `-`; «و» for
`,`; day names with a space or ZWNJ inside; English names (sat, Saturday); هر روز, همه‌روزه or daily
for all seven; closed; شبانه‌روزی for a whole day; 1405/9/1; a last `;`. What is written is always
the form above, from Saturday to Friday.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from backend.core import calendar, text
from backend.core.calendar import Weekday
from backend.core.errors import BadUserInput, sentences
from backend.core.locale import Locale
from backend.stores import opening

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_TEXT_CHARACTERS = 32_767  # as many as a spreadsheet's cell holds

_CLOSED = "تعطیل"
_CLOSED_WORDS = frozenset({_CLOSED, "closed"})
_ALL_DAY_WORD = "شبانهروزی"  # as `_squeezed` leaves it
_EVERY_DAY_WORDS = frozenset({"هرروز", "همهروزه", "همهٔروزها", "همهروزها", "daily"})
_SHOWN_CHARACTERS = 40

_ENTRY_END = re.compile(r"[;؛]")
_COMMA = re.compile(r"[,،]|\sو\s")
_DASH = re.compile(r"[-\u2010-\u2015\u2212]|\s(?:تا|الی)\s")
_SPAN = re.compile(
    rf"([0-9]{{1,2}}):([0-5][0-9])\s*(?:{_DASH.pattern})\s*([0-9]{{1,2}}):([0-5][0-9])"
)
_HOURS = re.compile(rf"[0-9]{{1,2}}:|{_CLOSED}|closed|شبانه", re.IGNORECASE)
_DATE = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")


class InvalidOpeningText(BadUserInput):
    """A part of a text is not in the notation of opening hours."""

    texts = sentences(
        fa="بخش «{part}» از ساعت کاری خوانده نشد.",
        en="The part “{part}” of the opening hours cannot be read.",
    )
    hints = sentences(
        fa="مانند این نمونه بنویسید: شنبه-چهارشنبه 09:00-13:00,17:00-21:00; جمعه تعطیل "
        "یا برای یک تاریخ: 1405-09-01 تعطیل",
        en="Write it like: sat-wed 09:00-13:00,17:00-21:00; fri closed "
        "or, for a date: 1405-09-01 closed",
    )

    def __init__(self, part: str) -> None:
        super().__init__(part=part.strip()[:_SHOWN_CHARACTERS])


class RepeatedOpeningDay(BadUserInput):
    """A weekday is named by two entries, so that one of them may be a slip."""

    texts = sentences(
        fa="{day_fa} بیش از یک بار در ساعت کاری آمده است.",
        en="{day_en} is named more than once in the opening hours.",
    )
    hints = sentences(
        fa="همهٔ بازه‌های یک روز را با ویرگول پشت سر هم بنویسید.",
        en="Write all periods of a day in one entry, parted by commas.",
    )


def format_weekly(periods: Iterable[opening.OpeningPeriod]) -> str:
    """Write the week; neighbouring days with the same hours share an entry."""
    hours: dict[Weekday, list[tuple[int, int]]] = {day: [] for day in Weekday}
    for period in periods:
        hours[period.weekday].append((period.opens_minute, period.closes_minute))
    entries = []
    for written, group in groupby(Weekday, key=lambda day: _format_hours(hours[day])):
        days = [opening.WEEKDAY_NAMES[Locale.FA][day] for day in group]
        named = days[0] if len(days) == 1 else f"{days[0]}-{days[-1]}"
        entries.append(f"{named} {written}")
    return "; ".join(entries)


def parse_weekly(written: str) -> tuple[opening.OpeningPeriod, ...]:
    """Read and check a week; gives the periods in order, none for a week that is all closed.

    Raises InvalidOpeningText (also for an empty text, which does not say that a store is closed),
    RepeatedOpeningDay and the errors of `opening.check_weekly`.
    """
    hours: dict[Weekday, list[tuple[int, int]]] = {}
    for named, spans in _entries(written):
        for weekday in _parse_days(named):
            if weekday in hours:
                day_fa, day_en = (opening.WEEKDAY_NAMES[each][weekday] for each in Locale)
                raise RepeatedOpeningDay(day_fa=day_fa, day_en=day_en)
            hours[weekday] = spans
    if not hours:
        raise InvalidOpeningText(written)
    periods = tuple(
        opening.OpeningPeriod(weekday, opens, closes)
        for weekday in sorted(hours)
        for opens, closes in sorted(hours[weekday])
    )
    opening.check_weekly(periods)
    return periods


def format_exceptions(exceptions: Iterable[opening.OpeningException]) -> str:
    """Write the exceptions in order of date; none gives an empty text."""
    return "; ".join(
        f"{calendar.format_jalali_date(each.on_date)} {_format_hours(each.periods)}"
        for each in sorted(exceptions, key=lambda each: each.on_date)
    )


def parse_exceptions(written: str) -> tuple[opening.OpeningException, ...]:
    """Read and check exceptions; gives them in order of date, none for an empty text.

    Raises InvalidOpeningText, calendar.InvalidJalaliDate and the errors of
    `opening.check_exceptions`.
    """
    exceptions = []
    for named, spans in _entries(written):
        match = _DATE.fullmatch(named)
        if match is None:
            raise InvalidOpeningText(named)
        on_date = calendar.parse_jalali_date(
            f"{match[1]}-{match[2].rjust(2, '0')}-{match[3].rjust(2, '0')}"
        )
        exceptions.append(opening.OpeningException(on_date, tuple(sorted(spans))))
    opening.check_exceptions(exceptions)
    return tuple(sorted(exceptions, key=lambda each: each.on_date))


def _format_hours(spans: Iterable[tuple[int, int]]) -> str:
    shown = (
        f"{opening.clock_text(opens)}-{opening.clock_text(closes)}"
        for opens, closes in sorted(spans)
    )
    return ",".join(shown) or _CLOSED


def _entries(written: str) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Yield what each entry names, and its periods."""
    if len(written) > MAX_TEXT_CHARACTERS:
        raise InvalidOpeningText(written)
    entries = _ENTRY_END.split(text.to_ascii_digits(text.clean_name(written)))
    if not entries[-1].strip():
        entries.pop()
    for entry in entries:
        hours = _HOURS.search(entry)
        named = entry[: hours.start()].strip() if hours else ""
        if hours is None or not named:
            raise InvalidOpeningText(entry)
        yield named, _parse_hours(entry[hours.start() :])


def _parse_days(named: str) -> Iterator[Weekday]:
    if _squeezed(named) in _EVERY_DAY_WORDS:
        yield from Weekday
        return
    for part in _COMMA.split(named):
        ends = [_WEEKDAYS.get(_squeezed(name)) for name in _DASH.split(part, maxsplit=1)]
        first, last = ends[0], ends[-1]
        if first is None or last is None:
            raise InvalidOpeningText(part)
        for ahead in range((last - first) % 7 + 1):
            yield Weekday((first + ahead) % 7)


def _parse_hours(written: str) -> list[tuple[int, int]]:
    if _squeezed(written) in _CLOSED_WORDS:
        return []
    return [_parse_span(part) for part in _COMMA.split(written)]


def _parse_span(part: str) -> tuple[int, int]:
    if _squeezed(part) == _ALL_DAY_WORD:
        return 0, opening.MINUTES_A_DAY
    match = _SPAN.fullmatch(part.strip())
    if match is None:
        raise InvalidOpeningText(part)
    opens, closes = (int(match[end]) * 60 + int(match[end + 1]) for end in (1, 3))
    if opens >= opening.MINUTES_A_DAY or closes > opening.MINUTES_A_DAY:
        raise InvalidOpeningText(part)
    return opens, closes if closes > opens else closes + opening.MINUTES_A_DAY


def _squeezed(name: str) -> str:
    return re.sub(r"[\s\u200c]", "", name).lower()


_WEEKDAYS = {
    _squeezed(name): day
    for day in Weekday
    for full in (names[day] for names in opening.WEEKDAY_NAMES.values())
    for name in (full, full[:3] if full.isascii() else full)
}
