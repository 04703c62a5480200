"""Tables of sessions and devices.

`member_id` refers to the table of another slice: the migration adds the foreign keys, which the
models do not know, and what is unique: of devices (member_id, device_id) and push_token_index, of
sessions request_id.
"""

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.db_defaults import Now
from tortoise.migrations.constraints import CheckConstraint
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
