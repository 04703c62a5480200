"""Use cases of the organization: provinces and their roll-out, units, and holidays."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

from backend.audit import service as audit
from backend.core.permissions import Permission
from backend.core.viewer import Viewer
from backend.infra import db
from backend.organization import cache, domain, repository
from backend.organization.domain import (
    Opening,
    Province,
    Unit,
    UnitCodes,
    UnitName,
    UnknownProvince,
)

MANAGE = "organization.manage"
_SHOWN_CODE_CHARACTERS = 10


async def list_provinces() -> tuple[Province, ...]:
    """All 31 provinces in the order of the Persian alphabet; public."""
    return await cache.list_provinces()


async def list_openings(*, viewer: Viewer) -> tuple[Province, ...]:
    """The provinces of the viewer's scope as they are now, for whom each is open; for operators.

    Raises Unauthenticated, Forbidden.
    """
    viewer.require(Permission.OPERATOR_SELF)
    return tuple(
        each
        for each in await repository.list_provinces()
        if viewer.scope.covers(province_code=each.code)
    )


async def branches_by_code(codes: Sequence[str]) -> dict[str, UnitName]:
    """The branches with these codes; what is none is missing. Public."""
    return {each.code: each for each in await repository.list_branches(codes)}


async def associations_by_code(codes: Sequence[str]) -> dict[str, UnitName]:
    """The associations with these codes; what is none is missing. Public."""
    return {each.code: each for each in await repository.list_associations(codes)}


async def associations_by_id(association_ids: Sequence[int]) -> dict[int, UnitName]:
    """The associations of these ids; what is none is missing. Public."""
    found = await repository.list_associations_by_id(association_ids)
    return {each.id: each for each in found}


async def find_association(association_id: int) -> UnitName | None:
    """The association of this id; public."""
    return (await associations_by_id([association_id])).get(association_id)


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


async def set_opening(
    *,
    viewer: Viewer,
    code: str,
    members: bool | None = None,
    stores: bool | None = None,
    reason: str,
) -> Province:
    """Open or close a province for members, for stores, or for both; None leaves it as it is.

    Whose province was once open signs in still, and buys nothing while it is closed. Every process sees it at its next
    request. Repeated, it changes and records nothing. Raises Unauthenticated, Forbidden, ReauthenticationNeeded,
    UnknownProvince (outside the scope, too), ReasonInvalid.
    """
    viewer.require(Permission.PROVINCES_OPEN)
    viewer.require_recent()
    checked = audit.fit_reason(reason)
    async with db.transaction():
        present = None
        if viewer.scope.covers(province_code=code):
            present = await repository.lock_opening(code)
        if present is None:
            raise UnknownProvince(field=("provinceCode",), code=code[:_SHOWN_CODE_CHARACTERS])
        wanted = Opening(
            members=present.members if members is None else members,
            stores=present.stores if stores is None else stores,
        )
        if wanted != present:
            await repository.save_opening(code, wanted)
            await audit.record(
                viewer=viewer,
                action="provinces.open_set",
                object_type="Province",
                object_id=code,
                before=asdict(present),
                after=asdict(wanted),
                reason=checked,
                province_code=code,
            )
            await db.after_commit(cache.purge_provinces)
    (found,) = (each for each in await repository.list_provinces() if each.code == code)
    return found


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
