"""Operators' phones, where their invitations go: sealed in the account's row, shown by their ends alone."""

from typing import Final

from backend.access.staff import Operator
from backend.core import identifiers
from backend.infra import sealing
from backend.infra.sealing import Sealed

_CONTEXT: Final = "operator.phone"


def seal(operator_id: int, phone: str) -> Sealed:
    """A phone (E.164) sealed for an operator's row."""
    return sealing.current().seal(phone, context=f"{_CONTEXT}:{operator_id}")


def unseal(operator_id: int, sealed: Sealed) -> str:
    """Where an operator's messages go (E.164). Raises SealBroken."""
    return sealing.current().unseal(sealed, context=f"{_CONTEXT}:{operator_id}")


def masked(operator: Operator) -> str | None:
    """The beginning and the end of an operator's phone, for colleagues to tell whose it is; None without a phone.

    Raises SealBroken.
    """
    if operator.phone is None:
        return None
    return identifiers.mask_phone(unseal(operator.id, operator.phone))


def index_of(operator: Operator) -> str:
    """A blind index of an operator's phone in hexadecimal digits, equal whatever key seals it; "" without a phone.

    Raises SealBroken.
    """
    return "" if operator.phone is None else index(unseal(operator.id, operator.phone))


def index(phone: str) -> str:
    """The blind index of a phone (E.164) in hexadecimal digits."""
    return sealing.current().blind_index(phone, context=_CONTEXT).hex()
