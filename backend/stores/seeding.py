"""Filling an empty database with invented places: `bashgah seed`. Invented favourites come by COPY."""

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice

from backend.core.errors import DomainError, sentences
from backend.core.viewer import Viewer
from backend.infra import db
from backend.organization import seeding as organization_seeding
from backend.organization import service as organization
from backend.organization.domain import Unit
from backend.stores import (
    cache,
    directory_keeper,
    repository_categories,
    repository_drafts,
    repository_seeding,
    saving,
)
from backend.stores.domain import PlaceKind, StoreDraft
from backend.stores.repository_categories import CategoryRow
from backend.stores.seed import catalogue, places

BATCH = 500
DEMO_STORES = 1_500
DEMO_SEED = 1
DEMO_TILL = "SEED-S-000576"  # the store of the demo's cashier, in Fars
DEMO_TILL_MOBILE = "+989600000000"
FAVOURITE_TABLES = ("store_favourite",)

_SORT_STEP = 10  # leaves room between two categories


@dataclass(frozen=True, slots=True)
class SeedOutcome:
    """How many places were created, changed, and found to be just so already."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class SeedFavourite:
    """A favourite to be written."""

    member_id: int
    store_id: int
    created_at: datetime


class ForeignStores(DomainError):
    """The database has places that no seed made: invented ones must never mix with them."""

    code = "FOREIGN_STORES"
    texts = sentences(
        fa="این پایگاه داده {places} مکان دارد که دادهٔ نمونه نیستند؛ چیزی نوشته نشد.",
        en="This database has {places} places that are not sample data; nothing was written.",
    )
    hints = sentences(
        fa="دادهٔ نمونه را در پایگاه دادهٔ خالی دیگری بریزید (BASHGAH_DATABASE_URL).",
        en="Seed another, empty database (BASHGAH_DATABASE_URL).",
    )

    def __init__(self, places: int) -> None:
        super().__init__(places=places)


async def seed_stores(
    *, viewer: Viewer, count: int, seed: int, today: date, progress: Callable[[int], None]
) -> SeedOutcome:
    """Save the categories and the first `count` stores of a seed, 500 a transaction.

    With the same arguments again nothing changes; a larger count adds the rest, a smaller one takes
    nothing away; another seed or day rewrites the places of the same codes, but not how they are paid. No number is
    told anything. `progress` gets the
    number of stores done so far. Raises Unauthenticated, Forbidden, ForeignStores.
    """
    await _check_and_prepare(viewer)
    provinces = await organization.list_provinces()
    drafts = places.generate_stores(count=count, seed=seed, provinces=provinces, today=today)
    return await _save(viewer, drafts, progress)


async def seed_demo(*, viewer: Viewer, today: date, progress: Callable[[int], None]) -> SeedOutcome:
    """Set up the demo: units and open provinces, 1,500 stores, and all clinics, branches, associations.

    Done once: where all its places are there already, whatever has become of them, nothing is
    touched and the outcome is empty. One that was interrupted is completed. Raises as `seed_stores`.
    """
    await _check_and_prepare(viewer)
    provinces = await organization.list_provinces()
    drafts = [
        *places.generate_stores(
            count=DEMO_STORES, seed=DEMO_SEED, provinces=provinces, today=today
        ),
        *places.generate_other_places(seed=DEMO_SEED, provinces=provinces, today=today),
    ]
    drafts = [_reachable(each) if each.code == DEMO_TILL else each for each in drafts]
    codes = [draft.code for draft in drafts]
    if len(await repository_drafts.list_stored_codes(codes)) == len(codes):
        return SeedOutcome()
    await organization_seeding.seed_organization(
        viewer=viewer,
        branches=_units(drafts, PlaceKind.BRANCH),
        associations=_units(drafts, PlaceKind.ASSOCIATION),
    )
    return await _save(viewer, drafts, progress)


def _reachable(draft: StoreDraft) -> StoreDraft:
    """The store with a mobile, where it learns what is done in its name; nobody has this number."""
    return replace(draft, phones=(*draft.phones, DEMO_TILL_MOBILE))


async def save_standard_categories(*, viewer: Viewer) -> int:
    """Save the club's own list of categories, which real stores use too; gives how many were written.

    Where one has changed, its stores are found by its new names from then on. Safe on a database in
    use: categories of other codes stay. Raises Unauthenticated, Forbidden.
    """
    viewer.require(saving.MANAGE)
    async with db.transaction():
        written = await repository_categories.save_categories(_categories())
        if written:
            await repository_categories.renew_derived_columns(
                [category.code for category in _categories()]
            )
            await db.after_commit(cache.purge_categories)
            await db.after_commit(directory_keeper.announce)
    return written


async def list_store_ids(*, viewer: Viewer) -> dict[tuple[str, str], list[int]]:
    """The open stores by province and city, for invented purchases. Raises Unauthenticated, Forbidden."""
    viewer.require(saving.MANAGE)
    return await repository_seeding.list_store_ids()


def favourite_rows_of(favourites: Sequence[SeedFavourite]) -> bytes:
    """The favourites as COPY text."""
    return "".join(
        [f"{each.member_id}\t{each.store_id}\t{each.created_at}\n" for each in favourites]
    ).encode()


async def copy_favourites(connection: db.RawConnection, rows: bytes) -> None:
    """Write what `favourite_rows_of` gave; a member's later ones are shown first."""
    await connection.copy_to_table(
        "store_favourite",
        columns=("member_id", "store_id", "created_at"),
        source=io.BytesIO(rows),
        format="text",
    )


async def _check_and_prepare(viewer: Viewer) -> None:
    viewer.require(saving.MANAGE)
    foreign = await repository_seeding.count_foreign_places(places.CODE_PREFIX)
    if foreign:
        raise ForeignStores(foreign)
    await save_standard_categories(viewer=viewer)


async def _save(
    viewer: Viewer, drafts: Iterable[StoreDraft], progress: Callable[[int], None]
) -> SeedOutcome:
    outcomes: list[saving.SaveOutcome] = []
    done = 0
    remaining = iter(drafts)
    while batch := list(islice(remaining, BATCH)):
        outcomes.append(await saving.save_drafts(viewer=viewer, drafts=batch, tells_removed=False))
        done += len(batch)
        progress(done)
    return SeedOutcome(
        created=sum(outcome.created for outcome in outcomes),
        changed=sum(outcome.changed for outcome in outcomes),
        unchanged=sum(outcome.unchanged for outcome in outcomes),
    )


def _categories() -> list[CategoryRow]:
    return [
        CategoryRow(category.code, category.name_fa, category.name_en, place * _SORT_STEP)
        for place, category in enumerate(catalogue.ALL, start=1)
    ]


def _units(drafts: Iterable[StoreDraft], kind: PlaceKind) -> list[Unit]:
    return [
        Unit(draft.code, draft.name, draft.province_code, draft.city)
        for draft in drafts
        if draft.kind is kind
    ]
