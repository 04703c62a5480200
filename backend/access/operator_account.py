"""An operator's own account: what it may do, another password, other recovery codes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from backend.access import guesses, operator_sign_in, passwords, staff_sessions, totp
from backend.access import repository_operators as repository
from backend.access.staff import Operator, StaffEndReason
from backend.access.staff_refusals import CredentialsInvalid
from backend.audit import service as audit
from backend.core import clock
from backend.core.errors import Forbidden
from backend.core.permissions import Permission
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
        recovery_codes_left=await repository.count_recovery_codes(operator_id),
        reauthenticated_until=until if until is not None and until > clock.now() else None,
        break_glass_until=None if viewer.break_glass is None else viewer.break_glass.ends_at,
    )


async def change_password(
    *, viewer: Viewer, session_id: UUID | None, current: str, new: str
) -> None:
    """Set another password; every other session of the operator ends.

    Raises CredentialsInvalid where the current one is wrong, PasswordInvalid, RateLimited, Unavailable,
    Unauthenticated, Forbidden.
    """
    operator_id = own_id(viewer)
    tried = await guesses.begin(
        account=f"operator-again|{operator_id}",
        source=str(session_id),
        is_known=True,
        address=None,
    )
    operator, hashed = await _password_of(operator_id)
    if not await passwords.is_right(current, hashed):
        raise CredentialsInvalid(field=("currentPassword",))
    await guesses.was_right(tried)
    new_hash = await passwords.hash_of(passwords.check(new, user_name=operator.user_name))
    async with db.transaction():
        found = await repository.lock_operator(operator_id)
        if found is None or found[1].password_hash != hashed:
            raise CredentialsInvalid(field=("currentPassword",))
        await repository.save_password(operator_id, new_hash)
        await staff_sessions.end_all(
            viewer=viewer,
            bearer=Bearer.OPERATOR,
            holder_id=operator_id,
            reason=StaffEndReason.SECRET_CHANGED,
            but=session_id,
        )
        await _record(viewer, operator_id, "operator.new_passphrase")


async def renew_recovery_codes(*, viewer: Viewer) -> tuple[str, ...]:
    """New recovery codes, shown this once; the old ones are good for nothing.

    Raises ReauthenticationNeeded, Unauthenticated, Forbidden.
    """
    operator_id = own_id(viewer)
    viewer.require_recent()
    codes = totp.new_recovery_codes()
    async with db.transaction():
        await repository.lock_operator(operator_id)
        await repository.replace_recovery_codes(
            operator_id, [operator_sign_in.recovery_digest(each) for each in codes]
        )
        await _record(viewer, operator_id, "operator.new_recovery_codes")
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
        found = await repository.lock_operator(operator_id)
    if found is None:
        raise CredentialsInvalid
    return found[0], found[1].password_hash


async def _record(viewer: Viewer, operator_id: int, action: str) -> None:
    await audit.record(viewer=viewer, action=action, object_type=OBJECT, object_id=str(operator_id))
