"""Persian text: one form for search whatever the spelling, a key for order, a clean form to show.

Folding follows the house's rule for text: the letters ye, kaf, he and alef have many code points,
hamza comes and goes, digits come from three keyboards, and a compound is written with a space, with
a zero-width non-joiner (ZWNJ) or with nothing. Search must not see any of these differences.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

ZWNJ: Final = "\u200c"
JOINED_WORDS: Final = 3  # of a compound: کتاب‌فروشی‌ها

_ARABIC_DIGITS = "٠١٢٣٤٥٦٧٨٩"
_PERSIAN_DIGITS = "۰۱۲۳۴۵۶۷۸۹"
_ASCII_DIGITS = "0123456789"
_TO_ASCII = str.maketrans(_ARABIC_DIGITS + _PERSIAN_DIGITS, _ASCII_DIGITS * 2)
_TO_PERSIAN = str.maketrans(_ASCII_DIGITS + _ARABIC_DIGITS, _PERSIAN_DIGITS * 2)
# CLDR's signs of Persian numbers. Without its mark, a right-to-left line shows the minus after the number.
_TO_PERSIAN_NUMBER = _TO_PERSIAN | str.maketrans({",": "٬", ".": "٫", "-": "\u200e\u2212"})
_WITHOUT_BIDI = dict.fromkeys(
    [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)

# Letters are written as escapes where a reader could not tell two of them apart.
_YE = "\u06cc"
_KAF = "\u06a9"
_HE = "\u0647"
_ALEF = "\u0627"
_MADDA = "\u0653"
_DISPLAY_LETTERS = str.maketrans("\u064a\u0649\u0643", _YE + _YE + _KAF)

# What canonical decomposition leaves; it already splits hamza and madda off their carriers.
_FOLDED_LETTERS: dict[int, int | str] = {
    **dict.fromkeys(map(ord, "\u064a\u0649\u0620\u06cd\u06ce\u06d0\u06d2"), _YE),
    **dict.fromkeys(map(ord, "\u0643\u06aa"), _KAF),
    **dict.fromkeys(map(ord, "\u0629\u06be\u06c1\u06c3\u06d5"), _HE),
    **dict.fromkeys(map(ord, "\u0671\u0672\u0673"), _ALEF),
    **dict.fromkeys(map(ord, "\u0621\u0674\u0640"), ""),  # hamza, high hamza, tatweel
    **_TO_ASCII,
}
# Diacritics as characters of their own: compatibility forms give them a space to stand on, and that
# space would cut the word.
_SPACED_DIACRITICS = dict.fromkeys([*range(0xFC5E, 0xFC64), *range(0xFE70, 0xFE80, 2)])

# The alphabet takes the 33 places from ":" to "Z", between the digits and the Latin small letters.
_ALPHABET = "آابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی"
_SORT_PLACES = {ord(letter): ord(":") + place for place, letter in enumerate(_ALPHABET)}


class _Folding(dict[int, int | str]):
    """A translation table: letters and numbers stay, marks and invisible signs go, the rest cuts.

    Only what the table begins with is stored: a client cannot make it grow.
    """

    def __missing__(self, code_point: int) -> int | str:
        category = unicodedata.category(chr(code_point))
        if category[0] in "LN":
            return code_point
        return "" if category[0] == "M" or category == "Cf" else " "


_FOLDING = _Folding(_FOLDED_LETTERS)
_FOLDING.update({code: _FOLDING[code] for code in [*range(0x700), *range(0x2000, 0x2070)]})


def fold(text: str) -> str:
    """Return the folded words of a text, joined by one space.

    Two spellings of one word fold alike, except that a space inside a compound stays (see
    `search_document`). The result has letters and digits only, so it needs no escaping in a LIKE
    pattern; folding it again changes nothing.
    """
    return " ".join(_decomposed(text).translate(_FOLDING).split())


def fold_compact(text: str) -> str:
    """Return the folded text without spaces."""
    return fold(text).replace(" ", "")


def search_terms(query: str) -> tuple[str, ...]:
    """Return the folded words of a query, in order; empty where it has no letter and no digit."""
    return tuple(fold(query).split())


def search_alternatives(terms: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Return for each term the texts with which a word may begin that stands for it.

    That is the term itself, and the term joined with its neighbours, up to `JOINED_WORDS` in all: a
    query may separate what a document joins.
    """
    return tuple(
        tuple(
            "".join(terms[start : start + width])
            for width in range(1, JOINED_WORDS + 1)
            for start in range(max(0, at - width + 1), min(at, len(terms) - width) + 1)
        )
        for at in range(len(terms))
    )


def search_document(*sections: Sequence[str]) -> str:
    """Return the text to search in: of each section the words of its fields, and neighbours joined.

    Before each word stands a space, so that ` term` finds the words that begin with a term and no
    middle of another. Up to `JOINED_WORDS` neighbouring words of one field stand joined as well: a
    query may join what a document separates. A section ends with ` |`, but for the last.
    """
    return " |".join("".join(map(_searchable, section)) for section in sections)


def _searchable(field: str) -> str:
    words = fold(field).split()
    joined = (
        "".join(words[start : start + width])
        for width in range(1, JOINED_WORDS + 1)
        for start in range(len(words) - width + 1)
    )
    return "".join(f" {word}" for word in joined)


def persian_sort_key(text: str) -> str:
    """Return a key whose plain code-point order (COLLATE "C") is Persian alphabetical order.

    A space sorts first, then digits, the Persian letters (آ is a letter of its own before ا, as in
    Persian dictionaries; hamza counts as its carrier), Latin letters regardless of case,
    and other scripts. Diacritics, tatweel and ZWNJ do not count, so different texts may have the
    same key: order by a second column as well.
    """
    with_madda = re.sub(
        f"{_ALEF}(?=[\u064b-\u0652\u0654-\u065f\u0670]*{_MADDA})", "آ", _decomposed(text)
    )
    folded = " ".join(with_madda.translate(_FOLDING).split())
    return folded.translate(_SORT_PLACES)


def to_ascii_digits(text: str) -> str:
    """Return the text with Persian and Arabic digits as ASCII digits."""
    return text.translate(_TO_ASCII)


def to_persian_digits(text: str) -> str:
    """Return the text with ASCII and Arabic digits as Persian digits."""
    return text.translate(_TO_PERSIAN)


def to_persian_number(number: str) -> str:
    """Return a number such as `-1,250.5` in Persian digits and with Persian signs."""
    return number.translate(_TO_PERSIAN_NUMBER)


def strip_bidi_controls(text: str) -> str:
    """Return the text without the invisible characters that steer the direction of writing."""
    return text.translate(_WITHOUT_BIDI)


def clean_name(text: str) -> str:
    """Return a name as it is to be shown and stored: as it was written, without what is not seen.

    NFC, single spaces, no space at the ends, no control or bidi characters; Arabic ye and kaf
    become Persian. A ZWNJ stays where it parts two letters.
    """
    visible = unicodedata.normalize("NFC", "".join(_visible(character) for character in text))
    words = (word.strip(ZWNJ) for word in visible.translate(_DISPLAY_LETTERS).split())
    return re.sub(f"{ZWNJ}+", ZWNJ, " ".join(word for word in words if word))


def _decomposed(text: str) -> str:
    """Return the compatibility caseless form (Unicode 3.13, D146): bare letters and their marks."""
    bare = unicodedata.normalize("NFKD", text.translate(_SPACED_DIACRITICS))
    return unicodedata.normalize("NFKD", bare.casefold())


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs"}
    return "" if hidden and character != ZWNJ else character
