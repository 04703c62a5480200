"""A thousand members ask one process at once: each sees the own purchases, whatever happens to the others."""

import asyncio

import orjson
import pytest

from backend.core import ids
from backend.infra import db as database
from backend.stores import directory
from backend.stores.directory import Directory
from tests.support import api, compiled, debts, directories, places

MEMBERS = 1_000


@pytest.mark.parametrize("are_stores_in_memory", [False, True])
async def test_each_of_a_thousand_sees_only_the_own(
    db: None, database_url: str, monkeypatch: pytest.MonkeyPatch, are_stores_in_memory: bool
) -> None:
    del db
    store = (await places.save(places.draft("hafez")))["hafez"]
    first = await debts.fill(store, members=MEMBERS, purchases=2, one_has=3)
    monkeypatch.setattr(directory, "FRESH_SECONDS", 3_600)
    monkeypatch.setattr(directory, "_this_process", Directory())
    if are_stores_in_memory:
        async with directories.kept(database_url, directory.current()):
            pass
    operation = compiled.operation(api.operation("PurchaseHistory"))
    impossible = 2**63  # no bigint: the statement of all who share it fails

    def ask(member_id: int) -> asyncio.Task[bytes]:
        return asyncio.ensure_future(
            compiled.answer(operation, debts.viewer_of(member_id), {"first": 20})
        )

    with database.count_statements() as counter:
        asked = {member_id: ask(member_id) for member_id in range(first, first + MEMBERS)}
        failing = ask(impossible)
        await asyncio.sleep(0)
        for member_id in range(first, first + MEMBERS, 7):
            asked.pop(member_id).cancel()
        answers = await asyncio.gather(*asked.values())
        with pytest.raises(Exception, match="int64"):
            await failing

    for member_id, answer in zip(asked, answers, strict=True):
        edges = orjson.loads(answer)["data"]["me"]["purchases"]["edges"]
        assert {edge["node"]["store"]["name"] for edge in edges} == {places.draft("hafez").name}
        owners = [ids.decode(edge["node"]["id"], expected="Purchase").member_id for edge in edges]
        assert owners == [member_id, member_id]
    assert counter.count < MEMBERS / 8
