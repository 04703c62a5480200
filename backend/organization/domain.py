"""Provinces, cities, branches, associations and the days on which the country rests."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from backend.core import calendar, text
from backend.core.errors import BadUserInput, sentences
from backend.core.geo import GeoBounds, GeoPoint

MAX_SEARCH_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Province:
    """One of the 31 provinces; `bounds` is an approximate box, not a border.

    The members of a province that was ever opened sign in; those of one that is open now buy as well.
    """

    code: str
    code_before_2020: str
    name_fa: str
    name_en: str
    capital_fa: str
    center: GeoPoint
    bounds: GeoBounds
    geonames_admin1: str
    open_for_members: bool
    was_ever_open_for_members: bool
    open_for_stores: bool


@dataclass(frozen=True, slots=True)
class City:
    """A city and its centre."""

    name_fa: str
    name_en: str
    center: GeoPoint


@dataclass(frozen=True, slots=True)
class Unit:
    """A branch of the organization or a pensioners' association, by its code."""

    code: str
    name: str
    province_code: str
    city: str


@dataclass(frozen=True, slots=True)
class StoredUnit(Unit):
    """A branch or an association with its id, and with what it is sorted by: Persian alphabetical order."""

    id: int
    sort_key: str


@dataclass(frozen=True, slots=True)
class UnitCodes:
    """The codes by which files name branches and associations."""

    branches: tuple[str, ...]
    associations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnitName:
    """A branch or an association, as a member's file names it by its code."""

    id: int
    code: str
    name: str


def center_of(city: str | None, *, cities: Iterable[City], capital: GeoPoint) -> GeoPoint:
    """The centre of one of a province's cities, however its name is spelt; else that of the capital."""
    if city is not None:
        wanted = text.fold_compact(city)
        for each in cities:
            if wanted in map(text.fold_compact, (each.name_fa, each.name_en)):
                return each.center
    return capital


def is_found(unit: Unit, terms: Sequence[str]) -> bool:
    """Whether each of these folded words begins a word of a unit's name, code or town, however that is spelt."""
    document = text.search_document((unit.name, unit.code, unit.city))
    return all(f" {term}" in document for term in terms)


class UnitSearchInvalid(BadUserInput):
    """A search for an association that is longer than any name."""

    texts = sentences(
        fa="جست‌وجو حداکثر {most} نویسه می‌پذیرد.", en="A search has at most {most} characters."
    )
    hints = sentences(
        fa="بخشی از نام، کد یا شهر کانون را بنویسید.",
        en="Write a part of the association's name, code or town.",
    )


class UnknownProvince(BadUserInput):
    """A code that is none of the 31 provinces'."""

    texts = sentences(
        fa="استانی با کد «{code}» نیست.", en="There is no province with the code “{code}”."
    )
    hints = sentences(
        fa="کد ایزوی استان را بدهید، مانند IR-07.",
        en="Give the province's ISO code, such as IR-07.",
    )


class UnknownAssociation(BadUserInput):
    """An id that is no association's."""

    texts = sentences(fa="این کانون پیدا نشد.", en="There is no such association.")
    hints = sentences(
        fa="کانون را از فهرست کانون‌ها برگزینید.", en="Choose one from the list of associations."
    )


@dataclass(frozen=True, slots=True)
class Opening:
    """For whom the club is open in a province."""

    members: bool
    stores: bool


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
