"""What a client sends: variables of an operation, and the arguments of a field, compiled to closures.

Only what is plainly right is taken. Everything else raises Refused: graphql-core then coerces it, or says what is
wrong with it, in the words that it always uses.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
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
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY
from strawberry.types.arguments import StrawberryArgument, convert_argument
from strawberry.types.base import (
    StrawberryList,
    StrawberryOptional,
    StrawberryType,
    has_object_definition,
)
from strawberry.types.field import StrawberryField

from schema.execution.plan import Arguments, Refused
from schema.scalars import SCALARS

Coerce = Callable[[Any], object]
CoerceAll = Callable[[Mapping[str, object]], dict[str, object]]

NON_NULL_STRING: Final = GraphQLNonNull(GraphQLString)
_CONFIG: Final = StrawberryConfig(scalar_map=SCALARS)
_REGISTRY: Final[Mapping[object, Any]] = {**DEFAULT_SCALAR_REGISTRY, **SCALARS}
_INT_BOUND: Final = 2**31
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
                _coercion(cast("GraphQLInputType", kind)),
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
    by_name = {_CONFIG.name_converter.from_argument(each): each for each in field.arguments}
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
        convert = _conversion(argument.type)
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
    convert: Coerce
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
        argument.python_name or name: _conversion(argument.type)(given[name])
        for name, argument in by_name.items()
        if name in given
    }


def _variables_in(value: ValueNode) -> frozenset[str]:
    """The variables that a value is made of."""
    if isinstance(value, VariableNode):
        return frozenset({value.name.value})
    below = [*getattr(value, "values", ()), *(each.value for each in getattr(value, "fields", ()))]
    return frozenset[str]().union(*map(_variables_in, below))


def _coercion(kind: GraphQLInputType) -> Coerce:
    """From JSON to what graphql-core makes of a value of this type."""
    if isinstance(kind, GraphQLNonNull):
        inner = _coercion(kind.of_type)

        def required(value: object) -> object:
            if value is None:
                raise Refused("null for a variable that is required")
            return inner(value)

        return required
    if isinstance(kind, GraphQLList):
        return _list_coercion(_coercion(kind.of_type))
    if isinstance(kind, GraphQLInputObjectType):
        return _object_coercion(kind)
    plain = _PLAIN.get(kind.name)
    return _nullable(plain if plain is not None else _leaf_coercion(kind))


def _nullable(convert: Coerce) -> Coerce:
    return lambda value: None if value is None else convert(value)


def _leaf_coercion(kind: GraphQLScalarType | GraphQLEnumType) -> Coerce:
    def leaf(value: object) -> object:
        try:
            found = cast("Any", kind).coerce_input_value(value)
        except Exception as error:  # whatever a scalar's parser raises
            raise Refused("a value that its scalar or enum refuses") from error
        if found is Undefined:
            raise Refused("a value that its scalar or enum refuses")
        return found

    return leaf


def _list_coercion(item: Coerce) -> Coerce:
    def each(value: object) -> object:
        if value is None:
            return None
        if type(value) is not list:
            raise Refused("no list")
        return [item(one) for one in value]

    return each


def _object_coercion(kind: GraphQLInputObjectType) -> Coerce:
    if kind.is_one_of:
        raise Refused("an input of which one field is given")
    fields = {name: _LazyCoercion(field.type) for name, field in kind.fields.items()}
    defaults = {
        name: coerce_default_value(field)
        for name, field in kind.fields.items()
        if coerce_default_value(field) is not Undefined
    }
    required = [
        name
        for name, field in kind.fields.items()
        if isinstance(field.type, GraphQLNonNull) and name not in defaults
    ]
    if any(field.out_name not in {None, name} for name, field in kind.fields.items()):
        raise Refused("an input with names of its own")

    def build(value: object) -> object:
        if value is None:
            return None
        if type(value) is not dict or not value.keys() <= fields.keys():
            raise Refused("no object of this input")
        if any(name not in value for name in required):
            raise Refused("an input field is missing")
        return {
            name: coerce(value[name]) if name in value else defaults[name]
            for name, coerce in fields.items()
            if name in value or name in defaults
        }

    return build


class _LazyCoercion:
    """The coercion of an input's field, made at first use: inputs may hold themselves."""

    __slots__ = ("_convert", "_kind")

    def __init__(self, kind: GraphQLInputType) -> None:
        self._kind = kind
        self._convert: Coerce | None = None

    def __call__(self, value: object) -> object:
        if self._convert is None:
            self._convert = _coercion(self._kind)
        return self._convert(value)


def _int(value: object) -> object:
    if type(value) is int and -_INT_BOUND <= value < _INT_BOUND:
        return value
    raise Refused("no plain Int")


def _float(value: object) -> object:
    if (type(value) is float and math.isfinite(value)) or type(value) is int:
        return float(value)
    raise Refused("no plain Float")


def _text(value: object) -> object:
    if type(value) is str:
        return value
    raise Refused("no plain String or ID")


def _boolean(value: object) -> object:
    if value is True or value is False:
        return value
    raise Refused("no plain Boolean")


_PLAIN: Final[Mapping[str, Coerce]] = {
    "Int": _int,
    "Float": _float,
    "String": _text,
    "ID": _text,
    "Boolean": _boolean,
}


def _conversion(kind: StrawberryType | type) -> Coerce:
    """From what graphql-core gives to what a resolver expects, as Strawberry converts it."""
    if isinstance(kind, StrawberryOptional):
        return _conversion(kind.of_type)
    if not isinstance(kind, StrawberryType) and has_object_definition(kind):
        return _input_conversion(kind)
    if isinstance(kind, StrawberryList) or has_object_definition(kind):
        return lambda value: convert_argument(value, kind, _REGISTRY, _CONFIG)
    return lambda value: value


def _input_conversion(kind: type) -> Coerce:
    """Strawberry's building of an input object, with its names and types looked up once."""
    definition = cast("Any", kind).__strawberry_definition__
    if definition.from_input is not None:
        return lambda value: convert_argument(value, kind, _REGISTRY, _CONFIG)
    fields = [
        (
            _CONFIG.name_converter.from_field(field),
            field.python_name,
            field.resolve_type(type_definition=definition),
        )
        for field in definition.fields
    ]
    conversions: list[tuple[str, str, Coerce]] = []

    def build(value: Any) -> object:
        if value is None:
            return None
        if not conversions:  # at first use: inputs may hold themselves
            conversions.extend((name, python, _conversion(of)) for name, python, of in fields)
        given = {
            python: convert(value[name]) for name, python, convert in conversions if name in value
        }
        return (
            kind(**given)
            if len(given) == len(fields)
            else convert_argument(value, kind, _REGISTRY, _CONFIG)
        )

    return build
