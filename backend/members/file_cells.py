"""The cells of a membership file: each reader takes one text, or raises what is wrong about it.

A file has millions of rows and its names, dates and places repeat: their readers remember.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date
from functools import lru_cache
from typing import TypeVar

from backend.core import calendar, clock, identifiers, money, text
from backend.infra.sheet_problems import CellEmpty, ProvinceUnknown, TextTooLong, UnknownChoice
from backend.members.domain import MemberState, PensionKind
from backend.members.file_problems import (
    InvalidBirthDate,
    InvalidPensionNumber,
    InvalidRials,
    InvalidUnitCode,
    NationalCodeShort,
    UnitUnknown,
)

MAX_NAME_CHARACTERS = 80
MAX_NAME_SORT_KEY_CHARACTERS = 159  # two of them and a space fit the column
MAX_CITY_CHARACTERS = 80
MAX_UNIT_CODE_CHARACTERS = 20
PENSION_NUMBER_PATTERN = "[0-9]{6,12}"
FIRST_BIRTH_YEAR_DAY = calendar.first_day(127001)
_REMEMBERED = 65_536

STATES: Mapping[str, MemberState] = {
    "active": MemberState.ACTIVE,
    "فعال": MemberState.ACTIVE,
    "inactive": MemberState.INACTIVE,
    "غیرفعال": MemberState.INACTIVE,
    "deceased": MemberState.DECEASED,
    "فوتشده": MemberState.DECEASED,
    "متوفی": MemberState.DECEASED,
}
KINDS: Mapping[str, PensionKind] = {
    "retirement": PensionKind.RETIREMENT,
    "بازنشستگی": PensionKind.RETIREMENT,
    "survivor": PensionKind.SURVIVOR,
    "بازماندگی": PensionKind.SURVIVOR,
    "بازمانده": PensionKind.SURVIVOR,
    "disability": PensionKind.DISABILITY,
    "ازکارافتادگی": PensionKind.DISABILITY,
}
_FOLDED_STATES = {text.fold_compact(word): state for word, state in STATES.items()}
_FOLDED_KINDS = {text.fold_compact(word): kind for word, kind in KINDS.items()}

_IBAN = re.compile(r"IR[0-9]{24}")
_AMOUNT = re.compile(r"[0-9]{1,18}|[0-9]{1,3}(?:[,٬][0-9]{3}){1,5}")
_ZEROS_LOST = re.compile(r"[1-9][0-9]{7,8}")  # no code begins with three zeros
_UNIT_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,19}")

T = TypeVar("T")


@lru_cache(maxsize=_REMEMBERED)
def name(cell: str) -> str:
    """Return a name to show. Raises CellEmpty or TextTooLong."""
    cleaned = _display_text(cell, MAX_NAME_CHARACTERS)
    if not cleaned:
        raise CellEmpty
    # Some signs are words when folded (U+FDFA has 18 letters), and the key is stored too.
    if len(name_key(cleaned)) > MAX_NAME_SORT_KEY_CHARACTERS:
        raise TextTooLong(most=MAX_NAME_CHARACTERS)
    return cleaned


@lru_cache(maxsize=_REMEMBERED)
def name_key(cleaned: str) -> str:
    """Return the key of one name in the Persian order."""
    return text.persian_sort_key(cleaned)


@lru_cache(maxsize=_REMEMBERED)
def city(cell: str) -> str | None:
    """Return a city's name, None for an empty cell. Raises TextTooLong."""
    return _display_text(cell, MAX_CITY_CHARACTERS) or None


def national_code(cell: str) -> str:
    """Return a national code. Raises CellEmpty, NationalCodeShort or InvalidNationalCode."""
    if not cell:
        raise CellEmpty
    try:
        return identifiers.normalize_national_code(cell)
    except identifiers.InvalidNationalCode:
        if _ZEROS_LOST.fullmatch(text.to_ascii_digits(cell)):
            raise NationalCodeShort from None
        raise


def birth_date(cell: str) -> date:
    """Return a day given in the Jalali calendar, parted by dashes or slashes.

    Raises CellEmpty, InvalidJalaliDate or InvalidBirthDate.
    """
    if not cell:
        raise CellEmpty
    day = _jalali_day(cell)
    if not FIRST_BIRTH_YEAR_DAY <= day <= clock.today():
        raise InvalidBirthDate
    return day


def pension_number(pattern: re.Pattern[str]) -> Callable[[str], str]:
    """Return a reader of pension numbers of a pattern. Raises CellEmpty, InvalidPensionNumber."""

    def parse(cell: str) -> str:
        if not cell:
            raise CellEmpty
        typed = cell if cell.isascii() else text.to_ascii_digits(text.strip_bidi_controls(cell))
        if pattern.fullmatch(typed) is None:
            raise InvalidPensionNumber
        return typed

    return parse


def pension_kind(cell: str) -> PensionKind:
    """Return what the pension is paid for. Raises CellEmpty or UnknownChoice."""
    return _chosen(cell, KINDS, _FOLDED_KINDS)


def state(cell: str) -> MemberState:
    """Return the state; a file freezes nobody. Raises CellEmpty or UnknownChoice."""
    return _chosen(cell, STATES, _FOLDED_STATES)


def province(codes: Mapping[str, str]) -> Callable[[str], str]:
    """Return a reader of provinces that gives today's code.

    `codes` has them by `province_key`. Raises CellEmpty or ProvinceUnknown.
    """
    plain = {code.upper(): found for code, found in codes.items()}

    def parse(cell: str) -> str:
        found = plain.get(cell)
        if found is not None:
            return found
        if not cell:
            raise CellEmpty
        found = codes.get(province_key(cell)) or codes.get(text.fold_compact(cell))
        if found is None:
            raise ProvinceUnknown
        return found

    return parse


def province_key(code: str) -> str:
    """Return the form in which codes of provinces are compared."""
    return text.to_ascii_digits(text.strip_bidi_controls(code)).strip().casefold()


def unit_code(codes: Collection[str]) -> Callable[[str], str | None]:
    """Return a reader of the code of a branch or association, None for an empty cell.

    `codes` are those that exist; they are found however their letters are cased. Raises InvalidUnitCode,
    or UnitUnknown, which is a warning only.
    """
    known = {code.casefold(): code for code in codes} | {code: code for code in codes}

    def parse(cell: str) -> str | None:
        found = known.get(cell)
        if found is not None or not cell:
            return found
        typed = cell if cell.isascii() else text.to_ascii_digits(text.strip_bidi_controls(cell))
        if _UNIT_CODE.fullmatch(typed) is None:
            raise InvalidUnitCode
        found = known.get(typed.casefold())
        if found is None:
            raise UnitUnknown
        return found

    return parse


def rials(cell: str) -> int | None:
    """Return an amount, None for an empty cell; commas may group its digits. Raises InvalidRials."""
    if not cell:
        return None
    typed = cell if cell.isascii() else text.to_ascii_digits(text.strip_bidi_controls(cell))
    if _AMOUNT.fullmatch(typed) is None:
        raise InvalidRials
    amount = int(typed.replace(",", "").replace("٬", ""))
    if amount > money.MAX_RIALS:
        raise InvalidRials
    return amount


def deducted_rials(cell: str) -> int:
    """Return an amount, nothing for an empty cell. Raises InvalidRials."""
    return rials(cell) or 0


def iban(cell: str) -> str | None:
    """Return an IBAN, None for an empty cell. Raises InvalidIban."""
    if not cell:
        return None
    # What `normalize_iban` checks by a library that takes ten times as long.
    if _IBAN.fullmatch(cell) and int(f"{cell[4:]}1827{cell[2:4]}") % 97 == 1 and _is_plain(cell):
        return cell
    return identifiers.normalize_iban(cell)


def mobile(cell: str) -> str | None:
    """Return a mobile number as E.164, None for an empty cell. Raises InvalidMobile."""
    return identifiers.normalize_mobile(cell) if cell else None


def _is_plain(iban_text: str) -> bool:
    """Whether the check digits are those that the standard makes: 02 to 98."""
    return "02" <= iban_text[2:4] <= "98"


@lru_cache(maxsize=_REMEMBERED)
def _jalali_day(cell: str) -> date:
    return calendar.parse_jalali_date(text.strip_bidi_controls(cell).strip().replace("/", "-"))


def _display_text(cell: str, most: int) -> str:
    cleaned = text.clean_name(cell)
    if len(cleaned) > most:
        raise TextTooLong(most=most)
    return cleaned


def _chosen(cell: str, words: Mapping[str, T], folded: Mapping[str, T]) -> T:
    if not cell:
        raise CellEmpty
    found = words.get(cell.lower()) or folded.get(text.fold_compact(cell))
    if found is None:
        raise UnknownChoice(choices=", ".join(dict.fromkeys(map(str, words.values()))))
    return found
