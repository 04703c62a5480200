"""The table of the walk through all roles, read: who of all askers is expected to be answered what."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, cast

from backend.core.permissions import Role
from tests.support.role_askers import (
    ANONYMOUS,
    ASSOCIATION,
    CASHIER,
    INSIDE,
    MEMBER,
    OTHER,
    OTHER_CASHIER,
    WHERE,
)

PATH: Final = Path(__file__).resolve().parents[1] / "api" / "role_table.toml"
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    **{role.value: (role.value,) for role in Role},
    "anonymous": (ANONYMOUS,),
    "member": (MEMBER,),
    "other": (OTHER,),
    "members": (MEMBER, OTHER),
    "operators": tuple(Role),
    "cashiers": (CASHIER, OTHER_CASHIER),
    "staff": (*Role, CASHIER, OTHER_CASHIER),
    "everybody": (ANONYMOUS, MEMBER, OTHER, *Role, CASHIER, OTHER_CASHIER),
}
EVERYBODY: Final = GROUPS["everybody"]
# Which of the scoped operators see what a rule is about.
SEEN_FROM: Final = {"member": {INSIDE, ASSOCIATION}, "province": {INSIDE}, "nation": set()}


@dataclass(frozen=True)
class Clause:
    """A part of a row: of whom it speaks, and what they are answered."""

    who: tuple[str, ...]
    scope: str | None
    is_again: bool
    outcome: str
    outside: str


def rows(section: str) -> Mapping[str, str]:
    """The rows of a section: Query, Mutation or fields."""
    return cast("Mapping[str, str]", tomllib.loads(PATH.read_text(encoding="utf-8"))[section])


@cache
def clauses(section: str, name: str) -> tuple[Clause, ...]:
    """A row's clauses."""
    usual = ("SHOWN", "EMPTY") if section == "Query" else ("", "NOT_FOUND")
    return tuple(_clause(each, usual) for each in rows(section)[name].split(";"))


def expected(section: str, name: str) -> dict[str, str]:
    """What each asker is answered by a root field; scoped and stale ones where they are to differ or to be let in."""
    found = dict.fromkeys(EVERYBODY, "FORBIDDEN") | {ANONYMOUS: "UNAUTHENTICATED"}
    for clause in clauses(section, name):
        found |= dict.fromkeys(clause.who, clause.outcome)
        for who, where in _scoped(clause):
            is_inside = where in SEEN_FROM[clause.scope or ""]
            found[f"{who} of {where}"] = clause.outcome if is_inside else clause.outside
        if section == "Mutation":
            outcome = "REAUTHENTICATION_NEEDED" if clause.is_again else clause.outcome
            found |= {f"{who} a while ago": outcome for who in clause.who if who in list(Role)}
    return found


def _scoped(clause: Clause) -> Iterator[tuple[str, str]]:
    if clause.scope is not None:
        yield from ((who, where) for who in clause.who for where in WHERE)


def _clause(text: str, usual: tuple[str, str]) -> Clause:
    about, _, outcome = text.partition("->")
    inside, _, outside = outcome.partition("/")
    words = about.split()
    is_again = words[-1] == "again"
    if is_again:
        words.pop()
    scope = None
    if len(words) > 2 and words[-2] == "in":
        scope = words[-1]
        words = words[:-2]
    return Clause(
        who=tuple(str(who) for word in words for who in GROUPS[word]),
        scope=scope,
        is_again=is_again,
        outcome=inside.strip() or usual[0],
        outside=outside.strip() or usual[1],
    )
