"""Stores as those see them who keep them: with code, state, version, and how they are paid."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

import strawberry

from backend.core.calendar import Weekday
from backend.core.errors import sentences
from backend.core.ids import GlobalId
from backend.core.locale import Locale
from backend.stores import domain, opening
from backend.stores.domain import PlaceKind, SettlementMode, StoreState
from backend.stores.domain import StoreRecord as Record
from schema import approval_types, enums, geo, organization, store_types
from schema.approval_types import Approval
from schema.context import Info
from schema.relay import PageInfo
from schema.scalars import JalaliDate, Rial
from schema.store_types import (
    InstalmentTerms,
    OpeningException,
    OpeningPeriod,
    OpeningTimes,
    StoreCategory,
)

enums.describe(
    StoreState,
    "Whether a place is on the map.",
    ACTIVE="Shown, and open for purchases.",
    SUSPENDED="Shown through own purchases only.",
)
enums.describe(
    SettlementMode,
    "When a store is paid.",
    AS_COLLECTED="As the instalments are collected.",
    AT_ONCE="At once, by the bank's advance.",
)

_STATE_TEXTS: Final[Mapping[StoreState, Mapping[Locale, str]]] = MappingProxyType(
    {
        StoreState.ACTIVE: sentences(fa="فعال", en="Active"),
        StoreState.SUSPENDED: sentences(fa="معلق", en="Suspended"),
    }
)


@strawberry.type(description="An offer as it is kept, before and after its days too.")
class StoreRecordOffer:
    """An offer."""

    title: str = strawberry.field(description="In a few words.")
    body: str = strawberry.field(description="In a few sentences.")
    valid_from: JalaliDate = strawberry.field(description="Its first day.")
    valid_until: JalaliDate | None = strawberry.field(description="Its last day, where it has one.")


@strawberry.type(description="How a store is paid.")
class StoreSettlement:
    """A settlement."""

    iban_masked: str = strawberry.field(
        description="The account, all but its last four digits hidden."
    )
    mode: SettlementMode = strawberry.field(description="When it is paid.")
    contract_number: str | None = strawberry.field(
        description="The number of the store's contract; null where none is written down."
    )


@strawberry.type(description="A place as those see it who keep it.")
class StoreRecord:
    """A place."""

    value: strawberry.Private[Record]
    id: strawberry.ID = strawberry.field(description="That of the `Store`.")
    code: str = strawberry.field(description="The organization's own.")
    kind: PlaceKind = strawberry.field(description="What the place is.")
    state: StoreState = strawberry.field(description="Whether it is on the map.")
    name: str = strawberry.field(description="As the sign says.")
    category_code: str = strawberry.field(description="The code of what it offers.")
    city: str = strawberry.field(description="The town.")
    address: str = strawberry.field(description="Street and number.")
    location: geo.GeoPoint = strawberry.field(description="Where it stands.")
    phones: list[str] = strawberry.field(description="In E.164.")
    opening_hours: list[OpeningPeriod] = strawberry.field(description="The hours of a usual week.")
    opening_exceptions: list[OpeningException] = strawberry.field(
        description="Days with other hours, past ones too."
    )
    open_on_holidays: bool = strawberry.field(description="Whether public holidays change nothing.")
    terms: InstalmentTerms | None = strawberry.field(
        description="Its instalments; null where nothing is sold."
    )
    offers: list[StoreRecordOffer] = strawberry.field(description="All that are kept.")
    version: int = strawberry.field(description="Counts its changes; for `storeUpdate`.")
    changed_at: datetime = strawberry.field(description="When it was changed last.")

    @strawberry.field(description="`state` in the viewer's language.")
    def state_text(self, info: Info) -> str:
        """The state in words."""
        return _STATE_TEXTS[self.state][info.context.locale]

    @strawberry.field(description="What it offers; its id is the `categoryId` of `storeUpdate`.")
    async def category(self, info: Info) -> StoreCategory:
        """Its category."""
        found = await info.context.operator_loaders.categories.load(self.category_code)
        return store_types.category(found, info.context.locale)

    @strawberry.field(
        description="What is asked about it and not done yet, as far as the viewer has asked for it, may decide it, or "
        "could ask for the same."
    )
    async def open_approvals(self, info: Info) -> list[Approval]:
        """What waits."""
        found = await info.context.operator_loaders.open_about_stores.load(self.value.id)
        return [approval_types.approval(each) for each in found]

    @strawberry.field(description="The province in which it stands.")
    async def province(self, info: Info) -> organization.Province:
        """Its province."""
        found = await info.context.loaders.provinces.load(self.value.draft.province_code)
        return organization.province(found, info.context.locale)


@strawberry.type(description="A store in a list.")
class StoreRecordEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: StoreRecord = strawberry.field(description="The store.")


@strawberry.type(description="Stores in the order of their codes.")
class StoreRecordConnection:
    """A page of stores."""

    edges: list[StoreRecordEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.input(description="A weekly period; it belongs to the day on which it begins.")
class OpeningPeriodInput:
    """A weekly period."""

    weekday: Weekday = strawberry.field(description="The day on which it begins.")
    opens: str = strawberry.field(description="Wall clock in Tehran: `09:00`.")
    closes: str = strawberry.field(
        description="Wall clock in Tehran: `21:30`. Not after `opens`: of the next day. `24:00` is midnight."
    )


@strawberry.input(description="A part of one day.")
class OpeningTimesInput:
    """A period without a weekday."""

    opens: str = strawberry.field(description="Wall clock in Tehran: `09:00`.")
    closes: str = strawberry.field(description="As in `OpeningPeriodInput`.")


@strawberry.input(description="A date with other hours than the week's.")
class OpeningExceptionInput:
    """An exceptional day."""

    date: JalaliDate = strawberry.field(description="The day.")
    periods: list[OpeningTimesInput] = strawberry.field(description="Its hours; none means closed.")


@strawberry.input(description="The instalments to which a store agrees; both ends are included.")
class InstalmentTermsInput:
    """Terms."""

    min_months: int = strawberry.field(description="The fewest instalments.")
    max_months: int = strawberry.field(description="The most instalments.")
    min_amount: Rial = strawberry.field(description="The least amount of a purchase.")
    max_amount: Rial = strawberry.field(description="The greatest amount of a purchase.")


@strawberry.input(description="An offer.")
class OfferInput:
    """An offer."""

    title: str = strawberry.field(description="At most 120 characters.")
    body: str = strawberry.field(description="At most 600 characters.")
    valid_from: JalaliDate = strawberry.field(description="Its first day.")
    valid_until: JalaliDate | None = strawberry.field(
        default=None, description="Its last day, where it has one."
    )


def record(value: Record) -> StoreRecord:
    """The GraphQL form of a place that is kept."""
    draft = value.draft
    return StoreRecord(
        value=value,
        id=strawberry.ID(GlobalId("Store", value.id).encode()),
        code=draft.code,
        kind=draft.kind,
        state=draft.state,
        name=draft.name,
        category_code=draft.category_code,
        city=draft.city,
        address=draft.address,
        location=geo.point(draft.location),
        phones=list(draft.phones),
        opening_hours=[
            OpeningPeriod(
                weekday=each.weekday,
                opens=opening.clock_text(each.opens_minute),
                closes=opening.clock_text(each.closes_minute),
            )
            for each in draft.schedule.periods
        ],
        opening_exceptions=[
            OpeningException(
                date=JalaliDate(each.on_date),
                periods=[
                    OpeningTimes(opens=opening.clock_text(opens), closes=opening.clock_text(closes))
                    for opens, closes in each.periods
                ],
            )
            for each in draft.schedule.exceptions
        ],
        open_on_holidays=draft.schedule.open_on_holidays,
        terms=None if draft.terms is None else _terms(draft.terms),
        offers=[
            StoreRecordOffer(
                title=each.title,
                body=each.body,
                valid_from=JalaliDate(each.valid_from),
                valid_until=None if each.valid_until is None else JalaliDate(each.valid_until),
            )
            for each in draft.offers or ()
        ],
        version=value.version,
        changed_at=value.changed_at,
    )


def _terms(value: domain.InstalmentTerms) -> InstalmentTerms:
    return InstalmentTerms(
        min_months=value.min_months,
        max_months=value.max_months,
        min_amount=Rial(value.min_amount_rials),
        max_amount=Rial(value.max_amount_rials),
    )
