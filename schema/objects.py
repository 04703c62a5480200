"""Of what an entry of the trail or an approval is about, the id by which a console can open it."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import strawberry

from backend.access import staff
from backend.core import ids
from backend.core.ids import GlobalId, InvalidGlobalId
from schema.context import Info
from schema.operator_loaders import OperatorLoaders

MayOpen: TypeAlias = Callable[[OperatorLoaders, int], Awaitable[bool]]


async def node_id(info: Info, object_type: str, object_id: str) -> strawberry.ID | None:
    """The global id of a thing, for `operator`, `storeRecord`, `member`, `fileImport` or `approval`.

    None where there is no such root field for it, or that would not show it to the viewer. One statement a kind for
    all of a page.
    """
    may_open = _KINDS.get(object_type)
    is_key = object_id.isascii() and object_id.isdecimal() and len(object_id) <= staff.MAX_ID_DIGITS
    if may_open is None or not is_key:
        return None
    key = int(object_id)
    if not await may_open(info.context.operator_loaders, key):
        return None
    return strawberry.ID(GlobalId(object_type, key).encode())


def named(given: strawberry.ID) -> tuple[str, str]:
    """The type and the id by which approvals and the trail name what a global id is of. Raises InvalidGlobalId."""
    wanted = ids.decode(given)
    if wanted.member_id is not None:
        raise InvalidGlobalId(field=("objectId",))
    return wanted.type_name, str(wanted.key)


async def _operator(loaders: OperatorLoaders, key: int) -> bool:
    known = await loaders.colleagues.load(staff.operator_actor(key))
    return known is not None and known.account_id is not None


async def _store(loaders: OperatorLoaders, key: int) -> bool:
    return await loaders.readable_stores.load(key)


async def _member(loaders: OperatorLoaders, key: int) -> bool:
    return await loaders.readable_members.load(key)


async def _approval(loaders: OperatorLoaders, key: int) -> bool:
    return await loaders.readable_approvals.load(key)


async def _import(loaders: OperatorLoaders, key: int) -> bool:
    return await loaders.readable_imports.load(key)


# By the names that approvals and the trail have for them.
_KINDS: Final[Mapping[str, MayOpen]] = MappingProxyType(
    {
        "Approval": _approval,
        "FileImport": _import,
        "Member": _member,
        "Operator": _operator,
        "Store": _store,
    }
)
