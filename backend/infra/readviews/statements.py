"""A statement that answers many requests at once, a row each: `unnest` of their arguments, and what each asks for.

The rows of a view are met only under the condition that their owner is the request's. Lists are cut by keyset, so a
deep page costs what the first one does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from backend.infra.readviews import expressions
from backend.infra.readviews.expressions import Json
from backend.infra.readviews.views import Bound, Form, Relation, View, ViewMistakeError

Column: TypeAlias = Json | str

OWNER: Final = "q.owner"
_AT: Final = "q.at"
_TYPES: Final = frozenset({"bigint", "int", "text", "text[]", "bytea", "timestamptz"})


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """SQL whose rows are (number of the request, its owner, the columns); `needs_at`: its last argument is a moment.

    `is_common`: it is nobody's own, so that those who ask with the same arguments get the same row.
    """

    sql: str
    parameters: tuple[str, ...]
    needs_at: bool
    is_common: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a view or a relation inside a statement, by its alias."""

    alias: str
    source: View | Relation
    maker: "StatementMaker"

    def column(self, name: str) -> str:
        """SQL of a column. Raises ViewMistakeError for one that the view does not declare."""
        if name in self.source.columns:
            return f"{self.alias}.{name}"
        if isinstance(self.source, View) and name in self.source.computed:
            template = self.source.computed[name]
            at = self.maker.at() if "{at}" in template else ""
            return f"({template.format(row=self.alias, at=at)})"
        raise ViewMistakeError(f"no column {name}")

    def follow(self, column: str, relation: Relation, write: Callable[["Row"], Json]) -> Json:
        """What is written of the row that a column points to; NULL where there is none."""
        return self.maker.one(relation, self.column(column), write)


class StatementMaker:
    """Puts a statement together; `finished` gives it."""

    def __init__(self) -> None:
        self._parameters: list[str] = ["bigint"]
        self._aliases = 0
        self._joined: dict[str, str] = {}
        self._needs_at = False

    def alias(self) -> str:
        """A name that is not used yet."""
        self._aliases += 1
        return f"t{self._aliases}"

    def parameter(self, type_name: str) -> str:
        """SQL of one more argument of each request."""
        if type_name not in _TYPES:
            raise ViewMistakeError(f"no argument of type {type_name}")
        self._parameters.append(type_name)
        return f"q.p{len(self._parameters) - 1}"

    def at(self) -> str:
        """SQL of the moment of the request."""
        self._needs_at = True
        return _AT

    def single(self, view: View) -> Row:
        """The one row of a view that belongs to the owner; its columns are NULL where there is none."""
        alias = self._joined.get(view.table)
        if alias is None:
            alias = self._joined[view.table] = self.alias()
        return Row(alias, view, self)

    def one(self, relation: Relation, key: str, write: Callable[[Row], Json]) -> Json:
        """What is written of the row with this key, which is SQL; NULL where there is none."""
        row = Row(self.alias(), relation, self)
        return expressions.computed(
            f"SELECT {write(row).sql} FROM {relation.table} {row.alias}"  # noqa: S608 - our own pieces
            f" WHERE {row.alias}.{relation.key} = {key}"
        )

    def count(self, view: View, form: Form) -> Json:
        """How many rows a view has under these conditions; its arguments are `count_values`."""
        alias = self.alias()
        where = conditions(self, view, form, alias)
        return expressions.computed(
            f"SELECT count(*)::text FROM {view.table} {alias} WHERE {where}"  # noqa: S608 - our own pieces
        )

    def finished(self, columns: Sequence[Column], *, is_common: bool = False) -> Statement:
        """The statement with these columns: a Json as the bytes of its text, SQL as it is."""
        parameters = [*self._parameters, *(["timestamptz"] if self._needs_at else [])]
        arrays = ", ".join(
            f"${place}::{_array_of(each)}" for place, each in enumerate(parameters, start=1)
        )
        names = ["owner", *(f"p{place}" for place in range(1, len(self._parameters)))]
        if self._needs_at:
            names.append("at")
        selected = ["q.n", OWNER, *(_column(each) for each in columns)]
        joins = "".join(
            f"\n  LEFT JOIN {table} {alias} ON {alias}.id = {OWNER}"
            for table, alias in self._joined.items()
        )
        sql = (
            f"SELECT {', '.join(selected)}\n  FROM unnest({arrays})"  # noqa: S608 - our own pieces
            f" WITH ORDINALITY AS q ({', '.join(names)}, n){joins}"
        )
        return Statement(sql, tuple(parameters), self._needs_at, is_common)


def conditions(maker: StatementMaker, view: View, form: Form, alias: str) -> str:
    """The WHERE of a view: its owner first, then what the form names."""
    found = ["true" if view.owner is None else f"{alias}.{view.owner} = {OWNER}"]
    for name in form.conditions:
        condition = view.conditions[name]
        value = "" if condition.type_name is None else _value(maker, condition.type_name)
        found.append(condition.sql.format(row=alias, value=value))
    return " AND ".join(found)


def count_values(bound: Bound) -> list[object]:
    """The arguments of `StatementMaker.count`, and the last ones of a list."""
    declared = bound.view.conditions
    return [
        ",".join(value) if declared[name].type_name == "text[]" else value  # type: ignore[arg-type]  # a tuple of words
        for name, value in bound.conditions
        if declared[name].type_name is not None
    ]


def _value(maker: StatementMaker, type_name: str) -> str:
    if type_name == "text[]":
        return f"string_to_array({maker.parameter('text')}, ',')"
    return maker.parameter(type_name)


def _array_of(type_name: str) -> str:
    return f"{type_name}[]"


def _column(column: Column) -> str:
    return column if isinstance(column, str) else f"textsend({column.sql})"
