"""Tables of what members owe: plans, their instalments, and the ledger.

`member_id` refers to the table of another slice: the migration adds the foreign keys. It also makes
(id, member_id) of a plan a key and ties each instalment and each transfer to its plan by (plan_id, member_id),
so that no row can name another member than its plan does.
"""

from tortoise import fields
from tortoise.fields.db_defaults import Now
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

INSTALMENT_STATES = (
    "'PLANNED', 'ORDERED', 'PARTLY_PAID', 'PAID', 'OVERDUE', 'SUSPENDED', 'CANCELLED'"
)


class Plan(Model):
    """A debt that is collected from the pension: a purchase or a loan. A purchase has no fee."""

    id = fields.BigIntField(primary_key=True)
    member_id = fields.BigIntField()
    kind = fields.CharField(max_length=20)
    principal_rials = fields.BigIntField()
    fee_rials = fields.BigIntField(db_default=0)
    paid_rials = fields.BigIntField(db_default=0)
    state = fields.CharField(max_length=20, db_default="RUNNING")
    created_at = fields.DatetimeField(db_default=Now())

    class Meta:
        table = "plan"
        constraints = (
            CheckConstraint(check="kind IN ('PURCHASE', 'LOAN')", name="plan_kind"),
            CheckConstraint(check="state IN ('RUNNING', 'CLOSED', 'CANCELLED')", name="plan_state"),
            CheckConstraint(
                check="principal_rials > 0 AND fee_rials >= 0 AND (kind = 'LOAN' OR fee_rials = 0)",
                name="plan_amounts",
            ),
            CheckConstraint(
                check="paid_rials >= 0 AND paid_rials <= principal_rials + fee_rials",
                name="plan_paid",
            ),
            CheckConstraint(
                check="CASE state WHEN 'RUNNING' THEN paid_rials < principal_rials + fee_rials"
                " WHEN 'CLOSED' THEN paid_rials >= principal_rials ELSE true END",
                name="plan_settled",
            ),
        )


class Instalment(Model):
    """A part of a plan that falls due with the pension of one Jalali month (YYYYMM).

    `number` is the place of its month in the plan: of a loan over two years, 1 and 13 are the fees.
    """

    id = fields.BigIntField(primary_key=True)
    plan_id = fields.BigIntField()
    member_id = fields.BigIntField()
    kind = fields.CharField(max_length=20, db_default="PRINCIPAL")
    number = fields.SmallIntField()
    due_month = fields.IntField()
    amount_rials = fields.BigIntField()
    paid_rials = fields.BigIntField(db_default=0)
    state = fields.CharField(max_length=20, db_default="PLANNED")
    failure = fields.CharField(max_length=4, null=True)  # the bank's reason code: AM04

    class Meta:
        table = "instalment"
        indexes = (
            Index(fields=("member_id", "due_month", "id"), name="instalment_by_member_and_month"),
        )
        constraints = (
            UniqueConstraint(fields=("plan_id", "number"), name="instalment_number"),
            CheckConstraint(check="kind IN ('PRINCIPAL', 'FEE')", name="instalment_kind"),
            CheckConstraint(check=f"state IN ({INSTALMENT_STATES})", name="instalment_state"),
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
                check="(state = 'PAID') = (paid_rials = amount_rials)"
                " AND (state <> 'PARTLY_PAID' OR paid_rials > 0)",
                name="instalment_paid",
            ),
            CheckConstraint(check="failure ~ '^[A-Z]{2}[0-9]{2}$'", name="instalment_failure"),
        )


class Account(Model):
    """An account of the ledger. The rows come with the first migration, and only by migration.

    A trigger lets none be changed or taken away.
    """

    id = fields.BigIntField(primary_key=True)
    code = fields.CharField(max_length=40, unique=True)

    class Meta:
        table = "account"


class LedgerTransfer(Model):
    """One movement of money: balanced, because debit and credit stand in the same row.

    Rows are added and never changed, which triggers see to; a correction is another row.
    """

    id = fields.BigIntField(primary_key=True)
    created_at = fields.DatetimeField(db_default=Now())
    debit_account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "deductions.Account", on_delete=fields.RESTRICT, related_name="debits"
    )
    credit_account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "deductions.Account", on_delete=fields.RESTRICT, related_name="credits"
    )
    amount_rials = fields.BigIntField()
    kind = fields.CharField(max_length=40)
    plan_id = fields.BigIntField(null=True)
    member_id = fields.BigIntField(null=True)

    class Meta:
        table = "ledger_transfer"
        indexes = (Index(fields=("plan_id", "id"), name="ledger_transfer_by_plan"),)
        constraints = (
            CheckConstraint(check="amount_rials > 0", name="ledger_transfer_amount"),
            CheckConstraint(
                check="debit_account_id <> credit_account_id", name="ledger_transfer_accounts"
            ),
            CheckConstraint(
                check="plan_id IS NULL OR member_id IS NOT NULL", name="ledger_transfer_member"
            ),
            CheckConstraint(
                check="kind IN ('PURCHASE_CONFIRMED', 'PURCHASE_REFUNDED', 'LOAN_DISBURSED',"
                " 'LOAN_FEE_CHARGED', 'INSTALMENT_COLLECTED', 'STORE_SETTLED', 'STORE_ADVANCED',"
                " 'REVERSAL')",
                name="ledger_transfer_kind",
            ),
        )
