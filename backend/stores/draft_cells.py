"""The cells of a file of stores: each reader takes one text, or raises what is wrong about it."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from backend.core import identifiers, money, text
from backend.core.geo import GeoBounds, GeoPoint
from backend.infra.sheet_problems import CellEmpty, ProvinceUnknown, TextTooLong, UnknownChoice
from backend.stores.domain import PlaceKind, SettlementMode, StoreCategory, StoreState
from backend.stores.draft_problems import (
    CategoryUnknown,
    InvalidDegrees,
    InvalidStoreCode,
    InvalidWholeNumber,
    OutsideIran,
    TooManyPhones,
)

PROVINCE_SLACK_DEGREES = 0.5  # the box of a province is that of its larger cities, not its border
MAX_PHONES = 10
MAX_NAME_CHARACTERS = 160
MAX_SORT_KEY_CHARACTERS = 320

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,39}")
# Iranians write the decimal sign as a slash too, and spreadsheets of some countries as a comma.
_DEGREES = re.compile(r"([0-9]{1,3})(?:[.٫/,]([0-9]{1,17}))?")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,18}|[0-9]{1,3}(?:[,٬،][0-9]{3}){1,5}")
_PHONE_SEPARATOR = re.compile(r"[;؛|,،\n]")
_PARENTHESES = str.maketrans("", "", "()")
_PROVINCE_WORD = "استان"
_LONG_NUMBER = re.compile(r"\d(?:[\s\u200c]*\d){4,}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProvinceEntry:
    """What a file may call a province, and its approximate box."""

    code: str
    code_before_2020: str
    name_fa: str
    bounds: GeoBounds


@dataclass(frozen=True, slots=True)
class Reference:
    """What the rows of a file refer to; `reference` makes it."""

    category_codes: Mapping[str, str]
    provinces: Mapping[str, ProvinceEntry]
    provinces_before_2020: Mapping[str, ProvinceEntry]


def reference(
    *, categories: Iterable[StoreCategory], provinces: Iterable[ProvinceEntry]
) -> Reference:
    """Return what rows refer to: categories by code and names, provinces by codes and name."""
    by_category: dict[str, str] = {}
    listed = tuple(categories)
    for category in listed:
        by_category.setdefault(text.fold_compact(category.name_fa), category.code)
        by_category.setdefault(text.fold_compact(category.name_en), category.code)
    by_category |= {code_key(category.code): category.code for category in listed}
    entries = tuple(provinces)
    names = {
        text.fold_compact(prefix + entry.name_fa): entry
        for entry in entries
        for prefix in ("", _PROVINCE_WORD)
    }
    return Reference(
        category_codes=by_category,
        provinces=names | {code_key(entry.code): entry for entry in entries},
        provinces_before_2020=names
        | {code_key(entry.code_before_2020): entry for entry in entries},
    )


def filled(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return `parse` with an empty cell refused: raises CellEmpty."""

    def parse_filled(cell: str) -> T:
        if not cell:
            raise CellEmpty
        return parse(cell)

    return parse_filled


def display_text(most: int) -> Callable[[str], str]:
    """Return a reader of text to show. Raises CellEmpty or TextTooLong."""

    def parse(cell: str) -> str:
        cleaned = text.clean_name(cell)
        if not cleaned:
            raise CellEmpty
        if len(cleaned) > most:
            raise TextTooLong(most=most)
        return cleaned

    return parse


def store_name(cell: str) -> str:
    """Return a name that its columns take, the derived ones too. Raises CellEmpty or TextTooLong."""
    name = display_text(MAX_NAME_CHARACTERS)(cell)
    # Some signs are words when folded (U+FDFA has 18 letters), and the folded forms are stored too.
    too_long = len(text.fold_compact(name)) > MAX_NAME_CHARACTERS
    if too_long or len(text.persian_sort_key(name)) > MAX_SORT_KEY_CHARACTERS:
        raise TextTooLong(most=MAX_NAME_CHARACTERS)
    return name


def choice(choices: Mapping[str, T]) -> Callable[[str], T]:
    """Return a reader of one of some words, however they are spelt. Raises UnknownChoice."""

    def parse(cell: str) -> T:
        found = choices.get(text.fold_compact(cell))
        if found is None:
            raise UnknownChoice(choices=", ".join(dict.fromkeys(map(str, choices.values()))))
        return found

    return parse


def category(known: Reference) -> Callable[[str], str]:
    """Return a reader of a category, by code or name, that gives its code. Raises CategoryUnknown."""

    def parse(cell: str) -> str:
        codes = known.category_codes
        code = codes.get(code_key(cell)) or codes.get(text.fold_compact(cell))
        if code is None:
            raise CategoryUnknown
        return code

    return parse


def province(entries: Mapping[str, ProvinceEntry]) -> Callable[[str], ProvinceEntry | None]:
    """Return a reader of a province, by code or name, that never gives None. Raises ProvinceUnknown."""

    def parse(cell: str) -> ProvinceEntry | None:
        entry = entries.get(code_key(cell)) or entries.get(text.fold_compact(cell))
        if entry is None:
            raise ProvinceUnknown
        return entry

    return parse


def degrees(least: float, most: float) -> Callable[[str], float]:
    """Return a reader of decimal degrees between two bounds. Raises InvalidDegrees or OutsideIran."""

    def parse(cell: str) -> float:
        match = _DEGREES.fullmatch(text.to_ascii_digits(text.strip_bidi_controls(cell)))
        if match is None:
            raise InvalidDegrees
        number = float(f"{match[1]}.{match[2] or 0}")
        if not least <= number <= most:
            raise OutsideIran
        return number

    return parse


def is_near(point: GeoPoint, box: GeoBounds) -> bool:
    """Tell whether a point lies in the box of a province or little beyond."""
    slack = PROVINCE_SLACK_DEGREES
    return (
        box.south - slack <= point.latitude <= box.north + slack
        and box.west - slack <= point.longitude <= box.east + slack
    )


def phones(cell: str) -> tuple[str, ...]:
    """Return the numbers as E.164, each once. Raises TooManyPhones or InvalidPhone."""
    typed = [part for part in _PHONE_SEPARATOR.split(cell.translate(_PARENTHESES)) if part.strip()]
    if len(typed) > MAX_PHONES:
        raise TooManyPhones(most=MAX_PHONES)
    return tuple(dict.fromkeys(map(identifiers.normalize_phone, typed)))


def whole_number(cell: str) -> int:
    """Return a number; commas may group its digits by three. Raises InvalidWholeNumber."""
    typed = text.to_ascii_digits(text.strip_bidi_controls(cell))
    if _WHOLE_NUMBER.fullmatch(typed) is None:
        raise InvalidWholeNumber
    number = int(re.sub("[,٬،]", "", typed))
    return min(number, money.MAX_RIALS + 1)  # refused by the terms, and fit for their columns


def code_key(code: str) -> str:
    """Return the form in which codes are compared: with punctuation, without case."""
    return text.to_ascii_digits(text.strip_bidi_controls(code)).strip().casefold()


def store_code(cell: str) -> str:
    """Return a store's code in ASCII and capitals: `op-1` is `OP-1`. Raises InvalidStoreCode."""
    code = text.to_ascii_digits(text.strip_bidi_controls(cell).strip())
    if _CODE.fullmatch(code) is None:
        raise InvalidStoreCode
    return code.upper()


def without_numbers(shown: str) -> str:
    """Return a text fit for a report: without what may be a phone, a national code or an IBAN."""
    return _LONG_NUMBER.sub("…", shown)


def _named(choices: Mapping[T, tuple[str, ...]]) -> dict[str, T]:
    """Each value by its own name and its Persian ones."""
    return {
        text.fold_compact(name): value
        for value, names in choices.items()
        for name in (str(value), *names)
    }


KINDS = _named(
    {
        PlaceKind.STORE: ("فروشگاه",),
        PlaceKind.CLINIC: ("درمانگاه",),
        PlaceKind.BRANCH: ("شعبه",),
        PlaceKind.ASSOCIATION: ("کانون",),
    }
)
STATES = _named({StoreState.ACTIVE: ("فعال",), StoreState.SUSPENDED: ("معلق",)})
MODES = _named(
    {
        SettlementMode.AS_COLLECTED: ("پس از وصول",),
        SettlementMode.AT_ONCE: ("یکجا",),
    }
)
ANSWERS = _named({"yes": ("بله", "1", "true"), "no": ("خیر", "0", "false")})
