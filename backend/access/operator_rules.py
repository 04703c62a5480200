"""Rules of operators' accounts: which roles may be given by whom, and what of an account is shown and approved."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import orjson

from backend.access.staff_refusals import RolesConflict, RolesMissing, ScopeTooWide
from backend.core import permissions
from backend.core.viewer import Scope
from backend.organization.domain import UnknownAssociation, UnknownProvince

if TYPE_CHECKING:
    from collections.abc import Collection

    from backend.access.staff import Operator
    from backend.core.permissions import Role
    from backend.core.viewer import Viewer

_SHOWN_CODE_CHARACTERS = 10  # of a province's code that is none


def check_roles(roles: frozenset[Role], scope: Scope, *, giver: Viewer) -> None:
    """Raise RolesMissing, RolesConflict, or ScopeTooWide where the giver may not give these."""
    scopes = (scope.nation, bool(scope.province_codes), scope.association_id is not None)
    if not roles or sum(scopes) != 1:
        raise RolesMissing(field=("roles",) if not roles else ("scope",))
    check_conflict(roles)
    if not giver.scope.includes(scope):
        raise ScopeTooWide(field=("scope",))


def check_known(scope: Scope, *, provinces: Collection[str], associations: Collection[int]) -> None:
    """Raise UnknownProvince or UnknownAssociation where a scope names what is none."""
    for code in sorted(scope.province_codes - {*provinces}):
        raise UnknownProvince(field=("scope", "provinceCodes"), code=code[:_SHOWN_CODE_CHARACTERS])
    if scope.association_id is not None and scope.association_id not in associations:
        raise UnknownAssociation(field=("scope", "associationId"))


def check_conflict(roles: frozenset[Role]) -> None:
    """Raise RolesConflict where these roles may not be joined in one person."""
    if permissions.conflict(roles):
        raise RolesConflict(field=("roles",))


def place_of(*scopes: Scope) -> tuple[str | None, int | None]:
    """The province and the association where an approval about these scopes lies.

    Who decides sees all of each: where they are not one and the same province or association, that is nobody but who
    sees the whole nation, for which both are None.
    """
    one = scopes[0]
    return one.one_place if all(each == one for each in scopes) else (None, None)


def fingerprint_of(operator: Operator, *, phone: str, new_phone: str = "") -> str:
    """Of all that an approver decides by: who it is, what they may do, in which state the account is, and the blind
    indexes of the phone that an invitation goes to, and of the one that it is to go to from now on.
    """
    content = [operator.id, operator.user_name, operator.name, phone, shown(operator)]
    if new_phone:
        content.append(new_phone)
    return hashlib.sha256(orjson.dumps(content)).hexdigest()


def shown(operator: Operator) -> dict[str, object]:
    """What approver and trail are shown of an account; the user name is no personal number."""
    return {
        "user_name": operator.user_name,
        "office": operator.office,
        "state": operator.state,
        "roles": sorted(operator.roles),
        "scope": shown_scope(operator.scope),
    }


def shown_scope(scope: Scope) -> dict[str, object]:
    return {
        "nation": scope.nation,
        "provinces": sorted(scope.province_codes),
        "association_id": scope.association_id,
    }


def scope_of(given: object) -> Scope:
    assert isinstance(given, dict)  # noqa: S101 - as `shown_scope` has written it
    association_id = given["association_id"]
    return Scope(
        nation=bool(given["nation"]),
        province_codes=frozenset(texts(given["provinces"])),
        association_id=None if association_id is None else int(association_id),
    )


def texts(given: object) -> list[str]:
    assert isinstance(given, list)  # noqa: S101 - as it was written
    return [str(each) for each in given]
