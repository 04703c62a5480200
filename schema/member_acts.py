"""What operators do to members' files, and needs a second person."""

from typing import Annotated

import strawberry

from backend.access import phone_change
from backend.core.errors import DomainError
from backend.members import freezing
from schema import approval_asked, approval_types, staff_answers
from schema.approval_asked import ApprovalAsked
from schema.approval_types import Approval
from schema.context import Info
from schema.relay import public_key
from schema.scalars import PhoneNumber
from schema.staff_answers import ActRefused, ReauthenticationNeeded


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
class MemberActsMutation:
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
        return PhoneChangeCancelled(approval=approval_types.approval(approval))
