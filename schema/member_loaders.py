"""Loaders of one request for what is the viewer's own; like `schema.loaders`, they carry no rights."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from strawberry.dataloader import DataLoader

from backend.core.viewer import Viewer
from backend.loans import service as loans
from backend.organization import service as organization
from backend.organization.domain import UnitName
from backend.stores import service as stores
from backend.stores.domain import Store


@dataclass(slots=True)
class MemberLoaders:
    """The loaders, made when a field first asks."""

    viewer: Viewer
    now: datetime
    quotas: DataLoader[int, int | None] = field(init=False)
    bought_stores: DataLoader[int, Store | None] = field(init=False)
    branches: DataLoader[str, UnitName | None] = field(init=False)
    associations: DataLoader[str, UnitName | None] = field(init=False)

    def __post_init__(self) -> None:
        """Bind each loader to this request's viewer."""
        self.quotas = DataLoader(load_fn=self._quotas)
        self.bought_stores = DataLoader(load_fn=self._bought_stores)
        self.branches = DataLoader(load_fn=self._branches)
        self.associations = DataLoader(load_fn=self._associations)

    async def _quotas(self, round_ids: Sequence[int]) -> list[int | None]:
        found = await loans.my_quotas(viewer=self.viewer, round_ids=round_ids)
        return [found.get(round_id) for round_id in round_ids]

    async def _bought_stores(self, ids: Sequence[int]) -> list[Store | None]:
        found = await stores.list_shown_to_buyers(viewer=self.viewer, ids=ids)
        return [found.get(store_id) for store_id in ids]

    async def _branches(self, codes: Sequence[str]) -> list[UnitName | None]:
        found = await organization.branches_by_code(codes)
        return [found.get(code) for code in codes]

    async def _associations(self, codes: Sequence[str]) -> list[UnitName | None]:
        found = await organization.associations_by_code(codes)
        return [found.get(code) for code in codes]
