from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.base import OnDelete
from tortoise.fields.db_defaults import Now
from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("code", fields.CharField(unique=True, max_length=40)),
            ],
            options={
                "table": "account",
                "app": "deductions",
                "pk_attr": "id",
                "table_description": "An account of the ledger. The rows come with the first migration, and only by migration.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Instalment",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("plan_id", fields.BigIntField()),
                ("member_id", fields.BigIntField()),
                ("kind", fields.CharField(db_default="PRINCIPAL", max_length=20)),
                ("number", fields.SmallIntField()),
                ("due_month", fields.IntField()),
                ("amount_rials", fields.BigIntField()),
                ("paid_rials", fields.BigIntField(db_default=0)),
                ("state", fields.CharField(db_default="PLANNED", max_length=20)),
                ("failure", fields.CharField(null=True, max_length=4)),
            ],
            options={
                "table": "instalment",
                "app": "deductions",
                "constraints": [
                    UniqueConstraint(
                        fields=("plan_id", "kind", "number"), name="instalment_number"
                    ),
                    CheckConstraint(check="kind IN ('PRINCIPAL', 'FEE')", name="instalment_kind"),
                    CheckConstraint(
                        check="state IN ('PLANNED', 'ORDERED', 'PARTLY_PAID', 'PAID', 'OVERDUE', 'SUSPENDED', 'CANCELLED')",
                        name="instalment_state",
                    ),
                    CheckConstraint(check="number BETWEEN 1 AND 120", name="instalment_place"),
                    CheckConstraint(
                        check="due_month BETWEEN 120001 AND 150012 AND due_month % 100 BETWEEN 1 AND 12",
                        name="instalment_due_month",
                    ),
                    CheckConstraint(
                        check="amount_rials > 0 AND paid_rials BETWEEN 0 AND amount_rials",
                        name="instalment_amounts",
                    ),
                    CheckConstraint(
                        check="(state = 'PAID') = (paid_rials = amount_rials) AND (state <> 'PARTLY_PAID' OR paid_rials > 0)",
                        name="instalment_paid",
                    ),
                    CheckConstraint(
                        check="failure ~ '^[A-Z]{2}[0-9]{2}$'", name="instalment_failure"
                    ),
                ],
                "indexes": [
                    Index(
                        fields=["member_id", "due_month", "id"],
                        name="instalment_by_member_and_month",
                    )
                ],
                "pk_attr": "id",
                "table_description": "A part of a plan that falls due with the pension of one Jalali month (YYYYMM).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LedgerTransfer",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "created_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
                (
                    "debit_account",
                    fields.ForeignKeyField(
                        "deductions.Account",
                        source_field="debit_account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="debits",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "credit_account",
                    fields.ForeignKeyField(
                        "deductions.Account",
                        source_field="credit_account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="credits",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("amount_rials", fields.BigIntField()),
                ("kind", fields.CharField(max_length=40)),
                ("plan_id", fields.BigIntField(null=True)),
                ("member_id", fields.BigIntField(null=True)),
            ],
            options={
                "table": "ledger_transfer",
                "app": "deductions",
                "constraints": [
                    CheckConstraint(check="amount_rials > 0", name="ledger_transfer_amount"),
                    CheckConstraint(
                        check="debit_account_id <> credit_account_id",
                        name="ledger_transfer_accounts",
                    ),
                    CheckConstraint(
                        check="plan_id IS NULL OR member_id IS NOT NULL",
                        name="ledger_transfer_member",
                    ),
                    CheckConstraint(
                        check="kind IN ('PURCHASE_CONFIRMED', 'PURCHASE_REFUNDED', 'LOAN_DISBURSED', 'LOAN_FEE_CHARGED', 'INSTALMENT_COLLECTED', 'STORE_SETTLED', 'STORE_ADVANCED', 'REVERSAL')",
                        name="ledger_transfer_kind",
                    ),
                ],
                "indexes": [Index(fields=["plan_id", "id"], name="ledger_transfer_by_plan")],
                "pk_attr": "id",
                "table_description": "One movement of money: balanced, because debit and credit stand in the same row.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Plan",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("member_id", fields.BigIntField()),
                ("kind", fields.CharField(max_length=20)),
                ("principal_rials", fields.BigIntField()),
                ("fee_rials", fields.BigIntField(db_default=0)),
                ("paid_rials", fields.BigIntField(db_default=0)),
                ("state", fields.CharField(db_default="RUNNING", max_length=20)),
                (
                    "created_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "plan",
                "app": "deductions",
                "constraints": [
                    CheckConstraint(check="kind IN ('PURCHASE', 'LOAN')", name="plan_kind"),
                    CheckConstraint(
                        check="state IN ('RUNNING', 'CLOSED', 'CANCELLED')", name="plan_state"
                    ),
                    CheckConstraint(
                        check="principal_rials > 0 AND fee_rials >= 0 AND (kind = 'LOAN' OR fee_rials = 0)",
                        name="plan_amounts",
                    ),
                    CheckConstraint(
                        check="paid_rials >= 0 AND paid_rials <= principal_rials + fee_rials",
                        name="plan_paid",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A debt that is collected from the pension: a purchase or a loan. A purchase has no fee.",
            },
            bases=["Model"],
        ),
    ]
