"""The one schema: the root types put together from the slices' skins, with the guards of every request."""

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

import strawberry
from graphql import GraphQLError, GraphQLInputObjectType, get_named_type
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from backend.core import ids
from backend.core.ids import GlobalId
from schema import (
    approvals,
    imports,
    instalments,
    loans,
    members,
    notifications,
    operators,
    purchases,
)
from schema.access import AccessMutation, AccessQuery
from schema.approval_reveal import ApprovalRevealMutation
from schema.approvals import ApprovalsMutation, ApprovalsQuery
from schema.audit_trail import AuditTrailQuery
from schema.context import Info
from schema.favourites import FavouritesMutation
from schema.imports import ImportsMutation, ImportsQuery
from schema.loans import LoansQuery
from schema.member_acts import MemberActsMutation
from schema.members import MembersMutation, MembersQuery
from schema.notifications import NoticesMutation
from schema.operator_members import OperatorMembersQuery
from schema.operator_provinces import OperatorProvincesMutation, OperatorProvincesQuery
from schema.operator_stores import OperatorStoresMutation, OperatorStoresQuery
from schema.organization import OrganizationQuery
from schema.purchases import PurchasesQuery
from schema.relay import Id, Node
from schema.scalars import SCALARS
from schema.store_types import Store
from schema.stores import StoresQuery, store_by_key

NodeById = Callable[[Info, GlobalId], Awaitable[Node | None]]


async def _store_by_id(info: Info, wanted: GlobalId) -> Store | None:
    if wanted.member_id is not None:
        raise ids.InvalidGlobalId
    return await store_by_key(info, wanted.key)


NODES: Final[Mapping[str, NodeById]] = MappingProxyType(
    {
        "Store": _store_by_id,
        **members.NODES,
        **purchases.NODES,
        **instalments.NODES,
        **loans.NODES,
        **notifications.NODES,
        **operators.NODES,
        **approvals.NODES,
        **imports.NODES,
    }
)


@strawberry.type(description="What can be asked.")
class Query(
    MembersQuery,
    StoresQuery,
    OrganizationQuery,
    PurchasesQuery,
    LoansQuery,
    AccessQuery,
    OperatorMembersQuery,
    OperatorStoresQuery,
    OperatorProvincesQuery,
    ApprovalsQuery,
    ImportsQuery,
    AuditTrailQuery,
):
    """The root of all queries."""

    @strawberry.field(
        description="Anything by its global id; null where there is none for the viewer."
    )
    async def node(self, info: Info, id: Id) -> Node | None:  # noqa: A002
        """A node by its global id."""
        wanted = ids.decode(id)
        find = NODES.get(wanted.type_name)
        if find is None:
            raise ids.InvalidGlobalId(field=("id",))
        return await find(info, wanted)


@strawberry.type(description="What can be changed.")
class Mutation(
    AccessMutation,
    MembersMutation,
    FavouritesMutation,
    NoticesMutation,
    MemberActsMutation,
    OperatorStoresMutation,
    OperatorProvincesMutation,
    ApprovalsMutation,
    ApprovalRevealMutation,
    ImportsMutation,
):
    """The root of all mutations."""


class Schema(strawberry.Schema):
    """Strawberry's schema without its error log: `schema.errors` logs what is unexpected, once."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Say nothing: an expected failure is no event, and messages may repeat a client's values."""


@cache
def build() -> Schema:
    """The schema; who may ask what of it, and how much, is decided in `schema/execution/`."""
    schema = Schema(
        query=Query, mutation=Mutation, types=[Store], config=StrawberryConfig(scalar_map=SCALARS)
    )
    _describe_inputs(schema)
    return schema


def _describe_inputs(schema: Schema) -> None:
    """A mutation's `input` is described by its type: each mutation has one of its own."""
    mutation = schema._schema.mutation_type  # noqa: SLF001 - Strawberry has no public way to it
    assert mutation is not None  # noqa: S101 - given above
    for field in mutation.fields.values():
        for argument in field.args.values():
            kind = get_named_type(argument.type)
            if argument.description is None and isinstance(kind, GraphQLInputObjectType):
                argument.description = kind.description


def sdl() -> str:
    """The schema in its own language, as committed in schema.graphql."""
    return build().as_str() + "\n"
