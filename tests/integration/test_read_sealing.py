"""Who read members' files is sealed by the trail: what is bent afterwards is found."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from backend.audit import chaining, chaining_reads, repository_sealing, service, verifying
from backend.audit import jobs as audit_jobs
from backend.audit.chaining import TrailAheadOfCluster
from backend.audit.verifying import Progress
from backend.core import clock
from backend.core.viewer import SYSTEM
from backend.infra import db as database
from backend.infra import jobs, signing
from backend.settings import Settings

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
async def signer(db: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(chaining_reads, "SEAL_READS", 3)
    signing.configure(Settings().signer())
    with clock.frozen(NOW):
        yield


async def read(member_id: int) -> None:
    await service.record_read(
        viewer=SYSTEM,
        member_id=member_id,
        reader_role="پشتیبان",
        reader_office="شعبهٔ یک",
        purpose="تلفن عضو",
    )


async def sealed(count: int) -> None:
    """Reads of transactions of their own, all sealed, and the trail with them."""
    for number in range(count):
        await read(number + 1)
    await chaining_reads.seal_reads()
    await chaining.seal()


async def verified() -> tuple[list[str], Progress]:
    progress = Progress()
    return [each.text async for each in verifying.verify(progress)], progress


async def seals() -> list[tuple[str, int]]:
    rows = await database.fetch(
        "SELECT actor, (after->>'reads')::int AS reads FROM audit_entry WHERE action = 'file_reads.sealed' ORDER BY id"
    )
    return [tuple(row) for row in rows]


async def tamper(statement: str) -> None:
    """As the tables' owner, who can take the triggers away."""
    await database.execute("ALTER TABLE file_read DISABLE TRIGGER USER")
    await database.execute(statement)
    await database.execute("ALTER TABLE file_read ENABLE TRIGGER USER")


async def test_reads_are_sealed_by_entries_of_the_trail_and_found_whole() -> None:
    assert await chaining_reads.seal_reads() == 0
    await sealed(7)
    assert await seals() == [("system", 3), ("system", 3), ("system", 1)]
    assert await chaining_reads.seal_reads() == 0
    await read(8)

    faults, progress = await verified()

    assert faults == []
    assert (progress.reads, progress.unsealed_reads) == (7, 1)
    assert (progress.entries, progress.unsealed) == (3, 0)
    await sealed(1)
    faults, progress = await verified()
    assert (faults, progress.reads, progress.unsealed_reads) == ([], 9, 0)


async def test_who_commits_late_comes_in_a_later_seal(database_url: str) -> None:
    slow = await asyncpg.connect(database_url)
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute(
        "INSERT INTO file_read (created_at, member_id, reader_role, reader_office, actor, purpose)"
        " VALUES ($1, 9, 'x', 'x', 'operator:1', 'x')",
        NOW,
    )
    await read(1)
    assert await chaining_reads.seal_reads() == 0
    await transaction.commit()
    await slow.close()

    assert await chaining_reads.seal_reads() == 2
    await chaining.seal()
    faults, progress = await verified()
    assert (faults, progress.reads) == ([], 2)


INSERTED = (
    "INSERT INTO file_read (member_id, reader_role, reader_office, actor, purpose, xid)"
    " SELECT 5, 'x', 'x', 'operator:1', 'x', xid FROM file_read WHERE member_id = 2"
)
LATER = "UPDATE file_read SET created_at = created_at + interval '1 s' WHERE member_id = 2"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE file_read SET actor = 'operator:9' WHERE member_id = 2", "are changed"),
        ("UPDATE file_read SET purpose = 'دیگر' WHERE member_id = 2", "are changed"),
        (LATER, "are changed"),
        ("DELETE FROM file_read WHERE member_id = 2", "were 3 and are 2"),
        (INSERTED, "were 3 and are 4"),
    ],
)
async def test_a_bent_read_is_found_by_the_entry_that_sealed_it(change: str, said: str) -> None:
    await sealed(5)
    await tamper(change)

    faults, _ = await verified()

    (first,) = await database.fetch(
        "SELECT min(id) AS id FROM audit_entry WHERE action = 'file_reads.sealed'"
    )
    assert len(faults) == 1
    assert faults[0].startswith(f"Reads of files, as entry {first['id']} sealed them")
    assert said in faults[0]


async def test_an_entry_that_skips_reads_is_found() -> None:
    """Who may write entries, as the API may, leaves reads out by a seal that begins later."""
    await sealed(2)
    await read(3)
    await database.execute(
        "INSERT INTO audit_entry (created_at, actor_kind, actor, action, object_type, object_id, after)"
        " SELECT $1, 'SYSTEM', 'system', 'file_reads.sealed', 'FileReads', '1', jsonb_build_object('from_xid', x,"
        " 'from_id', 0, 'to_xid', x, 'to_id', 0, 'reads', 0, 'content_sha256', encode(sha256(''), 'hex'))"
        " FROM (SELECT pg_current_xact_id()::text::bigint AS x) AS now",
        NOW,
    )
    await chaining.seal()

    faults, _ = await verified()

    assert len(faults) == 1
    assert "do not go on from those before" in faults[0]


@pytest.mark.parametrize(
    "after",
    [
        None,
        {"from_xid": 1},
        {"from_xid": 0, "from_id": 0, "to_xid": 1, "to_id": 0, "reads": 10_001, "content_sha256": "x"},
        {"from_xid": 0, "from_id": 0, "to_xid": "1" + 30 * "0", "to_id": 0, "reads": 1, "content_sha256": "x"},
    ],
)  # fmt: skip
async def test_an_entry_that_is_no_seal_by_its_form_is_found(
    after: dict[str, object] | None,
) -> None:
    await sealed(2)
    await service.record(
        viewer=SYSTEM,
        action="file_reads.sealed",
        object_type="FileReads",
        object_id="1",
        after=after,
    )
    await chaining.seal()

    faults, _ = await verified()

    assert len(faults) == 1
    assert "the entry is none of the sealer's" in faults[0]


async def test_a_cluster_that_counts_anew_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    await sealed(1)
    await read(2)

    async def anew() -> int:
        return 1

    monkeypatch.setattr(repository_sealing, "oldest_running", anew)

    with pytest.raises(TrailAheadOfCluster):
        await chaining_reads.seal_reads()
    assert await seals() == [("system", 1)]


async def test_a_forged_seal_of_what_is_to_come_holds_up_nobody_and_is_told() -> None:
    await sealed(1)
    await read(2)
    await database.execute(
        "INSERT INTO audit_entry (created_at, actor_kind, actor, action, object_type, object_id, after)"
        " SELECT $1, actor_kind, 'operator:9', action, object_type, object_id, after || '{\"to_xid\": 9000000000}'"
        " FROM audit_entry ORDER BY id DESC LIMIT 1",
        NOW,
    )

    assert await chaining_reads.seal_reads() == 1
    await chaining.seal()

    assert await seals() == [("system", 1), ("operator:9", 1), ("system", 1)]
    assert (await verified())[0] != []


async def test_many_forged_seals_begin_nothing_anew() -> None:
    await sealed(2)
    for after in ("{}", '{"to_xid": 9000000000}'):
        await database.execute(
            "INSERT INTO audit_entry (created_at, actor_kind, actor, action, object_type, object_id, after)"
            " SELECT '2099-01-01', 'OPERATOR', 'operator:9', 'file_reads.sealed', 'FileReads', '1', $1::jsonb"
            f"  FROM generate_series(1, {2 * chaining_reads.LOOKED_BACK})",
            after,
        )
    await read(3)

    assert await chaining_reads.seal_reads() == 1
    assert await chaining_reads.seal_reads() == 0


async def test_the_api_may_not_fill_in_the_transaction(app_url: str) -> None:
    connection = await asyncpg.connect(app_url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "INSERT INTO file_read (member_id, reader_role, reader_office, actor, purpose, xid)"
                " VALUES (1, 'x', 'x', 'x', 'x', 1)"
            )
    finally:
        await connection.close()


def test_the_sealer_of_reads_runs_every_five_minutes() -> None:
    schedule = jobs.schedules()["audit.seal_reads"]
    assert schedule == audit_jobs.EVERY_FIVE_MINUTES == "*/5 * * * *"
