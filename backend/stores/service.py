"""Use cases of stores: by search, on the map, one by one. All of them public reads; `nearby.py` has near me."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from backend.core import clock, geo, paging, text
from backend.core.geo import GeoBounds
from backend.core.paging import Page
from backend.core.viewer import Viewer
from backend.organization import service as organization
from backend.stores import cache, clusters, domain, opening, questions, repository
from backend.stores.clusters import StoreCluster
from backend.stores.domain import Offer, SearchInvalid, Store, StoreCategory, StoreFilter
from backend.stores.opening import OpeningState

_DAY = timedelta(days=1)


async def list_stores(
    *, viewer: Viewer, search: str | None, matching: StoreFilter, first: int, after: str | None
) -> Page[Store]:
    """Active places: by a search the best match first, else in Persian alphabetical order.

    Raises SearchInvalid, FilterInvalid, PageSizeInvalid, InvalidCursor.
    """
    paging.check_first(first)
    questions.check_filter(viewer, matching)
    terms = _search_terms(search or "")
    if not terms:
        return await _by_name(matching, first, after)
    phrase = text.fold_compact(search or "")
    question = paging.fingerprint(
        list="search", terms=terms, phrase=phrase, matching=questions.asked(matching)
    )
    found = await repository.list_matching(
        terms=terms,
        phrase=phrase,
        matching=matching,
        now=await questions.local_now(matching),
        after=None if after is None else _search_key(after, question),
        limit=first + 1,
    )
    return _page(found, question, first)


async def store_clusters(
    *, viewer: Viewer, bounds: GeoBounds, zoom: int, matching: StoreFilter
) -> list[StoreCluster]:
    """The active places in the bounds, grouped for a zoom; the counts add up to all of them.

    Raises InvalidGeoBounds, ZoomInvalid, FilterInvalid.
    """
    checked = geo.check_bounds(bounds, field=("bounds",))
    questions.check_filter(viewer, matching)
    return await repository.list_clusters(
        bounds=checked,
        cells=clusters.cluster_cells(checked, zoom),
        matching=matching,
        now=await questions.local_now(matching),
    )


async def list_by_ids(*, viewer: Viewer, ids: Sequence[int]) -> dict[int, Store]:
    """The active places among these ids; what is suspended or unknown is missing."""
    del viewer  # public
    return {store.id: store for store in await repository.list_by_ids(ids, today=clock.today())}


async def list_shown_to_buyers(*, viewer: Viewer, ids: Sequence[int]) -> dict[int, Store]:
    """These places, suspended ones too: for what the viewer's own purchases refer to."""
    del viewer  # who asks knows the ids from the own purchases
    found = await repository.list_by_ids(ids, today=clock.today(), suspended_too=True)
    return {store.id: store for store in found}


async def list_categories() -> tuple[StoreCategory, ...]:
    """All categories in their order of display; public."""
    return await cache.list_categories()


async def list_offers(*, viewer: Viewer, store_ids: Sequence[int]) -> dict[int, list[Offer]]:
    """The offers of these places that count today, by store."""
    del viewer  # public
    offers: dict[int, list[Offer]] = {store_id: [] for store_id in store_ids}
    for offer in await repository.list_offers(store_ids, today=clock.today()):
        offers[offer.store_id].append(offer)
    return offers


async def opening_states(*, stores: Sequence[Store], at: datetime) -> list[OpeningState]:
    """Whether each store is open at an instant and when that changes, in the order given."""
    today = at.astimezone(clock.TEHRAN).date()
    holidays = await organization.holidays_between(
        today - _DAY, today + timedelta(days=opening.LOOKAHEAD_DAYS + 1)
    )
    return [opening.opening_state(store.schedule, at=at, holidays=holidays) for store in stores]


def _search_terms(search: str) -> tuple[str, ...]:
    if len(search) > domain.MAX_SEARCH_CHARACTERS:
        raise _search_invalid()
    terms = text.search_terms(search)
    if len(terms) > domain.MAX_SEARCH_TERMS:
        raise _search_invalid()
    return terms


def _search_invalid() -> SearchInvalid:
    return SearchInvalid(
        field=("search",), characters=domain.MAX_SEARCH_CHARACTERS, words=domain.MAX_SEARCH_TERMS
    )


async def _by_name(matching: StoreFilter, first: int, after: str | None) -> Page[Store]:
    question = paging.fingerprint(list="name", matching=questions.asked(matching))
    found = await repository.list_by_name(
        matching=matching,
        now=await questions.local_now(matching),
        after=None if after is None else _name_key(after, question),
        limit=first + 1,
    )
    return _page(found, question, first)


def _page(found: Sequence[tuple[Store, paging.Key]], question: str, first: int) -> Page[Store]:
    shown = found[:first]
    return Page(
        items=tuple(store for store, _ in shown),
        cursors=tuple(paging.encode_cursor(question, key) for _, key in shown),
        has_next=len(found) > first,
    )


def _name_key(cursor: str, question: str) -> tuple[str, int]:
    key = paging.decode_cursor(cursor, question, types=(str, int))
    return cast("tuple[str, int]", key)


def _search_key(cursor: str, question: str) -> tuple[int, str, int]:
    key = paging.decode_cursor(cursor, question, types=(int, str, int))
    return cast("tuple[int, str, int]", key)
