"""Imports begun for several parts of the country, and who lists them by a scope; `scoped_staff` takes them in."""

from datetime import timedelta

from backend.core import clock
from backend.core.viewer import Viewer
from backend.imports import repository, service
from backend.imports.domain import ImportKind

# By name: for which provinces it was begun; the one named "members" is of members.
_BEGUN: dict[str, frozenset[str] | None] = {
    "nation": None,
    "members": None,
    "fars": frozenset({"IR-07"}),
    "fars and yazd": frozenset({"IR-07", "IR-21"}),
    "fars and tehran": frozenset({"IR-07", "IR-23"}),
}
# An import is seen by whose scope holds all that it was begun for.
IMPORTS = {
    "nation": set(_BEGUN),
    "two provinces": {"fars", "fars and yazd"},
    "association": set(),
    "nothing": set(),
}


async def made() -> dict[str, int]:
    """The keys of the imports by their names."""
    begun = {}
    for name, province_codes in _BEGUN.items():
        is_of_members = name == "members"
        found = await repository.insert(
            kind=ImportKind.MEMBERS if is_of_members else ImportKind.STORES,
            actor="operator:900",
            province_codes=province_codes,
            file_name="x.csv",
            size_bytes=1,
            sha256=bytes(32),
            part_bytes=1,
            month=140509 if is_of_members else None,
            expires_at=clock.now() + timedelta(hours=1),
        )
        begun[name] = found.id
    return begun


async def listed(_rows: object, viewer: Viewer) -> set[int]:
    """The keys of those that a viewer is shown."""
    page = await service.list_imports(viewer=viewer, kind=None, state=None, first=100, after=None)
    return {each.id for each in page.items}
