"""Sealing anew, by the current key, what former keys have sealed of settlements."""

from typing import Final

from backend.core.viewer import Viewer
from backend.infra import resealing
from backend.infra.resealing import Renewed, SealedColumn
from backend.stores import settlement_seals

RENEW: Final = "stores.seals.renew"
_CODE: Final = "(SELECT code FROM store WHERE id = t.store_id)"
_COLUMNS: Final = tuple(
    SealedColumn("store_settlement", name, f"'{context}:' || {_CODE}")
    for name, context in (("iban", settlement_seals.IBAN), ("contract", settlement_seals.CONTRACT))
)


async def renew_seals(*, viewer: Viewer) -> Renewed:
    """Seal IBANs and contract numbers by the current key, while stores are saved; gives how many values.

    Raises Unauthenticated, Forbidden.
    """
    viewer.require(RENEW)
    total = Renewed()
    for column in _COLUMNS:
        total += await resealing.renew(column)
    return total
