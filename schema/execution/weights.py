"""What a field costs beyond the rule of `costs.py`, by `Type.field`; a test sees that each still exists."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from backend.core import paging

# The longest page of a connection; a field may have another.
PAGE: Final = paging.MAX_FIRST
PAGES: Final[Mapping[str, int]] = MappingProxyType({})

# How many items a list without `first` is taken to have.
SIZE: Final = 5
SIZES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "FileImport.problems": 20,
        "LoanApplication.instalments": 36,
        "LoanApplication.timeline": 10,
        "Member.purchaseTotals": 36,
        "Member.purchasesAwaitingMe": 10,
        "MonthDeduction.instalments": 20,
        "Purchase.instalments": 24,
        "Query.loanRounds": 20,
        "Query.provinceRecords": 31,
        "Query.provinces": 31,
        "Query.storeCategories": 40,
        "Query.storeClusters": 200,
        "Store.openingHours": 14,
        "StoreRecord.openingHours": 14,
    }
)

# What takes more work than its objects: a search, a count over many rows.
WEIGHTS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "FileImport.problems": 10,
        "Member.credit": 5,
        "Query.members": 20,
        "Query.nearbyStores": 10,
        "Query.storeRecords": 10,
        "Query.stores": 10,
    }
)
