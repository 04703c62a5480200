"""Loaders of one request: they gather what the fields of a list ask for into one call of a service.

They live for one request and carry no rights of their own: the services filter by viewer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from strawberry.dataloader import DataLoader

from backend.core.viewer import Viewer
from backend.organization import service as organization
from backend.organization.domain import Province
from backend.stores import service as stores
from backend.stores.domain import Offer, Store
from backend.stores.opening import OpeningState


@dataclass(slots=True)
class Loaders:
    """The loaders, made when a field first asks."""

    viewer: Viewer
    now: datetime
    stores: DataLoader[int, Store | None] = field(init=False)
    offers: DataLoader[int, list[Offer]] = field(init=False)
    opening: DataLoader[Store, OpeningState] = field(init=False)
    provinces: DataLoader[str, Province] = field(init=False)

    def __post_init__(self) -> None:
        """Bind each loader to this request's viewer and moment."""
        self.stores = DataLoader(load_fn=self._stores)
        self.offers = DataLoader(load_fn=self._offers)
        self.opening = DataLoader(load_fn=self._opening, cache_key_fn=lambda store: store.id)
        self.provinces = DataLoader(load_fn=self._provinces)

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
