"""A purchase can be split into its instalments; members' files name no credit policy that the program does not have.

Whoever adds a policy adds its version to the constraint by a migration.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint


class Migration(migrations.Migration):
    dependencies = [("purchases", "0002_references_and_history"), ("members", "0001_initial")]

    operations = [
        ops.AddConstraint(
            model_name="Purchase",
            constraint=CheckConstraint(
                check="instalment_count = 1 OR amount_rials >= 1000 * instalment_count",
                name="purchase_parts",
            ),
        ),
        ops.RunSQL(
            [
                "ALTER TABLE member ADD CONSTRAINT member_credit_policy CHECK (credit_policy_version IN (1))"
            ],
            reverse_sql=["ALTER TABLE member DROP CONSTRAINT member_credit_policy"],
        ),
    ]
