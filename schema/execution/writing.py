"""Tier 3: Python source, generated for what is selected of a type, that writes its objects.

The source calls each field's resolver, or takes the attribute where there is none, and serializes as graphql-core
would. A null where the schema allows none, and an object of an unknown type, raise Refused.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLScalarType,
    get_named_type,
    is_leaf_type,
)
from strawberry import Schema
from strawberry.types.field import StrawberryField

from schema.execution import awaiting
from schema.execution.plan import Note, Part, Refused, Selected, Tier, Writer

_INDENT: Final = "    "
_PLAIN_LEAVES: Final = {"String": "str", "ID": "str", "Boolean": "bool"}


class WriterMaker:
    """Makes writers for the types of one schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def writer(self, type_name: str, selected: tuple[Selected, ...], path: str) -> Writer:
        """A writer of objects of this type. Raises Refused for fields that can't be compiled."""
        module = _Module(self._schema)
        name, is_async = module.written(type_name, selected)
        return Writer(module.load(name), is_async, (Note(path, Tier.RESOLVER, module.source),))

    def part(self, selected: Selected, path: str) -> Part:
        """A root field by its resolver. Raises Refused where it can't be compiled."""
        module = _Module(self._schema)
        name, is_async = module.root(selected)
        run = module.load(name)
        return Part(
            tier=Tier.RESOLVER,
            start=lambda ask: run(None, ask),
            is_async=is_async,
            notes=(Note(path, Tier.RESOLVER, module.source),),
        )


class _Module:
    """The source of one writer with the functions and constants that it refers to."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._functions: list[str] = []
        self._names: dict[str, Any] = {"Refused": Refused, "together": awaiting.together}
        self._count = 0

    @property
    def source(self) -> str:
        return "\n\n".join(self._functions)

    def load(self, name: str) -> Callable[[object, Any], Any]:
        """Run the source; gives its function of this name."""
        names = dict(self._names)
        exec(compile(self.source, "<compiled operation>", "exec"), names)  # noqa: S102 - our own source
        return cast("Callable[[object, Any], Any]", names[name])

    def root(self, selected: Selected) -> tuple[str, bool]:
        """A function for the value of a root field."""
        lines, is_async = self._field(selected, "value")
        return self._function("root", "source", [*lines, "return value"], is_async), is_async

    def written(self, type_name: str, selected: tuple[Selected, ...]) -> tuple[str, bool]:
        """A function that writes an object of this type."""
        lines: list[str] = []
        entries: list[str] = []
        is_async = False
        for place, each in enumerate(selected):
            if each.field is None:
                entries.append(f"{each.key!r}: {type_name!r}")
                continue
            variable = f"v{place}"
            more, waits = self._field(each, variable)
            lines += more
            is_async = is_async or waits
            entries.append(f"{each.key!r}: {variable}")
        lines.append(f"return {{{', '.join(entries)}}}")
        return self._function(type_name, "source", lines, is_async), is_async

    def _function(self, word: str, argument: str, lines: list[str], is_async: bool) -> str:
        name = self._name(word)
        head = f"{'async ' if is_async else ''}def {name}({argument}, ask):"
        self._functions.append("\n".join([head, *(f"{_INDENT}{line}" for line in lines)]))
        return name

    def _constant(self, word: str, value: object) -> str:
        name = self._name(word)
        self._names[name] = value
        return name

    def _name(self, word: str) -> str:
        """A name that nothing else in the source has."""
        self._count += 1
        return f"{word}_{self._count}"

    def _field(self, selected: Selected, variable: str) -> tuple[list[str], bool]:
        """Lines that leave the completed value of a field in a variable."""
        assert selected.field is not None  # noqa: S101 - `__typename` is written by the object
        lines = [f"ask.viewer.require({permission!r})" for permission in selected.guards]
        call, is_async = self._call(selected, selected.field)
        lines.append(f"{variable} = {'await ' if is_async else ''}{call}")
        where = f"{selected.parent}.{selected.name}"
        more, waits = self._complete(selected.output, selected, variable, where)
        return lines + more, is_async or waits

    def _call(self, selected: Selected, field: StrawberryField) -> tuple[str, bool]:
        resolver = field.base_resolver
        if resolver is None:
            return f"source.{selected.attribute}", False
        function = resolver.wrapped_func
        if inspect.isasyncgenfunction(function) or resolver.parent_parameter is not None:
            raise Refused("a resolver of another kind")
        name = self._constant(f"resolve_{selected.attribute}", function)
        given = []
        if resolver.self_parameter is not None or resolver.root_parameter is not None:
            given.append("source")
        if resolver.info_parameter is not None:
            given.append(f"{resolver.info_parameter.name}=ask.info")
        arguments = selected.arguments
        if arguments.constant is None:
            given.append(f"**{self._constant('arguments', arguments.values)}(ask.variables)")
        elif arguments.constant:
            given.append(f"**{self._constant('arguments', arguments.constant)}")
        return f"{name}({', '.join(given)})", inspect.iscoroutinefunction(function)

    def _complete(
        self, output: GraphQLOutputType, selected: Selected, variable: str, where: str
    ) -> tuple[list[str], bool]:
        """Lines that turn a resolver's value into what is written."""
        if isinstance(output, GraphQLNonNull):
            lines, is_async = self._present(output.of_type, selected, variable, where)
            message = repr(f"null in {where}")
            return [
                f"if {variable} is None:",
                f"{_INDENT}raise Refused({message})",
                *lines,
            ], is_async
        lines, is_async = self._present(output, selected, variable, where)
        if lines:
            lines = [f"if {variable} is not None:", *(f"{_INDENT}{line}" for line in lines)]
        return lines, is_async

    def _present(
        self, output: GraphQLOutputType, selected: Selected, variable: str, where: str
    ) -> tuple[list[str], bool]:
        if isinstance(output, GraphQLList):
            return self._list(output, selected, variable, where)
        if is_leaf_type(output):
            return self._leaf(output, variable), False
        return self._below(output, selected, variable, where)

    def _list(
        self, output: GraphQLList[Any], selected: Selected, variable: str, where: str
    ) -> tuple[list[str], bool]:
        lines, is_async = self._complete(output.of_type, selected, "value", f"{where}[]")
        checked = [
            f"if not isinstance({variable}, (list, tuple)):",
            f"{_INDENT}raise Refused({f'no list in {where}'!r})",
        ]
        if not lines:
            return [*checked, f"{variable} = list({variable})"], False
        item = self._function("item", "value", [*lines, "return value"], is_async)
        each = f"[{item}(each, ask) for each in {variable}]"
        if not is_async:
            return [*checked, f"{variable} = {each}"], False
        return [*checked, f"{variable} = await together(*{each})"], True

    def _leaf(self, kind: GraphQLScalarType | GraphQLEnumType, variable: str) -> list[str]:
        serialize = self._constant(f"serialize_{kind.name}", cast("Any", kind).coerce_output_value)
        if isinstance(kind, GraphQLEnumType):
            names = self._constant(f"names_{kind.name}", _enum_names(kind))
            return [f"{variable} = {names}.get({variable}) or {serialize}({variable})"]
        plain = _PLAIN_LEAVES.get(kind.name)
        line = f"{variable} = {serialize}({variable})"
        return (
            [line]
            if plain is None
            else [f"if type({variable}) is not {plain}:", f"{_INDENT}{line}"]
        )

    def _below(
        self, output: GraphQLOutputType, selected: Selected, variable: str, where: str
    ) -> tuple[list[str], bool]:
        """An object of one type; of several, by its Python class."""
        functions = {name: self.written(name, below) for name, below in selected.fields.items()}
        if get_named_type(output).name in functions:
            ((function, waits),) = functions.values()
            return [f"{variable} = {'await ' if waits else ''}{function}({variable}, ask)"], waits
        lines = [f"kind = type({variable})"]
        word = "if"
        for name, (function, waits) in functions.items():
            kind = self._constant(name, self._class_of(name))
            call = f"{'await ' if waits else ''}{function}({variable}, ask)"
            lines += [f"{word} kind is {kind}:", f"{_INDENT}{variable} = {call}"]
            word = "elif"
        lines += [
            "else:",
            f"{_INDENT}raise Refused({f'an object of an unknown type in {where}'!r})",
        ]
        return lines, any(waits for _, waits in functions.values())

    def _class_of(self, type_name: str) -> type:
        definition = self._schema.get_type_by_name(type_name)
        return cast("type", cast("Any", definition).origin)


def _enum_names(kind: GraphQLEnumType) -> Mapping[object, str]:
    """The names of an enum's values by the members that resolvers give."""
    definition = cast("Any", kind)
    return {member: kind.coerce_output_value(member) for member in definition.wrapped_cls}
