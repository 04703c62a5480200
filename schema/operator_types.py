"""Operators, their roles, scopes, sessions and emergencies, as clients see them."""

from datetime import datetime
from types import MappingProxyType

import strawberry

from backend.access import operator_phones, staff
from backend.access.staff import OperatorState
from backend.core.errors import sentences
from backend.core.ids import GlobalId
from backend.core.locale import Locale
from backend.core.permissions import ROLE_NAMES, Role
from backend.core.viewer import Scope
from schema import actors, enums, organization
from schema.actors import Actor
from schema.context import Info
from schema.relay import Node, PageInfo

enums.describe(
    Role,
    "As what an operator is employed.",
    OBSERVER="Looks at figures and lists.",
    STORE_MANAGER="Keeps stores, their devices and cashiers.",
    LOAN_OFFICER="Runs rounds of loans.",
    FINANCE_OFFICER="Orders deductions, settles with stores, pays loans.",
    CAMPAIGNER="Writes and sends campaigns.",
    SUPPORT="Helps members.",
    REGISTRAR="Helps members at a branch or association.",
    AUDITOR="Reads what was done, and does nothing.",
    ADMINISTRATOR="Keeps accounts and roles; has none with money.",
)
enums.describe(
    OperatorState,
    "Where an operator's account stands.",
    REQUESTED="A colleague has to grant it.",
    INVITED="The operator has yet to set it up.",
    ACTIVE="The operator can sign in.",
    SUSPENDED="Nobody can sign in with it.",
    REFUSED="It was not granted.",
)
_STATE_TEXTS = MappingProxyType(
    {
        OperatorState.REQUESTED: sentences(fa="در انتظار تأیید", en="Waits for approval"),
        OperatorState.INVITED: sentences(fa="دعوت‌شده", en="Invited"),
        OperatorState.ACTIVE: sentences(fa="فعال", en="Active"),
        OperatorState.SUSPENDED: sentences(fa="معلق", en="Suspended"),
        OperatorState.REFUSED: sentences(fa="ردشده", en="Refused"),
    }
)


@strawberry.type(description="The part of the country that an operator sees; one of the three.")
class OperatorScope:
    """A scope."""

    nation: bool = strawberry.field(description="Whether it is all of it.")
    province_codes: list[str] = strawberry.field(description="ISO 3166-2; empty where it is none.")
    association_id: strawberry.ID | None = strawberry.field(
        description="The one association; null where it is none."
    )
    association_key: strawberry.Private[int | None]

    @strawberry.field(description="`associationId` by name.")
    async def association(self, info: Info) -> organization.Association | None:
        """The association."""
        key, loader = self.association_key, info.context.operator_loaders.associations
        return organization.association(None if key is None else await loader.load(key))


@strawberry.type(description="Somebody who works for the club.")
class Operator(Node):
    """An operator's account."""

    user_name: str = strawberry.field(description="What the operator signs in by.")
    name: str = strawberry.field(description="What colleagues call the operator.")
    office: str = strawberry.field(description="Where the operator works.")
    phone_masked: str | None = strawberry.field(
        description="Where invitations go: the number's beginning and end. Look at it before an account is granted."
    )
    state: OperatorState = strawberry.field(description="Where the account stands.")
    state_text: str = strawberry.field(description="The same in the viewer's language.")
    roles: list[Role] = strawberry.field(description="As what the operator is employed.")
    role_names: list[str] = strawberry.field(description="The same in the viewer's language.")
    scope: OperatorScope = strawberry.field(description="What the operator sees.")
    created_by: str = strawberry.field(description="The account that asked for it.")
    approved_by: str | None = strawberry.field(description="The account that granted it.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    last_sign_in_at: datetime | None = strawberry.field(
        description="When the operator signed in last."
    )

    @strawberry.field(description="`createdBy` by name.")
    async def creator(self, info: Info) -> Actor:
        """Who asked for the account."""
        return await actors.actor(info, self.created_by)

    @strawberry.field(description="`approvedBy` by name.")
    async def approver(self, info: Info) -> Actor | None:
        """Who granted it."""
        return await actors.actor_or_none(info, self.approved_by)


@strawberry.type(description="An operator in a list.")
class OperatorEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: Operator = strawberry.field(description="The operator.")


@strawberry.type(description="Operators in the order in which they were asked for.")
class OperatorConnection:
    """A page of operators."""

    edges: list[OperatorEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


@strawberry.type(description="Where an operator or a cashier is signed in.")
class StaffSession:
    """A live session."""

    id: strawberry.ID = strawberry.field(description="For `sessionRevoke`.")
    device_name: str = strawberry.field(description="As the device calls itself.")
    created_at: datetime = strawberry.field(description="When somebody signed in.")
    last_seen_at: datetime = strawberry.field(description="When it was last used, to the minute.")
    current: bool = strawberry.field(description="Whether it is the one that asks.")


@strawberry.type(description="A role that an operator took for an emergency.")
class BreakGlassUse:
    """An emergency."""

    id: strawberry.ID = strawberry.field(description="Of this emergency.")
    operator_id: strawberry.ID = strawberry.field(description="Who took the role.")
    role: Role = strawberry.field(description="The role.")
    reason: str = strawberry.field(description="Why, in the operator's words.")
    began_at: datetime = strawberry.field(description="When it began.")
    ends_at: datetime = strawberry.field(
        description="When it ends, or would have ended, by itself."
    )
    ended_at: datetime | None = strawberry.field(
        description="When the operator ended it; null where it ran, or runs, to its end."
    )
    actor: strawberry.Private[str]

    @strawberry.field(description="`operatorId` by name.")
    async def taken_by(self, info: Info) -> Actor:
        """Who took the role."""
        return await actors.actor(info, self.actor)

    @strawberry.field(description="`role` in the viewer's language.")
    def role_name(self, info: Info) -> str:
        """The role in words."""
        return ROLE_NAMES[self.role][info.context.locale]


@strawberry.type(description="An emergency in a list.")
class BreakGlassUseEdge:
    """An edge."""

    cursor: str = strawberry.field(description="For `after`.")
    node: BreakGlassUse = strawberry.field(description="The emergency.")


@strawberry.type(description="Emergencies, the newest first.")
class BreakGlassUseConnection:
    """A page of emergencies."""

    edges: list[BreakGlassUseEdge] = strawberry.field(description="The page.")
    page_info: PageInfo = strawberry.field(description="Where the page stands.")


def operator(value: staff.Operator, locale: Locale) -> Operator:
    """The GraphQL form of an operator."""
    roles = [role for role in Role if role in value.roles]
    return Operator(
        id=operator_id(value.id),
        user_name=value.user_name,
        name=value.name,
        office=value.office,
        phone_masked=operator_phones.masked(value),
        state=value.state,
        state_text=_STATE_TEXTS[value.state][locale],
        roles=roles,
        role_names=[ROLE_NAMES[role][locale] for role in roles],
        scope=_scope(value.scope),
        created_by=value.created_by,
        approved_by=value.approved_by,
        created_at=value.created_at,
        last_sign_in_at=value.last_sign_in_at,
    )


def staff_session(value: staff.StaffSession) -> StaffSession:
    """The GraphQL form of a session."""
    return StaffSession(
        id=strawberry.ID(GlobalId("StaffSession", value.id).encode()),
        device_name=value.device_name,
        created_at=value.created_at,
        last_seen_at=value.last_seen_at,
        current=value.is_current,
    )


def break_glass_use(value: staff.BreakGlassUse) -> BreakGlassUse:
    """The GraphQL form of an emergency."""
    return BreakGlassUse(
        id=strawberry.ID(GlobalId("BreakGlassUse", value.id).encode()),
        operator_id=operator_id(value.operator_id),
        role=value.role,
        reason=value.reason,
        began_at=value.began_at,
        ends_at=value.ends_at,
        ended_at=value.ended_at,
        actor=staff.operator_actor(value.operator_id),
    )


def operator_id(key: int) -> strawberry.ID:
    """The global id of an operator."""
    return strawberry.ID(GlobalId("Operator", key).encode())


def _scope(value: Scope) -> OperatorScope:
    association = value.association_id
    return OperatorScope(
        nation=value.nation,
        province_codes=sorted(value.province_codes),
        association_id=None
        if association is None
        else strawberry.ID(GlobalId("Association", association).encode()),
        association_key=association,
    )
