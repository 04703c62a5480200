"""An instalment's number is the place of its month in the plan; a plan's state says what is paid of it; nothing in
the ledger and none of its accounts is changed or taken away, not even by TRUNCATE.

The numbers of fees and principal were counted apart before. Where the numbers of a plan are not those of its months,
they are counted anew in the order in which they fall due.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

_COUNT_ANEW = """
    UPDATE instalment SET number = counted.number
      FROM (SELECT i.id, row_number() OVER (PARTITION BY i.plan_id ORDER BY i.due_month, i.kind, i.number) AS number
              FROM instalment i
             WHERE i.plan_id IN (SELECT plan_id FROM instalment GROUP BY plan_id, number HAVING count(*) > 1)) counted
     WHERE instalment.id = counted.id
"""
_GUARDS = [
    "DROP TRIGGER ledger_transfer_append_only ON ledger_transfer",
    """
    CREATE TRIGGER ledger_transfer_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_transfer_is_append_only()
    """,
    """
    ALTER TABLE ledger_transfer ADD CONSTRAINT ledger_transfer_of_member
    FOREIGN KEY (member_id) REFERENCES member (id) ON DELETE RESTRICT
    """,
    """
    CREATE FUNCTION account_is_permanent() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'accounts of the ledger are added by migrations, and stay as they are'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'account_permanent';
    END
    $$
    """,
    """
    CREATE TRIGGER account_permanent BEFORE UPDATE OR DELETE OR TRUNCATE ON account
    FOR EACH STATEMENT EXECUTE FUNCTION account_is_permanent()
    """,
]
_NO_GUARDS = [
    "DROP TRIGGER account_permanent ON account",
    "DROP FUNCTION account_is_permanent",
    "ALTER TABLE ledger_transfer DROP CONSTRAINT ledger_transfer_of_member",
    "DROP TRIGGER ledger_transfer_append_only ON ledger_transfer",
    """
    CREATE TRIGGER ledger_transfer_append_only BEFORE UPDATE OR DELETE ON ledger_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_transfer_is_append_only()
    """,
]


class Migration(migrations.Migration):
    dependencies = [("deductions", "0002_accounts_and_references"), ("members", "0001_initial")]

    operations = [
        ops.RemoveConstraint(model_name="Instalment", name="instalment_number", fields=None),
        ops.RunSQL([_COUNT_ANEW], reverse_sql=["SELECT"]),
        ops.AddConstraint(
            model_name="Instalment",
            constraint=UniqueConstraint(fields=("plan_id", "number"), name="instalment_number"),
        ),
        ops.AddConstraint(
            model_name="Plan",
            constraint=CheckConstraint(
                check="CASE state WHEN 'RUNNING' THEN paid_rials < principal_rials + fee_rials WHEN 'CLOSED' THEN paid_rials >= principal_rials ELSE true END",
                name="plan_settled",
            ),
        ),
        ops.RunSQL(_GUARDS, reverse_sql=_NO_GUARDS),
    ]
