"""Whoever reads the schema is told what everything is: types, fields, arguments and values."""

from collections.abc import Iterator

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_introspection_type,
    is_specified_scalar_type,
)

from schema import root


def undescribed(schema: GraphQLSchema) -> list[str]:
    """Coordinates of what has no description: `Type`, `Type.field`, `Type.field(argument:)`, `Enum.VALUE`."""
    return [place for place, description in _described(schema) if not (description or "").strip()]


def _described(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    for name, kind in schema.type_map.items():
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        yield name, kind.description
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, field in kind.fields.items():
                yield f"{name}.{field_name}", field.description
                for argument_name, argument in field.args.items():
                    yield f"{name}.{field_name}({argument_name}:)", argument.description
        elif isinstance(kind, GraphQLInputObjectType):
            for field_name, input_field in kind.fields.items():
                yield f"{name}.{field_name}", input_field.description
        elif isinstance(kind, GraphQLEnumType):
            for value_name, value in kind.values.items():
                yield f"{name}.{value_name}", value.description


def test_everything_in_the_schema_is_described() -> None:
    assert undescribed(root.build()._schema) == []


def test_the_committed_schema_carries_the_descriptions() -> None:
    assert undescribed(build_schema(root.sdl())) == []


def test_a_missing_description_is_noticed_wherever_it_is() -> None:
    bare = build_schema(
        """
        type Query { field(argument: Input): Union }
        interface Interface { field: Enum }
        type Type implements Interface { field: Enum }
        union Union = Type
        input Input { field: Scalar }
        enum Enum { VALUE }
        scalar Scalar
        """
    )

    assert sorted(undescribed(bare)) == sorted(
        [
            *("Query", "Query.field", "Query.field(argument:)"),
            *("Interface", "Interface.field", "Type", "Type.field"),
            *("Union", "Input", "Input.field", "Enum", "Enum.VALUE", "Scalar"),
        ]
    )
