"""All who made the maker's account, and that none of them grants; `access` fills in what is open."""

from tortoise import migrations
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

_CHECK = "NOT granted_by = ANY (maker_makers)"
_KEPT = """
    CREATE FUNCTION approval_makers_stay() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.maker_makers IS NOT NULL AND NEW.maker_makers IS DISTINCT FROM OLD.maker_makers THEN
            RAISE EXCEPTION 'who made the account of the maker stays as it is'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'approval_makers_stay';
        END IF;
        RETURN NEW;
    END
    $$
"""


class _KnowConstraint(ops.AddConstraint):
    """Tells Tortoise of a constraint that SQL has made."""

    async def database_forward(self, *_args: object, **_kwargs: object) -> None: ...

    async def database_backward(self, *_args: object, **_kwargs: object) -> None: ...


class Migration(migrations.Migration):
    dependencies = [("approvals", "0003_who_must_be_told")]
    operations = [
        ops.AddField("Approval", "maker_makers", ArrayField(null=True, element_type="TEXT")),
        ops.RunSQL(
            [
                f"ALTER TABLE approval ADD CONSTRAINT approval_not_by_makers CHECK ({_CHECK}) NOT VALID",
                _KEPT,
                """
                CREATE TRIGGER approval_makers_stay BEFORE UPDATE ON approval
                FOR EACH ROW EXECUTE FUNCTION approval_makers_stay()
                """,
            ],
            reverse_sql=[
                "DROP TRIGGER approval_makers_stay ON approval",
                "DROP FUNCTION approval_makers_stay",
                "ALTER TABLE approval DROP CONSTRAINT approval_not_by_makers",
            ],
        ),
        _KnowConstraint(
            model_name="Approval",
            constraint=CheckConstraint(check=_CHECK, name="approval_not_by_makers"),
        ),
    ]
