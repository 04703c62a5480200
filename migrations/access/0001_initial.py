from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.db_defaults import Now
from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="Device",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("member_id", fields.BigIntField()),
                ("device_id", fields.CharField(max_length=128)),
                ("name", fields.CharField(db_default="", max_length=80)),
                ("platform", fields.CharField(max_length=20)),
                ("push_provider", fields.CharField(db_default="NONE", max_length=20)),
                ("push_token_sealed", fields.BinaryField(null=True)),
                ("push_token_key_id", fields.CharField(null=True, max_length=20)),
                ("push_token_index", fields.BinaryField(null=True)),
                ("app_version", fields.CharField(null=True, max_length=32)),
                ("locale", fields.CharField(null=True, max_length=2)),
                ("last_seen_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "created_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "device",
                "app": "access",
                "constraints": [
                    CheckConstraint(
                        check="platform IN ('ANDROID', 'IOS', 'WEB')", name="device_platform"
                    ),
                    CheckConstraint(
                        check="push_provider IN ('FCM', 'APNS', 'HMS', 'NONE')",
                        name="device_push_provider",
                    ),
                    CheckConstraint(
                        check="num_nonnulls(push_token_sealed, push_token_key_id, push_token_index) = CASE push_provider WHEN 'NONE' THEN 0 ELSE 3 END",
                        name="device_push",
                    ),
                    CheckConstraint(check="locale IN ('fa', 'en')", name="device_locale"),
                ],
                "pk_attr": "id",
                "table_description": "An app's installation by a member, and how it is reached by push messages.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("public_id", fields.UUIDField(unique=True)),
                ("member_id", fields.BigIntField()),
                ("device_id", fields.CharField(max_length=128)),
                ("device_name", fields.CharField(max_length=80)),
                ("platform", fields.CharField(max_length=20)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("last_seen_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("generation", fields.IntField()),
                ("digests", ArrayField(element_type="BYTEA")),
                ("made_at", ArrayField(element_type="TIMESTAMPTZ")),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("end_reason", fields.CharField(null=True, max_length=20)),
            ],
            options={
                "table": "session",
                "app": "access",
                "constraints": [
                    CheckConstraint(
                        check="platform IN ('ANDROID', 'IOS', 'WEB')", name="session_platform"
                    ),
                    CheckConstraint(
                        check="expires_at > created_at AND expires_at <= created_at + interval '90 days'",
                        name="session_life",
                    ),
                    CheckConstraint(
                        check="cardinality(digests) = cardinality(made_at) AND cardinality(digests) BETWEEN 1 AND least(60, generation + 1) AND array_position(digests, NULL) IS NULL AND array_position(made_at, NULL) IS NULL",
                        name="session_generations",
                    ),
                    CheckConstraint(
                        check="(ended_at IS NULL) = (end_reason IS NULL) AND end_reason IN ('SIGNED_OUT', 'REVOKED', 'REUSED', 'CROWDED_OUT', 'PHONE_CHANGED')",
                        name="session_end",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A sign-in on a device: one family of refresh tokens, of which only hashes are stored.",
            },
            bases=["Model"],
        ),
    ]
