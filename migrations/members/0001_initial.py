from tortoise import migrations
from tortoise.migrations import operations as ops
from orjson import loads
from tortoise.fields.data import JSON_DUMPS
from tortoise.fields.db_defaults import Now
from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Member",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("national_code_sealed", fields.BinaryField()),
                ("national_code_key_id", fields.CharField(max_length=20)),
                ("national_code_index", fields.BinaryField()),
                ("first_name", fields.CharField(max_length=80)),
                ("last_name", fields.CharField(max_length=80)),
                ("name_sort_key", fields.CharField(max_length=320)),
                ("birth_date", fields.DateField()),
                ("pension_number", fields.CharField(unique=True, max_length=20)),
                ("pension_kind", fields.CharField(max_length=20)),
                ("state", fields.CharField(db_default="ACTIVE", max_length=20)),
                (
                    "state_changed_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
                ("province_code", fields.CharField(max_length=5)),
                ("city", fields.CharField(null=True, max_length=80)),
                ("address", fields.CharField(null=True, max_length=400)),
                ("branch_code", fields.CharField(null=True, max_length=20)),
                ("association_code", fields.CharField(null=True, max_length=20)),
                ("net_pension_rials", fields.BigIntField(null=True)),
                ("other_deductions_rials", fields.BigIntField(db_default=0)),
                ("iban_sealed", fields.BinaryField(null=True)),
                ("iban_key_id", fields.CharField(null=True, max_length=20)),
                ("iban_index", fields.BinaryField(null=True)),
                ("phone", fields.CharField(null=True, max_length=16)),
                ("locale", fields.CharField(db_default="fa", max_length=2)),
                ("text_size", fields.CharField(db_default="NORMAL", max_length=10)),
                ("channels", fields.JSONField(db_default={}, encoder=JSON_DUMPS, decoder=loads)),
                ("club_secret", fields.BinaryField()),
                ("credit_policy_version", fields.SmallIntField(db_default=1)),
                (
                    "created_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
                (
                    "changed_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "member",
                "app": "members",
                "constraints": [
                    CheckConstraint(
                        check="state IN ('ACTIVE', 'INACTIVE', 'FROZEN', 'DECEASED')",
                        name="member_state",
                    ),
                    CheckConstraint(
                        check="pension_kind IN ('RETIREMENT', 'SURVIVOR', 'DISABILITY')",
                        name="member_pension_kind",
                    ),
                    CheckConstraint(
                        check="net_pension_rials >= 0 AND other_deductions_rials >= 0",
                        name="member_amounts",
                    ),
                    CheckConstraint(
                        check="num_nonnulls(iban_sealed, iban_key_id, iban_index) IN (0, 3)",
                        name="member_iban",
                    ),
                    CheckConstraint(check="phone ~ '^\\+989[0-9]{9}$'", name="member_phone"),
                    CheckConstraint(
                        check="locale IN ('fa', 'en') AND text_size IN ('NORMAL', 'LARGE', 'HUGE') AND jsonb_typeof(channels) = 'object'",
                        name="member_preferences",
                    ),
                    CheckConstraint(check="length(club_secret) = 20", name="member_club_secret"),
                ],
                "pk_attr": "id",
                "table_description": "A pensioner or survivor annuitant.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="MembershipFile",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("sha256", fields.BinaryField()),
                ("month", fields.IntField()),
                ("state", fields.CharField(db_default="STAGING", max_length=20)),
                ("counts", fields.JSONField(db_default={}, encoder=JSON_DUMPS, decoder=loads)),
                ("next_bucket", fields.SmallIntField(db_default=0)),
                ("unusual_accepted_by", fields.CharField(null=True, max_length=80)),
                (
                    "started_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
                (
                    "finished_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "membership_file",
                "app": "members",
                "constraints": [
                    CheckConstraint(
                        check="month % 100 BETWEEN 1 AND 12", name="membership_file_month"
                    ),
                    CheckConstraint(
                        check="state IN ('STAGING', 'UNUSUAL', 'MERGING', 'DONE', 'ABANDONED')",
                        name="membership_file_state",
                    ),
                    CheckConstraint(
                        check="(finished_at IS NOT NULL) = (state IN ('DONE', 'ABANDONED'))",
                        name="membership_file_end",
                    ),
                    CheckConstraint(
                        check="next_bucket BETWEEN 0 AND 256", name="membership_file_next_bucket"
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A monthly membership file: which one it was, how far its import is, and what came of it.",
            },
            bases=["Model"],
        ),
    ]
