"""Stores inside of what SQL writes, from this process's memory: a statement leaves a hole for each, filled in here.

The text of a store is written once for what is selected of it, and kept until the store changes. One that is not
remembered, such as a suspended place, is read by a statement that all who need it at the time share.
"""

import asyncio
import itertools
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from backend.core.locale import Locale
from backend.infra.readviews import expressions, sharing
from backend.infra.readviews.expressions import Json
from backend.infra.readviews.statements import Statement, StatementMaker
from backend.stores import directory
from backend.stores.directory import Directory
from schema import store_types
from schema.execution import readings
from schema.execution.plan import Ask, MakeWriter, Refused, Selected, Writer
from schema.execution.readings import Manner

MAX_KEPT: Final = 32_768  # texts, of all that is selected anywhere: about 12 MB

_HOLE: Final = expressions.HOLE.encode()
_numbers = itertools.count()
# By the name of the hole: the id, what the text was written of, and the text.
_kept: dict[bytes, tuple[int, object, bytes]] = {}


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """What is selected of a store in one language: how it is written of memory, and by SQL."""

    writer: Writer
    locale: Locale
    statement: Statement
    number: int = field(default_factory=_numbers.__next__)


class RememberedStores:
    """The holes of one part's statements."""

    def __init__(self, make_writer: MakeWriter, path: str) -> None:
        self._make_writer = make_writer
        self._path = path
        self._kinds: dict[int, _Kind] = {}
        self._known: dict[tuple[int, Locale], _Kind] = {}  # by the identity of what is selected

    def hole(self, selected: Selected, locale: Locale, key: str) -> Json:
        """What a statement leaves of the store with this id, which is SQL. Raises Unreadable."""
        kind = self._known.get((id(selected), locale))
        if kind is None:
            kind = self._made(selected, locale)
            self._known[id(selected), locale] = self._kinds[kind.number] = kind
        return expressions.hole(kind.number, key)

    def filled(self, text: bytes, ask: Ask) -> bytes | Coroutine[object, object, bytes]:
        """The text with its stores; a coroutine of it where some have to be read."""
        pieces = text.split(_HOLE)
        if len(pieces) == 1:
            return text
        found = remembered()
        places = {} if found is None else found.places
        missing: list[int] = []
        for at in range(1, len(pieces), 2):
            kept = _kept.get(pieces[at])
            if kept is not None:
                place = places.get(kept[0])
                if place is not None and place.entry is kept[1]:
                    pieces[at] = kept[2]
                    continue
            written = self._written(pieces[at], found, ask)
            if written is None:
                missing.append(at)
            else:
                pieces[at] = written
        return self._read(pieces, missing) if missing else b"".join(pieces)

    def _made(self, selected: Selected, locale: Locale) -> _Kind:
        writer = self._make_writer("Store", selected.only(), f"{self._path}.{selected.key}")
        if writer.is_async:
            raise readings.Unreadable(f"Store of {self._path}")
        maker = StatementMaker()
        text = readings.store(maker, maker.parameter("bigint"), selected, Manner(locale))
        return _Kind(writer, locale, maker.finished([text], is_common=True))

    def _named(self, name: bytes) -> tuple[_Kind, int]:
        number, _, key = name.partition(b":")
        return self._kinds[int(number)], int(key)

    def _written(self, name: bytes, found: Directory | None, ask: Ask) -> bytes | None:
        """The text by memory, kept from now on; None where the store is not there."""
        kind, key = self._named(name)
        place = None if found is None else found.places.get(key)
        if place is None:
            return None
        value = kind.writer.write(store_types.store(place.entry.store, kind.locale), ask)
        # A copy, because orjson leaves a kilobyte of room behind what it writes.
        text = bytes(memoryview(orjson.dumps(value)))
        if len(_kept) >= MAX_KEPT:
            _kept.clear()
        _kept[name] = (key, place.entry, text)
        return text

    async def _read(self, pieces: list[bytes], missing: Sequence[int]) -> bytes:
        asked: list[sharing.Answer] = []
        try:
            for at in missing:
                kind, key = self._named(pieces[at])
                asked.append(sharing.ask(kind.statement, (0, key)))
            for at, row in zip(missing, await asyncio.gather(*asked), strict=True):
                pieces[at] = _text(row)
        except BaseException:
            for each in asked:
                each.cancel()
            raise
        return b"".join(pieces)


def _text(row: Any) -> bytes:
    text: bytes | None = row[sharing.FIRST_COLUMN]
    if text is None:
        raise Refused("a store that SQL does not write")
    return text


def remembered() -> Directory | None:
    """The stores of this process where they may be answered from: what is asked of them hangs on no day."""
    places = directory.current()
    return places if places.is_fresh(places.first_day) else None
