"""What can be asked of stores: near a point, by search, on the map, one by one."""

from typing import Annotated

import strawberry

from backend.core import geo as core_geo
from backend.stores import domain, nearby, service
from backend.stores.domain import PlaceKind
from schema import geo, store_types
from schema.context import Info
from schema.relay import After, First, Id, page_info, public_key
from schema.store_types import (
    NearbyStoreConnection,
    NearbyStoreEdge,
    Store,
    StoreCategory,
    StoreCluster,
    StoreConnection,
)

DEFAULT_RADIUS_METERS = 5000
DEFAULT_FIRST = 20


@strawberry.input(
    description="What a list of stores is narrowed by; all given conditions must hold."
)
class StoreFilter:
    """Conditions on stores."""

    category_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Of any of these categories; at most 50."
    )
    province_code: str | None = strawberry.field(
        default=None, description="In this province: `IR-07`."
    )
    open_now: bool | None = strawberry.field(
        default=None, description="Open at this moment, or not."
    )
    within_my_credit: bool | None = strawberry.field(
        default=None,
        description="Whose least amount the member's available credit covers, or not. Needs a sign-in.",
    )
    has_offers: bool | None = strawberry.field(
        default=None, description="With offers today, or not."
    )
    kind: PlaceKind | None = strawberry.field(default=PlaceKind.STORE, description="Of this kind.")


Filter = Annotated[
    StoreFilter | None, strawberry.argument(description="Conditions that must all hold.")
]


@strawberry.type
class StoresQuery:
    """The root fields of stores; none needs a token."""

    @strawberry.field(
        description="Stores around a point, in exact order of distance. Without `at`: around the centre of the "
        "member's city; without a member that is BAD_USER_INPUT. The radius is at most 100 km."
    )
    async def nearby_stores(
        self,
        info: Info,
        at: Annotated[
            geo.GeoPointInput | None, strawberry.argument(description="The point in the middle.")
        ] = None,
        radius_meters: Annotated[
            int | None, strawberry.argument(description="In metres, 1 to 100,000.")
        ] = DEFAULT_RADIUS_METERS,
        filter: Filter = None,  # noqa: A002 - the contract's name
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> NearbyStoreConnection:
        """A page of stores by distance."""
        loaders = info.context.loaders
        found = await nearby.list_nearby(
            viewer=info.context.viewer,
            member=await loaders.member() if at is None else None,
            at=None if at is None else core_geo.GeoPoint(at.latitude, at.longitude),
            radius_meters=DEFAULT_RADIUS_METERS if radius_meters is None else radius_meters,
            matching=await _matching(info, filter),
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return NearbyStoreConnection(
            edges=[
                NearbyStoreEdge(
                    cursor=cursor,
                    distance_meters=each.distance_meters,
                    node=store_types.store(each.store, info.context.locale),
                )
                for each, cursor in zip(found.page.items, found.page.cursors, strict=True)
            ],
            page_info=page_info(found.page, after=after),
            origin_used=geo.point(found.origin),
        )

    @strawberry.field(
        description="Stores in Persian alphabetical order or, with `search`, the best match first. A search finds "
        "a word in any spelling (ی or ي, ک or ك, half-space, space or none, any digits), and a longer word with "
        "a typing slip."
    )
    async def stores(
        self,
        info: Info,
        search: Annotated[
            str | None, strawberry.argument(description="Up to 8 words, 100 characters in all.")
        ] = None,
        filter: Filter = None,  # noqa: A002 - the contract's name
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> StoreConnection:
        """A page of stores."""
        page = await service.list_stores(
            viewer=info.context.viewer,
            search=search,
            matching=await _matching(info, filter),
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return store_types.connection(page, after=after, locale=info.context.locale)

    @strawberry.field(
        description="The stores of a part of the map, grouped as a zoom (0 to 22) asks; the counts add up to all "
        "stores in the bounds."
    )
    async def store_clusters(
        self,
        info: Info,
        bounds: Annotated[
            geo.GeoBoundsInput, strawberry.argument(description="The part of the map.")
        ],
        zoom: Annotated[
            int,
            strawberry.argument(
                description="As maps count it: 0 is the whole world, 22 the closest."
            ),
        ],
        filter: Filter = None,  # noqa: A002 - the contract's name
    ) -> list[StoreCluster]:
        """Clusters of the map."""
        found = await service.store_clusters(
            viewer=info.context.viewer,
            bounds=core_geo.GeoBounds(bounds.south, bounds.west, bounds.north, bounds.east),
            zoom=zoom,
            matching=await _matching(info, filter),
        )
        return [
            StoreCluster(
                store_id=cluster.store_id,
                location=geo.point(cluster.location),
                count=cluster.count,
                bounds=geo.bounds(cluster.bounds),
            )
            for cluster in found
        ]

    @strawberry.field(description="One store; null where there is none (any more).")
    async def store(self, info: Info, id: Id) -> Store | None:  # noqa: A002
        """A store by its global id."""
        return await store_by_key(info, public_key(id, "Store"))

    @strawberry.field(description="All categories in their order of display.")
    async def store_categories(self, info: Info) -> list[StoreCategory]:
        """All categories."""
        return [
            store_types.category(category, info.context.locale)
            for category in await service.list_categories()
        ]


async def store_by_key(info: Info, key: int) -> Store | None:
    """The active store with this key."""
    found = await info.context.loaders.stores.load(key)
    return None if found is None else store_types.store(found, info.context.locale)


async def _matching(info: Info, given: StoreFilter | None) -> domain.StoreFilter:
    if given is None:
        return domain.StoreFilter()
    if given.within_my_credit is None:
        return matching(given, within_rials=None)
    overview = await info.context.loaders.overview()
    return matching(given, within_rials=overview.credit.available_rials)


def matching(given: StoreFilter, *, within_rials: int | None) -> domain.StoreFilter:
    """The conditions that a client gives, with the credit that `withinMyCredit` asks about."""
    categories = given.category_ids
    return domain.StoreFilter(
        kind=given.kind or PlaceKind.STORE,
        category_ids=None
        if categories is None
        else tuple(public_key(each, "StoreCategory") for each in categories),
        province_code=given.province_code,
        open_now=given.open_now,
        within_my_credit=given.within_my_credit,
        has_offers=given.has_offers,
        within_rials=within_rials,
    )
