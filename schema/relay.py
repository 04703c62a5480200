"""Nodes by global id, and pages of connections."""

from typing import Annotated, TypeVar

import strawberry

from backend.core import ids
from backend.core.ids import GlobalId, InvalidGlobalId
from backend.core.paging import MAX_FIRST, Page
from backend.members.domain import SELF
from schema.context import Info

First = Annotated[
    int | None,
    strawberry.argument(description=f"How many at the most, 1 to {MAX_FIRST}."),
]
After = Annotated[
    str | None,
    strawberry.argument(description="The cursor after which the page begins; null for the first."),
]
Id = Annotated[strawberry.ID, strawberry.argument(description="Its global id.")]


@strawberry.interface(description="Anything that has an id of its own and can be fetched by it.")
class Node:
    """An object with a global id."""

    id: strawberry.ID = strawberry.field(description="Opaque and stable; unique across all types.")


@strawberry.type(description="Where a page of a connection stands.")
class PageInfo:
    """The page's cursors, and whether more follow."""

    has_next_page: bool = strawberry.field(description="Whether more items follow.")
    has_previous_page: bool = strawberry.field(
        description="Whether the page was asked for with `after`; connections are walked forwards."
    )
    start_cursor: str | None = strawberry.field(description="The cursor of the first item.")
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last item: the next page's `after`."
    )


T = TypeVar("T")


def public_key(text: str, type_name: str) -> int:
    """The key in the global id of what belongs to no member. Raises InvalidGlobalId."""
    wanted = ids.decode(text, expected=type_name)
    if wanted.member_id is not None:
        raise InvalidGlobalId
    return wanted.key


def own_id(info: Info, type_name: str, key: int) -> strawberry.ID:
    """The global id of something of the viewer's own."""
    return strawberry.ID(GlobalId(type_name, key, info.context.viewer.subject).encode())


def own_key(info: Info, wanted: GlobalId) -> int | None:
    """The key in an id of a member's thing; None where that is another member's.

    Raises Unauthenticated, Forbidden, and InvalidGlobalId where the id names no member.
    """
    if wanted.member_id is None:
        raise InvalidGlobalId
    info.context.viewer.require(SELF)
    return wanted.key if wanted.member_id == info.context.viewer.subject else None


def page_info(page: Page[T], *, after: str | None) -> PageInfo:
    """The GraphQL form of a page's position."""
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=after is not None,
        start_cursor=page.cursors[0] if page.cursors else None,
        end_cursor=page.cursors[-1] if page.cursors else None,
    )
