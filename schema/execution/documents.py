"""Documents made ready to run: parsed, measured, validated and costed once each, then kept.

A trusted document is read at start and stays. What else clients send is kept within bounds on number and length,
the least recently used dropped first.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
)
from graphql.validation import NoSchemaIntrospectionCustomRule, specified_rules

from backend.core.errors import DomainError
from schema.execution import costs, shape, url_safety
from schema.execution.compilation import Compilation
from schema.execution.compiler import CompiledOperation
from schema.execution.costs import Cost
from schema.execution.policy import Limits

KEPT_DOCUMENTS = 512
KEPT_CHARACTERS = 200_000  # of all kept documents; a parsed one takes up to 600 bytes a character
MAX_KEPT_CHARACTERS = 20_000  # a longer document is served and forgotten


class Refused(Exception):
    """The document can't be run: `errors` say why, each with its place."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__()
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a valid document; `compiled` where it need not be run by graphql-core."""

    name: str | None
    node: OperationDefinitionNode
    cost: Cost
    compiled: CompiledOperation | None = None

    @property
    def is_query(self) -> bool:
        """Whether running it changes nothing."""
        return self.node.operation is OperationType.QUERY


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document, or with `errors` one that is known to be none."""

    text: str
    ast: DocumentNode
    operations: Mapping[str | None, Operation] = field(default_factory=dict)
    is_safe_in_url: bool = False
    errors: list[GraphQLError] = field(default_factory=list)

    def operation(self, wanted: str | None) -> Operation:
        """The operation that is meant. Raises Refused where that can't be said."""
        if self.errors:
            raise Refused(self.errors)
        if wanted is not None:
            found = self.operations.get(wanted)
            if found is None:
                raise _refused("There is no operation of this name in the document.")
            return found
        if not self.operations:
            raise _refused("Must provide an operation.")
        if len(self.operations) > 1:
            raise _refused("Must provide operation name if query contains multiple operations.")
        return next(iter(self.operations.values()))


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes documents ready for one schema, within limits; without introspection for production.

    With a compilation, their operations are compiled too.
    """

    schema: GraphQLSchema
    limits: Limits
    introspection: bool = True
    compilation: Compilation | None = None

    def read(self, text: str) -> Document:
        """Parse, measure, validate and cost a document. Raises Refused where it can't be parsed."""
        try:
            ast = parse(text, max_tokens=self.limits.tokens)
        except GraphQLError as error:
            raise Refused([error]) from error
        errors = self._errors(ast)
        if errors:
            return Document(text, ast, errors=errors)
        return Document(
            text,
            ast,
            operations={
                None if each.name is None else each.name.value: self._operation(ast, each)
                for each in ast.definitions
                if isinstance(each, OperationDefinitionNode)
            },
            is_safe_in_url=not url_safety.holds_personal_input(self.schema, ast),
        )

    def _errors(self, ast: DocumentNode) -> list[GraphQLError]:
        try:
            shape.check(ast, self.limits)  # first: other rules take long over such documents
        except DomainError as error:
            return [GraphQLError("", original_error=error)]
        rules = (
            *specified_rules,
            *(() if self.introspection else (NoSchemaIntrospectionCustomRule,)),
        )
        return validate(self.schema, ast, rules, hide_suggestions=not self.introspection)

    def _operation(self, ast: DocumentNode, node: OperationDefinitionNode) -> Operation:
        return Operation(
            name=None if node.name is None else node.name.value,
            node=node,
            cost=costs.of_operation(self.schema, ast, node),
            compiled=None if self.compilation is None else self.compilation.compiled(ast, node),
        )


@dataclass(slots=True)
class Kept:
    """Documents that were read before, the least recently used dropped first."""

    documents: OrderedDict[str, Document] = field(default_factory=OrderedDict)
    characters: int = 0

    def find(self, text: str) -> Document | None:
        """The document of this text, if it was kept."""
        found = self.documents.get(text)
        if found is not None:
            self.documents.move_to_end(text)
        return found

    def keep(self, document: Document) -> None:
        """Keep a document that is not kept yet."""
        if len(document.text) > MAX_KEPT_CHARACTERS:
            return
        self.documents[document.text] = document
        self.characters += len(document.text)
        while len(self.documents) > KEPT_DOCUMENTS or self.characters > KEPT_CHARACTERS:
            dropped, _ = self.documents.popitem(last=False)
            self.characters -= len(dropped)


def _refused(message: str) -> Refused:
    return Refused([GraphQLError(message)])
