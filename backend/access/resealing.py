"""Sealing anew, by the current key, what former keys have sealed of operators and devices: only then can a key go."""

from typing import Final

from backend.access import devices, operator_phones, operator_sign_in
from backend.access import repository_operator_secrets as secrets_repository
from backend.access import repository_operators as repository
from backend.core.permissions import Permission
from backend.core.viewer import Viewer
from backend.infra import db, resealing, sealing
from backend.infra.resealing import Renewed, SealedColumn

AT_ONCE = 500
RENEW: Final = "access.seals.renew"
_PUSH_TOKEN: Final = SealedColumn("device", "push_token", f"'{devices.PUSH_TOKEN}'")


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


async def renew_push_tokens(*, viewer: Viewer) -> Renewed:
    """Seal what devices are reached by anew, by the current key, while they register.

    Raises Unauthenticated, Forbidden.
    """
    viewer.require(RENEW)
    return await resealing.renew(_PUSH_TOKEN)


async def _renew(operator_id: int) -> None:
    async with db.transaction():
        found = await secrets_repository.lock_operator(operator_id)
        assert found is not None  # noqa: S101 - an account is never deleted
        operator, secrets = found
        if secrets.totp is not None:
            secret = operator_sign_in.totp_secret(operator_id, secrets.totp)
            await secrets_repository.save_totp(
                operator_id, operator_sign_in.seal_totp(operator_id, secret)
            )
        if operator.phone is not None:
            phone = operator_phones.unseal(operator_id, operator.phone)
            await repository.save_phone(operator_id, operator_phones.seal(operator_id, phone))
