"""What slices above may join of stores in their own statements: a relation with named columns.

To be given an alias in FROM or JOIN. Suspended places are in it: a member's own purchases show them.
"""

from dataclasses import dataclass
from typing import Any, Final, Protocol

from backend.core.geo import GeoPoint
from backend.infra.readviews.views import Relation
from backend.stores.domain import InstalmentTerms, PlaceKind, StoreCategory, StoreState

CARD: Final = """(
    SELECT s.id, s.kind, s.state, s.name, s.province_code, s.city, s.address, s.latitude, s.longitude, s.phones,
           s.min_months, s.max_months, s.min_amount_rials, s.max_amount_rials,
           c.id AS category_id, c.code AS category_code,
           c.name_fa AS category_name_fa, c.name_en AS category_name_en
      FROM store s JOIN store_category c ON c.id = s.category_id
)"""
CARD_COLUMNS: Final = (
    "id", "kind", "state", "name", "province_code", "city", "address", "latitude", "longitude", "phones",
    "min_months", "max_months", "min_amount_rials", "max_amount_rials",
    "category_id", "category_code", "category_name_fa", "category_name_en",
)  # fmt: skip

# A store as its tills see it: those that are not active take nothing.
TILL: Final = """(
    SELECT id, code, province_code, kind = 'STORE' AS is_store, state = 'ACTIVE' AS is_active FROM store
)"""

# The same for statements that answer JSON.
PLACE: Final = Relation(
    "store",
    frozenset(
        {
            "id", "kind", "state", "name", "category_id", "city", "address", "latitude", "longitude", "phones",
            "min_months", "max_months", "min_amount_rials", "max_amount_rials",
        }
    ),
)  # fmt: skip
CATEGORY: Final = Relation("store_category", frozenset({"id", "name_fa", "name_en"}))


class Row(Protocol):
    """A row of the driver's, not named here: a card is part of the pure domains above."""

    def __getitem__(self, name: str, /) -> Any:
        """The value of a column."""


@dataclass(frozen=True, slots=True)
class StoreCard:
    """A place as `domain.Store` has it, without its opening hours."""

    id: int
    kind: PlaceKind
    state: StoreState
    name: str
    category: StoreCategory
    province_code: str
    city: str
    address: str
    location: GeoPoint
    phones: tuple[str, ...]
    terms: InstalmentTerms | None


def card(row: Row, prefix: str = "") -> StoreCard:
    """A place from a row with CARD_COLUMNS, each after `prefix`."""
    value = {name: row[f"{prefix}{name}"] for name in CARD_COLUMNS}
    return StoreCard(
        id=value["id"],
        kind=PlaceKind(value["kind"]),
        state=StoreState(value["state"]),
        name=value["name"],
        category=StoreCategory(
            value["category_id"],
            value["category_code"],
            value["category_name_fa"],
            value["category_name_en"],
        ),
        province_code=value["province_code"],
        city=value["city"],
        address=value["address"],
        location=GeoPoint(value["latitude"], value["longitude"]),
        phones=tuple(value["phones"]),
        terms=None
        if value["min_months"] is None
        else InstalmentTerms(
            value["min_months"],
            value["max_months"],
            value["min_amount_rials"],
            value["max_amount_rials"],
        ),
    )
