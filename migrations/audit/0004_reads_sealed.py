"""Reads of members' files know their transaction, as entries do: by it they are sealed, in an order that stays.

Reads from before the migration count as of transaction 0, the first to be sealed.
"""

from tortoise import fields, migrations
from tortoise.fields.db_defaults import SqlDefault
from tortoise.migrations import operations as ops

_XID = "(pg_current_xact_id()::text::bigint)"
_FORWARD = [
    "ALTER TABLE file_read ADD COLUMN xid bigint NOT NULL DEFAULT 0",
    f"ALTER TABLE file_read ALTER COLUMN xid SET DEFAULT {_XID}",
    "CREATE INDEX file_read_by_xid ON file_read (xid, id)",
]
_BACKWARD = ["DROP INDEX file_read_by_xid", "ALTER TABLE file_read DROP COLUMN xid"]


class _KnowField(ops.AddField):
    """Tells Tortoise of a column that SQL has made."""

    async def database_forward(self, *_args: object, **_kwargs: object) -> None: ...

    async def database_backward(self, *_args: object, **_kwargs: object) -> None: ...


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_sealing")]

    operations = [
        ops.RunSQL(_FORWARD, reverse_sql=_BACKWARD),
        _KnowField(
            model_name="FileRead",
            name="xid",
            field=fields.BigIntField(db_default=SqlDefault(_XID)),
        ),
    ]
