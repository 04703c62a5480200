"""Sealing anew, by the current key, what former keys have sealed of uploaded files and of reports."""

from typing import Final

from backend.core.viewer import Viewer
from backend.imports import uploads
from backend.infra import resealing
from backend.infra.resealing import Renewed, SealedColumn

RENEW: Final = "imports.seals.renew"
_PLACE: Final = "t.file_import_id || ':'"
_COLUMNS: Final = (
    SealedColumn(
        "file_import_part", "content", f"'{uploads.PART}:' || {_PLACE} || t.number", rows_at_once=4
    ),
    SealedColumn(
        "file_import_report_part",
        "content",
        f"'{uploads.REPORT}:' || {_PLACE} || t.which || ':' || t.number",
        rows_at_once=16,
    ),
)


async def renew_seals(*, viewer: Viewer) -> Renewed:
    """Seal the parts of files and reports by the current key, while they come and go; gives how many parts.

    Raises Unauthenticated, Forbidden.
    """
    viewer.require(RENEW)
    total = Renewed()
    for column in _COLUMNS:
        total += await resealing.renew(column)
    return total
