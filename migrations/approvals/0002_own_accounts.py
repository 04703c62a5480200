"""Nobody grants what is asked about the own account. What was granted before is history, and not looked at."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

_CHECK = "granted_by <> lower(object_type) || ':' || object_id"


class _KnowConstraint(ops.AddConstraint):
    """Tells Tortoise of a constraint that SQL has made."""

    async def database_forward(self, *_args: object, **_kwargs: object) -> None: ...

    async def database_backward(self, *_args: object, **_kwargs: object) -> None: ...


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial")]
    operations = [
        ops.RunSQL(
            [
                f"ALTER TABLE approval ADD CONSTRAINT approval_own_account CHECK ({_CHECK}) NOT VALID"
            ],
            reverse_sql=["ALTER TABLE approval DROP CONSTRAINT approval_own_account"],
        ),
        _KnowConstraint(
            model_name="Approval",
            constraint=CheckConstraint(check=_CHECK, name="approval_own_account"),
        ),
    ]
