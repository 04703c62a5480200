"""How reads of members' files are sealed: by an entry of the trail that has the hash of those since the one before.

Reads are in the order of (transaction, id), as entries are. The trail's own chain seals the entry, so that reads need
no chain and no signature of their own. Nothing of a read stands in it but the hash.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from backend.audit import chain
from backend.audit.chain import Position

ACTION: Final = "file_reads.sealed"
OBJECT: Final = "FileReads"
MOST_READS: Final = 10_000  # that one entry seals
# The columns of a read whose texts are hashed, in their order.
COLUMNS: Final = (
    "id", "xid", "created_at", "member_id", "reader_role", "reader_office", "actor", "purpose",
)  # fmt: skip

_READ: Final = b"bashgah file read v1\0"


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A read as it is sealed: its place, and the texts of `COLUMNS`."""

    place: Position
    texts: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class ReadSeal:
    """What an entry says of the reads after `begins` up to `ends`."""

    begins: Position
    ends: Position
    reads: int
    content_sha256: str

    def shown(self) -> dict[str, object]:
        """The seal as the entry's `after`."""
        return {
            "from_xid": self.begins.xid,
            "from_id": self.begins.id,
            "to_xid": self.ends.xid,
            "to_id": self.ends.id,
            "reads": self.reads,
            "content_sha256": self.content_sha256,
        }


def content_of(lines: Iterable[ReadLine]) -> str:
    """SHA-256 of the reads' hashes in their order, in hexadecimal digits."""
    return chain.content_of(
        hashlib.sha256(_READ + chain.canonical(line.texts)).digest() for line in lines
    ).hex()


def parsed(after: str | None) -> ReadSeal | None:
    """The seal that an entry's `after` holds; None where it is none by its form."""
    try:
        said: Mapping[str, object] = orjson.loads(after or "")
        numbers = [int(str(said[name])) for name in ("from_xid", "from_id", "to_xid", "to_id")]
        begins, ends = Position(*numbers[:2]), Position(*numbers[2:])
        seal = ReadSeal(begins, ends, int(str(said["reads"])), str(said["content_sha256"]))
    except (ValueError, KeyError, TypeError):
        return None
    is_one = 0 <= seal.reads <= MOST_READS and all(-(2**63) <= each < 2**63 for each in numbers)
    return seal if is_one else None
