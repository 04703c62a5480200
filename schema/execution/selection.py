"""An operation of a document as a tree of selected fields: fragments merged, directives applied, guards read off.

Fields are merged by graphql-core itself, once for each concrete type, so that order and merging are as there.
"""

from collections.abc import Mapping

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    visit,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FragmentDetails,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues
from graphql.language import DirectiveNode, Visitor
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from schema.execution import values
from schema.execution.plan import Refused, Selected
from schema.permissions import Requires

MAX_SWITCHES = 4  # variables of @include and @skip: each doubles the number of plans
_TYPENAME = "__typename"
_LAZY_DIRECTIVES = frozenset({"defer", "stream"})

Switches = tuple[tuple[str, bool], ...]


class OperationTree:
    """One operation of a valid document; `selected` gives its fields for each setting of its switches.

    Raises Refused for what is no query, and for more than MAX_SWITCHES switches.
    """

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
    ) -> None:
        if operation.operation is not OperationType.QUERY:
            raise Refused("no query")
        self._schema = schema
        self._operation = operation
        self._fragments = {
            each.name.value: FragmentDetails(each)
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }
        self.switches = _switches(document)
        if len(self.switches) > MAX_SWITCHES:
            raise Refused("too many variables in directives")

    def selected(self, setting: Switches) -> tuple[Selected, ...]:
        """The root fields with all below them."""
        chosen = VariableValues(sources={}, coerced=dict(setting))
        root = self._schema.query_type
        assert root is not None  # noqa: S101 - the schema has queries
        found = collect_fields(self._schema, self._fragments, chosen, root, self._operation)
        return self._fields(root, found.grouped_field_set, chosen)

    def _fields(
        self,
        parent: GraphQLObjectType,
        grouped: Mapping[str, list[FieldDetails]],
        chosen: VariableValues,
    ) -> tuple[Selected, ...]:
        return tuple(self._field(parent, key, nodes, chosen) for key, nodes in grouped.items())

    def _field(
        self, parent: GraphQLObjectType, key: str, nodes: list[FieldDetails], chosen: VariableValues
    ) -> Selected:
        node = nodes[0].node
        name = node.name.value
        if name == _TYPENAME:
            return _typename(key, parent)
        definition = parent.fields.get(name)
        if definition is None:
            raise Refused("introspection")
        source = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
        if not isinstance(source, StrawberryField):
            raise Refused("a field that is not ours")
        below = get_named_type(definition.type)
        concrete: tuple[GraphQLObjectType, ...] = ()
        if is_abstract_type(below):
            concrete = tuple(self._schema.get_possible_types(below))
        elif not is_leaf_type(below):
            assert isinstance(below, GraphQLObjectType)  # noqa: S101 - what else is left
            concrete = (below,)
        return Selected(
            key=key,
            parent=parent.name,
            name=name,
            attribute=source.python_name,
            output=definition.type,
            arguments=values.arguments(definition, source, node),
            guards=_guards(source),
            fields={each.name: self._below(each, nodes, chosen) for each in concrete},
            field=source,
        )

    def _below(
        self, concrete: GraphQLObjectType, nodes: list[FieldDetails], chosen: VariableValues
    ) -> tuple[Selected, ...]:
        found = collect_subfields(
            self._schema, self._fragments, chosen, self._operation, concrete, nodes
        )
        return self._fields(concrete, found.grouped_field_set, chosen)


def _typename(key: str, parent: GraphQLObjectType) -> Selected:
    return Selected(
        key=key,
        parent=parent.name,
        name=_TYPENAME,
        attribute="",
        output=values.NON_NULL_STRING,
        arguments=values.NO_ARGUMENTS,
        guards=(),
        fields={},
        field=None,
    )


def _guards(field: StrawberryField) -> tuple[str, ...]:
    """The permissions that a viewer needs. Raises Refused for a guard that is not understood here."""
    if field.permission_classes:
        raise Refused("a permission class")
    permissions = []
    for extension in field.extensions:
        if type(extension) is not Requires:
            raise Refused("a field extension")
        permissions.append(extension.permission)
    return tuple(permissions)


def _switches(document: DocumentNode) -> tuple[str, ...]:
    """The variables that @include and @skip look at, in order of appearance."""
    collector = _SwitchCollector()
    visit(document, collector)
    return tuple(collector.names)


class _SwitchCollector(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, None] = {}

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        if node.name.value in _LAZY_DIRECTIVES:
            raise Refused("a lazy directive")
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.names[argument.value.name.value] = None
