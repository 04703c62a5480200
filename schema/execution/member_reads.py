"""Tier 2 of `Query.me`: what SQL can write of the member comes by one statement, shared with other requests.

The rest is written by resolvers, side by side with it, and merged in the order of selection. The credit line is
worked out by its domain from the numbers that the statement brings.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
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
from schema.execution import awaiting, member_children
from schema.execution.awaiting import Begun
from schema.execution.member_children import Child
from schema.execution.plan import Ask, MakeWriter, Note, Part, Refused, Selected, Tier, Writer

MAX_FORMS: Final = (
    64  # of one operation: each is a statement that is kept, the least recently asked dropped
)
_CREDIT: Final = "credit"


def bind_me(selected: Selected, make_writer: MakeWriter, path: str) -> Part | None:
    """`me` by a statement; None where nothing of it can be read by one."""
    below = selected.only()
    children = {each.key: child for each in below if (child := member_children.of(each))}
    credit = {
        each.key: make_writer("CreditLine", each.only(), f"{path}.{each.key}")
        for each in below
        if each.name == _CREDIT and each.field is not None and not each.guards
    }
    if not credit and all(each.selected.name in {"id", "__typename"} for each in children.values()):
        return None
    others = tuple(each for each in below if each.key not in children and each.key not in credit)
    writer = make_writer("Member", others, path) if others else None
    reading = _Reading(
        keys=tuple(each.key for each in below), children=children, credit=credit, writer=writer
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
    statements: OrderedDict[tuple[Locale, tuple[Form, ...]], Statement] = field(
        default_factory=OrderedDict
    )

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
        statement = self.statement(ask.locale, tuple(forms))
        if statement.needs_at:
            arguments.append(ask.now)
        row = sharing.ask(statement, tuple(arguments))
        return Begun(_whole(row) if self.is_one_text else self._merged(row, ask), row)

    @property
    def is_one_text(self) -> bool:
        """Whether SQL writes all of it."""
        return not self.credit and self.writer is None

    def statement(self, locale: Locale, forms: tuple[Form, ...]) -> Statement:
        """The statement for these forms of the children, in their order."""
        found = self.statements.get((locale, forms))
        if found is None:
            if len(self.statements) >= MAX_FORMS:
                self.statements.popitem(last=False)
            found = self.statements[locale, forms] = self._made(locale, forms)
        else:
            self.statements.move_to_end((locale, forms))
        return found

    def _made(self, locale: Locale, forms: Sequence[Form]) -> Statement:
        maker, left = StatementMaker(), iter(forms)
        written = {
            key: child.write(maker, child.usual if child.bind is None else next(left), locale)
            for key, child in self.children.items()
        }
        if self.is_one_text:
            return maker.finished([expressions.obj([(key, written[key]) for key in self.keys])])
        columns: list[Column] = list(written.values())
        if self.credit:
            standing = maker.single(purchase_views.STANDING)
            columns += [standing.column(name) for name in purchase_views.STANDING_COLUMNS]
        return maker.finished(columns)

    async def _merged(self, row: sharing.Answer, ask: Ask) -> dict[str, object]:
        """The member as a dictionary of texts that SQL wrote and values that were written here."""
        others, found = await self._awaited(row, ask)
        end = sharing.FIRST_COLUMN + len(self.children)
        texts = dict(
            zip(self.children, map(_fragment, found[sharing.FIRST_COLUMN : end]), strict=True)
        )
        lines = await self._credit_lines(found[end:], ask)
        return {
            key: texts[key] if key in texts else lines[key] if key in lines else others[key]
            for key in self.keys
        }

    async def _awaited(
        self, row: sharing.Answer, ask: Ask
    ) -> tuple[Mapping[str, object], Sequence[Any]]:
        """What resolvers give, and the row, side by side."""
        if self.writer is None:
            return {}, cast("Sequence[Any]", await row)
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

    async def _credit_lines(self, standing: Sequence[object], ask: Ask) -> dict[str, object]:
        if not self.credit:
            return {}
        if standing[0] is None:
            raise Refused("no file")
        value = purchases_schema.credit_line(purchases.credit_line(standing, at=ask.now))
        lines: dict[str, object] = {}
        for key, writer in self.credit.items():
            written = writer.write(value, ask)
            lines[key] = await cast("Awaitable[object]", written) if writer.is_async else written
        return lines


async def _whole(row: sharing.Answer) -> object:
    return _fragment((await row)[sharing.FIRST_COLUMN])


def _fragment(text: bytes | None) -> orjson.Fragment:
    if text is None:
        raise Refused("a null in a text of SQL")
    return orjson.Fragment(text)


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
