"""Categories written: what an import of the reference data and the seed do."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.infra import db
from backend.stores import repository_derived

BATCH = 500


@dataclass(frozen=True, slots=True)
class CategoryRow:
    """A category as it is stored, but for its id."""

    code: str
    name_fa: str
    name_en: str
    sort_order: int


async def save_categories(categories: Sequence[CategoryRow]) -> int:
    """Insert or update categories by code; gives how many rows were written, 0 where all were so."""
    tag = await db.execute(
        """
        INSERT INTO store_category AS c (code, name_fa, name_en, sort_order)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::smallint[])
        ON CONFLICT (code) DO UPDATE
           SET name_fa = excluded.name_fa, name_en = excluded.name_en, sort_order = excluded.sort_order
         WHERE (c.name_fa, c.name_en, c.sort_order)
               IS DISTINCT FROM (excluded.name_fa, excluded.name_en, excluded.sort_order)
        """,
        [category.code for category in categories],
        [category.name_fa for category in categories],
        [category.name_en for category in categories],
        [category.sort_order for category in categories],
    )
    return int(tag.rsplit(maxsplit=1)[1])


async def renew_derived_columns(category_codes: Sequence[str]) -> None:
    """Make anew what the places of these categories are found by, by the categories' names of now."""
    last_code = ""
    while renewed := await repository_derived.renew_after(
        last_code, limit=BATCH, category_codes=category_codes
    ):
        last_code = renewed.last_code
