"""Use cases of the organization: provinces and their roll-out, units, and holidays."""

from collections.abc import Sequence
from datetime import date

from backend.core.viewer import Viewer
from backend.infra import db
from backend.organization import cache, domain, repository
from backend.organization.domain import Province, Unit, UnitCodes, UnitName, UnknownProvince

MANAGE = "organization.manage"


async def list_provinces() -> tuple[Province, ...]:
    """All 31 provinces in the order of the Persian alphabet; public."""
    return await cache.list_provinces()


async def branches_by_code(codes: Sequence[str]) -> dict[str, UnitName]:
    """The branches with these codes; what is none is missing. Public."""
    return {each.code: each for each in await repository.list_branches(codes)}


async def associations_by_code(codes: Sequence[str]) -> dict[str, UnitName]:
    """The associations with these codes; what is none is missing. Public."""
    return {each.code: each for each in await repository.list_associations(codes)}


async def list_unit_codes() -> UnitCodes:
    """The codes of all branches and associations; public."""
    return UnitCodes(
        branches=tuple(await repository.list_branch_codes()),
        associations=tuple(await repository.list_association_codes()),
    )


async def holidays_between(first: date, last: date) -> frozenset[date]:
    """The public holidays of these days, both included; public."""
    return domain.holidays_between(first, last, overrides=await cache.holiday_overrides())


async def read_holidays(connection: db.RawConnection, first: date, last: date) -> frozenset[date]:
    """The same as of this moment, for who keeps them: on a connection of the caller's, past the cache and the pool."""
    overrides = await repository.read_holiday_overrides(connection)
    return domain.holidays_between(first, last, overrides=overrides)


async def open_provinces(*, viewer: Viewer, codes: Sequence[str]) -> None:
    """Open provinces for members and stores. Raises Unauthenticated, Forbidden, UnknownProvince."""
    viewer.require(MANAGE)
    known = {province.code for province in await cache.list_provinces()}
    for code in codes:
        if code not in known:
            raise UnknownProvince(code=code)
    async with db.transaction():
        await repository.open_provinces(codes)
        await db.after_commit(cache.purge_provinces)


async def declare_holiday(*, viewer: Viewer, on_date: date, is_holiday: bool, name: str) -> None:
    """Make a day a public holiday, or take one back. Raises Unauthenticated or Forbidden."""
    viewer.require(MANAGE)
    async with db.transaction():
        await repository.save_holiday_override(on_date=on_date, is_holiday=is_holiday, name=name)
        await db.after_commit(cache.purge_holiday_overrides)


async def save_units(
    *, viewer: Viewer, branches: Sequence[Unit], associations: Sequence[Unit]
) -> None:
    """Insert or update branches and associations by code. Raises Unauthenticated or Forbidden."""
    viewer.require(MANAGE)
    async with db.transaction():
        await repository.save_branches(branches)
        await repository.save_associations(associations)
