"""Members as operators see them: the search and the file. What is done to a file is in `member_acts`."""

from typing import Annotated

import strawberry

from backend.audit import service as audit
from backend.core.errors import NotFound
from backend.core.ids import GlobalId
from backend.core.paging import Page
from backend.members import domain, finding
from backend.members.domain import MemberState, PensionKind
from schema import (
    approval_types,
    member_trail,
    member_types,
    organization,
)
from schema.approval_types import Approval
from schema.context import Info
from schema.recording import Recorded
from schema.relay import After, First, Id, PageInfo, page_info, public_key
from schema.scalars import MemberSearch, PhoneNumber, Rial

DEFAULT_FIRST = 20


@strawberry.type(description="A member in an operator's search: as much as tells one from another.")
class MemberSummary:
    """A member found."""

    value: strawberry.Private[domain.FoundMember]
    id: strawberry.ID = strawberry.field(description="For `member`.")
    first_name: str = strawberry.field(description="As the membership file writes it.")
    last_name: str = strawberry.field(description="As the membership file writes it.")
    national_code_masked: str = strawberry.field(
        description="The national code, all but its last four digits hidden."
    )
    pension_number: str = strawberry.field(description="The number of the pension.")
    state: MemberState = strawberry.field(description="How the file stands.")
    state_text: str = strawberry.field(description="`state` in the viewer's language.")
    city: str | None = strawberry.field(description="Where the member lives.")
    phone_masked: str | None = strawberry.field(
        description="The phone's beginning and end; null where none is known."
    )

    @strawberry.field(description="The province where the member lives.")
    async def province(self, info: Info) -> organization.Province:
        """The province."""
        found = await info.context.loaders.provinces.load(self.value.province_code)
        return organization.province(found, info.context.locale)


@strawberry.type(description="A member in a list.")
class MemberSummaryEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: MemberSummary = strawberry.field(description="The member.")


@strawberry.type(description="Members in the order of their names.")
class MemberSummaryConnection:
    """A page of members."""

    edges: list[MemberSummaryEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.type(
    description="A member's file as an operator reads it; the member sees that it was read."
)
class MemberFile:
    """A file."""

    value: strawberry.Private[domain.Member]
    id: strawberry.ID = strawberry.field(description="Of the member.")
    first_name: str = strawberry.field(description="As the membership file writes it.")
    last_name: str = strawberry.field(description="As the membership file writes it.")
    national_code_masked: str = strawberry.field(
        description="The national code, all but its last four digits hidden."
    )
    pension_number: str = strawberry.field(description="The number of the pension.")
    pension_kind: PensionKind = strawberry.field(description="For what the pension is paid.")
    state: MemberState = strawberry.field(description="How the file stands.")
    state_text: str = strawberry.field(description="`state` in the viewer's language.")
    city: str | None = strawberry.field(description="Where the member lives.")
    address: str | None = strawberry.field(description="Street and number.")
    net_pension: Rial | None = strawberry.field(
        description="A month's pension after all deductions of law."
    )
    phone: PhoneNumber | None = strawberry.field(description="Where codes are sent to.")

    @strawberry.field(description="The province where the member lives.")
    async def province(self, info: Info) -> organization.Province:
        """The province."""
        found = await info.context.loaders.provinces.load(self.value.province_code)
        return organization.province(found, info.context.locale)

    @strawberry.field(description="The branch that serves the member.")
    async def branch(self, info: Info) -> organization.Branch | None:
        """The branch."""
        code, loader = self.value.branch_code, info.context.member_loaders.branches
        return organization.branch(None if code is None else await loader.load(code))

    @strawberry.field(description="The member's association.")
    async def association(self, info: Info) -> organization.Association | None:
        """The association."""
        code, loader = self.value.association_code, info.context.member_loaders.associations
        return organization.association(None if code is None else await loader.load(code))

    @strawberry.field(
        description="What is asked about the file and not done yet, as far as the viewer has asked for it, may decide "
        "it, or could ask for the same: who changes phones sees the change that waits."
    )
    async def open_approvals(self, info: Info) -> list[Approval]:
        """What waits."""
        found = await info.context.operator_loaders.open_about_members.load(self.value.id)
        return [approval_types.approval(each) for each in found]

    @strawberry.field(
        description="What was done to the file, the newest first; without reads of it."
    )
    async def trail(
        self, info: Info, first: First = DEFAULT_FIRST, after: After = None
    ) -> member_trail.MemberTrailConnection:
        """A page of entries."""
        page = await audit.list_entries_of_member(
            viewer=info.context.viewer,
            member_id=self.value.id,
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return member_trail.connection(page, after=after)


@strawberry.type
class OperatorMembersQuery:
    """The root fields of members for operators."""

    @strawberry.field(
        description="Members in the operator's scope by a whole national code, phone or pension number, or by the"
        " name: one word begins the surname, and each begins a word of the name. It is recorded that was searched.",
        extensions=[Recorded()],
    )
    async def members(
        self,
        info: Info,
        search: Annotated[
            MemberSearch, strawberry.argument(description="A number, or up to 6 words of a name.")
        ],
        first: Annotated[
            int | None,
            strawberry.argument(description=f"How many at the most, 1 to {finding.MAX_FOUND}."),
        ] = DEFAULT_FIRST,
        after: After = None,
    ) -> MemberSummaryConnection:
        """A page of members."""
        page = await finding.search_members(
            viewer=info.context.viewer,
            search=search,
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return _connection(info, page, after=after)

    @strawberry.field(
        description="A member's file; null where there is none in the operator's scope. The member sees in"
        " `accessLog` in which role, in which office and for what purpose it was read.",
        extensions=[Recorded()],
    )
    async def member(
        self,
        info: Info,
        id: Id,  # noqa: A002
        purpose: Annotated[
            str, strawberry.argument(description="What for, in words for the member.")
        ],
    ) -> MemberFile | None:
        """A file by the member's global id."""
        try:
            found = await finding.open_file(
                viewer=info.context.viewer, member_id=public_key(id, "Member"), purpose=purpose
            )
        except NotFound:
            return None
        return _file(info, found)


def _connection(
    info: Info, page: Page[domain.FoundMember], *, after: str | None
) -> MemberSummaryConnection:
    return MemberSummaryConnection(
        edges=[
            MemberSummaryEdge(cursor=cursor, node=_summary(info, each))
            for each, cursor in zip(page.items, page.cursors, strict=True)
        ],
        page_info=page_info(page, after=after),
    )


def _summary(info: Info, found: domain.FoundMember) -> MemberSummary:
    return MemberSummary(
        value=found,
        id=_id(found.id),
        first_name=found.first_name,
        last_name=found.last_name,
        national_code_masked=finding.masked_national_code(found),
        pension_number=found.pension_number,
        state=found.state,
        state_text=member_types.STATE_TEXTS[found.state][info.context.locale],
        city=found.city,
        phone_masked=finding.masked_phone(found.phone),
    )


def _file(info: Info, found: domain.Member) -> MemberFile:
    return MemberFile(
        value=found,
        id=_id(found.id),
        first_name=found.first_name,
        last_name=found.last_name,
        national_code_masked=finding.masked_national_code(found),
        pension_number=found.pension_number,
        pension_kind=found.pension_kind,
        state=found.state,
        state_text=member_types.STATE_TEXTS[found.state][info.context.locale],
        city=found.city,
        address=found.address,
        net_pension=None if found.net_pension_rials is None else Rial(found.net_pension_rials),
        phone=None if found.phone is None else PhoneNumber(found.phone),
    )


def _id(member_id: int) -> strawberry.ID:
    return strawberry.ID(GlobalId("Member", member_id).encode())
