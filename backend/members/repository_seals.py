"""Every query that takes what is sealed of members from one key to another."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.infra import db
from backend.infra.sealing import Sealed


@dataclass(frozen=True, slots=True)
class SealedNumbers:
    """What lies sealed in a member's row, and the index that names the row."""

    member_id: int
    index: bytes
    national_code: Sealed
    iban: Sealed | None


async def lock_outdated(*, current: str, after: int, limit: int) -> list[SealedNumbers]:
    """The next members, by id, of whom something is sealed by another key than the current one."""
    rows = await db.fetch(
        """
        SELECT id, national_code_index, national_code_sealed, national_code_key_id, iban_sealed, iban_key_id
          FROM member WHERE id > $2 AND (national_code_key_id <> $1 OR iban_key_id <> $1)
         ORDER BY id LIMIT $3 FOR UPDATE
        """,
        current,
        after,
        limit,
    )
    return [
        SealedNumbers(
            member_id=row["id"],
            index=row["national_code_index"],
            national_code=Sealed(row["national_code_sealed"], row["national_code_key_id"]),
            iban=None
            if row["iban_sealed"] is None
            else Sealed(row["iban_sealed"], row["iban_key_id"]),
        )
        for row in rows
    ]


async def save(renewed: Sequence[SealedNumbers]) -> None:
    """Write seals in the place of those before; nothing else of the members changes."""
    ibans = [each.iban for each in renewed]
    await db.execute(
        """
        UPDATE member m
           SET national_code_sealed = s.code, national_code_key_id = s.code_key, iban_sealed = s.iban,
               iban_key_id = s.iban_key
          FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::bytea[], $5::text[])
               AS s (id, code, code_key, iban, iban_key)
         WHERE m.id = s.id
        """,
        [each.member_id for each in renewed],
        [each.national_code.ciphertext for each in renewed],
        [each.national_code.key_id for each in renewed],
        [None if iban is None else iban.ciphertext for iban in ibans],
        [None if iban is None else iban.key_id for iban in ibans],
    )
