"""What the models can't say: references to members, plans and associations, and the orders of reading."""

from tortoise import migrations
from tortoise.migrations import operations as ops

_FORWARD = [
    "CREATE INDEX loan_round_by_opening ON loan_round (opens_at DESC, id DESC) WHERE state <> 'DRAFT'",
    """
    ALTER TABLE loan_quota ADD CONSTRAINT loan_quota_association
    FOREIGN KEY (association_code) REFERENCES association (code) ON DELETE RESTRICT
    """,
    """
    ALTER TABLE loan_application ADD CONSTRAINT loan_application_member
    FOREIGN KEY (member_id) REFERENCES member (id) ON DELETE RESTRICT
    """,
    "ALTER TABLE loan_application ADD CONSTRAINT loan_application_of_member UNIQUE (id, member_id)",
    # Both columns: an application can't hold another member's plan, nor an event another's application.
    """
    ALTER TABLE loan_application ADD CONSTRAINT loan_application_plan_of_member
    FOREIGN KEY (plan_id, member_id) REFERENCES plan (id, member_id) ON DELETE RESTRICT
    """,
    """
    CREATE INDEX loan_application_by_member ON loan_application (member_id, submitted_at DESC, id DESC)
    """,
    """
    ALTER TABLE loan_application_event ADD CONSTRAINT loan_application_event_application
    FOREIGN KEY (application_id, member_id) REFERENCES loan_application (id, member_id) ON DELETE RESTRICT
    """,
    "CREATE INDEX loan_application_event_in_order ON loan_application_event (application_id, at, id)",
]
_BACKWARD = [
    "DROP INDEX loan_application_event_in_order",
    "ALTER TABLE loan_application_event DROP CONSTRAINT loan_application_event_application",
    "DROP INDEX loan_application_by_member",
    "ALTER TABLE loan_application DROP CONSTRAINT loan_application_of_member",
    "ALTER TABLE loan_application DROP CONSTRAINT loan_application_plan_of_member",
    "ALTER TABLE loan_application DROP CONSTRAINT loan_application_member",
    "ALTER TABLE loan_quota DROP CONSTRAINT loan_quota_association",
    "DROP INDEX loan_round_by_opening",
]


class Migration(migrations.Migration):
    dependencies = [
        ("loans", "0001_initial"),
        ("organization", "0001_initial"),
        ("members", "0001_initial"),
        ("deductions", "0002_accounts_and_references"),
    ]
    operations = [ops.RunSQL(_FORWARD, reverse_sql=_BACKWARD)]
