"""What a search for members may be by: a number of the person, or the name."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from backend.core import identifiers, text
from backend.core.errors import BadUserInput, sentences

MAX_SEARCH_CHARACTERS: Final = 100
MAX_TERMS: Final = 6
MIN_TERM_CHARACTERS: Final = 2
LONGEST_TERM_CHARACTERS: Final = (
    3  # of several: beginnings of two letters each would be a tenth of the country
)
STEM_CHARACTERS: Final = 2  # of the words behind which `member_name_pairs` has others

_PENSION_NUMBER = re.compile(r"(?=.*[0-9])[0-9A-Za-z/-]{4,20}")
# As the database's `member_name_order` has it: آ stands where ا does.
_ONE_ALEF = str.maketrans(":", ";")


class MemberSearchInvalid(BadUserInput):
    """A search for members by nothing, by too little or by too much."""

    code = "MEMBER_SEARCH_INVALID"
    texts = sentences(
        fa="برای جست‌وجوی عضو، کد ملی، تلفن همراه، شمارهٔ مستمری یا نام لازم است؛ از نام هر واژه دست‌کم {least} حرف"
        " و حداکثر {words} واژه، و از چند واژه یکی دست‌کم {longest} حرف.",
        en="A member is searched by national code, mobile number, pension number or name: words of at least {least}"
        " letters, at most {words} of them, and of several one with at least {longest} letters.",
    )
    hints = sentences(
        fa="شماره را کامل و بی‌حرف بنویسید، یا نام خانوادگی را.",
        en="Write the whole number without letters, or the surname.",
    )

    def __init__(self) -> None:
        super().__init__(
            field=("search",),
            least=MIN_TERM_CHARACTERS,
            words=MAX_TERMS,
            longest=LONGEST_TERM_CHARACTERS,
        )


@dataclass(frozen=True, slots=True)
class SearchKeys:
    """What a text may mean: several numbers, of which any may be found, or the words of a name."""

    national_code: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    pension_number: str | None = field(default=None, repr=False)
    name_terms: tuple[str, ...] = field(default=(), repr=False)

    @property
    def kinds(self) -> tuple[str, ...]:
        """By what it is searched; never the key itself."""
        return tuple(
            kind
            for kind, is_asked in (
                ("national_code", self.national_code is not None),
                ("phone", self.phone is not None),
                ("pension_number", self.pension_number is not None),
                ("name", bool(self.name_terms)),
            )
            if is_asked
        )


def read(search: str) -> SearchKeys:
    """What a text is searched by; ten digits may be a national code, a phone and a pension number.

    Raises MemberSearchInvalid.
    """
    if len(search) > MAX_SEARCH_CHARACTERS:
        raise MemberSearchInvalid
    typed = text.to_ascii_digits(text.strip_bidi_controls(search)).strip()
    if any(character.isdecimal() for character in typed):
        return _by_number(typed)
    terms = text.search_terms(search)
    if not 1 <= len(terms) <= MAX_TERMS or min(map(len, terms)) < MIN_TERM_CHARACTERS:
        raise MemberSearchInvalid
    if len(terms) > 1 and max(map(len, terms)) < LONGEST_TERM_CHARACTERS:
        raise MemberSearchInvalid
    return SearchKeys(name_terms=terms)


@dataclass(frozen=True, slots=True)
class NameSearch:
    """A search by name as the database runs it, in the letters of `name_sort_key`.

    The name in order begins with `prefix`, or `pairs`, a tsquery of `member_name_pairs`, finds its words.
    """

    prefix: str
    pairs: str | None


def name_search(terms: Sequence[str]) -> NameSearch:
    """How names are found by folded terms: joined they begin the surname, or each begins a word of its own.

    A term may stand for a word that joins it with its neighbours.
    """
    placed = tuple(map(_place, terms))
    apart = [each for each in _groupings(placed) if len(each) > 1]
    return NameSearch("".join(placed), " | ".join(map(_pairs, apart)) or None)


def _by_number(typed: str) -> SearchKeys:
    keys = SearchKeys(
        national_code=_national_code(typed),
        phone=_mobile(typed),
        pension_number=typed if _PENSION_NUMBER.fullmatch(typed) else None,
    )
    if not keys.kinds:
        raise MemberSearchInvalid
    return keys


def _groupings(placed: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """All ways to join neighbours, up to as many as a compound has."""
    if not placed:
        yield ()
    for width in range(1, min(text.JOINED_WORDS, len(placed)) + 1):
        for rest in _groupings(placed[width:]):
            yield ("".join(placed[:width]), *rest)


def _pairs(words: Sequence[str]) -> str:
    """Each word, behind the first letters of the one that tells the most of the others."""
    found = []
    for at, word in enumerate(words):
        beside = max((*words[:at], *words[at + 1 :]), key=len)
        found.append(f"'{beside[:STEM_CHARACTERS]}|{word}':*")
    return f"({' & '.join(found)})"


def _national_code(typed: str) -> str | None:
    try:
        return identifiers.normalize_national_code(typed)
    except identifiers.InvalidNationalCode:
        return None


def _mobile(typed: str) -> str | None:
    try:
        return identifiers.normalize_mobile(typed)
    except identifiers.InvalidMobile:
        return None


def _place(term: str) -> str:
    """A folded term in the letters of `name_sort_key`: digits, capitals and signs, none of them a quote."""
    return text.persian_sort_key(term).replace(" ", "").translate(_ONE_ALEF)
