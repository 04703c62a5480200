from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.fields.db_defaults import Now
from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Association",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("code", fields.CharField(unique=True, max_length=20)),
                ("name", fields.CharField(max_length=120)),
                ("name_sort_key", fields.CharField(max_length=200)),
                ("province_code", fields.CharField(max_length=5)),
                ("city", fields.CharField(max_length=80)),
            ],
            options={
                "table": "association",
                "app": "organization",
                "pk_attr": "id",
                "table_description": "A pensioners' association (kanoon), with its own registrars and loan quota.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Branch",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("code", fields.CharField(unique=True, max_length=20)),
                ("name", fields.CharField(max_length=120)),
                ("name_sort_key", fields.CharField(max_length=200)),
                ("province_code", fields.CharField(max_length=5)),
                ("city", fields.CharField(max_length=80)),
            ],
            options={
                "table": "branch",
                "app": "organization",
                "pk_attr": "id",
                "table_description": "A branch of the social-security organization that serves members.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="HolidayOverride",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("on_date", fields.DateField(unique=True)),
                ("is_holiday", fields.BooleanField()),
                ("name", fields.CharField(max_length=120)),
                (
                    "created_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "holiday_override",
                "app": "organization",
                "pk_attr": "id",
                "table_description": "A day that the government declared a holiday, or took back, against the computed calendar.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Province",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("code", fields.CharField(unique=True, max_length=5)),
                ("code_before_2020", fields.CharField(unique=True, max_length=5)),
                ("geonames_admin1", fields.CharField(unique=True, max_length=2)),
                ("name_fa", fields.CharField(max_length=60)),
                ("name_en", fields.CharField(max_length=60)),
                ("sort_order", fields.SmallIntField(unique=True)),
                ("capital_fa", fields.CharField(max_length=60)),
                ("capital_latitude", fields.FloatField()),
                ("capital_longitude", fields.FloatField()),
                ("south", fields.FloatField()),
                ("north", fields.FloatField()),
                ("west", fields.FloatField()),
                ("east", fields.FloatField()),
                ("open_for_members", fields.BooleanField(db_default=False)),
                ("open_for_stores", fields.BooleanField(db_default=False)),
                (
                    "members_first_opened_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "province",
                "app": "organization",
                "constraints": [
                    CheckConstraint(check="code ~ '^IR-[0-9]{2}$'", name="province_code_form"),
                    CheckConstraint(check="south < north AND west < east", name="province_box"),
                    CheckConstraint(
                        check="NOT open_for_members OR members_first_opened_at IS NOT NULL",
                        name="province_opening_is_dated",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "One of the 31 provinces, and whether the club is open there. Rows come with the first migration.",
            },
            bases=["Model"],
        ),
    ]
