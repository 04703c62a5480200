"""What gives rights to an operator is asked for by one and granted by another (`backend/approvals/`).

A new account, other roles or another scope, the end of a suspension, a reset of lost secrets; `operator_executors`
does what was granted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from backend.access import operator_numbers, operator_phones, operators, persons, staff
from backend.access import operator_rules as rules
from backend.access import repository_operators as repository
from backend.access.persons import Person
from backend.access.staff import Operator, OperatorState
from backend.access.staff_refusals import (
    AccountNotMade,
    PersonHasAccount,
    UserNameTaken,
)
from backend.approvals import service as approvals
from backend.approvals.domain import Approval
from backend.core import clock
from backend.core.permissions import Permission, Role
from backend.core.viewer import Scope, Viewer
from backend.infra import db, jobs
from backend.organization import service as organization

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
    RolesConflict, ScopeTooWide, UnknownProvince, UnknownAssociation, InvalidNationalCode, InvalidMobile,
    PhoneOfAnother, ReasonInvalid, ReauthenticationNeeded, Unauthenticated, Forbidden, and Unavailable where nobody can
    tell whose the number is.
    """
    operators.require_manager(viewer)
    user_name = staff.normal_user_name(new.user_name)
    name = staff.shown_text(new.name, most=staff.MAX_NAME_CHARACTERS, field="name")
    office = staff.shown_text(new.office, most=staff.MAX_OFFICE_CHARACTERS, field="office")
    rules.check_roles(new.roles, new.scope, giver=viewer)
    await _check_known(new.scope)
    person = persons.person(national_code=new.national_code, phone=new.phone)
    await persons.require_own_phone(person)
    async with db.transaction():
        operator_id = await repository.insert_operator(
            user_name=user_name,
            name=name,
            office=office,
            state=OperatorState.REQUESTED,
            roles=new.roles,
            scope=new.scope,
            national_code_index=person.national_code_index,
            created_by=viewer.actor,
            at=clock.now(),
        )
        if operator_id is None:
            raise await _taken(viewer, person)
        await repository.save_phone(operator_id, operator_phones.seal(operator_id, person.phone))
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
    await _check_known(scope)
    async with db.transaction():
        operator = await _locked_for(
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
            wanted=scope,
        )
    return operator, approval


async def ask_for_resumption(
    *, viewer: Viewer, operator_id: int, reason: str
) -> tuple[Operator, Approval]:
    """Ask that a suspended operator may sign in again. Raises as `ask_for_roles`."""
    operators.require_manager(viewer)
    async with db.transaction():
        operator = await _locked_for(viewer, operator_id, {OperatorState.SUSPENDED})
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
    *,
    viewer: Viewer,
    operator_id: int,
    reason: str,
    phone: str | None = None,
    national_code: str | None = None,
) -> tuple[Operator, Approval]:
    """Ask for a new invitation of somebody who lost what is signed in by, to another number where that is lost, too.

    The number has to be in the name of the account's holder, whose national code is given with it. The number until
    now is told, and nobody can grant before that was tried. Who asks and who grants count as makers of the account from
    then on. Raises as `ask_for_roles`, and PersonNotHolder, InvalidNationalCode, InvalidMobile, PhoneOfAnother, and
    Unavailable.
    """
    operators.require_manager(viewer)
    new_phone = None
    if phone is not None:
        person = persons.person(national_code=national_code or "", phone=phone)
        await operator_numbers.require_holder(viewer, operator_id, person)
        new_phone = person.phone
    async with db.transaction():
        operator = await _locked_for(
            viewer, operator_id, {OperatorState.ACTIVE, OperatorState.INVITED}
        )
        await operators.keep_administrator(operator, roles=frozenset(), scope=operator.scope)
        approval = await _ask(
            viewer,
            RESET,
            operator,
            reason=reason,
            payload={} if new_phone is None else {"phone": new_phone},
            before=operator_numbers.with_present(rules.shown(operator), operator, new_phone),
            after=operator_numbers.with_new(_in_state(operator, OperatorState.INVITED), new_phone),
            new_phone=new_phone,
        )
        if new_phone is not None and operator.phone is not None:
            job = {"operator_id": operator.id, "approval_id": approval.id}
            await jobs.enqueue(operator_numbers.TELL_JOB, job)
    return operator, approval


async def _locked_for(
    viewer: Viewer, operator_id: int, states: Iterable[OperatorState]
) -> Operator:
    """As `operators.locked_for`; the own account is locked with it, in one order, for `approvals.ask` holds it, too."""
    own_id = staff.operator_id_of(viewer.actor)
    await repository.lock_in_order({operator_id} if own_id is None else {operator_id, own_id})
    return await operators.locked_for(viewer, operator_id, states)


async def _check_known(scope: Scope) -> None:
    key = scope.association_id
    rules.check_known(
        scope,
        provinces=[each.code for each in await organization.list_provinces()],
        associations=() if key is None else await organization.associations_by_id([key]),
    )


async def _taken(viewer: Viewer, person: Person) -> UserNameTaken:
    """Why there is no account: whether a person has one anywhere is told to administrators of the nation alone."""
    if not viewer.scope.nation:
        return AccountNotMade(field=("userName",))
    if await repository.has_account(person.national_code_index):
        return PersonHasAccount(field=("nationalCode",))
    return UserNameTaken(field=("userName",))


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
    wanted: Scope | None = None,
    new_phone: str | None = None,
) -> Approval:
    """Ask for a change of an account; who decides sees its scope, and the one that is `wanted`."""
    province_code, association_id = rules.place_of(operator.scope, wanted or operator.scope)
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
        fingerprint=rules.fingerprint_of(
            operator,
            phone=operator_phones.index_of(operator),
            new_phone="" if new_phone is None else operator_phones.index(new_phone),
        ),
        province_code=province_code,
        association_id=association_id,
        expires_in=DECIDED_WITHIN,
        not_before=None,
        must_tell=None if new_phone is None else operator_numbers.must_tell(operator),
    )
