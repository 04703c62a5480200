"""Sealing anew what open approvals are executed with; those that are closed have forgotten it."""

from typing import Final

from backend.approvals import payloads
from backend.core.viewer import Viewer
from backend.infra import resealing
from backend.infra.resealing import Renewed, SealedColumn

RENEW: Final = "approvals.seals.renew"
_PAYLOAD: Final = SealedColumn("approval", "payload", f"'{payloads.CONTEXT}:' || t.digest")


async def renew_seals(*, viewer: Viewer) -> Renewed:
    """Seal the payloads by the current key, while approvals are asked for, granted and executed.

    Raises Unauthenticated, Forbidden.
    """
    viewer.require(RENEW)
    return await resealing.renew(_PAYLOAD)
