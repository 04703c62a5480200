"""Who must be told before an approval is done, and what became of it. What is open already is done as it was asked."""

from tortoise import fields, migrations
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint

_CHECKS = {
    "approval_must_tell": "num_nonnulls(tell_count, tell_rule, cooling_seconds) IN (0, 3)"
    " AND tell_count >= 0 AND cooling_seconds >= 0 AND tell_rule IN ('REACHED', 'TRIED')",
    "approval_told": "NOT told_places && untold_places"
    " AND coalesce(tell_count, 0) >= cardinality(told_places) + cardinality(untold_places)"
    " AND num_nonnulls(notice_known_at, ready_at) IN (0, 2) AND (notice_known_at IS NULL"
    " OR tell_count = cardinality(told_places) + cardinality(untold_places))",
    "approval_told_first": "granted_at IS NULL OR tell_count IS NULL OR (notice_known_at IS NOT NULL"
    " AND (tell_rule <> 'REACHED' OR cardinality(told_places) > 0))",
}
_STATE_FITS = (
    "(state IN ('WAITING', 'GRANTED')) = (closed_at IS NULL) AND (state <> 'WAITING' OR granted_at IS NULL)"
    " AND (state NOT IN ('GRANTED', 'EXECUTED') OR granted_at IS NOT NULL)"
)
_STATE_FITTED = (
    "(state IN ('WAITING', 'GRANTED')) = (closed_at IS NULL) AND (state <> 'WAITING' OR granted_at IS NULL)"
    " AND (state NOT IN ('GRANTED', 'EXECUTED', 'FAILED') OR granted_at IS NOT NULL)"
)
_KEPT = """
    CREATE FUNCTION approval_notice_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (NEW.tell_count, NEW.tell_rule, NEW.cooling_seconds)
           IS DISTINCT FROM (OLD.tell_count, OLD.tell_rule, OLD.cooling_seconds)
           OR NOT NEW.told_places @> OLD.told_places OR NOT NEW.untold_places @> OLD.untold_places
           OR (OLD.notice_known_at IS NOT NULL
               AND (NEW.notice_known_at, NEW.ready_at, NEW.told_places, NEW.untold_places)
                   IS DISTINCT FROM (OLD.notice_known_at, OLD.ready_at, OLD.told_places, OLD.untold_places))
        THEN
            RAISE EXCEPTION 'who must be told, and who was, stays as it is'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'approval_notice_stays';
        END IF;
        RETURN NEW;
    END
    $$
"""


class _KnowConstraint(ops.AddConstraint):
    """Tells Tortoise of a constraint that SQL has made."""

    async def database_forward(self, *_args: object, **_kwargs: object) -> None: ...

    async def database_backward(self, *_args: object, **_kwargs: object) -> None: ...


class _ForgetConstraint(ops.RemoveConstraint):
    """Tells Tortoise of a constraint that SQL has dropped."""

    async def database_forward(self, *_args: object, **_kwargs: object) -> None: ...

    async def database_backward(self, *_args: object, **_kwargs: object) -> None: ...


class Migration(migrations.Migration):
    dependencies = [("approvals", "0002_own_accounts")]
    operations = [
        ops.AddField("Approval", "tell_count", fields.SmallIntField(null=True)),
        ops.AddField("Approval", "tell_rule", fields.CharField(null=True, max_length=20)),
        ops.AddField("Approval", "cooling_seconds", fields.IntField(null=True)),
        ops.AddField("Approval", "told_places", ArrayField(element_type="INT", db_default=[])),
        ops.AddField("Approval", "untold_places", ArrayField(element_type="INT", db_default=[])),
        ops.AddField(
            "Approval",
            "notice_known_at",
            fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            "Approval",
            "ready_at",
            fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.RunSQL(
            [
                *(
                    f"ALTER TABLE approval ADD CONSTRAINT {name} CHECK ({check}) NOT VALID"
                    for name, check in _CHECKS.items()
                ),
                "ALTER TABLE approval DROP CONSTRAINT approval_state_fits",
                f"ALTER TABLE approval ADD CONSTRAINT approval_state_fits CHECK ({_STATE_FITS}) NOT VALID",
                _KEPT,
                """
                CREATE TRIGGER approval_notice_stays BEFORE UPDATE ON approval
                FOR EACH ROW EXECUTE FUNCTION approval_notice_stays()
                """,
            ],
            reverse_sql=[
                "DROP TRIGGER approval_notice_stays ON approval",
                "DROP FUNCTION approval_notice_stays",
                "ALTER TABLE approval DROP CONSTRAINT approval_state_fits",
                f"ALTER TABLE approval ADD CONSTRAINT approval_state_fits CHECK ({_STATE_FITTED}) NOT VALID",
                *(f"ALTER TABLE approval DROP CONSTRAINT {name}" for name in _CHECKS),
            ],
        ),
        *(
            _KnowConstraint(
                model_name="Approval", constraint=CheckConstraint(check=check, name=name)
            )
            for name, check in _CHECKS.items()
        ),
        _ForgetConstraint("Approval", name="approval_state_fits"),
        _KnowConstraint(
            model_name="Approval",
            constraint=CheckConstraint(check=_STATE_FITS, name="approval_state_fits"),
        ),
    ]
