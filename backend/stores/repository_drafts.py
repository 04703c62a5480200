"""Whole places read in bulk, and their rows written, by code: for imports, exports and the seed.

Nothing here says whether a draft makes sense. Settlements are opened, where asked, on their way out;
`repository_parts` writes what belongs to a place beside its row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date

import asyncpg
import orjson

from backend.core import clock
from backend.core.calendar import Weekday
from backend.core.geo import GeoPoint
from backend.infra import db
from backend.infra.sealing import Sealed
from backend.stores import repository_derived, settlement_seals
from backend.stores.domain import (
    InstalmentTerms,
    OfferDraft,
    PlaceKind,
    Settlement,
    SettlementMode,
    StoreCategory,
    StoreDraft,
    StoreState,
)
from backend.stores.opening import OpeningException, OpeningPeriod, OpeningSchedule


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """A place as it is stored; its settlement is None also where nobody asked for it."""

    id: int
    draft: StoreDraft
    version: int


_DRAFTS = """
SELECT s.id, s.version, s.code, s.kind, s.state, s.name, c.code AS category_code, s.province_code, s.city, s.address,
       s.latitude, s.longitude, s.phones, s.open_on_holidays,
       s.min_months, s.max_months, s.min_amount_rials, s.max_amount_rials,
       (SELECT json_agg(json_build_array(p.weekday, p.opens_minute, p.closes_minute)
                        ORDER BY p.weekday, p.opens_minute)
          FROM store_opening_period p WHERE p.store_id = s.id) AS periods,
       (SELECT json_agg(json_build_array(e.on_date, (
               SELECT json_agg(json_build_array(p.opens_minute, p.closes_minute) ORDER BY p.opens_minute)
                 FROM store_opening_exception_period p WHERE p.exception_id = e.id)) ORDER BY e.on_date)
          FROM store_opening_exception e WHERE e.store_id = s.id) AS exceptions,
       (SELECT json_agg(json_build_array(o.title, o.body, o.valid_from, o.valid_until) ORDER BY o.id)
          FROM store_offer o WHERE o.store_id = s.id) AS offers{columns}
  FROM store s JOIN store_category c ON c.id = s.category_id{join}
"""
_OPEN_DRAFTS = _DRAFTS.format(columns="", join="")
_ALL_OF_DRAFTS = _DRAFTS.format(
    columns=", t.iban_sealed, t.iban_key_id, t.contract_sealed, t.contract_key_id, t.mode",
    join=" LEFT JOIN store_settlement t ON t.store_id = s.id",
)
_PLACES = """
    json_to_recordset($1::json) AS d (
        code text, kind text, state text, name text, name_sort_key text, name_compact text,
        category_id bigint, province_code text, city text, address text, latitude float8, longitude float8,
        phones text[], open_on_holidays boolean, min_months smallint, max_months smallint,
        min_amount_rials bigint, max_amount_rials bigint, search_document text
    )
"""
_COLUMNS = (
    "code, kind, state, name, name_sort_key, name_compact, category_id, province_code, city, address, latitude,"
    " longitude, phones, open_on_holidays, min_months, max_months, min_amount_rials, max_amount_rials,"
    " search_document"
)


_MOBILES = "ARRAY(SELECT p FROM unnest({row}.phones) AS p WHERE p LIKE '+989%' ORDER BY p)"


async def list_stored_codes(codes: Sequence[str]) -> dict[str, str]:
    """The codes as they are stored, by their capitals: those of old may have small letters. Nothing is locked."""
    rows = await db.fetch(
        "SELECT code, upper(code) AS capitals FROM store WHERE upper(code) = ANY($1::text[])",
        list(codes),
    )
    return {row["capitals"]: row["code"] for row in rows}


async def lock_places(codes: Sequence[str]) -> None:
    """Lock the places of these codes, in the order of their codes: two bulk writers never deadlock."""
    await db.execute(
        "SELECT FROM store WHERE code = ANY($1::text[]) ORDER BY code FOR UPDATE", list(codes)
    )


async def list_drafts(codes: Sequence[str], *, with_settlement: bool) -> dict[str, StoredDraft]:
    """The places of these codes, by code. Raises SealBroken where a settlement does not open."""
    select = _ALL_OF_DRAFTS if with_settlement else _OPEN_DRAFTS
    rows = await db.fetch(f"{select} WHERE s.code = ANY($1::text[])", list(codes))
    return {row["code"]: _stored(row, with_settlement=with_settlement) for row in rows}


async def list_drafts_after(
    code: str, *, kinds: Sequence[PlaceKind] | None, limit: int, with_settlement: bool
) -> list[StoreDraft]:
    """The next places in the order of their codes. Raises SealBroken."""
    select = _ALL_OF_DRAFTS if with_settlement else _OPEN_DRAFTS
    rows = await db.fetch(
        f"{select} WHERE s.code > $1 AND ($2::text[] IS NULL OR s.kind = ANY($2::text[]))"
        " ORDER BY s.code LIMIT $3",
        code,
        None if kinds is None else [kind.value for kind in kinds],
        limit,
    )
    return [_stored(row, with_settlement=with_settlement).draft for row in rows]


async def insert_places(
    drafts: Sequence[StoreDraft], *, categories: Mapping[str, StoreCategory]
) -> dict[str, int]:
    """Insert places in the order of their codes; gives the ids of those that were not there yet.

    Waits for another transaction that is inserting one of the codes. Opening hours, offers and
    settlement are not written.
    """
    if not drafts:
        return {}
    rows = await db.fetch(
        f"INSERT INTO store ({_COLUMNS}) SELECT {_COLUMNS} FROM {_PLACES} ORDER BY code"
        " ON CONFLICT DO NOTHING RETURNING id, code",
        _places(drafts, categories),
    )
    return {row["code"]: row["id"] for row in rows}


async def update_places(
    drafts: Sequence[StoreDraft], *, categories: Mapping[str, StoreCategory]
) -> None:
    """Write the columns of places that are locked, and count up their versions."""
    if not drafts:
        return
    await db.execute(
        f"""
        UPDATE store s
           SET ({_COLUMNS}) = ROW ({", ".join(f"d.{name}" for name in _COLUMNS.split(", "))}),
               version = s.version + 1, changed_at = now(),
               mobiles_changed_at = CASE WHEN {_MOBILES.format(row="s")} = {_MOBILES.format(row="d")}
                                         THEN s.mobiles_changed_at ELSE $2 END
          FROM {_PLACES}
         WHERE s.code = d.code
        """,
        _places(drafts, categories),
        clock.now(),
    )


def _places(drafts: Sequence[StoreDraft], categories: Mapping[str, StoreCategory]) -> str:
    rows = [_place(draft, categories[draft.category_code]) for draft in drafts]
    return orjson.dumps(rows).decode()


def _place(draft: StoreDraft, category: StoreCategory) -> dict[str, object]:
    terms = draft.terms
    derived = repository_derived.derive(
        name=draft.name,
        category_names=(category.name_fa, category.name_en),
        city=draft.city,
        address=draft.address,
    )
    return {
        "code": draft.code,
        "kind": draft.kind.value,
        "state": draft.state.value,
        "name": draft.name,
        "category_id": category.id,
        "province_code": draft.province_code,
        "city": draft.city,
        "address": draft.address,
        "latitude": draft.location.latitude,
        "longitude": draft.location.longitude,
        "phones": draft.phones,
        "open_on_holidays": draft.schedule.open_on_holidays,
        "min_months": None if terms is None else terms.min_months,
        "max_months": None if terms is None else terms.max_months,
        "min_amount_rials": None if terms is None else terms.min_amount_rials,
        "max_amount_rials": None if terms is None else terms.max_amount_rials,
        **asdict(derived),
    }


def _stored(row: asyncpg.Record, *, with_settlement: bool) -> StoredDraft:
    draft = StoreDraft(
        code=row["code"],
        kind=PlaceKind(row["kind"]),
        state=StoreState(row["state"]),
        name=row["name"],
        category_code=row["category_code"],
        province_code=row["province_code"],
        city=row["city"],
        address=row["address"],
        location=GeoPoint(row["latitude"], row["longitude"]),
        phones=tuple(row["phones"]),
        terms=None
        if row["min_months"] is None
        else InstalmentTerms(
            row["min_months"], row["max_months"], row["min_amount_rials"], row["max_amount_rials"]
        ),
        schedule=_schedule(row),
        settlement=_settlement(row) if with_settlement else None,
        offers=tuple(
            OfferDraft(title, body, date.fromisoformat(first), last and date.fromisoformat(last))
            for title, body, first, last in orjson.loads(row["offers"] or b"[]")
        ),
    )
    return StoredDraft(row["id"], draft, row["version"])


def _schedule(row: asyncpg.Record) -> OpeningSchedule:
    return OpeningSchedule(
        periods=tuple(
            OpeningPeriod(Weekday(weekday), opens, closes)
            for weekday, opens, closes in orjson.loads(row["periods"] or b"[]")
        ),
        exceptions=tuple(
            OpeningException(date.fromisoformat(day), tuple((o, c) for o, c in periods or ()))
            for day, periods in orjson.loads(row["exceptions"] or b"[]")
        ),
        open_on_holidays=row["open_on_holidays"],
    )


def _settlement(row: asyncpg.Record) -> Settlement | None:
    if row["mode"] is None:
        return None
    return settlement_seals.unseal(
        row["code"],
        iban=Sealed(row["iban_sealed"], row["iban_key_id"]),
        contract_number=None
        if row["contract_sealed"] is None
        else Sealed(row["contract_sealed"], row["contract_key_id"]),
        mode=SettlementMode(row["mode"]),
    )
