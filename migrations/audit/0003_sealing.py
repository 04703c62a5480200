"""The trail is sealed: an entry knows its transaction, batches of entries are chained, and nothing of it changes.

Entries from before the migration count as of transaction 0, the first to be sealed.
"""

from tortoise import fields, migrations
from tortoise.fields.db_defaults import SqlDefault
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint

_XID = "(pg_current_xact_id()::text::bigint)"
_ENTRIES = [
    "ALTER TABLE audit_entry ADD COLUMN xid bigint NOT NULL DEFAULT 0",
    f"ALTER TABLE audit_entry ALTER COLUMN xid SET DEFAULT {_XID}",
    "CREATE INDEX audit_entry_by_xid ON audit_entry (xid, id)",
    "CREATE INDEX audit_entry_by_time ON audit_entry (created_at DESC, id DESC)",
    "CREATE INDEX audit_entry_by_actor ON audit_entry (actor, created_at DESC, id DESC)",
    "CREATE INDEX audit_entry_by_action ON audit_entry (action, created_at DESC, id DESC)",
    "CREATE INDEX audit_entry_by_object ON audit_entry (object_type, object_id, created_at DESC, id DESC)",
]
_NO_ENTRIES = [
    "DROP INDEX audit_entry_by_object",
    "DROP INDEX audit_entry_by_action",
    "DROP INDEX audit_entry_by_actor",
    "DROP INDEX audit_entry_by_time",
    "ALTER TABLE audit_entry DROP COLUMN xid",
]
# A row's trigger is made for each partition as well; TRUNCATE has triggers of statements only.
_GUARDS = [
    """
    CREATE FUNCTION trail_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'what stands in the trail stays as it is'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'trail_append_only';
    END
    $$
    """,
    *(
        f"""
        CREATE TRIGGER trail_append_only BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION trail_is_append_only()
        """
        for table in ("audit_entry", "file_read", "audit_batch")
    ),
    *(
        f"""
        CREATE TRIGGER trail_not_truncated BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION trail_is_append_only()
        """
        for table in ("audit_entry", "file_read", "audit_batch")
    ),
]
_NO_GUARDS = [
    *(
        f"DROP TRIGGER {name} ON {table}"
        for name in ("trail_not_truncated", "trail_append_only")
        for table in ("audit_batch", "file_read", "audit_entry")
    ),
    "DROP FUNCTION trail_is_append_only",
]


class _KnowField(ops.AddField):
    """Tells Tortoise of a column that SQL has made."""

    async def database_forward(self, *_args: object, **_kwargs: object) -> None: ...

    async def database_backward(self, *_args: object, **_kwargs: object) -> None: ...


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_origin")]

    initial = False

    operations = [
        ops.RunSQL(_ENTRIES, reverse_sql=_NO_ENTRIES),
        _KnowField(
            model_name="AuditEntry",
            name="xid",
            field=fields.BigIntField(db_default=SqlDefault(_XID)),
        ),
        ops.CreateModel(
            name="AuditBatch",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("number", fields.BigIntField(unique=True)),
                ("sealed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("from_xid", fields.BigIntField()),
                ("from_id", fields.BigIntField()),
                ("to_xid", fields.BigIntField()),
                ("to_id", fields.BigIntField()),
                ("entries", fields.IntField()),
                ("content_sha256", fields.BinaryField()),
                ("marks", fields.BinaryField()),
                ("previous_head", fields.BinaryField()),
                ("head", fields.BinaryField()),
                ("key_id", fields.CharField(max_length=40)),
                ("signature", fields.BinaryField()),
            ],
            options={
                "table": "audit_batch",
                "app": "audit",
                "constraints": [
                    UniqueConstraint(fields=("previous_head",), name="audit_batch_chain"),
                    CheckConstraint(
                        check="number > 0 AND entries > 0 AND octet_length(marks) = 16 * entries",
                        name="audit_batch_counts",
                    ),
                    CheckConstraint(
                        check="(from_xid, from_id) < (to_xid, to_id)", name="audit_batch_span"
                    ),
                    CheckConstraint(
                        check="octet_length(content_sha256) = 32 AND octet_length(previous_head) = 32"
                        " AND octet_length(head) = 32 AND octet_length(signature) = 64",
                        name="audit_batch_sizes",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A batch of entries, sealed: chained to the one before, and signed.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(_GUARDS, reverse_sql=_NO_GUARDS),
    ]
