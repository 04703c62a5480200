"""What the API and the workers may do to which table: the rights of the database role that they run as.

`bashgah migrate` grants just these, as the tables' owner, each time that it runs; `bashgah doctor` compares. The role
owns nothing and makes nothing. It reads and writes a table's rows unless the table stands here with less, which it does
where the code needs less: tests hold DELETE against the code. It reaches a partition through its table only, but for
looking at what belongs to no month.
"""

from types import MappingProxyType
from typing import Final

APP_ROLE: Final = "bashgah_app"

ROWS: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
_READ: Final = frozenset({"SELECT"})
_READ_AND_ADD: Final = frozenset({"SELECT", "INSERT"})
_READ_AND_CHANGE: Final = frozenset({"SELECT", "UPDATE"})
_KEPT: Final = ROWS - {"DELETE"}
_LISTED: Final = ROWS - {"UPDATE"}

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
        "approval": _KEPT,
        # Who may act, and who did in an emergency: nobody is made to never have been.
        "operator": _KEPT,
        "break_glass": _KEPT,
        "cashier": _KEPT,
        "store_device": _KEPT,
        # Money that is owed, and what it is owed for: so far it is written by `bashgah seed` alone.
        "plan": _READ,
        "instalment": _READ,
        "purchase": _READ,
        "loan_round": _READ,
        "loan_quota": _READ,
        "loan_application": _READ,
        "loan_application_event": _READ,
        # People and places leave by their state.
        "member": _KEPT,
        "notice": _KEPT,
        "store": _KEPT,
        "store_category": _KEPT,
        "store_settlement": _KEPT,
        "branch": _KEPT,
        "association": _KEPT,
        "holiday_override": _KEPT,
        "province": _READ_AND_CHANGE,
        "city": _READ,
        # Lists that are written anew.
        "store_opening_period": _LISTED,
        "store_opening_exception": _LISTED,
        "store_opening_exception_period": _READ_AND_ADD,
        "store_offer": _LISTED,
        "store_favourite": _LISTED,
        "store_change": _LISTED,
        # What was imported is kept; its bytes are not.
        "file_import": _KEPT,
        # Where a membership file lies while it is compared; emptied and counted as a whole.
        "membership_chunk": ROWS | {"TRUNCATE"},
        "membership_row": ROWS | {"TRUNCATE", "MAINTAIN"},
        "membership_problem": ROWS | {"TRUNCATE"},
        "tortoise_migrations": _READ,
    }
)
# Columns that the role may not fill in itself: the database does.
KEPT_COLUMNS: Final = MappingProxyType(
    {
        "audit_entry": frozenset({"id", "xid"}),
        "file_read": frozenset({"id", "xid"}),
        "audit_batch": frozenset({"id"}),  # by it the sealer knows which rows came after its own
    }
)
# Columns that the role may change, where it may not change all of them.
CHANGED_COLUMNS: Final = MappingProxyType(
    {
        "approval": frozenset({
            "state", "granted_by", "granted_at", "closed_by", "closed_at", "outcome_code", "outcome_text", "runs",
            "payload_sealed", "payload_key_id", "told_places", "untold_places", "notice_known_at", "ready_at",
        }),
        "operator": frozenset({
            "state", "approved_by", "roles", "scope_nation", "scope_province_codes", "scope_association_id", "office",
            "password_hash", "totp_sealed", "totp_key_id", "totp_last_step", "phone_sealed", "phone_key_id",
            "invitation_digest", "invitation_expires_at", "last_sign_in_at", "phone_asked_by", "phone_granted_by",
        }),
        "file_import": frozenset({
            "state", "run", "attempts", "is_merging", "dry_run", "started_at", "ended_at", "expires_at", "rows_done",
            "rows_expected", "counts", "unusual", "error_code", "error_text", "error_hint", "approval_id",
            "accepted_by", "cancelled_by",
        }),
        "recovery_code": frozenset({"used_at"}),
        "break_glass": frozenset({"ended_at"}),
        "cashier": frozenset({"state", "password_hash", "has_initial_password"}),
        "notice": frozenset({"read_at"}),
        "province": frozenset({"open_for_members", "open_for_stores", "members_first_opened_at"}),
    }
)  # fmt: skip
# What runs with the owner's rights, and does one thing only.
FUNCTIONS: Final = ("make_month_partition(text, int, int)",)
