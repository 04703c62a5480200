"""The stores that a member keeps at hand."""

from typing import Annotated

import strawberry

from backend.core.errors import NotFound
from backend.core.ids import InvalidGlobalId
from backend.members.domain import SELF
from backend.stores import favourites
from backend.stores.domain import TooManyFavourites
from schema import errors, store_types
from schema.context import Info
from schema.errors import UserError
from schema.permissions import Requires
from schema.relay import After, First, public_key
from schema.store_types import Store, StoreConnection

DEFAULT_FIRST = 50


@strawberry.type
class MemberFavourites:
    """The favourites among a member's fields."""

    @strawberry.field(
        description="The stores that the member keeps at hand, the newest first; suspended ones are left out."
    )
    async def favourite_stores(
        self, info: Info, first: First = DEFAULT_FIRST, after: After = None
    ) -> StoreConnection:
        """A page of favourites."""
        page = await favourites.list_favourites(
            viewer=info.context.viewer,
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        for each in page.items:  # they are favourites: nobody needs to ask the database
            info.context.loaders.favourites.prime(each.id, True)
        return store_types.connection(page, after=after, locale=info.context.locale)


@strawberry.input(description="Which store, and whether it is to be a favourite.")
class StoreFavouriteSetInput:
    """What `storeFavouriteSet` takes."""

    store_id: strawberry.ID = strawberry.field(description="The store.")
    favourite: bool = strawberry.field(description="True to keep it at hand, false to let it go.")


@strawberry.type(description="The store is a favourite now, or is none.")
class StoreFavouriteChanged:
    """The success of `storeFavouriteSet`."""

    store: Store = strawberry.field(description="The store, with `isFavourite` as it is now.")


@strawberry.type(description="There is no such store (any more), or the id is none of a store.")
class StoreNotFound(UserError):
    """NOT_FOUND or BAD_USER_INPUT."""


@strawberry.type(description="A member keeps 500 favourites at the most.")
class FavouritesFull(UserError):
    """TOO_MANY_FAVOURITES."""


StoreFavouriteSetResult = Annotated[
    StoreFavouriteChanged | StoreNotFound | FavouritesFull,
    strawberry.union("StoreFavouriteSetResult", description="What `storeFavouriteSet` answers."),
]


@strawberry.type
class FavouritesMutation:
    """The mutations of favourites."""

    @strawberry.mutation(
        description="Keeps a store at hand, or lets it go. Needs a member; repeated, it changes nothing.",
        extensions=[Requires(SELF)],
    )
    async def store_favourite_set(
        self,
        info: Info,
        input: StoreFavouriteSetInput,  # noqa: A002 - the contract's name
    ) -> StoreFavouriteSetResult:
        """Set or clear a favourite."""
        try:
            key = public_key(input.store_id, "Store")
            found = await favourites.set_favourite(
                viewer=info.context.viewer, store_id=key, favourite=input.favourite
            )
        except (NotFound, InvalidGlobalId) as error:
            return errors.user_error(StoreNotFound, error, info.context.locale)
        except TooManyFavourites as error:
            return errors.user_error(FavouritesFull, error, info.context.locale)
        info.context.loaders.favourites.prime(key, input.favourite, force=True)
        return StoreFavouriteChanged(store=store_types.store(found, info.context.locale))
