"""What needs a second person: the list of it, and how it is decided."""

from datetime import datetime
from typing import Annotated

import strawberry

from backend.approvals import domain, service
from backend.approvals.domain import ApprovalState
from backend.core.errors import DomainError
from backend.core.ids import GlobalId, InvalidGlobalId
from backend.core.paging import Page
from backend.core.permissions import Permission
from schema import staff_answers
from schema.changes import ValueChange, changes
from schema.context import Info
from schema.enums import describe
from schema.permissions import Requires
from schema.relay import After, First, Node, PageInfo, page_info, public_key
from schema.scalars import Rial
from schema.staff_answers import ActRefused, ReauthenticationNeeded

DEFAULT_FIRST = 20

describe(
    ApprovalState,
    "Where an approval stands.",
    WAITING="Somebody has to decide.",
    GRANTED="It is done by a job, after a cooling time where it has one.",
    EXECUTED="It is done.",
    REFUSED="Somebody has refused it.",
    WITHDRAWN="Who asked has taken it back.",
    EXPIRED="Nobody decided in time.",
    VOID="What it was about had changed.",
    FAILED="It was granted and could not be done; `outcomeText` says why.",
)


@strawberry.type(description="Something that needs a second person, as it was asked for.")
class Approval(Node):
    """An approval."""

    state: ApprovalState = strawberry.field(description="Where it stands.")
    kind: str = strawberry.field(description="What is to be done, such as `stores.iban_change`.")
    object_type: str = strawberry.field(description="To what kind of thing.")
    object_id: str = strawberry.field(description="To which of them.")
    member_id: strawberry.ID | None = strawberry.field(description="The member concerned, if any.")
    province_code: str | None = strawberry.field(
        description="In which province; null where it is no province's."
    )
    changes: list[ValueChange] = strawberry.field(description="What it would change.")
    money_effect_rials: Rial | None = strawberry.field(
        description="What it would move; negative where money goes out, null where it moves none."
    )
    reason: str = strawberry.field(description="Why it was asked for.")
    asked_by: str = strawberry.field(description="Who asked: an account's name.")
    asked_at: datetime = strawberry.field(description="When.")
    expires_at: datetime = strawberry.field(description="Until when it can be granted.")
    not_before: datetime | None = strawberry.field(
        description="Before which it is not done, however early it is granted."
    )
    permission: str = strawberry.field(description="What who grants it must be allowed to.")
    digest: str = strawberry.field(
        description="SHA-256 of all that is asked; `approvalGrant` wants it back."
    )
    granted_by: str | None = strawberry.field(description="Who granted it.")
    granted_at: datetime | None = strawberry.field(description="When.")
    closed_by: str | None = strawberry.field(description="Who closed it; `system` where a job did.")
    closed_at: datetime | None = strawberry.field(description="When.")
    outcome_code: str | None = strawberry.field(description="Why it was closed undone.")
    outcome_text: str | None = strawberry.field(description="The same in words.")


@strawberry.type(description="An approval in a list.")
class ApprovalEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: Approval = strawberry.field(description="The approval.")


@strawberry.type(description="Approvals, the latest first.")
class ApprovalConnection:
    """A page of approvals."""

    edges: list[ApprovalEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


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
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> ApprovalConnection:
        """A page of approvals."""
        page = await service.list_approvals(
            viewer=info.context.viewer,
            state=state,
            kind=kind,
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return _connection(page, after=after)


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
        return ApprovalDecided(approval=approval(granted))

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
        return ApprovalDecided(approval=approval(refused))

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
        return ApprovalDecided(approval=approval(withdrawn))


async def approval_by_id(info: Info, wanted: GlobalId) -> Approval | None:
    """An approval by its id, for who would see it in the list."""
    if wanted.member_id is not None:
        raise InvalidGlobalId
    found = await service.find_approval(viewer=info.context.viewer, approval_id=wanted.key)
    return None if found is None else approval(found)


NODES = {"Approval": approval_by_id}


def approval(found: domain.Approval) -> Approval:
    """The GraphQL form of an approval."""
    effect, member_id = found.money_effect_rials, found.member_id
    return Approval(
        id=strawberry.ID(GlobalId("Approval", found.id).encode()),
        state=found.state,
        kind=found.kind,
        object_type=found.object_type,
        object_id=found.object_id,
        member_id=None
        if member_id is None
        else strawberry.ID(GlobalId("Member", member_id).encode()),
        province_code=found.province_code,
        changes=changes(found.before, found.after),
        money_effect_rials=None if effect is None else Rial(effect),
        reason=found.reason,
        asked_by=found.maker,
        asked_at=found.asked_at,
        expires_at=found.expires_at,
        not_before=found.not_before,
        permission=found.approve_permission,
        digest=found.digest,
        granted_by=found.granted_by,
        granted_at=found.granted_at,
        closed_by=found.closed_by,
        closed_at=found.closed_at,
        outcome_code=found.outcome_code,
        outcome_text=found.outcome_text,
    )


def _connection(page: Page[domain.Approval], *, after: str | None) -> ApprovalConnection:
    return ApprovalConnection(
        edges=[
            ApprovalEdge(cursor=cursor, node=approval(each))
            for each, cursor in zip(page.items, page.cursors, strict=True)
        ],
        page_info=page_info(page, after=after),
    )
