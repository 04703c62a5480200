"""The sealer of reads: writes entries that seal what was read of members' files since the last one."""

from typing import Final

from backend.audit import chain, last_batch, read_seals, repository
from backend.audit import repository_sealing as sealing
from backend.audit.chain import Position
from backend.audit.chaining import TrailAheadOfCluster
from backend.audit.domain import Entry
from backend.audit.read_seals import ReadSeal
from backend.core import clock
from backend.core.viewer import SYSTEM
from backend.infra import db, signing

SEAL_READS: Final = read_seals.MOST_READS
MOST_SEALS: Final = 100  # a run: what is left waits for the next one
LOOKED_BACK: Final = 50  # at a time


async def seal_reads() -> int:
    """Seal the reads that are committed and not sealed yet; gives how many. Each seal is a transaction of its own.

    Raises TrailAheadOfCluster.
    """
    sealed = 0
    for _ in range(MOST_SEALS):
        reads = await _seal()
        sealed += reads
        if reads < SEAL_READS:
            break
    return sealed


async def _seal() -> int:
    async with db.transaction():
        await sealing.hold()
        running = await sealing.oldest_running()
        last = (await last_batch.find(signing.current())).sealed
        if last is not None and running < last.batch.ends.xid:
            raise TrailAheadOfCluster(f"transaction {running} comes after {last.batch.ends.xid}")
        begins = await _find_begin(running)
        lines = await sealing.list_read_lines(
            after=begins, until=Position(running, 0), limit=SEAL_READS
        )
        if not lines:
            return 0
        ends = lines[-1].place if len(lines) == SEAL_READS else Position(running, 0)
        found = ReadSeal(begins, ends, len(lines), read_seals.content_of(lines))
        await repository.insert_entry(_entry(found))
    return len(lines)


async def _find_begin(running: int) -> Position:
    """Where the last seal ends. What is no seal, or says to end beyond what runs now, is passed over, however many.

    Such rows are forgeries, for `verify` to tell; they hold nobody up.
    """
    before: Position | None = None
    while page := await sealing.list_read_seals_before(before, limit=LOOKED_BACK):
        ends = [seal.ends for _, seal in page if seal is not None and seal.ends.xid <= running]
        if ends:
            return max(ends)
        before = page[-1][0]
    return chain.FIRST


def _entry(found: ReadSeal) -> Entry:
    """Not by `service.record`, which would blot out what looks like a person's number in a hash."""
    return Entry(
        created_at=clock.now(),
        actor_kind=SYSTEM.kind,
        actor=SYSTEM.actor,
        on_behalf_of=None,
        member_id=None,
        province_code=None,
        association_id=None,
        action=read_seals.ACTION,
        object_type=read_seals.OBJECT,
        object_id=str(found.ends.xid),
        before=None,
        after=found.shown(),
        reason=None,
        address=None,
        session_id=None,
        trace_id=None,
    )
