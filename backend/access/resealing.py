"""Sealing anew, by the current key, what former keys have sealed of operators: only then can a key be retired."""

from backend.access import operator_phones, operator_sign_in
from backend.access import repository_operators as repository
from backend.core.permissions import Permission
from backend.core.viewer import Viewer
from backend.infra import db, sealing

AT_ONCE = 500


async def renew_seals(*, viewer: Viewer) -> int:
    """Seal operators' TOTP secrets and phones by the current key; gives how many operators were changed.

    Safe while operators sign in; interrupted, it is simply run again. Raises SealBroken, Unauthenticated, Forbidden.
    """
    viewer.require(Permission.OPERATORS_MANAGE)
    current, renewed = sealing.current().current_key_id, 0
    while operator_ids := await repository.list_outdated(current=current, limit=AT_ONCE):
        for operator_id in operator_ids:
            await _renew(operator_id)
        renewed += len(operator_ids)
    return renewed


async def _renew(operator_id: int) -> None:
    async with db.transaction():
        found = await repository.lock_operator(operator_id)
        assert found is not None  # noqa: S101 - an account is never deleted
        operator, secrets = found
        if secrets.totp is not None:
            secret = operator_sign_in.totp_secret(operator_id, secrets.totp)
            await repository.save_totp(operator_id, operator_sign_in.seal_totp(operator_id, secret))
        if operator.phone is not None:
            phone = operator_phones.unseal(operator_id, operator.phone)
            await repository.save_phone(operator_id, operator_phones.seal(operator_id, phone))
