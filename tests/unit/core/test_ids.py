"""A global id is opaque, and each node has one only."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import base64url, ids
from backend.core.ids import GlobalId

LONGEST = GlobalId("A" * 40, ids.MAX_KEY, ids.MAX_KEY)

keys = st.integers(1, ids.MAX_KEY)
type_names = st.from_regex("[A-Z][A-Za-z0-9]{0,39}", fullmatch=True)
global_ids = st.builds(GlobalId, type_names, keys, st.none() | keys)
payloads = st.text(alphabet="StoreAZaz019:- ", max_size=30)


@given(global_ids)
def test_an_id_survives_encoding_and_decoding(global_id: GlobalId) -> None:
    text = global_id.encode()

    assert ids.decode(text) == global_id
    assert ids.decode(text, expected=global_id.type_name) == global_id
    assert len(text) <= ids.MAX_GLOBAL_ID_CHARACTERS
    assert set(text) <= set(string.ascii_letters + string.digits + "-_")


@given(global_ids, global_ids)
def test_two_nodes_never_share_an_id(one: GlobalId, other: GlobalId) -> None:
    assert (one.encode() == other.encode()) == (one == other)


def test_the_form_of_an_id_stays_as_clients_have_stored_it() -> None:
    assert GlobalId("Store", 42).encode() == "U3RvcmU6NDI"
    assert GlobalId("Purchase", 42, member_id=7).encode() == "UHVyY2hhc2U6Nzo0Mg"


def test_the_longest_id_can_be_read_again() -> None:
    assert ids.decode(LONGEST.encode()) == LONGEST


def test_an_id_of_another_type_than_expected_is_refused() -> None:
    with pytest.raises(ids.InvalidGlobalId):
        ids.decode(GlobalId("Store", 42).encode(), expected="Purchase")


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "Store",
        "Store:",
        ":42",
        "Store:0",
        "Store:042",
        "Store:-42",
        "Store:+42",
        "Store: 42",
        "Store:42\n",
        "Store:4_2",
        "Store:۴۲",
        "Store:0:42",
        "Store:07:42",
        "Store::42",
        "Store:1:2:3",
        "store:42",
        "9Store:42",
        "Sto-re:42",
        "Store:9223372036854775808",
        f"{'A' * 41}:1",
    ],
)
def test_a_payload_in_another_form_is_refused(payload: str) -> None:
    with pytest.raises(ids.InvalidGlobalId):
        ids.decode(base64url.encode(payload.encode()))


@pytest.mark.parametrize(
    "text",
    [
        "U3RvcmU6NDI=",
        " U3RvcmU6NDI",
        "U3RvcmU6NDI\n",
        "U3RvcmU6NDJ",
        "Store:42",
        "A" * 129,
        "\ud800",
    ],
)
def test_another_spelling_of_an_id_is_refused(text: str) -> None:
    with pytest.raises(ids.InvalidGlobalId):
        ids.decode(text)


@given(
    st.text()
    | st.binary().map(base64url.encode)
    | payloads.map(lambda t: t.encode()).map(base64url.encode)
)
def test_any_text_is_the_one_spelling_of_an_id_or_is_refused(text: str) -> None:
    try:
        found = ids.decode(text)
    except ids.InvalidGlobalId:
        return
    assert found.encode() == text


@pytest.mark.parametrize(
    ("type_name", "key", "member_id"),
    [
        ("", 1, None),
        ("store", 1, None),
        ("Store:1", 1, None),
        ("فروشگاه", 1, None),
        ("A" * 41, 1, None),
        ("Store", 0, None),
        ("Store", -1, None),
        ("Store", 2**63, None),
        ("Store", 1, 0),
        ("Store", 1, 2**63),
    ],
)
def test_an_id_that_could_not_be_read_again_is_not_made(
    type_name: str, key: int, member_id: int | None
) -> None:
    with pytest.raises(ids.InvalidGlobalId):
        GlobalId(type_name, key, member_id)


def test_a_trace_id_is_new_each_time_and_has_32_hexadecimal_digits() -> None:
    made = {ids.new_trace_id() for _ in range(1_000)}

    assert len(made) == 1_000
    assert all(len(one) == 32 and set(one) <= set("0123456789abcdef") for one in made)
