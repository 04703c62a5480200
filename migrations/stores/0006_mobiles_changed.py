"""When the mobiles of a store last changed: where its money goes is not changed while a new one may be a thief's."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("stores", "0005_changes")]
    operations = [
        ops.AddField(
            model_name="Store",
            name="mobiles_changed_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        )
    ]
