"""How deep a document nests and how often it names a field anew, once its fragments are spread.

Each fragment is measured once: read out at every spread, two spreads in each of thirty fragments are a billion.
Strawberry's own limiters read out every spread, and trip over a fragment that does not exist.
"""

from dataclasses import dataclass, field
from functools import reduce

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
)


@dataclass(frozen=True, slots=True)
class Shape:
    """`depth`: how many fields stand around the innermost one; `aliases`: fields with another name."""

    depth: int = 0
    aliases: int = 0

    def beside(self, other: "Shape") -> "Shape":
        """The shape of both in one selection."""
        return Shape(max(self.depth, other.depth), self.aliases + other.aliases)


def measure(document: DocumentNode) -> Shape:
    """The deepest nesting and all aliases of the document's operations.

    What lies below an introspection field adds no depth. A cycle of fragments and an unknown one add nothing:
    validation refuses both.
    """
    measuring = _Measuring(
        {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }
    )
    operations = [
        each for each in document.definitions if isinstance(each, OperationDefinitionNode)
    ]
    return _together([measuring.selections(each.selection_set.selections) for each in operations])


@dataclass(slots=True)
class _Measuring:
    fragments: dict[str, FragmentDefinitionNode]
    known: dict[str, Shape] = field(default_factory=dict)

    def selections(self, selections: tuple[SelectionNode, ...]) -> Shape:
        return _together([self._selection(each) for each in selections])

    def _selection(self, node: SelectionNode) -> Shape:
        if isinstance(node, FieldNode):
            return self._field(node)
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        assert isinstance(node, InlineFragmentNode)  # noqa: S101 - there is no fourth kind
        return self.selections(node.selection_set.selections)

    def _field(self, node: FieldNode) -> Shape:
        own = Shape(aliases=1 if node.alias else 0)
        if node.selection_set is None:
            return own
        inner = self.selections(node.selection_set.selections)
        depth = 0 if node.name.value.startswith("__") else inner.depth + 1
        return own.beside(Shape(depth, inner.aliases))

    def _fragment(self, name: str) -> Shape:
        if name not in self.known:
            self.known[name] = Shape()  # what a cycle finds
            if name in self.fragments:
                self.known[name] = self.selections(self.fragments[name].selection_set.selections)
        return self.known[name]


def _together(shapes: list[Shape]) -> Shape:
    return reduce(Shape.beside, shapes, Shape())
