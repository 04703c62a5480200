"""What the models can't say: references to members and plans, what is still to be collected, the accounts, and
that the ledger is only ever added to."""

from tortoise import migrations
from tortoise.migrations import operations as ops

_ACCOUNTS = (
    "members_receivable", "members_refundable", "stores_payable", "bank_clearing", "bank_advance", "loan_fund",
    "fee_income",
)  # fmt: skip
_FORWARD = [
    """
    ALTER TABLE plan ADD CONSTRAINT plan_member
    FOREIGN KEY (member_id) REFERENCES member (id) ON DELETE RESTRICT
    """,
    "CREATE INDEX plan_running_by_member ON plan (member_id) WHERE state = 'RUNNING'",
    "ALTER TABLE plan ADD CONSTRAINT plan_of_member UNIQUE (id, member_id)",
    # Both columns: an instalment of another member than its plan's can't exist.
    """
    ALTER TABLE instalment ADD CONSTRAINT instalment_plan
    FOREIGN KEY (plan_id, member_id) REFERENCES plan (id, member_id) ON DELETE RESTRICT
    """,
    """
    CREATE INDEX instalment_collectable ON instalment (member_id, due_month, id)
    WHERE state IN ('PLANNED', 'ORDERED', 'PARTLY_PAID', 'OVERDUE')
    """,
    """
    ALTER TABLE ledger_transfer ADD CONSTRAINT ledger_transfer_plan
    FOREIGN KEY (plan_id, member_id) REFERENCES plan (id, member_id) ON DELETE RESTRICT
    """,
    """
    CREATE FUNCTION ledger_transfer_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the ledger is only added to: correct it by a reversal'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'ledger_transfer_append_only';
    END
    $$
    """,
    """
    CREATE TRIGGER ledger_transfer_append_only BEFORE UPDATE OR DELETE ON ledger_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_transfer_is_append_only()
    """,
    *(("INSERT INTO account (code) VALUES ($1)", [code]) for code in _ACCOUNTS),
]
_BACKWARD = [
    "DELETE FROM account",
    "DROP TRIGGER ledger_transfer_append_only ON ledger_transfer",
    "DROP FUNCTION ledger_transfer_is_append_only",
    "ALTER TABLE ledger_transfer DROP CONSTRAINT ledger_transfer_plan",
    "DROP INDEX instalment_collectable",
    "ALTER TABLE instalment DROP CONSTRAINT instalment_plan",
    "ALTER TABLE plan DROP CONSTRAINT plan_of_member",
    "DROP INDEX plan_running_by_member",
    "ALTER TABLE plan DROP CONSTRAINT plan_member",
]


class Migration(migrations.Migration):
    dependencies = [("deductions", "0001_initial"), ("members", "0001_initial")]
    operations = [ops.RunSQL(_FORWARD, reverse_sql=_BACKWARD)]
