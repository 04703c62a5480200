"""An operator's own account: what it may do, another password, other recovery codes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from backend.access import (
    confirming,
    guesses,
    operator_sign_in,
    passwords,
    staff_sessions,
    totp,
)
from backend.access import repository_operator_secrets as secrets_repository
from backend.access import repository_operators as repository
from backend.access.staff import Operator, StaffEndReason
from backend.access.staff_refusals import CredentialsInvalid
from backend.audit import service as audit
from backend.core import clock
from backend.core.errors import Forbidden
from backend.core.permissions import Permission, Role
from backend.core.viewer import REAUTHENTICATED_FOR, ActorKind, Scope, Viewer
from backend.infra import db
from backend.infra.tokens import Bearer

OBJECT = "Operator"


@dataclass(frozen=True, slots=True)
class OwnOperator:
    """The operator who asks; `reauthenticated_until` is None where money and roles ask for it anew."""

    operator: Operator
    permissions: tuple[str, ...]
    recovery_codes_left: int
    reauthenticated_until: datetime | None
    break_glass_until: datetime | None
    break_glass_role: Role | None


async def own_account(*, viewer: Viewer) -> OwnOperator:
    """The account of who asks. Raises Unauthenticated, Forbidden."""
    operator_id = own_id(viewer)
    operator = await repository.find_operator(operator_id, scope=Scope(nation=True))
    if operator is None:
        raise Forbidden(Permission.OPERATOR_SELF)
    until = viewer.reauthenticated_at and viewer.reauthenticated_at + REAUTHENTICATED_FOR
    return OwnOperator(
        operator=operator,
        permissions=tuple(sorted(viewer.permissions)),
        recovery_codes_left=await secrets_repository.count_recovery_codes(operator_id),
        reauthenticated_until=until if until is not None and until > clock.now() else None,
        break_glass_until=None if viewer.break_glass is None else viewer.break_glass.ends_at,
        break_glass_role=None if viewer.break_glass is None else viewer.break_glass.role,
    )


async def change_password(
    *,
    viewer: Viewer,
    session_id: UUID | None,
    current: str,
    new: str,
    one_time_password: str | None,
) -> None:
    """Set another password; every other session of the operator ends.

    Raises PasswordInvalid, and CredentialsInvalid where the current one, or the one-time password or recovery code, is
    wrong, RateLimited, Unavailable, Unauthenticated, Forbidden.
    """
    operator_id = own_id(viewer)
    operator, hashed = await _password_of(operator_id)
    passwords.check(new, user_name=operator.user_name)
    tried = await confirming.confirm(
        viewer=viewer, session_id=session_id, password=current, one_time_password=one_time_password
    )
    new_hash = await passwords.hash_of(new)
    async with db.transaction():
        found = await secrets_repository.lock_operator(operator_id)
        if found is None or found[1].password_hash != hashed:
            raise CredentialsInvalid
        await secrets_repository.save_password(operator_id, new_hash)
        await staff_sessions.end_all(
            viewer=viewer,
            bearer=Bearer.OPERATOR,
            holder_id=operator_id,
            reason=StaffEndReason.SECRET_CHANGED,
            but=session_id,
        )
        await _record(viewer, operator_id, "operator.new_passphrase")
    await guesses.was_right(tried)


async def renew_recovery_codes(
    *, viewer: Viewer, session_id: UUID | None, one_time_password: str | None
) -> tuple[str, ...]:
    """New recovery codes, shown this once; the old ones are good for nothing.

    Raises CredentialsInvalid where the one-time password or recovery code is wrong, RateLimited, Unavailable,
    Unauthenticated, Forbidden.
    """
    operator_id = own_id(viewer)
    tried = await confirming.confirm(
        viewer=viewer, session_id=session_id, password=None, one_time_password=one_time_password
    )
    codes = totp.new_recovery_codes()
    async with db.transaction():
        await secrets_repository.lock_operator(operator_id)
        await secrets_repository.replace_recovery_codes(
            operator_id, [operator_sign_in.recovery_digest(each) for each in codes]
        )
        await _record(viewer, operator_id, "operator.new_recovery_codes")
    await guesses.was_right(tried)
    return codes


def own_id(viewer: Viewer) -> int:
    """The id of the operator who asks. Raises Unauthenticated, Forbidden."""
    viewer.require(Permission.OPERATOR_SELF)
    if viewer.kind is not ActorKind.OPERATOR:
        raise Forbidden(Permission.OPERATOR_SELF)
    _, operator_id = staff_sessions.holder_of(viewer)
    return operator_id


async def _password_of(operator_id: int) -> tuple[Operator, str | None]:
    async with db.transaction():
        found = await secrets_repository.lock_operator(operator_id)
    if found is None:
        raise CredentialsInvalid
    return found[0], found[1].password_hash


async def _record(viewer: Viewer, operator_id: int, action: str) -> None:
    await audit.record(viewer=viewer, action=action, object_type=OBJECT, object_id=str(operator_id))
