"""Use cases of favourites: the places that a member keeps at hand.

A place that is suspended leaves the list and comes back to its place in it with the suspension's end. Nothing here
is cached: a heart that was tapped on one device is seen on all, at once.
"""

from collections.abc import Sequence
from typing import cast

from backend.core import clock, paging
from backend.core.errors import NotFound
from backend.core.paging import Page
from backend.core.viewer import Viewer
from backend.infra import db
from backend.members.domain import SELF
from backend.stores import domain, repository, repository_favourites
from backend.stores.domain import Store, StoreState, TooManyFavourites


async def set_favourite(*, viewer: Viewer, store_id: int, favourite: bool) -> Store:
    """Put a place among the member's favourites or take it out; said again, it changes nothing.

    A suspended place can be taken out and not put in. Raises Unauthenticated, Forbidden, TooManyFavourites, and
    NotFound for a place that there is not (any more).
    """
    member_id = _member_id(viewer)
    async with db.transaction():
        await repository_favourites.lock_favourites(member_id=member_id)
        is_favourite = bool(
            await repository_favourites.list_ids(member_id=member_id, store_ids=[store_id])
        )
        store = await _shown_store(store_id, is_favourite=is_favourite)
        if favourite and not is_favourite:
            await _check_count(member_id)
            await repository_favourites.insert_favourite(member_id=member_id, store_id=store_id)
        elif is_favourite and not favourite:
            await repository_favourites.delete_favourite(member_id=member_id, store_id=store_id)
        return store


async def list_favourites(*, viewer: Viewer, first: int, after: str | None) -> Page[Store]:
    """The member's favourites, the newest first, without those that are suspended.

    Raises Unauthenticated, Forbidden, PageSizeInvalid, InvalidCursor.
    """
    member_id = _member_id(viewer)
    paging.check_first(first)
    question = paging.fingerprint(list="favourites", member=member_id)
    found = await repository_favourites.list_favourites(
        member_id=member_id,
        today=clock.today(),
        after=None if after is None else _key(after, question),
        limit=first + 1,
    )
    shown = found[:first]
    return Page(
        items=tuple(store for _, store in shown),
        cursors=tuple(paging.encode_cursor(question, (key,)) for key, _ in shown),
        has_next=len(found) > first,
    )


async def favourite_ids(*, viewer: Viewer, store_ids: Sequence[int]) -> frozenset[int]:
    """Which of these places are the viewer's favourites; none for whoever acts for no member."""
    if viewer.subject is None or not viewer.may(SELF):
        return frozenset()
    return await repository_favourites.list_ids(member_id=viewer.subject, store_ids=store_ids)


async def _shown_store(store_id: int, *, is_favourite: bool) -> Store:
    found = await repository.list_by_ids([store_id], today=clock.today(), suspended_too=True)
    if not found or (found[0].state is StoreState.SUSPENDED and not is_favourite):
        raise NotFound(field=("storeId",))
    return found[0]


async def _check_count(member_id: int) -> None:
    if await repository_favourites.count_active(member_id=member_id) >= domain.MAX_FAVOURITES:
        raise TooManyFavourites(most=domain.MAX_FAVOURITES)


def _member_id(viewer: Viewer) -> int:
    viewer.require(SELF)
    if viewer.subject is None:
        raise NotFound
    return viewer.subject


def _key(cursor: str, question: str) -> int:
    (last_id,) = cast("tuple[int]", paging.decode_cursor(cursor, question, types=(int,)))
    return last_id
