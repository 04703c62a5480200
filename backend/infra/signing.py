"""Signatures that others can check without our secrets: Ed25519, by keys with names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_BYTES: Final = 32


class SigningKeyError(Exception):
    """The keys of the configuration can't sign; the text names the settings."""


@dataclass(frozen=True, slots=True)
class Signature:
    """64 bytes, and the name of the key that made them."""

    key_id: str
    value: bytes


class Signer:
    """Signs with the current key, where this process has one, and verifies by every key that it knows."""

    def __init__(
        self, private: Mapping[str, bytes], current: str | None, public: Mapping[str, bytes]
    ) -> None:
        """Take Ed25519 seeds and public keys, each of 32 bytes and by its id. Raises SigningKeyError.

        `public` has the keys that this process may only verify by: former ones, or all of them.
        """
        if any(len(key) != KEY_BYTES for key in (*private.values(), *public.values())):
            raise SigningKeyError(f"every signing key and public key has {KEY_BYTES} bytes")
        self._current = current if current in private else None
        self._private = {
            key_id: Ed25519PrivateKey.from_private_bytes(seed) for key_id, seed in private.items()
        }
        self._public = {
            key_id: Ed25519PublicKey.from_public_bytes(key) for key_id, key in public.items()
        } | {key_id: key.public_key() for key_id, key in self._private.items()}

    @property
    def current_key_id(self) -> str:
        """The id of the key that signs. Raises SigningKeyError where this process has none."""
        if self._current is None:
            raise SigningKeyError("this process has no key to sign with")
        return self._current

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The ids of all keys that signatures are verified by."""
        return tuple(sorted(self._public))

    def sign(self, message: bytes) -> Signature:
        """Sign with the current key. Raises SigningKeyError."""
        key_id = self.current_key_id
        return Signature(key_id, self._private[key_id].sign(message))

    def knows(self, key_id: str) -> bool:
        """Whether a signature by this key can be verified."""
        return key_id in self._public

    def is_good(self, signature: Signature, message: bytes) -> bool:
        """Whether a key that this process knows has signed the message."""
        key = self._public.get(signature.key_id)
        if key is None:
            return False
        try:
            key.verify(signature.value, message)
        except InvalidSignature:
            return False
        return True

    def public_key(self, key_id: str) -> bytes:
        """The public key of that name. Raises KeyError."""
        return self._public[key_id].public_bytes_raw()


class _Configured:
    signer: Signer | None = None


def configure(signer: Signer) -> None:
    """Set the signer of this process; the composition root does this once."""
    _Configured.signer = signer


def current() -> Signer:
    """Return the signer of this process. Raises SigningKeyError before `configure`."""
    if _Configured.signer is None:
        raise SigningKeyError("no signer is configured in this process")
    return _Configured.signer
