from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.base import OnDelete
from tortoise.fields.db_defaults import Now
from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint


class Migration(migrations.Migration):
    dependencies = [("organization", "0002_provinces")]

    initial = True

    operations = [
        ops.CreateModel(
            name="StoreCategory",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("code", fields.CharField(unique=True, max_length=40)),
                ("name_fa", fields.CharField(max_length=60)),
                ("name_en", fields.CharField(max_length=60)),
                ("sort_order", fields.SmallIntField()),
            ],
            options={
                "table": "store_category",
                "app": "stores",
                "pk_attr": "id",
                "table_description": "What a place offers: groceries, home appliances, dentistry.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Store",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("code", fields.CharField(unique=True, max_length=40)),
                ("kind", fields.CharField(max_length=20)),
                ("state", fields.CharField(db_default="ACTIVE", max_length=20)),
                ("name", fields.CharField(max_length=160)),
                ("name_sort_key", fields.CharField(max_length=320)),
                ("name_compact", fields.CharField(max_length=160)),
                (
                    "category",
                    fields.ForeignKeyField(
                        "stores.StoreCategory",
                        source_field="category_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("province_code", fields.CharField(max_length=5)),
                ("city", fields.CharField(max_length=80)),
                ("address", fields.CharField(max_length=400)),
                ("latitude", fields.FloatField()),
                ("longitude", fields.FloatField()),
                ("phones", ArrayField(db_default=[], element_type="TEXT")),
                ("open_on_holidays", fields.BooleanField(db_default=False)),
                ("min_months", fields.SmallIntField(null=True)),
                ("max_months", fields.SmallIntField(null=True)),
                ("min_amount_rials", fields.BigIntField(null=True)),
                ("max_amount_rials", fields.BigIntField(null=True)),
                ("search_document", fields.TextField(unique=False)),
                ("version", fields.BigIntField(db_default=1)),
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
                "table": "store",
                "app": "stores",
                "constraints": [
                    CheckConstraint(
                        check="kind IN ('STORE', 'CLINIC', 'BRANCH', 'ASSOCIATION')",
                        name="store_kind",
                    ),
                    CheckConstraint(check="state IN ('ACTIVE', 'SUSPENDED')", name="store_state"),
                    CheckConstraint(
                        check="latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180",
                        name="store_place",
                    ),
                    CheckConstraint(
                        check="num_nonnulls(min_months, max_months, min_amount_rials, max_amount_rials) IN (0, 4) AND min_months >= 1 AND max_months BETWEEN min_months AND 60 AND min_amount_rials >= 1000 AND max_amount_rials >= min_amount_rials",
                        name="store_terms",
                    ),
                ],
                "indexes": [
                    Index(fields=["province_code", "kind"], name="store_by_province"),
                    Index(fields=["category_id"], name="store_by_category"),
                    Index(fields=["latitude", "longitude"], name="store_by_place"),
                ],
                "pk_attr": "id",
                "table_description": "A place on the map: store, clinic, branch or association.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StoreOffer",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "store",
                    fields.ForeignKeyField(
                        "stores.Store",
                        source_field="store_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("title", fields.CharField(max_length=120)),
                ("body", fields.CharField(max_length=600)),
                ("valid_from", fields.DateField()),
                ("valid_until", fields.DateField(null=True)),
            ],
            options={
                "table": "store_offer",
                "app": "stores",
                "constraints": [
                    CheckConstraint(
                        check="valid_until IS NULL OR valid_until >= valid_from",
                        name="store_offer_days",
                    )
                ],
                "indexes": [Index(fields=["store_id", "valid_until"], name="store_offer_by_store")],
                "pk_attr": "id",
                "table_description": "An offer of a store, shown from its first day to its last.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StoreOpeningException",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "store",
                    fields.ForeignKeyField(
                        "stores.Store",
                        source_field="store_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("on_date", fields.DateField()),
            ],
            options={
                "table": "store_opening_exception",
                "app": "stores",
                "constraints": [
                    UniqueConstraint(
                        fields=("store_id", "on_date"), name="store_opening_exception_day"
                    )
                ],
                "pk_attr": "id",
                "table_description": "A day on which the weekly periods do not count; without periods of its own it is closed.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StoreOpeningExceptionPeriod",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "exception",
                    fields.ForeignKeyField(
                        "stores.StoreOpeningException",
                        source_field="exception_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("opens_minute", fields.SmallIntField()),
                ("closes_minute", fields.SmallIntField()),
            ],
            options={
                "table": "store_opening_exception_period",
                "app": "stores",
                "constraints": [
                    CheckConstraint(
                        check="opens_minute BETWEEN 0 AND 1439 AND closes_minute > opens_minute AND closes_minute <= opens_minute + 1440",
                        name="store_exception_period_minutes",
                    )
                ],
                "indexes": [Index(fields=["exception_id"], name="store_exception_period_by_day")],
                "pk_attr": "id",
                "table_description": "A period of an exceptional day.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StoreOpeningPeriod",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "store",
                    fields.ForeignKeyField(
                        "stores.Store",
                        source_field="store_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("weekday", fields.SmallIntField()),
                ("opens_minute", fields.SmallIntField()),
                ("closes_minute", fields.SmallIntField()),
            ],
            options={
                "table": "store_opening_period",
                "app": "stores",
                "constraints": [
                    CheckConstraint(
                        check="weekday BETWEEN 0 AND 6", name="store_opening_period_weekday"
                    ),
                    CheckConstraint(
                        check="opens_minute BETWEEN 0 AND 1439 AND closes_minute > opens_minute AND closes_minute <= opens_minute + 1440",
                        name="store_opening_period_minutes",
                    ),
                ],
                "indexes": [Index(fields=["store_id"], name="store_opening_period_by_store")],
                "pk_attr": "id",
                "table_description": "A weekly period; it belongs to the day on which it begins and may end on the next.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StoreSettlement",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "store",
                    fields.OneToOneField(
                        "stores.Store",
                        source_field="store_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("iban_sealed", fields.BinaryField()),
                ("iban_key_id", fields.CharField(max_length=20)),
                ("iban_index", fields.BinaryField()),
                ("contract_sealed", fields.BinaryField(null=True)),
                ("contract_key_id", fields.CharField(null=True, max_length=20)),
                ("mode", fields.CharField(max_length=20)),
                (
                    "changed_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "store_settlement",
                "app": "stores",
                "constraints": [
                    CheckConstraint(
                        check="mode IN ('AS_COLLECTED', 'AT_ONCE')", name="store_settlement_mode"
                    ),
                    CheckConstraint(
                        check="(contract_sealed IS NULL) = (contract_key_id IS NULL)",
                        name="store_settlement_contract",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "How a store is paid. Kept apart, so that no public query can reach it.",
            },
            bases=["Model"],
        ),
    ]
