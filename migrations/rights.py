"""What the API and the workers may do to which table: the rights of the database role that they run as.

`bashgah migrate` grants just these, as the tables' owner, each time that it runs; `bashgah doctor` compares. The role
owns nothing and makes nothing. It reads and writes a table's rows unless the table stands here with less; it reaches
a partition through its table only, but for looking at what belongs to no month.
"""

from types import MappingProxyType
from typing import Final

APP_ROLE: Final = "bashgah_app"

ROWS: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
_READ: Final = frozenset({"SELECT"})
_READ_AND_ADD: Final = frozenset({"SELECT", "INSERT"})

# Tables with other rights than ROWS.
RIGHTS: Final = MappingProxyType(
    {
        # The trail: what is written stays.
        "audit_entry": _READ_AND_ADD,
        "audit_batch": _READ_AND_ADD,
        "file_read": _READ_AND_ADD,
        # The ledger: a transfer stays, and is put right by another one; accounts are added by migrations.
        "ledger_transfer": _READ_AND_ADD,
        "account": _READ,
        # What was asked of a second person is kept.
        "approval": frozenset({"SELECT", "INSERT", "UPDATE"}),
        # Where a membership file lies while it is compared; emptied and counted as a whole.
        "membership_chunk": ROWS | {"TRUNCATE"},
        "membership_row": ROWS | {"TRUNCATE", "MAINTAIN"},
        "membership_problem": ROWS | {"TRUNCATE"},
        "tortoise_migrations": _READ,
    }
)
# Columns that the role may not fill in itself: the database does.
KEPT_COLUMNS: Final = MappingProxyType({"audit_entry": frozenset({"id", "xid"})})
# What runs with the owner's rights, and does one thing only.
FUNCTIONS: Final = ("make_month_partition(text, int, int)",)
