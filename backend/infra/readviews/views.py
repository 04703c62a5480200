"""What a slice declares of rows that may be read as JSON, and what its service hands out of that to a viewer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple


class ViewMistakeError(Exception):
    """A view is declared or used wrongly: a mistake of the program."""


@dataclass(frozen=True, slots=True)
class Key:
    """A column that a list is ordered by; `type_name` is bigint for whole numbers, else timestamptz."""

    column: str
    type_name: str


@dataclass(frozen=True, slots=True)
class Condition:
    """What narrows a list: SQL with `{row}`, and `{value}` for its value of type `type_name`, where it has one."""

    sql: str
    type_name: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """Rows that others point to and everybody may read: their table (or a derived one), columns and key."""

    table: str
    columns: frozenset[str]
    key: str = "id"


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A member's own rows. No statement can be made of it without the owner, who is None where it is everybody's.

    `computed` adds columns: SQL with `{row}` for the row's alias, and `{at}` for the moment of the request.
    """

    table: str
    columns: frozenset[str]
    owner: str | None
    keys: tuple[Key, ...] = ()
    is_descending: bool = False
    partitioned_by: str | None = None  # a column, the first of the keys
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    computed: Mapping[str, str] = field(default_factory=dict)


class Form(NamedTuple):
    """What differs in the SQL of a list from request to request."""

    conditions: tuple[str, ...] = ()
    is_continued: bool = False


class Bound(NamedTuple):
    """A view for one owner (0 where it is everybody's), as a service hands it out to a viewer who may read it.

    `conditions` are names of the view's conditions with their values; `after` is the key of the last row seen,
    `cursor_head` what the cursors of this list begin with.
    """

    view: View
    owner: int
    conditions: tuple[tuple[str, object], ...] = ()
    first: int = 1
    after: tuple[object, ...] | None = None
    cursor_head: bytes = b""

    @property
    def form(self) -> Form:
        """What its SQL depends on."""
        if self.conditions:
            return Form(tuple([name for name, _ in self.conditions]), self.after is not None)
        return _USUAL if self.after is None else _CONTINUED


_USUAL: Final = Form()
_CONTINUED: Final = Form(is_continued=True)
