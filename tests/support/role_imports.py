"""Imports for the walk through all roles: of stores of Fars, one that is being uploaded and one that failed; of
members, one that failed with all that an import can have, and one that was imported before.
"""

from datetime import timedelta
from pathlib import Path

from backend.core import ids
from backend.core.ids import GlobalId
from backend.imports import uploads
from backend.infra import db
from tests.support.member_scene import NOON

FILE_NAME = "fars-1405.csv"
_COUNTS = (
    '{"rows": 40, "created": 1, "changed": 2, "unchanged": 3, "invalid": 4, "warnings": 5, "vanished": 6, "stopped": 7,'
    ' "deceased": 8, "renumbered": 9, "active_before": 50, "unknown_units": 10, "passed_over": 11, "deaths": 8,'
    ' "unpensioned": 1}'
)
_REPORT = "row,column,error_code,message,hint\r\n5,birth_date,DATE_INVALID,نادرست,درست\r\n"


async def made(folder: Path, *, actor: str, approval: str) -> str:
    """The global id of the stores' import; an operator has begun all of them, and the approval is of the members'."""
    uploading = await _insert(
        "kind, state, province_codes, expires_at", "'STORES', 'UPLOADING', '{IR-07}', $4", actor
    )
    approval_id = ids.decode(approval, expected="Approval").key
    full = "state, started_at, ended_at, error_code, error_text, error_hint, cancelled_by, unusual, counts, "
    failed = f"'FAILED', $4, $4, 'X', 'x', 'x', 'operator:999', '{{deactivated}}', '{_COUNTS}', "
    of_stores = await _insert(
        full + "kind, province_codes, dry_run", failed + "'STORES', '{IR-07}', true", actor
    )
    of_members = await _insert(
        full + "kind, month, rows_done, rows_expected, accepted_by, approval_id",
        failed + f"'MEMBERS', 140509, 80, 80, 'operator:999', {approval_id}",
        actor,
    )
    await _insert(
        "kind, state, month, started_at, ended_at, counts",
        f"'MEMBERS', 'DONE', 140509, $4, $4, '{_COUNTS}'::jsonb || '{{\"repeated\": 1}}'::jsonb",
        actor,
    )
    report = folder / "report.csv"
    report.write_text(_REPORT, encoding="utf-8-sig")
    for import_id in (of_stores, of_members):
        await uploads.save_report(import_id, "report", report)
    report.unlink()
    return GlobalId("FileImport", uploading).encode()


async def _insert(names: str, values: str, actor: str) -> int:
    row = await db.fetch_one(
        f"INSERT INTO file_import (actor, file_name, sha256, size_bytes, part_bytes, {names})"
        f" VALUES ($1, $2, $3, 10, 4194304, {values}) RETURNING id",
        actor,
        FILE_NAME,
        bytes(32),
        NOON + timedelta(hours=1),
    )
    assert row is not None
    return int(row["id"])
