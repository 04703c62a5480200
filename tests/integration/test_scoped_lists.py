"""Each list that has a scope shows exactly the rows of the scope: the nation, two provinces, one association, nothing.

A repository's function that takes a scope has a row here, or this fails.
"""

import inspect
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from types import FunctionType

import pytest
from argon2 import PasswordHasher

import backend
from backend.access import passwords
from backend.core import clock
from backend.core.permissions import Role
from backend.core.viewer import Scope, Viewer
from backend.members import acting, finding, repository_finding
from backend.stores import managing, repository_managing
from tests.support import access, operators, places, scoped_staff
from tests.support.operators import member, operator
from tests.support.places import draft

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Country:
    """The rows there are, by name, and the associations; a member is in each of them."""

    members: dict[str, int]
    stores: dict[str, int]
    association_ids: tuple[int, int]

    @property
    def association_id(self) -> int:
        return self.association_ids[0]


@pytest.fixture
async def country(db: None, cache: None) -> AsyncIterator[Country]:
    del db, cache
    access.configure_keys()
    operators.let_everybody_act()
    ids = await operators.associations("A-1", "A-2")
    with clock.frozen(NOW):
        yield Country(
            members={
                name: await member(
                    "علی",
                    "احمدی",
                    phone="+989121234567",
                    pension_number=f"770{number}",
                    province_code=province,
                    association_code=unit,
                )
                for number, (name, province, unit) in enumerate(
                    (
                        ("fars 1", "IR-07", "A-1"),
                        ("fars 2", "IR-07", "A-2"),
                        ("tehran", "IR-23", None),
                        ("yazd", "IR-21", None),
                    )
                )
            },
            stores=await places.save(
                draft("fars", province_code="IR-07"),
                draft("tehran", province_code="IR-23"),
                draft("yazd", province_code="IR-21"),
            ),
            association_ids=(ids["A-1"], ids["A-2"]),
        )


def scopes(country: Country) -> dict[str, Scope]:
    return {
        "nation": Scope(nation=True),
        "two provinces": Scope(province_codes=frozenset({"IR-07", "IR-21"})),
        "association": Scope(association_id=country.association_id),
        "nothing": Scope(),
    }


MEMBERS = {
    "nation": {"fars 1", "fars 2", "tehran", "yazd"},
    "two provinces": {"fars 1", "fars 2", "yazd"},
    "association": {"fars 1"},
    "nothing": set(),
}
STORES = {
    "nation": {"fars", "tehran", "yazd"},
    "two provinces": {"fars", "yazd"},
    "association": set(),  # a store belongs to no association
    "nothing": set(),
}


async def _members_by_name(search: str, viewer: Viewer) -> set[int]:
    page = await finding.search_members(
        viewer=viewer, search=search, first=finding.MAX_FOUND, after=None
    )
    return {each.id for each in page.items}


async def _member_by_id(country: Country, viewer: Viewer) -> set[int]:
    reach = await acting.reach_of(viewer.scope)
    found = [
        await repository_finding.find_member(each, reach=reach) for each in country.members.values()
    ]
    return {each.id for each in found if each is not None}


async def _stores_listed(_country: Country, viewer: Viewer) -> set[int]:
    page = await managing.list_records(
        viewer=viewer, search=None, state=None, first=100, after=None
    )
    return {each.id for each in page.items}


async def _store_found(country: Country, viewer: Viewer) -> set[int]:
    found = [
        await repository_managing.find_record(each, scope=viewer.scope)
        for each in country.stores.values()
    ]
    return {each.id for each in found if each is not None}


async def _store_locked(country: Country, viewer: Viewer) -> set[int]:
    found = [
        await repository_managing.lock_record(each, scope=viewer.scope)
        for each in country.stores.values()
    ]
    return {each.id for each in found if each is not None}


async def _members_readable(country: Country, viewer: Viewer) -> set[int]:
    keys = country.members.values()
    return set(await finding.readable_ids(viewer=viewer, member_ids=keys))


async def _stores_readable(country: Country, viewer: Viewer) -> set[int]:
    keys = country.stores.values()
    return set(await managing.readable_ids(viewer=viewer, store_ids=keys))


Ask = Callable[[Country, Viewer], Awaitable[set[int]]]
LISTS: dict[str, tuple[Ask, dict[str, set[str]]]] = {
    "members.repository_finding.list_by_number": (
        lambda _country, viewer: _members_by_name("09121234567", viewer),
        MEMBERS,
    ),
    "members.repository_finding.list_by_name": (
        lambda _country, viewer: _members_by_name("احمدی", viewer),
        MEMBERS,
    ),
    "members.repository_finding.list_by_name, of several words": (
        lambda _country, viewer: _members_by_name("علی احمدی", viewer),
        MEMBERS,
    ),
    "members.repository_finding.find_member": (_member_by_id, MEMBERS),
    "members.repository_finding.list_ids": (_members_readable, MEMBERS),
    "stores.repository_managing.list_records": (_stores_listed, STORES),
    "stores.repository_managing.find_record": (_store_found, STORES),
    "stores.repository_managing.lock_record": (_store_locked, STORES),
    "stores.repository_managing.list_ids": (_stores_readable, STORES),
}
# These write a scope down, and find nothing by it.
WRITES = {
    "access.repository_operators.insert_operator",
    "access.repository_operators.save_roles",
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("scope", MEMBERS)
async def test_a_scoped_viewer_gets_exactly_the_scoped_rows(
    country: Country, name: str, scope: str
) -> None:
    ask, wanted = LISTS[name]
    viewer = operator(1, Role.SUPPORT, Role.STORE_MANAGER, scope=scopes(country)[scope])
    rows = country.members if wanted is MEMBERS else country.stores
    names = {key: each for each, key in rows.items()}

    assert {names[each] for each in await ask(country, viewer)} == wanted[scope]


@pytest.mark.parametrize("name", scoped_staff.LISTS)
async def test_a_scoped_colleague_gets_exactly_the_scoped_rows(
    country: Country, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(1, 64, 1))  # fast: nothing is guessed
    rows = await scoped_staff.made(country.stores, country.association_ids)
    ask, kept, wanted = scoped_staff.LISTS[name]
    keys: dict[str, int] = getattr(rows, kept)

    for shown, scope in scopes(country).items():
        viewer = operator(1, Role.AUDITOR, Role.STORE_MANAGER, scope=scope)
        found = await ask(rows, viewer)
        assert {each for each, key in keys.items() if key in found} == wanted[shown], shown
        assert found <= {*keys.values()}, shown


def scoped_queries() -> Iterator[str]:
    """Every public function of a repository that takes a scope or a reach."""
    for found in pkgutil.walk_packages(backend.__path__, "backend."):
        slice_name, _, module_name = found.name.removeprefix("backend.").partition(".")
        if not module_name.startswith("repository"):
            continue
        module = import_module(found.name)
        for name, function in vars(module).items():
            is_own = isinstance(function, FunctionType) and function.__module__ == found.name
            if not is_own or name.startswith("_"):
                continue
            if {"scope", "reach"} & inspect.signature(function).parameters.keys():
                yield f"{slice_name}.{module_name}.{name}"


def test_every_query_with_a_scope_is_among_them() -> None:
    tested = {each.partition(",")[0] for each in LISTS}

    assert set(scoped_queries()) - WRITES == tested | set(scoped_staff.LISTS)
