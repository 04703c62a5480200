"""Documents that clients send: parsed and validated once each, within limits on their size and shape."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, parse, validate
from graphql.validation import NoSchemaIntrospectionCustomRule
from strawberry.extensions import SchemaExtension

from schema import document_shape

MAX_TOKENS = 2_000
MAX_DEPTH = 12
MAX_ALIASES = 15
KEPT_DOCUMENTS = 512
KEPT_CHARACTERS = 200_000  # of all kept documents; a parsed one takes up to 600 bytes a character
MAX_KEPT_CHARACTERS = 20_000  # a longer document is served and forgotten


@dataclass(slots=True)
class Known:
    """The documents of one schema with what validation said, the least recently used dropped first."""

    introspection: bool
    kept: OrderedDict[str, tuple[DocumentNode, list[GraphQLError]]] = field(
        default_factory=OrderedDict
    )
    characters: int = 0

    def find(self, text: str) -> tuple[DocumentNode, list[GraphQLError]] | None:
        """The document and its errors, if it was kept."""
        found = self.kept.get(text)
        if found is not None:
            self.kept.move_to_end(text)
        return found

    def keep(self, text: str, document: DocumentNode, errors: list[GraphQLError]) -> None:
        """Keep what was found out about a document that is not kept yet."""
        if len(text) > MAX_KEPT_CHARACTERS:
            return
        self.kept[text] = (document, errors)
        self.characters += len(text)
        while len(self.kept) > KEPT_DOCUMENTS or self.characters > KEPT_CHARACTERS:
            dropped, _ = self.kept.popitem(last=False)
            self.characters -= len(dropped)


class KnownDocuments(SchemaExtension):
    """Parses and validates a document at its first appearance, with the limits; then remembers it.

    A document with several operations must say which one is meant: Strawberry would take the first.
    """

    def __init__(self, known: Known) -> None:
        self._known = known

    def on_parse(self) -> Iterator[None]:
        """Take a known document instead of parsing it again. Raises GraphQLError, as parsing does."""
        text = self.execution_context.query or ""
        found = self._known.find(text)
        document = parse(text, max_tokens=MAX_TOKENS) if found is None else found[0]
        # Before Strawberry looks for the operation: it raises what only its HTTP view understands.
        # The public `operation_name` falls back on the name of the first operation.
        _check_operation(document, self.execution_context._provided_operation_name)  # noqa: SLF001
        self.execution_context.graphql_document = document
        yield

    def on_validate(self) -> Iterator[None]:
        """Take a known verdict, or find one."""
        execution = self.execution_context
        document, text = execution.graphql_document, execution.query or ""
        assert document is not None  # noqa: S101 - parsed above
        found = self._known.find(text)
        if found is None:
            errors = _beyond_limits(document) or self._validate(document)
            self._known.keep(text, document, errors)
        else:
            errors = found[1]
        # A list, also an empty one: at None Strawberry would validate once more.
        execution.pre_execution_errors = errors
        yield

    def _validate(self, document: DocumentNode) -> list[GraphQLError]:
        rules = (
            *self.execution_context.validation_rules,
            *(() if self._known.introspection else (NoSchemaIntrospectionCustomRule,)),
        )
        return validate(self.execution_context.schema._schema, document, rules)  # noqa: SLF001


def _check_operation(document: DocumentNode, wanted: str | None) -> None:
    """Raise GraphQLError where it can't be said which operation is meant."""
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if not operations:
        raise GraphQLError("Must provide an operation.")
    if wanted is None:
        if len(operations) > 1:
            raise GraphQLError("Must provide operation name if query contains multiple operations.")
    elif all(each.name is None or each.name.value != wanted for each in operations):
        raise GraphQLError("There is no operation of this name in the document.")


def _beyond_limits(document: DocumentNode) -> list[GraphQLError]:
    """What is too much; first, because other rules take long over such documents."""
    shape = document_shape.measure(document)
    beyond = []
    if shape.depth > MAX_DEPTH:
        beyond.append(
            GraphQLError(f"The document exceeds the maximum operation depth of {MAX_DEPTH}.")
        )
    if shape.aliases > MAX_ALIASES:
        beyond.append(GraphQLError(f"The document has more than {MAX_ALIASES} aliases."))
    return beyond
