"""Identity is the national code alone: survivors share a pension number, and a number passes on.

Members are still found by it. Staging tells the refused rows that record a death, and of unreadable national codes the
pension number; it counts what a chunk passed over.
"""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

_FORWARD = [
    "CREATE INDEX member_by_pension_number ON member (pension_number)",
    "ALTER TABLE membership_chunk ADD COLUMN passed_over integer NOT NULL DEFAULT 0",
    "DROP INDEX membership_row_by_pension_number",
    """
    CREATE INDEX membership_row_unrecognized ON membership_row (pension_number)
    WHERE national_code_index IS NULL
    """,
    """
    CREATE INDEX membership_row_refused_dead ON membership_row (national_code_index)
    WHERE NOT is_valid AND state = 'DECEASED'
    """,
]
_BACKWARD = [
    "DROP INDEX membership_row_refused_dead",
    "DROP INDEX membership_row_unrecognized",
    "CREATE INDEX membership_row_by_pension_number ON membership_row (pension_number)",
    "ALTER TABLE membership_chunk DROP COLUMN passed_over",
    "DROP INDEX member_by_pension_number",
]


class Migration(migrations.Migration):
    dependencies = [("members", "0003_warnings")]

    operations = [
        ops.AlterField(
            model_name="Member",
            name="pension_number",
            field=fields.CharField(max_length=20),
        ),
        ops.RunSQL(_FORWARD, reverse_sql=_BACKWARD),
    ]
