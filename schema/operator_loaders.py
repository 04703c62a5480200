"""Loaders of one request for what operators look at; like `schema.loaders`, they carry no rights."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field

from strawberry.dataloader import DataLoader

from backend.access import colleagues
from backend.access.colleagues import Known
from backend.approvals import reading as approvals
from backend.approvals.domain import Approval
from backend.core.viewer import Viewer
from backend.imports import service as imports
from backend.members import finding
from backend.organization import service as organization
from backend.organization.domain import UnitName
from backend.stores import managing
from backend.stores import service as stores
from backend.stores.domain import StoreCategory


@dataclass(slots=True)
class OperatorLoaders:
    """The loaders: accounts by their names in the trail, associations, categories, and what the viewer may look at."""

    viewer: Viewer
    colleagues: DataLoader[str, Known | None] = field(init=False)
    associations: DataLoader[int, UnitName | None] = field(init=False)
    categories: DataLoader[str, StoreCategory] = field(init=False)
    readable_stores: DataLoader[int, bool] = field(init=False)
    readable_members: DataLoader[int, bool] = field(init=False)
    readable_approvals: DataLoader[int, bool] = field(init=False)
    readable_imports: DataLoader[int, bool] = field(init=False)
    open_about_members: DataLoader[int, list[Approval]] = field(init=False)
    open_about_stores: DataLoader[int, list[Approval]] = field(init=False)

    def __post_init__(self) -> None:
        """Bind each loader to this request's viewer."""
        viewer = self.viewer
        self.colleagues = DataLoader(load_fn=self._colleagues)
        self.associations = DataLoader(load_fn=_associations)
        self.categories = DataLoader(load_fn=_categories)
        self.readable_stores = _among(
            lambda ids: managing.readable_ids(viewer=viewer, store_ids=ids)
        )
        self.readable_members = _among(
            lambda ids: finding.readable_ids(viewer=viewer, member_ids=ids)
        )
        self.readable_approvals = _among(
            lambda ids: approvals.readable_ids(viewer=viewer, approval_ids=ids)
        )
        self.readable_imports = _among(
            lambda ids: imports.readable_ids(viewer=viewer, import_ids=ids)
        )
        self.open_about_members = _open_about(viewer, "Member")
        self.open_about_stores = _open_about(viewer, "Store")

    async def _colleagues(self, actors: Sequence[str]) -> list[Known | None]:
        found = await colleagues.behind(viewer=self.viewer, actors=actors)
        return [found.get(actor) for actor in actors]


def _among(
    read: Callable[[Collection[int]], Awaitable[frozenset[int]]],
) -> DataLoader[int, bool]:
    """Whether each key is among those that are read."""

    async def load(keys: list[int]) -> list[bool]:
        found = await read(keys)
        return [key in found for key in keys]

    return DataLoader(load_fn=load)


async def _associations(ids: Sequence[int]) -> list[UnitName | None]:
    found = await organization.associations_by_id(ids)
    return [found.get(key) for key in ids]


def _open_about(viewer: Viewer, object_type: str) -> DataLoader[int, list[Approval]]:
    """What is open about each thing of a type, by its key."""

    async def load(keys: list[int]) -> list[list[Approval]]:
        found = await approvals.list_open_about(
            viewer=viewer, object_type=object_type, object_ids=[str(key) for key in keys]
        )
        return [found[str(key)] for key in keys]

    return DataLoader(load_fn=load)


async def _categories(codes: Sequence[str]) -> list[StoreCategory]:
    found = {each.code: each for each in await stores.list_categories()}
    return [found[code] for code in codes]
