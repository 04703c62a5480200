"""What the seed writes of the trail: reads of members' files by staff, by COPY."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.infra import db

TABLES = ("file_read",)

_COLUMNS = ("created_at", "member_id", "reader_role", "reader_office", "actor", "purpose")


@dataclass(frozen=True, slots=True)
class SeedFileRead:
    """A read to be written; its texts hold no tab, line feed or backslash."""

    created_at: datetime
    member_id: int
    reader_role: str
    reader_office: str
    actor: str
    purpose: str


def rows_of(reads: Sequence[SeedFileRead]) -> bytes:
    """The reads as COPY text."""
    return "".join(
        [
            f"{each.created_at}\t{each.member_id}\t{each.reader_role}\t{each.reader_office}\t"
            f"{each.actor}\t{each.purpose}\n"
            for each in reads
        ]
    ).encode()


async def copy_file_reads(connection: db.RawConnection, rows: bytes) -> None:
    """Write what `rows_of` gave."""
    await connection.copy_to_table(
        "file_read", columns=_COLUMNS, source=io.BytesIO(rows), format="text"
    )
