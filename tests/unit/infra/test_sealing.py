"""Sealed texts open with their key and in their context only; indexes find without opening."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.infra import sealing

OLD_KEY = bytes(range(32))
NEW_KEY = bytes(range(32, 64))
INDEX_KEY = bytes(range(64, 96))
CONTEXT = "members.national_code:17"

SEALER = sealing.Sealer({"old": OLD_KEY, "new": NEW_KEY}, "new", INDEX_KEY)


@given(st.text(), st.text())
def test_a_sealed_text_opens_in_its_context(text: str, context: str) -> None:
    assert SEALER.unseal(SEALER.seal(text, context=context), context=context) == text


def test_a_sealed_text_names_its_key_and_hides_its_content() -> None:
    sealed = SEALER.seal("0012345679", context=CONTEXT)

    assert sealed.key_id == "new"
    assert b"0012345679" not in sealed.ciphertext
    assert len(sealed.ciphertext) == 12 + 10 + 16  # nonce, text, tag


def test_the_same_text_is_sealed_differently_each_time() -> None:
    first = SEALER.seal("0012345679", context=CONTEXT)

    assert SEALER.seal("0012345679", context=CONTEXT) != first


def test_a_sealed_text_does_not_open_in_another_context() -> None:
    sealed = SEALER.seal("0012345679", context=CONTEXT)

    with pytest.raises(sealing.SealBroken):
        SEALER.unseal(sealed, context="members.national_code:18")


@given(st.data())
def test_no_altered_bit_goes_unnoticed(data: st.DataObject) -> None:
    sealed = SEALER.seal("0012345679", context=CONTEXT)
    bit = data.draw(st.integers(0, len(sealed.ciphertext) * 8 - 1))
    altered = bytearray(sealed.ciphertext)
    altered[bit // 8] ^= 1 << bit % 8

    with pytest.raises(sealing.SealBroken):
        SEALER.unseal(sealing.Sealed(bytes(altered), sealed.key_id), context=CONTEXT)


@pytest.mark.parametrize("length", [0, 7, 12, 27, 37])
def test_a_text_cut_short_does_not_open(length: int) -> None:
    sealed = SEALER.seal("0012345679", context=CONTEXT)

    with pytest.raises(sealing.SealBroken):
        SEALER.unseal(sealing.Sealed(sealed.ciphertext[:length], "new"), context=CONTEXT)


def test_a_text_sealed_by_a_former_key_still_opens() -> None:
    former = sealing.Sealer({"old": OLD_KEY}, "old", INDEX_KEY)

    sealed = former.seal("0012345679", context=CONTEXT)

    assert sealed.key_id == "old"
    assert SEALER.unseal(sealed, context=CONTEXT) == "0012345679"


def test_a_text_of_a_lost_key_names_the_key() -> None:
    sealed = sealing.Sealed(b"\0" * 38, "lost")

    with pytest.raises(sealing.SealBroken, match="there is no sealing key 'lost'"):
        SEALER.unseal(sealed, context=CONTEXT)


def test_a_text_of_another_key_under_the_same_name_does_not_open() -> None:
    stranger = sealing.Sealer({"new": OLD_KEY}, "new", INDEX_KEY)

    with pytest.raises(sealing.SealBroken):
        SEALER.unseal(stranger.seal("0012345679", context=CONTEXT), context=CONTEXT)


def test_a_blind_index_is_the_keyed_hash_of_context_and_text() -> None:
    index = SEALER.blind_index("0012345679", context="members.national_code")

    # Reckoned outside: HMAC-SHA256 over 00000015, the context and the text.
    assert index.hex() == "e7eb097d01722f29d6787fb1441878c9d48d7d6cf384fa048ea961c9d94a42b8"


def test_a_blind_index_depends_on_key_context_and_text() -> None:
    other_key = sealing.Sealer({"new": NEW_KEY}, "new", OLD_KEY)

    indexes = {
        SEALER.blind_index("0012345679", context="members.national_code"),
        SEALER.blind_index("0012345679", context="loans.national_code"),
        SEALER.blind_index("2291234560", context="members.national_code"),
        other_key.blind_index("0012345679", context="members.national_code"),
    }

    assert len(indexes) == 4


def test_context_and_text_of_a_blind_index_do_not_run_together() -> None:
    assert SEALER.blind_index("c", context="ab") != SEALER.blind_index("bc", context="a")


def test_a_blind_index_outlives_the_rotation_of_sealing_keys() -> None:
    former = sealing.Sealer({"old": OLD_KEY}, "old", INDEX_KEY)

    assert former.blind_index("1", context="a") == SEALER.blind_index("1", context="a")


@pytest.mark.parametrize(
    ("keys", "current", "index_key", "reason"),
    [
        ({"old": OLD_KEY}, "new", INDEX_KEY, "not among the keys"),
        ({}, "new", INDEX_KEY, "not among the keys"),
        ({"new": NEW_KEY[:16]}, "new", INDEX_KEY, "need 32 bytes"),
        ({"new": NEW_KEY, "old": b""}, "new", INDEX_KEY, "need 32 bytes"),
        ({"new": NEW_KEY}, "new", INDEX_KEY + b"0", "need 32 bytes"),
        ({"new": NEW_KEY}, "new", NEW_KEY, "must not be a sealing key"),
    ],
)
def test_keys_that_cannot_seal_are_refused(
    keys: dict[str, bytes], current: str, index_key: bytes, reason: str
) -> None:
    with pytest.raises(sealing.SealingKeyError, match=reason):
        sealing.Sealer(keys, current, index_key)


@pytest.fixture
def unconfigured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process in which no sealer was configured, put back afterwards."""
    monkeypatch.setattr(sealing._Configured, "sealer", None)


@pytest.mark.usefixtures("unconfigured")
def test_without_configuration_there_is_no_sealer() -> None:
    with pytest.raises(sealing.SealingKeyError, match="no sealer is configured"):
        sealing.current()


@pytest.mark.usefixtures("unconfigured")
def test_the_configured_sealer_is_the_current_one() -> None:
    sealing.configure(SEALER)

    assert sealing.current() is SEALER
