"""What may be read of the own purchases, and of what weighs on the credit, in statements that answer JSON."""

from dataclasses import replace
from typing import Final

from backend.deductions import views as deductions
from backend.infra.readviews.views import Condition, Key, View
from backend.members import views as members
from backend.purchases import repository

_PAID: Final = (
    f"coalesce((SELECT plan.paid_rials FROM {deductions.PLAN} plan"  # noqa: S608 - constants of ours
    " WHERE plan.id = {row}.plan_id AND plan.member_id = {row}.member_id), 0)"
)

PURCHASES: Final = View(
    table="purchase",
    columns=frozenset(
        {
            "id", "member_id", "store_id", "plan_id", "amount_rials", "instalment_count", "state", "created_at",
            "expires_at", "confirmed_at", "refunded_rials",
        }
    ),
    owner="member_id",
    keys=(Key("created_at", "timestamptz"), Key("id", "bigint")),
    is_descending=True,
    conditions={
        "from": Condition("{row}.created_at >= {value}", "timestamptz"),
        "before": Condition("{row}.created_at < {value}", "timestamptz"),
        "store": Condition("{row}.store_id = {value}", "bigint"),
        "states": Condition("{row}.state = ANY({value})", "text[]"),
        "awaiting_at": Condition(repository.awaiting("{value}"), "timestamptz"),
    },
    computed={"paid_rials": _PAID},
)  # fmt: skip

# The member's file with what weighs on the credit at the moment of the request.
STANDING: Final = replace(
    members.FILE,
    computed={
        "used_rials": repository.used_rials("{row}.id"),
        "waiting": repository.waiting_json("{row}.id", "{at}"),
        "dues": deductions.month_dues_json("{row}.id"),
    },
)
STANDING_COLUMNS: Final = (
    "state", "net_pension_rials", "other_deductions_rials", "credit_policy_version", "used_rials", "waiting", "dues",
)  # fmt: skip
