"""What needs a second person: the list of it, and how it is decided."""

from typing import Annotated

import strawberry

from backend.approvals import reading, service
from backend.approvals.domain import ApprovalState
from backend.core.errors import DomainError
from backend.core.ids import GlobalId, InvalidGlobalId
from backend.core.permissions import Permission
from schema import approval_types, objects, staff_answers
from schema.approval_types import Approval, ApprovalConnection
from schema.context import Info
from schema.permissions import Requires
from schema.relay import After, First, Id, public_key
from schema.staff_answers import ActRefused, ReauthenticationNeeded

DEFAULT_FIRST = 20


@strawberry.input(description="What is granted, as it was shown.")
class ApprovalGrantInput:
    """What `approvalGrant` takes."""

    approval_id: strawberry.ID = strawberry.field(description="The approval.")
    digest: str = strawberry.field(description="Its digest, as it was shown.")


@strawberry.input(description="What is refused, and why.")
class ApprovalRefuseInput:
    """What `approvalRefuse` takes."""

    approval_id: strawberry.ID = strawberry.field(description="The approval.")
    reason: str = strawberry.field(description="For who asked, and the trail.")


@strawberry.input(description="What is taken back.")
class ApprovalWithdrawInput:
    """What `approvalWithdraw` takes."""

    approval_id: strawberry.ID = strawberry.field(description="The approval.")
    reason: str | None = strawberry.field(default=None, description="For the trail.")


@strawberry.type(description="It is decided.")
class ApprovalDecided:
    """The success of all three."""

    approval: Approval = strawberry.field(description="The approval as it is now.")


ApprovalGrantResult = Annotated[
    ApprovalDecided | ReauthenticationNeeded | ActRefused,
    strawberry.union("ApprovalGrantResult", description="What `approvalGrant` answers."),
]
ApprovalRefuseResult = Annotated[
    ApprovalDecided | ActRefused,
    strawberry.union("ApprovalRefuseResult", description="What `approvalRefuse` answers."),
]
ApprovalWithdrawResult = Annotated[
    ApprovalDecided | ActRefused,
    strawberry.union("ApprovalWithdrawResult", description="What `approvalWithdraw` answers."),
]


@strawberry.type
class ApprovalsQuery:
    """Approvals among the root fields."""

    @strawberry.field(
        description="What the viewer has asked for or may decide, within the scope, the latest first; an auditor sees "
        "all. Needs the permission approvals.read.",
        extensions=[Requires(Permission.APPROVALS_READ)],
    )
    async def approvals(
        self,
        info: Info,
        state: Annotated[
            ApprovalState | None, strawberry.argument(description="Only those in this state.")
        ] = None,
        kind: Annotated[
            str | None, strawberry.argument(description="Only those of this kind.")
        ] = None,
        member_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only those that concern this member."),
        ] = None,
        object_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(
                description="Only those about this, by its global id: a store, an operator, a member, an import."
            ),
        ] = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> ApprovalConnection:
        """A page of approvals."""
        page = await reading.list_approvals(
            viewer=info.context.viewer,
            state=state,
            kind=kind,
            member_id=None if member_id is None else public_key(member_id, "Member"),
            about=None if object_id is None else objects.named(object_id),
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return approval_types.connection(page, after=after)

    @strawberry.field(
        description="An approval that the viewer would see in the list; null where there is none. Needs the permission "
        "approvals.read.",
        extensions=[Requires(Permission.APPROVALS_READ)],
    )
    async def approval(self, info: Info, id: Id) -> Approval | None:  # noqa: A002
        """An approval by its global id."""
        return await _find(info, public_key(id, "Approval"))


@strawberry.type
class ApprovalsMutation:
    """How it is decided."""

    @strawberry.mutation(
        description="Lets it be done, by a job. Needs the approval's own permission, and a recent confirmation where "
        "it moves money or gives rights; who asked can't grant. Repeated, it changes nothing.",
        extensions=[Requires(Permission.APPROVALS_READ)],
    )
    async def approval_grant(
        self,
        info: Info,
        input: ApprovalGrantInput,  # noqa: A002 - the contract's name
    ) -> ApprovalGrantResult:
        """Grant it."""
        try:
            key = public_key(input.approval_id, "Approval")
            granted = await service.grant(
                viewer=info.context.viewer, approval_id=key, digest=input.digest
            )
        except DomainError as error:
            return staff_answers.refusal(info, error)
        return ApprovalDecided(approval=approval_types.approval(granted))

    @strawberry.mutation(
        description="Lets it not be done, also where it is granted and not done yet. Needs the approval's own "
        "permission; who asked withdraws instead.",
        extensions=[Requires(Permission.APPROVALS_READ)],
    )
    async def approval_refuse(
        self,
        info: Info,
        input: ApprovalRefuseInput,  # noqa: A002 - the contract's name
    ) -> ApprovalRefuseResult:
        """Refuse it."""
        try:
            key = public_key(input.approval_id, "Approval")
            refused = await service.refuse(
                viewer=info.context.viewer, approval_id=key, reason=input.reason
            )
        except DomainError as error:
            return staff_answers.refused(info, error)
        return ApprovalDecided(approval=approval_types.approval(refused))

    @strawberry.mutation(
        description="Takes back what the viewer has asked for and is not done yet.",
        extensions=[Requires(Permission.APPROVALS_READ)],
    )
    async def approval_withdraw(
        self,
        info: Info,
        input: ApprovalWithdrawInput,  # noqa: A002 - the contract's name
    ) -> ApprovalWithdrawResult:
        """Withdraw it."""
        try:
            key = public_key(input.approval_id, "Approval")
            withdrawn = await service.withdraw(
                viewer=info.context.viewer, approval_id=key, reason=input.reason
            )
        except DomainError as error:
            return staff_answers.refused(info, error)
        return ApprovalDecided(approval=approval_types.approval(withdrawn))


async def approval_by_id(info: Info, wanted: GlobalId) -> Approval | None:
    """An approval by its id, for who would see it in the list."""
    if wanted.member_id is not None:
        raise InvalidGlobalId
    return await _find(info, wanted.key)


NODES = {"Approval": approval_by_id}


async def _find(info: Info, key: int) -> Approval | None:
    found = await reading.find_approval(viewer=info.context.viewer, approval_id=key)
    return None if found is None else approval_types.approval(found)
