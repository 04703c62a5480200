"""Tier 1: `Query.nearbyStores` from this process's memory.

For what is selected of a store, its JSON is made once and kept with the store until it, or whether it is open,
changes. An answer is then a search, and texts put one after the other.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import orjson
from graphql import GraphQLNonNull

from backend.core import geo
from backend.core.locale import Locale
from backend.stores import nearby
from backend.stores.directory_places import Place, Written
from backend.stores.domain import StoreFilter
from backend.stores.nearby import NearbyPlaces
from backend.stores.opening import OpeningState
from schema import store_types, stores
from schema.execution.plan import (
    Ask,
    MakeWriter,
    Note,
    Part,
    Refused,
    Selected,
    Tier,
    Writer,
)

_ALWAYS: Final = (float("-inf"), float("inf"))
_NEVER: Final[Written] = (float("inf"), float("-inf"), b"")
# What hangs on nothing but the store, and what also hangs on the hour.
_KEPT: Final = frozenset(
    {
        "id",
        "kind",
        "name",
        "category",
        "address",
        "city",
        "location",
        "phones",
        "active",
        "terms",
    }
)
_STATES: Final[Mapping[str, Callable[[OpeningState], object]]] = {
    "openNow": lambda state: state.open_now,
    "openStateChangesAt": lambda state: state.changes_at,
}
_EVERY_STORE: Final = StoreFilter()
_NOT_FRESH: Final = "the stores in memory are not fresh"
_numbers = itertools.count()

# From a request, what it found, and the arguments: the JSON of a field of the connection.
_Write = Callable[[Ask, NearbyPlaces, "_Arguments"], bytes]
_Value = Callable[[NearbyPlaces, "_Arguments"], object]
_Column = Callable[
    [Ask, NearbyPlaces], Sequence[object]
]  # of an edge's field, the text or number of each edge


def bind_nearby_stores(selected: Selected, make_writer: MakeWriter, path: str) -> Part | None:
    """The field from memory; None where something is selected that is not there, such as a member's favourites.

    Its part gives an awaitable only where no point is given: then the member has to be read.
    """
    entries = []
    for each in selected.only():
        write = _connection_field(each, make_writer, path)
        if write is None:
            return None
        entries.append((b"%b:" % orjson.dumps(each.key), write))
    arguments = selected.arguments
    is_certain = arguments.constant is not None and arguments.constant.get("at") is not None
    part = _NearbyPart(selected, tuple(entries))
    note = Note(path, Tier.REFERENCE_DATA, "stores in memory")
    return Part(Tier.REFERENCE_DATA, part.start, is_async=not is_certain, notes=(note,))


@dataclass(frozen=True, slots=True)
class _Arguments:
    """The arguments of the field, with their defaults."""

    at: geo.GeoPoint
    radius_meters: int
    matching: StoreFilter
    first: int
    after: str | None


@dataclass(frozen=True, slots=True)
class _NearbyPart:
    selected: Selected
    entries: tuple[tuple[bytes, _Write], ...]

    def start(self, ask: Ask) -> object:
        """The connection; an awaitable of it where the member's home is searched around.

        What can be refused is refused before anybody's file is read.
        """
        if not nearby.is_remembered(ask.now):
            raise Refused(_NOT_FRESH)
        given = self.selected.arguments.values(ask.variables)
        at, matching = cast("Any", given.get("at")), _matching(cast("Any", given.get("filter")))
        if at is None:
            return self._around_home(ask, given, matching)
        return self._around(ask, geo.GeoPoint(at.latitude, at.longitude), given, matching)

    async def _around_home(
        self, ask: Ask, given: Mapping[str, object], matching: StoreFilter
    ) -> object:
        member = await ask.context.loaders.member()
        return self._around(ask, await nearby.home(ask.viewer, member), given, matching)

    def _around(
        self, ask: Ask, at: geo.GeoPoint, given: Mapping[str, object], matching: StoreFilter
    ) -> orjson.Fragment:
        arguments = _arguments(at, given, matching)
        found = nearby.find_nearby(
            viewer=ask.viewer,
            at=at,
            radius_meters=arguments.radius_meters,
            matching=arguments.matching,
            first=arguments.first,
            after=arguments.after,
            now=ask.now,
        )
        if found is None:
            raise Refused(_NOT_FRESH)
        if not self.entries:
            return orjson.Fragment(b"{}")
        pieces = [b"{"]  # put together once: a page is long
        for key, write in self.entries:
            pieces += (key, write(ask, found, arguments), b",")
        pieces[-1] = b"}"
        return orjson.Fragment(b"".join(pieces))


def _arguments(at: geo.GeoPoint, given: Mapping[str, Any], matching: StoreFilter) -> _Arguments:
    radius_meters, first = given.get("radius_meters"), given.get("first")
    return _Arguments(
        at=at,
        radius_meters=stores.DEFAULT_RADIUS_METERS if radius_meters is None else radius_meters,
        matching=matching,
        first=stores.DEFAULT_FIRST if first is None else first,
        after=given.get("after"),
    )


def _matching(given: stores.StoreFilter | None) -> StoreFilter:
    if given is None:
        return _EVERY_STORE
    if given.within_my_credit is not None:
        raise Refused("a member's credit")
    return stores.matching(given, within_rials=None)


def _connection_field(each: Selected, make_writer: MakeWriter, path: str) -> _Write | None:
    if each.field is None:
        typename = orjson.dumps(each.parent)
        return lambda ask, found, arguments: typename
    if each.name == "edges":
        return _edges(each, make_writer, f"{path}.{each.key}")
    values = _VALUES.get(each.name)
    if values is None:
        return None
    fields: list[tuple[str, _Value]] = []
    for child in each.only():
        value = _constant(child.parent) if child.field is None else values.get(child.name)
        if value is None:
            return None
        fields.append((child.key, value))
    return lambda ask, found, arguments: orjson.dumps(
        {key: value(found, arguments) for key, value in fields}
    )


def _constant(value: object) -> _Value:
    return lambda found, arguments: value


def _cursor(found: NearbyPlaces, place: int) -> str | None:
    return found.cursor(place) if len(found) else None


_VALUES: Final[Mapping[str, Mapping[str, _Value]]] = {
    "pageInfo": {
        "hasNextPage": lambda found, arguments: found.has_next,
        "hasPreviousPage": lambda found, arguments: arguments.after is not None,
        "startCursor": lambda found, arguments: _cursor(found, 0),
        "endCursor": lambda found, arguments: _cursor(found, -1),
    },
    "originUsed": {
        "latitude": lambda found, arguments: arguments.at.latitude,
        "longitude": lambda found, arguments: arguments.at.longitude,
    },
}


def _edges(selected: Selected, make_writer: MakeWriter, path: str) -> _Write | None:
    """The list of edges: a column of texts for each of their fields, put together edge by edge."""
    keys, columns = [], []
    for each in selected.only():
        if each.field is None:
            keys.append(b"%b:%b" % (orjson.dumps(each.key), orjson.dumps(each.parent)))
            continue
        is_node = each.name == "node"
        column = _nodes(each, make_writer, path) if is_node else _COLUMNS.get(each.name)
        if column is None:
            return None
        columns.append(column)
        keys.append(orjson.dumps(each.key) + (b":%d" if each.name == "distanceMeters" else b":%b"))
    edge = b"{%b}" % b",".join(keys)
    # What comes last and is long is put behind the others, not into them.
    head, tail = edge.rsplit(b"%b", 1) if edge.endswith(b"%b}") else (edge, b"")

    def write(ask: Ask, found: NearbyPlaces, arguments: _Arguments) -> bytes:
        if not columns:
            return b"[%b]" % b",".join([edge] * len(found))
        texts = [column(ask, found) for column in columns]
        if not tail or not texts[0]:
            return b"[%b]" % b",".join([edge % row for row in zip(*texts, strict=True)])
        last = cast("Sequence[bytes]", texts.pop())
        rows = zip(*texts, strict=True) if texts else itertools.repeat(())
        edges = [head % row + end for row, end in zip(rows, last, strict=False)]
        return b"".join((b"[", b"},".join(edges), b"}]"))

    return write


_COLUMNS: Final[Mapping[str, _Column]] = {
    "distanceMeters": lambda ask, found: geo.whole_meters([each[0] for each in found.near.found]),
    "cursor": lambda ask, found: [
        b'"%b"' % found.cursor(place).encode() for place in range(len(found))
    ],
}


def _nodes(selected: Selected, make_writer: MakeWriter, path: str) -> _Column | None:
    """The stores' texts, from what is kept where it still holds."""
    below = selected.only()
    if not all(each.field is None or each.name in _KEPT or each.name in _STATES for each in below):
        return None
    kept = tuple(each for each in below if each.name not in _STATES)
    writer = make_writer("Store", kept, f"{path}.{selected.key}")
    if writer.is_async:
        return None
    writers = {locale: _StoreWriter(below, writer, locale) for locale in Locale}

    def write(ask: Ask, found: NearbyPlaces) -> list[bytes]:
        writer, now, near = writers[ask.locale], ask.now.timestamp(), found.near
        column = found.directory.column(near, writer.number, now)
        kept = column.texts
        texts = [kept[place] for _, _, place in near.found]
        if None in texts:
            places = [near.items[place] for _, _, place in near.found]
            written = [writer.written(place, now, ask, found) for place in places]
            for (_, _, number), each in zip(near.found, written, strict=True):
                column.put(number, each)
            return [text for _, _, text in written]
        return cast("list[bytes]", texts)

    return write


@dataclass(frozen=True, slots=True)
class _StoreWriter:
    """Writes what is selected of a store in one language, under a number by which it is kept with the place."""

    selected: Sequence[Selected]
    writer: Writer
    locale: Locale
    number: int = field(default_factory=_numbers.__next__)

    def written(self, place: Place, now: float, ask: Ask, found: NearbyPlaces) -> Written:
        """What is kept of it where that holds now, else what is written anew, and kept."""
        known = place.written.get(self.number, _NEVER)
        return known if known[0] <= now < known[1] else self._write(place, ask, found)

    def _write(self, place: Place, ask: Ask, found: NearbyPlaces) -> Written:
        source = store_types.store(place.entry.store, self.locale)
        texts = dict(cast("Mapping[str, object]", self.writer.write(source, ask)))
        since, until = _ALWAYS
        states = [each for each in self.selected if each.name in _STATES]
        if states:
            state, *bounds = place.opening(ask.now, found.directory.holidays)
            since, until = [each.timestamp() for each in bounds]
            texts |= {each.key: _leaf(each, _STATES[each.name](state)) for each in states}
        in_order = {each.key: texts[each.key] for each in self.selected}
        # A copy, because orjson leaves a kilobyte of room behind what it writes.
        written = (since, until, bytes(memoryview(orjson.dumps(in_order))))
        found.directory.keep_written(place, self.number, written)
        return written


def _leaf(selected: Selected, value: object) -> object:
    """A scalar as the reference writes it."""
    kind = selected.output
    named = cast("Any", kind.of_type if isinstance(kind, GraphQLNonNull) else kind)
    return None if value is None else named.coerce_output_value(value)
