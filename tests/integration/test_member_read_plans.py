"""What PostgreSQL does for the shared statements: by index, and no more for 10,000 purchases than for 20."""

import re

import orjson
import pytest

from backend.infra import db as database
from backend.infra.readviews import sharing
from backend.infra.readviews.statements import Statement
from tests.support import api, compiled, debts, places
from tests.support.member_scene import NOON

FEW, MANY = 30, 10_000


@pytest.fixture
async def rich(db: None) -> int:
    """The member with MANY purchases and notices; all the others have FEW."""
    del db
    store = (await places.save(places.draft("hafez")))["hafez"]
    member_id = await debts.fill(store, members=200, purchases=FEW, one_has=MANY)
    await database.execute(
        """
        INSERT INTO notice (created_at, member_id, category, title, body, read_at)
        SELECT $3::timestamptz - n * interval '40 minutes', m.id, 'SERVICE', 'ع', 'م', now()
          FROM member m, generate_series(1, CASE WHEN m.id = $1 THEN $2::int ELSE 30 END) n
        """,
        member_id,
        MANY,
        NOON,
    )
    await database.execute("VACUUM ANALYZE notice")
    return member_id


async def _blocks(name: str, member_id: int, variables: dict[str, object]) -> tuple[int, str]:
    """The blocks that the operation's statement looks at for this member, and its plan."""
    document = api.operation(name)
    found: list[tuple[str, list[list[object]]]] = []
    real = sharing.ask

    def note(statement: Statement, arguments: tuple[object, ...]) -> sharing.Answer:
        found.append((statement.sql, [[each] for each in arguments]))
        return real(statement, arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sharing, "ask", note)
        await compiled.answer(compiled.operation(document), debts.viewer_of(member_id), variables)
    [(sql, arguments)] = found
    connection = await database.open_own(plan_cache_mode="force_generic_plan")
    try:
        for _ in range(2):  # the first one reads the catalog
            rows = await connection.fetch(
                f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) {sql}", *arguments
            )
    finally:
        await connection.close()
    plan = "\n".join(row[0] for row in rows)
    return debts.Scan(plan).blocks, plan


@pytest.mark.parametrize("name", ["PurchaseHistory", "Inbox"])
async def test_a_page_costs_the_same_wherever_it_is(rich: int, name: str) -> None:
    poor = rich + 1
    variables: dict[str, object] = {"first": 20}
    of_few, _ = await _blocks(name, poor, variables)
    of_many, plan = await _blocks(name, rich, variables)
    deep = {"first": 20, "after": await _cursor_deep(name, rich)}
    of_deep, deep_plan = await _blocks(name, rich, deep)

    assert of_many <= of_few * 1.6, plan
    assert of_deep <= of_few * 1.6, deep_plan
    table = {"PurchaseHistory": "purchase", "Inbox": "notice_y2026m1[01]"}[name]
    for each in (plan, deep_plan):
        assert not re.search(rf"Seq Scan on {table}\b", each), each
        assert re.search(rf"Index .*Scan using .* on {table}\b", each), each


async def _cursor_deep(name: str, member_id: int) -> str:
    """A cursor in the middle of the list, by way of pages of 100."""
    operation = compiled.operation(api.operation(name))
    field = {"PurchaseHistory": "purchases", "Inbox": "notices"}[name]
    after = None
    for _ in range(40):
        got = await compiled.answer(
            operation, debts.viewer_of(member_id), {"first": 100, "after": after}
        )
        after = orjson.loads(got)["data"]["me"][field]["pageInfo"]["endCursor"]
    assert isinstance(after, str)
    return after
