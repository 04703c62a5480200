"""What gives rights to an operator is asked for by one and granted by another (`backend/approvals/`).

A new account, other roles or another scope, the end of a suspension, a reset of lost secrets; `operator_executors`
does what was granted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from backend.access import operator_phones, operators, staff
from backend.access import operator_rules as rules
from backend.access import repository_operators as repository
from backend.access.staff import Operator, OperatorState
from backend.access.staff_refusals import UserNameTaken
from backend.approvals import service as approvals
from backend.approvals.domain import Approval
from backend.core import clock, identifiers
from backend.core.permissions import Permission, Role
from backend.core.viewer import Scope, Viewer
from backend.infra import db, sealing
from backend.members import seals

CREATE: Final = "access.operator_create"
ROLES: Final = "access.operator_roles"
RESUME: Final = "access.operator_resume"
RESET: Final = "access.operator_reset"
DECIDED_WITHIN: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOperator:
    """Whom an account is asked for; numbers of any spelling. The phone gets the invitation."""

    user_name: str
    name: str
    office: str
    roles: frozenset[Role]
    scope: Scope
    national_code: str = field(repr=False)
    phone: str = field(repr=False)


async def ask_for_operator(
    *, viewer: Viewer, new: NewOperator, reason: str
) -> tuple[Operator, Approval]:
    """Ask for an account: it is there at once and good for nothing until a colleague grants it.

    Raises UserNameInvalid, UserNameTaken (also where the person has an account), StaffTextInvalid, RolesMissing,
    RolesConflict, ScopeTooWide, InvalidNationalCode, InvalidMobile, ReasonInvalid, ReauthenticationNeeded,
    Unauthenticated, Forbidden.
    """
    operators.require_manager(viewer)
    user_name = staff.normal_user_name(new.user_name)
    name = staff.shown_text(new.name, most=staff.MAX_NAME_CHARACTERS, field="name")
    office = staff.shown_text(new.office, most=staff.MAX_OFFICE_CHARACTERS, field="office")
    rules.check_roles(new.roles, new.scope, giver=viewer)
    index = seals.national_code_index(_national_code(new.national_code), sealing.current())
    phone = _mobile(new.phone)
    at = clock.now()
    async with db.transaction():
        operator_id = await repository.insert_operator(
            user_name=user_name,
            name=name,
            office=office,
            state=OperatorState.REQUESTED,
            roles=new.roles,
            scope=new.scope,
            national_code_index=index,
            created_by=viewer.actor,
            at=at,
        )
        if operator_id is None:
            raise UserNameTaken(field=("userName",))
        await repository.save_phone(operator_id, operator_phones.seal(operator_id, phone))
        operator, _ = await operators.locked(operator_id)
        approval = await _ask(
            viewer,
            CREATE,
            operator,
            reason=reason,
            payload={},
            before={},
            after=_in_state(operator, OperatorState.INVITED),
        )
    return operator, approval


async def ask_for_roles(
    *,
    viewer: Viewer,
    operator_id: int,
    roles: frozenset[Role],
    scope: Scope,
    office: str | None,
    reason: str,
) -> tuple[Operator, Approval]:
    """Ask for other roles, another scope or office of an account.

    Raises as `ask_for_operator`, and NotFound, OwnAccount, OperatorStateRefuses, LastAdministrator,
    ApprovalAlreadyAsked.
    """
    operators.require_manager(viewer)
    rules.check_roles(roles, scope, giver=viewer)
    async with db.transaction():
        operator = await operators.locked_for(
            viewer, operator_id, {OperatorState.ACTIVE, OperatorState.INVITED}
        )
        await operators.keep_administrator(operator, roles=roles, scope=scope)
        shown = (
            operator.office
            if office is None
            else staff.shown_text(office, most=staff.MAX_OFFICE_CHARACTERS, field="office")
        )
        payload = {"roles": sorted(roles), "scope": rules.shown_scope(scope), "office": shown}
        approval = await _ask(
            viewer,
            ROLES,
            operator,
            reason=reason,
            payload=payload,
            before=rules.shown(operator),
            after=payload,
        )
    return operator, approval


async def ask_for_resumption(
    *, viewer: Viewer, operator_id: int, reason: str
) -> tuple[Operator, Approval]:
    """Ask that a suspended operator may sign in again. Raises as `ask_for_roles`."""
    operators.require_manager(viewer)
    async with db.transaction():
        operator = await operators.locked_for(viewer, operator_id, {OperatorState.SUSPENDED})
        approval = await _ask(
            viewer,
            RESUME,
            operator,
            reason=reason,
            payload={},
            before=rules.shown(operator),
            after=_in_state(operator, OperatorState.ACTIVE),
        )
    return operator, approval


async def ask_for_reset(
    *, viewer: Viewer, operator_id: int, reason: str
) -> tuple[Operator, Approval]:
    """Ask for a new invitation of somebody who lost what is signed in by. Raises as `ask_for_roles`."""
    operators.require_manager(viewer)
    async with db.transaction():
        operator = await operators.locked_for(
            viewer, operator_id, {OperatorState.ACTIVE, OperatorState.INVITED}
        )
        await operators.keep_administrator(operator, roles=frozenset(), scope=operator.scope)
        approval = await _ask(
            viewer,
            RESET,
            operator,
            reason=reason,
            payload={},
            before=rules.shown(operator),
            after=_in_state(operator, OperatorState.INVITED),
        )
    return operator, approval


def _in_state(operator: Operator, state: OperatorState) -> dict[str, object]:
    """What the account will be."""
    return {**rules.shown(operator), "state": state}


async def _ask(
    viewer: Viewer,
    kind: str,
    operator: Operator,
    *,
    reason: str,
    payload: Mapping[str, object],
    before: Mapping[str, object],
    after: Mapping[str, object],
) -> Approval:
    codes = operator.scope.province_codes
    return await approvals.ask(
        viewer=viewer,
        kind=kind,
        object_type=operators.OBJECT,
        object_id=str(operator.id),
        member_id=None,
        payload=payload,
        before=before,
        after=after,
        money_effect_rials=None,
        reason=reason,
        approve_permission=Permission.OPERATORS_APPROVE,
        fingerprint=rules.fingerprint_of(operator, phone=operator_phones.index_of(operator)),
        province_code=next(iter(codes)) if len(codes) == 1 else None,
        association_id=operator.scope.association_id,
        expires_in=DECIDED_WITHIN,
        not_before=None,
    )


def _national_code(typed: str) -> str:
    try:
        return identifiers.normalize_national_code(typed)
    except identifiers.InvalidNationalCode as error:
        raise identifiers.InvalidNationalCode(field=("nationalCode",)) from error


def _mobile(typed: str) -> str:
    try:
        return identifiers.normalize_mobile(typed)
    except identifiers.InvalidMobile as error:
        raise identifiers.InvalidMobile(field=("phone",)) from error
