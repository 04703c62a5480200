"""Members as operators see them: the search, the file, and the acts that need a second person."""

from typing import Annotated

import strawberry

from backend.access import phone_change
from backend.audit import service as audit
from backend.core.errors import DomainError, NotFound
from backend.core.ids import GlobalId
from backend.core.paging import Page
from backend.members import domain, finding, freezing
from backend.members.domain import MemberState, PensionKind
from schema import (
    approval_asked,
    approvals,
    member_trail,
    member_types,
    organization,
    staff_answers,
)
from schema.approval_asked import ApprovalAsked
from schema.approvals import Approval
from schema.context import Info
from schema.relay import After, First, Id, PageInfo, page_info, public_key
from schema.scalars import MemberSearch, PhoneNumber, Rial
from schema.staff_answers import ActRefused, ReauthenticationNeeded

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


@strawberry.type(description="The change of the phone is stopped: the number stays.")
class PhoneChangeCancelled:
    """The success of `memberPhoneChangeCancel`."""

    approval: Approval = strawberry.field(description="What had been asked, refused now.")


@strawberry.input(description="Whose freeze is to be lifted, and why.")
class MemberFreezeLiftInput:
    """What `memberFreezeLift` takes."""

    member_id: strawberry.ID = strawberry.field(description="The member.")
    reason: str = strawberry.field(
        description="Why; the approver reads it. At most 500 characters."
    )


@strawberry.input(description="Whose phone is to be changed, to which, and why.")
class MemberPhoneChangeInput:
    """What `memberPhoneChange` takes."""

    member_id: strawberry.ID = strawberry.field(description="The member.")
    phone: PhoneNumber = strawberry.field(description="The new mobile number.")
    reason: str = strawberry.field(
        description="Why; the approver reads it. At most 500 characters."
    )


@strawberry.input(description="Whose change of the phone is to be stopped, and why.")
class MemberPhoneChangeCancelInput:
    """What `memberPhoneChangeCancel` takes."""

    member_id: strawberry.ID = strawberry.field(description="The member.")
    reason: str = strawberry.field(description="What the member says. At most 500 characters.")


MemberFreezeLiftResult = Annotated[
    ApprovalAsked | ActRefused,
    strawberry.union("MemberFreezeLiftResult", description="What `memberFreezeLift` answers."),
]
MemberPhoneChangeResult = Annotated[
    ApprovalAsked | ReauthenticationNeeded | ActRefused,
    strawberry.union("MemberPhoneChangeResult", description="What `memberPhoneChange` answers."),
]
MemberPhoneChangeCancelResult = Annotated[
    PhoneChangeCancelled | ActRefused,
    strawberry.union(
        "MemberPhoneChangeCancelResult", description="What `memberPhoneChangeCancel` answers."
    ),
]


@strawberry.type
class OperatorMembersQuery:
    """The root fields of members for operators."""

    @strawberry.field(
        description="Members in the operator's scope by a whole national code, phone or pension number, or by the"
        " name: one word begins the surname, and each begins a word of the name. It is recorded that was searched."
    )
    async def members(
        self,
        info: Info,
        search: Annotated[
            MemberSearch, strawberry.argument(description="A number, or up to 6 words of a name.")
        ],
        first: First = DEFAULT_FIRST,
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
        " `accessLog` in which role, in which office and for what purpose it was read."
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


@strawberry.type
class OperatorMembersMutation:
    """What operators do to members' files."""

    @strawberry.mutation(
        description="Asks that a frozen member be active again; another operator grants it."
    )
    async def member_freeze_lift(
        self,
        info: Info,
        input: MemberFreezeLiftInput,  # noqa: A002 - the contract's name
    ) -> MemberFreezeLiftResult:
        """Ask for it."""
        try:
            approval = await freezing.ask_freeze_lift(
                viewer=info.context.viewer,
                member_id=public_key(input.member_id, "Member"),
                reason=input.reason,
            )
        except DomainError as error:
            return staff_answers.refused(info, error)
        return approval_asked.asked(approval)

    @strawberry.mutation(
        description="Asks that a member get another phone: another operator grants it, nothing is done for 72 hours,"
        " and the present number is told at once. Then the sessions that the present number opened are ended."
    )
    async def member_phone_change(
        self,
        info: Info,
        input: MemberPhoneChangeInput,  # noqa: A002 - the contract's name
    ) -> MemberPhoneChangeResult:
        """Ask for it."""
        try:
            approval = await phone_change.ask_phone_change(
                viewer=info.context.viewer,
                member_id=public_key(input.member_id, "Member"),
                phone=input.phone,
                reason=input.reason,
            )
        except DomainError as error:
            return staff_answers.refusal(info, error)
        return approval_asked.asked(approval)

    @strawberry.mutation(
        description="Stops a change of a member's phone that is not done yet, because the member objects."
    )
    async def member_phone_change_cancel(
        self,
        info: Info,
        input: MemberPhoneChangeCancelInput,  # noqa: A002 - the contract's name
    ) -> MemberPhoneChangeCancelResult:
        """Stop it."""
        try:
            approval = await phone_change.cancel_phone_change(
                viewer=info.context.viewer,
                member_id=public_key(input.member_id, "Member"),
                reason=input.reason,
            )
        except DomainError as error:
            return staff_answers.refused(info, error)
        return PhoneChangeCancelled(approval=approvals.approval(approval))


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
