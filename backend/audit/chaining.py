"""The sealer: chains what is committed into batches and signs each head. It works apart from who writes entries.

An entry knows the number of its transaction. Below the oldest one that still runs all are over, so none of them will
add an entry behind the sealer's back; a transaction that commits late comes in a later batch.
"""

from typing import Final

from backend.audit import chain
from backend.audit import repository_sealing as repository
from backend.audit.chain import Batch, Position, SealedBatch
from backend.core import clock
from backend.infra import db, signing

BATCH_ENTRIES: Final = 10_000
MOST_BATCHES: Final = 100  # a run: what is left waits for the next one


class TrailAheadOfCluster(Exception):
    """The cluster counts transactions anew, as after a restore from a dump: nothing written now could be sealed.

    Start the server once with a higher transaction epoch (`pg_resetwal --epoch`), or restore a physical backup.
    """


async def seal() -> int:
    """Seal what is committed and not sealed yet; gives how many entries. Each batch is a transaction of its own.

    Raises SigningKeyError where this process may not sign, TrailAheadOfCluster.
    """
    sealed = 0
    for _ in range(MOST_BATCHES):
        entries = await _seal_batch()
        sealed += entries
        if entries < BATCH_ENTRIES:
            break
    return sealed


async def find_head() -> SealedBatch | None:
    """The last batch, whose head stands for the whole trail before it; None where nothing is sealed yet."""
    return await repository.find_last()


async def _seal_batch() -> int:
    signer = signing.current()
    async with db.transaction():
        await repository.hold()
        last = await repository.find_last()
        begins = chain.FIRST if last is None else last.batch.ends
        running = await repository.oldest_running()
        if running < begins.xid:
            raise TrailAheadOfCluster(f"transaction {running} comes after {begins.xid}")
        lines = await repository.list_lines(
            after=begins, until=Position(running, 0), limit=BATCH_ENTRIES
        )
        if not lines:
            return 0
        digests = [chain.hash_of(line) for line in lines]
        batch = Batch(
            number=1 if last is None else last.batch.number + 1,
            sealed_at=clock.now(),
            begins=begins,
            ends=lines[-1].place if len(lines) == BATCH_ENTRIES else Position(running, 0),
            entries=len(lines),
            content_sha256=chain.content_of(digests),
            marks=b"".join(
                chain.mark_of(line.place.id, digest)
                for line, digest in zip(lines, digests, strict=True)
            ),
            previous_head=chain.GENESIS if last is None else last.head,
            key_id=signer.current_key_id,
        )
        head = chain.head_of(batch)
        signature = signer.sign(chain.message_of(head))
        await repository.insert_batch(batch, head=head, signature=signature.value)
    return len(lines)
