"""The chain's bytes: what is said twice alike has one hash, and nothing else has it."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.audit import chain
from backend.audit.chain import Batch, Line, Position

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
TEXTS = st.lists(st.none() | st.text(max_size=5), min_size=3, max_size=3)
IDS = st.integers(-(2**63), 2**63 - 1)
BATCH = Batch(
    number=2,
    sealed_at=AT,
    begins=Position(5, 0),
    ends=Position(9, 0),
    entries=1,
    content_sha256=bytes(32),
    marks=chain.mark_of(7, bytes(32)),
    previous_head=chain.GENESIS,
    key_id="k",
)


def line(texts: list[str | None]) -> Line:
    return Line(Position(1, 1), AT, texts)


@given(TEXTS, TEXTS)
def test_two_entries_have_one_hash_only_where_all_their_texts_are_one(
    some: list[str | None], others: list[str | None]
) -> None:
    """Also where a border moves: ("ab", "c") is not ("a", "bc"), and nothing is not the empty text."""
    assert (chain.hash_of(line(some)) == chain.hash_of(line(others))) is (some == others)


@given(st.dictionaries(IDS, st.binary(min_size=32, max_size=32), max_size=20))
def test_marks_are_found_by_their_ids(digests: dict[int, bytes]) -> None:
    marks = b"".join(chain.mark_of(entry_id, digest) for entry_id, digest in digests.items())

    assert chain.marks_by_id(marks) == {
        entry_id: chain.mark_of(entry_id, digest) for entry_id, digest in digests.items()
    }
    assert len(marks) == chain.MARK_BYTES * len(digests)


@pytest.mark.parametrize(
    "changed",
    [
        {"number": 3},
        {"sealed_at": AT + timedelta(microseconds=1)},
        {"begins": Position(4, 0)},
        {"begins": Position(5, 1)},
        {"ends": Position(10, 0)},
        {"ends": Position(9, 1)},
        {"entries": 2},
        {"content_sha256": b"x" * 32},
        {"marks": chain.mark_of(8, bytes(32))},
        {"previous_head": b"x" * 32},
        {"key_id": "l"},
    ],
)
def test_the_head_is_of_all_that_a_batch_says(changed: dict[str, object]) -> None:
    assert chain.head_of(replace(BATCH, **changed)) != chain.head_of(BATCH)  # type: ignore[arg-type]


def test_the_bytes_are_fixed_for_ever() -> None:
    """A trail that was sealed years ago has to be verified by the code of then and of today alike."""
    assert chain.GENESIS.hex() == hashlib.sha256(b"bashgah audit trail v1").hexdigest()
    entry = b"bashgah audit entry v1\0" + b"\0\0\0\1a" + b"\xff\xff\xff\xff" + b"\0\0\0\2\xd8\xa7"
    assert chain.hash_of(line(["a", None, "ا"])) == hashlib.sha256(entry).digest()
    assert chain.message_of(bytes(32)) == b"bashgah audit head v1\n" + b"0" * 64 + b"\n"
    said = [
        *("bashgah audit head v1", "2", chain.GENESIS.hex(), "5", "0", "9", "0", "1", "0" * 64),
        *(hashlib.sha256(BATCH.marks).hexdigest(), str(int(AT.timestamp()) * 1_000_000), "k"),
    ]
    text = b"".join(len(each).to_bytes(4) + each.encode() for each in said)
    assert chain.head_of(BATCH) == hashlib.sha256(text).digest()


def test_a_batch_is_complete_where_it_ends_before_a_transaction() -> None:
    assert BATCH.is_complete
    assert not replace(BATCH, ends=Position(9, 4)).is_complete
