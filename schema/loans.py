"""What a member can ask of loan rounds, and of the own applications."""

from typing import Annotated

import strawberry

from backend.core import ids
from backend.core.ids import GlobalId, InvalidGlobalId
from backend.loans import service
from backend.loans.domain import LoanRoundState
from backend.members.domain import SELF
from schema import debt_types
from schema.context import Info
from schema.debt_types import LoanApplication, LoanRound
from schema.permissions import Requires
from schema.relay import After, First, Id, PageInfo, own_key, page_info

DEFAULT_FIRST = 20


@strawberry.type(description="An application in a list.")
class LoanApplicationEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: LoanApplication = strawberry.field(description="The application.")


@strawberry.type(description="Applications, the newest first.")
class LoanApplicationConnection:
    """A page of applications."""

    edges: list[LoanApplicationEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.type
class MemberLoans:
    """Applications among a member's fields."""

    @strawberry.field(description="The member's applications, the newest first.")
    async def loan_applications(
        self, info: Info, first: First = DEFAULT_FIRST, after: After = None
    ) -> LoanApplicationConnection:
        """A page of applications."""
        page = await service.list_applications(
            viewer=info.context.viewer,
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return LoanApplicationConnection(
            edges=[
                LoanApplicationEdge(cursor=cursor, node=debt_types.loan_application(each, info))
                for each, cursor in zip(page.items, page.cursors, strict=True)
            ],
            page_info=page_info(page, after=after),
        )


@strawberry.type
class LoansQuery:
    """The root fields of loans."""

    @strawberry.field(
        description="The loan rounds, of a state where one is given, the latest to open first; at most 100. "
        "Drafts are not shown. Needs a member.",
        extensions=[Requires(SELF)],
    )
    async def loan_rounds(
        self,
        info: Info,
        state: Annotated[
            LoanRoundState | None, strawberry.argument(description="Only rounds that stand so.")
        ] = None,
    ) -> list[LoanRound]:
        """The rounds."""
        found = await service.list_rounds(viewer=info.context.viewer, state=state)
        return [debt_types.loan_round(each, info.context.locale) for each in found]

    @strawberry.field(
        description="One loan round; null where there is none. Needs a member.",
        extensions=[Requires(SELF)],
    )
    async def loan_round(self, info: Info, id: Id) -> LoanRound | None:  # noqa: A002
        """A round by its global id."""
        return await loan_round_by_id(info, ids.decode(id, expected="LoanRound"))


async def loan_round_by_id(info: Info, wanted: GlobalId) -> LoanRound | None:
    """The round with this id, where members may see it."""
    if wanted.member_id is not None:
        raise InvalidGlobalId
    found = await service.find_round(viewer=info.context.viewer, key=wanted.key)
    return None if found is None else debt_types.loan_round(found, info.context.locale)


async def loan_application_by_id(info: Info, wanted: GlobalId) -> LoanApplication | None:
    """The application with this id, where it is the viewer's own."""
    key = own_key(info, wanted)
    if key is None:
        return None
    found = await service.find_application(viewer=info.context.viewer, key=key)
    return None if found is None else debt_types.loan_application(found, info)


NODES = {"LoanRound": loan_round_by_id, "LoanApplication": loan_application_by_id}
