"""Which rows of batches are the trail's, and what is wrong with them, while the walk through the trail meets them.

The API's role may add rows. Of those with one number the trail's is the good one that goes on from the batch before;
of two such ones the first that was added, which nobody can add any more. A row that is not good stands for a batch
only where there is no good one and it has the next number: it may be one that was changed.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from backend.audit import chain, last_batch
from backend.audit import repository_sealing as repository
from backend.audit.chain import Position, SealedBatch
from backend.audit.faults import Fault, Kind
from backend.audit.verifying_reads import ReadsWalk
from backend.infra import signing

BATCHES_A_READ: Final = 20
BESIDE: Final = 4


@dataclass(slots=True)
class Walk:
    """Where a verification stands: the head and the place that the next batch has to go on from."""

    number: int = 0
    head: bytes = chain.GENESIS
    place: Position = chain.FIRST
    sealed_until: Position = chain.FIRST  # by good batches
    complete_at: datetime | None = None  # every transaction that was over by then was sealed then
    keys: list[str] = field(default_factory=list)  # in the order of their first use
    reads: ReadsWalk = field(default_factory=ReadsWalk)

    def pass_by(self, look: "Look") -> None:
        """Go on behind a row that stands for a batch."""
        batch = look.sealed.batch
        self.number, self.head, self.place = batch.number, look.sealed.head, batch.ends
        if look.is_good:
            self.sealed_until = batch.ends
            self.complete_at = batch.sealed_at if batch.is_complete else self.complete_at
            if batch.key_id not in self.keys:
                self.keys.append(batch.key_id)


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of a row where the walk meets it."""

    sealed: SealedBatch
    is_known: bool  # its key
    is_signed: bool
    is_whole: bool
    is_next: bool
    goes_on: bool
    succeeded_by: str | None

    @property
    def is_good(self) -> bool:
        """Whether a sealer made it just so, with a key whose turn it was."""
        return self.is_signed and self.is_whole and self.succeeded_by is None

    @property
    def rank(self) -> int:
        """How well it stands for a batch: 0 is best, BESIDE not at all."""
        ranks = (self.is_good and self.goes_on, self.is_good, self.goes_on, self.is_next)
        return next((rank for rank, is_so in enumerate(ranks) if is_so), BESIDE)


async def in_order(walk: Walk) -> AsyncIterator[tuple[Look, bool]]:
    """All rows by their number, each with whether it stands for a batch: of a number at most one does, and comes last.

    The caller lets the walk pass by those that do.
    """
    best: Look | None = None
    async for sealed in _rows():
        if best is not None and best.sealed.batch.number != sealed.batch.number:
            yield best, best.rank < BESIDE
            best = None
        look = _look(sealed, walk)
        if best is None:
            best = look
            continue
        loser, best = (look, best) if best.rank <= look.rank else (best, look)
        yield loser, False
    if best is not None:
        yield best, best.rank < BESIDE


async def is_followed(look: Look) -> bool:
    """Whether a good batch goes on from a row: a sealer has then known it just so."""
    batch = look.sealed.batch
    after = (batch.number, 2**63 - 1)
    rows = await repository.list_batches(after=after, limit=BATCHES_A_READ)
    return any(
        each.batch.number == batch.number + 1
        and each.batch.previous_head == look.sealed.head
        and last_batch.is_signed(each, signing.current())
        and last_batch.is_whole(each)
        for _, each in rows
    )


def faults_of(look: Look, walk: Walk, *, is_ours: bool) -> Iterator[Fault]:
    """What is wrong with a row that stands for a batch; `is_ours` where it is signed or `is_followed`."""
    batch = look.sealed.batch
    name = f"Batch {batch.number}"
    if not look.is_next:
        text = f"{name} follows batch {walk.number}: what was between is removed."
        yield Fault(text, Kind.BATCH_BENT)
    elif not look.goes_on:
        yield Fault(f"{name} does not go on from the batch before.", Kind.BATCH_BENT)
    if not look.is_whole:
        text = f"{name} is changed: its head is not that of what it says."
        yield Fault(text, Kind.BATCH_BENT)
    if not look.is_known:
        text = f"{name} is signed by key {batch.key_id!r}, which is not known here."
        yield Fault(text, Kind.KEY_UNKNOWN)
    elif not look.is_signed:
        kind = Kind.BATCH_BENT if is_ours else Kind.NOT_OURS
        yield Fault(f"{name} has a bad signature.", kind)
    elif look.succeeded_by is not None:
        yield Fault(
            f"{name} is signed by key {batch.key_id!r}, which key {look.succeeded_by!r} had succeeded.",
            Kind.KEY_SUCCEEDED,
        )


def fault_beside(look: Look) -> Fault:
    """What is said of a row that stands for no batch."""
    batch = look.sealed.batch
    name = f"A row that says to be batch {batch.number} is none of the trail"
    if not look.is_known:
        text = f"{name}: it is signed by key {batch.key_id!r}, which is not known here."
        return Fault(text, Kind.KEY_UNKNOWN)
    if not look.is_signed:
        return Fault(f"{name}: its signature is bad.", Kind.NOT_OURS)
    if not look.is_whole:
        return Fault(f"{name}: it was sealed, and is changed.", Kind.BATCH_BENT)
    if look.succeeded_by is not None:
        text = f"{name}: it is signed by key {batch.key_id!r}, which key {look.succeeded_by!r} had succeeded."
        return Fault(text, Kind.KEY_SUCCEEDED)
    text = f"{name}: key {batch.key_id!r} has signed it beside another one of that number."
    return Fault(text, Kind.KEY_SUCCEEDED)


async def _rows() -> AsyncIterator[SealedBatch]:
    after = (0, -(2**63))
    while rows := await repository.list_batches(after=after, limit=BATCHES_A_READ):
        for _, sealed in rows:
            yield sealed
        after = rows[-1][1].batch.number, rows[-1][0]


def _look(sealed: SealedBatch, walk: Walk) -> Look:
    batch, signer = sealed.batch, signing.current()
    is_next = batch.number == walk.number + 1
    return Look(
        sealed=sealed,
        is_known=signer.knows(batch.key_id),
        is_signed=last_batch.is_signed(sealed, signer),
        is_whole=last_batch.is_whole(sealed),
        is_next=is_next,
        goes_on=is_next and batch.previous_head == walk.head and batch.begins == walk.place,
        succeeded_by=walk.keys[-1] if batch.key_id in walk.keys[:-1] else None,
    )
