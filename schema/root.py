"""The one schema: the root types put together from the slices' skins, with the guards of every request."""

from collections.abc import Iterator
from functools import cache, partial

import strawberry
from graphql import GraphQLError, OperationDefinitionNode
from strawberry.extensions import (
    DisableIntrospection,
    MaxAliasesLimiter,
    MaxTokensLimiter,
    ParserCache,
    QueryDepthLimiter,
    SchemaExtension,
    ValidationCache,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from backend.core import ids
from schema.context import Info
from schema.organization import OrganizationQuery
from schema.relay import Node
from schema.scalars import SCALARS
from schema.store_types import Store
from schema.stores import StoresQuery, store_by_key

MAX_TOKENS = 2_000
MAX_DEPTH = 12
MAX_ALIASES = 15
KEPT_DOCUMENTS = 256

_max_tokens = partial(MaxTokensLimiter, max_token_count=MAX_TOKENS)
_max_depth = partial(QueryDepthLimiter, max_depth=MAX_DEPTH)
_max_aliases = partial(MaxAliasesLimiter, max_alias_count=MAX_ALIASES)
_parsed_documents = partial(ParserCache, maxsize=KEPT_DOCUMENTS)
_validated_documents = partial(ValidationCache, maxsize=KEPT_DOCUMENTS)


@strawberry.type(description="What can be asked.")
class Query(StoresQuery, OrganizationQuery):
    """The root of all queries."""

    @strawberry.field(
        description="Anything by its global id; null where there is none for the viewer."
    )
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:  # noqa: A002
        """A node by its global id."""
        wanted = ids.decode(id)
        if wanted.type_name == "Store":
            return await store_by_key(info, wanted.key)
        raise ids.InvalidGlobalId(field=("id",))


class OneOperation(SchemaExtension):
    """A document with several operations must say which one is meant."""

    def on_validate(self) -> Iterator[None]:
        """Refuse before the rules run: graphql-core's own check comes too late here."""
        execution = self.execution_context
        if execution.graphql_document is not None and execution.operation_name is None:
            definitions = execution.graphql_document.definitions
            operations = [each for each in definitions if isinstance(each, OperationDefinitionNode)]
            if len(operations) > 1:
                execution.pre_execution_errors = [
                    GraphQLError(
                        "Must provide operation name if query contains multiple operations."
                    )
                ]
        yield


class Schema(strawberry.Schema):
    """Strawberry's schema without its error log: `schema.errors` logs what is unexpected, once."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Say nothing: an expected failure is no event, and messages may repeat a client's values."""


@cache
def build(*, introspection: bool = True) -> Schema:
    """The schema; without introspection for production."""
    return Schema(
        query=Query,
        types=[Store],
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=not introspection),
        extensions=[
            OneOperation,
            _max_tokens,
            _max_depth,
            _max_aliases,
            _parsed_documents,
            _validated_documents,
            *(() if introspection else (DisableIntrospection,)),
        ],
    )


def sdl() -> str:
    """The schema in its own language, as committed in schema.graphql."""
    return build().as_str() + "\n"
