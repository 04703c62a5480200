"""Making anew what places are found by, once the rules of folding text have changed."""

from collections.abc import Callable
from dataclasses import dataclass

from backend.core.viewer import Viewer
from backend.infra import db, telemetry
from backend.stores import repository_derived, saving

BATCH = 500

_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class ReindexOutcome:
    """How many places were looked at, and how many of them were written."""

    places: int
    changed: int


async def reindex_stores(*, viewer: Viewer, progress: Callable[[int], None]) -> ReindexOutcome:
    """Make search documents, sort keys and compact names of all places anew, 500 a transaction.

    Safe while the system runs: a search sees each place as it was or as it is, and an import of the same
    places waits for one batch at most. One that was interrupted is simply run again; what is right already
    is not written. `progress` hears the number of places done. Raises Unauthenticated, Forbidden.
    """
    viewer.require(saving.MANAGE)
    done = changed = 0
    last_code = ""
    while renewed := await _renew(last_code):
        done += renewed.places
        changed += renewed.changed
        last_code = renewed.last_code
        progress(done)
    _log.info("stores.reindexed", places=done, changed=changed, actor=viewer.actor)
    return ReindexOutcome(done, changed)


async def _renew(last_code: str) -> repository_derived.Renewed | None:
    async with db.transaction():
        return await repository_derived.renew_after(last_code, limit=BATCH)
