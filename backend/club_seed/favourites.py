"""Invented favourites: the stores near their homes that some members keep at hand."""

from datetime import timedelta
from random import Random

from backend.club_seed.world import World
from backend.members.seed.people import Person
from backend.stores.seeding import SeedFavourite

_SHARE, _MOST = 0.15, 5
_DAYS = 400


def draw_favourites(
    random: Random, world: World, person: Person, *, certain: bool
) -> list[SeedFavourite]:
    """One to five different stores, oldest first, for 15 % of the members and for whom it is `certain`; else none."""
    if not certain and random.random() >= _SHARE:
        return []
    near = world.stores_near(person.town)
    chosen = random.sample(near, min(random.randint(1 + certain, _MOST), len(near)))
    days = sorted((random.random() * _DAYS for _ in chosen), reverse=True)
    return [
        SeedFavourite(person.number, store_id, world.now - timedelta(days=age))
        for store_id, age in zip(chosen, days, strict=True)
    ]
