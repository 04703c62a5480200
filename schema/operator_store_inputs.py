"""What the mutations of those take who keep the stores."""

import strawberry

from backend.stores.domain import PlaceKind, SettlementMode
from schema import geo
from schema.operator_store_types import (
    InstalmentTermsInput,
    OfferInput,
    OpeningExceptionInput,
    OpeningPeriodInput,
)


@strawberry.input(description="A new store; active at once.")
class StoreCreateInput:
    """What `storeCreate` takes."""

    code: str = strawberry.field(description="The organization's own; letters, digits and ._/-")
    name: str = strawberry.field(description="As the sign says.")
    category_id: strawberry.ID = strawberry.field(description="What it offers.")
    province_code: str = strawberry.field(description="Where it stands: `IR-07`.")
    city: str = strawberry.field(description="The town.")
    address: str = strawberry.field(description="Street and number.")
    location: geo.GeoPointInput = strawberry.field(description="Where it stands.")
    opening_hours: list[OpeningPeriodInput] = strawberry.field(
        description="The hours of a usual week; none means that it is closed."
    )
    kind: PlaceKind = strawberry.field(default=PlaceKind.STORE, description="What the place is.")
    phones: list[str] = strawberry.field(
        default_factory=list, description="At most 10; a mobile is told of a change of the IBAN."
    )
    opening_exceptions: list[OpeningExceptionInput] = strawberry.field(
        default_factory=list, description="Days with other hours."
    )
    open_on_holidays: bool = strawberry.field(
        default=False, description="Whether public holidays change nothing."
    )
    terms: InstalmentTermsInput | None = strawberry.field(
        default=None, description="Its instalments; null where nothing is sold."
    )
    offers: list[OfferInput] = strawberry.field(default_factory=list, description="At most 20.")


@strawberry.input(description="What to change of a store; what is left out stays.")
class StoreUpdateInput:
    """What `storeUpdate` takes."""

    id: strawberry.ID = strawberry.field(description="The store.")
    version: int = strawberry.field(description="That of the store as the operator saw it.")
    name: str | None = strawberry.field(default=None, description="As the sign says.")
    category_id: strawberry.ID | None = strawberry.field(
        default=None, description="What it offers."
    )
    province_code: str | None = strawberry.field(default=None, description="Where it stands.")
    city: str | None = strawberry.field(default=None, description="The town.")
    address: str | None = strawberry.field(default=None, description="Street and number.")
    location: geo.GeoPointInput | None = strawberry.field(
        default=None, description="Where it stands."
    )
    kind: PlaceKind | None = strawberry.field(default=None, description="What the place is.")
    phones: list[str] | None = strawberry.field(
        default=None, description="All of them; at most 10."
    )
    opening_hours: list[OpeningPeriodInput] | None = strawberry.field(
        default=None, description="The whole week."
    )
    opening_exceptions: list[OpeningExceptionInput] | None = strawberry.field(
        default=None, description="All days with other hours."
    )
    open_on_holidays: bool | None = strawberry.field(
        default=None, description="Whether public holidays change nothing."
    )
    terms: InstalmentTermsInput | None = strawberry.field(
        default=strawberry.UNSET, description="Its instalments; null takes them away."
    )
    offers: list[OfferInput] | None = strawberry.field(
        default=None, description="All of them; at most 20."
    )


@strawberry.input(description="Which store to take off the map, and why.")
class StoreSuspendInput:
    """What `storeSuspend` takes."""

    id: strawberry.ID = strawberry.field(description="The store.")
    version: int = strawberry.field(description="That of the store as the operator saw it.")
    reason: str = strawberry.field(description="Why. At most 500 characters.")


@strawberry.input(description="Which store to put back on the map, and why.")
class StoreResumeInput:
    """What `storeResume` takes."""

    id: strawberry.ID = strawberry.field(description="The store.")
    version: int = strawberry.field(description="That of the store as the operator saw it.")
    reason: str = strawberry.field(description="Why. At most 500 characters.")


@strawberry.input(description="To which account a store is to be paid, and why.")
class StoreIbanChangeInput:
    """What `storeIbanChange` takes."""

    store_id: strawberry.ID = strawberry.field(description="The store.")
    iban: str = strawberry.field(description="The account.")
    mode: SettlementMode | None = strawberry.field(
        default=None, description="When it is paid; null keeps it as it is."
    )
    contract_number: str | None = strawberry.field(
        default=None,
        description="The number of the store's contract, at most 60 characters; null keeps it as it is.",
    )
    reason: str = strawberry.field(
        description="Why; the approver reads it. At most 500 characters."
    )
