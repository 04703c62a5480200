"""The one schema: the root types put together from the slices' skins, with the guards of every request."""

from functools import cache, partial

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from backend.core import ids
from schema import documents
from schema.context import Info
from schema.organization import OrganizationQuery
from schema.relay import Node, public_key
from schema.scalars import SCALARS
from schema.store_types import Store
from schema.stores import StoresQuery, store_by_key


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
            return await store_by_key(info, public_key(id, "Store"))
        raise ids.InvalidGlobalId(field=("id",))


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
            partial(documents.KnownDocuments, documents.Known(introspection=introspection)),
        ],
    )


def sdl() -> str:
    """The schema in its own language, as committed in schema.graphql."""
    return build().as_str() + "\n"
