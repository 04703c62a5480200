"""Sealing of personal numbers: readable only with the key, findable only by their blind index."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class SealingKeyError(Exception):
    """The keys of the configuration cannot seal."""


class SealBroken(Exception):
    """A sealed text does not open: it was altered, moved to another context, or its key is gone.

    No viewer can do anything about it, so it is no DomainError: it is answered as an internal
    error. The message names the key at most.
    """


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed text: nonce, ciphertext and tag in one, and the name of the key that opens it."""

    ciphertext: bytes
    key_id: str


class Sealer:
    """Seals with the current key and unseals with every key that it still holds.

    AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D: at most 2³² texts a key, so rotate
    before). The context is column and row, such as `store_settlement.iban:S17`, and is authenticated
    with the text: a ciphertext copied to another row or column does not open there.
    """

    def __init__(self, keys: Mapping[str, bytes], current: str, index_key: bytes) -> None:
        """Take keys of 32 bytes by id. Raises SealingKeyError.

        The index key must be another one than the sealing keys, and it cannot be rotated without
        writing every index anew.
        """
        if current not in keys:
            raise SealingKeyError("the current sealing key is not among the keys")
        if any(len(key) != KEY_BYTES for key in (*keys.values(), index_key)):
            raise SealingKeyError(f"every sealing key and the index key need {KEY_BYTES} bytes")
        if index_key in keys.values():
            raise SealingKeyError("the index key must not be a sealing key")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.current_key_id = current
        self._index_key = index_key

    def holds(self, key_id: str) -> bool:
        """Whether what this key has sealed can be opened."""
        return key_id in self._ciphers

    def seal(self, text: str, *, context: str) -> Sealed:
        """Return the text sealed for a context; the same text seals differently each time."""
        return self.seal_bytes(text.encode(), context=context)

    def seal_bytes(self, content: bytes, *, context: str) -> Sealed:
        """The same for bytes; 4 MiB take 3 ms, in which other threads run."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        ciphertext = self._ciphers[self.current_key_id].encrypt(nonce, content, context.encode())
        return Sealed(nonce + ciphertext, self.current_key_id)

    def unseal(self, sealed: Sealed, *, context: str) -> str:
        """Return the text that was sealed for this context. Raises SealBroken."""
        try:
            return self.unseal_bytes(sealed, context=context).decode()
        except UnicodeDecodeError as error:
            raise SealBroken(f"what key {sealed.key_id!r} has sealed is no text") from error

    def unseal_bytes(self, sealed: Sealed, *, context: str) -> bytes:
        """Return the bytes that were sealed for this context. Raises SealBroken."""
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise SealBroken(f"there is no sealing key {sealed.key_id!r}")
        nonce, ciphertext = sealed.ciphertext[:_NONCE_BYTES], sealed.ciphertext[_NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, ciphertext, context.encode())
        except (InvalidTag, ValueError) as error:  # ValueError: cut shorter than a nonce
            raise SealBroken(f"a text sealed by key {sealed.key_id!r} does not open") from error

    def blind_index(self, text: str, *, context: str) -> bytes:
        """Return 32 bytes that are equal for equal texts of one context: HMAC-SHA256.

        Normalize the text first. The context is a column, such as `member.national_code`, not a
        row: otherwise nothing is ever found.
        """
        name = context.encode()
        # The length keeps ("ab", "c") and ("a", "bc") apart.
        message = len(name).to_bytes(4, "big") + name + text.encode()
        return hmac.new(self._index_key, message, hashlib.sha256).digest()


class _Configured:
    sealer: Sealer | None = None


def configure(sealer: Sealer) -> None:
    """Set the sealer of this process; the composition root does this once."""
    _Configured.sealer = sealer


def current() -> Sealer:
    """Return the sealer of this process. Raises SealingKeyError before `configure`."""
    if _Configured.sealer is None:
        raise SealingKeyError("no sealer is configured in this process")
    return _Configured.sealer
