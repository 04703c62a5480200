"""How the trail is chained: what an entry's bytes are, what a batch holds of them, and what its head is of.

Entries are in the order of (transaction, id). A batch holds those after `begins` up to `ends`; the next one begins
where it ends, so that between two batches there is no room. All numbers are unsigned and big-endian; a text is its
length in four bytes and its UTF-8, one that is missing is the length 2³²-1 alone.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

MARK_BYTES: Final = 16
HASH_BYTES: Final = 32
GENESIS: Final = hashlib.sha256(b"bashgah audit trail v1").digest()
# The entry's columns whose texts are hashed, in their order.
COLUMNS: Final = (
    "id", "xid", "created_at", "actor_kind", "actor", "on_behalf_of", "subject_member_id", "province_code",
    "association_id", "action", "object_type", "object_id", "before", "after", "reason", "address", "session_id",
    "trace_id",
)  # fmt: skip

_ENTRY: Final = b"bashgah audit entry v1\0"
_HEAD: Final = "bashgah audit head v1"
_MISSING: Final = b"\xff\xff\xff\xff"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, order=True, slots=True)
class Position:
    """A place in the order of the trail; (x, 0) is the one before all entries of transaction x."""

    xid: int
    id: int


FIRST: Final = Position(-(2**63), -(2**63))


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as it is chained: the texts of `COLUMNS`, its place, and when it says that it was written."""

    place: Position
    created_at: datetime
    texts: Sequence[str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """A sealed batch, without its signature. `marks` has each entry's id and the first half of its hash."""

    number: int
    sealed_at: datetime
    begins: Position
    ends: Position
    entries: int
    content_sha256: bytes
    marks: bytes
    previous_head: bytes
    key_id: str

    @property
    def is_complete(self) -> bool:
        """Whether every transaction before its end was over when it was sealed, and all their entries are sealed."""
        return self.ends.id == 0


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """A batch with its head and signature, as the database has it."""

    batch: Batch
    head: bytes
    signature: bytes


def hash_of(line: Line) -> bytes:
    """SHA-256 of an entry's canonical bytes."""
    return hashlib.sha256(_ENTRY + canonical(line.texts)).digest()


def mark_of(entry_id: int, digest: bytes) -> bytes:
    """What a batch keeps of an entry."""
    return (entry_id % 2**64).to_bytes(8) + digest[:8]


def marks_by_id(marks: bytes) -> dict[int, bytes]:
    """The marks of a batch by their entries' ids."""
    return {
        int.from_bytes(marks[at : at + 8], signed=True): marks[at : at + MARK_BYTES]
        for at in range(0, len(marks), MARK_BYTES)
    }


def content_of(digests: Iterable[bytes]) -> bytes:
    """SHA-256 of the entries' hashes, in their order."""
    content = hashlib.sha256()
    for digest in digests:
        content.update(digest)
    return content.digest()


def head_of(batch: Batch) -> bytes:
    """SHA-256 of all that a batch says, and by `previous_head` of all batches before."""
    said = (
        _HEAD,
        str(batch.number),
        batch.previous_head.hex(),
        *(str(each) for place in (batch.begins, batch.ends) for each in (place.xid, place.id)),
        str(batch.entries),
        batch.content_sha256.hex(),
        hashlib.sha256(batch.marks).hexdigest(),
        str((batch.sealed_at - _EPOCH) // _MICROSECOND),
        batch.key_id,
    )
    return hashlib.sha256(canonical(said)).digest()


def message_of(head: bytes) -> bytes:
    """What is signed."""
    return f"{_HEAD}\n{head.hex()}\n".encode()


def canonical(texts: Iterable[str | None]) -> bytes:
    """Texts so that different ones never have the same bytes."""
    parts = []
    for text in texts:
        if text is None:
            parts.append(_MISSING)
        else:
            encoded = text.encode()
            parts += (len(encoded).to_bytes(4), encoded)
    return b"".join(parts)
