"""What the models can't say: whose sessions and devices these are, what is unique, and partial indexes."""

from tortoise import migrations
from tortoise.migrations import operations as ops

_FORWARD = [
    "ALTER TABLE device ADD CONSTRAINT device_of_member UNIQUE (member_id, device_id)",
    "ALTER TABLE device ADD CONSTRAINT device_push_token UNIQUE (push_token_index)",
    """
    ALTER TABLE device ADD CONSTRAINT device_member
    FOREIGN KEY (member_id) REFERENCES member (id) ON DELETE RESTRICT
    """,
    """
    ALTER TABLE session ADD CONSTRAINT session_member
    FOREIGN KEY (member_id) REFERENCES member (id) ON DELETE RESTRICT
    """,
    # Small: a member has 20 live sessions at most. No time stands in it, so a refresh stays a HOT update.
    "CREATE INDEX session_live_by_member ON session (member_id) WHERE ended_at IS NULL",
    # What each process asks twice a second.
    "CREATE INDEX session_by_end ON session (ended_at) WHERE ended_at IS NOT NULL",
]
_BACKWARD = [
    "DROP INDEX session_by_end",
    "DROP INDEX session_live_by_member",
    "ALTER TABLE session DROP CONSTRAINT session_member",
    "ALTER TABLE device DROP CONSTRAINT device_member",
    "ALTER TABLE device DROP CONSTRAINT device_push_token",
    "ALTER TABLE device DROP CONSTRAINT device_of_member",
]


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial"), ("members", "0001_initial")]
    operations = [ops.RunSQL(_FORWARD, reverse_sql=_BACKWARD)]
