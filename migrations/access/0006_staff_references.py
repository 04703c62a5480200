"""What the models of staff can't say: what they refer to in other slices, what is unique in part, and indexes."""

from tortoise import migrations
from tortoise.migrations import operations as ops

_FORWARD = [
    """
    ALTER TABLE operator ADD CONSTRAINT operator_association
    FOREIGN KEY (scope_association_id) REFERENCES association (id) ON DELETE RESTRICT
    """,
    "ALTER TABLE cashier ADD CONSTRAINT cashier_store FOREIGN KEY (store_id) REFERENCES store (id) ON DELETE RESTRICT",
    """
    ALTER TABLE store_device ADD CONSTRAINT store_device_store
    FOREIGN KEY (store_id) REFERENCES store (id) ON DELETE RESTRICT
    """,
    # One person, one account.
    """
    CREATE UNIQUE INDEX operator_of_person ON operator (national_code_index)
     WHERE national_code_index IS NOT NULL AND state <> 'REFUSED'
    """,
    "CREATE UNIQUE INDEX recovery_code_of_operator ON recovery_code (operator_id, digest)",
    "CREATE INDEX break_glass_by_operator ON break_glass (operator_id, ends_at)",
    "CREATE UNIQUE INDEX store_device_digest ON store_device (digest) WHERE digest IS NOT NULL",
    "CREATE UNIQUE INDEX store_device_code ON store_device (code_digest) WHERE code_digest IS NOT NULL",
    "CREATE INDEX store_device_by_store ON store_device (store_id, id)",
    "CREATE INDEX staff_session_by_operator ON staff_session (operator_id, id) WHERE operator_id IS NOT NULL",
    "CREATE INDEX staff_session_by_cashier ON staff_session (cashier_id, id) WHERE cashier_id IS NOT NULL",
    "CREATE INDEX staff_session_by_device ON staff_session (store_device_id) WHERE store_device_id IS NOT NULL",
    "CREATE INDEX staff_session_by_expiry ON staff_session (expires_at)",
]
_BACKWARD = [
    "DROP INDEX staff_session_by_expiry",
    "DROP INDEX staff_session_by_device",
    "DROP INDEX staff_session_by_cashier",
    "DROP INDEX staff_session_by_operator",
    "DROP INDEX store_device_by_store",
    "DROP INDEX store_device_code",
    "DROP INDEX store_device_digest",
    "DROP INDEX break_glass_by_operator",
    "DROP INDEX recovery_code_of_operator",
    "DROP INDEX operator_of_person",
    "ALTER TABLE store_device DROP CONSTRAINT store_device_store",
    "ALTER TABLE cashier DROP CONSTRAINT cashier_store",
    "ALTER TABLE operator DROP CONSTRAINT operator_association",
]


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0005_staff"),
        ("organization", "0001_initial"),
        ("stores", "0001_initial"),
    ]
    operations = [ops.RunSQL(_FORWARD, reverse_sql=_BACKWARD)]
