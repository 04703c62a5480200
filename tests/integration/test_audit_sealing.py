"""The sealed trail: what is committed late is sealed later, and whatever is bent afterwards is found and named."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import orjson
import pytest

from backend.audit import chain, chaining, verifying
from backend.audit import jobs as audit_jobs
from backend.audit import repository_sealing as repository
from backend.audit.chaining import TrailAheadOfCluster
from backend.audit.faults import Kind
from backend.audit.verifying import KnownHead, Progress
from backend.core import clock
from backend.infra import db as database
from backend.infra import jobs, signing
from backend.infra.signing import Signature, Signer, SigningKeyError
from backend.settings import Settings
from backend.settings.keys import DEVELOPMENT_AUDIT_KEY
from tests.support.trail import (
    batches,
    command,
    entry_ids,
    faults,
    filled,
    kept_head,
    last_batch,
    record,
    tamper,
)

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
DAY = timedelta(days=1)
OTHER_KEY = bytes(range(32))


@pytest.fixture(autouse=True)
async def signer(db: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(chaining, "BATCH_ENTRIES", 3)
    signing.configure(Settings().signer())
    with clock.frozen(NOW):
        yield


async def test_what_is_committed_is_sealed_in_batches_and_found_whole() -> None:
    assert await chaining.seal() == 0
    assert await filled(7) == await entry_ids()

    assert await batches() == [(1, 3), (2, 3), (3, 1)]
    assert await chaining.seal() == 0
    await record("late")
    progress = Progress()
    assert [each async for each in verifying.verify(progress)] == []
    assert (progress.batches, progress.entries, progress.unsealed) == (3, 7, 1)


async def test_an_empty_trail_is_whole() -> None:
    assert await faults() == []
    assert (await chaining.find_head()).sealed is None


async def test_who_commits_late_comes_in_a_later_batch_though_the_numbers_are_lower(
    database_url: str,
) -> None:
    slow = await asyncpg.connect(database_url)
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute(
        "INSERT INTO audit_entry (created_at, actor_kind, actor, action, object_type, object_id)"
        " VALUES ($1, 'SYSTEM', 'system', 'test.slow', 'Thing', '0')",
        NOW,
    )
    await record("quick")

    assert await chaining.seal() == 0
    await transaction.commit()
    await slow.close()
    assert await chaining.seal() == 2

    assert await faults() == []
    rows = await database.fetch("SELECT action FROM audit_entry ORDER BY xid, id")
    assert [row["action"] for row in rows] == ["test.slow", "test.done"]


async def test_a_transaction_that_is_older_than_what_is_sealed_can_add_nothing_behind_it(
    database_url: str,
) -> None:
    """It gets its number with its first write: it is then newer than all that was sealed."""
    slow = await asyncpg.connect(database_url)
    transaction = slow.transaction(isolation="repeatable_read")
    await transaction.start()
    await slow.fetchval("SELECT count(*) FROM audit_entry")
    await filled(2)
    await slow.execute(
        "INSERT INTO audit_entry (created_at, actor_kind, actor, action, object_type, object_id)"
        " VALUES ($1, 'SYSTEM', 'system', 'test.slow', 'Thing', '0')",
        NOW,
    )
    await transaction.commit()
    await slow.close()

    assert await faults() == []
    assert await chaining.seal() == 1
    assert await faults() == []


async def test_sealers_at_once_make_one_chain() -> None:
    for number in range(8):
        await record(number)

    sealed = await asyncio.gather(*(chaining.seal() for _ in range(4)))

    assert sum(sealed) == 8
    assert await batches() == [(1, 3), (2, 3), (3, 2)]
    assert await faults() == []


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'operator:9'",
        "action = 'test.other'",
        "subject_member_id = 9",
        "before = '{\"n\": 9}'",
        "after = '{\"n\": 9}'",
        "after = NULL",
        "reason = 'دیگر'",
        "created_at = created_at + interval '1 microsecond'",
        "address = '192.0.2.1'",
        "session_id = gen_random_uuid()",
        "on_behalf_of = 'member:1'",
        "province_code = 'IR-07'",
        "trace_id = 'x'",
    ],
)
async def test_a_changed_entry_is_named(change: str) -> None:
    ids = await filled()

    await tamper(f"UPDATE audit_entry SET {change} WHERE id = {ids[4]}")

    assert await faults() == [f"Entry {ids[4]} of batch 2 is changed."]


async def test_a_removed_entry_is_named() -> None:
    ids = await filled()

    await tamper(f"DELETE FROM audit_entry WHERE id IN ({ids[0]}, {ids[6]})")

    assert await faults() == [
        f"Entry {ids[0]} of batch 1 is removed.",
        f"Entry {ids[6]} of batch 3 is removed.",
    ]


async def test_an_entry_inserted_into_what_is_sealed_is_named() -> None:
    ids = await filled()

    await tamper(
        "INSERT INTO audit_entry (created_at, actor_kind, actor, action, object_type, object_id, xid)"
        f" SELECT created_at, 'SYSTEM', 'system', 'test.forged', 'Thing', '1', xid FROM audit_entry WHERE id = {ids[4]}"
    )

    forged = (await entry_ids())[5]
    assert await faults() == [f"Entry {forged} is inserted into batch 2."]


@pytest.mark.parametrize("is_sealed", [False, True])
async def test_an_entry_that_says_to_be_older_than_it_is_is_named(is_sealed: bool) -> None:
    await filled()

    await tamper(
        "INSERT INTO audit_entry (created_at, actor_kind, actor, action, object_type, object_id)"
        " VALUES ('2026-11-20 09:00+00', 'SYSTEM', 'system', 'test.forged', 'Thing', '1')"
    )
    if is_sealed:
        with clock.frozen(NOW + DAY):
            await chaining.seal()

    forged = (await entry_ids())[-1]
    assert await faults() == [
        f"Entry {forged} is back-dated: it says 2026-11-20 09:00:00 UTC, which was sealed before it was written."
    ]


async def test_a_backlog_is_no_forgery() -> None:
    for number in range(7):
        await record(number)
    with clock.frozen(NOW + DAY):
        await chaining.seal()
        await record("next")
        await chaining.seal()

    assert await faults() == []


async def test_a_moved_entry_is_named() -> None:
    ids = await filled()

    await tamper(f"UPDATE audit_entry SET xid = xid + 1000000 WHERE id = {ids[1]}")

    [row] = await database.fetch("SELECT xid FROM audit_entry WHERE id = $1", ids[1])
    assert await faults() == [
        f"Entry {ids[1]} of batch 1 is removed.",
        f"Entry {ids[1]} says to be of transaction {row['xid']}, which has not begun yet.",
    ]


async def test_a_removed_batch_is_named_and_so_is_a_cut_off_end_with_a_head_kept_elsewhere() -> (
    None
):
    await filled()
    known = await kept_head()
    assert await faults(known) == []

    await tamper("DELETE FROM audit_batch WHERE number = 2")
    assert await faults(known) == ["Batch 3 follows batch 1: what was between is removed."]

    await tamper(
        "DELETE FROM audit_batch WHERE number = 3",
        "DELETE FROM audit_entry WHERE (xid, id) > (SELECT to_xid, to_id FROM audit_batch WHERE number = 1)",
    )
    assert await faults() == []
    assert await faults(known) == [
        "The trail ends with batch 1; the head that was kept is of batch 3."
    ]


async def test_a_trail_that_is_written_anew_is_another_than_the_kept_head_s() -> None:
    ids = await filled()
    known = await kept_head()

    await tamper("DELETE FROM audit_batch", f"DELETE FROM audit_entry WHERE id = {ids[0]}")
    await chaining.seal()
    await record("more")
    await chaining.seal()

    assert await faults() == []
    assert await faults(known) == ["Batch 3 is another than the one whose head was kept."]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "sealed_at = sealed_at - interval '1 day'",
            ["Batch 2 is changed: its head is not that of what it says."],
        ),
        (
            "content_sha256 = sha256('x')",
            [
                "Batch 2 is changed: its head is not that of what it says.",
                "Entries of batch 2 are changed, or their order is.",
            ],
        ),
        (
            "signature = set_byte(signature, 0, get_byte(signature, 0) # 1)",
            ["Batch 2 has a bad signature."],
        ),
        (
            "key_id = 'other'",
            [
                "Batch 2 is changed: its head is not that of what it says.",
                "Batch 2 is signed by key 'other', which is not known here.",
            ],
        ),
        (
            "previous_head = sha256('x')",
            [
                "Batch 2 does not go on from the batch before.",
                "Batch 2 is changed: its head is not that of what it says.",
            ],
        ),
        (
            "head = sha256('x')",
            [
                "Batch 2 is changed: its head is not that of what it says.",
                "Batch 2 has a bad signature.",
                "Batch 3 does not go on from the batch before.",
            ],
        ),
    ],
)
async def test_a_changed_batch_is_named(change: str, said: list[str]) -> None:
    await filled()

    await tamper(f"UPDATE audit_batch SET {change} WHERE number = 2")

    assert await faults() == said


async def test_a_batch_that_somebody_else_signs_has_a_bad_signature() -> None:
    await filled(2)
    forger = Signer({"development": OTHER_KEY}, "development", {})
    sealed = await last_batch()
    forged = forger.sign(chain.message_of(sealed.head)).value

    await tamper(f"UPDATE audit_batch SET signature = '\\x{forged.hex()}'")

    assert await faults() == ["Batch 1 has a bad signature."]


async def test_a_forged_head_that_was_kept_is_told() -> None:
    await filled()
    known = await kept_head()

    forged = KnownHead(2, known.head, known.signature)
    unsigned = KnownHead(3, known.head, Signature("development", bytes(64)))

    assert await faults(forged) == ["Batch 2 is another than the one whose head was kept."]
    assert await faults(unsigned) == ["The head that was kept, of batch 3, has a bad signature."]


async def test_keys_are_changed_with_the_former_ones_public_key_kept() -> None:
    await filled(2)
    former = signing.current().public_key("development")
    signing.configure(Signer({"2027": OTHER_KEY}, "2027", {"development": former}))
    await record("next")
    await chaining.seal()

    assert await faults() == []
    signing.configure(Signer({"2027": OTHER_KEY}, "2027", {}))
    assert await faults() == ["Batch 1 is signed by key 'development', which is not known here."]


async def test_without_a_key_nothing_is_sealed_and_everything_can_be_verified() -> None:
    await filled(2)
    public = signing.current().public_key("development")
    signing.configure(Signer({}, None, {"development": public}))
    await record("next")

    with pytest.raises(SigningKeyError):
        await chaining.seal()
    assert await batches() == [(1, 2)]
    assert await faults() == []


async def test_a_cluster_that_counts_anew_is_told_before_anything_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await filled(2)
    await record("next")

    async def anew() -> int:
        return 1

    monkeypatch.setattr(repository, "oldest_running", anew)

    with pytest.raises(TrailAheadOfCluster):
        await chaining.seal()
    assert await batches() == [(1, 2)]


async def test_a_savepoint_counts_as_its_transaction() -> None:
    async with database.transaction():
        await record("outer")
        async with database.transaction():
            await record("inner")

    rows = await database.fetch("SELECT DISTINCT xid FROM audit_entry")
    assert len(rows) == 1


async def test_only_what_a_read_holds_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    await filled(12)
    read: list[int] = []
    list_lines = repository.list_lines

    async def counted(**arguments: object) -> list[chain.Line]:
        lines = await list_lines(**arguments)  # type: ignore[arg-type]  # passed on
        read.append(len(lines))
        return lines

    monkeypatch.setattr(repository, "list_lines", counted)
    assert await faults() == []
    assert read == [3, 3, 3, 3, 0]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit_entry SET actor = 'x'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry",
        "UPDATE audit_entry_y2026m11 SET actor = 'x'",
        "DELETE FROM audit_entry_y2026m11",
        "DELETE FROM file_read",
        "UPDATE file_read SET actor = 'x'",
        "TRUNCATE file_read",
        "UPDATE audit_batch SET number = 9",
        "DELETE FROM audit_batch",
        "TRUNCATE audit_batch",
    ],
)
async def test_not_even_the_owner_changes_the_trail_by_mistake(change: str) -> None:
    await filled(2)
    await database.execute(
        "INSERT INTO file_read (created_at, member_id, reader_role, reader_office, actor, purpose)"
        " VALUES ($1, 1, 'r', 'o', 'a', 'p')",
        NOW,
    )

    with pytest.raises(asyncpg.RestrictViolationError):
        await database.execute(change)


async def test_the_command_says_which_entry_and_ends_with_one(app_url: str, tmp_path: Path) -> None:
    """As the role of the API, with public keys only: an auditor needs neither the owner nor our secrets."""
    ids = await filled()
    public = base64.b64encode(signing.current().public_key("development")).decode()
    keys = {
        "BASHGAH_AUDIT_SIGNING_KEYS": "{}",
        "BASHGAH_AUDIT_PUBLIC_KEYS": orjson.dumps({"development": public}).decode(),
    }

    printed = command("head", url=app_url, **keys)
    assert printed.returncode == 0, printed.stderr
    head = orjson.loads(printed.stdout)
    assert (head["batch"], head["key_id"], head["public_key"]) == (3, "development", public)
    (tmp_path / "head.json").write_text(printed.stdout)
    good = command("verify", "--head", str(tmp_path / "head.json"), url=app_url, **keys)
    assert (good.returncode, good.stderr) == (0, "")
    assert (
        good.stdout == "✓ 7 entries in 3 batches are as they were sealed; 0 are not sealed yet.\n"
        "✓ 0 reads of members' files are as they were sealed; 0 are not sealed yet.\n"
    )

    await tamper(
        f"DELETE FROM audit_entry WHERE id = {ids[1]}", "DELETE FROM audit_batch WHERE number = 3"
    )
    bad = command("verify", "--head", str(tmp_path / "head.json"), url=app_url, **keys)
    assert bad.returncode == 1
    assert bad.stderr.splitlines() == [
        f"✗ Entry {ids[1]} of batch 1 is removed.",
        "✗ The trail ends with batch 2; the head that was kept is of batch 3.",
        f"✗ Entry {ids[6]} of 2026-11-21 09:00 UTC is not sealed in time.",
        "✗ 3 faults among 6 entries in 2 batches. What to do:",
        *(
            f"  {kind.name} (1): {kind.advice}"
            for kind in (Kind.ENTRY_BENT, Kind.KEPT_HEAD, Kind.LATE)
        ),
    ]


async def test_the_command_refuses_what_is_no_head(app_url: str, tmp_path: Path) -> None:
    (tmp_path / "head.json").write_text("{}")

    refused = command("verify", "--head", str(tmp_path / "head.json"), url=app_url)
    empty = command("head", url=app_url)

    assert (refused.returncode, empty.returncode) == (2, 2)
    assert "is no head" in refused.stderr
    assert "Nothing is sealed yet" in empty.stderr


def test_the_sealer_runs_every_minute_and_development_has_a_key() -> None:
    assert jobs.schedules()["audit.seal"] == audit_jobs.EVERY_MINUTE == "* * * * *"
    assert len(base64.b64decode(DEVELOPMENT_AUDIT_KEY)) == signing.KEY_BYTES


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("number = 0", "audit_batch_counts"),
        ("entries = 2", "audit_batch_counts"),
        ("to_xid = from_xid, to_id = from_id", "audit_batch_span"),
        ("head = '\\x00'", "audit_batch_sizes"),
        ("signature = '\\x00'", "audit_batch_sizes"),
    ],
)
async def test_the_database_takes_no_batch_of_another_form(change: str, constraint: str) -> None:
    await filled(1)

    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await tamper(f"UPDATE audit_batch SET {change}")

    assert refused.value.constraint_name == constraint
