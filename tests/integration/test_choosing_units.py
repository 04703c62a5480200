"""What an operator chooses from: associations by page and search, and provinces with their openings."""

import pytest

from backend.core.errors import Forbidden, Unauthenticated
from backend.core.paging import InvalidCursor, PageSizeInvalid
from backend.core.permissions import Role
from backend.core.viewer import ANONYMOUS, SYSTEM, ActorKind, Scope, Viewer
from backend.organization import domain, service, units
from backend.organization.domain import Unit, UnitSearchInvalid
from tests.support.operators import operator

FARS = Scope(province_codes=frozenset({"IR-07"}))
ALL = (
    Unit("K-07-1", "کانون بازنشستگان شیراز", "IR-07", "شیراز"),
    Unit("K-07-2", "کانون بازنشستگان فسا", "IR-07", "فسا"),
    Unit("K-23-1", "کانون بازنشستگان پردیس", "IR-23", "پردیس"),
    Unit("K-21-1", "کانون بازنشستگان يزد", "IR-21", "یزد"),  # with the Arabic ye
)
ORDER = ["K-23-1", "K-07-1", "K-07-2", "K-21-1"]  # پ stands before ش in Persian


@pytest.fixture(autouse=True)
async def associations(db: None, cache: None) -> None:
    del db, cache
    await service.save_units(viewer=SYSTEM, branches=[], associations=ALL)


async def listed(
    viewer: Viewer, search: str | None = None, province: str | None = None, first: int = 100
) -> list[str]:
    """The codes of all pages, one after another."""
    found: list[str] = []
    after = None
    while True:
        page = await units.list_associations(
            viewer=viewer, province_code=province, search=search, first=first, after=after
        )
        assert 1 <= len(page.items) <= first or not found
        found += [each.code for each in page.items]
        if not page.has_next:
            return found
        after = page.cursors[-1]


@pytest.mark.parametrize("first", [1, 3, 4, 100])
async def test_associations_come_in_persian_order_page_by_page(first: int) -> None:
    assert await listed(operator(1, Role.ADMINISTRATOR), first=first) == ORDER


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("فسا", ["K-07-2"]),
        ("یزد", ["K-21-1"]),  # however the ye is written
        ("k-07", ["K-07-1", "K-07-2"]),
        ("بازنشستگان شیر", ["K-07-1"]),
        ("نشستگان", []),  # the middle of a word
        ("  ", ORDER),
    ],
)
@pytest.mark.parametrize("at_once", [1, 2, 500])
async def test_a_search_begins_words_and_reads_on_until_the_page_is_full(
    search: str, found: list[str], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "_READ_AT_ONCE", at_once)
    viewer = operator(1, Role.ADMINISTRATOR)

    assert await listed(viewer, search) == found
    assert await listed(viewer, search, first=1) == found


async def test_a_province_narrows_the_scope_and_never_widens_it() -> None:
    assert await listed(operator(1, Role.OBSERVER), province="IR-07") == ["K-07-1", "K-07-2"]
    assert await listed(operator(1, Role.OBSERVER, scope=FARS)) == ["K-07-1", "K-07-2"]
    assert await listed(operator(1, Role.OBSERVER, scope=FARS), province="IR-23") == []


async def test_what_is_no_page_is_refused() -> None:
    viewer = operator(1, Role.OBSERVER)
    page = await units.list_associations(
        viewer=viewer, province_code=None, search=None, first=1, after=None
    )
    with pytest.raises(InvalidCursor):
        await units.list_associations(
            viewer=viewer, province_code=None, search="فسا", first=1, after=page.cursors[0]
        )
    with pytest.raises(PageSizeInvalid):
        await listed(viewer, first=101)
    with pytest.raises(UnitSearchInvalid):
        await listed(viewer, "ا" * (domain.MAX_SEARCH_CHARACTERS + 1))


async def test_only_operators_choose() -> None:
    with pytest.raises(Unauthenticated):
        await listed(ANONYMOUS)
    member = Viewer(ActorKind.MEMBER, "member:1", subject=1, permissions=frozenset({"member.self"}))
    with pytest.raises(Forbidden):
        await listed(member)
    with pytest.raises(Forbidden):
        await service.list_openings(viewer=member)


async def test_provinces_are_those_of_the_scope_as_they_are_now() -> None:
    await service.open_provinces(viewer=SYSTEM, codes=["IR-07"])
    await service.set_opening(
        viewer=operator(1, Role.ADMINISTRATOR), code="IR-07", members=False, reason="پایان"
    )

    (fars,) = await service.list_openings(viewer=operator(2, Role.OBSERVER, scope=FARS))
    everything = await service.list_openings(viewer=operator(2, Role.OBSERVER))

    assert (fars.code, fars.open_for_members, fars.open_for_stores) == ("IR-07", False, True)
    assert fars.was_ever_open_for_members
    assert len(everything) == 31
    nothing = operator(2, Role.REGISTRAR, scope=Scope(association_id=1))
    assert await service.list_openings(viewer=nothing) == ()
