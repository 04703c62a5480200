"""Every query on the bytes of imports: the parts of an uploaded file, and those of the reports."""

from dataclasses import dataclass, field

from backend.infra import db
from backend.infra.sealing import Sealed


@dataclass(frozen=True, slots=True)
class SealedPart:
    """Some bytes of a file as they are kept, and the digest of them unsealed."""

    size_bytes: int
    sha256: bytes
    sealed: Sealed = field(repr=False)


async def hold(import_id: int) -> None:
    """Keep an import in its state until the transaction ends; others may hold it too."""
    await db.execute("SELECT FROM file_import WHERE id = $1 FOR SHARE", import_id)


async def save_part(import_id: int, number: int, part: SealedPart) -> None:
    """Write a part, in the place of another content that it had; the same content again is left as it is."""
    await db.execute(
        """
        INSERT INTO file_import_part AS p (file_import_id, number, size_bytes, sha256, content_sealed, content_key_id)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (file_import_id, number) DO UPDATE
           SET size_bytes = excluded.size_bytes, sha256 = excluded.sha256,
               content_sealed = excluded.content_sealed, content_key_id = excluded.content_key_id
         WHERE p.sha256 <> excluded.sha256
        """,
        import_id,
        number,
        part.size_bytes,
        part.sha256,
        part.sealed.ciphertext,
        part.sealed.key_id,
    )


async def find_part(import_id: int, number: int) -> Sealed | None:
    """The sealed bytes of a part."""
    row = await db.fetch_one(
        "SELECT content_sealed, content_key_id FROM file_import_part"
        " WHERE file_import_id = $1 AND number = $2",
        import_id,
        number,
    )
    return None if row is None else Sealed(row["content_sealed"], row["content_key_id"])


async def list_missing_parts(import_id: int, *, count: int, limit: int) -> list[int]:
    """The first numbers below `count` of which nothing has come, in their order."""
    rows = await db.fetch(
        """
        SELECT n FROM generate_series(0, $2::int - 1) n
         WHERE NOT EXISTS (SELECT FROM file_import_part p WHERE p.file_import_id = $1 AND p.number = n)
         ORDER BY n LIMIT $3
        """,
        import_id,
        count,
        limit,
    )
    return [row["n"] for row in rows]


async def save_report_part(import_id: int, which: str, number: int, sealed: Sealed) -> None:
    """Write some bytes of a report."""
    await db.execute(
        "INSERT INTO file_import_report_part (file_import_id, which, number, content_sealed, content_key_id)"
        " VALUES ($1, $2, $3, $4, $5)",
        import_id,
        which,
        number,
        sealed.ciphertext,
        sealed.key_id,
    )


async def list_report_parts(import_id: int, which: str) -> list[int]:
    """The keys of a report's parts in their order; others once the report was written anew."""
    rows = await db.fetch(
        "SELECT id FROM file_import_report_part WHERE file_import_id = $1 AND which = $2 ORDER BY number",
        import_id,
        which,
    )
    return [row["id"] for row in rows]


async def find_report_part(part_id: int) -> Sealed | None:
    """The sealed bytes of a part of a report."""
    row = await db.fetch_one(
        "SELECT content_sealed, content_key_id FROM file_import_report_part WHERE id = $1", part_id
    )
    return None if row is None else Sealed(row["content_sealed"], row["content_key_id"])


async def delete_report(import_id: int, which: str) -> None:
    """Forget a report, before it is written anew."""
    await db.execute(
        "DELETE FROM file_import_report_part WHERE file_import_id = $1 AND which = $2",
        import_id,
        which,
    )
