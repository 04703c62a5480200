"""The types of stores and of their lists."""

from datetime import datetime

import strawberry

from backend.core import clock
from backend.core.calendar import Weekday
from backend.core.ids import GlobalId
from backend.core.locale import Locale
from backend.core.paging import Page
from backend.stores import domain, opening
from backend.stores.domain import PlaceKind
from backend.stores.views import StoreCard
from schema import enums, geo, organization
from schema.context import Info
from schema.relay import Node, PageInfo, page_info
from schema.scalars import JalaliDate, Rial

enums.describe(
    PlaceKind,
    "What a place on the map is.",
    STORE="A shop that sells in instalments.",
    CLINIC="A clinic of the organization, or with a contract.",
    BRANCH="A branch of the organization.",
    ASSOCIATION="A pensioners' association.",
)
enums.describe(
    Weekday,
    "A day of the week, which begins on Saturday.",
    SATURDAY="The first day of the week.",
    SUNDAY="The second day.",
    MONDAY="The third day.",
    TUESDAY="The fourth day.",
    WEDNESDAY="The fifth day.",
    THURSDAY="The sixth day.",
    FRIDAY="The seventh day, the weekly holiday.",
)


@strawberry.type(description="What a store offers, such as groceries or home appliances.")
class StoreCategory:
    """A category."""

    id: strawberry.ID = strawberry.field(description="For `StoreFilter.categoryIds`.")
    name: str = strawberry.field(description="In the viewer's language.")


@strawberry.type(description="A weekly period; it belongs to the day on which it begins.")
class OpeningPeriod:
    """A weekly period."""

    weekday: Weekday = strawberry.field(description="The day on which it begins.")
    opens: str = strawberry.field(description="Wall clock in Tehran: `09:00`.")
    closes: str = strawberry.field(
        description="Wall clock in Tehran: `21:30`. Not after `opens`: of the next day. `24:00` is midnight."
    )


@strawberry.type(description="A part of one day.")
class OpeningTimes:
    """A period without a weekday."""

    opens: str = strawberry.field(description="Wall clock in Tehran: `09:00`.")
    closes: str = strawberry.field(description="As in `OpeningPeriod`.")


@strawberry.type(description="A date on which other hours hold than in the week.")
class OpeningException:
    """An exceptional day."""

    date: JalaliDate = strawberry.field(description="The day.")
    periods: list[OpeningTimes] = strawberry.field(description="Its hours; none means closed.")


@strawberry.type(description="The instalments to which a store agrees.")
class InstalmentTerms:
    """Terms; both ends are included."""

    min_months: int = strawberry.field(description="The fewest instalments.")
    max_months: int = strawberry.field(description="The most instalments.")
    min_amount: Rial = strawberry.field(description="The least amount of a purchase.")
    max_amount: Rial = strawberry.field(description="The greatest amount of a purchase.")


@strawberry.type(description="An offer of a store.")
class Offer:
    """An offer that counts today."""

    id: strawberry.ID = strawberry.field(description="Of this offer.")
    title: str = strawberry.field(description="In a few words.")
    body: str = strawberry.field(description="In a few sentences.")
    valid_until: JalaliDate | None = strawberry.field(description="Its last day, where it has one.")


@strawberry.type(description="A place of the club: a store, clinic, branch or association.")
class Store(Node):
    """A place."""

    value: strawberry.Private[domain.Store | StoreCard]
    kind: PlaceKind = strawberry.field(description="What the place is.")
    name: str = strawberry.field(description="As the sign says.")
    category: StoreCategory = strawberry.field(description="What it offers.")
    address: str = strawberry.field(description="Street and number.")
    city: str = strawberry.field(description="The town.")
    location: geo.GeoPoint = strawberry.field(description="Where it stands.")
    phones: list[str] = strawberry.field(description="In E.164: `+982112345678`.")
    active: bool = strawberry.field(
        description="False while suspended; then it is shown only through own purchases."
    )
    terms: InstalmentTerms | None = strawberry.field(
        description="Its instalments; null where nothing is sold."
    )

    @strawberry.field(description="The province in which it stands.")
    async def province(self, info: Info) -> organization.Province:
        """Its province."""
        found = await info.context.loaders.provinces.load(self.value.province_code)
        return organization.province(found, info.context.locale)

    @strawberry.field(
        description="Whether it is open at this moment, by the clock of the server in Tehran."
    )
    async def open_now(self, info: Info) -> bool:
        """Weekly hours, exceptions and public holidays counted."""
        return (await info.context.loaders.opening.load(await self._whole(info))).open_now

    @strawberry.field(
        description="When `openNow` changes next; null where it does not within 31 days."
    )
    async def open_state_changes_at(self, info: Info) -> datetime | None:
        """The next moment of opening or closing."""
        return (await info.context.loaders.opening.load(await self._whole(info))).changes_at

    @strawberry.field(description="The hours of a usual week, from Saturday on.")
    async def opening_hours(self, info: Info) -> list[OpeningPeriod]:
        """Weekly periods in order."""
        return [
            OpeningPeriod(
                weekday=period.weekday,
                opens=opening.clock_text(period.opens_minute),
                closes=opening.clock_text(period.closes_minute),
            )
            for period in (await self._whole(info)).schedule.periods
        ]

    @strawberry.field(description="Days with other hours than usual, from today to a month ahead.")
    async def opening_exceptions(self, info: Info) -> list[OpeningException]:
        """Exceptional days in order, from today on."""
        today = info.context.now.astimezone(clock.TEHRAN).date()
        return [
            OpeningException(
                date=JalaliDate(exception.on_date),
                periods=[
                    OpeningTimes(opens=opening.clock_text(opens), closes=opening.clock_text(closes))
                    for opens, closes in exception.periods
                ],
            )
            for exception in (await self._whole(info)).schedule.exceptions
            if exception.on_date >= today
        ]

    @strawberry.field(
        description="Whether it is among the member's favourites; false without a member."
    )
    async def is_favourite(self, info: Info) -> bool:
        """Asked for all stores of a request at once."""
        return await info.context.loaders.favourites.load(self.value.id)

    @strawberry.field(description="The offers that count today, those that end first in front.")
    async def offers(self, info: Info) -> list[Offer]:
        """Offers of today."""
        found = await info.context.loaders.offers.load(self.value.id)
        return [
            Offer(
                id=_id("Offer", offer.id),
                title=offer.title,
                body=offer.body,
                valid_until=None if offer.valid_until is None else JalaliDate(offer.valid_until),
            )
            for offer in found
        ]

    async def _whole(self, info: Info) -> domain.Store:
        """With its opening hours, which a purchase's card of a store has not."""
        if isinstance(self.value, domain.Store):
            return self.value
        found = await info.context.member_loaders.bought_stores.load(self.value.id)
        assert found is not None  # noqa: S101 - a purchase refers to it
        return found


@strawberry.type(description="A store in a list by distance.")
class NearbyStoreEdge:
    """An edge with the distance."""

    cursor: str = strawberry.field(description="For `after`.")
    distance_meters: int = strawberry.field(description="Over ground, from `originUsed`.")
    node: Store = strawberry.field(description="The store.")


@strawberry.type(description="Stores around a point, nearest first.")
class NearbyStoreConnection:
    """A page of stores by distance."""

    edges: list[NearbyStoreEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")
    origin_used: geo.GeoPoint = strawberry.field(description="The point that was searched around.")


@strawberry.type(description="A store in a list.")
class StoreEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: Store = strawberry.field(description="The store.")


@strawberry.type(description="Stores in a list.")
class StoreConnection:
    """A page of stores."""

    edges: list[StoreEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.type(description="Stores that stand too close together to be shown one by one.")
class StoreCluster:
    """A cluster of the map."""

    store_id: strawberry.Private[int | None]
    location: geo.GeoPoint = strawberry.field(description="The middle of its stores.")
    count: int = strawberry.field(description="How many they are.")
    bounds: geo.GeoBounds = strawberry.field(description="Around its stores.")

    @strawberry.field(description="The store, where `count` is 1.")
    async def store(self, info: Info) -> Store | None:
        """The single store."""
        if self.store_id is None:
            return None
        found = await info.context.loaders.stores.load(self.store_id)
        return None if found is None else store(found, info.context.locale)


def store(value: domain.Store | StoreCard, locale: Locale) -> Store:
    """The GraphQL form of a store, or of its card in a member's own purchase."""
    return Store(
        id=_id("Store", value.id),
        value=value,
        kind=value.kind,
        name=value.name,
        category=category(value.category, locale),
        address=value.address,
        city=value.city,
        location=geo.point(value.location),
        phones=list(value.phones),
        active=value.state is domain.StoreState.ACTIVE,
        terms=None if value.terms is None else _terms(value.terms),
    )


def connection(page: Page[domain.Store], *, after: str | None, locale: Locale) -> StoreConnection:
    """The GraphQL form of a page of stores."""
    return StoreConnection(
        edges=[
            StoreEdge(cursor=cursor, node=store(each, locale))
            for each, cursor in zip(page.items, page.cursors, strict=True)
        ],
        page_info=page_info(page, after=after),
    )


def category(value: domain.StoreCategory, locale: Locale) -> StoreCategory:
    """The GraphQL form of a category."""
    return StoreCategory(
        id=_id("StoreCategory", value.id),
        name=value.name_fa if locale is Locale.FA else value.name_en,
    )


def _terms(value: domain.InstalmentTerms) -> InstalmentTerms:
    return InstalmentTerms(
        min_months=value.min_months,
        max_months=value.max_months,
        min_amount=Rial(value.min_amount_rials),
        max_amount=Rial(value.max_amount_rials),
    )


def _id(type_name: str, key: int) -> strawberry.ID:
    return strawberry.ID(GlobalId(type_name, key).encode())
