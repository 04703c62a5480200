"""Tables of sessions and devices, of operators, and of those who sell in stores.

`member_id` refers to the table of another slice: the migration adds the foreign keys, which the
models do not know, and what is unique: of devices (member_id, device_id) and push_token_index, of
sessions request_id.
"""

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.db_defaults import Now
from tortoise.migrations.constraints import CheckConstraint, UniqueConstraint
from tortoise.models import Model

PLATFORM_CHECK = "platform IN ('ANDROID', 'IOS', 'WEB')"


class Device(Model):
    """An app's installation by a member, and how it is reached by push messages.

    The token is sealed (AES-GCM, key id beside it); its blind index keeps one token with one device,
    also when a phone changes hands.
    """

    id = fields.BigIntField(primary_key=True)
    member_id = fields.BigIntField()
    device_id = fields.CharField(max_length=128)
    name = fields.CharField(max_length=80, db_default="")
    platform = fields.CharField(max_length=20)
    push_provider = fields.CharField(max_length=20, db_default="NONE")
    push_token_sealed = fields.BinaryField(null=True)
    push_token_key_id = fields.CharField(max_length=20, null=True)
    push_token_index = fields.BinaryField(null=True)
    app_version = fields.CharField(max_length=32, null=True)
    locale = fields.CharField(max_length=2, null=True)
    last_seen_at = fields.DatetimeField()
    created_at = fields.DatetimeField(db_default=Now())

    class Meta:
        table = "device"
        constraints = (
            CheckConstraint(check=PLATFORM_CHECK, name="device_platform"),
            CheckConstraint(
                check="push_provider IN ('FCM', 'APNS', 'HMS', 'NONE')", name="device_push_provider"
            ),
            CheckConstraint(
                check="num_nonnulls(push_token_sealed, push_token_key_id, push_token_index)"
                " = CASE push_provider WHEN 'NONE' THEN 0 ELSE 3 END",
                name="device_push",
            ),
            CheckConstraint(check="locale IN ('fa', 'en')", name="device_locale"),
        )


class Session(Model):
    """A sign-in on a device: one family of refresh tokens, of which only hashes are stored.

    `digests` and `made_at` hold the newest tokens, oldest first; the last is number `generation`.
    """

    id = fields.BigIntField(primary_key=True)
    public_id = fields.UUIDField(unique=True)
    member_id = fields.BigIntField()
    device_id = fields.CharField(max_length=128)
    device_name = fields.CharField(max_length=80)
    platform = fields.CharField(max_length=20)
    created_at = fields.DatetimeField()
    last_seen_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    generation = fields.IntField()
    digests = ArrayField(element_type="bytea")
    made_at = ArrayField(element_type="timestamptz")
    phone_index = fields.BinaryField(null=True)  # an HMAC of the phone that the code was sent to
    request_id = fields.UUIDField(null=True)  # whose code opened it; a request opens one at most
    ended_at = fields.DatetimeField(null=True)
    end_reason = fields.CharField(max_length=20, null=True)

    class Meta:
        table = "session"
        constraints = (
            CheckConstraint(check=PLATFORM_CHECK, name="session_platform"),
            CheckConstraint(
                check="expires_at > created_at AND expires_at <= created_at + interval '90 days'",
                name="session_life",
            ),
            CheckConstraint(
                check="cardinality(digests) = cardinality(made_at)"
                " AND cardinality(digests) BETWEEN 1 AND least(60, generation + 1)"
                " AND array_position(digests, NULL) IS NULL"
                " AND array_position(made_at, NULL) IS NULL",
                name="session_generations",
            ),
            CheckConstraint(
                check="(ended_at IS NULL) = (end_reason IS NULL)"
                " AND end_reason IN"
                " ('SIGNED_OUT', 'REVOKED', 'REUSED', 'REPLACED', 'CROWDED_OUT', 'PHONE_CHANGED', 'FILE_CLOSED')",
                name="session_end",
            ),
        )


class Operator(Model):
    """Somebody who works for the club. Secrets are hashed (argon2id) or sealed (AES-GCM, key id beside it).

    `national_code_index` is that of the members' table: by it nobody acts on the own file.
    `totp_last_step` is the 30-second step of the last one-time password that was taken: each is good once.
    """

    id = fields.BigIntField(primary_key=True)
    user_name = fields.CharField(max_length=40, unique=True)
    name = fields.CharField(max_length=80)
    office = fields.CharField(max_length=120)
    state = fields.CharField(max_length=20)
    roles = ArrayField(element_type="text")
    scope_nation = fields.BooleanField(db_default=False)
    scope_province_codes = ArrayField(element_type="text", db_default=[])
    scope_association_id = fields.BigIntField(null=True)
    national_code_index = fields.BinaryField(null=True)
    phone_sealed = fields.BinaryField(null=True)
    phone_key_id = fields.CharField(max_length=20, null=True)
    phone_asked_by = fields.CharField(max_length=80, null=True)
    phone_granted_by = fields.CharField(max_length=80, null=True)
    password_hash = fields.CharField(max_length=200, null=True)
    totp_sealed = fields.BinaryField(null=True)
    totp_key_id = fields.CharField(max_length=20, null=True)
    totp_last_step = fields.BigIntField(null=True)
    invitation_digest = fields.BinaryField(null=True)
    invitation_expires_at = fields.DatetimeField(null=True)
    created_by = fields.CharField(max_length=80)
    approved_by = fields.CharField(max_length=80, null=True)
    created_at = fields.DatetimeField(db_default=Now())
    last_sign_in_at = fields.DatetimeField(null=True)

    class Meta:
        table = "operator"
        constraints = (
            CheckConstraint(
                check="state IN ('REQUESTED', 'INVITED', 'ACTIVE', 'SUSPENDED', 'REFUSED')",
                name="operator_state",
            ),
            CheckConstraint(
                check="roles <@ ARRAY['OBSERVER', 'STORE_MANAGER', 'LOAN_OFFICER', 'FINANCE_OFFICER', 'CAMPAIGNER',"
                " 'SUPPORT', 'REGISTRAR', 'AUDITOR', 'ADMINISTRATOR'] AND cardinality(roles) BETWEEN 1 AND 9",
                name="operator_roles",
            ),
            CheckConstraint(
                check="NOT (roles @> ARRAY['ADMINISTRATOR'] AND roles &&"
                " ARRAY['STORE_MANAGER', 'LOAN_OFFICER', 'FINANCE_OFFICER'])",
                name="operator_no_money_for_administrators",
            ),
            CheckConstraint(
                check="NOT (roles @> ARRAY['AUDITOR'] AND NOT roles <@ ARRAY['AUDITOR', 'OBSERVER'])",
                name="operator_auditors_only_look",
            ),
            CheckConstraint(
                check="scope_nation::int + (cardinality(scope_province_codes) > 0)::int"
                " + (scope_association_id IS NOT NULL)::int = 1",
                name="operator_scope",
            ),
            CheckConstraint(
                check="(phone_sealed IS NULL) = (phone_key_id IS NULL)"
                " AND (totp_sealed IS NULL) = (totp_key_id IS NULL)"
                " AND (invitation_digest IS NULL) = (invitation_expires_at IS NULL)",
                name="operator_seals",
            ),
            CheckConstraint(
                check="state <> 'ACTIVE' OR (password_hash IS NOT NULL AND totp_sealed IS NOT NULL)",
                name="operator_secrets",
            ),
            CheckConstraint(check="password_hash LIKE '$argon2id$%'", name="operator_password"),
        )


class RecoveryCode(Model):
    """A code that stands in for a lost one-time password, once; SHA-256 of 80 random bits."""

    id = fields.BigIntField(primary_key=True)
    operator: fields.ForeignKeyRelation[Operator] = fields.ForeignKeyField(
        "access.Operator", on_delete=fields.CASCADE
    )
    digest = fields.BinaryField()
    used_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField(db_default=Now())

    class Meta:
        table = "recovery_code"


class BreakGlass(Model):
    """A role taken for an emergency: it ends by itself."""

    id = fields.BigIntField(primary_key=True)
    operator: fields.ForeignKeyRelation[Operator] = fields.ForeignKeyField(
        "access.Operator", on_delete=fields.RESTRICT
    )
    role = fields.CharField(max_length=20)
    reason = fields.CharField(max_length=500)
    began_at = fields.DatetimeField()
    ends_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "break_glass"
        constraints = (
            CheckConstraint(
                check="ends_at > began_at AND ends_at <= began_at + interval '4 hours'",
                name="break_glass_time",
            ),
            CheckConstraint(
                check="role IN ('OBSERVER', 'STORE_MANAGER', 'LOAN_OFFICER', 'FINANCE_OFFICER', 'CAMPAIGNER',"
                " 'SUPPORT', 'REGISTRAR')",
                name="break_glass_role",
            ),
        )


class StoreDevice(Model):
    """A terminal of a store. Its id is a secret that it was given as it was enrolled; SHA-256 of it is kept."""

    id = fields.BigIntField(primary_key=True)
    store_id = fields.BigIntField()
    name = fields.CharField(max_length=80)
    code_digest = fields.BinaryField(null=True)
    code_expires_at = fields.DatetimeField(null=True)
    digest = fields.BinaryField(null=True)
    created_by = fields.CharField(max_length=80)
    created_at = fields.DatetimeField(db_default=Now())
    enrolled_at = fields.DatetimeField(null=True)
    last_seen_at = fields.DatetimeField(null=True)
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "store_device"
        constraints = (
            CheckConstraint(
                check="num_nonnulls(digest, enrolled_at) IN (0, 2)"
                " AND num_nonnulls(code_digest, code_expires_at) IN (0, 2)"
                " AND (enrolled_at IS NULL OR code_digest IS NULL)",
                name="store_device_enrolment",
            ),
        )


class Cashier(Model):
    """Somebody who sells in one store; the first password is made by the service and has to be changed."""

    id = fields.BigIntField(primary_key=True)
    store_id = fields.BigIntField()
    user_name = fields.CharField(max_length=40)
    name = fields.CharField(max_length=80)
    state = fields.CharField(max_length=20)
    password_hash = fields.CharField(max_length=200)
    has_initial_password = fields.BooleanField(db_default=True)
    created_by = fields.CharField(max_length=80)
    created_at = fields.DatetimeField(db_default=Now())

    class Meta:
        table = "cashier"
        constraints = (
            UniqueConstraint(fields=("store_id", "user_name"), name="cashier_user_name"),
            CheckConstraint(check="state IN ('ACTIVE', 'SUSPENDED')", name="cashier_state"),
            CheckConstraint(check="password_hash LIKE '$argon2id$%'", name="cashier_password"),
        )


class StaffSession(Model):
    """A sign-in of an operator or of a cashier; of refresh tokens only hashes are stored, as in `Session`."""

    id = fields.BigIntField(primary_key=True)
    public_id = fields.UUIDField(unique=True)
    operator: fields.ForeignKeyNullableRelation[Operator] = fields.ForeignKeyField(
        "access.Operator", null=True, on_delete=fields.CASCADE
    )
    cashier: fields.ForeignKeyNullableRelation[Cashier] = fields.ForeignKeyField(
        "access.Cashier", null=True, on_delete=fields.CASCADE
    )
    store_device: fields.ForeignKeyNullableRelation[StoreDevice] = fields.ForeignKeyField(
        "access.StoreDevice", null=True, on_delete=fields.CASCADE
    )
    device_id = fields.CharField(max_length=128)
    device_name = fields.CharField(max_length=80)
    address_index = fields.BinaryField(null=True)  # an HMAC of the network that it was opened from
    created_at = fields.DatetimeField()
    last_seen_at = fields.DatetimeField()
    expires_at = fields.DatetimeField()
    reauthenticated_at = fields.DatetimeField(null=True)
    generation = fields.IntField()
    digests = ArrayField(element_type="bytea")
    made_at = ArrayField(element_type="timestamptz")
    ended_at = fields.DatetimeField(null=True)
    end_reason = fields.CharField(max_length=20, null=True)

    class Meta:
        table = "staff_session"
        constraints = (
            CheckConstraint(
                check="num_nonnulls(operator_id, cashier_id) = 1"
                " AND (cashier_id IS NULL) = (store_device_id IS NULL)",
                name="staff_session_holder",
            ),
            CheckConstraint(
                check="expires_at > created_at AND expires_at <= created_at + interval '12 hours'",
                name="staff_session_life",
            ),
            CheckConstraint(
                check="cardinality(digests) = cardinality(made_at)"
                " AND cardinality(digests) BETWEEN 1 AND least(60, generation + 1)"
                " AND array_position(digests, NULL) IS NULL"
                " AND array_position(made_at, NULL) IS NULL",
                name="staff_session_generations",
            ),
            CheckConstraint(
                check="(ended_at IS NULL) = (end_reason IS NULL)"
                " AND end_reason IN ('SIGNED_OUT', 'REVOKED', 'REUSED', 'REPLACED', 'CROWDED_OUT', 'SUSPENDED',"
                " 'RESET', 'SECRET_CHANGED', 'DEVICE_REVOKED')",
                name="staff_session_end",
            ),
        )
