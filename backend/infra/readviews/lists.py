"""Lists inside a statement: the rows of a view in its order, cut to a page, with cursors and whether more follow."""

from typing import Final

from backend.infra.readviews import expressions
from backend.infra.readviews.expressions import Json
from backend.infra.readviews.statements import Row, StatementMaker, conditions, count_values
from backend.infra.readviews.views import Bound, Form, Key, View


class Rows:
    """A page of a view. What is asked of it is put into `whole`; its arguments are `values`."""

    def __init__(self, maker: StatementMaker, view: View, form: Form) -> None:
        self._view = view
        self._inner, self._middle = maker.alias(), maker.alias()
        self._first = maker.parameter("int")
        self._head = maker.parameter("bytea")
        self._columns: list[str] = []
        self._is_asked = False
        self.row = Row(self._inner, view, maker)
        self._from = self._page(maker, form)

    @property
    def cursor(self) -> Json:
        """The cursor of each row; to be written with it."""
        quote = expressions.verbatim('"')
        return expressions.joined(quote, expressions.computed(self._cursor()), quote)

    def items(self, item: Json) -> Json:
        """The rows of the page as they are written, with commas between."""
        self._is_asked = True
        name = self._column(item.sql)
        order = ", ".join(
            f"{self._middle}.{key.column}{' DESC' if self._view.is_descending else ''}"
            for key in self._view.keys
        )
        listed = f"string_agg({name}, ',' ORDER BY {order}) FILTER (WHERE {self._is_shown})"
        # An item that is NULL makes the whole NULL; string_agg alone would leave it out.
        return expressions.computed(
            f"CASE WHEN count(*) = count({name}) THEN coalesce({listed}, '') END"
        )

    def only(self, item: Json) -> Json:
        """The first row as it is written, `null` where there is none."""
        self._is_asked = True
        name = self._column(item.sql)
        first = f"max({name}) FILTER (WHERE {self._middle}.n = 1)"
        return expressions.computed(f"CASE count(*) WHEN 0 THEN 'null' ELSE {first} END")

    @property
    def has_next(self) -> Json:
        """Whether more follow."""
        self._is_asked = True
        return expressions.boolean(f"count(*) > {self._first}")

    @property
    def start_cursor(self) -> Json:
        """The cursor of the first row; null on an empty page."""
        return self._cursor_where(f"{_NUMBER} = 1")

    @property
    def end_cursor(self) -> Json:
        """The cursor of the last row of the page; null on an empty page."""
        return self._cursor_where(f"{_NUMBER} = {self._first} OR {_IS_LAST}")

    def whole(self, value: Json) -> Json:
        """The value made of the parts above."""
        if not self._is_asked:
            return value
        keys = [f"{self._inner}.{key.column}" for key in self._view.keys]
        middle = ", ".join([*keys, f"{_NUMBER} AS n", *self._columns])
        return expressions.computed(
            f"SELECT {value.sql} FROM (SELECT {middle} FROM {self._from}) {self._middle}"  # noqa: S608
        )

    def _page(self, maker: StatementMaker, form: Form) -> str:
        """One row more than the page has, in order: it tells whether more follow."""
        view, alias = self._view, maker.alias()
        where = conditions(maker, view, form, alias)
        if form.is_continued:
            where += f" AND {self._beyond(maker, alias)}"
        direction = " DESC" if view.is_descending else ""
        order = ", ".join(f"{alias}.{key.column}{direction}" for key in view.keys)
        columns = ", ".join(f"{alias}.{name}" for name in sorted(view.columns))
        return (
            f"(SELECT {columns} FROM {view.table} {alias} WHERE {where}"  # noqa: S608
            f" ORDER BY {order} LIMIT {self._first} + 1) {self._inner}"
        )

    def _beyond(self, maker: StatementMaker, alias: str) -> str:
        view = self._view
        values = [maker.parameter(key.type_name) for key in view.keys]
        columns = ", ".join(f"{alias}.{key.column}" for key in view.keys)
        sign = "<" if view.is_descending else ">"
        beyond = f"({columns}) {sign} ({', '.join(values)})"
        if view.partitioned_by is None:
            return beyond
        # What PostgreSQL picks partitions by.
        return f"{alias}.{view.partitioned_by} {sign}= {values[0]} AND {beyond}"

    def _column(self, sql: str) -> str:
        name = f"j{len(self._columns)}"
        self._columns.append(f"{sql} AS {name}")
        return f"{self._middle}.{name}"

    @property
    def _is_shown(self) -> str:
        return f"{self._middle}.n <= {self._first}"

    def _cursor(self) -> str:
        return expressions.cursor(
            self._head,
            [_whole_number(f"{self._inner}.{key.column}", key) for key in self._view.keys],
        )

    def _cursor_where(self, condition: str) -> Json:
        self._is_asked = True
        name = self._column(f"CASE WHEN {condition} THEN {self._cursor()} END")
        quote = expressions.verbatim('"')
        found = expressions.computed(f"max({name}) FILTER (WHERE {self._is_shown})")
        return expressions.optional(expressions.joined(quote, found, quote))


_NUMBER: Final = "row_number() OVER ()"
_IS_LAST: Final = "lead(true) OVER () IS NULL"


def values(bound: Bound) -> list[object]:
    """The arguments of `Rows`, in their order."""
    return [bound.first, bound.cursor_head, *count_values(bound), *(bound.after or ())]


def _whole_number(sql: str, key: Key) -> str:
    return expressions.microseconds(sql) if key.type_name == "timestamptz" else f"{sql}::bigint"
