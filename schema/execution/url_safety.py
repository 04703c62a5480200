"""Whether an operation may stand in a URL: URLs end up in logs, and some inputs are personal."""

from graphql import (
    ArgumentNode,
    DocumentNode,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    get_named_type,
    visit,
)

PERSONAL_TYPES = frozenset({"NationalCode", "PhoneNumber", "GeoPointInput", "MemberSearch"})


def holds_personal_input(schema: GraphQLSchema, document: DocumentNode) -> bool:
    """Whether a variable or an argument of a valid document names a person or where one is."""
    type_info = TypeInfo(schema)
    looking = _Looking(type_info)
    visit(document, TypeInfoVisitor(type_info, looking))
    return looking.found


class _Looking(Visitor):
    """Looks at every variable's type, and at the arguments that are written out."""

    def __init__(self, type_info: TypeInfo) -> None:
        super().__init__()
        self._type_info = type_info
        self.found = False

    def enter_variable_definition(self, _node: VariableDefinitionNode, *_: object) -> None:
        """`$at: GeoPointInput`"""
        self._look(self._type_info.get_input_type())

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        """`at: {latitude: 29.6, longitude: 52.5}`"""
        if not isinstance(node.value, VariableNode):
            self._look(self._type_info.get_input_type())

    def _look(self, kind: GraphQLInputType | None) -> None:
        self.found = self.found or (kind is not None and _is_personal(kind, frozenset()))


def _is_personal(kind: GraphQLInputType, seen: frozenset[str]) -> bool:
    named = get_named_type(kind)
    if named.name in PERSONAL_TYPES:
        return True
    if not isinstance(named, GraphQLInputObjectType) or named.name in seen:
        return False
    seen |= {named.name}
    return any(_is_personal(each.type, seen) for each in named.fields.values())
