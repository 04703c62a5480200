"""Base64url has one spelling for each sequence of bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import base64url


@given(st.binary())
def test_bytes_survive_encoding_and_decoding(data: bytes) -> None:
    assert base64url.decode(base64url.encode(data)) == data


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"", ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\xfb\xff", "-_8")],
)
def test_the_vectors_of_the_standard_hold(data: bytes, text: str) -> None:
    assert base64url.encode(data) == text
    assert base64url.decode(text) == data


@pytest.mark.parametrize("text", ["Zg==", "Zh", "Z", "Zm9vZ", "+/8", "Zg\n", " Zg", "Zm 8", "Zgه"])
def test_every_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(base64url.Base64UrlError):
        base64url.decode(text)


@given(st.text(alphabet="ABCDghwxyz0189-_") | st.text())
def test_a_text_is_refused_or_is_the_encoding_of_its_bytes(text: str) -> None:
    try:
        data = base64url.decode(text)
    except base64url.Base64UrlError:
        return
    assert base64url.encode(data) == text
