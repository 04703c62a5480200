"""Documents that clients send: parsed and validated once each, within limits on their size and shape."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode, validate
from graphql.validation import NoSchemaIntrospectionCustomRule
from strawberry.extensions import MaxAliasesLimiter, QueryDepthLimiter, SchemaExtension

MAX_TOKENS = 2_000
MAX_DEPTH = 12
MAX_ALIASES = 15
KEPT_DOCUMENTS = 512
MAX_KEPT_CHARACTERS = 20_000  # a longer document is served and forgotten

_SEVERAL_OPERATIONS = "Must provide operation name if query contains multiple operations."


@dataclass(slots=True)
class Known:
    """The documents of one schema with what validation said, the least recently used dropped first."""

    introspection: bool
    kept: OrderedDict[str, tuple[DocumentNode, list[GraphQLError]]] = field(
        default_factory=OrderedDict
    )

    def find(self, text: str) -> tuple[DocumentNode, list[GraphQLError]] | None:
        """The document and its errors, if it was kept."""
        found = self.kept.get(text)
        if found is not None:
            self.kept.move_to_end(text)
        return found

    def keep(self, text: str, document: DocumentNode, errors: list[GraphQLError]) -> None:
        """Keep what was found out about a document."""
        if len(text) > MAX_KEPT_CHARACTERS:
            return
        self.kept[text] = (document, errors)
        if len(self.kept) > KEPT_DOCUMENTS:
            self.kept.popitem(last=False)


class KnownDocuments(SchemaExtension):
    """Parses and validates a document at its first appearance, with the limits; then remembers it.

    A document with several operations must say which one is meant: Strawberry would take the first.
    """

    def __init__(self, known: Known) -> None:
        self._known = known

    def on_operation(self) -> Iterator[None]:
        """Bound the parser."""
        self.execution_context.parse_options["max_tokens"] = MAX_TOKENS
        yield

    def on_parse(self) -> Iterator[None]:
        """Take a known document instead of parsing it again."""
        found = self._known.find(self.execution_context.query or "")
        if found is not None:
            self.execution_context.graphql_document = found[0]
        yield

    def on_validate(self) -> Iterator[None]:
        """Take a known verdict, or find one."""
        execution = self.execution_context
        document = execution.graphql_document
        if document is not None:
            text = execution.query or ""
            found = self._known.find(text)
            if found is None:
                errors = self._validate(document)
                self._known.keep(text, document, errors)
            else:
                errors = found[1]
            # A list, also an empty one: at None Strawberry would validate once more.
            execution.pre_execution_errors = errors or self._ambiguous(document)
        yield

    def _validate(self, document: DocumentNode) -> list[GraphQLError]:
        rules = (
            *self.execution_context.validation_rules,
            *QueryDepthLimiter(max_depth=MAX_DEPTH).validation_rules,
            *MaxAliasesLimiter(max_alias_count=MAX_ALIASES).validation_rules,
            *(() if self._known.introspection else (NoSchemaIntrospectionCustomRule,)),
        )
        return validate(self.execution_context.schema._schema, document, rules)  # noqa: SLF001

    def _ambiguous(self, document: DocumentNode) -> list[GraphQLError]:
        # The public `operation_name` falls back on the name of the first operation.
        if self.execution_context._provided_operation_name is not None:  # noqa: SLF001
            return []
        operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
        return [GraphQLError(_SEVERAL_OPERATIONS)] if len(operations) > 1 else []
