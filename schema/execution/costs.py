"""What an operation may cost, before it runs: about the number of objects in its answer.

An object costs 1 and a scalar nothing, unless `weights.py` says otherwise. A list costs its length times what one
item costs: the length is the field's own `first`, or that of the connection around it, else the one in `weights.py`.
So a cost is a sum of products of constants and variables, such as 3 + 5·$first: found once a document,
worked out with each request's variables in a microsecond. Fields under @skip and @include count.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_leaf_type,
)

from schema.execution import weights


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """The length of a list that a variable gives; `default` where the variable is left out or null."""

    variable: str
    default: int
    most: int

    def of(self, variables: Mapping[str, object]) -> int:
        """The length, from 0 to `most`: what lies outside is refused by the field itself."""
        given = variables.get(self.variable)
        if given is None:
            return self.default
        is_number = isinstance(given, int) and not isinstance(given, bool)
        return max(0, min(int(given), self.most)) if is_number else self.most  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class Cost:
    """A sum of products: how often, and the sizes to be multiplied."""

    terms: Mapping[tuple[Size, ...], int] = field(default_factory=dict)

    def of(self, variables: Mapping[str, object]) -> int:
        """The cost with the variables of a request, as the client sent them."""
        total = 0
        for sizes, count in self.terms.items():
            for size in sizes:
                count *= size.of(variables)  # noqa: PLW2901 - a product
            total += count
        return total

    def most(self) -> int:
        """The cost with the variables that make it dearest."""
        return sum(
            count * math.prod(max(size.default, size.most) for size in sizes)
            for sizes, count in self.terms.items()
        )

    def plus(self, other: "Cost") -> "Cost":
        """Both."""
        terms = dict(self.terms)
        for sizes, count in other.terms.items():
            terms[sizes] = terms.get(sizes, 0) + count
        return Cost(terms)

    def times(self, length: "int | Size") -> "Cost":
        """This for each item of a list."""
        if isinstance(length, int):
            return Cost({sizes: count * length for sizes, count in self.terms.items()})
        return Cost({tuple(sorted((*sizes, length))): count for sizes, count in self.terms.items()})


NOTHING = Cost()


def of_operation(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> Cost:
    """The cost of a valid operation."""
    root = schema.get_root_type(operation.operation)
    assert root is not None  # noqa: S101 - validated
    counting = _Counting(schema, _fragments(document), _defaults(operation))
    return counting.selections(root, operation.selection_set.selections, None)


@dataclass(slots=True)
class _Counting:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    defaults: Mapping[str, ValueNode | None]
    known: dict[tuple[str, "int | Size | None"], Cost] = field(default_factory=dict)

    def selections(
        self,
        parent: GraphQLCompositeType,
        selections: Iterable[SelectionNode],
        page: "int | Size | None",
    ) -> Cost:
        """`page` is the `first` of the connection whose fields these are."""
        total = NOTHING
        for each in selections:
            total = total.plus(self._selection(parent, each, page))
        return total

    def _selection(
        self, parent: GraphQLCompositeType, node: SelectionNode, page: "int | Size | None"
    ) -> Cost:
        if isinstance(node, FieldNode):
            return self._field(parent, node, page)
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value, page)
        assert isinstance(node, InlineFragmentNode)  # noqa: S101 - there is no fourth kind
        condition = node.type_condition
        inner = parent if condition is None else self._type(condition.name.value)
        return self.selections(inner, node.selection_set.selections, page)

    def _fragment(self, name: str, page: "int | Size | None") -> Cost:
        key = (name, page)
        if key not in self.known:
            fragment = self.fragments[name]
            parent = self._type(fragment.type_condition.name.value)
            self.known[key] = self.selections(parent, fragment.selection_set.selections, page)
        return self.known[key]

    def _field(
        self, parent: GraphQLCompositeType, node: FieldNode, page: "int | Size | None"
    ) -> Cost:
        if node.name.value.startswith("__"):
            return NOTHING
        definition = self.schema.get_field(parent, node.name.value)
        assert definition is not None  # noqa: S101 - validated
        coordinate = f"{parent.name}.{node.name.value}"
        item_type = get_named_type(definition.type)
        own = weights.WEIGHTS.get(coordinate, 0 if is_leaf_type(item_type) else 1)
        cost = Cost({(): own}) if own else NOTHING
        first = self._first(coordinate, definition, node)
        if node.selection_set is not None and is_composite_type(item_type):
            cost = cost.plus(self.selections(item_type, node.selection_set.selections, first))
        if not _is_list(definition.type):
            return cost
        length = first if first is not None else page
        return cost.times(weights.SIZES.get(coordinate, weights.SIZE) if length is None else length)

    def _first(
        self, coordinate: str, definition: GraphQLField, node: FieldNode
    ) -> "int | Size | None":
        """The field's `first`; None where it has no such argument."""
        argument = definition.args.get("first")
        if argument is None:
            return None
        most = weights.PAGES.get(coordinate, weights.PAGE)
        default = most if argument.default_value in (None, Undefined) else argument.default_value
        given = next(
            (each.value for each in node.arguments or () if each.name.value == "first"), None
        )
        if isinstance(given, VariableNode):
            of_variable = self.defaults.get(given.name.value)
            return Size(given.name.value, _number(of_variable, default, most), most)
        return _number(given, default, most)

    def _type(self, name: str) -> GraphQLCompositeType:
        found = self.schema.get_type(name)
        assert is_composite_type(found)  # noqa: S101 - validated
        return found


def _number(node: ValueNode | None, default: int, most: int) -> int:
    return min(int(node.value), most) if isinstance(node, IntValueNode) else default


def _is_list(kind: GraphQLOutputType) -> bool:
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }


def _defaults(operation: OperationDefinitionNode) -> dict[str, ValueNode | None]:
    return {
        each.variable.name.value: each.default_value
        for each in operation.variable_definitions or ()
    }
