"""What the file said last of a phone that the staff has changed since: a file that says it again changes nothing.

A column without a value rewrites no row. The constraint holds for what is written from now on; the next migration
looks at the rows that are there, in a transaction of its own and beside readers and writers.
"""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

_CHECK = r"replaced_file_phone ~ '^\+989[0-9]{9}$' AND replaced_file_phone <> phone"


class _KnowConstraint(ops.AddConstraint):
    """Tells Tortoise of a constraint that SQL has made."""

    async def database_forward(self, *_args: object, **_kwargs: object) -> None: ...

    async def database_backward(self, *_args: object, **_kwargs: object) -> None: ...


class Migration(migrations.Migration):
    dependencies = [("members", "0005_searching")]
    operations = [
        ops.AddField(
            model_name="Member",
            name="replaced_file_phone",
            field=fields.CharField(max_length=16, null=True),
        ),
        ops.RunSQL(
            [
                f"ALTER TABLE member ADD CONSTRAINT member_replaced_file_phone CHECK ({_CHECK}) NOT VALID"
            ],
            reverse_sql=["ALTER TABLE member DROP CONSTRAINT member_replaced_file_phone"],
        ),
        _KnowConstraint(
            model_name="Member",
            constraint=CheckConstraint(check=_CHECK, name="member_replaced_file_phone"),
        ),
    ]
