"""Sealing anew, by the current key, what former keys have sealed of members: only then can a key be retired."""

from collections.abc import Callable
from dataclasses import dataclass

from backend.core.viewer import Viewer
from backend.infra import db, sealing, telemetry
from backend.infra.sealing import SealBroken, Sealer
from backend.members import repository_seals as repository
from backend.members import seals
from backend.members.repository_seals import SealedNumbers

RENEW = "members.seals.renew"
MEMBERS_AT_ONCE = 5_000  # locked for a fraction of a second

_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class RenewOutcome:
    """How many members were sealed anew, and how many have a seal that does not open and stayed as they were."""

    renewed: int
    broken: int


async def renew_seals(*, viewer: Viewer, progress: Callable[[int], None]) -> RenewOutcome:
    """Seal by the current key what other keys have sealed, some members a transaction.

    Interrupted, it goes on when it is called again. A member with a seal that does not open is left and logged by
    id. Raises Unauthenticated, Forbidden.
    """
    viewer.require(RENEW)
    sealer = sealing.current()
    after, renewed, broken = 0, 0, 0
    while True:
        async with db.transaction():
            batch = await repository.lock_outdated(
                current=sealer.current_key_id, after=after, limit=MEMBERS_AT_ONCE
            )
            made = [new for each in batch if (new := _renewed(each, sealer)) is not None]
            await repository.save(made)
        renewed, broken = renewed + len(made), broken + len(batch) - len(made)
        progress(renewed)
        if len(batch) < MEMBERS_AT_ONCE:
            return RenewOutcome(renewed, broken)
        after = batch[-1].member_id


def _renewed(numbers: SealedNumbers, sealer: Sealer) -> SealedNumbers | None:
    index = numbers.index
    try:
        code = seals.open_national_code(numbers.national_code, index=index, sealer=sealer)
        iban = (
            None
            if numbers.iban is None
            else seals.open_iban(numbers.iban, index=index, sealer=sealer)
        )
    except SealBroken:
        _log.exception("members.seal_broken", member_id=numbers.member_id)
        return None
    return SealedNumbers(
        member_id=numbers.member_id,
        index=index,
        national_code=seals.seal_national_code(code, index=index, sealer=sealer),
        iban=None if iban is None else seals.seal_iban(iban, index=index, sealer=sealer),
    )
