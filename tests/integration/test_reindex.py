"""What places are found by is made anew, in batches, and nothing else of them changes."""

import pytest

from backend.core.errors import Forbidden, Unauthenticated
from backend.core.viewer import ANONYMOUS, SYSTEM, ActorKind, Viewer
from backend.infra import db as database
from backend.stores import reindexing
from backend.stores.reindexing import ReindexOutcome, reindex_stores
from tests.support import places
from tests.support.places import draft

DERIVED = "name_sort_key, name_compact, search_document"


async def derived() -> list[tuple[object, ...]]:
    rows = await database.fetch(f"SELECT {DERIVED} FROM store ORDER BY code")
    return [tuple(row) for row in rows]


async def shown() -> list[str]:
    """Every other column of every place, its version and time of change too."""
    rows = await database.fetch(
        "SELECT (to_jsonb(s) - string_to_array($1, ', '))::text AS rest FROM store s ORDER BY code",
        DERIVED,
    )
    return [row["rest"] for row in rows]


@pytest.fixture
async def right(db: None, monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Five places, two a batch; gives what they are found by."""
    monkeypatch.setattr(reindexing, "BATCH", 2)
    await places.save(*(draft(f"S{number}", name=f"کتاب‌فروشی {number}") for number in range(5)))
    return await derived()


async def spoil(*codes: str) -> None:
    """As if older rules had folded them."""
    await database.execute(
        "UPDATE store SET name_sort_key = 'old', name_compact = 'old', search_document = 'old'"
        " WHERE code = ANY($1::text[])",
        list(codes),
    )


async def test_what_other_rules_have_folded_is_made_anew(right: list[tuple[object, ...]]) -> None:
    await spoil("S0", "S2", "S4")
    before = await shown()
    told: list[int] = []

    outcome = await reindex_stores(viewer=SYSTEM, progress=told.append)

    assert outcome == ReindexOutcome(places=5, changed=3)
    assert told == [2, 4, 5]
    assert await derived() == right
    assert await shown() == before


async def test_the_same_again_writes_nothing(right: list[tuple[object, ...]]) -> None:
    rows = await database.fetch("SELECT ctid FROM store ORDER BY code")

    outcome = await reindex_stores(viewer=SYSTEM, progress=lambda _: None)

    assert outcome == ReindexOutcome(places=5, changed=0)
    assert await database.fetch("SELECT ctid FROM store ORDER BY code") == rows
    assert await derived() == right


async def test_what_was_interrupted_goes_on(right: list[tuple[object, ...]]) -> None:
    await spoil("S0", "S1", "S2", "S3", "S4")

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await reindex_stores(viewer=SYSTEM, progress=interrupt)
    assert (await derived())[:2] == right[:2]  # each batch is a transaction of its own
    assert (await derived())[2:] == [("old", "old", "old")] * 3

    outcome = await reindex_stores(viewer=SYSTEM, progress=lambda _: None)

    assert outcome == ReindexOutcome(places=5, changed=3)
    assert await derived() == right


async def test_an_empty_database_has_nothing_to_make(db: None) -> None:
    told: list[int] = []

    assert await reindex_stores(viewer=SYSTEM, progress=told.append) == ReindexOutcome(0, 0)
    assert told == []


async def test_the_permission_is_asked_for(right: list[tuple[object, ...]]) -> None:
    await spoil("S0")
    with pytest.raises(Unauthenticated):
        await reindex_stores(viewer=ANONYMOUS, progress=lambda _: None)
    with pytest.raises(Forbidden):
        await reindex_stores(viewer=Viewer(ActorKind.OPERATOR, "clerk"), progress=lambda _: None)

    assert await derived() == [("old", "old", "old"), *right[1:]]
