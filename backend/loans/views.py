"""What may be read of loan rounds in statements that answer JSON: the same for every member."""

from typing import Final

from backend.infra.readviews.views import Condition, Key, View

# Drafts are not in it.
ROUNDS: Final = View(
    table="(SELECT * FROM loan_round WHERE state <> 'DRAFT')",
    columns=frozenset(
        {
            "id", "title", "state", "amount_rials", "months", "grace_months", "fee_total_rials", "opens_at",
            "closes_at", "selection", "budget_rials", "list_sha256", "seed_source",
        }
    ),
    owner=None,
    keys=(Key("opens_at", "timestamptz"), Key("id", "bigint")),
    is_descending=True,
    conditions={"state": Condition("{row}.state = {value}", "text")},
)  # fmt: skip
