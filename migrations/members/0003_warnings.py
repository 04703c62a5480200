"""A staged chunk counts its warnings beside its problems."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("members", "0002_indexes_and_staging")]

    operations = [
        ops.RunSQL(
            ["ALTER TABLE membership_chunk ADD COLUMN warnings integer NOT NULL DEFAULT 0"],
            reverse_sql=["ALTER TABLE membership_chunk DROP COLUMN warnings"],
        )
    ]
