"""What operators who act on a member's file ask of it, here and in the slices above; within their scope."""

from typing import Final

from backend.core.errors import NotFound
from backend.core.locale import Locale
from backend.core.viewer import Scope, Viewer
from backend.infra import sealing
from backend.infra.sealing import Sealed
from backend.members import repository as members
from backend.members import repository_finding, repository_freezing, seals
from backend.members.domain import HeldFile, Member, Reach
from backend.organization import service as organization

OBJECT: Final = "Member"  # in the trail and in approvals
_NOBODY = Reach(is_nation=False, province_codes=())


async def get_in_scope(*, viewer: Viewer, permission: str, member_id: int) -> Member:
    """A member on whose file the viewer is about to act; not recorded as a read: the act is.

    Raises Unauthenticated, Forbidden, NotFound (outside the scope, too), OwnFile.
    """
    viewer.require(permission)
    viewer.require_not_own_file(member_id)
    found = await repository_finding.find_member(member_id, reach=await reach_of(viewer.scope))
    if found is None:
        raise NotFound
    return found


async def association_id_of(member: Member | HeldFile) -> int | None:
    """The association of a member, by the id that scopes name it by; None where the file names none that exists."""
    code = member.association_code
    if code is None:
        return None
    unit = (await organization.associations_by_code([code])).get(code)
    return None if unit is None else unit.id


async def reach_of(scope: Scope) -> Reach:
    """A scope in the words of a member's file; one without any part reaches nobody."""
    if scope.nation:
        provinces = await organization.list_provinces()
        return Reach(is_nation=True, province_codes=tuple(each.code for each in provinces))
    if scope.association_id is not None:
        association = await organization.find_association(scope.association_id)
        if association is None:
            return _NOBODY
        return Reach(is_nation=False, province_codes=(), association_code=association.code)
    return Reach(is_nation=False, province_codes=tuple(sorted(scope.province_codes)))


def national_code_of(*, viewer: Viewer, permission: str, member: Member) -> str:
    """The whole national code, for a question to somebody who needs it; never for an answer.

    Raises Unauthenticated, Forbidden, SealBroken.
    """
    viewer.require(permission)
    sealed = member.national_code
    return seals.open_national_code(
        Sealed(sealed.ciphertext, sealed.key_id), index=sealed.index, sealer=sealing.current()
    )


async def find_reachable(member_id: int) -> tuple[str, Locale] | None:
    """The phone and the language of a member; None where there is no phone. For jobs, never for an answer."""
    found = await members.find_member(member_id)
    if found is None or found.phone is None:
        return None
    return found.phone, found.preferences.locale


async def lock_file(member_id: int) -> HeldFile:
    """State and phone of a member, who is locked until the transaction ends. Raises NotFound."""
    held = await repository_freezing.lock_file(member_id)
    if held is None:
        raise NotFound
    return held


async def save_phone(member_id: int, phone: str) -> None:
    """Write the phone (E.164) of a member whom the caller has locked; the caller ends what the former one opened."""
    await repository_freezing.save_phone(member_id, phone)
