"""Points and rectangles of the map."""

import strawberry

from backend.core import geo


@strawberry.type(description="A point in degrees of WGS 84.")
class GeoPoint:
    """A place on the map."""

    latitude: float = strawberry.field(description="Degrees north of the equator.")
    longitude: float = strawberry.field(description="Degrees east of Greenwich.")


@strawberry.type(description="A rectangle of the map in degrees, its edges included.")
class GeoBounds:
    """A rectangle of the map."""

    south: float = strawberry.field(description="The southern edge.")
    west: float = strawberry.field(description="The western edge.")
    north: float = strawberry.field(description="The northern edge.")
    east: float = strawberry.field(description="The eastern edge.")


@strawberry.input(description="A point in degrees of WGS 84.")
class GeoPointInput:
    """A place on the map, as a client sends it."""

    latitude: float = strawberry.field(description="Degrees north of the equator, -90 to 90.")
    longitude: float = strawberry.field(description="Degrees east of Greenwich, -180 to 180.")


@strawberry.input(
    description="A rectangle of the map in degrees; it may not cross the 180th meridian."
)
class GeoBoundsInput:
    """A rectangle of the map, as a client sends it."""

    south: float = strawberry.field(description="The southern edge.")
    west: float = strawberry.field(description="The western edge.")
    north: float = strawberry.field(description="The northern edge.")
    east: float = strawberry.field(description="The eastern edge.")


def point(value: geo.GeoPoint) -> GeoPoint:
    """The GraphQL form of a point."""
    return GeoPoint(latitude=value.latitude, longitude=value.longitude)


def bounds(value: geo.GeoBounds) -> GeoBounds:
    """The GraphQL form of a rectangle."""
    return GeoBounds(south=value.south, west=value.west, north=value.north, east=value.east)
