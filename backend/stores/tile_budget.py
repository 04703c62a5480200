"""How much the tiles of all grids may hold together."""

from typing import Final, Protocol

MAX_KEPT: Final = 400_000  # spots in the tiles of all grids of one budget: 48 bytes each
TILE_WEIGHT: Final = 24  # spots that an empty tile weighs as much as: 1 kB with its place


class Tiles(Protocol):
    """Tiles in two generations, with what each of the two weighs."""

    young_weight: int
    old_weight: int

    def age(self) -> None:
        """Drop the old ones; the young ones are old now."""


class Budget:
    """What the tiles of some grids may hold together: MAX_KEPT in two generations, so that no question fills memory.

    What was not asked for while one generation filled up goes with the next.
    """

    def __init__(self) -> None:
        self._all: list[Tiles] = []

    @property
    def kept(self) -> int:
        """The spots in all tiles, and TILE_WEIGHT for each tile."""
        return sum(tiles.young_weight + tiles.old_weight for tiles in self._all)

    def share(self, tiles: Tiles) -> None:
        """Count these tiles among the others."""
        self._all.append(tiles)

    def make_room(self, weight: int) -> None:
        """Begin a new generation where the young one has no room for this."""
        if sum(tiles.young_weight for tiles in self._all) + weight > MAX_KEPT // 2:
            for tiles in self._all:
                tiles.age()
