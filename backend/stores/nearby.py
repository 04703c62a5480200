"""Use case of stores: near me. A public read, answered from this process's memory where that is fresh, else by SQL."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final, cast

from backend.core import clock, geo, paging
from backend.core.geo import GeoPoint
from backend.core.paging import Page
from backend.core.viewer import Viewer
from backend.members import service as members
from backend.members.domain import Member
from backend.stores import directory, domain, questions, repository
from backend.stores.directory import Directory
from backend.stores.directory_places import Place
from backend.stores.domain import OriginMissing, RadiusInvalid, Store, StoreFilter
from backend.stores.tiles import Near

_FRAMES: Final = 256

_chord_of = lru_cache(maxsize=_FRAMES)(geo.chord_of)


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


@dataclass(slots=True)
class NearbyPlaces:
    """The same page as this process remembers it, as of a moment."""

    near: Near[Place]
    has_next: bool
    directory: Directory
    at: GeoPoint
    radius_meters: int
    matching: StoreFilter
    _question: str = ""

    def __len__(self) -> int:
        """How many places are on the page."""
        return len(self.near.found)

    def cursor(self, number: int) -> str:
        """The cursor of one of them."""
        if not self._question:
            self._question = _question(self.at, self.radius_meters, self.matching)
        return paging.encode_cursor(self._question, self.near.found[number][:2])


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
    origin = await home(viewer, member) if at is None else at
    now = clock.now()
    remembered = find_nearby(
        viewer=viewer,
        at=origin,
        radius_meters=radius_meters,
        matching=matching,
        first=first,
        after=after,
        now=now,
    )
    question = _question(origin, radius_meters, matching)
    if remembered is not None:
        today = now.astimezone(clock.TEHRAN).date()
        shown = [(place.store(today), chord) for chord, _, place in remembered.near.spots()]
        return _page(origin, question, shown, has_next=remembered.has_next)
    found = await repository.list_nearby(
        at=origin,
        chord_limit=geo.chord_of(radius_meters),
        matching=matching,
        now=await questions.local_now(matching),
        after=None if after is None else _key(after, question),
        limit=first + 1,
    )
    shown = [(each.store, each.chord) for each in found[:first]]
    return _page(origin, question, shown, has_next=len(found) > first)


def find_nearby(
    *,
    viewer: Viewer,
    at: GeoPoint,
    radius_meters: int,
    matching: StoreFilter,
    first: int,
    after: str | None,
    now: datetime,
) -> NearbyPlaces | None:
    """What `list_nearby` gives for a point, from memory and at once; None where that is not fresh, or hardly matches.

    Raises what `list_nearby` does, for a point.
    """
    paging.check_first(first)
    geo.check_point(at, field=("at",))
    if not 1 <= radius_meters <= domain.MAX_RADIUS_METERS:
        raise RadiusInvalid(field=("radiusMeters",), most=domain.MAX_RADIUS_METERS)
    questions.check_filter(viewer, matching)
    key = None if after is None else _key(after, _question(at, radius_meters, matching))
    places = directory.current()
    local = places.local_instant(now)
    if not places.is_fresh(local.today):
        return None
    near = places.nearest(
        at=at,
        chord_limit=_chord_of(radius_meters),
        matching=matching,
        now=local,
        after=key,
        limit=first + 1,
    )
    if near is None:
        return None
    has_next = len(near.found) > first
    del near.found[first:]
    return NearbyPlaces(near, has_next, places, at, radius_meters, matching)


def is_remembered(now: datetime) -> bool:
    """Whether `find_nearby` answers from memory at this moment."""
    places = directory.current()
    return places.is_fresh(places.local_instant(now).today)


async def home(viewer: Viewer, member: Member | None) -> GeoPoint:
    """The point that a member is taken to be at; raises OriginMissing for nobody. See `list_nearby`."""
    if viewer.subject is None:
        raise OriginMissing(field=("at",))
    if member is None or member.id != viewer.subject:
        member = await members.get_member(viewer=viewer)
    return member.home


def _page(
    origin: GeoPoint, question: str, shown: list[tuple[Store, float]], *, has_next: bool
) -> NearbyPage:
    return NearbyPage(
        origin=origin,
        page=Page(
            items=tuple(NearbyStore(store, round(geo.meters_of(chord))) for store, chord in shown),
            cursors=tuple(
                paging.encode_cursor(question, (chord, store.id)) for store, chord in shown
            ),
            has_next=has_next,
        ),
    )


def _question(at: GeoPoint, radius_meters: int, matching: StoreFilter) -> str:
    """The fingerprint of the list with these arguments."""
    if matching.within_rials is not None:  # the credit of the moment is no argument
        matching = replace(matching, within_rials=None)
    return _frame(radius_meters, matching)(paging.canonical_point(at.latitude, at.longitude))


@lru_cache(maxsize=_FRAMES)
def _frame(radius_meters: int, matching: StoreFilter) -> Callable[[bytes], str]:
    return paging.framed(
        "at", list="nearby", radius=radius_meters, matching=questions.asked(matching)
    )


def _key(cursor: str, question: str) -> tuple[float, int]:
    return cast("tuple[float, int]", paging.decode_cursor(cursor, question, types=(float, int)))
