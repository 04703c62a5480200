"""What the seed writes of notices: rows by COPY."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backend.infra import db
from backend.notifications.domain import NoticeCategory

TABLES = ("notice",)

_COLUMNS = ("created_at", "member_id", "category", "title", "body", "deep_link", "read_at")
_NULL = "\\N"


@dataclass(frozen=True, slots=True)
class SeedNotice:
    """A notice to be written; its texts hold no tab, line feed or backslash."""

    created_at: datetime
    member_id: int
    category: NoticeCategory
    title: str
    body: str
    deep_link: str | None
    read_at: datetime | None


def rows_of(notices: Sequence[SeedNotice]) -> bytes:
    """The notices as COPY text."""
    return "".join(
        [
            f"{each.created_at}\t{each.member_id}\t{each.category}\t{each.title}\t{each.body}\t"
            f"{each.deep_link or _NULL}\t{each.read_at or _NULL}\n"
            for each in notices
        ]
    ).encode()


async def copy_notices(connection: db.RawConnection, rows: bytes) -> None:
    """Write what `rows_of` gave."""
    await connection.copy_to_table(
        "notice", columns=_COLUMNS, source=io.BytesIO(rows), format="text"
    )
