"""What the seed asks before it writes."""

from backend.infra import db


async def count_foreign_places(code_prefix: str) -> int:
    """How many places have a code that does not begin with the seed's prefix."""
    row = await db.fetch_one(
        "SELECT count(*) AS places FROM store WHERE NOT starts_with(code, $1)", code_prefix
    )
    return 0 if row is None else int(row["places"])


async def list_store_ids() -> dict[tuple[str, str], list[int]]:
    """The open stores by province and city, each list in the order of their codes."""
    rows = await db.fetch(
        "SELECT province_code, city, array_agg(id ORDER BY code) AS ids FROM store"
        " WHERE kind = 'STORE' AND state = 'ACTIVE' GROUP BY province_code, city ORDER BY province_code, city"
    )
    return {(row["province_code"], row["city"]): row["ids"] for row in rows}
