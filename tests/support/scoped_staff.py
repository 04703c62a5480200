"""Approvals, the trail, operators and tills of several provinces and associations, and who lists them by a scope."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from backend.access import (
    break_glass,
    colleagues,
    repository_break_glass,
    repository_operators,
    repository_store_staff,
    store_staff,
)
from backend.access import operators as operators_service
from backend.access import staff as staff_domain
from backend.approvals import reading
from backend.approvals import repository as approvals_repository
from backend.audit import service as audit
from backend.audit.domain import TrailFilter
from backend.core import clock
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM, Scope, Viewer
from backend.organization import units
from tests.support import approval_worker, operators, scoped_imports, staff

ACTION = "test.scoped"
# The province and the number of the association of each approval and entry; "of nowhere" is of neither.
PLACES: dict[str, tuple[str | None, int | None]] = {
    "fars 1": ("IR-07", 1),
    "fars 2": ("IR-07", 2),
    "tehran": ("IR-23", None),
    "yazd": ("IR-21", None),
    "of nowhere": (None, None),
}
PLACED = {
    "nation": {"fars 1", "fars 2", "tehran", "yazd", "of nowhere"},
    "two provinces": {"fars 1", "fars 2", "yazd"},
    "association": {"fars 1"},
    "nothing": set(),
}
# An operator is seen by whose scope holds all of the operator's.
COLLEAGUES = {
    "nation": {
        "nation",
        "fars",
        "fars and yazd",
        "fars and tehran",
        "association 1",
        "association 2",
    },
    "two provinces": {"fars", "fars and yazd"},
    "association": {"association 1"},
    "nothing": set(),
}
TILLS = {
    "nation": {"fars", "tehran", "yazd"},
    "two provinces": {"fars", "yazd"},
    "association": set(),  # a store belongs to no association
    "nothing": set(),
}
ASSOCIATIONS = {
    "nation": {"1", "2"},
    "two provinces": {"1", "2"},
    "association": {"1"},
    "nothing": set(),
}


@dataclass(frozen=True)
class Rows:
    """The keys of what there is, by the names above; a store's till by the store's name."""

    approvals: dict[str, int]
    entries: dict[str, int]
    colleagues: dict[str, int]
    stores: dict[str, int]
    devices: dict[str, int]
    cashiers: dict[str, int]
    imports: dict[str, int]
    associations: dict[str, int]


async def made(stores: dict[str, int], associations: tuple[int, int]) -> Rows:
    """All of it: for the stores that there are, and associations numbered 1 and 2."""
    numbers = {None: None, 1: associations[0], 2: associations[1]}
    asked = {}
    for place, (name, (province, number)) in enumerate(PLACES.items()):
        approval = await approval_worker.ask(
            approval_worker.operator(900),
            object_id=str(place),
            province_code=province,
            association_id=numbers[number],
        )
        asked[name] = approval.id
        await audit.record(
            viewer=SYSTEM,
            action=ACTION,
            object_type="Thing",
            object_id=name,
            province_code=province,
            association_id=numbers[number],
        )
    everything = await audit.list_entries(
        viewer=SYSTEM, asked=TrailFilter(action=ACTION), first=100, after=None
    )
    scopes = {
        "nation": Scope(nation=True),
        "fars": Scope(province_codes=frozenset({"IR-07"})),
        "fars and yazd": Scope(province_codes=frozenset({"IR-07", "IR-21"})),
        "fars and tehran": Scope(province_codes=frozenset({"IR-07", "IR-23"})),
        "association 1": Scope(association_id=associations[0]),
        "association 2": Scope(association_id=associations[1]),
    }
    keeper = operators.operator(901, Role.STORE_MANAGER)
    devices, cashiers = {}, {}
    for name, store_id in stores.items():
        given = await store_staff.give_device_code(viewer=keeper, store_id=store_id, name="صندوق")
        devices[name] = given.device.id
        cashier = await store_staff.make_cashier(
            viewer=keeper, store_id=store_id, user_name="ali", name="علی"
        )
        cashiers[name] = cashier.cashier.id
    colleagues = {
        name: (await staff.new_operator(Role.OBSERVER, scope=scope)).id
        for name, scope in scopes.items()
    }
    for operator_id in colleagues.values():
        await repository_break_glass.insert_use(
            operator_id=operator_id,
            role=Role.SUPPORT,
            reason="برای آزمون",
            at=clock.now(),
            ends_at=clock.now() + timedelta(hours=1),
        )
    return Rows(
        approvals=asked,
        entries={each.object_id: each.id for each in everything.items},
        colleagues=colleagues,
        stores=stores,
        devices=devices,
        cashiers=cashiers,
        imports=await scoped_imports.made(),
        associations={"1": associations[0], "2": associations[1]},
    )


async def _approvals(rows: Rows, viewer: Viewer) -> set[int]:
    del rows
    page = await reading.list_approvals(viewer=viewer, state=None, kind=None, first=100, after=None)
    return {each.id for each in page.items}


async def _approvals_found(rows: Rows, viewer: Viewer) -> set[int]:
    found = [
        await reading.find_approval(viewer=viewer, approval_id=key)
        for key in rows.approvals.values()
    ]
    return {each.id for each in found if each is not None}


async def _approvals_open(rows: Rows, viewer: Viewer) -> set[int]:
    keys = {str(place) for place, _ in enumerate(rows.approvals)}
    found = await reading.list_open_about(viewer=viewer, object_type="Thing", object_ids=keys)
    return {each.id for approvals in found.values() for each in approvals}


async def _approvals_locked(rows: Rows, viewer: Viewer) -> set[int]:
    found = [
        await approvals_repository.lock(key, scope=viewer.scope) for key in rows.approvals.values()
    ]
    return {each.id for each in found if each is not None}


async def _entries(rows: Rows, viewer: Viewer) -> set[int]:
    del rows
    page = await audit.list_entries(
        viewer=viewer, asked=TrailFilter(action=ACTION), first=100, after=None
    )
    return {each.id for each in page.items}


async def _operators(rows: Rows, viewer: Viewer) -> set[int]:
    del rows
    page = await operators_service.list_operators(
        viewer=viewer, first=100, after=None, search=None, role=None
    )
    return {each.id for each in page.items}


async def _colleagues_known(rows: Rows, viewer: Viewer) -> set[int]:
    """Those whose account is told; the names of all are."""
    actors = [staff_domain.operator_actor(each) for each in rows.colleagues.values()]
    found = await colleagues.behind(viewer=viewer, actors=actors)
    assert {*found} == {*actors}
    return {each.account_id for each in found.values() if each.account_id is not None}


async def _associations(rows: Rows, viewer: Viewer) -> set[int]:
    del rows
    page = await units.list_associations(
        viewer=viewer, province_code=None, search=None, first=100, after=None
    )
    return {each.id for each in page.items}


async def _emergencies(rows: Rows, viewer: Viewer) -> set[int]:
    """By the operators whose emergencies are shown."""
    del rows
    page = await break_glass.list_uses(viewer=viewer, first=100, after=None)
    return {each.operator_id for each in page.items}


async def _operators_found(rows: Rows, viewer: Viewer) -> set[int]:
    found = [
        await repository_operators.find_operator(key, scope=viewer.scope)
        for key in rows.colleagues.values()
    ]
    return {each.id for each in found if each is not None}


async def _tills(rows: Rows, viewer: Viewer) -> set[int]:
    found = [
        await repository_store_staff.find_till(key, scope=viewer.scope)
        for key in rows.stores.values()
    ]
    return {each.store_id for each in found if each is not None}


async def _cashiers(rows: Rows, viewer: Viewer) -> set[int]:
    found = [
        await repository_store_staff.lock_cashier(key, scope=viewer.scope)
        for key in rows.cashiers.values()
    ]
    return {each[0].id for each in found if each is not None}


async def _devices(rows: Rows, viewer: Viewer) -> set[int]:
    found = [
        await repository_store_staff.lock_device(key, scope=viewer.scope)
        for key in rows.devices.values()
    ]
    return {each.id for each in found if each is not None}


Ask = Callable[[Rows, Viewer], Awaitable[set[int]]]
# By the repository's function: who asks it, the name of the keys in `Rows`, and which of them each scope is shown.
LISTS: dict[str, tuple[Ask, str, dict[str, set[str]]]] = {
    "approvals.repository_looking.list_approvals": (_approvals, "approvals", PLACED),
    "approvals.repository_looking.list_seen": (_approvals_found, "approvals", PLACED),
    "approvals.repository_looking.list_open": (_approvals_open, "approvals", PLACED),
    "approvals.repository.lock": (_approvals_locked, "approvals", PLACED),
    "imports.repository.list_imports": (scoped_imports.listed, "imports", scoped_imports.IMPORTS),
    "audit.repository.list_entries": (_entries, "entries", PLACED),
    "access.repository_operators.list_operators": (_operators, "colleagues", COLLEAGUES),
    "access.repository_break_glass.list_uses": (_emergencies, "colleagues", COLLEAGUES),
    "access.repository_operators.find_operator": (_operators_found, "colleagues", COLLEAGUES),
    "access.repository_colleagues.list_colleagues": (_colleagues_known, "colleagues", COLLEAGUES),
    "organization.repository.list_associations_by_name": (
        _associations,
        "associations",
        ASSOCIATIONS,
    ),
    "access.repository_store_staff.find_till": (_tills, "stores", TILLS),
    "access.repository_store_staff.lock_cashier": (_cashiers, "cashiers", TILLS),
    "access.repository_store_staff.lock_device": (_devices, "devices", TILLS),
}
