"""Which batch is the last that a sealer made. The API's role may add rows to the batches, and a retired key may leak.

So no row counts but one whose signature and head are good, and only of the key that came last: a key that was
succeeded signs no more. A row's id is the database's own; what came after the last good batch has a higher one.
"""

from dataclasses import dataclass
from typing import Final

from backend.audit import chain
from backend.audit import repository_sealing as repository
from backend.audit.chain import SealedBatch
from backend.audit.repository_sealing import Fetch, SignedHead
from backend.infra import db
from backend.infra.signing import Signature, Signer

ROWS_AT_ONCE: Final = 50
MOST_NAMED: Final = 5


class KeySucceeded(Exception):
    """The key that this process would sign with was succeeded by another one; the text says what to do."""


class KeysMissing(Exception):
    """Batches are signed by keys that are not known here, just where another key would go on from them."""


@dataclass(frozen=True, slots=True)
class Last:
    """The last good batch, None where there is none, and how many rows after it no sealer made.

    Of the keys that are known here, `keys` have ever signed, and `newest_key` was the last to begin.
    """

    sealed: SealedBatch | None
    row_id: int
    rows_after: int
    newest_key: str | None
    keys: frozenset[str]


async def find(signer: Signer, *, fetch: Fetch = db.fetch) -> Last:
    """Find it by the keys that are known here. It reads the first and the last batch of each key."""
    used = {}
    for key_id in signer.key_ids:
        first = await _find_first(signer, key_id, fetch)
        if first is not None:
            used[key_id] = first
    newest_first = sorted(used, key=lambda key_id: used[key_id], reverse=True)
    row_id, sealed = -(2**63), None
    for (
        key_id
    ) in newest_first:  # an earlier one counts only where all that later ones signed is changed
        found = await _find_last(signer, key_id, fetch)
        if found is not None:
            row_id, sealed = found
            break
    return Last(
        sealed,
        row_id,
        await repository.count_batches(after=row_id, fetch=fetch),
        newest_first[0] if newest_first else None,
        frozenset(used),
    )


async def require_turn(signer: Signer, last: Last, *, fetch: Fetch = db.fetch) -> None:
    """See that the current key may sign what comes next. Raises KeySucceeded, KeysMissing, SigningKeyError."""
    current, newest = signer.current_key_id, last.newest_key
    if current == newest:
        return
    if current in last.keys:
        raise KeySucceeded(
            f"key {current!r} was succeeded by {newest!r} and may not sign again:"
            f" name {newest!r}, or a new key, in BASHGAH_AUDIT_SIGNING_KEY_CURRENT"
        )
    others = await repository.list_other_keys(
        signer.key_ids, after=last.row_id, limit=MOST_NAMED, fetch=fetch
    )
    if others:
        names = ", ".join(map(repr, others))
        raise KeysMissing(
            f"batches are signed by {names}, not known here: add the public key to BASHGAH_AUDIT_PUBLIC_KEYS."
            " If it was never yours, those rows are forged: let the former key seal once more, then change it"
        )


def is_signed(sealed: SealedBatch, signer: Signer) -> bool:
    """Whether a key that is known here has signed the head."""
    return _is_good(signer, sealed.batch.key_id, sealed.head, sealed.signature)


def is_whole(sealed: SealedBatch) -> bool:
    """Whether the head is that of what the batch says."""
    return chain.head_of(sealed.batch) == sealed.head


async def _find_first(signer: Signer, key_id: str, fetch: Fetch) -> int | None:
    """The row's id of the first batch that a key has signed."""
    rows = await repository.list_heads(key_id, after=-(2**63), limit=1, fetch=fetch)
    while rows:
        for row in rows:
            if _is_good(signer, key_id, row.head, row.signature):
                return row.row_id
        rows = await repository.list_heads(
            key_id, after=rows[-1].row_id, limit=ROWS_AT_ONCE, fetch=fetch
        )
    return None


async def _find_last(signer: Signer, key_id: str, fetch: Fetch) -> tuple[int, SealedBatch] | None:
    """The last batch that a key has signed and that is whole, by its row's id."""
    rows = await repository.list_heads(key_id, limit=1, fetch=fetch)  # mostly it is the last one
    while rows:
        found = await _first_good(signer, key_id, rows, fetch)
        if found is not None:
            return found
        rows = await repository.list_heads(
            key_id, before=rows[-1].row_id, limit=ROWS_AT_ONCE, fetch=fetch
        )
    return None


async def _first_good(
    signer: Signer, key_id: str, rows: list[SignedHead], fetch: Fetch
) -> tuple[int, SealedBatch] | None:
    for row in rows:
        if _is_good(signer, key_id, row.head, row.signature):
            sealed = await repository.get_batch(row.row_id, fetch=fetch)
            if is_whole(sealed):
                return row.row_id, sealed
    return None


def _is_good(signer: Signer, key_id: str, head: bytes, signature: bytes) -> bool:
    return signer.is_good(Signature(key_id, signature), chain.message_of(head))
