"""Tables of the audit trail. Both are partitioned by month, which a model can't say: their migration makes them.

In the database the primary key is (id, created_at). Rows are only ever added.
"""

from tortoise import fields
from tortoise.fields.db_defaults import Now
from tortoise.models import Model


class AuditEntry(Model):
    """Something that was done; holds no personal data."""

    id = fields.BigIntField(primary_key=True)
    created_at = fields.DatetimeField(db_default=Now())
    actor_kind = fields.CharField(max_length=20)
    actor = fields.CharField(max_length=80)
    subject_member_id = fields.BigIntField(null=True)
    action = fields.CharField(max_length=80)
    object_type = fields.CharField(max_length=40)
    object_id = fields.CharField(max_length=80)
    before: fields.Field[object] = fields.JSONField(null=True)
    after: fields.Field[object] = fields.JSONField(null=True)
    reason = fields.CharField(max_length=500, null=True)
    trace_id = fields.CharField(max_length=64, null=True)

    class Meta:
        table = "audit_entry"


class FileRead(Model):
    """A read of a member's file by somebody else."""

    id = fields.BigIntField(primary_key=True)
    created_at = fields.DatetimeField(db_default=Now())
    member_id = fields.BigIntField()
    reader_role = fields.CharField(max_length=40)
    reader_office = fields.CharField(max_length=120)
    actor = fields.CharField(max_length=80)
    purpose = fields.CharField(max_length=500)

    class Meta:
        table = "file_read"
