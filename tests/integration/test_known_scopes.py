"""A scope that names no province or association of the country is refused before anything is written."""

import pytest

from backend.access import jobs as access_jobs
from backend.access import operator_requests
from backend.access.operator_requests import NewOperator
from backend.approvals import service as approvals
from backend.core.errors import DomainError
from backend.core.permissions import Role
from backend.core.viewer import Scope, Viewer
from backend.infra import db as database
from backend.organization.domain import UnknownAssociation, UnknownProvince
from tests.support import operators as people
from tests.support import staff as support
from tests.support.access import configure_keys

WHY = "برای آزمون"
UNKNOWN = [
    (Scope(province_codes=frozenset({"IR-99"})), UnknownProvince),
    (Scope(province_codes=frozenset({"IR-07", "IR-99"})), UnknownProvince),
    (Scope(province_codes=frozenset({"IR-07" * 40})), UnknownProvince),
    (Scope(province_codes=frozenset({""})), UnknownProvince),
    (Scope(association_id=999_999), UnknownAssociation),
    (Scope(association_id=2**63 - 1), UnknownAssociation),
]


@pytest.fixture
async def administrator(db: None, cache: None) -> Viewer:
    del db, cache
    configure_keys()
    assert operator_requests.ROLES in approvals.registered(), access_jobs
    return await support.viewer_of(await support.new_operator(Role.ADMINISTRATOR))


async def written() -> list[object]:
    return [
        tuple(row)
        for table in ("operator", "approval", "audit_entry")
        for row in await database.fetch(f"SELECT t::text FROM {table} t ORDER BY 1")
    ]


@pytest.mark.parametrize(("scope", "refused"), UNKNOWN)
async def test_an_account_is_not_asked_for_where_there_is_no_such_place(
    administrator: Viewer, scope: Scope, refused: type[DomainError]
) -> None:
    target = await support.new_operator(Role.OBSERVER)
    new = NewOperator(
        user_name="sara",
        name="سارا رضایی",
        office="شعبهٔ شیراز",
        roles=frozenset({Role.SUPPORT}),
        scope=scope,
        national_code="0012345679",
        phone="09121234567",
    )
    before = await written()

    with pytest.raises(refused):
        await operator_requests.ask_for_operator(viewer=administrator, new=new, reason=WHY)
    with pytest.raises(refused):
        await operator_requests.ask_for_roles(
            viewer=administrator,
            operator_id=target.id,
            roles=frozenset({Role.SUPPORT}),
            scope=scope,
            office=None,
            reason=WHY,
        )

    assert await written() == before


async def test_an_association_that_there_is_can_be_the_scope(administrator: Viewer) -> None:
    target = await support.new_operator(Role.OBSERVER)
    (key,) = (await people.associations("K1")).values()

    _, approval = await operator_requests.ask_for_roles(
        viewer=administrator,
        operator_id=target.id,
        roles=frozenset({Role.SUPPORT}),
        scope=Scope(association_id=key),
        office=None,
        reason=WHY,
    )

    assert approval.after["scope"] == {"nation": False, "provinces": [], "association_id": key}
