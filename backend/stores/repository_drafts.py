"""Whole places written and read in bulk, by code: for imports, exports and the seed.

Nothing here says whether a draft makes sense. IBAN and contract number are sealed on their way in
and opened, where asked, on their way out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg
import orjson

from backend.core import text
from backend.core.calendar import Weekday
from backend.core.geo import GeoPoint
from backend.infra import db, sealing
from backend.infra.sealing import Sealed
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

_IBAN = "store_settlement.iban"
_CONTRACT = "store_settlement.contract_number"


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """A place as it is stored; its settlement is None also where nobody asked for it."""

    id: int
    draft: StoreDraft


_DRAFTS = """
SELECT s.id, s.code, s.kind, s.state, s.name, c.code AS category_code, s.province_code, s.city, s.address,
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


async def list_codes(codes: Sequence[str]) -> frozenset[str]:
    """Those of the codes that are stored; nothing is locked."""
    rows = await db.fetch("SELECT code FROM store WHERE code = ANY($1::text[])", list(codes))
    return frozenset(row["code"] for row in rows)


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
        " ON CONFLICT (code) DO NOTHING RETURNING id, code",
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
               version = s.version + 1, changed_at = now()
          FROM {_PLACES}
         WHERE s.code = d.code
        """,
        _places(drafts, categories),
    )


async def replace_periods(schedules: Mapping[int, OpeningSchedule]) -> None:
    """Write the weekly periods of these places anew, by id."""
    rows = [
        (store_id, period.weekday, period.opens_minute, period.closes_minute)
        for store_id, schedule in schedules.items()
        for period in schedule.periods
    ]
    await _delete("store_opening_period", schedules)
    await db.execute(
        """
        INSERT INTO store_opening_period (store_id, weekday, opens_minute, closes_minute)
        SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::smallint[], $4::smallint[])
        """,
        *_transposed(rows, 4),
    )


async def replace_exceptions(schedules: Mapping[int, OpeningSchedule]) -> None:
    """Write the exceptional days of these places anew, by id."""
    days = [
        (store_id, exception.on_date)
        for store_id, schedule in schedules.items()
        for exception in schedule.exceptions
    ]
    periods = [
        (store_id, exception.on_date, opens, closes)
        for store_id, schedule in schedules.items()
        for exception in schedule.exceptions
        for opens, closes in exception.periods
    ]
    await _delete("store_opening_exception", schedules)
    await db.execute(
        "INSERT INTO store_opening_exception (store_id, on_date)"
        " SELECT * FROM unnest($1::bigint[], $2::date[])",
        *_transposed(days, 2),
    )
    await db.execute(
        """
        INSERT INTO store_opening_exception_period (exception_id, opens_minute, closes_minute)
        SELECT e.id, d.opens_minute, d.closes_minute
          FROM unnest($1::bigint[], $2::date[], $3::smallint[], $4::smallint[])
               AS d (store_id, on_date, opens_minute, closes_minute)
          JOIN store_opening_exception e USING (store_id, on_date)
        """,
        *_transposed(periods, 4),
    )


async def replace_offers(offers: Mapping[int, Sequence[OfferDraft]]) -> None:
    """Write the offers of these places anew, by id."""
    rows = [
        (store_id, offer.title, offer.body, offer.valid_from, offer.valid_until)
        for store_id, drafts in offers.items()
        for offer in drafts
    ]
    await _delete("store_offer", offers)
    await db.execute(
        """
        INSERT INTO store_offer (store_id, title, body, valid_from, valid_until)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::date[], $5::date[])
        """,
        *_transposed(rows, 5),
    )


async def save_settlements(settlements: Mapping[int, tuple[str, Settlement]]) -> None:
    """Seal and write how these places are paid: by id, the place's code and its settlement."""
    rows = [
        (store_id, *_sealed(code, settlement), settlement.mode.value)
        for store_id, (code, settlement) in settlements.items()
    ]
    await db.execute(
        """
        INSERT INTO store_settlement AS t (
            store_id, iban_sealed, iban_key_id, iban_index, contract_sealed, contract_key_id, mode
        )
        SELECT * FROM unnest(
            $1::bigint[], $2::bytea[], $3::text[], $4::bytea[], $5::bytea[], $6::text[], $7::text[]
        )
        ON CONFLICT (store_id) DO UPDATE
           SET iban_sealed = excluded.iban_sealed, iban_key_id = excluded.iban_key_id,
               iban_index = excluded.iban_index, contract_sealed = excluded.contract_sealed,
               contract_key_id = excluded.contract_key_id, mode = excluded.mode, changed_at = now()
        """,
        *_transposed(rows, 7),
    )


def search_document(*, name: str, category_names: tuple[str, str], city: str, address: str) -> str:
    """What a place is found by: its name first, then what and where it is, then its street."""
    return text.search_document((name,), (*category_names, city), (address,))


def iban_index(iban: str) -> bytes:
    """The blind index under which the stores with a normalized IBAN are found."""
    return sealing.current().blind_index(iban, context=_IBAN)


def _sealed(
    code: str, settlement: Settlement
) -> tuple[bytes, str, bytes, bytes | None, str | None]:
    sealer = sealing.current()
    iban = sealer.seal(settlement.iban, context=f"{_IBAN}:{code}")
    index = iban_index(settlement.iban)
    if settlement.contract_number is None:
        return iban.ciphertext, iban.key_id, index, None, None
    contract = sealer.seal(settlement.contract_number, context=f"{_CONTRACT}:{code}")
    return iban.ciphertext, iban.key_id, index, contract.ciphertext, contract.key_id


def _settlement(row: asyncpg.Record) -> Settlement | None:
    if row["mode"] is None:
        return None
    code = row["code"]
    sealer = sealing.current()
    iban = sealer.unseal(Sealed(row["iban_sealed"], row["iban_key_id"]), context=f"{_IBAN}:{code}")
    contract = None
    if row["contract_sealed"] is not None:
        contract = sealer.unseal(
            Sealed(row["contract_sealed"], row["contract_key_id"]), context=f"{_CONTRACT}:{code}"
        )
    return Settlement(iban, contract, SettlementMode(row["mode"]))


async def _delete(table: str, store_ids: Iterable[int]) -> None:
    await db.execute(
        f"DELETE FROM {table} WHERE store_id = ANY($1::bigint[])",
        list(store_ids),
    )


def _transposed(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    """One array a column, as `unnest` wants them."""
    return [[row[place] for row in rows] for place in range(width)]


def _places(drafts: Sequence[StoreDraft], categories: Mapping[str, StoreCategory]) -> str:
    rows = [_place(draft, categories[draft.category_code]) for draft in drafts]
    return orjson.dumps(rows).decode()


def _place(draft: StoreDraft, category: StoreCategory) -> dict[str, object]:
    terms = draft.terms
    return {
        "code": draft.code,
        "kind": draft.kind.value,
        "state": draft.state.value,
        "name": draft.name,
        "name_sort_key": text.persian_sort_key(draft.name),
        "name_compact": text.fold_compact(draft.name),
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
        "search_document": search_document(
            name=draft.name,
            category_names=(category.name_fa, category.name_en),
            city=draft.city,
            address=draft.address,
        ),
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
    return StoredDraft(row["id"], draft)


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
