"""Operators' accounts: listed, suspended, unlocked. What takes rights away is done at once, by one.

What gives rights is in `operator_requests`.
"""

from collections.abc import Iterable
from typing import Final

from backend.access import guesses, staff_sessions, watchers
from backend.access import repository_operator_secrets as secrets_repository
from backend.access import repository_operators as repository
from backend.access.repository_operator_secrets import Secrets
from backend.access.staff import Operator, OperatorState, StaffEndReason
from backend.access.staff_refusals import LastAdministrator, OperatorStateRefuses, OwnAccount
from backend.access.watchers import Act
from backend.approvals import disowning
from backend.audit import service as audit
from backend.core import clock, paging
from backend.core.errors import NotFound
from backend.core.paging import Page
from backend.core.permissions import Permission, Role
from backend.core.viewer import Scope, Viewer
from backend.infra import db
from backend.infra.tokens import Bearer

OBJECT: Final = "Operator"
MAX_SEARCH_CHARACTERS: Final = 80


async def list_operators(
    *, viewer: Viewer, first: int, after: str | None, search: str | None, role: Role | None
) -> Page[Operator]:
    """The accounts of the viewer's scope in the order they were made; `search` is in the name, or begins the user name.

    Raises Unauthenticated, Forbidden, PageSizeInvalid, InvalidCursor.
    """
    viewer.require(Permission.OPERATORS_READ)
    paging.check_first(first)
    wanted = None if search is None else search.strip()[:MAX_SEARCH_CHARACTERS] or None
    question = paging.fingerprint(list="operators", search=wanted, role=role, scope=viewer.scope)
    key = None if after is None else paging.decode_cursor(after, question, types=(int,))
    found = await repository.list_operators(
        scope=viewer.scope,
        search=wanted,
        role=role,
        after=None if key is None else int(key[0]),
        limit=first + 1,
    )
    shown = found[:first]
    return Page(
        items=tuple(shown),
        cursors=tuple(paging.encode_cursor(question, (each.id,)) for each in shown),
        has_next=len(found) > first,
    )


async def find_operator(*, viewer: Viewer, operator_id: int) -> Operator | None:
    """An account of the viewer's scope. Raises Unauthenticated, Forbidden."""
    viewer.require(Permission.OPERATORS_READ)
    return await repository.find_operator(operator_id, scope=viewer.scope)


async def suspend(*, viewer: Viewer, operator_id: int, reason: str) -> Operator:
    """Let nobody sign in with an account, and end its sessions, at once; repeated, it changes nothing.

    What the account has asked for is withdrawn, and what it granted and is not done yet waits for somebody else.

    Raises NotFound, OwnAccount, OperatorStateRefuses, LastAdministrator, ReasonInvalid, ReauthenticationNeeded,
    Unauthenticated, Forbidden.
    """
    require_manager(viewer)
    async with db.transaction():
        operator = await locked_for(
            viewer,
            operator_id,
            {OperatorState.ACTIVE, OperatorState.INVITED, OperatorState.SUSPENDED},
        )
        if operator.state is OperatorState.SUSPENDED:
            return operator
        await keep_administrator(operator, roles=frozenset(), scope=operator.scope)
        await repository.save_state(operator_id, OperatorState.SUSPENDED)
        if (
            operator.state is OperatorState.INVITED
        ):  # half set up, perhaps by who has the invitation
            await secrets_repository.forget_secrets(operator_id)
        await disowning.disown(viewer=viewer, actor=operator.actor)
        await staff_sessions.end_all(
            viewer=viewer,
            bearer=Bearer.OPERATOR,
            holder_id=operator_id,
            reason=StaffEndReason.SUSPENDED,
        )
        await audit.record(
            viewer=viewer,
            action="operator.suspend",
            object_type=OBJECT,
            object_id=str(operator_id),
            before={"state": operator.state},
            after={"state": OperatorState.SUSPENDED},
            reason=reason,
        )
        await watchers.tell(operator=operator, act=Act.SUSPENDED, by=viewer.actor, at=clock.now())
        suspended, _ = await locked(operator_id)
    return suspended


async def unlock(*, viewer: Viewer, operator_id: int, reason: str) -> Operator:
    """Forget the tries that strangers have made at an account, so that its owner need not wait for them.

    Recorded before it is done, for a cache that is away leaves nothing to undo: it is asked for again.

    Raises NotFound, ReasonInvalid, ReauthenticationNeeded, Unauthenticated, Forbidden, and Unavailable.
    """
    require_manager(viewer)
    operator = await repository.find_operator(operator_id, scope=viewer.scope)
    if operator is None:
        raise NotFound(field=("operatorId",))
    await audit.record(
        viewer=viewer,
        action="operator.unlock",
        object_type=OBJECT,
        object_id=str(operator_id),
        reason=reason,
    )
    await guesses.forgive(account=f"operator|{operator.user_name}")
    return operator


def require_manager(viewer: Viewer) -> None:
    """Raise Unauthenticated, Forbidden or ReauthenticationNeeded."""
    viewer.require(Permission.OPERATORS_MANAGE)
    viewer.require_recent()


async def locked(operator_id: int) -> tuple[Operator, Secrets]:
    """The account and its secrets, locked until the transaction ends. Raises NotFound."""
    found = await secrets_repository.lock_operator(operator_id)
    if found is None:
        raise NotFound(field=("operatorId",))
    return found


async def locked_for(viewer: Viewer, operator_id: int, states: Iterable[OperatorState]) -> Operator:
    """The account, locked. Raises NotFound where it is out of scope, OwnAccount, OperatorStateRefuses."""
    operator, _ = await locked(operator_id)
    if not viewer.scope.includes(operator.scope):
        raise NotFound(field=("operatorId",))
    if operator.actor == viewer.actor:
        raise OwnAccount
    if operator.state not in states:
        raise OperatorStateRefuses
    return operator


async def keep_administrator(operator: Operator, *, roles: frozenset[Role], scope: Scope) -> None:
    """Raise LastAdministrator where the account is the last that gives rights, and would not be one any more."""
    await repository.hold_administrators()
    if Role.ADMINISTRATOR in roles and scope.nation:
        return
    is_one = operator.state is OperatorState.ACTIVE and Role.ADMINISTRATOR in operator.roles
    if is_one and not await repository.count_administrators(but=operator.id):
        raise LastAdministrator
