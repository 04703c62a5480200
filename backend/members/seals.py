"""How a member's numbers are sealed: for the member's own row, named by the blind index of the national code.

A ciphertext that is copied to another member, or from one column to the other, does not open there.
"""

from backend.core import identifiers
from backend.infra import sealing, telemetry
from backend.infra.sealing import SealBroken, Sealed, Sealer
from backend.members.domain import IBAN_CONTEXT, NATIONAL_CODE_CONTEXT, SealedCode

_HIDDEN_NATIONAL_CODE = "*" * 10
_log = telemetry.logger(__name__)


def national_code_index(national_code: str, sealer: Sealer) -> bytes:
    """What a member is found by; it names the row that the seals belong to."""
    return sealer.blind_index(national_code, context=NATIONAL_CODE_CONTEXT)


def iban_index(iban: str, sealer: Sealer) -> bytes:
    """What an IBAN is found by, and compared."""
    return sealer.blind_index(iban, context=IBAN_CONTEXT)


def seal_national_code(national_code: str, *, index: bytes, sealer: Sealer) -> Sealed:
    """Seal a national code for the row of this index."""
    return sealer.seal(national_code, context=_place(NATIONAL_CODE_CONTEXT, index))


def seal_iban(iban: str, *, index: bytes, sealer: Sealer) -> Sealed:
    """Seal an IBAN for the row of this index of a national code."""
    return sealer.seal(iban, context=_place(IBAN_CONTEXT, index))


def open_national_code(sealed: Sealed, *, index: bytes, sealer: Sealer) -> str:
    """The national code in the row of this index. Raises SealBroken."""
    return sealer.unseal(sealed, context=_place(NATIONAL_CODE_CONTEXT, index))


def open_iban(sealed: Sealed, *, index: bytes, sealer: Sealer) -> str:
    """The IBAN in the row of this index of a national code. Raises SealBroken."""
    return sealer.unseal(sealed, context=_place(IBAN_CONTEXT, index))


def masked_national_code(sealed: SealedCode, *, member_id: int) -> str:
    """The end of a national code; all of it hidden, and an error logged, where its seal does not open."""
    try:
        national_code = open_national_code(
            Sealed(sealed.ciphertext, sealed.key_id), index=sealed.index, sealer=sealing.current()
        )
    except SealBroken:
        _log.exception("members.seal_broken", member_id=member_id, key_id=sealed.key_id)
        return _HIDDEN_NATIONAL_CODE
    return identifiers.mask_national_code(national_code)


def _place(column: str, index: bytes) -> str:
    return f"{column}:{index.hex()}"
