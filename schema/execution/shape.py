"""How large an operation is once its fragments are spread: what the limits on documents count.

Each fragment is measured once: read out at every spread, two spreads in each of thirty fragments are a billion.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ListValueNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    VariableDefinitionNode,
)

from schema.execution.limits import BeyondLimit
from schema.execution.policy import Limits


@dataclass(frozen=True, slots=True)
class Shape:
    """`depth`: how many fields stand around the innermost one; `aliases`: fields with another name.

    `fields` are those of the outermost selection; `list_items` is the length of the longest list literal.
    """

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    list_items: int = 0

    def beside(self, other: "Shape") -> "Shape":
        """The shape of both in one selection."""
        return Shape(
            depth=max(self.depth, other.depth),
            aliases=self.aliases + other.aliases,
            directives=self.directives + other.directives,
            root_fields=self.root_fields + other.root_fields,
            list_items=max(self.list_items, other.list_items),
        )


def check(document: DocumentNode, limits: Limits) -> None:
    """Raise BeyondLimit where an operation of the document is too large."""
    try:
        shapes = measure(document)
    except RecursionError:
        raise BeyondLimit("depth", limits.depth) from None
    for shape in shapes:
        for name in ("depth", "aliases", "directives", "root_fields", "list_items"):
            most = getattr(limits, name)
            if getattr(shape, name) > most:
                raise BeyondLimit(name, most)


def measure(document: DocumentNode) -> list[Shape]:
    """The shapes of the document's operations.

    What lies below an introspection field adds no depth. A cycle of fragments and an unknown one add nothing:
    validation refuses both. Raises RecursionError where the document nests beyond all measure.
    """
    measuring = _Measuring(
        {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }
    )
    return [
        measuring.operation(each)
        for each in document.definitions
        if isinstance(each, OperationDefinitionNode)
    ]


@dataclass(slots=True)
class _Measuring:
    fragments: Mapping[str, FragmentDefinitionNode]
    known: dict[str, Shape] = field(default_factory=dict)

    def operation(self, node: OperationDefinitionNode) -> Shape:
        variables = _together([_of_variable(each) for each in node.variable_definitions or ()])
        inner = self.selections(node.selection_set.selections)
        return _directives(node.directives).beside(variables).beside(inner)

    def selections(self, selections: Iterable[SelectionNode]) -> Shape:
        return _together([self._selection(each) for each in selections])

    def _selection(self, node: SelectionNode) -> Shape:
        own = _directives(node.directives)
        if isinstance(node, FieldNode):
            return own.beside(self._field(node))
        if isinstance(node, FragmentSpreadNode):
            return own.beside(self._fragment(node.name.value))
        assert isinstance(node, InlineFragmentNode)  # noqa: S101 - there is no fourth kind
        return own.beside(self.selections(node.selection_set.selections))

    def _field(self, node: FieldNode) -> Shape:
        items = max((_list_items(each.value) for each in node.arguments or ()), default=0)
        own = Shape(aliases=1 if node.alias else 0, root_fields=1, list_items=items)
        if node.selection_set is None:
            return own
        inner = self.selections(node.selection_set.selections)
        depth = 0 if node.name.value.startswith("__") else inner.depth + 1
        return own.beside(
            Shape(depth, inner.aliases, inner.directives, list_items=inner.list_items)
        )

    def _fragment(self, name: str) -> Shape:
        if name not in self.known:
            self.known[name] = Shape()  # what a cycle finds
            if name in self.fragments:
                fragment = self.fragments[name]
                inner = self.selections(fragment.selection_set.selections)
                self.known[name] = _directives(fragment.directives).beside(inner)
        return self.known[name]


def _of_variable(node: VariableDefinitionNode) -> Shape:
    default = 0 if node.default_value is None else _list_items(node.default_value)
    return _directives(node.directives).beside(Shape(list_items=default))


def _directives(nodes: Iterable[DirectiveNode] | None) -> Shape:
    arguments = [argument.value for node in nodes or () for argument in node.arguments or ()]
    items = max((_list_items(each) for each in arguments), default=0)
    return Shape(directives=len(tuple(nodes or ())), list_items=items)


def _list_items(value: Node) -> int:
    """The length of the longest list within a literal."""
    if isinstance(value, ListValueNode):
        return max(len(value.values), *(_list_items(each) for each in value.values), 0)
    if isinstance(value, ObjectValueNode):
        return max((_list_items(each.value) for each in value.fields), default=0)
    return 0


def _together(shapes: list[Shape]) -> Shape:
    return reduce(Shape.beside, shapes, Shape())
