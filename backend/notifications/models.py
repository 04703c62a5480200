"""The inbox. Its table is partitioned by month, which a model can't say: the migration makes it.

In the database the primary key is (id, created_at).
"""

from tortoise import fields
from tortoise.fields.db_defaults import Now
from tortoise.models import Model


class Notice(Model):
    """A notice in a member's inbox."""

    id = fields.BigIntField(primary_key=True)
    created_at = fields.DatetimeField(db_default=Now())
    member_id = fields.BigIntField()
    category = fields.CharField(max_length=20)
    title = fields.CharField(max_length=120)
    body = fields.CharField(max_length=1000)
    deep_link = fields.CharField(max_length=300, null=True)
    read_at = fields.DatetimeField(null=True)

    class Meta:
        table = "notice"
