"""A row of batches that no sealer made takes no place of the sealer's: neither a number nor a previous head is unique.

The same row can't be there twice, and none is larger than a sealer makes one. The sealer looks for its rows by key.
"""

from tortoise import fields, migrations
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint


class _SayField(ops.AlterField):
    """Tells Tortoise of a column that SQL has altered: it would look for the constraint by another name."""

    async def database_forward(self, *_args: object, **_kwargs: object) -> None: ...

    async def database_backward(self, *_args: object, **_kwargs: object) -> None: ...


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_reads_sealed")]

    operations = [
        ops.RunSQL(
            ["ALTER TABLE audit_batch DROP CONSTRAINT audit_batch_number_key"],
            reverse_sql=[
                "ALTER TABLE audit_batch ADD CONSTRAINT audit_batch_number_key UNIQUE (number)"
            ],
        ),
        _SayField(model_name="AuditBatch", name="number", field=fields.BigIntField()),
        ops.RemoveConstraint(model_name="AuditBatch", name="audit_batch_chain", fields=None),
        ops.AddConstraint(
            model_name="AuditBatch",
            constraint=UniqueConstraint(fields=("head",), name="audit_batch_head"),
        ),
        ops.AddConstraint(
            model_name="AuditBatch",
            constraint=CheckConstraint(check="entries <= 10000", name="audit_batch_bounds"),
        ),
        ops.AddIndex(
            model_name="AuditBatch",
            index=Index(fields=["number", "id"], name="audit_batch_by_number"),
        ),
        ops.AddIndex(
            model_name="AuditBatch", index=Index(fields=["key_id", "id"], name="audit_batch_by_key")
        ),
    ]
