"""How a settlement is sealed: for its place alone, under the place's code as it is stored."""

from dataclasses import dataclass

from backend.infra import sealing
from backend.infra.sealing import Sealed
from backend.stores.domain import Settlement, SettlementMode

IBAN = "store_settlement.iban"
CONTRACT = "store_settlement.contract_number"


@dataclass(frozen=True, slots=True)
class SealedSettlement:
    """What is stored of a settlement beside its mode."""

    iban: Sealed
    iban_index: bytes
    contract_number: Sealed | None


def seal(code: str, settlement: Settlement) -> SealedSettlement:
    """Seal a settlement for the place of this code."""
    sealer = sealing.current()
    contract = settlement.contract_number
    return SealedSettlement(
        iban=sealer.seal(settlement.iban, context=f"{IBAN}:{code}"),
        iban_index=iban_index(settlement.iban),
        contract_number=None
        if contract is None
        else sealer.seal(contract, context=f"{CONTRACT}:{code}"),
    )


def unseal(
    code: str, *, iban: Sealed, contract_number: Sealed | None, mode: SettlementMode
) -> Settlement:
    """Open a settlement that was sealed for the place of this code. Raises SealBroken."""
    sealer = sealing.current()
    contract = contract_number
    return Settlement(
        iban=sealer.unseal(iban, context=f"{IBAN}:{code}"),
        contract_number=None
        if contract is None
        else sealer.unseal(contract, context=f"{CONTRACT}:{code}"),
        mode=mode,
    )


def iban_index(iban: str) -> bytes:
    """The blind index under which the stores with a normalized IBAN are found."""
    return sealing.current().blind_index(iban, context=IBAN)
