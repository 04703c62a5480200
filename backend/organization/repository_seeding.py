"""What the seed asks of the organization."""

from dataclasses import dataclass

from backend.infra import db


@dataclass(frozen=True, slots=True)
class CityUnits:
    """A city, how many live there, and the codes of its branches and associations."""

    province_code: str
    name: str
    population: int
    branches: tuple[str, ...]
    associations: tuple[str, ...]


async def list_city_units() -> list[CityUnits]:
    """Every city by province and name; where it has no unit, those of its province serve it."""
    rows = await db.fetch(
        """
        SELECT c.province_code, c.name_fa, c.population,
               coalesce((SELECT array_agg(u.code ORDER BY u.code) FROM branch u
                          WHERE u.province_code = c.province_code AND u.city = c.name_fa),
                        (SELECT array_agg(u.code ORDER BY u.code) FROM branch u
                          WHERE u.province_code = c.province_code), '{}') AS branches,
               coalesce((SELECT array_agg(u.code ORDER BY u.code) FROM association u
                          WHERE u.province_code = c.province_code AND u.city = c.name_fa),
                        (SELECT array_agg(u.code ORDER BY u.code) FROM association u
                          WHERE u.province_code = c.province_code), '{}') AS associations
          FROM city c ORDER BY c.province_code, c.name_fa
        """
    )
    return [
        CityUnits(
            row["province_code"],
            row["name_fa"],
            row["population"],
            tuple(row["branches"]),
            tuple(row["associations"]),
        )
        for row in rows
    ]
