"""Loaders of one request: they gather what the fields of a list ask for into one call of a service.

They live for one request and carry no rights of their own: the services filter by viewer. What several fields
need of the one member who asks is read once, too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from strawberry.dataloader import DataLoader

from backend.core.viewer import Viewer
from backend.deductions import service as deductions
from backend.deductions.domain import Instalment, MonthDeduction
from backend.loans import service as loans
from backend.loans.domain import LoanApplication
from backend.members import service as members
from backend.members.domain import Member
from backend.organization import service as organization
from backend.organization.domain import Province
from backend.purchases import service as purchases
from backend.purchases.domain import Purchase
from backend.purchases.service import Overview
from backend.stores import favourites
from backend.stores import service as stores
from backend.stores.domain import Offer, Store
from backend.stores.opening import OpeningState

T = TypeVar("T")


class Once(Generic[T]):
    """Something that is read at most once in a request, however many fields ask: `await once()`."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._reading: asyncio.Future[T] | None = None

    async def __call__(self) -> T:
        """What was read; a failure is the same for all who ask."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read())
            self._reading.add_done_callback(_retrieve)
        return await asyncio.shield(self._reading)


def _retrieve(reading: "asyncio.Future[T]") -> None:
    """Take note of a failure, also where all who asked have gone away: they had their refusal elsewhere."""
    if not reading.cancelled():
        reading.exception()


@dataclass(slots=True)
class Loaders:
    """The loaders, made when a field first asks."""

    viewer: Viewer
    now: datetime
    stores: DataLoader[int, Store | None] = field(init=False)
    offers: DataLoader[int, list[Offer]] = field(init=False)
    opening: DataLoader[Store, OpeningState] = field(init=False)
    provinces: DataLoader[str, Province] = field(init=False)
    # What is the viewer's own.
    favourites: DataLoader[int, bool] = field(init=False)
    member: Once[Member | None] = field(init=False)
    overview: Once[Overview] = field(init=False)
    next_deduction: Once[MonthDeduction | None] = field(init=False)
    plan_instalments: DataLoader[int, tuple[Instalment, ...]] = field(init=False)
    plan_purchases: DataLoader[int, Purchase | None] = field(init=False)
    plan_applications: DataLoader[int, LoanApplication | None] = field(init=False)

    def __post_init__(self) -> None:
        """Bind each loader to this request's viewer and moment."""
        self.stores = DataLoader(load_fn=self._stores)
        self.offers = DataLoader(load_fn=self._offers)
        self.opening = DataLoader(load_fn=self._opening, cache_key_fn=lambda store: store.id)
        self.provinces = DataLoader(load_fn=self._provinces)
        self.favourites = DataLoader(load_fn=self._favourites)
        self.member = Once(lambda: members.find_member(viewer=self.viewer))
        self.overview = Once(self._overview)
        self.next_deduction = Once(lambda: deductions.next_deduction(viewer=self.viewer))
        self.plan_instalments = DataLoader(load_fn=self._plan_instalments)
        self.plan_purchases = DataLoader(load_fn=self._plan_purchases)
        self.plan_applications = DataLoader(load_fn=self._plan_applications)

    def renewed(self) -> "Loaders":
        """Loaders for the same viewer and moment that have read nothing."""
        return Loaders(viewer=self.viewer, now=self.now)

    async def _stores(self, ids: Sequence[int]) -> list[Store | None]:
        found = await stores.list_by_ids(viewer=self.viewer, ids=ids)
        return [found.get(store_id) for store_id in ids]

    async def _offers(self, store_ids: Sequence[int]) -> list[list[Offer]]:
        found = await stores.list_offers(viewer=self.viewer, store_ids=store_ids)
        return [found[store_id] for store_id in store_ids]

    async def _opening(self, asked: Sequence[Store]) -> list[OpeningState]:
        return await stores.opening_states(stores=asked, at=self.now)

    async def _provinces(self, codes: Sequence[str]) -> list[Province]:
        found = {province.code: province for province in await organization.list_provinces()}
        return [found[code] for code in codes]

    async def _favourites(self, store_ids: Sequence[int]) -> list[bool]:
        found = await favourites.favourite_ids(viewer=self.viewer, store_ids=store_ids)
        return [store_id in found for store_id in store_ids]

    async def _overview(self) -> Overview:
        return await purchases.overview(viewer=self.viewer, member=await self.member())

    async def _plan_instalments(self, plan_ids: Sequence[int]) -> list[tuple[Instalment, ...]]:
        found = await deductions.instalments_by_plan(viewer=self.viewer, plan_ids=plan_ids)
        return [found[plan_id] for plan_id in plan_ids]

    async def _plan_purchases(self, plan_ids: Sequence[int]) -> list[Purchase | None]:
        found = await purchases.purchases_by_plan(viewer=self.viewer, plan_ids=plan_ids)
        return [found.get(plan_id) for plan_id in plan_ids]

    async def _plan_applications(self, plan_ids: Sequence[int]) -> list[LoanApplication | None]:
        found = await loans.applications_by_plan(viewer=self.viewer, plan_ids=plan_ids)
        return [found.get(plan_id) for plan_id in plan_ids]
