"""What an approval is executed with: sealed, bound to the digest of what is asked, opened for its executor alone."""

from collections.abc import Mapping
from typing import Final, cast

import orjson

from backend.approvals import domain, refusals, repository
from backend.approvals.domain import Approval
from backend.infra import sealing
from backend.infra.sealing import SealBroken, Sealed, SealingKeyError

CONTEXT: Final = "approval.payload"  # what it is sealed for, with the digest


def seal(payload: Mapping[str, object], *, digest: str) -> Sealed:
    """The payload as it is stored. Raises ApprovalMistakeError where it is too large."""
    text = orjson.dumps(payload).decode()
    if len(text) > domain.MAX_PAYLOAD_BYTES:
        raise domain.ApprovalMistakeError("a payload is too large")
    return sealing.current().seal(text, context=_context(digest))


async def open_payload(approval: Approval) -> Mapping[str, object]:
    """The payload of an open approval, once it is sure that the row is what its maker wrote.

    Raises ApprovalAltered, and SealingKeyError where the key that sealed it is gone.
    """
    sealed = await repository.find_payload(approval.id)
    if sealed is None or not domain.is_as_asked(approval):
        raise refusals.ApprovalAltered
    try:
        text = sealing.current().unseal(sealed, context=_context(approval.digest))
    except SealBroken as error:
        if not sealing.current().holds(sealed.key_id):
            raise SealingKeyError(f"there is no sealing key {sealed.key_id!r}") from error
        raise refusals.ApprovalAltered from error
    return cast("dict[str, object]", orjson.loads(text))


def _context(digest: str) -> str:
    return f"{CONTEXT}:{digest}"
