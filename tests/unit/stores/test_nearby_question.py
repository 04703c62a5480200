"""The question of a list near a point is told apart as `paging.fingerprint` does, so that old cursors go on fitting."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from backend.core import paging
from backend.core.geo import GeoPoint
from backend.stores import nearby, questions
from backend.stores.domain import PlaceKind, StoreFilter

FILTERS = st.builds(
    StoreFilter,
    kind=st.sampled_from(PlaceKind),
    category_ids=st.none() | st.lists(st.integers(1, 99), max_size=3).map(tuple),
    province_code=st.none() | st.text(max_size=5),
    open_now=st.none() | st.booleans(),
    has_offers=st.none() | st.booleans(),
)


@given(
    at=st.builds(GeoPoint, st.floats(-90, 90), st.floats(-180, 180) | st.integers(-180, 180)),
    radius=st.integers(1, 100_000),
    matching=FILTERS,
    credit=st.none() | st.integers(0, 10),
)
def test_a_question_has_the_fingerprint_of_its_arguments(
    at: GeoPoint, radius: int, matching: StoreFilter, credit: int | None
) -> None:
    asked = replace(matching, within_rials=credit)

    assert nearby._question(at, radius, asked) == paging.fingerprint(
        list="nearby", at=at, radius=radius, matching=questions.asked(matching)
    )
