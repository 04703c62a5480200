"""Tables of loan rounds and applications.

`member_id`, `plan_id` and `association_code` refer to tables of other slices: the migration adds the foreign
keys. It ties events and plans to their application's member, so that no row can name another.
"""

from tortoise import fields
from tortoise.fields.db_defaults import Now, SqlDefault
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

APPLICATION_STATES = (
    "'SUBMITTED', 'FROZEN', 'SELECTED', 'WAITLISTED', 'NOT_SELECTED', 'APPROVED', 'SENT_TO_BANK',"
    " 'DISBURSED', 'REPAYING', 'CLOSED', 'WITHDRAWN', 'REFUSED', 'RETURNED'"
)


class LoanRound(Model):
    """A round of registration for one kind of loan."""

    id = fields.BigIntField(primary_key=True)
    title = fields.CharField(max_length=160)
    state = fields.CharField(max_length=20, db_default="DRAFT")
    amount_rials = fields.BigIntField()
    months = fields.SmallIntField()
    grace_months = fields.SmallIntField(db_default=0)
    fee_total_rials = fields.BigIntField(db_default=0)
    opens_at = fields.DatetimeField()
    closes_at = fields.DatetimeField()
    selection = fields.CharField(max_length=20)
    budget_rials = fields.BigIntField()
    list_sha256 = fields.CharField(max_length=64, null=True)
    seed_source = fields.CharField(max_length=200, null=True)

    class Meta:
        table = "loan_round"
        constraints = (
            CheckConstraint(
                check="state IN ('DRAFT', 'ANNOUNCED', 'OPEN', 'FROZEN', 'SELECTED', 'PAYING', 'CLOSED')",
                name="loan_round_state",
            ),
            CheckConstraint(
                check="selection IN ('FIRST_COME', 'SCORE', 'LOTTERY')", name="loan_round_selection"
            ),
            CheckConstraint(
                check="amount_rials > 0 AND fee_total_rials >= 0 AND budget_rials >= amount_rials",
                name="loan_round_amounts",
            ),
            CheckConstraint(
                check="months BETWEEN 1 AND 120 AND grace_months BETWEEN 0 AND 24",
                name="loan_round_months",
            ),
            CheckConstraint(check="opens_at < closes_at", name="loan_round_window"),
            CheckConstraint(check="list_sha256 ~ '^[0-9a-f]{64}$'", name="loan_round_list"),
        )


class LoanQuota(Model):
    """How many loans of a round go to the members of one association."""

    id = fields.BigIntField(primary_key=True)
    round: fields.ForeignKeyRelation[LoanRound] = fields.ForeignKeyField(
        "loans.LoanRound", on_delete=fields.RESTRICT
    )
    association_code = fields.CharField(max_length=20)
    places = fields.IntField()

    class Meta:
        table = "loan_quota"
        constraints = (
            UniqueConstraint(fields=("round_id", "association_code"), name="loan_quota_once"),
            CheckConstraint(check="places >= 0", name="loan_quota_places"),
        )


class LoanApplication(Model):
    """A member's application in a round: one for each. `reasons` holds codes of `loans.domain`.

    The public id is random: it stands in the list of a draw and must not show who came first.
    """

    id = fields.BigIntField(primary_key=True)
    public_id = fields.UUIDField(unique=True, db_default=SqlDefault("gen_random_uuid()"))
    member_id = fields.BigIntField()
    round: fields.ForeignKeyRelation[LoanRound] = fields.ForeignKeyField(
        "loans.LoanRound", on_delete=fields.RESTRICT
    )
    state = fields.CharField(max_length=20, db_default="SUBMITTED")
    amount_rials = fields.BigIntField()
    submitted_at = fields.DatetimeField(db_default=Now())
    submitted_by = fields.CharField(max_length=120)
    plan_id = fields.BigIntField(null=True, unique=True)
    quota = fields.IntField(null=True)
    rank = fields.IntField(null=True)
    last_selected_rank = fields.IntField(null=True)
    reasons: fields.Field[list[str]] = fields.JSONField(db_default=[])

    class Meta:
        table = "loan_application"
        constraints = (
            UniqueConstraint(fields=("round_id", "member_id"), name="loan_application_once"),
            CheckConstraint(
                check=f"state IN ({APPLICATION_STATES})", name="loan_application_state"
            ),
            CheckConstraint(check="amount_rials > 0", name="loan_application_amount"),
            CheckConstraint(
                check="submitted_by IN ('member', 'registrar')", name="loan_application_submitter"
            ),
            CheckConstraint(
                check="quota >= 0 AND rank >= 1 AND last_selected_rank >= 0",
                name="loan_application_places",
            ),
            CheckConstraint(
                check="jsonb_typeof(reasons) = 'array'", name="loan_application_reasons"
            ),
            CheckConstraint(
                check="plan_id IS NOT NULL OR state NOT IN ('REPAYING', 'CLOSED')",
                name="loan_application_plan",
            ),
        )


class LoanApplicationEvent(Model):
    """A step in the life of an application."""

    id = fields.BigIntField(primary_key=True)
    application_id = fields.BigIntField()
    member_id = fields.BigIntField()
    at = fields.DatetimeField(db_default=Now())
    state = fields.CharField(max_length=20)
    note = fields.CharField(max_length=400, null=True)

    class Meta:
        table = "loan_application_event"
        constraints = (
            CheckConstraint(
                check=f"state IN ({APPLICATION_STATES})", name="loan_application_event_state"
            ),
        )
