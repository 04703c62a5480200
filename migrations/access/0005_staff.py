"""Operators, recovery codes, emergencies, cashiers, stores' devices, and the sessions of all who work."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.base import OnDelete
from tortoise.fields.db_defaults import Now
from tortoise import fields
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint


class Migration(migrations.Migration):
    dependencies = [("access", "0004_requests_and_replacements")]

    initial = False

    operations = [
        ops.CreateModel(
            name="Cashier",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store_id", fields.BigIntField()),
                ("user_name", fields.CharField(max_length=40)),
                ("name", fields.CharField(max_length=80)),
                ("state", fields.CharField(max_length=20)),
                ("password_hash", fields.CharField(max_length=200)),
                ("has_initial_password", fields.BooleanField(db_default=True)),
                ("created_by", fields.CharField(max_length=80)),
                (
                    "created_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "cashier",
                "app": "access",
                "constraints": [
                    UniqueConstraint(fields=("store_id", "user_name"), name="cashier_user_name"),
                    CheckConstraint(check="state IN ('ACTIVE', 'SUSPENDED')", name="cashier_state"),
                    CheckConstraint(
                        check="password_hash LIKE '$argon2id$%'", name="cashier_password"
                    ),
                ],
                "pk_attr": "id",
                "table_description": "Somebody who sells in one store; the first password is made by the service and has to be changed.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Operator",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("user_name", fields.CharField(unique=True, max_length=40)),
                ("name", fields.CharField(max_length=80)),
                ("office", fields.CharField(max_length=120)),
                ("state", fields.CharField(max_length=20)),
                ("roles", ArrayField(element_type="TEXT")),
                ("scope_nation", fields.BooleanField(db_default=False)),
                ("scope_province_codes", ArrayField(db_default=[], element_type="TEXT")),
                ("scope_association_id", fields.BigIntField(null=True)),
                ("national_code_index", fields.BinaryField(null=True)),
                ("phone_sealed", fields.BinaryField(null=True)),
                ("phone_key_id", fields.CharField(null=True, max_length=20)),
                ("password_hash", fields.CharField(null=True, max_length=200)),
                ("totp_sealed", fields.BinaryField(null=True)),
                ("totp_key_id", fields.CharField(null=True, max_length=20)),
                ("totp_last_step", fields.BigIntField(null=True)),
                ("invitation_digest", fields.BinaryField(null=True)),
                (
                    "invitation_expires_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("created_by", fields.CharField(max_length=80)),
                ("approved_by", fields.CharField(null=True, max_length=80)),
                (
                    "created_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
                (
                    "last_sign_in_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "operator",
                "app": "access",
                "constraints": [
                    CheckConstraint(
                        check="state IN ('REQUESTED', 'INVITED', 'ACTIVE', 'SUSPENDED', 'REFUSED')",
                        name="operator_state",
                    ),
                    CheckConstraint(
                        check="roles <@ ARRAY['OBSERVER', 'STORE_MANAGER', 'LOAN_OFFICER', 'FINANCE_OFFICER', 'CAMPAIGNER', 'SUPPORT', 'REGISTRAR', 'AUDITOR', 'ADMINISTRATOR'] AND cardinality(roles) BETWEEN 1 AND 9",
                        name="operator_roles",
                    ),
                    CheckConstraint(
                        check="NOT (roles @> ARRAY['ADMINISTRATOR'] AND roles && ARRAY['STORE_MANAGER', 'LOAN_OFFICER', 'FINANCE_OFFICER'])",
                        name="operator_no_money_for_administrators",
                    ),
                    CheckConstraint(
                        check="NOT (roles @> ARRAY['AUDITOR'] AND NOT roles <@ ARRAY['AUDITOR', 'OBSERVER'])",
                        name="operator_auditors_only_look",
                    ),
                    CheckConstraint(
                        check="scope_nation::int + (cardinality(scope_province_codes) > 0)::int + (scope_association_id IS NOT NULL)::int = 1",
                        name="operator_scope",
                    ),
                    CheckConstraint(
                        check="(phone_sealed IS NULL) = (phone_key_id IS NULL) AND (totp_sealed IS NULL) = (totp_key_id IS NULL) AND (invitation_digest IS NULL) = (invitation_expires_at IS NULL)",
                        name="operator_seals",
                    ),
                    CheckConstraint(
                        check="state <> 'ACTIVE' OR (password_hash IS NOT NULL AND totp_sealed IS NOT NULL)",
                        name="operator_secrets",
                    ),
                    CheckConstraint(
                        check="password_hash LIKE '$argon2id$%'", name="operator_password"
                    ),
                ],
                "pk_attr": "id",
                "table_description": "Somebody who works for the club. Secrets are hashed (argon2id) or sealed (AES-GCM, key id beside it).",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="BreakGlass",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "operator",
                    fields.ForeignKeyField(
                        "access.Operator",
                        source_field="operator_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("role", fields.CharField(max_length=20)),
                ("reason", fields.CharField(max_length=500)),
                ("began_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ends_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "break_glass",
                "app": "access",
                "constraints": [
                    CheckConstraint(
                        check="ends_at > began_at AND ends_at <= began_at + interval '4 hours'",
                        name="break_glass_time",
                    ),
                    CheckConstraint(
                        check="role IN ('OBSERVER', 'STORE_MANAGER', 'LOAN_OFFICER', 'FINANCE_OFFICER', 'CAMPAIGNER', 'SUPPORT', 'REGISTRAR')",
                        name="break_glass_role",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A role taken for an emergency: it ends by itself.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="RecoveryCode",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "operator",
                    fields.ForeignKeyField(
                        "access.Operator",
                        source_field="operator_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("digest", fields.BinaryField()),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "created_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "recovery_code",
                "app": "access",
                "pk_attr": "id",
                "table_description": "A code that stands in for a lost one-time password, once; SHA-256 of 80 random bits.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StoreDevice",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("store_id", fields.BigIntField()),
                ("name", fields.CharField(max_length=80)),
                ("code_digest", fields.BinaryField(null=True)),
                (
                    "code_expires_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("digest", fields.BinaryField(null=True)),
                ("created_by", fields.CharField(max_length=80)),
                (
                    "created_at",
                    fields.DatetimeField(db_default=Now(), auto_now=False, auto_now_add=False),
                ),
                (
                    "enrolled_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "last_seen_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "store_device",
                "app": "access",
                "constraints": [
                    CheckConstraint(
                        check="num_nonnulls(digest, enrolled_at) IN (0, 2) AND num_nonnulls(code_digest, code_expires_at) IN (0, 2) AND (enrolled_at IS NULL OR code_digest IS NULL)",
                        name="store_device_enrolment",
                    )
                ],
                "pk_attr": "id",
                "table_description": "A terminal of a store. Its id is a secret that it was given as it was enrolled; SHA-256 of it is kept.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="StaffSession",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("public_id", fields.UUIDField(unique=True)),
                (
                    "operator",
                    fields.ForeignKeyField(
                        "access.Operator",
                        source_field="operator_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "cashier",
                    fields.ForeignKeyField(
                        "access.Cashier",
                        source_field="cashier_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "store_device",
                    fields.ForeignKeyField(
                        "access.StoreDevice",
                        source_field="store_device_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("device_id", fields.CharField(max_length=128)),
                ("device_name", fields.CharField(max_length=80)),
                ("address_index", fields.BinaryField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("last_seen_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                (
                    "reauthenticated_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("generation", fields.IntField()),
                ("digests", ArrayField(element_type="BYTEA")),
                ("made_at", ArrayField(element_type="TIMESTAMPTZ")),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("end_reason", fields.CharField(null=True, max_length=20)),
            ],
            options={
                "table": "staff_session",
                "app": "access",
                "constraints": [
                    CheckConstraint(
                        check="num_nonnulls(operator_id, cashier_id) = 1 AND (cashier_id IS NULL) = (store_device_id IS NULL)",
                        name="staff_session_holder",
                    ),
                    CheckConstraint(
                        check="expires_at > created_at AND expires_at <= created_at + interval '12 hours'",
                        name="staff_session_life",
                    ),
                    CheckConstraint(
                        check="cardinality(digests) = cardinality(made_at) AND cardinality(digests) BETWEEN 1 AND least(60, generation + 1) AND array_position(digests, NULL) IS NULL AND array_position(made_at, NULL) IS NULL",
                        name="staff_session_generations",
                    ),
                    CheckConstraint(
                        check="(ended_at IS NULL) = (end_reason IS NULL) AND end_reason IN ('SIGNED_OUT', 'REVOKED', 'REUSED', 'REPLACED', 'CROWDED_OUT', 'SUSPENDED', 'RESET', 'SECRET_CHANGED', 'DEVICE_REVOKED')",
                        name="staff_session_end",
                    ),
                ],
                "pk_attr": "id",
                "table_description": "A sign-in of an operator or of a cashier; of refresh tokens only hashes are stored, as in `Session`.",
            },
            bases=["Model"],
        ),
    ]
