"""The columns by which places are found and ordered: `core.text` makes them of the columns that are shown.

They are written with a place, and made anew where a category's name or the rules of folding have changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.core import text
from backend.infra import db


@dataclass(frozen=True, slots=True)
class DerivedColumns:
    """What is stored of a place beside what is shown."""

    name_sort_key: str
    name_compact: str
    search_document: str


@dataclass(frozen=True, slots=True)
class Renewed:
    """How many places were looked at, how many of them changed, and the code of the last."""

    places: int
    changed: int
    last_code: str


def derive(
    *, name: str, category_names: tuple[str, str], city: str, address: str
) -> DerivedColumns:
    """Make the columns; a document has the name first, then what and where a place is, then its street."""
    return DerivedColumns(
        name_sort_key=text.persian_sort_key(name),
        name_compact=text.fold_compact(name),
        search_document=text.search_document((name,), (*category_names, city), (address,)),
    )


async def renew_after(
    code: str, *, limit: int, category_codes: Sequence[str] | None = None
) -> Renewed | None:
    """Make the columns of the next places anew, of all categories or of some; None where there is no other.

    Locks the places in the order of their codes, as `repository_drafts.lock_places` does. Their versions stay:
    nothing that is shown has changed.
    """
    rows = await db.fetch(
        """
        SELECT s.id, s.code, s.name, c.name_fa, c.name_en, s.city, s.address
          FROM store s JOIN store_category c ON c.id = s.category_id
         WHERE s.code > $1 AND ($2::text[] IS NULL OR c.code = ANY($2::text[]))
         ORDER BY s.code LIMIT $3 FOR UPDATE OF s
        """,
        code,
        None if category_codes is None else list(category_codes),
        limit,
    )
    if not rows:
        return None
    derived = [
        derive(
            name=row["name"],
            category_names=(row["name_fa"], row["name_en"]),
            city=row["city"],
            address=row["address"],
        )
        for row in rows
    ]
    tag = await db.execute(
        """
        UPDATE store s
           SET (name_sort_key, name_compact, search_document)
               = ROW (d.name_sort_key, d.name_compact, d.search_document)
          FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])
               AS d (id, name_sort_key, name_compact, search_document)
         WHERE s.id = d.id AND (s.name_sort_key, s.name_compact, s.search_document)
               IS DISTINCT FROM (d.name_sort_key, d.name_compact, d.search_document)
        """,
        [row["id"] for row in rows],
        [each.name_sort_key for each in derived],
        [each.name_compact for each in derived],
        [each.search_document for each in derived],
    )
    return Renewed(len(rows), int(tag.rsplit(maxsplit=1)[1]), rows[-1]["code"])
