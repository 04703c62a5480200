"""Provinces, cities, branches, associations and the days on which the country rests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from backend.core import calendar, text
from backend.core.errors import BadUserInput, NotFound, sentences
from backend.core.geo import GeoBounds, GeoPoint


class ProvinceMissing(NotFound):
    """No province has this code."""


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
class City:
    """A city and its centre."""

    province_code: str
    name_fa: str
    name_en: str
    center: GeoPoint
    population: int


@dataclass(frozen=True, slots=True)
class Unit:
    """A branch of the organization or a pensioners' association, by its code."""

    code: str
    name: str
    province_code: str
    city: str


@dataclass(frozen=True, slots=True)
class UnitName:
    """A branch or an association, as a member's file names it by its code."""

    id: int
    code: str
    name: str


def center_of(
    city: str | None, *, cities: Iterable[City], provinces: Iterable[Province], province_code: str
) -> GeoPoint:
    """The centre of a province's city, however its name is spelt; else that of the capital.

    Raises ProvinceMissing.
    """
    if city is not None:
        wanted = text.fold_compact(city)
        for each in cities:
            names = (each.name_fa, each.name_en)
            if each.province_code == province_code and wanted in map(text.fold_compact, names):
                return each.center
    for province in provinces:
        if province.code == province_code:
            return province.center
    raise ProvinceMissing


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
