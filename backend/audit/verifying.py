"""Whether the trail is what was sealed: every batch against its head and signature, every entry against its batch.

It reads a batch and its entries at a time, so that a trail of any length takes the same memory.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from backend.audit import chain
from backend.audit import repository_sealing as repository
from backend.audit.chain import Batch, Line, Position, SealedBatch
from backend.infra import signing
from backend.infra.signing import Signature

# What a transaction may last, and what clocks may differ: an entry that says to be older than the sealing before by
# more was written later than it says.
MOST_DELAY: Final = timedelta(hours=1)
BATCHES_A_READ: Final = 20
MOST_INSERTED: Final = 1_000  # of a batch: that many are named


@dataclass(frozen=True, slots=True)
class KnownHead:
    """A head that was kept elsewhere."""

    number: int
    head: bytes
    signature: Signature


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was sealed; `text` names the batch or the entry."""

    text: str


@dataclass(slots=True)
class Progress:
    """What was read so far."""

    batches: int = 0
    entries: int = 0
    unsealed: int = 0


@dataclass(slots=True)
class _Walk:
    """Where a verification stands: the head and the place that the next batch has to go on from."""

    number: int = 0
    head: bytes = chain.GENESIS
    place: Position = chain.FIRST
    complete_at: datetime | None = None  # every transaction that was over by then was sealed then


async def verify(
    progress: Progress,
    *,
    known: KnownHead | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> AsyncIterator[Fault]:
    """Every fault of the trail, in its order; none where it is as it was sealed. `tell` gets the entries read.

    What is not sealed yet can't be verified: it is counted in `progress.unsealed`. With a head that was kept
    elsewhere a trail that was cut off, or written anew, is found as well.
    """
    walk = _Walk()
    while batches := await repository.list_batches(after=walk.number, limit=BATCHES_A_READ):
        for sealed in batches:
            for fault in _batch_faults(sealed, walk):
                yield fault
            async for fault in _entry_faults(sealed.batch, walk):
                yield fault
            if known is not None and known.number == sealed.batch.number:
                for fault in _head_faults(sealed, known):
                    yield fault
            batch = sealed.batch
            walk.number, walk.head, walk.place = batch.number, sealed.head, batch.ends
            walk.complete_at = batch.sealed_at if batch.is_complete else walk.complete_at
            progress.batches += 1
            progress.entries += batch.entries
            tell(progress.entries)
    if known is not None and known.number > walk.number:
        yield Fault(
            f"The trail ends with batch {walk.number}; the head that was kept is of batch {known.number}."
        )
    async for fault in _tail_faults(walk, progress):
        yield fault


def _batch_faults(sealed: SealedBatch, walk: _Walk) -> Iterator[Fault]:
    batch = sealed.batch
    name = f"Batch {batch.number}"
    if batch.number != walk.number + 1:
        yield Fault(f"{name} follows batch {walk.number}: what was between is removed.")
    elif batch.previous_head != walk.head or batch.begins != walk.place:
        yield Fault(f"{name} does not go on from the batch before.")
    if chain.head_of(batch) != sealed.head:
        yield Fault(f"{name} is changed: its head is not that of what it says.")
    signer = signing.current()
    if not signer.knows(batch.key_id):
        yield Fault(f"{name} is signed by key {batch.key_id!r}, which is not known here.")
    elif not signer.is_good(
        Signature(batch.key_id, sealed.signature), chain.message_of(sealed.head)
    ):
        yield Fault(f"{name} has a bad signature.")


async def _entry_faults(batch: Batch, walk: _Walk) -> AsyncIterator[Fault]:
    """Compare a batch's entries with its marks; where all marks are good, their whole hashes with the batch's."""
    lines = await repository.list_lines(
        after=batch.begins,
        until=batch.ends,
        limit=batch.entries + MOST_INSERTED,
    )
    digests = [chain.hash_of(line) for line in lines]
    marks = chain.marks_by_id(batch.marks)
    faults = []
    for line, digest in zip(lines, digests, strict=True):
        mark = marks.pop(line.place.id, None)
        if mark is None:
            faults.append(Fault(f"Entry {line.place.id} is inserted into batch {batch.number}."))
        elif mark != chain.mark_of(line.place.id, digest):
            faults.append(Fault(f"Entry {line.place.id} of batch {batch.number} is changed."))
        elif _is_back_dated(line, walk):
            faults.append(_back_dated(line))
    faults += [Fault(f"Entry {entry_id} of batch {batch.number} is removed.") for entry_id in marks]
    if not faults and chain.content_of(digests) != batch.content_sha256:
        faults.append(Fault(f"Entries of batch {batch.number} are changed, or their order is."))
    for fault in faults:
        yield fault


def _head_faults(sealed: SealedBatch, known: KnownHead) -> Iterator[Fault]:
    if not signing.current().is_good(known.signature, chain.message_of(known.head)):
        yield Fault(f"The head that was kept, of batch {known.number}, has a bad signature.")
    if sealed.head != known.head:
        yield Fault(f"Batch {known.number} is another than the one whose head was kept.")


async def _tail_faults(walk: _Walk, progress: Progress) -> AsyncIterator[Fault]:
    """What is not sealed yet can at least not be older than what was sealed before."""
    place, end = walk.place, Position(2**63 - 1, 2**63 - 1)
    while lines := await repository.list_lines(after=place, until=end, limit=MOST_INSERTED):
        for line in lines:
            if _is_back_dated(line, walk):
                yield _back_dated(line)
        progress.unsealed += len(lines)
        place = lines[-1].place


def _is_back_dated(line: Line, walk: _Walk) -> bool:
    return walk.complete_at is not None and line.created_at < walk.complete_at - MOST_DELAY


def _back_dated(line: Line) -> Fault:
    return Fault(
        f"Entry {line.place.id} is back-dated: it says {line.created_at:%Y-%m-%d %H:%M:%S} UTC,"
        " which was sealed before it was written."
    )
