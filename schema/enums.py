"""Enums of the domain as enums of the schema, each value described."""

from enum import EnumMeta

import strawberry


def describe(kind: EnumMeta, description: str, **values: str) -> None:
    """Make an enum of the domain one of the schema, under its own name.

    Raises TypeError where a value has no description, or a description no value: a mistake of the program.
    """
    if kind.__members__.keys() != values.keys():
        different = kind.__members__.keys() ^ values.keys()
        raise TypeError(f"{kind.__name__}: {', '.join(sorted(different))}")
    strawberry.enum(kind, description=description)
    for value in kind.__strawberry_definition__.values:  # type: ignore[attr-defined]
        value.description = values[value.name]
