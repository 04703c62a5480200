"""Which request for a code opened a session, at most one each; and one more reason to end one."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops
from tortoise.migrations.constraints import CheckConstraint


class Migration(migrations.Migration):
    dependencies = [("access", "0003_phones_and_ends")]

    operations = [
        ops.RemoveConstraint(model_name="Session", name="session_end", fields=None),
        ops.AddField(model_name="Session", name="request_id", field=fields.UUIDField(null=True)),
        ops.AddConstraint(
            model_name="Session",
            constraint=CheckConstraint(
                check="(ended_at IS NULL) = (end_reason IS NULL) AND end_reason IN ('SIGNED_OUT', 'REVOKED', 'REUSED', 'REPLACED', 'CROWDED_OUT', 'PHONE_CHANGED', 'FILE_CLOSED')",
                name="session_end",
            ),
        ),
        # A refresh changes nothing in it, so it stays a HOT update. Sessions from before have no request.
        ops.RunSQL(
            [
                "CREATE UNIQUE INDEX session_of_request ON session (request_id) WHERE request_id IS NOT NULL"
            ],
            reverse_sql=["DROP INDEX session_of_request"],
        ),
    ]
