"""What the model can't say: references to members, stores and plans, and the orders in which purchases are read."""

from tortoise import migrations
from tortoise.migrations import operations as ops

_FORWARD = [
    """
    ALTER TABLE purchase ADD CONSTRAINT purchase_member
    FOREIGN KEY (member_id) REFERENCES member (id) ON DELETE RESTRICT
    """,
    """
    ALTER TABLE purchase ADD CONSTRAINT purchase_store
    FOREIGN KEY (store_id) REFERENCES store (id) ON DELETE RESTRICT
    """,
    # Both columns: a purchase can't hold another member's plan.
    """
    ALTER TABLE purchase ADD CONSTRAINT purchase_plan_of_member
    FOREIGN KEY (plan_id, member_id) REFERENCES plan (id, member_id) ON DELETE RESTRICT
    """,
    "CREATE INDEX purchase_by_member ON purchase (member_id, created_at DESC, id DESC)",
    """
    CREATE INDEX purchase_awaiting ON purchase (member_id, created_at DESC, id DESC)
    WHERE state = 'AWAITING_MEMBER'
    """,
    """
    CREATE INDEX purchase_confirmed_by_member ON purchase (member_id, confirmed_at)
    WHERE confirmed_at IS NOT NULL
    """,
]
_BACKWARD = [
    "DROP INDEX purchase_confirmed_by_member",
    "DROP INDEX purchase_awaiting",
    "DROP INDEX purchase_by_member",
    "ALTER TABLE purchase DROP CONSTRAINT purchase_plan_of_member",
    "ALTER TABLE purchase DROP CONSTRAINT purchase_store",
    "ALTER TABLE purchase DROP CONSTRAINT purchase_member",
]


class Migration(migrations.Migration):
    dependencies = [
        ("purchases", "0001_initial"),
        ("members", "0001_initial"),
        ("stores", "0001_initial"),
        ("deductions", "0002_accounts_and_references"),
    ]
    operations = [ops.RunSQL(_FORWARD, reverse_sql=_BACKWARD)]
