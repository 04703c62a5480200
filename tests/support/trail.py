"""A trail to be sealed, and bent as its tables' owner could."""

import os
import subprocess
import sys
from pathlib import Path

from backend.audit import chaining, service, verifying
from backend.audit.chain import SealedBatch
from backend.audit.verifying import KnownHead, Progress
from backend.core.viewer import SYSTEM
from backend.infra import db as database
from backend.infra.signing import Signature

ROOT = Path(__file__).parents[2]


async def record(object_id: object = 1, **changed: object) -> None:
    """Write an entry in a transaction of its own."""
    arguments = {"action": "test.done", "object_type": "Thing", "object_id": str(object_id)}
    await service.record(viewer=SYSTEM, **(arguments | changed))  # type: ignore[arg-type]  # of the test's own making


async def entry_ids() -> list[int]:
    """All entries, in the trail's order."""
    rows = await database.fetch("SELECT id FROM audit_entry ORDER BY xid, id")
    return [row["id"] for row in rows]


async def batches() -> list[tuple[int, int]]:
    """Number and entries of all rows of batches."""
    rows = await database.fetch("SELECT number, entries FROM audit_batch ORDER BY number, id")
    return [(row["number"], row["entries"]) for row in rows]


async def faults(known: KnownHead | None = None) -> list[str]:
    """What `verify` finds."""
    return [each.text async for each in verifying.verify(Progress(), known=known)]


async def last_batch() -> SealedBatch:
    """The last good batch."""
    last = await chaining.find_head()
    assert last.sealed is not None
    return last.sealed


async def kept_head() -> KnownHead:
    """The last head, as if kept elsewhere."""
    sealed = await last_batch()
    return KnownHead(
        sealed.batch.number, sealed.head, Signature(sealed.batch.key_id, sealed.signature)
    )


async def filled(count: int = 7) -> list[int]:
    """Entries of transactions of their own, all sealed."""
    for number in range(count):
        await record(number, after={"n": number}, reason="آزمون")
    await chaining.seal()
    return await entry_ids()


async def tamper(*statements: str) -> None:
    """As the tables' owner, who can take the triggers away."""
    for table in ("audit_entry", "audit_batch"):
        await database.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for statement in statements:
        await database.execute(statement)


def command(*arguments: str, url: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """What `bashgah audit` says of a database, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "backend.cli", "audit", *arguments],
        cwd=ROOT,
        env={**os.environ, "BASHGAH_DATABASE_URL": url, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
