"""What the queries and mutations of operators' accounts and of emergencies take and answer."""

from datetime import datetime
from typing import Annotated

import strawberry

from backend.access import staff_sessions
from backend.core.permissions import Role
from schema import operator_types
from schema.approval_types import Approval
from schema.context import Info
from schema.operator_types import BreakGlassUse, Operator, StaffSession
from schema.scalars import NationalCode, PhoneNumber
from schema.staff_answers import ActRefused, ReauthenticationNeeded


@strawberry.type(description="The operator who asks.")
class OperatorAccount:
    """The own account."""

    operator: Operator = strawberry.field(description="As colleagues see it.")
    actor: str = strawberry.field(
        description="The account's name in approvals and in the trail, such as `operator:7`."
    )
    permissions: list[str] = strawberry.field(
        description="All that may be done now, an emergency's included."
    )
    recovery_codes_left: int = strawberry.field(description="How many of the ten are not used.")
    reauthenticated_until: datetime | None = strawberry.field(
        description="Until when money and rights ask for no confirmation; null where they do."
    )
    break_glass_until: datetime | None = strawberry.field(
        description="When the emergency ends; null where none runs."
    )
    break_glass_role: Role | None = strawberry.field(
        description="The role that was taken for it; null where none runs."
    )

    @strawberry.field(description="Where the operator is signed in, last seen first.")
    async def sessions(self, info: Info) -> list[StaffSession]:
        """Live sessions."""
        found = await staff_sessions.list_own(
            viewer=info.context.viewer, session_id=info.context.session_id
        )
        return [operator_types.staff_session(each) for each in found]


@strawberry.input(
    description="What an operator is to see: the nation, some provinces, or one association."
)
class OperatorScopeInput:
    """A scope."""

    nation: bool = strawberry.field(default=False, description="All of it.")
    province_codes: list[str] = strawberry.field(
        default_factory=list, description="ISO 3166-2, such as `IR-07`."
    )
    association_id: strawberry.ID | None = strawberry.field(
        default=None, description="The one association."
    )


@strawberry.input(description="Whom an account is asked for.")
class OperatorCreateInput:
    """What `operatorCreate` takes."""

    user_name: str = strawberry.field(description="3 to 40 Latin letters, digits, dots, hyphens.")
    name: str = strawberry.field(description="What colleagues call the operator.")
    office: str = strawberry.field(
        description="Where the operator works; shown to members whose file the operator reads."
    )
    roles: list[Role] = strawberry.field(description="One at least.")
    scope: OperatorScopeInput = strawberry.field(description="Within that of who asks.")
    national_code: NationalCode = strawberry.field(
        description="So that nobody acts on the own file; it can't be read again."
    )
    phone: PhoneNumber = strawberry.field(description="Where the invitation goes.")
    reason: str = strawberry.field(description="For the colleague who decides, and the trail.")


@strawberry.input(description="What an operator is to be from now on.")
class OperatorRolesSetInput:
    """What `operatorRolesSet` takes."""

    operator_id: strawberry.ID = strawberry.field(description="The operator.")
    roles: list[Role] = strawberry.field(description="All of them, one at least.")
    scope: OperatorScopeInput = strawberry.field(description="Within that of who asks.")
    office: str | None = strawberry.field(default=None, description="Null where it stays.")
    reason: str = strawberry.field(description="For the colleague who decides, and the trail.")


@strawberry.input(description="An operator's account, and why.")
class OperatorSuspendInput:
    """What `operatorSuspend` takes."""

    operator_id: strawberry.ID = strawberry.field(description="The operator.")
    reason: str = strawberry.field(description="For the trail.")


@strawberry.input(description="An operator's account, and why.")
class OperatorUnlockInput:
    """What `operatorUnlock` takes."""

    operator_id: strawberry.ID = strawberry.field(description="The operator.")
    reason: str = strawberry.field(description="For the trail.")


@strawberry.input(description="A suspended account, and why.")
class OperatorResumeInput:
    """What `operatorResume` takes."""

    operator_id: strawberry.ID = strawberry.field(description="The operator.")
    reason: str = strawberry.field(description="For the colleague who decides, and the trail.")


@strawberry.input(description="An account whose owner lost what is signed in by, and why.")
class OperatorResetInput:
    """What `operatorReset` takes."""

    operator_id: strawberry.ID = strawberry.field(description="The operator.")
    reason: str = strawberry.field(description="For the colleague who decides, and the trail.")
    phone: PhoneNumber | None = strawberry.field(
        default=None,
        description="Another number, in the operator's own name, where that of the account is lost: the invitation "
        "goes there, and the number until now is told.",
    )
    national_code: NationalCode | None = strawberry.field(
        default=None, description="The operator's, needed with `phone`."
    )


@strawberry.input(description="An emergency.")
class BreakGlassInput:
    """What `breakGlass` takes."""

    role: Role = strawberry.field(description="Neither ADMINISTRATOR nor AUDITOR.")
    hours: int = strawberry.field(description="1 to 4, and 4 in any 24 hours in all.")
    reason: str = strawberry.field(description="The auditors read it.")


@strawberry.input(description="Nothing is needed: the operator's own emergency ends.")
class BreakGlassEndInput:
    """What `breakGlassEnd` takes."""

    use_id: strawberry.ID | None = strawberry.field(
        default=None, description="Not needed: an operator has one at a time."
    )


@strawberry.type(description="It waits for a colleague, who grants it by `approvalGrant`.")
class OperatorChangeAsked:
    """The success of what gives rights."""

    operator: Operator = strawberry.field(description="The account as it is now.")
    approval: Approval = strawberry.field(description="What the colleague decides on.")


@strawberry.type(description="The account is as asked for.")
class OperatorChanged:
    """The success of what takes rights away."""

    operator: Operator = strawberry.field(description="The account as it is now.")


@strawberry.type(description="The emergency; it holds from the next request on.")
class BreakGlassChanged:
    """The success of `breakGlass` and `breakGlassEnd`."""

    use: BreakGlassUse = strawberry.field(description="The emergency.")


OperatorCreateResult = Annotated[
    OperatorChangeAsked | ReauthenticationNeeded | ActRefused,
    strawberry.union("OperatorCreateResult", description="What `operatorCreate` answers."),
]
OperatorRolesSetResult = Annotated[
    OperatorChangeAsked | ReauthenticationNeeded | ActRefused,
    strawberry.union("OperatorRolesSetResult", description="What `operatorRolesSet` answers."),
]
OperatorResumeResult = Annotated[
    OperatorChangeAsked | ReauthenticationNeeded | ActRefused,
    strawberry.union("OperatorResumeResult", description="What `operatorResume` answers."),
]
OperatorResetResult = Annotated[
    OperatorChangeAsked | ReauthenticationNeeded | ActRefused,
    strawberry.union("OperatorResetResult", description="What `operatorReset` answers."),
]
OperatorSuspendResult = Annotated[
    OperatorChanged | ReauthenticationNeeded | ActRefused,
    strawberry.union("OperatorSuspendResult", description="What `operatorSuspend` answers."),
]
OperatorUnlockResult = Annotated[
    OperatorChanged | ReauthenticationNeeded | ActRefused,
    strawberry.union("OperatorUnlockResult", description="What `operatorUnlock` answers."),
]
BreakGlassResult = Annotated[
    BreakGlassChanged | ReauthenticationNeeded | ActRefused,
    strawberry.union("BreakGlassResult", description="What `breakGlass` answers."),
]
BreakGlassEndResult = Annotated[
    BreakGlassChanged | ActRefused,
    strawberry.union("BreakGlassEndResult", description="What `breakGlassEnd` answers."),
]
