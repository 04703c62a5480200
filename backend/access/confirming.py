"""Who is signed in says again who it is: by a one-time password or a recovery code, never by a password alone.

Who has found a session open and knows the password has not the telephone: what such a one could do for ever, set other
recovery codes or another password, asks for the second factor in the same request.
"""

from uuid import UUID

from backend.access import guesses, operator_sign_in, passwords, staff_sessions
from backend.access import repository_operator_secrets as secrets_repository
from backend.access import repository_staff_sessions as sessions_repository
from backend.access.guesses import Try
from backend.access.repository_operator_secrets import Secrets
from backend.access.staff_refusals import CredentialsInvalid
from backend.audit import service as audit
from backend.core import clock
from backend.core.permissions import Permission
from backend.core.viewer import Viewer
from backend.infra import db


async def reauthenticate(
    *, viewer: Viewer, session_id: UUID | None, password: str | None, one_time_password: str | None
) -> None:
    """Let the operator's session do for five minutes what asks for `Viewer.require_recent`.

    By a one-time password or a recovery code; a password that is given with it has to be right, too. Raises
    CredentialsInvalid, RateLimited, Unauthenticated, Forbidden, and Unavailable.
    """
    viewer.require(Permission.OPERATOR_SELF)
    tried = await confirm(
        viewer=viewer,
        session_id=session_id,
        password=password,
        one_time_password=one_time_password,
    )
    assert session_id is not None  # noqa: S101 - `confirm` refuses without
    async with db.transaction():
        await sessions_repository.save_reauthenticated(session_id, at=clock.now())
        await _record(viewer, "operator.reauthenticated")
    await guesses.was_right(tried)


async def confirm(
    *, viewer: Viewer, session_id: UUID | None, password: str | None, one_time_password: str | None
) -> Try:
    """Spend a one-time password or a recovery code of the viewer's own; a password, where one is given, is right, too.

    Gives the try, for `guesses.was_right` once all is done. Nothing is spent where the password is wrong. Which of them
    was wrong is not told. Raises CredentialsInvalid, RateLimited, Unauthenticated, Forbidden, and Unavailable.
    """
    _, operator_id = staff_sessions.holder_of(viewer)
    if session_id is None:
        raise CredentialsInvalid
    tried = await guesses.begin(
        account=f"operator-again|{operator_id}",
        source=str(session_id),
        is_known=True,
        address=None,
    )
    if not await _is_right(operator_id, password, one_time_password):
        await _record(viewer, "operator.reauthentication_failed")
        raise CredentialsInvalid
    return tried


async def _is_right(operator_id: int, password: str | None, one_time_password: str | None) -> bool:
    if one_time_password is None:
        return False
    if password is not None:
        async with db.transaction():
            found = await secrets_repository.lock_operator(operator_id)
        hashed = None if found is None else found[1].password_hash
        if not await passwords.is_right(password, hashed):
            return False
    async with db.transaction():
        found = await secrets_repository.lock_operator(operator_id)
        return found is not None and await _is_spent(operator_id, found[1], one_time_password)


async def _is_spent(operator_id: int, secrets: Secrets, given: str) -> bool:
    """Whether it was right, and is good no more; the account is locked."""
    digest = operator_sign_in.recovery_digest_of(given)
    if digest is not None:
        return await secrets_repository.take_recovery_code(operator_id, digest, at=clock.now())
    step = operator_sign_in.step_of(operator_id, secrets.totp, given, secrets.totp_last_step)
    return step is not None and await secrets_repository.take_step(operator_id, step)


async def _record(viewer: Viewer, action: str) -> None:
    _, operator_id = staff_sessions.holder_of(viewer)
    await audit.record(
        viewer=viewer, action=action, object_type="Operator", object_id=str(operator_id)
    )
