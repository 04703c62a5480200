"""The table of purchases in instalments.

`member_id`, `store_id` and `plan_id` refer to tables of other slices: the migration adds the foreign keys, the
plan's by (plan_id, member_id), so that a purchase can't hold another member's plan.
"""

from tortoise import fields
from tortoise.fields.db_defaults import Now
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model


class Purchase(Model):
    """What a member buys in a store; the plan is made when the member confirms.

    The indexes are in descending order and partial, so the migration adds them.
    """

    id = fields.BigIntField(primary_key=True)
    member_id = fields.BigIntField()
    store_id = fields.BigIntField()
    plan_id = fields.BigIntField(null=True, unique=True)
    amount_rials = fields.BigIntField()
    instalment_count = fields.SmallIntField()
    state = fields.CharField(max_length=20, db_default="AWAITING_MEMBER")
    created_at = fields.DatetimeField(db_default=Now())
    expires_at = fields.DatetimeField(null=True)
    confirmed_at = fields.DatetimeField(null=True)
    refunded_rials = fields.BigIntField(db_default=0)

    class Meta:
        table = "purchase"
        constraints = (
            CheckConstraint(
                check="state IN ('AWAITING_MEMBER', 'CONFIRMED', 'SETTLING', 'CLOSED', 'DECLINED',"
                " 'CANCELLED', 'EXPIRED', 'DISPUTED', 'REFUNDED')",
                name="purchase_state",
            ),
            CheckConstraint(
                check="amount_rials > 0 AND instalment_count BETWEEN 1 AND 120",
                name="purchase_amount",
            ),
            # As `core.money` splits: no part of less than 1,000 rials.
            CheckConstraint(
                check="instalment_count = 1 OR amount_rials >= 1000 * instalment_count",
                name="purchase_parts",
            ),
            CheckConstraint(
                check="refunded_rials BETWEEN 0 AND amount_rials", name="purchase_refunded"
            ),
            CheckConstraint(
                check="(plan_id IS NULL) = (confirmed_at IS NULL)", name="purchase_plan"
            ),
            CheckConstraint(
                check="CASE WHEN state IN ('CONFIRMED', 'SETTLING', 'CLOSED', 'REFUNDED')"
                " THEN confirmed_at IS NOT NULL"
                " WHEN state IN ('AWAITING_MEMBER', 'DECLINED', 'EXPIRED') THEN confirmed_at IS NULL"
                " ELSE true END",
                name="purchase_confirmed",
            ),
            CheckConstraint(
                check="state <> 'AWAITING_MEMBER' OR expires_at IS NOT NULL",
                name="purchase_expires",
            ),
        )
