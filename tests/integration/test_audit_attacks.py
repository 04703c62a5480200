"""Attacks on the sealed trail: by who writes as the API's role, by a retired key, and by the tables' owner."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from backend.audit import chain, chaining, last_batch, verifying
from backend.audit.chain import Position, SealedBatch
from backend.audit.faults import Kind
from backend.audit.last_batch import KeysMissing, KeySucceeded
from backend.audit.verifying import Progress
from backend.core import clock
from backend.infra import db as database
from backend.infra import signing
from backend.infra.signing import Signer
from backend.settings import Settings
from tests.support import trail
from tests.support.trail import batches, command, faults, filled, record, tamper

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
FIRST_KEY = b"\x01" * 32
SECOND_KEY = b"\x02" * 32
FORGED_KEY = b"\x03" * 32
BEYOND = 9_000_000_000_000_000_000
PUBLIC = {
    "k1": Signer({"k1": FIRST_KEY}, "k1", {}).public_key("k1"),
    "k2": Signer({"k2": SECOND_KEY}, "k2", {}).public_key("k2"),
}
K1 = Signer({"k1": FIRST_KEY}, "k1", PUBLIC)
K2 = Signer({"k2": SECOND_KEY}, "k2", PUBLIC)


@pytest.fixture(autouse=True)
async def signer(db: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(chaining, "BATCH_ENTRIES", 3)
    signing.configure(K1)
    with clock.frozen(NOW):
        yield


@pytest.fixture
async def app(app_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(app_url)
    yield connection
    await connection.close()


async def add(app: "asyncpg.Connection[asyncpg.Record]", sealed: SealedBatch) -> None:
    """As the API's role, which may add rows to the batches."""
    batch = sealed.batch
    await app.execute(
        "INSERT INTO audit_batch (number, sealed_at, from_xid, from_id, to_xid, to_id, entries, content_sha256, marks,"
        " previous_head, key_id, head, signature) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        *(batch.number, batch.sealed_at),
        *(batch.begins.xid, batch.begins.id, batch.ends.xid, batch.ends.id),
        *(batch.entries, batch.content_sha256, batch.marks, batch.previous_head, batch.key_id),
        *(sealed.head, sealed.signature),
    )


async def next_batch(by: Signer, **changed: object) -> SealedBatch:
    """What goes on from the last batch, of one entry that never was; signed by whom it may."""
    last = await trail.last_batch()
    batch = replace(
        last.batch,
        number=last.batch.number + 1,
        begins=last.batch.ends,
        ends=Position(BEYOND, 0),
        entries=1,
        content_sha256=bytes(32),
        marks=bytes(16),
        previous_head=last.head,
        key_id=by.current_key_id,
    )
    batch = replace(batch, **changed)  # type: ignore[arg-type]  # of the test's own making
    head = chain.head_of(batch)
    return SealedBatch(batch, head, by.sign(chain.message_of(head)).value)


FORGERS = {
    "bad": Signer({"k1": FORGED_KEY}, "k1", {}),
    "unknown": Signer({"k9": FORGED_KEY}, "k9", {}),
}


@pytest.mark.parametrize("forger", FORGERS)
async def test_a_forged_batch_beyond_all_stops_no_sealer_and_is_told(
    app: "asyncpg.Connection[asyncpg.Record]",
    forger: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await filled(3)
    await add(app, await next_batch(FORGERS[forger], number=1_000_000_000, previous_head=bytes(32)))
    await record("next")

    assert await chaining.seal() == 1

    assert "audit.batches_passed_over" in capsys.readouterr().out
    assert await batches() == [(1, 3), (2, 1), (1_000_000_000, 1)]
    why = {
        "bad": "its signature is bad.",
        "unknown": "it is signed by key 'k9', which is not known here.",
    }
    said = f"A row that says to be batch 1000000000 is none of the trail: {why[forger]}"
    assert await faults() == [said]
    assert await chaining.seal() == 0


async def test_a_forged_batch_takes_no_place_of_the_sealer_s(
    app: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    """It has the next number, and goes on from the last head."""
    await filled(3)
    await add(app, await next_batch(FORGERS["bad"]))
    await record("next")
    assert await faults() == ["Batch 2 has a bad signature."]

    assert await chaining.seal() == 1

    assert await batches() == [(1, 3), (2, 1), (2, 1)]
    told = "A row that says to be batch 2 is none of the trail: its signature is bad."
    assert await faults() == [told]
    await filled(3)
    assert await faults() == [told]


async def test_many_forged_batches_are_all_told_and_hide_nothing(
    app: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    ids = await filled(3)
    for number in range(1, 120):
        await add(
            app,
            await next_batch(
                FORGERS["bad"], number=1 + number % 2, content_sha256=bytes([number] * 32)
            ),
        )
    await record("next")
    assert await chaining.seal() == 1
    await tamper(f"UPDATE audit_entry SET actor = 'operator:9' WHERE id = {ids[1]}")

    found = await faults()

    assert f"Entry {ids[1]} of batch 1 is changed." in found
    assert len(found) == 120


async def test_a_real_batch_is_not_there_twice(app: "asyncpg.Connection[asyncpg.Record]") -> None:
    await filled(3)
    sealed = await trail.last_batch()

    for copy in (sealed, replace(sealed, batch=replace(sealed.batch, number=9))):
        with pytest.raises(asyncpg.UniqueViolationError):
            await add(app, copy)


async def test_a_row_of_batches_has_bounds(app: "asyncpg.Connection[asyncpg.Record]") -> None:
    await filled(3)
    huge = await next_batch(FORGERS["bad"], entries=10_001, marks=bytes(16 * 10_001))

    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await add(app, huge)

    assert refused.value.constraint_name == "audit_batch_bounds"


async def test_a_last_batch_that_was_changed_is_not_gone_on_from() -> None:
    await filled(4)
    await tamper(f"UPDATE audit_batch SET to_xid = {BEYOND} WHERE number = 2")
    await record("next")

    assert await chaining.seal() == 2

    assert await batches() == [(1, 3), (2, 1), (2, 2)]
    said = "A row that says to be batch 2 is none of the trail: it was sealed, and is changed."
    assert await faults() == [said]


async def test_a_retired_key_signs_nothing_any_more(
    app: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    await filled(3)
    signing.configure(K2)
    await filled(3)
    assert await faults() == []

    await add(app, await next_batch(K1))
    assert (await faults())[0] == "Batch 3 is signed by key 'k1', which key 'k2' had succeeded."

    await record("next")
    assert await chaining.seal() == 1
    said = "A row that says to be batch 3 is none of the trail: it is signed by key 'k1', which key 'k2' had succeeded."
    assert await faults() == [said]
    assert (await trail.last_batch()).batch.key_id == "k2"


async def test_a_retired_key_takes_no_place_at_the_hand_over(
    app: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    await filled(3)
    forged = await next_batch(K1)
    signing.configure(K2)
    await filled(3)

    await add(app, forged)

    said = "A row that says to be batch 2 is none of the trail: "
    said += "key 'k1' has signed it beside another one of that number."
    assert await faults() == [said]


async def test_a_former_key_does_not_come_back_and_the_error_says_what_to_do() -> None:
    await filled(3)
    signing.configure(K2)
    await filled(3)
    signing.configure(K1)
    await record("next")

    with pytest.raises(
        KeySucceeded, match="name 'k2', or a new key, in BASHGAH_AUDIT_SIGNING_KEY_CURRENT"
    ):
        await chaining.seal()

    assert await batches() == [(1, 3), (2, 3)]
    signing.configure(K2)
    assert await chaining.seal() == 1
    assert await faults() == []


async def test_a_new_key_wants_to_know_the_former_one() -> None:
    await filled(3)
    signing.configure(Signer({"k2": SECOND_KEY}, "k2", {}))
    await record("next")

    with pytest.raises(KeysMissing, match="'k1', not known here: add the public key"):
        await chaining.seal()

    assert await batches() == [(1, 3)]


async def test_a_worker_that_does_not_know_the_new_key_makes_rows_beside_and_hides_nothing() -> (
    None
):
    await filled(3)
    signing.configure(K2)
    await filled(3)
    signing.configure(Signer({"k1": FIRST_KEY}, "k1", {}))
    await filled(1)
    signing.configure(K2)
    await record("next")
    assert await chaining.seal() == 2

    progress = Progress()
    kinds = [each.kind async for each in verifying.verify(progress)]

    assert kinds == [Kind.KEY_SUCCEEDED, Kind.KEY_SUCCEEDED]
    assert (progress.entries, progress.unsealed) == (8, 0)


async def test_an_entry_of_a_transaction_to_come_is_told() -> None:
    await filled(3)
    await tamper(
        "INSERT INTO audit_entry (created_at, actor_kind, actor, action, object_type, object_id, xid)"
        f" VALUES ('{NOW}', 'SYSTEM', 'system', 'test.forged', 'Thing', '1', 4000000000000)"
    )
    assert await chaining.seal() == 0

    forged = (await trail.entry_ids())[-1]
    said = f"Entry {forged} says to be of transaction 4000000000000, which has not begun yet."
    assert await faults() == [said]


async def test_what_is_not_sealed_in_time_is_told() -> None:
    ids = await filled(3)
    await record("late")
    await record("late")
    ids = await trail.entry_ids()
    with clock.frozen(NOW + verifying.MOST_UNSEALED):
        assert await faults() == []
    with clock.frozen(NOW + verifying.MOST_UNSEALED + timedelta(seconds=1)):
        said = f"Entry {ids[3]} of 2026-11-21 09:00 UTC is not sealed in time, and 1 more."
        assert await faults() == [said]
        await chaining.seal()
        assert await faults() == []


async def test_who_holds_the_sealer_up_by_an_open_transaction_is_told(
    app: "asyncpg.Connection[asyncpg.Record]",
) -> None:
    await filled(3)
    held = app.transaction()
    await held.start()
    await app.execute("SELECT pg_current_xact_id()")
    await record("late")
    assert await chaining.seal() == 0

    with clock.frozen(NOW + timedelta(hours=2)):
        [said] = await faults()

    assert "is not sealed in time" in said
    await held.rollback()


async def test_reads_of_transactions_to_come_and_late_ones_are_told() -> None:
    await database.execute(
        "INSERT INTO file_read (created_at, member_id, reader_role, reader_office, actor, purpose)"
        f" VALUES ('{NOW}', 1, 'x', 'x', 'x', 'x')"
    )
    with clock.frozen(NOW + timedelta(hours=2)):
        said = "Reads of members' files since 2026-11-21 09:00 UTC are not sealed in time."
        assert await faults() == [said]
    await database.execute(
        "INSERT INTO file_read (created_at, member_id, reader_role, reader_office, actor, purpose, xid)"
        f" VALUES ('{NOW}', 1, 'x', 'x', 'x', 'x', 4000000000000)"
    )
    said = "1 reads of members' files say to be of transactions that have not begun yet."
    assert await faults() == [said]


async def test_finding_the_last_batch_reads_few_rows() -> None:
    for _ in range(6):
        await filled(1)

    with database.count_statements() as count:
        found = await last_batch.find(K2)

    assert found.sealed is not None
    assert found.sealed.batch.number == 6
    assert count.count == 5  # k1's first, k2's first, k1's last, the whole of it, what is after


async def test_the_commands_say_what_is_not_ours(
    app: "asyncpg.Connection[asyncpg.Record]", app_url: str
) -> None:
    signing.configure(Settings().signer())
    await filled(3)
    forged = await next_batch(Signer({"development": FORGED_KEY}, "development", {}), number=9)
    await add(app, forged)

    verified, head = command("verify", url=app_url), command("head", url=app_url)

    assert verified.returncode == 1
    assert verified.stderr.splitlines() == [
        "✗ A row that says to be batch 9 is none of the trail: its signature is bad.",
        "✗ 1 fault among 3 entries in 1 batches. What to do:",
        f"  NOT_OURS (1): {Kind.NOT_OURS.advice}",
    ]
    assert '"batch": 1' in head.stdout
    assert "1 later batches are not the sealer's" in head.stderr
