"""Pages are bounded, and a cursor goes on only in the list that it comes from."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum, IntEnum, StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core import base64url, paging
from backend.core.locale import Locale

LIST = paging.fingerprint(field="stores", province="IR-23")
OTHER_LIST = paging.fingerprint(field="stores", province="IR-07")

integers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
sort_keys = st.lists(integers | floats | texts, min_size=1, max_size=8).map(tuple)


@dataclass(frozen=True)
class StoreFilter:
    """An argument as services take it."""

    category: str
    open_now: bool
    cities: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PlaceFilter:
    """Another argument with equal fields."""

    category: str
    open_now: bool
    cities: frozenset[str] = frozenset()


class Colour(StrEnum):
    """An enum of texts."""

    RED = "red"


class Size(IntEnum):
    """An enum of numbers."""

    SMALL = 1


class Shape(Enum):
    """An enum of anything."""

    ROUND = "round"


def bits(part: paging.KeyPart) -> object:
    """The part with its type, and a float as its bytes."""
    return struct.pack(">d", part) if isinstance(part, float) else (type(part), part)


@pytest.mark.parametrize("first", [1, 20, 100])
def test_a_page_within_the_bounds_is_accepted(first: int) -> None:
    assert paging.check_first(first) == first


@pytest.mark.parametrize("first", [0, -1, 101, 2**31])
def test_a_page_outside_the_bounds_is_refused(first: int) -> None:
    with pytest.raises(paging.PageSizeInvalid) as refusal:
        paging.check_first(first)

    assert refusal.value.data == {"most": 100}
    assert refusal.value.field == ("first",)


def test_a_list_may_have_a_bound_of_its_own() -> None:
    assert paging.check_first(500, most=500) == 500
    with pytest.raises(paging.PageSizeInvalid) as refusal:
        paging.check_first(501, most=500)
    assert refusal.value.message(Locale.FA) == "در هر صفحه می‌توان ۱ تا ۵۰۰ مورد خواست."


def test_a_fingerprint_stays_the_same_on_every_machine() -> None:
    assert paging.fingerprint(field="stores", province="IR-23") == "v8Xcta9d-cG71-MU"


def test_a_fingerprint_does_not_depend_on_any_order() -> None:
    one = paging.fingerprint(a=1, b={"x": 1, "y": 2}, c=frozenset({"p", "q", "r"}))
    other = paging.fingerprint(c=frozenset({"r", "q", "p"}), b={"y": 2, "x": 1}, a=1)

    assert one == other


def test_a_moment_has_one_fingerprint_in_all_time_zones() -> None:
    utc = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    tehran = utc.astimezone(timezone(timedelta(hours=3, minutes=30)))

    assert paging.fingerprint(at=utc) == paging.fingerprint(at=tehran)


def test_different_arguments_have_different_fingerprints() -> None:
    values: list[object] = [
        None,
        True,
        False,
        0,
        1,
        2,
        0.5,
        "",
        "1",
        "none",
        Shape.ROUND,
        Colour.RED,
        [],
        [1, 2],
        [2, 1],
        {"a": 1},
        frozenset({1, 2}),
        frozenset({"1", "2"}),
        date(2026, 11, 22),
        datetime(2026, 11, 22, tzinfo=UTC),
        "2026-11-22",
        UUID(int=1),
        StoreFilter("food", open_now=True),
        StoreFilter("food", open_now=False),
        StoreFilter("food", open_now=True, cities=frozenset({"ری"})),
        PlaceFilter("food", open_now=True),
    ]

    found = {paging.fingerprint(value=value) for value in values}

    assert len(found) == len(values)


def test_the_name_of_an_argument_counts() -> None:
    assert paging.fingerprint(a=1) != paging.fingerprint(b=1)


def test_an_enum_counts_as_its_value() -> None:
    assert paging.fingerprint(colour=Colour.RED) == paging.fingerprint(colour="red")
    assert paging.fingerprint(size=Size.SMALL) == paging.fingerprint(size=1)


def test_an_argument_without_a_stable_form_is_refused() -> None:
    with pytest.raises(paging.UnfitForCursorError):
        paging.fingerprint(value=object())
    with pytest.raises(paging.UnfitForCursorError):
        paging.fingerprint(value=StoreFilter)


@given(sort_keys)
def test_a_sort_key_survives_its_cursor_to_the_bit(key: paging.Key) -> None:
    found = paging.decode_cursor(paging.encode_cursor(LIST, key), LIST)

    assert [bits(part) for part in found] == [bits(part) for part in key]


@pytest.mark.parametrize(
    "number", [0.1 + 0.2, -0.0, 5e-324, 1.7976931348623157e308, math.inf, -math.inf, 2.0]
)
def test_a_float_survives_its_cursor_to_the_bit(number: float) -> None:
    (found,) = paging.decode_cursor(paging.encode_cursor(LIST, (number,)), LIST)

    assert bits(found) == bits(number)


def test_a_cursor_of_a_list_with_other_arguments_is_refused() -> None:
    cursor = paging.encode_cursor(LIST, (1, "ری"))

    with pytest.raises(paging.InvalidCursor) as refusal:
        paging.decode_cursor(cursor, OTHER_LIST)

    assert refusal.value.code == "BAD_USER_INPUT"
    assert refusal.value.field == ("after",)


def test_parts_of_the_expected_types_are_accepted() -> None:
    cursor = paging.encode_cursor(LIST, (0.5, "ری", 7))

    assert paging.decode_cursor(cursor, LIST, types=(float, str, int)) == (0.5, "ری", 7)


@pytest.mark.parametrize("types", [(int,), (str, int), (int, str, str), (), (float, str)])
def test_a_forged_cursor_with_parts_of_other_types_is_refused(
    types: tuple[type[paging.KeyPart], ...],
) -> None:
    cursor = paging.encode_cursor(LIST, (1, "ری"))

    with pytest.raises(paging.InvalidCursor):
        paging.decode_cursor(cursor, LIST, types=types)


@given(st.text() | st.binary().map(base64url.encode))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(paging.InvalidCursor):
        paging.decode_cursor(text, LIST)


@given(st.binary(max_size=60))
def test_any_bytes_after_the_right_fingerprint_are_one_key_or_are_refused(data: bytes) -> None:
    text = base64url.encode(bytes([len(LIST)]) + LIST.encode() + data)
    try:
        key = paging.decode_cursor(text, LIST)
    except paging.InvalidCursor:
        return
    assert paging.encode_cursor(LIST, key) == text


@given(sort_keys, st.data())
def test_a_cursor_cut_short_is_refused_or_is_that_of_the_first_parts(
    key: paging.Key, data: st.DataObject
) -> None:
    whole = paging.encode_cursor(LIST, key)
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        found = paging.decode_cursor(part, LIST)
    except paging.InvalidCursor:
        return
    assert list(map(bits, found)) == list(map(bits, key[: len(found)]))
    assert len(found) < len(key)


@pytest.mark.parametrize(
    "tail",
    [
        b"",
        b"x\0\0\0\0\0\0\0\1",
        b"i\0\0\0\0\0\0\1",
        b"f\x7f\xf8\0\0\0\0\0\0",
        b"f\xff\xf0\0\0\0\0\0\1",
        b"s",
        b"s\0",
        b"s\0\2a",
        b"s\0\1\0",
        b"s\0\1\xff",
        b"s\0\2\xc0\x80",
        b"s\0\3\xed\xa0\x80",
        b"i\0\0\0\0\0\0\0\1i",
        b"i\0\0\0\0\0\0\0\1" * 9,
    ],
)
def test_a_damaged_key_is_refused(tail: bytes) -> None:
    text = base64url.encode(bytes([len(LIST)]) + LIST.encode() + tail)

    with pytest.raises(paging.InvalidCursor):
        paging.decode_cursor(text, LIST)


def test_padding_and_length_beyond_the_bound_are_refused() -> None:
    cursor = paging.encode_cursor(LIST, (1,))

    for text in (cursor + "=", cursor + "\n", " " + cursor, "A" * 2_049, "A" * 2_048):
        with pytest.raises(paging.InvalidCursor):
            paging.decode_cursor(text, LIST)


def test_the_longest_text_fits_and_a_longer_one_does_not() -> None:
    room = 2_048 * 3 // 4 - 1 - len(LIST) - 3
    longest = paging.encode_cursor(LIST, ("a" * room,))

    assert len(longest) == 2_048
    assert paging.decode_cursor(longest, LIST) == ("a" * room,)
    with pytest.raises(paging.UnfitForCursorError):
        paging.encode_cursor(LIST, ("a" * (room + 1),))


@pytest.mark.parametrize(
    "key",
    [
        (),
        (1,) * 9,
        (True,),
        (math.nan,),
        (2**63,),
        (-(2**63) - 1,),
        ("a\0b",),
        ("\ud800",),
        ("a" * 70_000,),
    ],
)
def test_a_key_that_no_cursor_can_carry_is_a_mistake_of_ours(key: paging.Key) -> None:
    with pytest.raises(paging.UnfitForCursorError):
        paging.encode_cursor(LIST, key)


def test_a_value_of_a_foreign_type_is_a_mistake_of_ours() -> None:
    with pytest.raises(paging.UnfitForCursorError):
        paging.encode_cursor(LIST, (None,))  # type: ignore[arg-type]  # what the test is about
