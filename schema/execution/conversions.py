"""From what graphql-core gives to what a resolver expects: inputs as Strawberry builds them, compiled to closures."""

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from strawberry.schema.config import StrawberryConfig
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY
from strawberry.types.arguments import convert_argument
from strawberry.types.base import (
    StrawberryList,
    StrawberryOptional,
    StrawberryType,
    has_object_definition,
)

from schema.scalars import SCALARS

Convert = Callable[[Any], object]

CONFIG: Final = StrawberryConfig(scalar_map=SCALARS)
_REGISTRY: Final[Mapping[object, Any]] = {**DEFAULT_SCALAR_REGISTRY, **SCALARS}


def conversion(kind: StrawberryType | type) -> Convert:
    """From what graphql-core gives to what a resolver expects, as Strawberry converts it."""
    if isinstance(kind, StrawberryOptional):
        return conversion(kind.of_type)
    if not isinstance(kind, StrawberryType) and has_object_definition(kind):
        return _input_conversion(kind)
    if isinstance(kind, StrawberryList) or has_object_definition(kind):
        return lambda value: convert_argument(value, kind, _REGISTRY, CONFIG)
    return lambda value: value


def _input_conversion(kind: type) -> Convert:
    """Strawberry's building of an input object, with its names and types looked up once."""
    definition = cast("Any", kind).__strawberry_definition__
    if definition.from_input is not None:
        return lambda value: convert_argument(value, kind, _REGISTRY, CONFIG)
    fields = [
        (
            CONFIG.name_converter.from_field(field),
            field.python_name,
            field.resolve_type(type_definition=definition),
        )
        for field in definition.fields
    ]
    conversions: list[tuple[str, str, Convert]] = []

    def build(value: Any) -> object:
        if value is None:
            return None
        if not conversions:  # at first use: inputs may hold themselves
            conversions.extend((name, python, conversion(of)) for name, python, of in fields)
        given = {
            python: convert(value[name]) for name, python, convert in conversions if name in value
        }
        return (
            kind(**given)
            if len(given) == len(fields)
            else convert_argument(value, kind, _REGISTRY, CONFIG)
        )

    return build
