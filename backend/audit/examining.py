"""How the sealing stands, for who looks from outside: what the last good batch says, and not what a row claims."""

from dataclasses import dataclass
from datetime import datetime

from backend.audit import chain, last_batch
from backend.audit import repository_sealing as repository
from backend.audit.last_batch import KeysMissing, KeySucceeded
from backend.audit.repository_sealing import Fetch
from backend.infra.signing import Signer, SigningKeyError


@dataclass(frozen=True, kw_only=True, slots=True)
class Sealing:
    """`batches` are good up to that number, of `rows` in all. `obstacle` is why the key of this process may not sign.

    `unsealed_since` is the time of the earliest entry that is not sealed; None where all are.
    """

    batches: int
    rows: int
    unsealed_since: datetime | None
    obstacle: str = ""


async def examine(signer: Signer, *, fetch: Fetch) -> Sealing:
    """Look by the keys that are known here; it reads few rows, and no entry but the unsealed ones."""
    last = await last_batch.find(signer, fetch=fetch)
    obstacle = ""
    try:
        await last_batch.require_turn(signer, last, fetch=fetch)
    except (KeySucceeded, KeysMissing) as error:
        obstacle = str(error)
    except SigningKeyError:
        pass  # others sign
    place = chain.FIRST if last.sealed is None else last.sealed.batch.ends
    return Sealing(
        batches=0 if last.sealed is None else last.sealed.batch.number,
        rows=await repository.count_batches(fetch=fetch),
        unsealed_since=await repository.oldest_unsealed(place, fetch=fetch),
        obstacle=obstacle,
    )
