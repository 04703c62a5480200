"""Places for tests: drafts with sensible defaults, saved by the use case that imports save them with."""

from datetime import date

from backend.core import text, viewer
from backend.core.calendar import Weekday
from backend.core.geo import GeoPoint
from backend.core.ids import GlobalId
from backend.infra import db
from backend.stores import saving
from backend.stores.domain import (
    InstalmentTerms,
    OfferDraft,
    PlaceKind,
    Settlement,
    StoreDraft,
    StoreState,
)
from backend.stores.opening import OpeningException, OpeningPeriod, OpeningSchedule

AZADI = GeoPoint(35.6997, 51.338)
ALWAYS = OpeningSchedule(
    tuple(OpeningPeriod(weekday, 0, 1440) for weekday in Weekday), open_on_holidays=True
)
NEVER = OpeningSchedule(())
TERMS = InstalmentTerms(3, 24, 5_000_000, 900_000_000)
CATEGORIES = (
    ("grocery", "خواربار", "Groceries"),
    ("appliances", "لوازم‌خانگی", "Home appliances"),
    ("health", "درمان", "Health care"),
)


def draft(
    code: str,
    *,
    name: str | None = None,
    at: GeoPoint = AZADI,
    kind: PlaceKind = PlaceKind.STORE,
    state: StoreState = StoreState.ACTIVE,
    category_code: str = "grocery",
    province_code: str = "IR-23",
    city: str = "تهران",
    address: str = "خیابان آزادی، پلاک ۱۲",
    phones: tuple[str, ...] = ("+982166001122",),
    terms: InstalmentTerms | None = TERMS,
    schedule: OpeningSchedule = ALWAYS,
    settlement: Settlement | None = None,
    offers: tuple[OfferDraft, ...] | None = None,
) -> StoreDraft:
    """A place, by default an active store in Tehran that never closes."""
    return StoreDraft(
        code=code,
        kind=kind,
        state=state,
        name=name or f"فروشگاه {code}",
        category_code=category_code,
        province_code=province_code,
        city=city,
        address=address,
        location=at,
        phones=phones,
        terms=terms,
        schedule=schedule,
        settlement=settlement,
        offers=offers,
    )


def offer(title: str, first: date, last: date | None, *, body: str = "بدون سود") -> OfferDraft:
    """An offer that counts from its first day to its last."""
    return OfferDraft(title=title, body=body, valid_from=first, valid_until=last)


async def save(*drafts: StoreDraft) -> dict[str, int]:
    """Save the places (and the categories, where they are missing); gives the keys by code."""
    await save_categories()
    for start in range(0, len(drafts), saving.MAX_DRAFTS):
        await saving.save_drafts(
            viewer=viewer.SYSTEM, drafts=drafts[start : start + saving.MAX_DRAFTS]
        )
    rows = await db.fetch("SELECT code, id FROM store")
    return {row["code"]: row["id"] for row in rows}


async def save_categories() -> None:
    """The categories that `draft` may name, with the keys 1, 2 and 3."""
    await db.execute(
        "INSERT INTO store_category (id, code, name_fa, name_en, sort_order)"
        " SELECT row_number() OVER (), * FROM (SELECT *, row_number() OVER () FROM"
        " unnest($1::text[], $2::text[], $3::text[])) AS c (code, name_fa, name_en, sort_order)"
        " ON CONFLICT DO NOTHING",
        *(list(column) for column in zip(*CATEGORIES, strict=True)),
    )


async def suspend(code: str) -> None:
    """Take a place off the map."""
    await db.execute("UPDATE store SET state = 'SUSPENDED' WHERE code = $1", code)


async def move(code: str, to: GeoPoint) -> None:
    """Put a place somewhere else."""
    await db.execute(
        "UPDATE store SET latitude = $2, longitude = $3 WHERE code = $1",
        code,
        to.latitude,
        to.longitude,
    )


async def fill(count: int) -> None:
    """Many places in Tehran by one statement, quickly, and fresh statistics: for plans and limits.

    Each has one of 400 words in its name twice: with its number, and as its street.
    """
    await save_categories()
    syllables = (
        "با",
        "دا",
        "سی",
        "رو",
        "نگ",
        "مه",
        "شا",
        "کو",
        "تی",
        "لا",
        "پر",
        "زن",
        "فر",
        "هم",
        "گل",
        "چی",
    )
    words = [text.fold(a + b + c) for a in syllables for b in syllables[:5] for c in syllables[:5]]
    await db.execute(
        """
        INSERT INTO store (code, kind, name, name_sort_key, name_compact, category_id, province_code, city, address,
                           latitude, longitude, phones, min_months, max_months, min_amount_rials, max_amount_rials,
                           search_document)
        SELECT 'fill-' || n, 'STORE', word || ' ' || n, word || n, word || n, 1 + n % 3, 'IR-23', 'تهران', street,
               35.5 + 0.5 * (n * 7919 % 10007) / 10007, 51 + 0.8 * (n * 104729 % 10009) / 10009,
               ARRAY['+982166001122'], 3, 24, 5000000, 900000000,
               concat(' ', word, ' ', n, ' ', word, n, ' | تهران | ', street)
          FROM generate_series(1, $1) n,
               LATERAL (SELECT ($2::text[])[1 + n * 31 % cardinality($2)] AS word,
                               ($2::text[])[1 + n * 17 % cardinality($2)] AS street) w
        """,
        count,
        words,
    )
    await db.execute(
        "INSERT INTO store_opening_period (store_id, weekday, opens_minute, closes_minute)"
        " SELECT id, d, 540, 1260 FROM store, generate_series(0, 5) d WHERE code LIKE 'fill-%'"
    )
    # Not ANALYZE alone: a search would be slow, and planned so, until the index has taken up what was written.
    await db.execute("VACUUM ANALYZE store")
    await db.execute("VACUUM ANALYZE store_opening_period")


def store_id(key: int) -> str:
    """The global id of a store."""
    return GlobalId("Store", key).encode()


def category_id(code: str) -> str:
    """The global id of one of the categories."""
    key = 1 + [each[0] for each in CATEGORIES].index(code)
    return GlobalId("StoreCategory", key).encode()


def weekly(*periods: tuple[Weekday, int, int]) -> OpeningSchedule:
    """Weekly hours without exceptions."""
    return OpeningSchedule(tuple(OpeningPeriod(*period) for period in periods))


def exceptional(
    usual: OpeningSchedule, on_date: date, *periods: tuple[int, int]
) -> OpeningSchedule:
    """The usual hours, with others on one day."""
    return OpeningSchedule(
        usual.periods, (OpeningException(on_date, periods),), usual.open_on_holidays
    )
