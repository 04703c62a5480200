"""Settings of keys: what seals columns, and what signs tokens."""

import base64
import binascii
from typing import Self

from pydantic import BaseModel, Field, SecretStr, model_validator

from backend.infra import tokens
from backend.infra.sealing import Sealer
from backend.infra.signing import Signer
from backend.infra.tokens import KeyRing

DEVELOPMENT_KEY = base64.b64encode(b"bashgah-development-only-32bytes").decode()
DEVELOPMENT_INDEX_KEY = base64.b64encode(b"bashgah-development-blind-index!").decode()
DEVELOPMENT_AUDIT_KEY = base64.b64encode(b"bashgah-development-audit-signer").decode()
MAX_KEY_ID = 40  # of the trail's column
DEVELOPMENT_ISSUER = "http://127.0.0.1:8000"


class KeySettings(BaseModel):
    """The keys, each 32 bytes in base64; those of development stand in the source code."""

    sealing_keys: dict[str, SecretStr] = Field(
        default={"development": SecretStr(DEVELOPMENT_KEY)},
        description='Keys of sealed columns by id, 32 bytes in base64: `{"2026-11":"…"}`.',
    )
    sealing_key_current: str = Field(
        default="development", description="The id of the key that seals new values."
    )
    sealing_index_key: SecretStr = Field(
        default=SecretStr(DEVELOPMENT_INDEX_KEY),
        description="The key of blind indexes, 32 bytes in base64.",
    )
    token_signing_keys: dict[str, SecretStr] = Field(
        default={"development": SecretStr(tokens.DEVELOPMENT_SIGNING_KEY)},
        description="Keys that sign access tokens by id, Ed25519 seeds of 32 bytes in base64.",
    )
    token_signing_key_current: str = Field(
        default="development", description="The id of the key that signs new access tokens."
    )
    token_secrets: dict[str, SecretStr] = Field(
        default={"development": SecretStr(tokens.DEVELOPMENT_SECRET)},
        description="Secrets of refresh tokens and codes by id, 32 bytes in base64.",
    )
    token_secret_current: str = Field(
        default="development",
        description="The id of the secret that makes new refresh tokens and codes.",
    )
    token_issuer: str = Field(
        default=DEVELOPMENT_ISSUER,
        min_length=1,
        max_length=200,
        description="`iss` of access tokens: the API's public address.",
    )
    token_audience: str = Field(
        default="bashgah", min_length=1, max_length=200, description="`aud` of access tokens."
    )

    audit_signing_keys: dict[str, SecretStr] = Field(
        default={"development": SecretStr(DEVELOPMENT_AUDIT_KEY)},
        description="Keys that sign the audit trail by id, Ed25519 seeds of 32 bytes in base64; workers only.",
    )
    audit_signing_key_current: str = Field(
        default="development",
        description="The id of the key that signs what is sealed from now on.",
    )
    audit_public_keys: dict[str, str] = Field(
        default={},
        description="Keys that the audit trail is verified by, where the signing keys are not: base64 by id.",
    )

    @model_validator(mode="after")
    def _keys_fit(self) -> Self:
        if self.sealing_key_current not in self.sealing_keys:
            raise ValueError("sealing_key_current names no key of sealing_keys")
        for key in (*self.sealing_keys.values(), self.sealing_index_key):
            _decoded(key)
        try:
            self.key_ring()
        except tokens.TokenKeyError as error:
            raise ValueError(f"token_signing_keys and token_secrets: {error}") from None
        if (
            self.audit_signing_keys
            and self.audit_signing_key_current not in self.audit_signing_keys
        ):
            raise ValueError("audit_signing_key_current names no key of audit_signing_keys")
        if any(
            len(name) > MAX_KEY_ID for name in (*self.audit_signing_keys, *self.audit_public_keys)
        ):
            raise ValueError(f"the id of an audit key has at most {MAX_KEY_ID} characters")
        self.signer()
        return self

    def sealer(self) -> Sealer:
        """What seals and unseals columns with these keys."""
        return Sealer(
            keys={name: _decoded(key) for name, key in self.sealing_keys.items()},
            current=self.sealing_key_current,
            index_key=_decoded(self.sealing_index_key),
        )

    def key_ring(self) -> KeyRing:
        """What signs and verifies tokens with these keys. Raises TokenKeyError."""
        return KeyRing(
            signing={name: _decoded(key) for name, key in self.token_signing_keys.items()},
            current=self.token_signing_key_current,
            secrets={name: _decoded(secret) for name, secret in self.token_secrets.items()},
            secrets_current=self.token_secret_current,
            issuer=self.token_issuer,
            audience=self.token_audience,
        )

    def signer(self) -> Signer:
        """What signs the audit trail and verifies it with these keys."""
        return Signer(
            {name: _decoded(key) for name, key in self.audit_signing_keys.items()},
            self.audit_signing_key_current,
            {name: _decoded(SecretStr(key)) for name, key in self.audit_public_keys.items()},
        )


def _decoded(key: SecretStr) -> bytes:
    try:
        raw = base64.b64decode(key.get_secret_value(), validate=True)
    except binascii.Error:
        raise ValueError("a key is not in base64") from None
    if len(raw) != 32:  # noqa: PLR2004 - AES-256 and HMAC-SHA256
        raise ValueError("a key has 32 bytes")
    return raw
