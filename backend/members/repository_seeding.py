"""What the seed asks of the table of members, and what it writes there."""

from collections.abc import Sequence

from backend.infra import db

# The database draws `club_secret`: it must not follow from a seed.
COLUMNS = (
    "id", "national_code_sealed", "national_code_key_id", "national_code_index", "first_name", "last_name",
    "name_sort_key", "birth_date", "pension_number", "pension_kind", "state", "province_code", "city",
    "branch_code", "association_code", "net_pension_rials", "other_deductions_rials", "iban_sealed",
    "iban_key_id", "iban_index", "phone", "locale", "text_size",
)  # fmt: skip


async def count_foreign(prefix: str) -> int:
    """How many members have a pension number that does not begin with the seed's prefix."""
    row = await db.fetch_one(
        "SELECT count(*) AS members FROM member WHERE NOT starts_with(pension_number, $1)", prefix
    )
    return 0 if row is None else int(row["members"])


async def count_members() -> int:
    """How many members there are."""
    row = await db.fetch_one("SELECT count(*) AS members FROM member")
    return 0 if row is None else int(row["members"])


async def are_there(*, pension_numbers: Sequence[str], indexes: Sequence[bytes]) -> bool:
    """Whether there are members with these pairs of pension number and blind index."""
    row = await db.fetch_one(
        """
        SELECT bool_and(EXISTS (SELECT FROM member m WHERE m.pension_number = w.pension_number
                                   AND m.national_code_index = w.index)) AS found
          FROM unnest($1::text[], $2::bytea[]) AS w (pension_number, index)
        """,
        list(pension_numbers),
        list(indexes),
    )
    return row is not None and bool(row["found"])
