"""An operation compiled: its root fields as parts that run side by side, and their answer as one JSON text."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

import orjson
from graphql import DocumentNode, OperationDefinitionNode
from strawberry import Schema

from backend.infra import telemetry
from schema.execution import awaiting, values
from schema.execution.plan import Ask, Binding, Note, Part, Refused, Selected, Tier
from schema.execution.selection import OperationTree, Switches
from schema.execution.writing import WriterMaker

_QUERY: Final = "Query"
_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """The parts of an operation for one setting of its switches; `constant` where it asks for nothing."""

    parts: tuple[tuple[str, Part], ...]
    constant: bytes | None
    tier: Tier = field(init=False)  # the slowest of its parts
    # The fastest first: where memory refuses, nothing was asked of the database yet.
    _starts: tuple[tuple[str, Part], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Find the order in which the parts are started; the answer keeps that of selection."""
        in_order = tuple(sorted(self.parts, key=lambda entry: entry[1].tier))
        object.__setattr__(self, "_starts", in_order)
        tier = in_order[-1][1].tier if in_order else Tier.REFERENCE_DATA
        object.__setattr__(self, "tier", tier)

    def begin(self, ask: Ask) -> bytes | Awaitable[bytes]:
        """The answer as JSON, or an awaitable of it where something is waited for.

        Raises whatever hinders it, and so does the awaitable: then graphql-core answers.
        """
        if self.constant is not None:
            return self.constant
        data: dict[str, object] = {key: None for key, _ in self.parts}
        waiting: dict[str, Awaitable[object]] = {}
        try:
            for key, part in self._starts:
                data[key] = value = part.start(ask)
                if part.is_async and type(value) is not orjson.Fragment:
                    waiting[key] = cast("Awaitable[object]", value)
        except BaseException:
            awaiting.abandon(waiting.values())
            raise
        return _ended(data, waiting) if waiting else orjson.dumps({"data": data})

    async def answer(self, ask: Ask) -> bytes:
        """The same for who can wait."""
        found = self.begin(ask)
        return found if isinstance(found, bytes) else await found


async def _ended(data: dict[str, object], waiting: Mapping[str, Awaitable[object]]) -> bytes:
    """The answer when all that is waited for has come."""
    if len(waiting) == 1:
        ((key, value),) = waiting.items()
        data[key] = await value
    else:
        data.update(zip(waiting, await awaiting.together(*waiting.values()), strict=True))
    return orjson.dumps({"data": data})


class CompiledOperation:
    """An operation with a plan for each setting of its switches, made when it is first asked for.

    Raises Refused where it can't be compiled with every switch on.
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
        every_one_on = tuple((name, True) for name in self.tree.switches)
        self._shown = self._compile(every_one_on)
        self._plans: dict[Switches, Plan | Refused] = {every_one_on: self._shown}

    def plan(self, variables: Mapping[str, object]) -> Plan:
        """The plan for these coerced variables. Raises Refused where there is none."""
        switches = self.tree.switches
        if not switches:
            return self._shown
        try:
            setting = tuple((name, cast("bool", variables[name])) for name in switches)
        except KeyError as error:
            raise Refused("a directive's variable without a value") from error
        return self._plan(setting)

    @property
    def notes(self) -> Sequence[Note]:
        """What `bashgah explain` shows, of the plan with every switch on."""
        return [note for _, part in self._shown.parts for note in part.notes]

    @property
    def tier(self) -> Tier:
        """The tier of the plan with every switch on."""
        return self._shown.tier

    def _plan(self, setting: Switches) -> Plan:
        """The plan for a setting; what can't be compiled is not tried again."""
        found = self._plans.get(setting)
        if found is None:
            found = self._plans[setting] = self._tried(setting)
        if isinstance(found, Refused):
            raise Refused(found.reason)
        return found

    def _tried(self, setting: Switches) -> Plan | Refused:
        try:
            return self._compile(setting)
        except Refused as refused:
            return refused
        except Exception:  # noqa: BLE001 - whatever it is, graphql-core serves the operation
            _log.exception("operation.compile_failed", switches=dict(setting))
            return Refused("a mistake of the compiler")

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
        if _has_guards_below(
            selected
        ):  # bindings know nothing of guards; resolvers' writers ask each
            binding = None
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


def _has_guards_below(selected: Selected) -> bool:
    return any(
        each.guards or _has_guards_below(each)
        for below in selected.fields.values()
        for each in below
    )
