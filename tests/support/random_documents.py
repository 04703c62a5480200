"""Random valid operations over the whole schema, for comparing two ways of answering them.

Everything that a document may be made of occurs: named and inline fragments, aliases, the same field twice, variables
with and without values and defaults, null and invalid values, `@include` and `@skip`, unions and interfaces.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)

# By the name of an input type, of an argument, or `field.argument`.
Values = Mapping[str, Sequence[object]]

USUAL_SHARE = 0.9
_MAX_DEPTH = 7
_MAX_FIELDS = 5
_COMPOSITES = (GraphQLObjectType, GraphQLInterfaceType, GraphQLUnionType)
_SCALARS: Mapping[str, list[object]] = {
    "Int": [0, 1, 2, 3, 5, 20, 101, -1],
    "Float": [29.59, 52.58, 0.0, 200.0, 30],
    "String": ["", "حافظ", "a"],
    "Boolean": [True, False],
    "ID": ["", "x"],
    "Rial": [0, 10_000_000],
    "JalaliDate": ["1405-08-01", "1405-13-01"],
    "JalaliMonth": ["1405-01", "1405-08", "1405-12", "1404-05", "x"],
    "DateTime": ["2026-11-01T00:00:00Z", "x"],
}


@dataclass(frozen=True, slots=True)
class RandomDocument:
    """An operation and the variables to run it with."""

    text: str
    variables: dict[str, object]


@dataclass(slots=True)
class Generator:
    """Writes one document; `values` are good values for some arguments, by their names.

    Most documents ask for `usual_roots` alone, where these are given.
    """

    schema: GraphQLSchema
    random: Random
    values: Values
    usual_roots: frozenset[str] = frozenset()
    fragments: list[str] = field(default_factory=list)
    declarations: list[str] = field(default_factory=list)
    variables: dict[str, object] = field(default_factory=dict)
    aliases: int = 0
    names: int = 0

    def document(self) -> RandomDocument:
        """A query of one to three root fields."""
        root = self.schema.query_type
        assert root is not None
        known = sorted(root.fields)
        if self.usual_roots and self.random.random() < USUAL_SHARE:
            known = [each for each in known if each in self.usual_roots]
        fields = self.random.sample(known, k=min(len(known), self.random.randint(1, 3)))
        body = " ".join(self._field(root, name, 0) for name in fields)
        if self.random.random() < 0.2:
            body += " kind: __typename"
        head = f"query Q({', '.join(self.declarations)})" if self.declarations else "query Q"
        text = " ".join([f"{head} {{ {body} }}", *self.fragments])
        return RandomDocument(text, self.variables)

    def _field(
        self, parent: GraphQLObjectType | GraphQLInterfaceType, name: str, depth: int
    ) -> str:
        definition = parent.fields[name]
        arguments = self._arguments(name, definition)
        alias = self._alias() if arguments or self.random.random() < 0.15 else ""
        below = ""
        if not is_leaf_type(get_named_type(definition.type)):
            below = f" {{ {self._selection(definition.type, depth + 1)} }}"
        written = f"{alias}{name}{arguments}{self._directive()}{below}"
        if not alias and self.random.random() < 0.1:
            return f"{written} {written}"  # merged into one
        return written

    def _selection(self, output: GraphQLOutputType, depth: int) -> str:
        kind = get_named_type(output)
        assert isinstance(kind, _COMPOSITES)
        parts = self._parts(kind, depth)
        if self.random.random() < 0.2:
            parts.append("__typename")
        self.random.shuffle(parts)
        body = " ".join(parts) or "__typename"
        if self.random.random() < 0.15:
            return self._fragment(kind.name, body)
        if self.random.random() < 0.1:
            return f"...{self._directive()} {{ {body} }}"
        return body

    def _parts(
        self, kind: GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType, depth: int
    ) -> list[str]:
        parts: list[str] = []
        if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
            for possible in self.schema.get_possible_types(kind):
                if self.random.random() < 0.6:
                    body = self._selection(possible, depth + 1)
                    parts.append(f"... on {possible.name}{self._directive()} {{ {body} }}")
        if isinstance(kind, GraphQLUnionType):
            return parts
        leaves, others = [], []
        for name, definition in kind.fields.items():
            if is_leaf_type(get_named_type(definition.type)):
                leaves.append(name)
            elif depth < _MAX_DEPTH:
                others.append(name)
        chosen = self.random.sample(leaves, k=min(len(leaves), self.random.randint(1, _MAX_FIELDS)))
        more = 3 if others and {"edges", "node"} & set(others) else 2
        chosen += self.random.sample(others, k=min(len(others), self.random.randint(0, more)))
        return [*parts, *(self._field(kind, name, depth) for name in chosen)]

    def _fragment(self, type_name: str, body: str) -> str:
        name = f"F{len(self.fragments)}"
        self.fragments.append(f"fragment {name} on {type_name} {{ {body} }}")
        return f"...{name}{self._directive()}"

    def _alias(self) -> str:
        self.aliases += 1
        return f"a{self.aliases}: "

    def _directive(self) -> str:
        if self.random.random() > 0.08:
            return ""
        word = self.random.choice(["include", "skip"])
        if self.random.random() < 0.5:
            return f" @{word}(if: {self._json(self.random.random() < 0.7)})"
        known = [each for each in self.declarations if each.startswith("$switch")]
        if len(known) > 1:  # each doubles the plans of a document
            name = self.random.choice(known).partition(":")[0].removeprefix("$")
        else:
            name = f"switch{len(known)}"
            self.declarations.append(f"${name}: Boolean!")
            self.variables[name] = self.random.random() < 0.6
        return f" @{word}(if: ${name})"

    def _arguments(self, field: str, definition: GraphQLField) -> str:
        written = []
        for name, argument in definition.args.items():
            is_required = isinstance(argument.type, GraphQLNonNull)
            if is_required or self.random.random() < 0.5:
                written.append(f"{name}: {self._argument(f'{field}.{name}', argument)}")
        return f"({', '.join(written)})" if written else ""

    def _argument(self, name: str, argument: GraphQLArgument) -> str:
        value = self._value(name, argument.type)
        if self.random.random() < 0.5:
            return self._literal(argument.type, value)
        variable = self._variable()
        declared = f"${variable}: {argument.type}"
        chance = self.random.random()
        if chance < 0.15 and not isinstance(argument.type, GraphQLNonNull):
            pass  # a variable without a value
        elif chance < 0.3 and not isinstance(argument.type, GraphQLNonNull):
            declared += f" = {self._literal(argument.type, value, is_constant=True)}"
        else:
            self.variables[variable] = value
        self.declarations.append(declared)
        return f"${variable}"

    def _value(self, name: str, kind: GraphQLInputType) -> object:
        if isinstance(kind, GraphQLNonNull):
            return self._present(name, kind.of_type)
        return None if self.random.random() < 0.05 else self._present(name, kind)

    def _present(self, name: str, kind: GraphQLInputType) -> object:
        if isinstance(kind, GraphQLNonNull):
            return self._present(name, kind.of_type)
        if isinstance(kind, GraphQLList):
            return [self._value(name, kind.of_type) for _ in range(self.random.randint(0, 3))]
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(kind)
        good = self.values.get(name) or self.values.get(name.rpartition(".")[2])
        if good and self.random.random() < 0.97:
            return self.random.choice(good)
        if isinstance(kind, GraphQLEnumType):
            return self.random.choice(list(kind.values))
        return self.random.choice(good or _SCALARS.get(kind.name, ["x"]))

    def _object(self, kind: GraphQLInputObjectType) -> object:
        good = self.values.get(kind.name)
        if good and self.random.random() < 0.95:
            return self.random.choice(good)
        return {
            each: self._value(each, definition.type)
            for each, definition in kind.fields.items()
            if isinstance(definition.type, GraphQLNonNull) or self.random.random() < 0.5
        }

    def _variable(self) -> str:
        self.names += 1
        return f"v{self.names}"

    def _literal(self, kind: GraphQLInputType, value: object, *, is_constant: bool = False) -> str:
        """A value in the language of documents, where enums have no quotation marks."""
        if isinstance(kind, GraphQLNonNull):
            return self._literal(kind.of_type, value, is_constant=is_constant)
        if value is None:
            return "null"
        if isinstance(kind, GraphQLList) and isinstance(value, list):
            items = (self._literal(kind.of_type, each, is_constant=is_constant) for each in value)
            return f"[{', '.join(items)}]"
        if isinstance(kind, GraphQLInputObjectType) and isinstance(value, Mapping):
            return f"{{{', '.join(self._entries(kind, value, is_constant))}}}"
        return str(value) if isinstance(kind, GraphQLEnumType) else self._json(value)

    def _entries(
        self, kind: GraphQLInputObjectType, value: Mapping[str, object], is_constant: bool
    ) -> list[str]:
        """Fields of an input object; now and then one of them is a variable."""
        entries = []
        for name, each in value.items():
            wanted = kind.fields[name].type
            if not is_constant and self.random.random() < 0.15:
                variable = self._variable()
                self.declarations.append(f"${variable}: {wanted}")
                self.variables[variable] = each
                entries.append(f"{name}: ${variable}")
            else:
                entries.append(f"{name}: {self._literal(wanted, each, is_constant=is_constant)}")
        return entries

    def _json(self, value: object) -> str:
        return json.dumps(value, ensure_ascii=False)
