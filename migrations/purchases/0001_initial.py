from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.db_defaults import Now
from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Purchase",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("member_id", fields.BigIntField()),
                ("store_id", fields.BigIntField()),
                ("plan_id", fields.BigIntField(null=True, unique=True)),
                ("amount_rials", fields.BigIntField()),
                ("instalment_count", fields.SmallIntField()),
                ("state", fields.CharField(db_default="AWAITING_MEMBER", max_length=20)),
                (
                    "created_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "confirmed_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("refunded_rials", fields.BigIntField(db_default=0)),
            ],
            options={
                "table": "purchase",
                "app": "purchases",
                "constraints": [
                    CheckConstraint(
                        check="state IN ('AWAITING_MEMBER', 'CONFIRMED', 'SETTLING', 'CLOSED', 'DECLINED', 'CANCELLED', 'EXPIRED', 'DISPUTED', 'REFUNDED')",
                        name="purchase_state",
                    ),
                    CheckConstraint(
                        check="amount_rials > 0 AND instalment_count BETWEEN 1 AND 120",
                        name="purchase_amount",
                    ),
                    CheckConstraint(
                        check="refunded_rials BETWEEN 0 AND amount_rials", name="purchase_refunded"
                    ),
                    CheckConstraint(
                        check="(plan_id IS NULL) = (confirmed_at IS NULL)", name="purchase_plan"
                    ),
                    CheckConstraint(
                        check="CASE WHEN state IN ('CONFIRMED', 'SETTLING', 'CLOSED', 'REFUNDED') THEN confirmed_at IS NOT NULL WHEN state IN ('AWAITING_MEMBER', 'DECLINED', 'EXPIRED') THEN confirmed_at IS NULL ELSE true END",
                        name="purchase_confirmed",
                    ),
                    CheckConstraint(
                        check="state <> 'AWAITING_MEMBER' OR expires_at IS NOT NULL",
                        name="purchase_expires",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "What a member buys in a store; the plan is made when the member confirms.",
            },
            bases=["Model"],
        ),
    ]
