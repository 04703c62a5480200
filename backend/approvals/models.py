"""The table of approvals.

The migrations add what a model can't say: one open question a kind and object, and triggers that let nobody change
what is asked, take back who was told, open what is closed, or delete a row.
"""

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model


class Approval(Model):
    """Something that waits for a second person, or did.

    `before` and `after` are JSON, kept to the letter because the digest is of it. The payload is sealed (AES-GCM, key
    id beside it, bound to the digest) and goes when the approval is closed.
    """

    id = fields.BigIntField(primary_key=True)
    public_id = fields.UUIDField(unique=True)
    state = fields.CharField(max_length=20)
    kind = fields.CharField(max_length=60)
    object_type = fields.CharField(max_length=40)
    object_id = fields.CharField(max_length=80)
    member_id = fields.BigIntField(null=True)
    province_code = fields.CharField(max_length=10, null=True)
    association_id = fields.BigIntField(null=True)
    before = fields.TextField()
    after = fields.TextField()
    money_effect_rials = fields.BigIntField(null=True)
    reason = fields.CharField(max_length=500)
    approve_permission = fields.CharField(max_length=80)
    fingerprint = fields.CharField(max_length=128)
    digest = fields.CharField(max_length=64)
    payload_sealed = fields.BinaryField(null=True)
    payload_key_id = fields.CharField(max_length=20, null=True)
    maker = fields.CharField(max_length=80)
    maker_created_by = fields.CharField(max_length=80, null=True)
    maker_makers = ArrayField(element_type="TEXT", null=True)
    asked_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    not_before = fields.DatetimeField(null=True)
    granted_by = fields.CharField(max_length=80, null=True)
    granted_at = fields.DatetimeField(null=True)
    closed_by = fields.CharField(max_length=80, null=True)
    closed_at = fields.DatetimeField(null=True)
    outcome_code = fields.CharField(max_length=60, null=True)
    outcome_text = fields.CharField(max_length=500, null=True)
    runs = fields.SmallIntField(db_default=0)
    tell_count = fields.SmallIntField(null=True)
    tell_rule = fields.CharField(max_length=20, null=True)
    cooling_seconds = fields.IntField(null=True)
    told_places = ArrayField(element_type="int", db_default=[])
    untold_places = ArrayField(element_type="int", db_default=[])
    notice_known_at = fields.DatetimeField(null=True)
    ready_at = fields.DatetimeField(null=True)

    class Meta:
        table = "approval"
        indexes = (("state", "id"), ("maker", "id"))
        constraints = (
            CheckConstraint(
                check="state IN ('WAITING', 'GRANTED', 'EXECUTED', 'REFUSED', 'WITHDRAWN', 'EXPIRED',"
                " 'VOID', 'FAILED')",
                name="approval_state",
            ),
            CheckConstraint(
                check="granted_by <> maker AND granted_by <> maker_created_by",
                name="approval_second_person",
            ),
            CheckConstraint(
                check="NOT granted_by = ANY (maker_makers)", name="approval_not_by_makers"
            ),
            CheckConstraint(
                check="granted_by <> lower(object_type) || ':' || object_id",
                name="approval_own_account",
            ),
            CheckConstraint(
                check="num_nonnulls(granted_by, granted_at) IN (0, 2)"
                " AND num_nonnulls(closed_by, closed_at) IN (0, 2)",
                name="approval_decisions",
            ),
            CheckConstraint(
                check="(state IN ('WAITING', 'GRANTED')) = (closed_at IS NULL)"
                " AND (state <> 'WAITING' OR granted_at IS NULL)"
                " AND (state NOT IN ('GRANTED', 'EXECUTED') OR granted_at IS NOT NULL)",
                name="approval_state_fits",
            ),
            CheckConstraint(
                check="num_nonnulls(payload_sealed, payload_key_id) = CASE WHEN closed_at IS NULL THEN 2 ELSE 0 END",
                name="approval_payload",
            ),
            CheckConstraint(check="digest ~ '^[0-9a-f]{64}$'", name="approval_digest"),
            CheckConstraint(check="expires_at > asked_at", name="approval_expiry"),
            CheckConstraint(
                check="num_nonnulls(tell_count, tell_rule, cooling_seconds) IN (0, 3)"
                " AND tell_count >= 0 AND cooling_seconds >= 0 AND tell_rule IN ('REACHED', 'TRIED')",
                name="approval_must_tell",
            ),
            CheckConstraint(
                check="NOT told_places && untold_places"
                " AND coalesce(tell_count, 0) >= cardinality(told_places) + cardinality(untold_places)"
                " AND num_nonnulls(notice_known_at, ready_at) IN (0, 2) AND (notice_known_at IS NULL"
                " OR tell_count = cardinality(told_places) + cardinality(untold_places))",
                name="approval_told",
            ),
            CheckConstraint(
                check="granted_at IS NULL OR tell_count IS NULL OR (notice_known_at IS NOT NULL"
                " AND (tell_rule <> 'REACHED' OR cardinality(told_places) > 0))",
                name="approval_told_first",
            ),
        )
