"""Access tokens: JWT signed with Ed25519, verified by pinned rules, and the keys to do it with.

A key is rotated with overlap: bring the new one into `signing` of every process, then make it
`current`, and take the old one out once its last token has expired. The secrets of refresh tokens and
codes rotate likewise; the old one goes when its last session has (90 days).
"""

from __future__ import annotations

import base64
import hmac
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final, cast

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from backend.core import base64url, errors

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEY_BYTES: Final = 32
ALGORITHM: Final = "EdDSA"
TYPE: Final = "at+jwt"  # RFC 9068: no other kind of JWT passes for an access token
MAX_TOKEN_CHARACTERS: Final = 1_024
MAX_VERIFIED: Final = 20_000  # tokens whose signature a process remembers
# How far the clocks of our own processes may differ: a token is never refused by a neighbour.
SKEW: Final = timedelta(seconds=5)

# Known to everyone: production refuses them.
DEVELOPMENT_SIGNING_KEY: Final = base64.b64encode(b"bashgah-development-token-signer").decode()
DEVELOPMENT_SECRET: Final = base64.b64encode(b"bashgah-development-token-secret").decode()

_KEY_ID = re.compile("[0-9A-Za-z._-]{1,40}")
_SUBJECT = re.compile("[1-9][0-9]{0,18}")
_HEADER_MEMBERS: Final = {"alg", "kid", "typ"}
_CLAIMS: Final = ("aud", "exp", "iat", "iss", "nbf", "sid", "sub")


class Bearer(Enum):
    """Whose tokens: each kind has an audience of its own, so that none passes for another's.

    The value is what follows the configured audience in `aud`.
    """

    MEMBER = ""
    OPERATOR = "/operators"
    CASHIER = "/cashiers"


class TokenKeyError(Exception):
    """The keys of the configuration cannot sign."""


class TokenInvalid(errors.Unauthenticated):
    """A text that is no access token of ours for this service."""

    texts = errors.sentences(
        fa="توکن دسترسی معتبر نیست.",
        en="The access token is not valid.",
    )
    hints = errors.sentences(
        fa="توکن تازه بگیرید یا دوباره وارد شوید.",
        en="Refresh the session, or sign in again.",
    )


class TokenExpired(errors.Unauthenticated):
    """An access token of ours whose time is over."""

    texts = errors.sentences(
        fa="مهلت توکن دسترسی گذشته است.",
        en="The access token has expired.",
    )
    hints = errors.sentences(
        fa="نشست را تمدید کنید و دوباره تلاش کنید.",
        en="Refresh the session and try again.",
    )


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says: whose it is (a positive number), of which session, how long.

    `subject` is the id of a member, an operator or a cashier: which, says `bearer`.
    """

    subject: int
    session: UUID
    issued_at: datetime
    expires_at: datetime
    bearer: Bearer = Bearer.MEMBER


class KeyRing:
    """The keys of tokens, and the names of who issues them and for whom."""

    def __init__(
        self,
        *,
        signing: Mapping[str, bytes],
        current: str,
        secrets: Mapping[str, bytes],
        secrets_current: str,
        issuer: str,
        audience: str,
    ) -> None:
        """Take Ed25519 seeds and HMAC secrets, each of 32 bytes and by its id.

        Tokens are signed with `current` and accepted from each key of `signing`; what is derived from a secret
        is made with `secrets_current`, and good under each of them. Raises TokenKeyError.
        """
        _check_keys(signing, current, secrets, secrets_current)
        if not issuer or not audience:
            raise TokenKeyError("tokens need an issuer and an audience")
        private = {
            key_id: Ed25519PrivateKey.from_private_bytes(seed) for key_id, seed in signing.items()
        }
        self.current: Final = current
        self.issuer: Final = issuer
        self.audience: Final = audience
        self.audiences: Final[Mapping[str, Bearer]] = {
            audience + bearer.value: bearer for bearer in Bearer
        }
        self.signing_key: Final = private[current]
        self.public_keys: Final[Mapping[str, Ed25519PublicKey]] = {
            key_id: key.public_key() for key_id, key in private.items()
        }
        others = (secret for name, secret in secrets.items() if name != secrets_current)
        self._secrets = (secrets[secrets_current], *others)

    def secrets_for(self, purpose: str) -> tuple[bytes, ...]:
        """The HMAC keys of one purpose, the current one first; no two purposes share one."""
        return tuple(hmac.digest(each, purpose.encode(), "sha256") for each in self._secrets)


def _check_keys(
    signing: Mapping[str, bytes], current: str, secrets: Mapping[str, bytes], secrets_current: str
) -> None:
    if current not in signing:
        raise TokenKeyError("the current signing key is not among the keys")
    if secrets_current not in secrets:
        raise TokenKeyError("the current secret is not among the secrets")
    if any(_KEY_ID.fullmatch(key_id) is None for key_id in (*signing, *secrets)):
        raise TokenKeyError("the id of a key or secret has 1 to 40 letters, digits, dots, _ or -")
    keys = (*signing.values(), *secrets.values())
    if any(len(key) != KEY_BYTES for key in keys):
        raise TokenKeyError(f"every signing key and every secret needs {KEY_BYTES} bytes")
    if len(set(keys)) < len(keys):
        raise TokenKeyError("a key stands in two places")


class _Configured:
    ring: KeyRing | None = None
    verified: Final[dict[str, AccessClaims]] = {}


def configure(ring: KeyRing) -> None:
    """Set the keys of this process; what older keys have verified is forgotten."""
    _Configured.ring = ring
    _Configured.verified.clear()


def current() -> KeyRing:
    """The keys of this process. Raises TokenKeyError before `configure`."""
    if _Configured.ring is None:
        raise TokenKeyError("no token keys are configured in this process")
    return _Configured.ring


def issue(
    *,
    subject: int,
    session: UUID,
    at: datetime,
    expires_at: datetime,
    bearer: Bearer = Bearer.MEMBER,
) -> str:
    """Sign an access token; its times have whole seconds, so it lives up to a second less."""
    ring = current()
    issued = int(at.timestamp())
    claims = {
        "iss": ring.issuer,
        "aud": ring.audience + bearer.value,
        "sub": str(subject),
        "sid": str(session),
        "iat": issued,
        "nbf": issued,
        "exp": int(expires_at.timestamp()),
    }
    headers = {"kid": ring.current, "typ": TYPE}
    return jwt.encode(claims, ring.signing_key, algorithm=ALGORITHM, headers=headers)


def verify(token: str, *, at: datetime) -> AccessClaims:
    """What a token says, where it is ours and its time has come and not gone.

    A signature is checked once a process; the times with each call. Raises TokenInvalid, TokenExpired.
    """
    claims = _Configured.verified.get(token)
    if claims is None:
        claims = _verified(token, current())
        _remember(token, claims)
    if at >= claims.expires_at:
        _Configured.verified.pop(token, None)
        raise TokenExpired
    if at + SKEW < claims.issued_at:
        raise TokenInvalid
    return claims


def jwks() -> dict[str, list[dict[str, str]]]:
    """The JSON Web Key Set (RFC 7517, RFC 8037) of all accepted keys, the current one first."""
    ring = current()
    names = sorted(ring.public_keys, key=lambda key_id: (key_id != ring.current, key_id))
    return {"keys": [_jwk(key_id, ring.public_keys[key_id]) for key_id in names]}


def _jwk(key_id: str, key: Ed25519PublicKey) -> dict[str, str]:
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": ALGORITHM,
        "use": "sig",
        "kid": key_id,
        "x": base64url.encode(key.public_bytes_raw()),
    }


def _remember(token: str, claims: AccessClaims) -> None:
    verified = _Configured.verified
    while len(verified) >= MAX_VERIFIED:
        del verified[next(iter(verified))]  # the one verified first, so likely the first to expire
    verified[token] = claims


def _verified(token: str, ring: KeyRing) -> AccessClaims:
    """The claims under a good signature; the times are checked by the caller, with our clock."""
    key = ring.public_keys.get(_key_id(token))
    if key is None:
        raise TokenInvalid
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=ring.issuer,
            options={
                "require": list(_CLAIMS),
                "verify_aud": False,  # one of several: below
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.PyJWTError as error:
        raise TokenInvalid from error
    return _read(claims, ring)


def _key_id(token: str) -> str:
    """The key id of a token of just our form; nothing else in a header is ever looked at.

    PyJWT takes padded base64 and stray bits, so each part is checked before it sees the token.
    """
    parts = token.split(".", 3) if len(token) <= MAX_TOKEN_CHARACTERS else []
    try:
        header, _, _ = [base64url.decode(part) for part in parts]
        fields = orjson.loads(header)
    except ValueError as error:  # another number of parts, another alphabet, no JSON
        raise TokenInvalid from error
    if not isinstance(fields, dict) or fields.keys() != _HEADER_MEMBERS:
        raise TokenInvalid
    key_id = fields["kid"]
    if fields["alg"] != ALGORITHM or fields["typ"] != TYPE or not isinstance(key_id, str):
        raise TokenInvalid
    return key_id


def _read(claims: Mapping[str, object], ring: KeyRing) -> AccessClaims:
    subject, session, audience = claims["sub"], claims["sid"], claims["aud"]
    bearer = ring.audiences.get(audience) if isinstance(audience, str) else None
    times = [claims["iat"], claims["nbf"], claims["exp"]]
    if bearer is None or not (isinstance(subject, str) and isinstance(session, str)):
        raise TokenInvalid
    if _SUBJECT.fullmatch(subject) is None or any(type(time) is not int for time in times):
        raise TokenInvalid
    issued, not_before, expires = cast("list[int]", times)
    try:
        return AccessClaims(
            subject=int(subject),
            session=uuid.UUID(session),
            issued_at=datetime.fromtimestamp(max(issued, not_before), UTC),
            expires_at=datetime.fromtimestamp(expires, UTC),
            bearer=bearer,
        )
    except (ValueError, OverflowError, OSError) as error:
        raise TokenInvalid from error
