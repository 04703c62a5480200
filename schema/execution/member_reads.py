"""Tier 2 of `Query.me`: what SQL can write of the member comes by one statement, shared with other requests.

The rest is written by resolvers, side by side with it, and merged in the order of selection. The credit line is
worked out by its domain from the numbers that the statement brings.
"""

import itertools
from collections import OrderedDict
from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, cast

import orjson

from backend.core.locale import Locale
from backend.infra.readviews import expressions, sharing
from backend.infra.readviews.statements import Column, Statement, StatementMaker
from backend.infra.readviews.views import Form
from backend.purchases import reading as purchases
from backend.purchases import views as purchase_views
from schema import members
from schema import purchases as purchases_schema
from schema.execution import awaiting, member_children, remembered_stores
from schema.execution.awaiting import Begun, Working
from schema.execution.member_children import Child
from schema.execution.plan import Ask, MakeWriter, Note, Part, Refused, Selected, Tier, Writer
from schema.execution.readings import Manner
from schema.execution.remembered_stores import RememberedStores

MAX_FORMS: Final = (
    64  # of one operation: each is a statement that is kept, the least recently asked dropped
)
_CREDIT: Final = "credit"
_NO_LINES: Final[Mapping[str, object]] = {}


def bind_me(selected: Selected, make_writer: MakeWriter, path: str) -> Part | None:
    """`me` by a statement; None where nothing of it can be read by one."""
    below = selected.only()
    children = {each.key: child for each in below if (child := member_children.of(each))}
    credit = {
        each.key: line
        for each in below
        if (line := _credit_writer(each, make_writer, path)) is not None
    }
    if not credit and all(each.selected.name in {"id", "__typename"} for each in children.values()):
        return None
    others = tuple(each for each in below if each.key not in children and each.key not in credit)
    writer = make_writer("Member", others, path) if others else None
    reading = _Reading(
        keys=tuple(each.key for each in below),
        children=children,
        credit=credit,
        writer=writer,
        stores=RememberedStores(make_writer, path),
    )
    return Part(
        tier=Tier.READ_VIEW if writer is None else Tier.RESOLVER,
        start=reading.start,
        is_async=True,
        notes=_notes(path, reading, writer),
    )


@dataclass(slots=True, eq=False)
class _Reading:
    """`me` for one selection: the keys of its fields in order, by whom each is written, and its statements."""

    keys: tuple[str, ...]
    children: Mapping[str, Child]
    credit: Mapping[str, Writer]
    writer: Writer | None
    stores: RememberedStores
    statements: OrderedDict[tuple[Locale, tuple[Form, ...], bool], Statement] = field(
        default_factory=OrderedDict
    )
    pieces: "tuple[_Piece, ...]" = field(init=False, repr=False)
    width: int = field(init=False, repr=False)  # columns that the pieces take of the row

    def __post_init__(self) -> None:
        """Find which fields SQL writes side by side: they are one column."""
        self.pieces = _pieces(self.keys, self.children)
        self.width = sharing.FIRST_COLUMN + sum(each.is_sql for each in self.pieces)

    def start(self, ask: Ask) -> Awaitable[object]:
        """Ask for the row. Raises what the services raise where the viewer may not, and Refused."""
        owner = member_children.owner(ask)
        arguments: list[object] = [owner]
        forms: list[Form] = []
        for child in self.children.values():
            if child.bind is None:
                continue
            bound = child.bind(ask)
            if bound.owner != owner:
                raise Refused("two members in one request")
            forms.append(bound.form)
            arguments += child.values(bound)
        if self.credit and purchases.read_standing(viewer=ask.viewer).owner != owner:
            raise Refused("two members in one request")
        is_remembered = remembered_stores.remembered() is not None
        statement = self.statement(ask.locale, tuple(forms), is_remembered=is_remembered)
        if statement.needs_at:
            arguments.append(ask.now)
        row = sharing.ask(statement, tuple(arguments))
        if self.writer is None:
            return Begun(row, partial(self._finish, ask))
        return Working(self._merged(row, ask), row)

    def statement(
        self, locale: Locale, forms: tuple[Form, ...], *, is_remembered: bool = False
    ) -> Statement:
        """The statement for these forms of the children, in their order; with holes where stores are remembered."""
        key = (locale, forms, is_remembered)
        found = self.statements.get(key)
        if found is None:
            if len(self.statements) >= MAX_FORMS:
                self.statements.popitem(last=False)
            found = self.statements[key] = self._made(key)
        else:
            self.statements.move_to_end(key)
        return found

    def _made(self, key: tuple[Locale, tuple[Form, ...], bool]) -> Statement:
        locale, forms, is_remembered = key
        maker, left = StatementMaker(), iter(forms)
        manner = Manner(locale, self.stores.hole if is_remembered else None)
        columns: list[Column] = []
        for piece in self.pieces:
            written: list[tuple[str, expressions.Json]] = []
            for each in piece.keys if piece.is_sql else ():
                child = self.children[each]
                form = child.usual if child.bind is None else next(left)
                written.append((each, child.write(maker, form, manner)))
            if written:
                columns.append(expressions.entries(written))
        if self.credit:
            standing = maker.single(purchase_views.STANDING)
            columns += [standing.column(name) for name in purchase_views.STANDING_COLUMNS]
        return maker.finished(columns)

    def _finish(self, ask: Ask, row: Sequence[Any]) -> object:
        """What is written here is waited for by nobody: no resolver has a part in it."""
        lines = self._credit_lines(row[self.width :], ask)
        return self._whole(row, lines, ask)

    async def _merged(self, row: sharing.Answer, ask: Ask) -> object:
        """The member by SQL and resolvers, which work side by side."""
        others, found = await self._awaited(row, ask)
        values = {**others, **self._credit_lines(found[self.width :], ask)}
        whole = self._whole(found, values, ask)
        return await whole if isinstance(whole, Coroutine) else whole

    def _whole(
        self, row: Sequence[Any], values: Mapping[str, object], ask: Ask
    ) -> orjson.Fragment | Coroutine[Any, Any, orjson.Fragment]:
        """The texts of SQL with what was written here between them, in the order of selection."""
        column, texts = sharing.FIRST_COLUMN, []
        for piece in self.pieces:
            if piece.is_sql:
                text = row[column]
                if text is None:
                    raise Refused("a null in a text of SQL")
                column += 1
            else:
                text = orjson.dumps({key: values[key] for key in piece.keys})[1:-1]
            texts.append(text)
        filled = self.stores.filled(b"{%b}" % b",".join(texts), ask)
        return orjson.Fragment(filled) if isinstance(filled, bytes) else _later(filled)

    async def _awaited(
        self, row: sharing.Answer, ask: Ask
    ) -> tuple[Mapping[str, object], Sequence[Any]]:
        """What resolvers give, and the row, side by side."""
        assert self.writer is not None  # noqa: S101 - looked at before
        try:
            writing = self.writer.write(members.acted_for(cast("Any", ask.info)), ask)
        except BaseException:
            row.cancel()
            raise
        if self.writer.is_async:
            writing, found = await awaiting.together(cast("Awaitable[object]", writing), row)
        else:
            found = await row
        return cast("Mapping[str, object]", writing), cast("Sequence[Any]", found)

    def _credit_lines(self, standing: Sequence[object], ask: Ask) -> Mapping[str, object]:
        if not self.credit:
            return _NO_LINES
        if standing[0] is None:
            raise Refused("no file")
        value = purchases_schema.credit_line(purchases.credit_line(standing, at=ask.now))
        return {key: writer.write(value, ask) for key, writer in self.credit.items()}


@dataclass(frozen=True, slots=True)
class _Piece:
    """Fields that stand side by side in the answer and are written together: by SQL, as one column, or here."""

    keys: tuple[str, ...]
    is_sql: bool


def _pieces(keys: Sequence[str], children: Mapping[str, Child]) -> tuple[_Piece, ...]:
    groups = itertools.groupby(keys, key=children.__contains__)
    return tuple(_Piece(tuple(group), is_sql) for is_sql, group in groups)


def _credit_writer(selected: Selected, make_writer: MakeWriter, path: str) -> Writer | None:
    """A writer of the credit line, from its numbers; None where that is left to resolvers."""
    if selected.name != _CREDIT or selected.field is None or selected.guards:
        return None
    writer = make_writer("CreditLine", selected.only(), f"{path}.{selected.key}")
    return None if writer.is_async else writer


async def _later(filled: Coroutine[Any, Any, bytes]) -> orjson.Fragment:
    return orjson.Fragment(await filled)


def _notes(path: str, reading: _Reading, writer: Writer | None) -> list[Note]:
    forms = tuple(child.usual for child in reading.children.values() if child.bind is not None)
    sql = reading.statement(Locale.FA, forms).sql
    notes = [Note(path, Tier.READ_VIEW, sql)]
    notes += [Note(f"{path}.{key}", Tier.READ_VIEW) for key in reading.children]
    notes += [
        Note(f"{path}.{key}", Tier.READ_VIEW, "numbers by the statement, the line by its domain")
        for key in reading.credit
    ]
    return [*notes, *(() if writer is None else writer.notes)]
