"""The parts of places written in bulk, by the places' ids: opening hours, offers, and how they are paid."""

from collections.abc import Iterable, Mapping, Sequence

from backend.infra import db
from backend.stores import settlement_seals
from backend.stores.domain import OfferDraft, Settlement
from backend.stores.opening import OpeningSchedule
from backend.stores.settlement_seals import SealedSettlement


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
        (store_id, *_sealed(settlement_seals.seal(code, settlement)), settlement.mode.value)
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


def _sealed(
    settlement: SealedSettlement,
) -> tuple[bytes, str, bytes, bytes | None, str | None]:
    iban, contract = settlement.iban, settlement.contract_number
    if contract is None:
        return iban.ciphertext, iban.key_id, settlement.iban_index, None, None
    return (
        iban.ciphertext,
        iban.key_id,
        settlement.iban_index,
        contract.ciphertext,
        contract.key_id,
    )


async def _delete(table: str, store_ids: Iterable[int]) -> None:
    await db.execute(
        f"DELETE FROM {table} WHERE store_id = ANY($1::bigint[])",
        list(store_ids),
    )


def _transposed(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    """One array a column, as `unnest` wants them."""
    return [[row[place] for row in rows] for place in range(width)]
