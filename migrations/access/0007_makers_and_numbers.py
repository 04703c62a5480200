"""Who asked for and granted another number of an operator; and of what is open, who made the maker's account."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

# Of operators those who asked for and granted the account, but for the system; of all others nobody. What a maker of
# either account has granted gets none: it waits again when it is to be done, and nobody can grant it.
_MAKERS = """
    UPDATE approval a SET maker_makers = coalesce(
        (SELECT array_agg(DISTINCT m.name ORDER BY m.name)
           FROM operator o CROSS JOIN LATERAL (VALUES (o.created_by), (o.approved_by)) AS m (name)
          WHERE 'operator:' || o.id = a.maker AND m.name <> 'system'),
        '{}')
     WHERE a.state IN ('WAITING', 'GRANTED') AND a.maker_makers IS NULL
       AND NOT EXISTS (SELECT FROM operator o WHERE 'operator:' || o.id = a.maker AND a.granted_by = o.approved_by)
       AND NOT EXISTS (SELECT FROM operator g WHERE 'operator:' || g.id = a.granted_by AND a.maker = g.approved_by)
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0006_staff_references"), ("approvals", "0004_makers")]
    operations = [
        ops.AddField("Operator", "phone_asked_by", fields.CharField(null=True, max_length=80)),
        ops.AddField("Operator", "phone_granted_by", fields.CharField(null=True, max_length=80)),
        ops.RunSQL([_MAKERS], reverse_sql=[]),
    ]
