"""What a provincial operator does lies in the province, for its auditor to see, also what is about nothing there."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from backend.access import break_glass
from backend.access.staff_refusals import CredentialsInvalid
from backend.audit import service as audit
from backend.audit.domain import StoredEntry, TrailFilter
from backend.core import clock
from backend.core.permissions import Role
from backend.core.viewer import SYSTEM, Scope, Viewer
from backend.members import finding
from tests.support import access, operators, staff
from tests.support.operators import operator
from tests.support.staff import Colleague

NOW = datetime(2026, 11, 21, 8, 30, 15, tzinfo=UTC)
FARS, TEHRAN = (Scope(province_codes=frozenset({code})) for code in ("IR-07", "IR-23"))
BOTH = Scope(province_codes=frozenset({"IR-07", "IR-23"}))


@pytest.fixture(autouse=True)
async def at_noon(db: None, cache: None) -> AsyncIterator[None]:
    del db, cache
    access.configure_keys()
    with clock.frozen(NOW):
        await staff.new_operator(Role.AUDITOR, phone="+989121234500")  # without one, no emergency
        yield


async def entries(viewer: Viewer) -> list[StoredEntry]:
    page = await audit.list_entries(viewer=viewer, asked=TrailFilter(), first=100, after=None)
    return list(page.items)


def auditor(scope: Scope) -> Viewer:
    return operator(900, Role.AUDITOR, scope=scope)


async def act(colleague: Colleague) -> None:
    """A wrong password, a right one, a search, an emergency."""
    with pytest.raises(CredentialsInvalid):
        await staff.sign_in(colleague, password="wrong")  # noqa: S106
    viewer = await staff.viewer_of(colleague)
    await finding.search_members(viewer=viewer, search="احمدی", first=5, after=None)
    await break_glass.break_glass(viewer=viewer, role=Role.REGISTRAR, reason="سیل", hours=1)


async def test_an_auditor_of_a_province_sees_what_its_operators_do_and_no_others() -> None:
    made = {
        name: await staff.new_operator(Role.SUPPORT, scope=scope)
        for name, scope in (
            ("fars", FARS),
            ("tehran", TEHRAN),
            ("both", BOTH),
            ("nation", operators.NATION),
        )
    }
    before = len(await entries(SYSTEM))
    for colleague in made.values():
        await act(colleague)

    seen = await entries(auditor(FARS))
    fars = made["fars"].id
    assert [(each.action, each.actor) for each in seen] == [
        ("break_glass.begin", f"operator:{fars}"),
        ("members.search", f"operator:{fars}"),
        ("operator.sign_in", f"operator:{fars}"),
        ("operator.sign_in_failed", "anonymous"),
    ]
    assert seen[-1].object_id == str(fars)
    assert len(await entries(auditor(operators.NATION))) == before + 4 * len(made)
    assert await entries(auditor(Scope(province_codes=frozenset({"IR-21"})))) == []


async def test_an_auditor_of_an_association_sees_what_its_operators_do() -> None:
    ids = await operators.associations("A-1", "A-2")
    for code in ids:
        await act(await staff.new_operator(Role.SUPPORT, scope=Scope(association_id=ids[code])))

    seen = await entries(auditor(Scope(association_id=ids["A-1"])))

    assert len(seen) == 4
    assert {each.actor for each in seen} - {"anonymous"} == {seen[0].actor}
    assert await entries(auditor(FARS)) == []


async def test_where_the_object_lies_goes_before_where_the_operator_does() -> None:
    for given in ({"province_code": "IR-23"}, {"association_id": 5}):
        await audit.record(
            viewer=operator(1, Role.SUPPORT, scope=FARS),
            action="test.done",
            object_type="Thing",
            object_id="1",
            **given,
        )

    assert await entries(auditor(FARS)) == []
    assert len(await entries(auditor(TEHRAN))) == 1
    assert len(await entries(auditor(Scope(association_id=5)))) == 1
