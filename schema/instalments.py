"""What a member can ask of the own instalments, of purchases and loans alike."""

from typing import Annotated

import strawberry

from backend.core.ids import GlobalId
from backend.core.paging import Page
from backend.deductions import domain, service
from backend.deductions.domain import InstalmentState
from schema import debt_types
from schema.context import Info
from schema.debt_types import Instalment
from schema.relay import After, First, PageInfo, own_key, page_info
from schema.scalars import JalaliMonth, Rial

DEFAULT_FIRST = 50


@strawberry.type(description="What is taken from one month's pension.")
class MonthDeduction:
    """A month's deduction."""

    month: JalaliMonth = strawberry.field(description="The month from whose pension it is taken.")
    total: Rial = strawberry.field(description="What all its instalments still ask for.")
    count: int = strawberry.field(description="How many instalments they are.")
    instalments: list[Instalment] = strawberry.field(
        description="The first 100 of them, arrears in front."
    )


@strawberry.type(description="An instalment in a list.")
class InstalmentEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: Instalment = strawberry.field(description="The instalment.")


@strawberry.type(description="Instalments in the order in which they fall due.")
class InstalmentConnection:
    """A page of instalments."""

    edges: list[InstalmentEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.type
class MemberInstalments:
    """Instalments among a member's fields."""

    @strawberry.field(
        description="What the next deduction asks for, arrears included; null where nothing is left to pay."
    )
    async def next_deduction(self, info: Info) -> MonthDeduction | None:
        """The coming month's deduction."""
        found = await info.context.loaders.next_deduction()
        return None if found is None else _month_deduction(info, found)

    @strawberry.field(
        description="The earliest instalment still to be paid; null where there is none."
    )
    async def next_instalment(self, info: Info) -> Instalment | None:
        """The next one."""
        found = (await info.context.loaders.overview()).next_instalment
        return None if found is None else debt_types.instalment(found, info)

    @strawberry.field(
        description="The member's instalments as they fall due, both months included; a period of at most 240 months."
    )
    async def instalments(
        self,
        info: Info,
        from_: Annotated[
            JalaliMonth | None,
            strawberry.argument(name="from", description="The first month in which one falls due."),
        ] = None,
        to: Annotated[
            JalaliMonth | None, strawberry.argument(description="The last month, itself included.")
        ] = None,
        state: Annotated[
            InstalmentState | None, strawberry.argument(description="Only those that stand so.")
        ] = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> InstalmentConnection:
        """A page of instalments."""
        page = await service.list_instalments(
            viewer=info.context.viewer,
            from_month=from_,
            to_month=to,
            state=state,
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return _connection(info, page, after=after)


async def instalment_by_id(info: Info, wanted: GlobalId) -> Instalment | None:
    """The instalment with this id, where it is the viewer's own."""
    key = own_key(info, wanted)
    if key is None:
        return None
    found = await service.find_instalment(viewer=info.context.viewer, key=key)
    return None if found is None else debt_types.instalment(found, info)


NODES = {"Instalment": instalment_by_id}


def _month_deduction(info: Info, value: domain.MonthDeduction) -> MonthDeduction:
    return MonthDeduction(
        month=JalaliMonth(value.month),
        total=Rial(value.total_rials),
        count=value.count,
        instalments=[debt_types.instalment(each, info) for each in value.instalments],
    )


def _connection(
    info: Info, page: Page[domain.Instalment], *, after: str | None
) -> InstalmentConnection:
    return InstalmentConnection(
        edges=[
            InstalmentEdge(cursor=cursor, node=debt_types.instalment(each, info))
            for each, cursor in zip(page.items, page.cursors, strict=True)
        ],
        page_info=page_info(page, after=after),
    )
