"""Tables of members and of the monthly membership files.

`province_code` refers to the table of another slice: the migration adds the foreign key, the model
does not know it. The migration also adds what the models can't say: the unique blind index, the
default of `club_secret`, the index of pension numbers, and the unlogged tables that a membership file is staged in.
"""

from tortoise import fields
from tortoise.fields.db_defaults import Now
from tortoise.migrations.constraints import CheckConstraint
from tortoise.models import Model


class Member(Model):
    """A pensioner or survivor annuitant.

    National code and IBAN are sealed (AES-GCM, key id beside it); their indexes are HMACs.
    """

    id = fields.BigIntField(primary_key=True)
    national_code_sealed = fields.BinaryField()
    national_code_key_id = fields.CharField(max_length=20)
    national_code_index = fields.BinaryField()
    first_name = fields.CharField(max_length=80)
    last_name = fields.CharField(max_length=80)
    name_sort_key = fields.CharField(max_length=320)
    birth_date = fields.DateField()
    pension_number = fields.CharField(max_length=20)  # survivors share one
    pension_kind = fields.CharField(max_length=20)
    state = fields.CharField(max_length=20, db_default="ACTIVE")
    state_changed_at = fields.DatetimeField(db_default=Now())
    province_code = fields.CharField(max_length=5)
    city = fields.CharField(max_length=80, null=True)
    address = fields.CharField(max_length=400, null=True)
    branch_code = fields.CharField(max_length=20, null=True)
    association_code = fields.CharField(max_length=20, null=True)
    net_pension_rials = fields.BigIntField(null=True)
    other_deductions_rials = fields.BigIntField(db_default=0)
    iban_sealed = fields.BinaryField(null=True)
    iban_key_id = fields.CharField(max_length=20, null=True)
    iban_index = fields.BinaryField(null=True)
    phone = fields.CharField(max_length=16, null=True)  # E.164
    # What the last file said where the staff has put another number in its place; else it said `phone`, or nothing.
    replaced_file_phone = fields.CharField(max_length=16, null=True)
    locale = fields.CharField(max_length=2, db_default="fa")
    text_size = fields.CharField(max_length=10, db_default="NORMAL")
    channels: fields.Field[dict[str, list[str]]] = fields.JSONField(db_default={})
    club_secret = fields.BinaryField()
    credit_policy_version = fields.SmallIntField(db_default=1)
    created_at = fields.DatetimeField(db_default=Now())
    changed_at = fields.DatetimeField(db_default=Now())

    class Meta:
        table = "member"
        constraints = (
            CheckConstraint(
                check="state IN ('ACTIVE', 'INACTIVE', 'FROZEN', 'DECEASED')", name="member_state"
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
            CheckConstraint(check=r"phone ~ '^\+989[0-9]{9}$'", name="member_phone"),
            CheckConstraint(
                check=r"replaced_file_phone ~ '^\+989[0-9]{9}$' AND replaced_file_phone <> phone",
                name="member_replaced_file_phone",
            ),
            CheckConstraint(
                check="locale IN ('fa', 'en') AND text_size IN ('NORMAL', 'LARGE', 'HUGE')"
                " AND jsonb_typeof(channels) = 'object'",
                name="member_preferences",
            ),
            CheckConstraint(check="length(club_secret) = 20", name="member_club_secret"),
        )


class MembershipFile(Model):
    """A monthly membership file: which one it was, how far its import is, and what came of it."""

    id = fields.BigIntField(primary_key=True)
    sha256 = fields.BinaryField()
    month = fields.IntField()  # Jalali, YYYYMM
    state = fields.CharField(max_length=20, db_default="STAGING")
    counts: fields.Field[dict[str, int]] = fields.JSONField(db_default={})
    next_bucket = fields.SmallIntField(db_default=0)  # of the merge; 256 when all are merged
    unusual_accepted_by = fields.CharField(max_length=80, null=True)
    started_at = fields.DatetimeField(db_default=Now())
    finished_at = fields.DatetimeField(null=True)

    class Meta:
        table = "membership_file"
        constraints = (
            CheckConstraint(check="month % 100 BETWEEN 1 AND 12", name="membership_file_month"),
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
        )
