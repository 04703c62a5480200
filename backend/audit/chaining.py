"""The sealer: chains what is committed into batches and signs each head. It works apart from who writes entries.

An entry knows the number of its transaction. Below the oldest one that still runs all are over, so none of them will
add an entry behind the sealer's back; a transaction that commits late comes in a later batch. It goes on from the last
batch that it can verify, and passes over what others have put beside or after it.
"""

from typing import Final

from backend.audit import chain, last_batch
from backend.audit import repository_sealing as repository
from backend.audit.chain import Batch, Line, Position
from backend.audit.last_batch import Last
from backend.core import clock
from backend.infra import db, signing, telemetry

BATCH_ENTRIES: Final = 10_000
MOST_BATCHES: Final = 100  # a run: what is left waits for the next one

_log = telemetry.logger(__name__)


class TrailAheadOfCluster(Exception):
    """The cluster counts transactions anew, as after a restore from a dump: nothing written now could be sealed.

    Start the server once with a higher transaction epoch (`pg_resetwal --epoch`), or restore a physical backup.
    """


async def seal() -> int:
    """Seal what is committed and not sealed yet; gives how many entries. Each batch is a transaction of its own.

    Raises SigningKeyError where this process may not sign, KeySucceeded and KeysMissing where its key may not sign
    now, TrailAheadOfCluster.
    """
    sealed = 0
    for _ in range(MOST_BATCHES):
        entries = await _seal_batch()
        sealed += entries
        if entries < BATCH_ENTRIES:
            break
    return sealed


async def find_head() -> Last:
    """The last good batch, whose head stands for the whole trail before it, and what came after that is not ours."""
    return await last_batch.find(signing.current())


async def _seal_batch() -> int:
    signer = signing.current()
    async with db.transaction():
        await repository.hold()
        found = await last_batch.find(signer)
        await last_batch.require_turn(signer, found)
        if found.rows_after:
            _log.error("audit.batches_passed_over", rows=found.rows_after)
        begins = chain.FIRST if found.sealed is None else found.sealed.batch.ends
        running = await repository.oldest_running()
        if running < begins.xid:
            raise TrailAheadOfCluster(f"transaction {running} comes after {begins.xid}")
        lines = await repository.list_lines(
            after=begins, until=Position(running, 0), limit=BATCH_ENTRIES
        )
        if not lines:
            return 0
        ends = lines[-1].place if len(lines) == BATCH_ENTRIES else Position(running, 0)
        batch = _batch(lines, found, begins, ends, signer.current_key_id)
        head = chain.head_of(batch)
        signature = signer.sign(chain.message_of(head))
        await repository.insert_batch(batch, head=head, signature=signature.value)
    return len(lines)


def _batch(lines: list[Line], last: Last, begins: Position, ends: Position, key_id: str) -> Batch:
    digests = [chain.hash_of(line) for line in lines]
    return Batch(
        number=1 if last.sealed is None else last.sealed.batch.number + 1,
        sealed_at=clock.now(),
        begins=begins,
        ends=ends,
        entries=len(lines),
        content_sha256=chain.content_of(digests),
        marks=b"".join(
            chain.mark_of(line.place.id, digest)
            for line, digest in zip(lines, digests, strict=True)
        ),
        previous_head=chain.GENESIS if last.sealed is None else last.sealed.head,
        key_id=key_id,
    )
