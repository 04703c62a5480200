"""Whether the trail is what was sealed: every batch against its head and signature, every entry against its batch, and
the reads of members' files against the entries that seal them.

It reads a batch and its entries at a time, so that a trail of any length takes the same memory.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from backend.audit import chain, verifying_batches, verifying_reads
from backend.audit import repository_sealing as repository
from backend.audit.chain import Batch, Line, Position, SealedBatch
from backend.audit.faults import Fault, Kind
from backend.audit.verifying_batches import Look, Walk
from backend.core import clock
from backend.infra import signing
from backend.infra.signing import Signature

# What a transaction may last, and what clocks may differ: an entry that says to be older than the sealing before by
# more was written later than it says.
MOST_DELAY: Final = timedelta(hours=1)
# What is not sealed by then is a fault: the sealer works once a minute.
MOST_UNSEALED: Final = timedelta(hours=1)
MOST_INSERTED: Final = 1_000  # of a batch: that many are named


@dataclass(frozen=True, slots=True)
class KnownHead:
    """A head that was kept elsewhere."""

    number: int
    head: bytes
    signature: Signature


@dataclass(slots=True)
class Progress:
    """What was read so far; `reads` are those of members' files."""

    batches: int = 0
    entries: int = 0
    reads: int = 0
    unsealed: int = 0
    unsealed_reads: int = 0


async def verify(
    progress: Progress,
    *,
    known: KnownHead | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> AsyncIterator[Fault]:
    """Every fault of the trail, in its order; none where it is as it was sealed. `tell` gets the entries read.

    What is not sealed yet can't be verified: it is counted in `progress`, and a fault after MOST_UNSEALED. With a
    head that was kept elsewhere a trail that was cut off, or written anew, is found as well.
    """
    walk = Walk()
    async for look, stands in verifying_batches.in_order(walk):
        if not stands:
            yield verifying_batches.fault_beside(look)
            continue
        async for fault in _faults(look, walk):
            yield fault
        if known is not None and known.number == look.sealed.batch.number:
            for fault in _head_faults(look.sealed, known):
                yield fault
        walk.pass_by(look)
        progress.batches += 1
        progress.entries += look.sealed.batch.entries
        progress.reads = walk.reads.reads
        tell(progress.entries)
    if known is not None and known.number > walk.number:
        text = f"The trail ends with batch {walk.number}; the head that was kept is of batch {known.number}."
        yield Fault(text, Kind.KEPT_HEAD)
    async for fault in _tail_faults(walk, progress):
        yield fault
    progress.unsealed_reads = await verifying_reads.count_unsealed(walk.reads)
    async for fault in _read_tail_faults(walk):
        yield fault


async def _faults(look: Look, walk: Walk) -> AsyncIterator[Fault]:
    """What is wrong with a row that stands for a batch, and with its entries where a sealer has made it."""
    is_ours = look.is_signed or await verifying_batches.is_followed(look)
    for fault in verifying_batches.faults_of(look, walk, is_ours=is_ours):
        yield fault
    batch = look.sealed.batch
    lines = await repository.list_lines(
        after=batch.begins,
        until=batch.ends,
        limit=batch.entries + MOST_INSERTED,
    )
    if is_ours:
        for fault in _entry_faults(batch, lines, walk):
            yield fault
    for line in filter(verifying_reads.is_seal, lines):
        async for text in verifying_reads.faults_of(line, walk.reads):
            yield Fault(text, Kind.READS_BENT)


def _entry_faults(batch: Batch, lines: list[Line], walk: Walk) -> Iterator[Fault]:
    """Compare a batch's entries with its marks; where all marks are good, their whole hashes with the batch's."""
    digests = [chain.hash_of(line) for line in lines]
    marks = chain.marks_by_id(batch.marks)
    is_as_marked = True
    for line, digest in zip(lines, digests, strict=True):
        fault = _entry_fault(batch, line, marks.pop(line.place.id, None), digest, walk)
        if fault is not None:
            is_as_marked = False
            yield fault
    for entry_id in marks:
        yield Fault(f"Entry {entry_id} of batch {batch.number} is removed.", Kind.ENTRY_BENT)
    if is_as_marked and not marks and chain.content_of(digests) != batch.content_sha256:
        text = f"Entries of batch {batch.number} are changed, or their order is."
        yield Fault(text, Kind.ENTRY_BENT)


def _entry_fault(
    batch: Batch, line: Line, mark: bytes | None, digest: bytes, walk: Walk
) -> Fault | None:
    if mark is None:
        text = f"Entry {line.place.id} is inserted into batch {batch.number}."
        return Fault(text, Kind.ENTRY_BENT)
    if mark != chain.mark_of(line.place.id, digest):
        text = f"Entry {line.place.id} of batch {batch.number} is changed."
        return Fault(text, Kind.ENTRY_BENT)
    return _back_dated(line) if _is_back_dated(line, walk) else None


def _head_faults(sealed: SealedBatch, known: KnownHead) -> Iterator[Fault]:
    if not signing.current().is_good(known.signature, chain.message_of(known.head)):
        text = f"The head that was kept, of batch {known.number}, has a bad signature."
        yield Fault(text, Kind.KEPT_HEAD)
    if sealed.head != known.head:
        text = f"Batch {known.number} is another than the one whose head was kept."
        yield Fault(text, Kind.KEPT_HEAD)


async def _tail_faults(walk: Walk, progress: Progress) -> AsyncIterator[Fault]:
    """What is not sealed yet can at least not be older than what was sealed before, nor of a transaction to come."""
    place, end = walk.sealed_until, Position(2**63 - 1, 2**63 - 1)
    late, first = 0, None
    while lines := await repository.list_lines(after=place, until=end, limit=MOST_INSERTED):
        next_one = (await repository.running()).next_one  # asked for after they were read
        for line in lines:
            if line.place.xid >= next_one:
                yield _ahead(line)
            elif _is_back_dated(line, walk):
                yield _back_dated(line)
            elif line.created_at < clock.now() - MOST_UNSEALED:
                late, first = late + 1, first or line
        progress.unsealed += len(lines)
        place = lines[-1].place
    if first is not None:
        text = (
            f"Entry {first.place.id} of {first.created_at:%Y-%m-%d %H:%M} UTC is not sealed in time"
        )
        text += f", and {late - 1} more." if late > 1 else "."
        yield Fault(text, Kind.LATE)


def _is_back_dated(line: Line, walk: Walk) -> bool:
    return walk.complete_at is not None and line.created_at < walk.complete_at - MOST_DELAY


def _back_dated(line: Line) -> Fault:
    return Fault(
        f"Entry {line.place.id} is back-dated: it says {line.created_at:%Y-%m-%d %H:%M:%S} UTC,"
        " which was sealed before it was written.",
        Kind.BACK_DATED,
    )


def _ahead(line: Line) -> Fault:
    return Fault(
        f"Entry {line.place.id} says to be of transaction {line.place.xid}, which has not begun yet.",
        Kind.AHEAD,
    )


async def _read_tail_faults(walk: Walk) -> AsyncIterator[Fault]:
    """The same of reads: by their number, and by the oldest of them."""
    oldest = await repository.oldest_unsealed_read(walk.reads.place)
    next_one = (await repository.running()).next_one
    ahead = await repository.count_reads(after=Position(next_one - 1, 2**63 - 1))
    if ahead:
        text = f"{ahead} reads of members' files say to be of transactions that have not begun yet."
        yield Fault(text, Kind.AHEAD)
    elif oldest is not None and oldest < clock.now() - MOST_UNSEALED:
        text = f"Reads of members' files since {oldest:%Y-%m-%d %H:%M} UTC are not sealed in time."
        yield Fault(text, Kind.LATE)
