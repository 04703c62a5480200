"""Categories written: what an import of the reference data and the seed do."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.infra import db
from backend.stores import repository_drafts

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


async def renew_search_documents(category_codes: Sequence[str]) -> None:
    """Make the search documents of all places of these categories anew, by the categories' names of now.

    Locks the places in the order of their codes, as `repository_drafts.lock_places` does.
    """
    last_code = ""
    while rows := await db.fetch(
        """
        SELECT s.id, s.code, s.name, c.name_fa, c.name_en, s.city, s.address
          FROM store s JOIN store_category c ON c.id = s.category_id
         WHERE c.code = ANY($1::text[]) AND s.code > $2
         ORDER BY s.code LIMIT $3 FOR UPDATE OF s
        """,
        list(category_codes),
        last_code,
        BATCH,
    ):
        await db.execute(
            """
            UPDATE store s SET search_document = d.search_document
              FROM unnest($1::bigint[], $2::text[]) AS d (id, search_document)
             WHERE s.id = d.id AND s.search_document <> d.search_document
            """,
            [row["id"] for row in rows],
            [
                repository_drafts.search_document(
                    name=row["name"],
                    category_names=(row["name_fa"], row["name_en"]),
                    city=row["city"],
                    address=row["address"],
                )
                for row in rows
            ],
        )
        last_code = rows[-1]["code"]
