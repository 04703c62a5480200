"""An operation compiled: its root fields as parts that run side by side, and their answer as one JSON text."""

import asyncio
import inspect
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

import orjson
from graphql import DocumentNode, OperationDefinitionNode
from strawberry import Schema

from schema.execution import values
from schema.execution.plan import Ask, Binding, Note, Part, Refused, Selected, Tier
from schema.execution.selection import OperationTree, Switches
from schema.execution.writing import WriterMaker

_QUERY: Final = "Query"


@dataclass(frozen=True, slots=True)
class Plan:
    """The parts of an operation for one setting of its switches; `constant` where it asks for nothing."""

    parts: tuple[tuple[str, Part], ...]
    constant: bytes | None

    @property
    def tier(self) -> Tier:
        """The slowest of its parts."""
        return max((part.tier for _, part in self.parts), default=Tier.REFERENCE_DATA)

    async def answer(self, ask: Ask) -> bytes:
        """The answer as JSON. Raises whatever hinders it: then graphql-core answers."""
        if self.constant is not None:
            return self.constant
        data: dict[str, object] = {}
        waiting: dict[str, Awaitable[object]] = {}
        try:
            for key, part in self.parts:
                data[key] = value = part.start(ask)
                if part.is_async and type(value) is not orjson.Fragment:
                    waiting[key] = cast("Awaitable[object]", value)
        except BaseException:
            _abandon(waiting.values())
            raise
        if len(waiting) == 1:
            ((key, value),) = waiting.items()
            data[key] = await value
        elif waiting:
            data.update(zip(waiting, await asyncio.gather(*waiting.values()), strict=True))
        return orjson.dumps({"data": data})


class CompiledOperation:
    """An operation with a plan for each setting of its switches.

    Raises Refused where it can't be compiled.
    """

    def __init__(
        self,
        schema: Schema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        bindings: Mapping[tuple[str, str], Binding],
    ) -> None:
        core = schema._schema  # noqa: SLF001 - graphql-core's schema, which Strawberry keeps there
        self.tree = OperationTree(core, document, operation)
        self.coerce = values.variables(core, operation)
        self._makers = (WriterMaker(schema), bindings)
        self.fallbacks: dict[str, int] = {}  # how often graphql-core had to answer, by the reason
        self._plans: dict[Switches, Plan] = {}
        for setting in self.tree.settings():
            self._plans[setting] = self._compile(setting)

    def plan(self, variables: Mapping[str, object]) -> Plan:
        """The plan for these coerced variables."""
        switches = self.tree.switches
        if not switches:
            return self._plans[()]
        try:
            setting = tuple((name, cast("bool", variables[name])) for name in switches)
            return self._plans[setting]
        except KeyError as error:
            raise Refused("a directive's variable without a value") from error

    @property
    def notes(self) -> Sequence[Note]:
        """What `bashgah explain` shows, of the plan with every switch on."""
        plan = self._plans[tuple((name, True) for name in self.tree.switches)]
        return [note for _, part in plan.parts for note in part.notes]

    @property
    def tier(self) -> Tier:
        """The slowest tier of any of its plans."""
        return max(plan.tier for plan in self._plans.values())

    def _compile(self, setting: Switches) -> Plan:
        selected = self.tree.selected(setting)
        parts = tuple((each.key, self._part(each)) for each in selected)
        is_constant = all(each.field is None for each in selected)
        data = {each.key: _QUERY for each in selected}
        return Plan(parts, orjson.dumps({"data": data}) if is_constant else None)

    def _part(self, selected: Selected) -> Part:
        if selected.field is None:
            note = Note(selected.key, Tier.REFERENCE_DATA, "a constant")
            return Part(Tier.REFERENCE_DATA, lambda _: _QUERY, is_async=False, notes=(note,))
        maker, bindings = self._makers
        binding = bindings.get((selected.parent, selected.name))
        part = None if binding is None else binding(selected, maker.writer, selected.key)
        if part is None:
            return maker.part(selected, selected.key)
        return _guarded(part, selected.guards)


def _guarded(part: Part, permissions: tuple[str, ...]) -> Part:
    """The part behind the guards of its field."""
    if not permissions:
        return part
    inner = part.start

    def start(ask: Ask) -> object | Awaitable[object]:
        for permission in permissions:
            ask.viewer.require(permission)
        return inner(ask)

    return Part(part.tier, start, part.is_async, part.notes)


def _abandon(waiting: Iterable[Awaitable[object]]) -> None:
    """Let go of what was begun: nobody waits for it any more."""
    for each in waiting:
        if inspect.iscoroutine(each):
            each.close()
        elif isinstance(each, asyncio.Future):
            each.cancel()
