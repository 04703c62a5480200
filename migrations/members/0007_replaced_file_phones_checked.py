"""The rows of before are checked as well, while others read and write them."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("members", "0006_replaced_file_phones")]
    operations = [
        ops.RunSQL(
            ["ALTER TABLE member VALIDATE CONSTRAINT member_replaced_file_phone"],
            reverse_sql=["SELECT 1"],
        )
    ]
