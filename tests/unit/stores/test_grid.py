"""The grid finds what comparing every distance finds, whatever is put in and taken out."""

from itertools import islice, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.core import geo
from backend.core.geo import GeoPoint
from backend.stores import grid, tile_budget, tiles
from backend.stores.grid import Grid
from backend.stores.spots import MAX_CHORD, Found, Spot, chord
from backend.stores.tile_budget import TILE_WEIGHT, Budget

# Few values, so that many points fall together or on one line.
LATITUDES = st.sampled_from((-90.0, 0.0, 35.7, 35.7001, 35.75, 36.0, 89.999, 90.0)) | st.floats(
    35, 36
)
LONGITUDES = st.sampled_from((-180.0, -179.999, 0.0, 51.3, 51.3001, 180.0)) | st.floats(51, 52)
POINTS = st.builds(GeoPoint, LATITUDES, LONGITUDES)


def spot(key: int, point: GeoPoint) -> Spot[str]:
    return (*geo.unit_vector(point), key, f"place {key}")


def compared(spots: list[Spot[str]], at: GeoPoint, farthest: float) -> list[Found[str]]:
    """By comparing every one."""
    origin = geo.unit_vector(at)
    found = sorted((chord(origin, each), each[3], each[4]) for each in spots)
    return [each for each in found if each[0] <= farthest]


@settings(deadline=None)
@given(
    points=st.lists(POINTS, max_size=400),
    gone=st.sets(st.integers(0, 400)),
    questions=st.lists(st.tuples(POINTS, st.sampled_from((1, 6, 7, 21, 40, 101))), min_size=1),
    radius=st.sampled_from((1, 2_000, 100_000)),
)
def test_it_finds_what_comparing_finds(
    *,
    points: list[GeoPoint],
    gone: set[int],
    questions: list[tuple[GeoPoint, int]],
    radius: int,
) -> None:
    spots = [spot(key, point) for key, point in enumerate(points, start=1)]
    half = len(spots) // 2
    searched = Grid(spots[:half])
    for at, count in questions[:2]:  # what is kept for these must be forgotten
        searched.first(at, count, farthest=MAX_CHORD)
    searched.add(spots[half:])
    left = [each for each in spots if each[3] not in gone]
    for each in spots:
        if each[3] in gone:
            searched.remove(each)
    farthest = geo.chord_of(radius)

    for at, count in questions:
        expected = compared(left, at, farthest)
        assert searched.first(at, count, farthest=farthest) == expected[:count]
        walk = searched.walk(geo.unit_vector(at), farthest=farthest)
        assert list(islice(walk, count)) == expected[:count]
        if expected:
            after = expected[len(expected) // 2][:2]
            rest = searched.walk(geo.unit_vector(at), farthest=farthest, after=after)
            assert list(rest) == [each for each in expected if each[:2] > after]


def test_a_point_may_stand_anywhere_in_its_tile() -> None:
    """Corners and edges of tiles of every size, in a crowd that parts them."""
    crowd = [
        GeoPoint(35.7 + (n * 7919 % 997) / 99_700, 51.3 + (n * 104_729 % 991) / 99_100)
        for n in range(900)
    ]
    spots = [spot(key, point) for key, point in enumerate(crowd, start=1)]
    searched = Grid(spots)
    for level in range(2, tiles.FINEST_LEVEL + 1):
        side = 1 / (1 << level)
        for latitude in (35.7 // side * side, 35.705 // side * side + side / 2):
            at = GeoPoint(latitude, 51.305 // side * side)
            assert searched.first(at, 21, farthest=MAX_CHORD) == compared(spots, at, MAX_CHORD)[:21]


def held(searched: Grid[str]) -> int:
    """The spots in all tiles that can be reached, and what the tiles themselves weigh."""
    kept = [
        tile
        for each in searched._tiles.values()
        for tile in (*each._young.values(), *each._old.values())
    ]
    return sum(TILE_WEIGHT + (0 if tile is None else len(tile.items)) for tile in kept)


def test_the_tiles_of_all_sizes_and_grids_share_one_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tile_budget, "MAX_KEPT", 8_000)
    crowd = [spot(n, GeoPoint(35 + n * 7919 % 997 / 997, 51.3)) for n in range(1, 400)]
    budget = Budget()
    grids = [Grid(crowd, budget=budget), Grid(crowd[:100], budget=budget)]
    most = 0
    for n in range(150):
        at = GeoPoint(35.0 + n / 150, 51.3)
        for searched, count in product(grids, grid.SIZES):
            expected = compared(crowd if searched is grids[0] else crowd[:100], at, MAX_CHORD)
            assert searched.first(at, count, farthest=MAX_CHORD) == expected[:count]
            most = max(most, sum(map(held, grids)))
            assert budget.kept >= sum(map(held, grids))

    assert 4_000 < most <= 8_000


def test_what_is_asked_for_again_outlives_the_generations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_budget, "MAX_KEPT", 4_000)
    searched = Grid([spot(1, GeoPoint(35.7, 51.3))])
    usual = GeoPoint(35.7, 51.3)
    searched.first(usual, 6, farthest=MAX_CHORD)
    [tile] = searched._tiles[6]._young.values()
    for n in range(200):
        searched.first(GeoPoint(n / 4, 10.0), 6, farthest=MAX_CHORD)
        searched.first(usual, 6, farthest=MAX_CHORD)

    again = [
        found
        for found in (*searched._tiles[6]._young.values(), *searched._tiles[6]._old.values())
        if found is tile
    ]
    assert again


def test_after_a_change_the_tiles_weigh_nothing() -> None:
    budget = Budget()
    searched = Grid([spot(1, GeoPoint(35.7, 51.3))], budget=budget)
    searched.first(GeoPoint(35.7, 51.3), 6, farthest=MAX_CHORD)
    assert budget.kept == TILE_WEIGHT + 1

    searched.add([spot(2, GeoPoint(35.7, 51.4))])

    assert budget.kept == held(searched) == 0
