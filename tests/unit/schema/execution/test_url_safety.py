"""What names a person or a place may not stand in a URL."""

import pytest

from tests.support.boxes import reader


@pytest.mark.parametrize(
    "document",
    [
        "{ box { name } }",
        "query ($n: Int) { boxes(first: $n) { edges { node { name } } } }",
        "{ around }",
        "{ owned }",
    ],
)
def test_most_operations_may_stand_in_a_url(document: str) -> None:
    assert reader().read(document).is_safe_in_url


@pytest.mark.parametrize(
    "document",
    [
        "query ($at: GeoPointInput) { around(at: $at) }",
        "query ($lat: Float!) { around(at: {latitude: $lat, longitude: 1}) }",
        "{ around(at: {latitude: 29.6, longitude: 52.5}) }",
        "query ($c: NationalCode) { owned(by: $c) }",
        '{ owned(by: "0012345679") }',
        "query ($o: Owner) { owned(owner: $o) }",
        "{ owned(owner: {friends: []}) }",
        "query A { box { name } } query B($at: GeoPointInput) { around(at: $at) }",
        "{ ...F } fragment F on Query { around(at: {latitude: 29.6, longitude: 52.5}) }",
    ],
)
def test_what_holds_a_number_or_a_place_may_not(document: str) -> None:
    read = reader().read(document)

    assert read.errors == []
    assert not read.is_safe_in_url
