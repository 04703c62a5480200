"""Whether the reads of members' files are what was sealed, while the walk through the trail meets their seals."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from backend.audit import chain, read_seals
from backend.audit import repository_sealing as repository
from backend.audit.chain import Line, Position

MOST_INSERTED: Final = 1_000  # into what one entry seals: with more there is one fault as well
_ID, _ACTION, _AFTER = (chain.COLUMNS.index(name) for name in ("id", "action", "after"))


@dataclass(slots=True)
class ReadsWalk:
    """How far the reads are verified, and how many."""

    place: Position = chain.FIRST
    reads: int = 0


def is_seal(line: Line) -> bool:
    """Whether an entry seals reads."""
    return line.texts[_ACTION] == read_seals.ACTION


async def faults_of(line: Line, walk: ReadsWalk) -> AsyncIterator[str]:
    """What is wrong with the reads that an entry seals; the entry itself is verified already."""
    name = f"Reads of files, as entry {line.texts[_ID]} sealed them"
    seal = read_seals.parsed(line.texts[_AFTER])
    if seal is None:
        yield f"{name}: the entry is none of the sealer's."
        return
    if seal.begins != walk.place:
        yield f"{name}, do not go on from those before."
    lines = await repository.list_read_lines(
        after=seal.begins, until=seal.ends, limit=seal.reads + MOST_INSERTED
    )
    walk.place = max(walk.place, seal.ends)
    walk.reads += seal.reads
    if len(lines) != seal.reads:
        yield f"{name}, were {seal.reads} and are {len(lines)}: some were removed or inserted."
    elif read_seals.content_of(lines) != seal.content_sha256:
        yield f"{name}, are changed, {seal.reads} of them taken together."


async def count_unsealed(walk: ReadsWalk) -> int:
    """How many reads came after the last seal."""
    return await repository.count_reads(after=walk.place)
