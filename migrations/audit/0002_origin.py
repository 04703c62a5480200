"""An entry says on whose behalf, from where and in whose scope."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    initial = False

    operations = [
        ops.AddField(
            model_name="AuditEntry",
            name="address",
            field=fields.CharField(null=True, max_length=45),
        ),
        ops.AddField(
            model_name="AuditEntry",
            name="association_id",
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name="AuditEntry",
            name="on_behalf_of",
            field=fields.CharField(null=True, max_length=80),
        ),
        ops.AddField(
            model_name="AuditEntry",
            name="province_code",
            field=fields.CharField(null=True, max_length=10),
        ),
        ops.AddField(
            model_name="AuditEntry",
            name="session_id",
            field=fields.UUIDField(null=True),
        ),
    ]
