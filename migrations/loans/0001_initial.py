from tortoise import migrations
from tortoise.migrations import operations as ops
from orjson import loads
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.fields.db_defaults import Now, SqlDefault
from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="LoanApplicationEvent",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("application_id", fields.BigIntField()),
                ("member_id", fields.BigIntField()),
                ("at", fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False)),
                ("state", fields.CharField(max_length=20)),
                ("note", fields.CharField(null=True, max_length=400)),
            ],
            options={
                "table": "loan_application_event",
                "app": "loans",
                "constraints": [
                    CheckConstraint(
                        check="state IN ('SUBMITTED', 'FROZEN', 'SELECTED', 'WAITLISTED', 'NOT_SELECTED', 'APPROVED', 'SENT_TO_BANK', 'DISBURSED', 'REPAYING', 'CLOSED', 'WITHDRAWN', 'REFUSED', 'RETURNED')",
                        name="loan_application_event_state",
                    )
                ],
                "pk_attr": "id",
                "table_description": "A step in the life of an application.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LoanRound",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("title", fields.CharField(max_length=160)),
                ("state", fields.CharField(db_default="DRAFT", max_length=20)),
                ("amount_rials", fields.BigIntField()),
                ("months", fields.SmallIntField()),
                ("grace_months", fields.SmallIntField(db_default=0)),
                ("fee_total_rials", fields.BigIntField(db_default=0)),
                ("opens_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("closes_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("selection", fields.CharField(max_length=20)),
                ("budget_rials", fields.BigIntField()),
                ("list_sha256", fields.CharField(null=True, max_length=64)),
                ("seed_source", fields.CharField(null=True, max_length=200)),
            ],
            options={
                "table": "loan_round",
                "app": "loans",
                "constraints": [
                    CheckConstraint(
                        check="state IN ('DRAFT', 'ANNOUNCED', 'OPEN', 'FROZEN', 'SELECTED', 'PAYING', 'CLOSED')",
                        name="loan_round_state",
                    ),
                    CheckConstraint(
                        check="selection IN ('FIRST_COME', 'SCORE', 'LOTTERY')",
                        name="loan_round_selection",
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
                ],
                "pk_attr": "id",
                "table_description": "A round of registration for one kind of loan.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LoanApplication",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "public_id",
                    fields.UUIDField(unique=True, db_default=SqlDefault("gen_random_uuid()")),
                ),
                ("member_id", fields.BigIntField()),
                (
                    "round",
                    fields.ForeignKeyField(
                        "loans.LoanRound",
                        source_field="round_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("state", fields.CharField(db_default="SUBMITTED", max_length=20)),
                ("amount_rials", fields.BigIntField()),
                (
                    "submitted_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
                ("submitted_by", fields.CharField(max_length=120)),
                ("plan_id", fields.BigIntField(null=True, unique=True)),
                ("quota", fields.IntField(null=True)),
                ("rank", fields.IntField(null=True)),
                ("last_selected_rank", fields.IntField(null=True)),
                ("reasons", fields.JSONField(db_default=[], encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "loan_application",
                "app": "loans",
                "constraints": [
                    UniqueConstraint(
                        fields=("round_id", "member_id"), name="loan_application_once"
                    ),
                    CheckConstraint(
                        check="state IN ('SUBMITTED', 'FROZEN', 'SELECTED', 'WAITLISTED', 'NOT_SELECTED', 'APPROVED', 'SENT_TO_BANK', 'DISBURSED', 'REPAYING', 'CLOSED', 'WITHDRAWN', 'REFUSED', 'RETURNED')",
                        name="loan_application_state",
                    ),
                    CheckConstraint(check="amount_rials > 0", name="loan_application_amount"),
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
                ],
                "pk_attr": "id",
                "table_description": "A member's application in a round: one for each. `reasons` holds codes of `loans.domain`.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="LoanQuota",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "round",
                    fields.ForeignKeyField(
                        "loans.LoanRound",
                        source_field="round_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("association_code", fields.CharField(max_length=20)),
                ("places", fields.IntField()),
            ],
            options={
                "table": "loan_quota",
                "app": "loans",
                "constraints": [
                    UniqueConstraint(
                        fields=("round_id", "association_code"), name="loan_quota_once"
                    ),
                    CheckConstraint(check="places >= 0", name="loan_quota_places"),
                ],
                "pk_attr": "id",
                "table_description": "How many loans of a round go to the members of one association.",
            },
            bases=["Model"],
        ),
    ]
