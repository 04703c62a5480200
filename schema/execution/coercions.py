"""From JSON to what graphql-core makes of a value of an input type, compiled to closures.

Only what is plainly right is taken; everything else raises Refused.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    Undefined,
)
from graphql.utilities.coerce_input_value import coerce_default_value

from schema.execution.plan import Refused

Coerce = Callable[[Any], object]

_INT_BOUND: Final = 2**31


def coercion(kind: GraphQLInputType) -> Coerce:
    """From JSON to what graphql-core makes of a value of this type."""
    if isinstance(kind, GraphQLNonNull):
        inner = coercion(kind.of_type)

        def required(value: object) -> object:
            if value is None:
                raise Refused("null for a variable that is required")
            return inner(value)

        return required
    if isinstance(kind, GraphQLList):
        return _list_coercion(coercion(kind.of_type))
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
            self._convert = coercion(self._kind)
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
