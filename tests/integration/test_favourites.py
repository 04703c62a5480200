"""Favourites: a member's own list in its order, its limit, and what a suspension does to it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.core import viewer
from backend.core.errors import Forbidden, NotFound, Unauthenticated
from backend.core.paging import InvalidCursor, PageSizeInvalid
from backend.core.viewer import ActorKind, Viewer
from backend.infra import db as database
from backend.stores import domain, favourites
from backend.stores.domain import TooManyFavourites
from tests.support import debts, places
from tests.support.places import draft

CODES = tuple("abcdef")


@pytest.fixture
async def stores(db: None) -> dict[str, int]:
    """Six stores, by code."""
    del db
    return await places.save(*(draft(code) for code in CODES))


@pytest.fixture
async def asking(stores: dict[str, int]) -> Viewer:
    """A member, signed in."""
    del stores
    return debts.viewer_of(await debts.member())


async def keep(asking: Viewer, *keys: int) -> None:
    for key in keys:
        await favourites.set_favourite(viewer=asking, store_id=key, favourite=True)


async def listed(asking: Viewer, first: int = 100) -> list[int]:
    page = await favourites.list_favourites(viewer=asking, first=first, after=None)
    return [store.id for store in page.items]


async def rows() -> int:
    found = await database.fetch("SELECT FROM store_favourite")
    return len(found)


async def test_the_newest_favourite_comes_first(stores: dict[str, int], asking: Viewer) -> None:
    await keep(asking, stores["a"], stores["c"], stores["b"])

    assert await listed(asking) == [stores["b"], stores["c"], stores["a"]]


async def test_a_favourite_set_again_stays_in_its_place(
    stores: dict[str, int], asking: Viewer
) -> None:
    await keep(asking, stores["a"], stores["b"])

    again = await favourites.set_favourite(viewer=asking, store_id=stores["a"], favourite=True)

    assert again.id == stores["a"]
    assert await listed(asking) == [stores["b"], stores["a"]]
    assert await rows() == 2


async def test_a_favourite_is_let_go_and_again(stores: dict[str, int], asking: Viewer) -> None:
    await keep(asking, stores["a"], stores["b"])

    for _ in range(2):
        gone = await favourites.set_favourite(viewer=asking, store_id=stores["a"], favourite=False)
        assert gone.id == stores["a"]

    assert await listed(asking) == [stores["b"]]


async def test_pages_follow_each_other_whatever_is_kept_meanwhile(
    stores: dict[str, int], asking: Viewer
) -> None:
    await keep(asking, *(stores[code] for code in "abcd"))
    page = await favourites.list_favourites(viewer=asking, first=2, after=None)
    await keep(asking, stores["e"])
    await favourites.set_favourite(viewer=asking, store_id=stores["c"], favourite=False)

    rest = await favourites.list_favourites(viewer=asking, first=2, after=page.cursors[-1])

    assert [each.id for each in page.items] == [stores["d"], stores["c"]]
    assert page.has_next
    assert [each.id for each in rest.items] == [stores["b"], stores["a"]]
    assert not rest.has_next


async def test_a_cursor_is_of_one_member_only(stores: dict[str, int], asking: Viewer) -> None:
    await keep(asking, stores["a"])
    page = await favourites.list_favourites(viewer=asking, first=1, after=None)
    other = debts.viewer_of(await debts.member())

    with pytest.raises(InvalidCursor):
        await favourites.list_favourites(viewer=other, first=1, after=page.cursors[0])


@pytest.mark.parametrize("first", [0, 101])
async def test_a_page_has_its_limits(asking: Viewer, first: int) -> None:
    with pytest.raises(PageSizeInvalid):
        await favourites.list_favourites(viewer=asking, first=first, after=None)


async def test_each_member_has_a_list_of_the_own(stores: dict[str, int], asking: Viewer) -> None:
    other = debts.viewer_of(await debts.member())
    await keep(asking, stores["a"])
    await keep(other, stores["a"], stores["b"])

    await favourites.set_favourite(viewer=other, store_id=stores["a"], favourite=False)

    assert await listed(asking) == [stores["a"]]
    assert await listed(other) == [stores["b"]]
    everything = list(stores.values())
    assert await favourites.favourite_ids(viewer=asking, store_ids=everything) == {stores["a"]}
    assert await favourites.favourite_ids(viewer=other, store_ids=everything) == {stores["b"]}


async def test_a_suspended_favourite_is_hidden_until_the_suspension_ends(
    stores: dict[str, int], asking: Viewer
) -> None:
    await keep(asking, stores["a"], stores["b"], stores["c"])

    await places.suspend("b")
    hidden = await listed(asking)
    await database.execute("UPDATE store SET state = 'ACTIVE' WHERE code = 'b'")

    assert hidden == [stores["c"], stores["a"]]
    assert await listed(asking) == [stores["c"], stores["b"], stores["a"]]


async def test_a_suspended_store_can_be_let_go_but_not_kept(
    stores: dict[str, int], asking: Viewer
) -> None:
    await keep(asking, stores["a"])
    await places.suspend("a")
    await places.suspend("b")

    gone = await favourites.set_favourite(viewer=asking, store_id=stores["a"], favourite=False)

    assert gone.id == stores["a"]
    for favourite in (True, False):
        for code in "ab":
            with pytest.raises(NotFound):
                await favourites.set_favourite(
                    viewer=asking, store_id=stores[code], favourite=favourite
                )
    assert await rows() == 0


@pytest.mark.parametrize("favourite", [True, False])
async def test_a_store_that_never_was_is_not_found(asking: Viewer, favourite: bool) -> None:
    with pytest.raises(NotFound) as refusal:
        await favourites.set_favourite(viewer=asking, store_id=999_999, favourite=favourite)

    assert refusal.value.field == ("storeId",)
    assert await rows() == 0


async def test_a_member_keeps_at_most_500(
    stores: dict[str, int], asking: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert domain.MAX_FAVOURITES == 500
    monkeypatch.setattr(domain, "MAX_FAVOURITES", 3)
    await keep(asking, stores["a"], stores["b"], stores["c"])

    with pytest.raises(TooManyFavourites) as refusal:
        await keep(asking, stores["d"])

    assert refusal.value.data == {"most": 3}
    assert await listed(asking) == [stores["c"], stores["b"], stores["a"]]
    await keep(asking, stores["a"])  # is one of them already
    await favourites.set_favourite(viewer=asking, store_id=stores["b"], favourite=False)
    await keep(asking, stores["d"])
    assert await listed(asking) == [stores["d"], stores["c"], stores["a"]]


async def test_the_500_do_not_count_what_is_suspended(
    stores: dict[str, int], asking: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "MAX_FAVOURITES", 2)
    await keep(asking, stores["a"], stores["b"])
    await places.suspend("a")

    await keep(asking, stores["c"])

    assert await listed(asking) == [stores["c"], stores["b"]]


async def test_many_at_once_never_pass_the_limit(
    stores: dict[str, int], asking: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "MAX_FAVOURITES", 4)

    outcomes = await asyncio.gather(
        *(keep(asking, stores[code]) for code in CODES), return_exceptions=True
    )

    assert sum(isinstance(each, TooManyFavourites) for each in outcomes) == 2
    assert sum(each is None for each in outcomes) == 4
    assert await rows() == 4


async def test_the_same_at_once_is_kept_once(stores: dict[str, int], asking: Viewer) -> None:
    await asyncio.gather(*(keep(asking, stores["a"]) for _ in range(6)))

    assert await rows() == 1


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(st.tuples(st.sampled_from(CODES), st.booleans()), max_size=20),
    first=st.integers(1, 4),
)
async def test_the_list_is_what_was_kept_and_not_let_go(
    stores: dict[str, int], asking: Viewer, steps: list[tuple[str, bool]], first: int
) -> None:
    """Any order of taps, read in pages of any size, is an ordered set."""
    await database.execute("DELETE FROM store_favourite")
    expected: list[int] = []
    for code, favourite in steps:
        key = stores[code]
        await favourites.set_favourite(viewer=asking, store_id=key, favourite=favourite)
        if favourite and key not in expected:
            expected.insert(0, key)
        elif not favourite and key in expected:
            expected.remove(key)

    found = [each async for each in walk(asking, first)]

    assert found == expected


async def walk(asking: Viewer, first: int) -> AsyncIterator[int]:
    after: str | None = None
    while True:
        page = await favourites.list_favourites(viewer=asking, first=first, after=after)
        for store in page.items:
            yield store.id
        if not page.has_next:
            return
        after = page.cursors[-1]


async def test_nobody_without_a_member_has_favourites(stores: dict[str, int]) -> None:
    operator = Viewer(ActorKind.OPERATOR, actor="operator:1")
    for asking, refusal in (
        (viewer.ANONYMOUS, Unauthenticated),
        (operator, Forbidden),
        (viewer.SYSTEM, NotFound),
    ):
        with database.count_statements() as counted:
            with pytest.raises(refusal):
                await keep(asking, stores["a"])
            with pytest.raises(refusal):
                await listed(asking)
            assert await favourites.favourite_ids(viewer=asking, store_ids=[1]) == frozenset()
        assert counted.count == 0

    assert await rows() == 0


async def test_a_page_is_one_statement_and_reads_only_its_rows(
    stores: dict[str, int], asking: Viewer
) -> None:
    await places.fill(2_000)
    assert asking.subject is not None
    await database.execute(
        "INSERT INTO store_favourite (member_id, store_id) SELECT $1, id FROM store ORDER BY id LIMIT 500",
        asking.subject,
    )
    await database.execute("VACUUM ANALYZE store_favourite")

    with database.count_statements() as counted:
        assert len(await listed(asking, first=50)) == 50

    assert counted.count == 1
    for scan in await debts.scans(lambda: listed(asking, first=10), "store_favourite f"):
        assert "Seq Scan on store_favourite" not in scan.text
        assert scan.most_rows <= 11 * 7  # each with the opening periods of its week
