"""The stores of a member's purchases come from memory where it is fresh, and are as by graphql-core."""

import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest

from backend.core.locale import Locale
from backend.infra import db as database
from backend.infra.readviews import sharing
from backend.infra.readviews.statements import Statement
from backend.stores import directory
from backend.stores.directory import Directory
from schema.execution import remembered_stores
from tests.support import compiled, directories, member_scene
from tests.support.directories import Kept
from tests.support.member_scene import Scene

# With what JSON escapes, and with the byte that stands around a hole.
ODD = "نیم‌فاصلهٔ \"او\" \\ 'هم'\t\x010:1\x01\x7f😀 %s $1"
STORE = """__typename id kind name address city phones active category { id label: name __typename }
  location { latitude longitude } terms { minMonths maxMonths minAmount maxAmount }"""
BOTH = f"""{{ me {{ firstName
  purchasesAwaitingMe {{ id store {{ {STORE} }} }}
  purchases(first: 100) {{ edges {{ node {{ store {{ name }} again: store {{ {STORE} }} }} }} }} }} }}"""
NAMES = "{ me { purchases(first: 100) { edges { node { store { name } } } } } }"


@pytest.fixture
async def scene(db: None, cache: None) -> Scene:
    """A member who bought in a place that is open and in one that was suspended since."""
    del db, cache
    found = await member_scene.set_up()
    await database.execute("UPDATE store SET name = $1, phones = $2", ODD, ["+982166001122", ODD])
    return found


@pytest.fixture
async def kept(
    scene: Scene, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Kept]:
    """The places of the scene in memory, which do not grow old."""
    del scene
    monkeypatch.setattr(directory, "FRESH_SECONDS", 3_600)
    monkeypatch.setattr(directory, "_this_process", Directory())
    async with directories.kept(database_url, directory.current()) as found:
        yield found


async def names(scene: Scene) -> tuple[set[str], int]:
    """The names of the stores that the member bought in, and how many statements it took."""
    with database.count_statements() as counter:
        answer = await compiled.answer(compiled.operation(NAMES), scene.viewer)
    edges = orjson.loads(answer)["data"]["me"]["purchases"]["edges"]
    return {edge["node"]["store"]["name"] for edge in edges}, counter.count


@pytest.mark.parametrize("locale", list(Locale))
async def test_stores_are_as_by_graphql_core(scene: Scene, kept: Kept, locale: Locale) -> None:
    assert len(kept.directory.places) == 1

    data = await compiled.both(BOTH, scene.viewer, locale=locale)

    me = data["me"]
    assert isinstance(me, dict)
    stores = [edge["node"]["again"] for edge in me["purchases"]["edges"]]
    assert {(store["active"], store["name"]) for store in stores} == {(True, ODD), (False, ODD)}


async def test_a_suspended_place_takes_one_statement_more(scene: Scene, kept: Kept) -> None:
    assert await names(scene) == ({ODD}, 2)

    await database.execute("UPDATE store SET state = 'ACTIVE'")
    await kept.refresh()

    assert await names(scene) == ({ODD}, 1)


async def test_a_change_is_seen_when_memory_sees_it(scene: Scene, kept: Kept) -> None:
    for name in ("یک", "دو"):
        await database.execute("UPDATE store SET name = $1", name)
        await kept.refresh()

        assert (await names(scene))[0] == {name}

    await database.execute("UPDATE store SET state = 'SUSPENDED', name = 'سه'")
    await kept.refresh()

    assert await names(scene) == ({"سه"}, 2)


async def test_where_memory_is_not_fresh_sql_writes_the_stores(
    scene: Scene, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    await names(scene)
    await database.execute("UPDATE store SET name = 'تازه'")
    monkeypatch.setattr(directory, "FRESH_SECONDS", 0)

    assert await names(scene) == ({"تازه"}, 1)
    del kept


async def test_memory_that_goes_stale_meanwhile_fills_nothing_in(
    scene: Scene, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    await names(scene)
    await database.execute("UPDATE store SET name = 'تازه'")
    found: list[Directory | None] = [kept.directory, None]
    monkeypatch.setattr(remembered_stores, "remembered", lambda: found.pop(0))

    assert await names(scene) == ({"تازه"}, 2)
    assert not found


async def test_what_is_kept_is_bounded(
    scene: Scene, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    del kept
    monkeypatch.setattr(remembered_stores, "MAX_KEPT", 2)

    for _ in range(5):
        await names(scene)

    assert 1 <= len(remembered_stores._kept) <= 2


async def test_who_gives_up_lets_go_of_the_stores_that_are_read(
    scene: Scene, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    del kept
    asked: list[sharing.Answer] = []
    has_asked = asyncio.Event()
    real = sharing.ask

    def ask(statement: Statement, arguments: tuple[object, ...]) -> sharing.Answer:
        if not statement.is_common:
            return real(statement, arguments)
        asked.append(asyncio.get_running_loop().create_future())  # the server says nothing
        has_asked.set()
        return asked[-1]

    monkeypatch.setattr(sharing, "ask", ask)
    task = asyncio.ensure_future(names(scene))
    await has_asked.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert all(each.cancelled() for each in asked)
