"""Clusters of places on a map: how the world is cut into cells at a zoom."""

import math
from dataclasses import dataclass

from backend.core.errors import BadUserInput, sentences
from backend.core.geo import GeoBounds, GeoPoint

MAX_ZOOM = 22

_CELLS_A_TILE = 4  # a map tile has 256 points, a cluster's cell 64: about a thumb
_MAX_CELLS = 1_000
_MERCATOR_LATITUDE = 85.0511


@dataclass(frozen=True, slots=True)
class StoreCluster:
    """Stores that stand too close together at a zoom; `store_id` where there is just one."""

    location: GeoPoint
    count: int
    bounds: GeoBounds
    store_id: int | None


class ZoomInvalid(BadUserInput):
    """The zoom is not one of a map."""

    texts = sentences(
        fa="بزرگ‌نمایی باید بین ۰ و {most} باشد.", en="The zoom must be between 0 and {most}."
    )
    hints = sentences(fa="بزرگ‌نمایی دیگری بفرستید.", en="Send another zoom.")


def cluster_cells(bounds: GeoBounds, zoom: int) -> int:
    """Into how many columns the whole world is cut for clusters at a zoom (web mercator).

    A zoom too fine for such wide bounds is coarsened, so that no answer has more than about 1,000 clusters.
    Raises ZoomInvalid.
    """
    if not 0 <= zoom <= MAX_ZOOM:
        raise ZoomInvalid(field=("zoom",), most=MAX_ZOOM)
    width = (bounds.east - bounds.west) / 360
    height = mercator_y(bounds.south) - mercator_y(bounds.north)
    for level in range(zoom, 0, -1):
        cells = _CELLS_A_TILE << level
        if (width * cells + 1) * (height * cells + 1) <= _MAX_CELLS:
            return cells
    return _CELLS_A_TILE


def mercator_y(latitude: float) -> float:
    """The vertical place on a web-mercator map: 0 at the northern edge, 1 at the southern."""
    clamped = math.radians(max(-_MERCATOR_LATITUDE, min(_MERCATOR_LATITUDE, latitude)))
    return (1 - math.log(math.tan(clamped) + 1 / math.cos(clamped)) / math.pi) / 2
