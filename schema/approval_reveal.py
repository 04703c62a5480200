"""What who decides about an approval must see whole, to compare it with the paper it was asked for by."""

from typing import Annotated

import strawberry

from backend.approvals import revealing
from backend.core.errors import DomainError
from backend.core.permissions import Permission
from schema import act_texts, staff_answers, value_texts
from schema.context import Info
from schema.permissions import Requires
from schema.relay import public_key
from schema.staff_answers import ActRefused, ReauthenticationNeeded


@strawberry.type(description="A value that lists show with most of it hidden.")
class RevealedValue:
    """A value."""

    name: str = strawberry.field(description="The value's name, such as `iban` or `phone`.")
    value: str = strawberry.field(description="The whole of it.")

    @strawberry.field(description="`name` in the viewer's language.")
    def name_text(self, info: Info) -> str:
        """The name in words."""
        return act_texts.of(value_texts.VALUES, self.name, info.context.locale)


@strawberry.type(description="What was asked for, in full. It is recorded who saw it.")
class ApprovalRevealed:
    """The success of `approvalReveal`."""

    values: list[RevealedValue] = strawberry.field(
        description="None where the approval hides nothing."
    )


@strawberry.input(description="Which approval is to be compared with its paper.")
class ApprovalRevealInput:
    """What `approvalReveal` takes."""

    approval_id: strawberry.ID = strawberry.field(description="The approval.")


ApprovalRevealResult = Annotated[
    ApprovalRevealed | ReauthenticationNeeded | ActRefused,
    strawberry.union("ApprovalRevealResult", description="What `approvalReveal` answers."),
]


@strawberry.type
class ApprovalRevealMutation:
    """Seeing in full what is decided."""

    @strawberry.mutation(
        description="Shows who may decide an open approval what of it is hidden elsewhere: an account, a phone. It is "
        "recorded. Needs what `approvalGrant` needs.",
        extensions=[Requires(Permission.APPROVALS_READ)],
    )
    async def approval_reveal(
        self,
        info: Info,
        input: ApprovalRevealInput,  # noqa: A002 - the contract's name
    ) -> ApprovalRevealResult:
        """Show it."""
        try:
            key = public_key(input.approval_id, "Approval")
            shown = await revealing.reveal(viewer=info.context.viewer, approval_id=key)
        except DomainError as error:
            return staff_answers.refusal(info, error)
        return ApprovalRevealed(
            values=[RevealedValue(name=name, value=value) for name, value in shown]
        )
