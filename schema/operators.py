"""Operators' accounts: what an administrator and an auditor ask, and what they change."""

from collections.abc import Awaitable
from typing import Annotated

import strawberry

from backend.access import (
    operator_account,
    operator_requests,
    operators,
    staff,
)
from backend.access.operator_requests import NewOperator
from backend.approvals import domain as approvals_domain
from backend.core.errors import DomainError
from backend.core.ids import GlobalId, InvalidGlobalId
from backend.core.permissions import Permission, Role
from backend.core.viewer import Scope
from schema import approval_types, operator_types, staff_answers
from schema.context import Info
from schema.operator_inputs import (
    OperatorAccount,
    OperatorChangeAsked,
    OperatorChanged,
    OperatorCreateInput,
    OperatorCreateResult,
    OperatorResetInput,
    OperatorResetResult,
    OperatorResumeInput,
    OperatorResumeResult,
    OperatorRolesSetInput,
    OperatorRolesSetResult,
    OperatorScopeInput,
    OperatorSuspendInput,
    OperatorSuspendResult,
    OperatorUnlockInput,
    OperatorUnlockResult,
)
from schema.operator_types import (
    Operator,
    OperatorConnection,
    OperatorEdge,
)
from schema.permissions import Requires
from schema.relay import After, First, Id, page_info, public_key

DEFAULT_FIRST = 20


@strawberry.type
class OperatorsQuery:
    """The root fields of operators."""

    @strawberry.field(
        description="The operator who asks. Needs an operator.",
        extensions=[Requires(Permission.OPERATOR_SELF)],
    )
    async def operator_account(self, info: Info) -> OperatorAccount:
        """The own account."""
        found = await operator_account.own_account(viewer=info.context.viewer)
        return OperatorAccount(
            operator=operator_types.operator(found.operator, info.context.locale),
            permissions=list(found.permissions),
            recovery_codes_left=found.recovery_codes_left,
            reauthenticated_until=found.reauthenticated_until,
            break_glass_until=found.break_glass_until,
            break_glass_role=found.break_glass_role,
            actor=found.operator.actor,
        )

    @strawberry.field(
        description="Operators whose scope lies in the viewer's. Needs the permission operators.read.",
        extensions=[Requires(Permission.OPERATORS_READ)],
    )
    async def operators(
        self,
        info: Info,
        search: Annotated[
            str | None,
            strawberry.argument(description="In the name, or the beginning of the user name."),
        ] = None,
        role: Annotated[
            Role | None, strawberry.argument(description="Only those who have this role.")
        ] = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> OperatorConnection:
        """A page of operators."""
        page = await operators.list_operators(
            viewer=info.context.viewer,
            search=search,
            role=role,
            first=DEFAULT_FIRST if first is None else first,
            after=after,
        )
        return OperatorConnection(
            edges=[
                OperatorEdge(cursor=cursor, node=operator_types.operator(each, info.context.locale))
                for each, cursor in zip(page.items, page.cursors, strict=True)
            ],
            page_info=page_info(page, after=after),
        )

    @strawberry.field(
        description="An operator; null where there is none in the viewer's scope. Needs the permission operators.read.",
        extensions=[Requires(Permission.OPERATORS_READ)],
    )
    async def operator(self, info: Info, id: Id) -> Operator | None:  # noqa: A002
        """One operator."""
        found = await operators.find_operator(
            viewer=info.context.viewer, operator_id=public_key(id, "Operator")
        )
        return None if found is None else operator_types.operator(found, info.context.locale)


@strawberry.type
class OperatorsMutation:
    """The mutations of operators' accounts."""

    @strawberry.mutation(
        description="Asks for an account; a colleague has to grant it, and the operator is then invited by SMS. Needs "
        "the permission operators.manage.",
        extensions=[Requires(Permission.OPERATORS_MANAGE)],
    )
    async def operator_create(
        self,
        info: Info,
        input: OperatorCreateInput,  # noqa: A002 - the contract's name
    ) -> OperatorCreateResult:
        """Ask for an account."""
        try:
            new = NewOperator(
                user_name=input.user_name,
                name=input.name,
                office=input.office,
                roles=frozenset(input.roles),
                scope=_scope(input.scope),
                national_code=input.national_code,
                phone=input.phone,
            )
            asking = operator_requests.ask_for_operator(
                viewer=info.context.viewer, new=new, reason=input.reason
            )
            return await _asked(info, asking)
        except DomainError as error:
            return staff_answers.refusal(info, error)

    @strawberry.mutation(
        description="Asks for other roles, another scope or office of an operator; a colleague has to grant it. Needs "
        "the permission operators.manage.",
        extensions=[Requires(Permission.OPERATORS_MANAGE)],
    )
    async def operator_roles_set(
        self,
        info: Info,
        input: OperatorRolesSetInput,  # noqa: A002 - the contract's name
    ) -> OperatorRolesSetResult:
        """Ask for other roles."""
        try:
            asking = operator_requests.ask_for_roles(
                viewer=info.context.viewer,
                operator_id=staff_answers.key(input.operator_id, "Operator", field="operatorId"),
                roles=frozenset(input.roles),
                scope=_scope(input.scope),
                office=input.office,
                reason=input.reason,
            )
            return await _asked(info, asking)
        except DomainError as error:
            return staff_answers.refusal(info, error)

    @strawberry.mutation(
        description="Asks that a suspended operator may sign in again; a colleague has to grant it. Needs the "
        "permission operators.manage.",
        extensions=[Requires(Permission.OPERATORS_MANAGE)],
    )
    async def operator_resume(
        self,
        info: Info,
        input: OperatorResumeInput,  # noqa: A002 - the contract's name
    ) -> OperatorResumeResult:
        """Ask for the end of a suspension."""
        try:
            asking = operator_requests.ask_for_resumption(
                viewer=info.context.viewer,
                operator_id=staff_answers.key(input.operator_id, "Operator", field="operatorId"),
                reason=input.reason,
            )
            return await _asked(info, asking)
        except DomainError as error:
            return staff_answers.refusal(info, error)

    @strawberry.mutation(
        description="Asks for a new invitation of an operator who lost password, authenticator app and recovery codes, "
        "to another number where that is lost as well; a colleague has to grant it. Needs the permission "
        "operators.manage.",
        extensions=[Requires(Permission.OPERATORS_MANAGE)],
    )
    async def operator_reset(
        self,
        info: Info,
        input: OperatorResetInput,  # noqa: A002 - the contract's name
    ) -> OperatorResetResult:
        """Ask for a new invitation."""
        try:
            asking = operator_requests.ask_for_reset(
                viewer=info.context.viewer,
                operator_id=staff_answers.key(input.operator_id, "Operator", field="operatorId"),
                reason=input.reason,
                phone=input.phone,
                national_code=input.national_code,
            )
            return await _asked(info, asking)
        except DomainError as error:
            return staff_answers.refusal(info, error)

    @strawberry.mutation(
        description="Lets nobody sign in with an account and ends its sessions, at once; repeated, it changes nothing. "
        "Needs the permission operators.manage.",
        extensions=[Requires(Permission.OPERATORS_MANAGE)],
    )
    async def operator_suspend(
        self,
        info: Info,
        input: OperatorSuspendInput,  # noqa: A002 - the contract's name
    ) -> OperatorSuspendResult:
        """Suspend an account."""
        try:
            found = await operators.suspend(
                viewer=info.context.viewer,
                operator_id=staff_answers.key(input.operator_id, "Operator", field="operatorId"),
                reason=input.reason,
            )
        except DomainError as error:
            return staff_answers.refusal(info, error)
        return OperatorChanged(operator=operator_types.operator(found, info.context.locale))

    @strawberry.mutation(
        description="Forgets the tries that strangers made at an account, so that its owner need not wait for them. "
        "Needs the permission operators.manage.",
        extensions=[Requires(Permission.OPERATORS_MANAGE)],
    )
    async def operator_unlock(
        self,
        info: Info,
        input: OperatorUnlockInput,  # noqa: A002 - the contract's name
    ) -> OperatorUnlockResult:
        """Forget failed tries."""
        try:
            found = await operators.unlock(
                viewer=info.context.viewer,
                operator_id=staff_answers.key(input.operator_id, "Operator", field="operatorId"),
                reason=input.reason,
            )
        except DomainError as error:
            return staff_answers.refusal(info, error)
        return OperatorChanged(operator=operator_types.operator(found, info.context.locale))


async def operator_by_id(info: Info, wanted: GlobalId) -> Operator | None:
    """An operator by its id; null out of scope. Raises Unauthenticated, Forbidden."""
    if wanted.member_id is not None:
        raise InvalidGlobalId
    found = await operators.find_operator(viewer=info.context.viewer, operator_id=wanted.key)
    return None if found is None else operator_types.operator(found, info.context.locale)


NODES = {"Operator": operator_by_id}


async def _asked(
    info: Info, asking: Awaitable[tuple[staff.Operator, approvals_domain.Approval]]
) -> OperatorChangeAsked:
    operator, approval = await asking
    return OperatorChangeAsked(
        operator=operator_types.operator(operator, info.context.locale),
        approval=approval_types.approval(approval),
    )


def _scope(given: OperatorScopeInput) -> Scope:
    association = given.association_id
    return Scope(
        nation=given.nation,
        province_codes=frozenset(given.province_codes),
        association_id=None if association is None else public_key(association, "Association"),
    )
