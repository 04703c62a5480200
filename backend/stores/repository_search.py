"""Search as SQL: which documents a query finds, and how well, as conditions on `store s`.

A document is `text.search_document` of three sections: the name, then category and city, then the address. Words
are found by their beginning; a folded text has letters, digits and spaces only, so nothing is to be escaped.
"""

from collections.abc import Sequence

from backend.core import text
from backend.stores.repository_conditions import Arguments

SLIPPED_TERMS = (
    2  # so many of a query's longest words may have a typing slip; each costs a regular expression
)
SLIPPED_LETTERS = range(5, 33)  # in a shorter word a slip leaves too little to go by

# What must follow a word so that it stands in the name, or at least before the address.
_IN_NAME = "|%|%"
_BEFORE_ADDRESS = "|%"
_ANYWHERE = ""


def conditions(arguments: Arguments, *, terms: Sequence[str], phrase: str) -> tuple[str, str]:
    """The condition that finds, and the rank (0 the best) of what it finds.

    Ranks: 0 the name begins with the phrase, 1 it has the phrase, 2 every word of it, 3 name, category and city
    have every word, 4 the address too, 5 with a slip in the name, 6 with a slip elsewhere.
    """
    words = list(zip(terms, text.search_alternatives(terms), strict=True))
    slipped = set(
        sorted(filter(_may_slip, set(terms)), key=lambda term: (-len(term), term))[:SLIPPED_TERMS]
    )

    def every_word(where: str, *, slips: bool = False) -> str:
        return " AND ".join(
            _stands(
                arguments, alternatives, where, slip=term if slips and term in slipped else None
            )
            for term, alternatives in words
        )

    begins = f"s.name_compact LIKE {arguments.add(phrase + '%', 'text')}"
    whole = f"s.search_document LIKE {arguments.add(f'% {phrase}%', 'text')}"
    in_name = f"s.search_document LIKE {arguments.add(f'% {phrase}%{_IN_NAME}', 'text')}"
    rank = (
        f"CASE WHEN {begins} THEN 0 WHEN {in_name} THEN 1 WHEN {every_word(_IN_NAME)} THEN 2"
        f" WHEN {every_word(_BEFORE_ADDRESS)} THEN 3 WHEN {every_word(_ANYWHERE)} OR {whole} THEN 4"
        f" WHEN {every_word(_IN_NAME, slips=True)} THEN 5 ELSE 6 END"
    )
    return f"({whole} OR ({every_word(_ANYWHERE, slips=True)}))", rank


def _may_slip(term: str) -> bool:
    return len(term) in SLIPPED_LETTERS and not any(sign.isdigit() for sign in term)


def _stands(
    arguments: Arguments, alternatives: Sequence[str], where: str, *, slip: str | None
) -> str:
    ways = [
        f"s.search_document LIKE {arguments.add(f'% {alternative}%{where}', 'text')}"
        for alternative in alternatives
    ]
    if slip is not None:
        ways.append(_slipped(arguments, slip, where))
    return f"({' OR '.join(ways)})"


def _slipped(arguments: Arguments, term: str, where: str) -> str:
    """A word begins with the term but for one letter that is wrong, missing, one too many, or swapped.

    Such a slip leaves one half of the term whole, or swaps the letters at which the halves meet: that finds the
    candidates by the trigram index, and a regular expression decides. A similarity of trigrams could not: of a
    word of five letters one swap leaves a fifth of them.
    """
    middle = len(term) // 2
    head, tail = term[:middle], term[middle:]
    swapped = f"{head[:-1]}{tail[0]}{head[-1]}{tail[1:]}"
    candidates = " OR ".join(
        f"s.search_document LIKE {arguments.add(pattern, 'text')}"
        for pattern in (f"% {head}%", f"%{tail}%", f"% {swapped}%")
    )
    meant = f" (?:{head}(?:{_one_slip(tail)})|(?:{_one_slip(head)}){tail}|{swapped})"
    after = ".*".join(("", *("[|]" for _ in range(where.count("|")))))
    # The empty text keeps the planner from asking the index for the expression too, which is slow.
    return f"(({candidates}) AND s.search_document || '' ~ {arguments.add(meant + after, 'text')})"


def _one_slip(typed: str) -> str:
    """A regular expression for what may have been meant; folded text has no sign to escape."""
    places = range(len(typed))
    wrong_or_extra = [f"{typed[:at]}[^ ]?{typed[at + 1 :]}" for at in places]
    missing = [f"{typed[:at]}[^ ]{typed[at:]}" for at in (*places, len(typed))]
    swapped = [f"{typed[: at - 1]}{typed[at]}{typed[at - 1]}{typed[at + 1 :]}" for at in places[1:]]
    return "|".join((*wrong_or_extra, *missing, *swapped))
