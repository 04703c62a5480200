"""The one table of fields that have a faster way than their resolvers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from schema.execution import loan_round_reads, member_reads, nearby
from schema.execution.plan import Binding

BINDINGS: Final[Mapping[tuple[str, str], Binding]] = MappingProxyType(
    {
        ("Query", "me"): member_reads.bind_me,
        ("Query", "nearbyStores"): nearby.bind_nearby_stores,
        ("Query", "loanRounds"): loan_round_reads.bind_loan_rounds,
    }
)
