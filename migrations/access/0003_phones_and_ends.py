"""Which phone opened a session, one more reason to end one, and the sessions that expired, in their order."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint


class Migration(migrations.Migration):
    dependencies = [("access", "0002_members_and_indexes")]

    operations = [
        ops.RemoveConstraint(model_name="Session", name="session_end", fields=None),
        ops.AddField(model_name="Session", name="phone_index", field=fields.BinaryField(null=True)),
        ops.AddConstraint(
            model_name="Session",
            constraint=CheckConstraint(
                check="(ended_at IS NULL) = (end_reason IS NULL) AND end_reason IN ('SIGNED_OUT', 'REVOKED', 'REUSED', 'CROWDED_OUT', 'PHONE_CHANGED', 'FILE_CLOSED')",
                name="session_end",
            ),
        ),
        # For the pruning. A refresh changes nothing in it, so it stays a HOT update.
        ops.RunSQL(
            ["CREATE INDEX session_by_expiry ON session (expires_at) WHERE ended_at IS NULL"],
            reverse_sql=["DROP INDEX session_by_expiry"],
        ),
    ]
