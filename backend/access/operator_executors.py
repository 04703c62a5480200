"""What is done to operators' accounts once a second person has granted it; each inside the approval's transaction."""

from collections.abc import Iterable
from typing import Final

from backend.access import (
    acting_operators,
    operator_phones,
    operators,
    repository_break_glass,
    staff,
    staff_sessions,
    watchers,
)
from backend.access import operator_rules as rules
from backend.access import repository_operator_secrets as secrets_repository
from backend.access import repository_operators as repository
from backend.access.staff import Operator, OperatorState, StaffEndReason
from backend.access.staff_refusals import OperatorStateRefuses, ScopeTooWide
from backend.access.watchers import Act
from backend.approvals import disowning
from backend.approvals.domain import Approval, Execution
from backend.audit import service as audit
from backend.core import clock, permissions
from backend.core.permissions import Role
from backend.core.viewer import Scope
from backend.infra import jobs
from backend.infra.tokens import Bearer

INVITE_JOB: Final = "access.invite_operator"


async def create(execution: Execution) -> None:
    """Let an account that was asked for be set up by its owner; the executor of CREATE."""
    operator = await _of(execution, {OperatorState.REQUESTED})
    await repository.save_state(
        operator.id, OperatorState.INVITED, approved_by=execution.approval.granted_by
    )
    await _done(execution, "operator.create", operator, OperatorState.INVITED)
    await _tell(execution, operator, Act.MADE)
    await jobs.enqueue(INVITE_JOB, {"operator_id": operator.id})


async def create_dropped(approval: Approval) -> None:
    """Close an account that was not granted; its user name stays taken."""
    await repository.save_state(int(approval.object_id), OperatorState.REFUSED)


async def set_roles(execution: Execution) -> None:
    """Give other roles; the executor of ROLES. They hold from the operator's next request on."""
    operator = await _of(execution, {OperatorState.ACTIVE, OperatorState.INVITED})
    given = execution.payload
    roles = frozenset(map(Role, rules.texts(given["roles"])))
    scope = rules.scope_of(given["scope"])
    rules.check_conflict(roles)
    await _require_within(execution, operator.scope, scope)
    await operators.keep_administrator(operator, roles=roles, scope=scope)
    await repository.save_roles(operator.id, roles=roles, scope=scope, office=str(given["office"]))
    await disowning.disown(viewer=execution.viewer, actor=operator.actor, but=execution.approval.id)
    await _end_conflicting_emergency(execution, operator, roles)
    changed, _ = await operators.locked(operator.id)
    await audit.record(
        viewer=execution.viewer,
        action="operator.roles",
        object_type=operators.OBJECT,
        object_id=str(operator.id),
        before=rules.shown(operator),
        after=rules.shown(changed),
        reason=execution.approval.reason,
        province_code=execution.approval.province_code,
        association_id=execution.approval.association_id,
    )
    await _tell(execution, operator, Act.ROLES, given=roles)


async def resume(execution: Execution) -> None:
    """End a suspension; the executor of RESUME. Who had not set up the account yet is invited anew."""
    operator = await _of(execution, {OperatorState.SUSPENDED})
    _, secrets = await operators.locked(operator.id)
    is_set_up = secrets.password_hash is not None and secrets.totp is not None
    state = OperatorState.ACTIVE if is_set_up else OperatorState.INVITED
    await repository.save_state(operator.id, state)
    await _done(execution, "operator.resume", operator, state)
    await _tell(execution, operator, Act.RESUMED)
    if not is_set_up:
        await jobs.enqueue(INVITE_JOB, {"operator_id": operator.id})


async def reset(execution: Execution) -> None:
    """Take all secrets from an account and invite its owner anew, at another number where one was asked for; the
    executor of RESET.
    """
    operator = await _of(execution, {OperatorState.ACTIVE, OperatorState.INVITED})
    await operators.keep_administrator(operator, roles=frozenset(), scope=operator.scope)
    await repository.save_state(operator.id, OperatorState.INVITED)
    await secrets_repository.forget_secrets(operator.id)
    if (new_phone := _new_phone(execution)) is not None:
        await repository.save_phone(operator.id, operator_phones.seal(operator.id, new_phone))
        await repository.save_phone_makers(
            operator.id,
            asked_by=execution.approval.maker,
            granted_by=execution.approval.granted_by,
        )
    await disowning.disown(viewer=execution.viewer, actor=operator.actor, but=execution.approval.id)
    await staff_sessions.end_all(
        viewer=execution.viewer,
        bearer=Bearer.OPERATOR,
        holder_id=operator.id,
        reason=StaffEndReason.RESET,
    )
    await _done(execution, "operator.reset", operator, OperatorState.INVITED)
    await _tell(execution, operator, Act.RESET)
    await jobs.enqueue(INVITE_JOB, {"operator_id": operator.id})


async def _of(execution: Execution, states: Iterable[OperatorState]) -> Operator:
    """The account of an approval, locked and as it was approved. Raises ApprovalVoid, OperatorStateRefuses."""
    found = await secrets_repository.lock_operator(int(execution.approval.object_id))
    province_code, association_id = (None, None) if found is None else _place(execution, found[0])
    execution.require_unchanged(
        None if found is None else _fingerprint(execution, found[0]),
        province_code=province_code,
        association_id=association_id,
    )
    if found is None or found[0].state not in states:
        raise OperatorStateRefuses
    return found[0]


def _place(execution: Execution, operator: Operator) -> tuple[str | None, int | None]:
    """Where the approval lies by the account's present scope, and the one that is asked for."""
    wanted = execution.payload.get("scope")
    return rules.place_of(
        operator.scope, operator.scope if wanted is None else rules.scope_of(wanted)
    )


async def _require_within(execution: Execution, *scopes: Scope) -> None:
    """Raise ScopeTooWide where who asked or who granted does not see all of these scopes now."""
    for actor in (execution.approval.maker, execution.approval.granted_by):
        viewer = None if actor is None else await acting_operators.find_viewer(actor)
        if viewer is None or not all(viewer.scope.includes(each) for each in scopes):
            raise ScopeTooWide


async def _end_conflicting_emergency(
    execution: Execution, operator: Operator, roles: frozenset[Role]
) -> None:
    """End the operator's emergency where its role may not be joined with the new ones."""
    at = clock.now()
    running = await repository_break_glass.find_running(operator.id, at=at)
    if running is None or not permissions.conflict(roles | {running.role}):
        return
    await repository_break_glass.end_use(running.id, at=at)
    await audit.record(
        viewer=execution.viewer,
        action="break_glass.end",
        object_type=staff.BREAK_GLASS,
        object_id=str(running.id),
        reason=execution.approval.reason,
        province_code=execution.approval.province_code,
        association_id=execution.approval.association_id,
    )


async def _tell(
    execution: Execution, operator: Operator, act: Act, *, given: frozenset[Role] = frozenset()
) -> None:
    await watchers.tell(
        operator=operator, act=act, by=execution.approval.maker, at=clock.now(), given=given
    )


def _fingerprint(execution: Execution, operator: Operator) -> str:
    new_phone = _new_phone(execution)
    return rules.fingerprint_of(
        operator,
        phone=operator_phones.index_of(operator),
        new_phone="" if new_phone is None else operator_phones.index(new_phone),
    )


def _new_phone(execution: Execution) -> str | None:
    """The number (E.164) that a reset was asked with."""
    given = execution.payload.get("phone")
    return None if given is None else str(given)


async def _done(
    execution: Execution, action: str, operator: Operator, state: OperatorState
) -> None:
    await audit.record(
        viewer=execution.viewer,
        action=action,
        object_type=operators.OBJECT,
        object_id=str(operator.id),
        before={"state": operator.state},
        after={"state": state},
        reason=execution.approval.reason,
        province_code=execution.approval.province_code,
        association_id=execution.approval.association_id,
    )
