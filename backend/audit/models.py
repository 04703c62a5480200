"""Tables of the audit trail. Entries and reads are partitioned by month, which a model can't say: their migration
makes them, and in the database their primary key is (id, created_at).

Rows are only ever added. `xid` is the entry's transaction: what is sealed is in the order in which transactions began.
"""

from tortoise import fields
from tortoise.fields.db_defaults import Now, SqlDefault
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model


class AuditEntry(Model):
    """Something that was done; holds no personal data."""

    id = fields.BigIntField(primary_key=True)
    created_at = fields.DatetimeField(db_default=Now())
    actor_kind = fields.CharField(max_length=20)
    actor = fields.CharField(max_length=80)
    on_behalf_of = fields.CharField(max_length=80, null=True)
    subject_member_id = fields.BigIntField(null=True)
    province_code = fields.CharField(max_length=10, null=True)
    association_id = fields.BigIntField(null=True)
    action = fields.CharField(max_length=80)
    object_type = fields.CharField(max_length=40)
    object_id = fields.CharField(max_length=80)
    before: fields.Field[object] = fields.JSONField(null=True)
    after: fields.Field[object] = fields.JSONField(null=True)
    reason = fields.CharField(max_length=500, null=True)
    address = fields.CharField(max_length=45, null=True)
    session_id = fields.UUIDField(null=True)
    trace_id = fields.CharField(max_length=64, null=True)
    xid = fields.BigIntField(db_default=SqlDefault("(pg_current_xact_id()::text::bigint)"))

    class Meta:
        table = "audit_entry"


class AuditBatch(Model):
    """A batch of entries, sealed: chained to the one before, and signed.

    It holds the entries after (from_xid, from_id) up to (to_xid, to_id). `marks` has 16 bytes an entry: its id, and
    the first half of its SHA-256, to tell which one was changed. Neither number nor previous head is unique: who may
    add rows but not sign them must not take a place that the sealer needs. No row can be there twice.
    """

    id = fields.BigIntField(primary_key=True)
    number = fields.BigIntField()
    sealed_at = fields.DatetimeField()
    from_xid = fields.BigIntField()
    from_id = fields.BigIntField()
    to_xid = fields.BigIntField()
    to_id = fields.BigIntField()
    entries = fields.IntField()
    content_sha256 = fields.BinaryField()
    marks = fields.BinaryField()
    previous_head = fields.BinaryField()
    head = fields.BinaryField()
    key_id = fields.CharField(max_length=40)
    signature = fields.BinaryField()

    class Meta:
        table = "audit_batch"
        indexes = (
            Index(fields=("number", "id"), name="audit_batch_by_number"),
            Index(fields=("key_id", "id"), name="audit_batch_by_key"),
        )
        constraints = (
            UniqueConstraint(fields=("head",), name="audit_batch_head"),
            CheckConstraint(check="entries <= 10000", name="audit_batch_bounds"),
            CheckConstraint(
                check="number > 0 AND entries > 0 AND octet_length(marks) = 16 * entries",
                name="audit_batch_counts",
            ),
            CheckConstraint(check="(from_xid, from_id) < (to_xid, to_id)", name="audit_batch_span"),
            CheckConstraint(
                check="octet_length(content_sha256) = 32 AND octet_length(previous_head) = 32"
                " AND octet_length(head) = 32 AND octet_length(signature) = 64",
                name="audit_batch_sizes",
            ),
        )


class FileRead(Model):
    """A read of a member's file by somebody else."""

    id = fields.BigIntField(primary_key=True)
    created_at = fields.DatetimeField(db_default=Now())
    member_id = fields.BigIntField()
    reader_role = fields.CharField(max_length=40)
    reader_office = fields.CharField(max_length=120)
    actor = fields.CharField(max_length=80)
    purpose = fields.CharField(max_length=500)
    xid = fields.BigIntField(db_default=SqlDefault("(pg_current_xact_id()::text::bigint)"))

    class Meta:
        table = "file_read"
