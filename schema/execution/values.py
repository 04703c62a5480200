"""What a client sends: variables of an operation, and the arguments of a field, compiled to closures.

Only what is plainly right is taken. Everything else raises Refused: graphql-core then coerces it, or says what is
wrong with it, in the words that it always uses.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_argument_values,
    type_from_ast,
    value_from_ast,
)
from graphql.execution.values import VariableValues
from graphql.utilities.coerce_input_value import coerce_default_value
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from schema.execution.coercions import Coerce, coercion
from schema.execution.conversions import CONFIG, Convert, conversion
from schema.execution.plan import Arguments, Refused

CoerceAll = Callable[[Mapping[str, object]], dict[str, object]]

NON_NULL_STRING: Final = GraphQLNonNull(GraphQLString)
_NOTHING: Final = VariableValues(sources={}, coerced={})


def no_values(variables: Mapping[str, object]) -> dict[str, object]:
    """The values of no arguments."""
    del variables
    return {}


NO_ARGUMENTS: Final = Arguments(names=(), variables=frozenset(), values=no_values, constant={})


def variables(schema: GraphQLSchema, operation: OperationDefinitionNode) -> CoerceAll:
    """A function that coerces what a client sends for an operation's variables; names of others are ignored.

    It raises Refused for what is missing, null where that is not allowed, or not plainly of its type.
    """
    wanted: list[tuple[str, Coerce, object, bool]] = []
    for definition in operation.variable_definitions or ():
        kind = type_from_ast(schema, definition.type)
        assert kind is not None  # noqa: S101 - the document is valid
        default = Undefined
        if definition.default_value is not None:
            default = value_from_ast(definition.default_value, cast("GraphQLInputType", kind))
        wanted.append(
            (
                definition.variable.name.value,
                coercion(cast("GraphQLInputType", kind)),
                default,
                isinstance(kind, GraphQLNonNull),
            )
        )

    def coerce(given: Mapping[str, object]) -> dict[str, object]:
        coerced: dict[str, object] = {}
        for name, convert, default, is_required in wanted:
            if name in given:
                coerced[name] = convert(given[name])
            elif default is not Undefined:
                coerced[name] = default
            elif is_required:
                raise Refused("a missing variable")
        return coerced

    return coerce


def arguments(definition: GraphQLField, field: StrawberryField, node: FieldNode) -> Arguments:
    """The arguments of a field as a document gives them."""
    if not definition.args:
        return NO_ARGUMENTS
    by_name = {CONFIG.name_converter.from_argument(each): each for each in field.arguments}
    written = {each.name.value: each.value for each in node.arguments or ()}
    used = frozenset[str]().union(*map(_variables_in, written.values()))
    is_plain = all(
        isinstance(value, VariableNode) or not _variables_in(value) for value in written.values()
    )
    if not used:
        constant = _converted(get_argument_values(definition, node, _NOTHING), by_name)
        return Arguments(
            names=tuple(constant),
            variables=used,
            values=lambda _: dict(constant),
            constant=constant,
        )
    build = (
        _plain(definition, by_name, written) if is_plain else _general(definition, by_name, node)
    )
    names = tuple(each.python_name or "" for each in by_name.values())
    return Arguments(names=names, variables=used, values=build, constant=None)


def _plain(
    definition: GraphQLField,
    by_name: Mapping[str, StrawberryArgument],
    written: Mapping[str, ValueNode],
) -> Callable[[Mapping[str, object]], dict[str, object]]:
    """Each argument is a constant or a whole variable."""
    constants: dict[str, object] = {}
    sources: list[_FromVariable] = []
    for name, argument in by_name.items():
        wanted, key = definition.args[name], argument.python_name or name
        value = written.get(name)
        default = coerce_default_value(wanted)
        convert = conversion(argument.type)
        if isinstance(value, VariableNode):
            is_required = isinstance(wanted.type, GraphQLNonNull)
            sources.append(_FromVariable(key, value.name.value, convert, default, is_required))
        elif value is not None:
            constants[key] = convert(value_from_ast(value, wanted.type))
        elif default is not Undefined:
            constants[key] = convert(default)

    def build(variables: Mapping[str, object]) -> dict[str, object]:
        built = dict(constants)
        for source in sources:
            source.put(built, variables)
        return built

    return build


@dataclass(frozen=True, slots=True)
class _FromVariable:
    """An argument that is a whole variable."""

    key: str
    variable: str
    convert: Convert
    default: object
    is_required: bool

    def put(self, built: dict[str, object], variables: Mapping[str, object]) -> None:
        """Add the argument where it has a value: the variable's, else its default."""
        given = variables.get(self.variable, self.default)
        if given is Undefined:
            if self.is_required:
                raise Refused("a missing argument")
        elif given is None and self.is_required:
            raise Refused("null for an argument that is required")
        else:
            built[self.key] = self.convert(given)


def _general(
    definition: GraphQLField, by_name: Mapping[str, StrawberryArgument], node: FieldNode
) -> Callable[[Mapping[str, object]], dict[str, object]]:
    """Variables stand inside of lists or objects: graphql-core puts them in."""

    def build(variables: Mapping[str, object]) -> dict[str, object]:
        given = VariableValues(sources={}, coerced=dict(variables))
        try:
            return _converted(get_argument_values(definition, node, given), by_name)
        except GraphQLError as error:
            raise Refused("an argument that graphql-core refuses") from error

    return build


def _converted(
    given: Mapping[str, object], by_name: Mapping[str, StrawberryArgument]
) -> dict[str, object]:
    return {
        argument.python_name or name: conversion(argument.type)(given[name])
        for name, argument in by_name.items()
        if name in given
    }


def _variables_in(value: ValueNode) -> frozenset[str]:
    """The variables that a value is made of."""
    if isinstance(value, VariableNode):
        return frozenset({value.name.value})
    below = [*getattr(value, "values", ()), *(each.value for each in getattr(value, "fields", ()))]
    return frozenset[str]().union(*map(_variables_in, below))
