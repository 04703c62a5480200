"""Fingerprints that are prepared, and the heads of cursors that SQL makes."""

from hypothesis import given
from hypothesis import strategies as st

from backend.core import base64url, paging

_NAMES = st.sampled_from(["after", "list", "matching", "zone", "m", "membership", "نام"])
_VALUES = st.one_of(st.none(), st.integers(), st.text(), st.booleans(), st.lists(st.text()))


@given(
    arguments=st.dictionaries(_NAMES, _VALUES),
    members=st.lists(st.integers(), min_size=1, max_size=3),
)
def test_a_prepared_fingerprint_is_the_fingerprint(
    arguments: dict[str, object], members: list[int]
) -> None:
    question = paging.prepared("member", **arguments)

    for member in members:
        assert question(member) == paging.fingerprint(member=member, **arguments)


def test_a_cursor_begins_with_its_head() -> None:
    marker = paging.fingerprint(list="purchases", member=7)

    payload = base64url.decode(paging.encode_cursor(marker, (5, 6)))

    assert payload.startswith(paging.cursor_head(marker))
    assert payload == paging.cursor_head(marker) + b"i\0\0\0\0\0\0\0\5i\0\0\0\0\0\0\0\6"
