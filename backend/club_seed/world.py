"""What the making of members and debts must know of the club around them; handed to each worker process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain

from backend.loans.seeding import SeedRound
from backend.members.seed.people import Town

MEMBERS_A_CHUNK = 5_000
FEWEST_STORES = 3  # a town with fewer goes to those of its province


@dataclass(frozen=True, slots=True)
class Stores:
    """The ids of open stores, each list in the order of their codes; `everywhere` holds at least one."""

    by_town: Mapping[tuple[str, str], Sequence[int]]  # by province and city
    by_province: Mapping[str, Sequence[int]]
    everywhere: Sequence[int]


@dataclass(frozen=True, slots=True)
class World:
    """The seed's numbers, the moment it is made for, towns, stores, and loan rounds by id."""

    seed: int
    members: int
    purchases: int
    now: datetime
    today: date  # in Tehran
    towns: tuple[Town, ...]
    stores: Stores
    rounds: tuple[tuple[int, SeedRound], ...]

    @property
    def chunks(self) -> int:
        """How many chunks the members make."""
        return -(-self.members // MEMBERS_A_CHUNK)

    def members_of(self, chunk: int) -> tuple[int, int]:
        """The first number of a chunk from 0 on, and the one beyond its last."""
        return chunk * MEMBERS_A_CHUNK + 1, min((chunk + 1) * MEMBERS_A_CHUNK, self.members) + 1

    def purchases_of(self, chunk: int) -> tuple[int, int]:
        """The first purchase of a chunk, and the one beyond its last: in proportion to the members."""
        first, beyond = self.members_of(chunk)
        return (
            (first - 1) * self.purchases // self.members + 1,
            (beyond - 1) * self.purchases // self.members + 1,
        )

    def has_stores_in(self, town: Town) -> bool:
        """Whether people of this town need not leave it to choose among stores."""
        return len(self.stores.by_town.get((town.province_code, town.name), ())) >= FEWEST_STORES

    def stores_near(self, town: Town) -> Sequence[int]:
        """Where people of this town buy: there, else in its province, else anywhere."""
        if self.has_stores_in(town):
            return self.stores.by_town[town.province_code, town.name]
        return self.stores.by_province.get(town.province_code) or self.stores.everywhere


def stores_of(by_town: Mapping[tuple[str, str], Sequence[int]]) -> Stores:
    """The stores by town, by province and together."""
    provinces: dict[str, list[int]] = {}
    for (province_code, _), ids in by_town.items():
        provinces.setdefault(province_code, []).extend(ids)
    return Stores(by_town, provinces, tuple(chain.from_iterable(provinces.values())))
