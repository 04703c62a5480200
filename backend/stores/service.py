"""Use cases of stores: near me, by search, on the map, one by one. All of them public reads."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import cast

from backend.core import clock, geo, paging, text
from backend.core.errors import Unauthenticated
from backend.core.geo import GeoBounds, GeoPoint
from backend.core.paging import Page
from backend.core.viewer import Viewer
from backend.members import service as members
from backend.members.domain import Member
from backend.organization import service as organization
from backend.stores import cache, domain, opening, repository
from backend.stores.domain import (
    FilterInvalid,
    LocalInstant,
    Offer,
    OriginMissing,
    RadiusInvalid,
    SearchInvalid,
    Store,
    StoreCategory,
    StoreCluster,
    StoreFilter,
)
from backend.stores.opening import OpeningState

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NearbyStore:
    """A store and how far it is, in whole metres over ground."""

    store: Store
    distance_meters: int


@dataclass(frozen=True, slots=True)
class NearbyPage:
    """A page of stores, nearest first, and the point that was searched around."""

    page: Page[NearbyStore]
    origin: GeoPoint


async def list_nearby(
    *,
    viewer: Viewer,
    at: GeoPoint | None,
    radius_meters: int,
    matching: StoreFilter,
    first: int,
    after: str | None,
    member: Member | None = None,
) -> NearbyPage:
    """Active places around a point in exact order of distance, then of id.

    Without a point: around the centre of the viewer's city, else of the province's capital. `member` saves a
    statement there where the caller has read the viewer's own file; that of anybody else is not taken.

    A cursor holds distance and id: a place that opens, closes or moves while a client pages changes nothing
    for the others. Raises OriginMissing, InvalidGeoPoint, RadiusInvalid, FilterInvalid, PageSizeInvalid,
    InvalidCursor.
    """
    paging.check_first(first)
    origin = geo.check_point(await _home(viewer, member) if at is None else at, field=("at",))
    if not 1 <= radius_meters <= domain.MAX_RADIUS_METERS:
        raise RadiusInvalid(field=("radiusMeters",), most=domain.MAX_RADIUS_METERS)
    _check_filter(viewer, matching)
    question = paging.fingerprint(
        list="nearby", at=origin, radius=radius_meters, matching=_asked(matching)
    )
    found = await repository.list_nearby(
        at=origin,
        chord_limit=geo.chord_of(radius_meters),
        matching=matching,
        now=await _local_now(matching),
        after=None if after is None else _nearby_key(after, question),
        limit=first + 1,
    )
    shown = found[:first]
    return NearbyPage(
        origin=origin,
        page=Page(
            items=tuple(
                NearbyStore(each.store, round(geo.meters_of(each.chord))) for each in shown
            ),
            cursors=tuple(
                paging.encode_cursor(question, (each.chord, each.store.id)) for each in shown
            ),
            has_next=len(found) > first,
        ),
    )


async def list_stores(
    *, viewer: Viewer, search: str | None, matching: StoreFilter, first: int, after: str | None
) -> Page[Store]:
    """Active places: by a search the best match first, else in Persian alphabetical order.

    Raises SearchInvalid, FilterInvalid, PageSizeInvalid, InvalidCursor.
    """
    paging.check_first(first)
    _check_filter(viewer, matching)
    terms = _search_terms(search or "")
    if not terms:
        return await _by_name(matching, first, after)
    phrase = text.fold_compact(search or "")
    question = paging.fingerprint(
        list="search", terms=terms, phrase=phrase, matching=_asked(matching)
    )
    found = await repository.list_matching(
        terms=terms,
        phrase=phrase,
        matching=matching,
        now=await _local_now(matching),
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
    _check_filter(viewer, matching)
    return await repository.list_clusters(
        bounds=checked,
        cells=domain.cluster_cells(checked, zoom),
        matching=matching,
        now=await _local_now(matching),
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


async def _home(viewer: Viewer, member: Member | None) -> GeoPoint:
    if viewer.subject is None:
        raise OriginMissing(field=("at",))
    if member is None or member.id != viewer.subject:
        member = await members.get_member(viewer=viewer)
    return await members.city_center(member)


def _asked(matching: StoreFilter) -> dict[str, dict[str, object]]:
    """What the client has asked, for a fingerprint: the credit of the moment is no argument of a list."""
    asked = asdict(matching)
    del asked["within_rials"]
    return {StoreFilter.__name__: asked}


def _check_filter(viewer: Viewer, matching: StoreFilter) -> None:
    if matching.within_my_credit is not None and viewer.subject is None:
        raise Unauthenticated
    categories = matching.category_ids
    if categories is not None and len(categories) > domain.MAX_FILTER_CATEGORIES:
        raise FilterInvalid(field=("filter", "categoryIds"))
    if matching.province_code is not None and not domain.is_province_code(matching.province_code):
        raise FilterInvalid(field=("filter", "provinceCode"))


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


async def _local_now(matching: StoreFilter) -> LocalInstant:
    local = clock.now().astimezone(clock.TEHRAN)
    today = local.date()
    holidays: frozenset[date] = frozenset()
    if matching.open_now is not None:  # only this condition asks for them
        holidays = await organization.holidays_between(today - _DAY, today)
    return LocalInstant(
        today=today,
        minute=local.hour * 60 + local.minute,
        today_is_holiday=today in holidays,
        yesterday_is_holiday=today - _DAY in holidays,
    )


async def _by_name(matching: StoreFilter, first: int, after: str | None) -> Page[Store]:
    question = paging.fingerprint(list="name", matching=_asked(matching))
    found = await repository.list_by_name(
        matching=matching,
        now=await _local_now(matching),
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


def _nearby_key(cursor: str, question: str) -> tuple[float, int]:
    key = paging.decode_cursor(cursor, question, types=(float, int))
    return cast("tuple[float, int]", key)


def _name_key(cursor: str, question: str) -> tuple[str, int]:
    key = paging.decode_cursor(cursor, question, types=(str, int))
    return cast("tuple[str, int]", key)


def _search_key(cursor: str, question: str) -> tuple[int, str, int]:
    key = paging.decode_cursor(cursor, question, types=(int, str, int))
    return cast("tuple[int, str, int]", key)
