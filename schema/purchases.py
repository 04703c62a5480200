"""What a member can ask of the own purchases and of the credit for more."""

from typing import Annotated

import strawberry

from backend.core import ids
from backend.core.ids import GlobalId
from backend.core.paging import Page
from backend.members.domain import SELF
from backend.purchases import credit, domain, service
from backend.purchases.domain import PurchaseState
from schema import debt_types
from schema.context import Info
from schema.debt_types import Purchase
from schema.permissions import Requires
from schema.relay import After, First, Id, PageInfo, own_key, page_info, public_key
from schema.scalars import JalaliDate, JalaliMonth, Rial

DEFAULT_FIRST = 20
_EVERY_PURCHASE = domain.PurchaseFilter()


@strawberry.type(description="What a member may still buy for, and how that comes about.")
class CreditLine:
    """A credit line."""

    value: strawberry.Private[credit.CreditLine]
    limit: Rial = strawberry.field(description="The most that may be owed of purchases.")
    used: Rial = strawberry.field(description="What is owed of running purchases.")
    reserved: Rial = strawberry.field(
        description="What is set aside for purchases that wait for the member's word."
    )
    available: Rial = strawberry.field(
        description="What a new purchase may amount to now: within the limit, and so that its instalments fit into the "
        "monthly cap beside all that the coming months take already."
    )
    monthly_cap: Rial = strawberry.field(
        description="What a month's instalments may amount to, after other deductions."
    )

    @strawberry.field(
        description="The working in plain words, a sentence each, in the viewer's language."
    )
    def explanation(self, info: Info) -> list[str]:
        """The sentences."""
        return list(self.value.explanation[info.context.locale])


@strawberry.type(description="What was bought in a month.")
class MonthTotal:
    """A month's purchases."""

    month: JalaliMonth = strawberry.field(description="The month, in Tehran.")
    count: int = strawberry.field(description="How many purchases were confirmed in it.")
    amount: Rial = strawberry.field(description="Their prices, less what was refunded of them.")


@strawberry.type(description="A purchase in a list.")
class PurchaseEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: Purchase = strawberry.field(description="The purchase.")


@strawberry.type(description="Purchases, the newest first.")
class PurchaseConnection:
    """A page of purchases."""

    edges: list[PurchaseEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.input(description="What the purchases are narrowed by; all given conditions must hold.")
class PurchaseFilter:
    """Conditions on purchases."""

    from_: JalaliDate | None = strawberry.field(
        name="from", default=None, description="Made on this day in Tehran, or later."
    )
    to: JalaliDate | None = strawberry.field(
        default=None, description="Made on this day in Tehran, or earlier."
    )
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="Made in this store."
    )
    states: list[PurchaseState] | None = strawberry.field(
        default=None, description="In any of these states; an empty list narrows nothing."
    )


@strawberry.type
class MemberPurchases:
    """Purchases and credit among a member's fields."""

    @strawberry.field(description="What the member may still buy for.")
    async def credit(self, info: Info) -> CreditLine:
        """The credit line by the policy of the member's file."""
        found = (await info.context.loaders.overview()).credit
        return credit_line(found)

    @strawberry.field(
        description="What waits for the member's word, the newest first; at most 50. What has expired is left out."
    )
    async def purchases_awaiting_me(self, info: Info) -> list[Purchase]:
        """Purchases to confirm or decline."""
        found = await service.list_awaiting(viewer=info.context.viewer)
        return [debt_types.purchase(each, info) for each in found]

    @strawberry.field(description="The member's purchases, the newest first.")
    async def purchases(
        self,
        info: Info,
        first: First = DEFAULT_FIRST,
        after: After = None,
        filter: Annotated[  # noqa: A002 - the contract's name
            PurchaseFilter | None, strawberry.argument(description="Conditions that must all hold.")
        ] = None,
    ) -> PurchaseConnection:
        """A page of purchases."""
        page = await service.list_purchases(
            viewer=info.context.viewer,
            matching=matching_of(filter),
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return _connection(info, page, after=after)

    @strawberry.field(
        description="What was bought in each of these months, both included, months of nothing too; at most 36."
    )
    async def purchase_totals(
        self,
        info: Info,
        from_: Annotated[
            JalaliMonth, strawberry.argument(name="from", description="The first month.")
        ],
        to: Annotated[
            JalaliMonth, strawberry.argument(description="The last month, itself included.")
        ],
    ) -> list[MonthTotal]:
        """One total a month."""
        found = await service.totals(viewer=info.context.viewer, from_month=from_, to_month=to)
        return [
            MonthTotal(
                month=JalaliMonth(each.month), count=each.count, amount=Rial(each.amount_rials)
            )
            for each in found
        ]


@strawberry.type
class PurchasesQuery:
    """The root fields of purchases."""

    @strawberry.field(
        description="One of the member's purchases; null for another's and for none. Needs a member.",
        extensions=[Requires(SELF)],
    )
    async def purchase(self, info: Info, id: Id) -> Purchase | None:  # noqa: A002
        """A purchase by its global id."""
        return await purchase_by_id(info, ids.decode(id, expected="Purchase"))


async def purchase_by_id(info: Info, wanted: GlobalId) -> Purchase | None:
    """The purchase with this id, where it is the viewer's own."""
    key = own_key(info, wanted)
    if key is None:
        return None
    found = await service.find_purchase(viewer=info.context.viewer, key=key)
    return None if found is None else debt_types.purchase(found, info)


NODES = {"Purchase": purchase_by_id}


def credit_line(value: credit.CreditLine) -> CreditLine:
    """The GraphQL form of a credit line."""
    return CreditLine(
        value=value,
        limit=Rial(value.limit_rials),
        used=Rial(value.used_rials),
        reserved=Rial(value.reserved_rials),
        available=Rial(value.available_rials),
        monthly_cap=Rial(value.monthly_cap_rials),
    )


def matching_of(given: PurchaseFilter | None) -> domain.PurchaseFilter:
    """The conditions that a client sends. Raises InvalidGlobalId."""
    if given is None:
        return _EVERY_PURCHASE
    return domain.PurchaseFilter(
        from_date=given.from_,
        to_date=given.to,
        store_id=None if given.store_id is None else public_key(given.store_id, "Store"),
        states=tuple(given.states) if given.states else None,
    )


def _connection(
    info: Info, page: Page[domain.Purchase], *, after: str | None
) -> PurchaseConnection:
    return PurchaseConnection(
        edges=[
            PurchaseEdge(cursor=cursor, node=debt_types.purchase(each, info))
            for each, cursor in zip(page.items, page.cursors, strict=True)
        ],
        page_info=page_info(page, after=after),
    )
