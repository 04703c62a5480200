"""Connections written by SQL: edges with cursors and nodes, and where the page stands."""

from collections.abc import Callable

from backend.infra.readviews import expressions
from backend.infra.readviews.expressions import Json
from backend.infra.readviews.lists import Rows
from schema.execution import readings
from schema.execution.plan import Selected
from schema.execution.readings import Manner, Place, Unreadable


def write(
    rows: Rows,
    selected: Selected,
    node_type: str,
    manner: Manner,
    *,
    is_continued: bool,
) -> Json:
    """A connection of nodes of this type with what is selected of it. Raises Unreadable."""

    def entry(each: Selected) -> Json:
        if each.name == "edges":
            return _list(rows.items(_edge(rows, each, node_type, manner)))
        if each.name == "pageInfo":
            return _page_info(rows, each, is_continued=is_continued)
        raise Unreadable(f"{each.parent}.{each.name}")

    return rows.whole(_object(selected, entry))


def write_list(rows: Rows, selected: Selected, node_type: str, manner: Manner) -> Json:
    """A plain list of objects. Raises Unreadable."""
    item = readings.write(node_type, Place(rows.row, manner), selected.only())
    return rows.whole(_list(rows.items(item)))


def write_first(rows: Rows, selected: Selected, node_type: str, manner: Manner) -> Json:
    """The first object, or null. Raises Unreadable."""
    return rows.whole(
        rows.only(readings.write(node_type, Place(rows.row, manner), selected.only()))
    )


def _edge(rows: Rows, selected: Selected, node_type: str, manner: Manner) -> Json:
    def entry(each: Selected) -> Json:
        if each.name == "cursor":
            return rows.cursor
        if each.name == "node":
            return readings.write(node_type, Place(rows.row, manner), each.only())
        raise Unreadable(f"{each.parent}.{each.name}")

    return _object(selected, entry)


def _page_info(rows: Rows, selected: Selected, *, is_continued: bool) -> Json:
    def entry(each: Selected) -> Json:
        match each.name:
            case "hasNextPage":
                return rows.has_next
            case "hasPreviousPage":
                return expressions.constant(is_continued)
            case "startCursor":
                return rows.start_cursor
            case "endCursor":
                return rows.end_cursor
        raise Unreadable(f"{each.parent}.{each.name}")

    return _object(selected, entry)


def _object(selected: Selected, entry: Callable[[Selected], Json]) -> Json:
    ((type_name, below),) = selected.fields.items()
    return expressions.obj(
        [
            (each.key, expressions.constant(type_name) if each.field is None else entry(each))
            for each in below
        ]
    )


def _list(items: Json) -> Json:
    return expressions.joined(expressions.verbatim("["), items, expressions.verbatim("]"))
