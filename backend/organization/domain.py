"""Provinces, branches, associations and the days on which the country rests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from backend.core import calendar
from backend.core.errors import BadUserInput, sentences
from backend.core.geo import GeoBounds, GeoPoint


@dataclass(frozen=True, slots=True)
class Province:
    """One of the 31 provinces; `bounds` is an approximate box, not a border."""

    code: str
    code_before_2020: str
    name_fa: str
    name_en: str
    capital_fa: str
    center: GeoPoint
    bounds: GeoBounds
    geonames_admin1: str
    open_for_members: bool
    open_for_stores: bool


@dataclass(frozen=True, slots=True)
class Unit:
    """A branch of the organization or a pensioners' association, by its code."""

    code: str
    name: str
    province_code: str
    city: str


class UnknownProvince(BadUserInput):
    """A code that is none of the 31 provinces'."""

    texts = sentences(
        fa="استانی با کد «{code}» نیست.", en="There is no province with the code “{code}”."
    )
    hints = sentences(
        fa="کد ایزوی استان را بدهید، مانند IR-07.",
        en="Give the province's ISO code, such as IR-07.",
    )


def holidays_between(first: date, last: date, *, overrides: Mapping[date, bool]) -> frozenset[date]:
    """The public holidays of these days, both included: the calendar's, as the government changed them.

    Fridays are no holidays in this sense.
    """
    return frozenset(
        day
        for day in _days(first, last)
        if overrides.get(day, calendar.public_holiday_name(day) is not None)
    )


def _days(first: date, last: date) -> Iterable[date]:
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
