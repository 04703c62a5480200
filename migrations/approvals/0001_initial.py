"""Approvals: one open question a kind and object; what is asked stays as it is, and what is closed stays closed."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint

_GUARDS = [
    """
    CREATE UNIQUE INDEX approval_open_once ON approval (kind, object_type, object_id)
    WHERE state IN ('WAITING', 'GRANTED')
    """,
    """
    CREATE FUNCTION approval_stays_as_asked() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF OLD.closed_at IS NOT NULL THEN
            RAISE EXCEPTION 'a closed approval stays as it is'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'approval_closed';
        END IF;
        IF (NEW.id, NEW.public_id, NEW.kind, NEW.object_type, NEW.object_id, NEW.member_id, NEW.province_code,
            NEW.association_id, NEW.before, NEW.after, NEW.money_effect_rials, NEW.reason, NEW.approve_permission,
            NEW.fingerprint, NEW.digest, NEW.maker, NEW.maker_created_by, NEW.asked_at, NEW.expires_at, NEW.not_before)
           IS DISTINCT FROM
           (OLD.id, OLD.public_id, OLD.kind, OLD.object_type, OLD.object_id, OLD.member_id, OLD.province_code,
            OLD.association_id, OLD.before, OLD.after, OLD.money_effect_rials, OLD.reason, OLD.approve_permission,
            OLD.fingerprint, OLD.digest, OLD.maker, OLD.maker_created_by, OLD.asked_at, OLD.expires_at, OLD.not_before)
           OR (OLD.granted_by IS NOT NULL
               AND NOT (NEW.state = 'WAITING' AND num_nonnulls(NEW.granted_by, NEW.granted_at) = 0)
               AND (NEW.granted_by, NEW.granted_at) IS DISTINCT FROM (OLD.granted_by, OLD.granted_at))
        THEN
            RAISE EXCEPTION 'what is asked, and who has granted it, stays as it is'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'approval_as_asked';
        END IF;
        RETURN NEW;
    END
    $$
    """,
    """
    CREATE TRIGGER approval_as_asked BEFORE UPDATE ON approval
    FOR EACH ROW EXECUTE FUNCTION approval_stays_as_asked()
    """,
    """
    CREATE FUNCTION approval_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'approvals are kept'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'approval_kept';
    END
    $$
    """,
    """
    CREATE TRIGGER approval_kept BEFORE DELETE OR TRUNCATE ON approval
    FOR EACH STATEMENT EXECUTE FUNCTION approval_is_kept()
    """,
]
_NO_GUARDS = [
    "DROP TRIGGER approval_kept ON approval",
    "DROP FUNCTION approval_is_kept",
    "DROP TRIGGER approval_as_asked ON approval",
    "DROP FUNCTION approval_stays_as_asked",
    "DROP INDEX approval_open_once",
]


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Approval",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("public_id", fields.UUIDField(unique=True)),
                ("state", fields.CharField(max_length=20)),
                ("kind", fields.CharField(max_length=60)),
                ("object_type", fields.CharField(max_length=40)),
                ("object_id", fields.CharField(max_length=80)),
                ("member_id", fields.BigIntField(null=True)),
                ("province_code", fields.CharField(null=True, max_length=10)),
                ("association_id", fields.BigIntField(null=True)),
                ("before", fields.TextField(unique=False)),
                ("after", fields.TextField(unique=False)),
                ("money_effect_rials", fields.BigIntField(null=True)),
                ("reason", fields.CharField(max_length=500)),
                ("approve_permission", fields.CharField(max_length=80)),
                ("fingerprint", fields.CharField(max_length=128)),
                ("digest", fields.CharField(max_length=64)),
                ("payload_sealed", fields.BinaryField(null=True)),
                ("payload_key_id", fields.CharField(null=True, max_length=20)),
                ("maker", fields.CharField(max_length=80)),
                ("maker_created_by", fields.CharField(null=True, max_length=80)),
                ("asked_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("not_before", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("granted_by", fields.CharField(null=True, max_length=80)),
                ("granted_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("closed_by", fields.CharField(null=True, max_length=80)),
                ("closed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("outcome_code", fields.CharField(null=True, max_length=60)),
                ("outcome_text", fields.CharField(null=True, max_length=500)),
                ("runs", fields.SmallIntField(db_default=0)),
            ],
            options={
                "table": "approval",
                "app": "approvals",
                "constraints": [
                    CheckConstraint(
                        check="state IN ('WAITING', 'GRANTED', 'EXECUTED', 'REFUSED', 'WITHDRAWN', 'EXPIRED', 'VOID', 'FAILED')",
                        name="approval_state",
                    ),
                    CheckConstraint(
                        check="granted_by <> maker AND granted_by <> maker_created_by",
                        name="approval_second_person",
                    ),
                    CheckConstraint(
                        check="num_nonnulls(granted_by, granted_at) IN (0, 2) AND num_nonnulls(closed_by, closed_at) IN (0, 2)",
                        name="approval_decisions",
                    ),
                    CheckConstraint(
                        check="(state IN ('WAITING', 'GRANTED')) = (closed_at IS NULL) AND (state <> 'WAITING' OR granted_at IS NULL) AND (state NOT IN ('GRANTED', 'EXECUTED', 'FAILED') OR granted_at IS NOT NULL)",
                        name="approval_state_fits",
                    ),
                    CheckConstraint(
                        check="num_nonnulls(payload_sealed, payload_key_id) = CASE WHEN closed_at IS NULL THEN 2 ELSE 0 END",
                        name="approval_payload",
                    ),
                    CheckConstraint(check="digest ~ '^[0-9a-f]{64}$'", name="approval_digest"),
                    CheckConstraint(check="expires_at > asked_at", name="approval_expiry"),
                ],
                "indexes": [Index(fields=["state", "id"]), Index(fields=["maker", "id"])],
                "pk_attr": "id",
                "table_description": "Something that waits for a second person, or did.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(_GUARDS, reverse_sql=_NO_GUARDS),
    ]
